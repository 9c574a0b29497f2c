// The floor on node:http2.
import { once } from "node:events";
import { createServer } from "node:http2";
import { Messages, prefixed } from "./messages.mjs";

/** @type {import("../floor.mjs").Serve} */
export async function serve(opened) {
  const server = createServer({ settings: { initialWindowSize: 1 << 20, maxConcurrentStreams: 1_000 } });
  server.on("stream", (stream, headers) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    const variant = String(headers[":path"]).includes("Delta") ? "delta" : "sotw";
    const handler = opened(variant, { write: (message) => void stream.write(Buffer.concat(prefixed(message))) });
    const messages = new Messages(handler.request);
    stream.on("data", (chunk) => messages.read(/** @type {Buffer} */ (chunk)));
    stream.on("end", () => stream.end());
    for (const event of ["close", "error"]) stream.on(event, handler.closed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return /** @type {import("node:net").AddressInfo} */ (server.address()).port;
}
