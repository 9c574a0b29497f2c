// The floor on grpc-js.
import { Server, ServerCredentials } from "@grpc/grpc-js";

/** @import { ServerDuplexStream } from "@grpc/grpc-js" */

/** @param {string} method */
const definition = (method) => ({
  path: `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`,
  requestStream: true,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
/** @param {Buffer} bytes */
const same = (bytes) => bytes;

/** @type {import("../floor.mjs").Serve} */
export async function serve(opened) {
  const handler =
    (/** @type {"sotw" | "delta"} */ variant) => (/** @type {ServerDuplexStream<Buffer, Buffer>} */ call) => {
      const handler = opened(variant, call);
      call.on("data", handler.request);
      call.on("end", () => call.end());
      for (const event of ["end", "error", "cancelled"]) call.on(event, handler.closed);
    };
  const server = new Server({ "grpc.max_send_message_length": -1 });
  server.addService(
    { stream: definition("StreamAggregatedResources"), delta: definition("DeltaAggregatedResources") },
    { stream: handler("sotw"), delta: handler("delta") },
  );
  return new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
}
