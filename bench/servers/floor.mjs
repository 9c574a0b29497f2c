// The floor: what any xDS server on a transport has to spend. It answers the first request of each type with ready
// bytes, writes ready bytes to every stream (or the first so many) at a change, and drops the answers.
import { parseArgs } from "node:util";
import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ClusterSchema } from "ts-control-plane/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "ts-control-plane/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "ts-control-plane/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "ts-control-plane/envoy/config/route/v3/route_pb";
import { administrate } from "./admin.mjs";
import { cluster, endpoints, listener, marker, routes } from "./resources.mjs";

/** @import { DescMessage, Message } from "@bufbuild/protobuf" */
/**
 * A transport is a module with a function `serve`, which listens on a free port of 127.0.0.1 and resolves with that
 * port. It calls `opened` for each stream, and passes the stream's messages and its end to the handler that it gets.
 * @typedef {{ write(message: Uint8Array): void }} Call
 * @typedef {{ request(message: Buffer): void, closed(): void }} Handler
 * @typedef {(opened: (variant: "sotw" | "delta", call: Call) => Handler) => Promise<number>} Serve
 */

const { values: options } = parseArgs({
  options: {
    type: { type: "string", default: "cluster" },
    n: { type: "string", default: "100" },
    cache: { type: "string" },
    all: { type: "boolean", default: false },
    sees: { type: "string", default: "Infinity" },
    transport: { type: "string", default: "own" },
  },
});
const n = Number(options.n);

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

/** Some resources of a type, as the lists of responses of both variants have them. */
class Kind {
  /** @param {DescMessage} schema @param {string} nameField @param {Message[]} messages */
  constructor(schema, nameField, messages) {
    this.schema = schema;
    this.nameField = nameField;
    this.typeUrl = `type.googleapis.com/${schema.typeName}`;
    this.sotw = messages.map((message) => this.any(message));
    this.delta = messages.map((message) => this.entry(message, "0"));
    this.first = { sotw: this.body(this.sotw, "0"), delta: this.body(this.delta, "0") };
  }

  /** @param {Message} message */
  any(message) {
    return fields([
      [1, this.typeUrl],
      [2, toBinary(this.schema, message)],
    ]);
  }

  /** @param {Message} message @param {string} version */
  entry(message, version) {
    const name = /** @type {any} */ (message)[this.nameField];
    return fields([
      [3, name],
      [1, version],
      [2, this.any(message)],
    ]);
  }

  /** @param {Uint8Array[]} entries @param {string} version */
  body(entries, version) {
    return fields([
      [1, version],
      [4, this.typeUrl],
      ...entries.map((each) => /** @type {[number, Uint8Array]} */ ([2, each])),
    ]);
  }
}

/** @param {(i: number) => Message} make */
const several = (make) => Array.from({ length: n }, (_, i) => make(i));
const clusters = () => new Kind(ClusterSchema, "name", several(cluster));
const endpointsOf = () => new Kind(ClusterLoadAssignmentSchema, "clusterName", several(endpoints));
const changing = options.type === "endpoint" ? endpointsOf() : clusters();
const kinds = options.all
  ? [
      changing,
      endpointsOf(),
      new Kind(ListenerSchema, "name", [listener()]),
      new Kind(RouteConfigurationSchema, "name", [routes(n)]),
    ]
  : [changing];

let nonces = 0;
/** @param {Call} call @param {Uint8Array} bytes */
const send = (call, bytes) => call.write(Buffer.concat([bytes, fields([[5, String(++nonces)]])]));

const calls = { sotw: /** @type {Set<Call>} */ (new Set()), delta: /** @type {Set<Call>} */ (new Set()) };

/** @type {{ serve: Serve }} */
const { serve } = await import(`./transports/${options.transport}.mjs`);
const port = await serve((variant, call) => {
  const unasked = new Set(kinds);
  calls[variant].add(call);
  return {
    request(message) {
      for (const kind of unasked) {
        if (!message.includes(kind.typeUrl)) continue;
        unasked.delete(kind);
        send(call, kind.first[variant]);
      }
    },
    closed: () => void calls[variant].delete(call),
  };
});
administrate(port, (k, i) => {
  const message = (options.type === "endpoint" ? endpoints : cluster)(i, marker(k));
  const version = String(k);
  changing.sotw[i] = changing.any(message);
  if (calls.sotw.size > 0) {
    const bytes = changing.body(changing.sotw, version);
    for (const call of calls.sotw) send(call, bytes);
  }
  const bytes = changing.body([changing.entry(message, version)], version);
  let left = Number(options.sees);
  for (const call of calls.delta) if (left-- > 0) send(call, bytes);
});
