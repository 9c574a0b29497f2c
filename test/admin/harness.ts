import { type IncomingHttpHeaders, request } from "node:http";
import { onTestFinished } from "vitest";
import { type AdminOptions, AdminServer } from "../../src/admin/index.js";
import type { SnapshotCache, XdsServerOptions } from "../../src/index.js";
import { TestServer } from "../protocol/harness.js";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks the admin port. */
export function ask(
  admin: AdminServer,
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { host, port } = admin.address;
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, method, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** The JSON of a page that answers 200. */
export async function page(admin: AdminServer, path: string): Promise<Json> {
  const { status, body } = await ask(admin, path);
  if (status !== 200) throw new Error(`${path}: ${status} ${body}`);
  return JSON.parse(body) as Json;
}
// biome-ignore lint/suspicious/noExplicitAny: tests look into JSON of many shapes
export type Json = any;

/** A server of a cache, and its admin port. Ends with the test. */
export async function startBoth(
  cache: SnapshotCache,
  options: Omit<AdminOptions, "port"> = {},
  serverOptions: XdsServerOptions & { rest?: boolean } = {},
): Promise<{ test: TestServer; admin: AdminServer }> {
  const test = await TestServer.start(cache, serverOptions);
  const admin = await AdminServer.start(test.server, { port: 0, groups: cache, ...options });
  onTestFinished(() => admin.close());
  return { test, admin };
}

/** The samples of a text in Prometheus' format, `name{label="value"}` → number. Throws for a line that is none. */
export function samples(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || /^# (HELP|TYPE) [a-z0-9_]+ /.test(line)) continue;
    const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/.exec(line) ?? [];
    const number = value === "+Inf" ? Number.POSITIVE_INFINITY : value === "Nan" ? Number.NaN : Number(value);
    if (name === undefined || (Number.isNaN(number) && value !== "Nan")) throw new Error(`not a sample: ${line}`);
    if (found.has(name)) throw new Error(`twice: ${name}`);
    found.set(name, number);
  }
  return found;
}
