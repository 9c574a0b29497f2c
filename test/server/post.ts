import { request } from "node:http";
import { request as requestTls } from "node:https";
import type { Certificate } from "../e2e/certificate.js";

/** A REST server on 127.0.0.1; with `ca` by TLS, showing the client's own certificate if there is one. */
export type RestTarget = { readonly port: number | undefined; readonly ca?: string } & Partial<Certificate>;

/** The answer to a REST request on a connection of its own; undefined: there was none. */
export function post(
  target: RestTarget,
  path: string,
  body: object | string,
): Promise<{ status: number; body: unknown } | undefined> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json" };
    const options = {
      host: "127.0.0.1",
      servername: "localhost",
      path,
      method: "POST",
      headers,
      agent: false,
      ...target,
    };
    const call = (target.ca === undefined ? request : requestTls)(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, body: text === "" ? undefined : JSON.parse(text) }),
      );
    });
    call.on("error", () => resolve(undefined));
    call.end(typeof body === "string" ? body : JSON.stringify(body));
  });
}
