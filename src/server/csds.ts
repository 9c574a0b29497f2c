import type { Server, ServerDuplexStream, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { Node } from "../cache/node-group.js";
import type { Client } from "./client-config.js";
import { type Companion, MessageStreams, passThrough, statusOf } from "./grpc-methods.js";

/** What the service asks of the server that it belongs to. */
export interface ClientStatusHost {
  /** The connected nodes. */
  clients(): Client[];
  /** Called before a request is answered; a throw refuses it. */
  asked(peer: string, node: Node | undefined): void | Promise<void>;
}

const name = "envoy.service.status.v3.ClientStatusDiscoveryService";

/** The largest answer, in bytes. */
const maxBytes = 64 << 20;

/**
 * The client status discovery service (CSDS): what every connected node was sent, took and refused, as `grpcdebug` and its like
 * read it. What the API marks as sensitive is not shown.
 */
export function addClientStatusService(server: Server, host: ClientStatusHost): Companion {
  const streams = new MessageStreams();
  const answer = async (bytes: Buffer, peer: string, earlier: Node | undefined) => {
    // Loaded here: few servers are ever asked.
    const { clientStatusResponse, decodeClientStatusRequest } = await import("./client-config.js");
    const request = decodeClientStatusRequest(bytes);
    const node = request.node ?? earlier;
    await host.asked(peer, node);
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
        streams.serve(call, {
          message: async (bytes) => {
            const answered = await answer(bytes, call.getPeer(), node);
            node = answered.node;
            return answered.bytes;
          },
        });
      },
      FetchClientStatus: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        answer(call.request, call.getPeer(), undefined).then(
          ({ bytes }) => reply(null, bytes),
          (error: unknown) => reply(statusOf(error)),
        );
      },
    },
  );
  return { name, stop: () => streams.stop() };
}
