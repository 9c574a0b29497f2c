import type { Server, ServerDuplexStream, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { Node } from "../cache/node-group.js";
import type { Caller } from "../protocol/caller.js";
import type { Admission } from "./admission.js";
import type { Client } from "./client-config.js";
import { callerOf, passThrough, serveMessages, statusOf } from "./grpc-methods.js";

/** What the service asks of the server that it belongs to. */
export interface ClientStatusHost {
  /** The connected nodes. */
  clients(): Client[];
  /** Called before a request is answered; a throw refuses it. */
  asked(caller: Caller, node: Node | undefined): void | Promise<void>;
}

const name = "envoy.service.status.v3.ClientStatusDiscoveryService";

/** The largest answer, in bytes. */
const maxBytes = 64 << 20;

/**
 * The client status discovery service (CSDS): what every connected node was sent, took and refused, as `grpcdebug` and its like
 * read it. What the API marks as sensitive is not shown. Returns the service's name.
 */
export function addClientStatusService(server: Server, host: ClientStatusHost, admission: Admission): string {
  const answer = async (bytes: Buffer, caller: Caller, earlier: Node | undefined) => {
    // Loaded here: few servers are ever asked.
    const { clientStatusResponse, decodeClientStatusRequest } = await import("./client-config.js");
    const request = decodeClientStatusRequest(bytes);
    const node = request.node ?? earlier;
    await host.asked(caller, node);
    return { node, bytes: await clientStatusResponse(request, host.clients(), maxBytes) };
  };
  server.addService(
    {
      StreamClientStatus: passThrough(`/${name}/StreamClientStatus`, true),
      FetchClientStatus: passThrough(`/${name}/FetchClientStatus`, false),
    },
    {
      StreamClientStatus: (call: ServerDuplexStream<Buffer, Buffer>) => {
        let node: Node | undefined;
        serveMessages(call, admission, (caller) => ({
          message: async (bytes) => {
            const answered = await answer(bytes, caller, node);
            node = answered.node;
            return answered.bytes;
          },
        }));
      },
      FetchClientStatus: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        answer(call.request, callerOf(call), undefined).then(
          ({ bytes }) => reply(null, bytes),
          (error: unknown) => reply(statusOf(error)),
        );
      },
    },
  );
  return name;
}
