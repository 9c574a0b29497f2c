// A service for the Envoy to pass requests on to.
import { once } from "node:events";
import { createServer, type Server } from "node:http";

/** Listens on 127.0.0.1, and answers each request with its first line. */
export async function startUpstream(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    response.end(`The upstream got ${request.method} ${request.url}\n`);
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  return server;
}
