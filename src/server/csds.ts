import type { Node } from "../cache/node-group.js";
import type { GrpcServer } from "../grpc/server.js";
import type { Caller } from "../protocol/caller.js";
import type { Client } from "./client-config.js";
import { type Door, type GrpcCaller, messages, unary } from "./grpc-methods.js";

/** What the service asks of the server that it belongs to. */
export interface ClientStatusHost {
  /** The connected nodes. */
  clients(): Client[];
  /** Called before a request is answered; a throw refuses it. */
  asked(caller: Caller, node: Node | undefined): void | Promise<void>;
}

/** Its path over REST. */
export const clientStatusPath = "/v3/discovery:client_status";

const name = "envoy.service.status.v3.ClientStatusDiscoveryService";

/** The largest answer, in bytes. */
const maxBytes = 64 << 20;

interface Asked {
  readonly body: Uint8Array;
  readonly caller: Caller;
  /** From the stream's first request. */
  readonly node?: Node | undefined;
}

/**
 * Answers one request, and says which node it comes from.
 * @throws XdsError of the request, and what the host's `asked` throws
 */
export async function answerClientStatus(host: ClientStatusHost, format: "protobuf" | "json", asked: Asked) {
  // Loaded here: few servers are ever asked.
  const { clientStatusResponse, jsonFormat, protobufFormat } = await import("./client-config.js");
  const chosen = format === "json" ? jsonFormat : protobufFormat;
  const request = chosen.decode(asked.body);
  const node = request.node ?? asked.node;
  await host.asked(asked.caller, node);
  return { node, body: await clientStatusResponse(request, host.clients(), chosen, maxBytes) };
}

/**
 * The client status discovery service (CSDS): what every connected node was sent, took and refused, as `grpcdebug` and its like
 * read it. What the API marks as sensitive is not shown. Returns the service's name.
 */
export function addClientStatusService(server: GrpcServer<GrpcCaller>, host: ClientStatusHost, door: Door): string {
  const open = (caller: Caller) => {
    let first: { readonly node: Node | undefined } | undefined;
    const message = async (body: Buffer) => {
      const answered = await answerClientStatus(host, "protobuf", { body, caller, node: first?.node });
      first ??= { node: answered.node };
      return answered.body;
    };
    return { message };
  };
  const fetch = async (body: Buffer, caller: Caller) => [
    (await answerClientStatus(host, "protobuf", { body, caller })).body,
  ];
  server.add(`/${name}/StreamClientStatus`, messages(door, open));
  server.add(`/${name}/FetchClientStatus`, unary(door, "protobuf", fetch));
  return name;
}
