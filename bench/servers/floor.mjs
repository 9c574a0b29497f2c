// The floor: what any xDS server on grpc-js has to spend. It writes ready bytes to every stream, and drops what they answer.
import { parseArgs } from "node:util";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { administrate } from "./admin.mjs";
import { clusterBytes, marker, name } from "./resources.mjs";

/** @import { ServerDuplexStream } from "@grpc/grpc-js" */
/** @typedef {ServerDuplexStream<Buffer, Buffer>} Call */

const { values: options } = parseArgs({
  options: {
    type: { type: "string" },
    n: { type: "string", default: "100" },
    cache: { type: "string" },
  },
});
const typeUrl = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/** Fields of length-delimited values. @param {[number, string | Uint8Array][]} list */
function fields(list) {
  const writer = new BinaryWriter();
  for (const [field, value] of list) {
    writer.tag(field, WireType.LengthDelimited);
    if (typeof value === "string") writer.string(value);
    else writer.bytes(value);
  }
  return writer.finish();
}

/** @param {number} i @param {string} [mark] */
const any = (i, mark) =>
  fields([
    [1, typeUrl],
    [2, clusterBytes(i, mark)],
  ]);
const anys = Array.from({ length: Number(options.n) }, (_, i) => any(i));
/** @param {Uint8Array} bytes @param {number} i @param {string} version */
const entry = (bytes, i, version) =>
  fields([
    [3, name(i)],
    [1, version],
    [2, bytes],
  ]);
/** @param {Uint8Array[]} entries @param {string} version */
const body = (entries, version) =>
  fields([[1, version], [4, typeUrl], ...entries.map((each) => /** @type {[number, Uint8Array]} */ ([2, each]))]);

let nonces = 0;
/** @param {Call} call @param {Uint8Array} bytes */
const send = (call, bytes) => call.write(Buffer.concat([bytes, fields([[5, String(++nonces)]])]));

/** @type {Set<Call>} */
const sotwCalls = new Set();
/** @type {Set<Call>} */
const deltaCalls = new Set();
const full = {
  sotw: body(anys, "0"),
  delta: body(
    anys.map((bytes, i) => entry(bytes, i, "0")),
    "0",
  ),
};

/** @param {Set<Call>} calls @param {() => Uint8Array} first */
const handler = (calls, first) => (/** @type {Call} */ call) => {
  call.on("data", () => {
    if (calls.has(call)) return;
    calls.add(call);
    send(call, first());
  });
  call.on("end", () => call.end());
  for (const event of ["end", "error", "cancelled"]) call.on(event, () => calls.delete(call));
};

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

const server = new Server({ "grpc.max_send_message_length": -1 });
server.addService(
  { stream: definition("StreamAggregatedResources"), delta: definition("DeltaAggregatedResources") },
  { stream: handler(sotwCalls, () => full.sotw), delta: handler(deltaCalls, () => full.delta) },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  administrate(port, (k, i) => {
    anys[i] = any(i, marker(k));
    const version = String(k);
    if (sotwCalls.size > 0) {
      const bytes = body(anys, version);
      for (const call of sotwCalls) send(call, bytes);
    }
    const bytes = body([entry(anys[i], i, version)], version);
    for (const call of deltaCalls) send(call, bytes);
  });
});
