import type { ClientStatusRequest } from "../../../gen/envoy/service/status/v3/csds_pb.js";
import type { Node } from "../../cache/node-group.js";
import type { Caller } from "../../caller.js";
import { XdsError } from "../../errors.js";
import type { GrpcServer } from "../../grpc/server.js";
import { inOneStep } from "../../in-turns.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import type { FlushQueue } from "../../protocol/flush-queue.js";
import type { XdsApi } from "../../resource/xds-api.js";
import type { LimitCounts } from "../admission/limits.js";
import type { SharedWork } from "../admission/shared-work.js";
import { messages, type UnaryContext, unary } from "../grpc/grpc-methods.js";
import type { Client } from "./client-config.js";
import type { ClientStatusForm, ClientStatusFormat } from "./client-status-format.js";

/** The part of its server that the client status service needs. */
export interface ClientStatusHost {
  /** Has the messages of the service, and those in the answers. */
  readonly api: XdsApi;
  readonly limits: LimitCounts;
  /** Runs the work of all answers, one at a time. */
  readonly work: SharedWork;
  /** Likewise for the questions of other processes, so that they and clients do not take each other's turns. */
  readonly peerWork: SharedWork;
  readonly queue: FlushQueue;
  /**
   * Returns the connected nodes.
   * @throws XdsError LIMIT_EXCEEDED if there is no room for an answer to this caller
   */
  clients(caller?: AccountedCaller): Client[];
  /** Asks the other processes that serve the configuration. Without one there are none. */
  readonly others?: AskOthers | undefined;
  /** Called before a request is answered. A throw refuses the request. */
  asked(caller: Caller, node: Node | undefined): void | Promise<void>;
}

/** What a process asks the others that serve the configuration. */
export interface ClientStatusQuestion {
  /** The form of the answer. */
  readonly form: ClientStatusForm;
  /** The `ClientStatusRequest` in protobuf, without its node, in base64. */
  readonly request: string;
}

/** Asks the other processes. Resolves with the answers of those that answer in time, see `packPieces()`. */
export type AskOthers = (question: ClientStatusQuestion, signal: AbortSignal) => Promise<readonly Uint8Array[]>;

/** The path of the service over REST. */
export const clientStatusPath = "/v3/discovery:client_status";

const name = "envoy.service.status.v3.ClientStatusDiscoveryService";

/** The largest answer, in bytes. */
const maxBytes = 64 << 20;
/** The largest request without its node, in bytes: room for the largest allowed list of matchers. */
const maxRequestBytes = 128 << 10;

interface ClientStatusCall {
  readonly body: Uint8Array;
  readonly caller: AccountedCaller;
  /** The node of the stream's first request. */
  readonly node?: Node | undefined;
  /** Aborts when the client has disconnected. */
  readonly signal: AbortSignal;
}

/**
 * Answers one request, with the nodes of all processes that serve the configuration. Returns the encoded answer and the
 * node that the request comes from.
 * @throws XdsError INVALID_REQUEST, INVALID_JSON, REQUEST_TOO_LARGE, LIMIT_EXCEEDED, and what the host's `asked` throws
 */
export async function answerClientStatus(host: ClientStatusHost, form: ClientStatusForm, call: ClientStatusCall) {
  const { body, caller, signal } = call;
  const { limits, queue } = host;
  const { account } = caller;
  const mostBytes = limits.limits.nodeBytes + maxRequestBytes;
  if (body.length > mostBytes)
    throw new XdsError(
      "REQUEST_TOO_LARGE",
      `a request of ${body.length} bytes; the client status service accepts at most ${mostBytes}`,
    );
  const { clientStatusResponse, formatOf, unpackPieces, withoutNode } = await modules();
  const { registry } = host.api;
  const format = formatOf(form, registry);
  const request = await queue.finish(
    account,
    inOneStep(() => format.decode(body, limits.checkNode)),
    signal,
  );
  const { node = call.node } = request;
  await host.asked(caller, node);
  const question = { form, request: withoutNode(request, registry).toString("base64") };
  const answer = await host.work.hold(signal, async () => {
    const own = await configsOf(host, host.work, request, format, signal, caller);
    const others = (await host.others?.(question, signal)) ?? [];
    return clientStatusResponse([...own, ...others.flatMap(unpackPieces)], { format, registry, maxBytes });
  });
  return { node, body: answer };
}

/** Answers the question of another process, with the nodes of this one. @throws as {@link answerClientStatus} */
export async function answerPeer(
  host: ClientStatusHost,
  { form, request }: ClientStatusQuestion,
  signal: AbortSignal,
): Promise<Buffer> {
  const { formatOf, packPieces } = await modules();
  const { registry } = host.api;
  const decoded = formatOf("protobuf", registry).decode(Buffer.from(request, "base64"), () => {});
  const { peerWork } = host;
  return peerWork.hold(signal, async () =>
    packPieces(await configsOf(host, peerWork, decoded, formatOf(form, registry), signal)),
  );
}

/** Loaded only when used: few servers get such requests. */
const modules = async () => ({
  ...(await import("./client-config.js")),
  ...(await import("./client-status-format.js")),
  ...(await import("./pieces.js")),
});

/** The configurations of the nodes of this process that a request selects. `caller` is charged for the work. */
async function configsOf(
  host: ClientStatusHost,
  work: SharedWork,
  { nodeMatchers, excludeResourceContents }: ClientStatusRequest,
  format: ClientStatusFormat,
  signal: AbortSignal,
  caller?: AccountedCaller,
): Promise<readonly Buffer[]> {
  const { clientConfigs } = await modules();
  const options = { registry: host.api.registry, format, withContents: !excludeResourceContents, maxBytes };
  const filter = nodeMatchers.length > 0 ? (await import("./node-matcher.js")).nodeFilter : undefined;
  const steps = function* () {
    const picks = filter && (yield* filter(nodeMatchers));
    return yield* clientConfigs(host.clients(caller), picks, options);
  };
  return work.slices(signal, steps(), (ms) => caller?.account.charge(ms));
}

/**
 * Adds the client status discovery service (CSDS), which `grpcdebug` and similar tools read. It shows what every
 * connected node was sent, has ACKed and has NACKed. Content that the API marks as sensitive is not shown. Returns the
 * service's name.
 */
export function addClientStatusService(
  server: GrpcServer<AccountedCaller>,
  host: ClientStatusHost,
  context: UnaryContext,
): string {
  const open = (caller: AccountedCaller) => {
    const call = new AbortController();
    let first: { readonly node: Node | undefined } | undefined;
    const message = async (body: Buffer) => {
      const request = { body, caller, node: first?.node, signal: call.signal };
      const answer = await answerClientStatus(host, "protobuf", request);
      first ??= { node: answer.node };
      return answer.body;
    };
    return { message, closed: () => call.abort() };
  };
  const fetch = async (body: Buffer, caller: AccountedCaller, signal: AbortSignal) => [
    (await answerClientStatus(host, "protobuf", { body, caller, signal })).body,
  ];
  server.add(`/${name}/StreamClientStatus`, messages(context, open));
  server.add(`/${name}/FetchClientStatus`, unary(context, "protobuf", fetch));
  return name;
}
