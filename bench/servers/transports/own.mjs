// The floor on our HTTP/2, without our gRPC.
import { once } from "node:events";
import { encodeHeaders } from "../../../dist/http2/hpack/encoder.js";
import { Http2Server } from "../../../dist/http2/server.js";
import { Messages, prefixed } from "./messages.mjs";

const head = encodeHeaders([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);
const trailers = encodeHeaders([["grpc-status", "0"]]);
const window = 1 << 20;
const limits = {
  streams: 1_000,
  headerBytes: 16_384,
  continuations: 16,
  controlFrames: 1_000_000,
  connections: 1_000_000,
  connectionsPerPeer: 1_000_000,
  handshakeMs: 60_000,
  idleMs: 600_000,
  frameMs: 1_000_000,
};

/** @type {import("../floor.mjs").Serve} */
export async function serve(opened) {
  const server = new Http2Server(
    { tls: undefined, limits, keepaliveMs: 600_000, keepaliveTimeoutMs: 600_000 },
    {
      opened: () => ({
        request(stream, headers) {
          const variant = headers?.path.includes("Delta") ? "delta" : "sotw";
          stream.respond(head);
          const handler = opened(variant, { write: (message) => stream.write(prefixed(message)) });
          const messages = new Messages(handler.request);
          return {
            data(chunk) {
              messages.read(chunk);
              if (stream.allowed < window / 2) stream.allow(window);
            },
            ended: () => stream.end(trailers),
            closed: handler.closed,
          };
        },
        failed: (error) => console.error(error),
        otherProtocol: () => "",
        closed: () => {},
      }),
      limitHit: (limit) => console.error(limit),
      handshakeFailed: (error) => console.error(error),
    },
  );
  server.listener.listen(0, "127.0.0.1");
  await once(server.listener, "listening");
  return /** @type {import("node:net").AddressInfo} */ (server.listener.address()).port;
}
