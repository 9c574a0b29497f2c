import { XdsError } from "../../errors.js";
import { decodePeerRequest, mostAnswerBytes, mostRequestBytes, peerMethod } from "../../fleet/network/peer-request.js";
import type { PeerHost } from "../../fleet/peer.js";
import type { GrpcServer } from "../../grpc/server.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import { type UnaryContext, unary } from "../grpc/grpc-methods.js";

/** Answers peers that know the token. */
export interface TokenPeerHost extends PeerHost {
  /** A peer shows by this token that it can read the store. */
  readonly token: string;
}

/** The most questions that are answered at the same time. */
const mostQuestions = 64;

/**
 * Adds the service by which replicas ask each other. It is not in the list of services, and reflection does not show
 * it. Only who knows the token gets answers.
 */
export function addPeerService(server: GrpcServer<AccountedCaller>, host: TokenPeerHost, context: UnaryContext): void {
  let running = 0;
  const answer = async (request: Buffer, signal: AbortSignal) => {
    const question = decodePeerRequest(request, host.token);
    if (running >= mostQuestions)
      throw new XdsError("LIMIT_EXCEEDED", `${mostQuestions} questions of peers are being answered; ask again later`);
    running++;
    try {
      const bytes = await host.answer(question, signal);
      if (bytes.length <= mostAnswerBytes) return [bytes];
      throw new XdsError("LIMIT_EXCEEDED", `the answer has ${bytes.length} bytes; a peer takes ${mostAnswerBytes}`);
    } finally {
      running--;
    }
  };
  server.add(
    peerMethod,
    unary(context, "discovery", (request, _, signal) => answer(request, signal), mostRequestBytes),
  );
}
