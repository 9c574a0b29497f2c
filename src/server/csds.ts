import type { Node } from "../cache/node-group.js";
import { XdsError } from "../errors.js";
import type { GrpcServer } from "../grpc/server.js";
import type { Caller } from "../protocol/caller.js";
import type { Client } from "./client-config.js";
import { type Door, type GrpcCaller, messages, unary } from "./grpc-methods.js";
import type { LimitCounts } from "./limits.js";
import type { SharedWork } from "./shared-work.js";

/** What the service asks of the server that it belongs to. */
export interface ClientStatusHost {
  readonly limits: LimitCounts;
  /** The answers to all clients are made in this. */
  readonly work: SharedWork;
  /**
   * The connected nodes.
   * @throws XdsError LIMIT_EXCEEDED when there is no room for an answer
   */
  clients(): Client[];
  /** Called before a request is answered; a throw refuses it. */
  asked(caller: Caller, node: Node | undefined): void | Promise<void>;
}

/** Its path over REST. */
export const clientStatusPath = "/v3/discovery:client_status";

const name = "envoy.service.status.v3.ClientStatusDiscoveryService";

/** The largest answer, in bytes. */
const maxBytes = 64 << 20;
/** The largest request, in bytes, beside its node: all matchers that there may be. */
const maxRequestBytes = 128 << 10;

interface Asked {
  readonly body: Uint8Array;
  readonly caller: Caller;
  /** From the stream's first request. */
  readonly node?: Node | undefined;
  /** The client has gone, and wants no answer. */
  readonly gone: AbortSignal;
}

/**
 * Answers one request, and says which node it comes from.
 * @throws XdsError of the request, and what the host's `asked` throws
 */
export async function answerClientStatus(host: ClientStatusHost, form: "protobuf" | "json", asked: Asked) {
  const { body, caller, gone } = asked;
  const { limits, work } = host;
  const mostBytes = limits.limits.nodeBytes + maxRequestBytes;
  if (body.length > mostBytes)
    throw new XdsError(
      "REQUEST_TOO_LARGE",
      `a request of ${body.length} bytes; one to the client status service has ${mostBytes} at most`,
    );
  // Loaded here: few servers are ever asked.
  const [{ clientStatusResponse }, { jsonFormat, protobufFormat }] = await Promise.all([
    import("./client-config.js"),
    import("./client-status-format.js"),
  ]);
  const format = form === "json" ? jsonFormat : protobufFormat;
  const { node = asked.node, nodeMatchers, excludeResourceContents } = format.decode(body, limits.checkNode);
  await host.asked(caller, node);
  const options = { format, withContents: !excludeResourceContents, maxBytes };
  const filter = nodeMatchers.length > 0 ? (await import("./node-matcher.js")).nodeFilter : undefined;
  const answer = await work.run(gone, function* () {
    const picks = filter && (yield* filter(nodeMatchers));
    return yield* clientStatusResponse(host.clients(), picks, options);
  });
  return { node, body: answer };
}

/**
 * The client status discovery service (CSDS): what every connected node was sent, took and refused, as `grpcdebug` and its like
 * read it. What the API marks as sensitive is not shown. Returns the service's name.
 */
export function addClientStatusService(server: GrpcServer<GrpcCaller>, host: ClientStatusHost, door: Door): string {
  const open = (caller: Caller) => {
    const call = new AbortController();
    let first: { readonly node: Node | undefined } | undefined;
    const message = async (body: Buffer) => {
      const asked = { body, caller, node: first?.node, gone: call.signal };
      const answered = await answerClientStatus(host, "protobuf", asked);
      first ??= { node: answered.node };
      return answered.body;
    };
    return { message, closed: () => call.abort() };
  };
  const fetch = async (body: Buffer, caller: Caller, gone: AbortSignal) => [
    (await answerClientStatus(host, "protobuf", { body, caller, gone })).body,
  ];
  server.add(`/${name}/StreamClientStatus`, messages(door, open));
  server.add(`/${name}/FetchClientStatus`, unary(door, "protobuf", fetch));
  return name;
}
