import { createHash, timingSafeEqual } from "node:crypto";
import { XdsError } from "../../errors.js";
import type { PeerQuestion } from "../peer.js";

/** The gRPC method that replicas ask each other by. */
export const peerMethod = "/tscontrolplane.fleet.v1.Replica/Ask";

/** The largest request, in bytes. */
export const mostRequestBytes = 512 << 10;
/** The largest answer, in bytes. */
export const mostAnswerBytes = 64 << 20;

/** The length of a token, in bytes: 32 random ones in base64url. */
const tokenBytes = 43;

/** A request: the token of the replica that is asked, and the question in JSON. It is no protobuf message. */
export function encodePeerRequest(token: string, question: PeerQuestion): Buffer {
  return Buffer.from(token + JSON.stringify(question));
}

/**
 * Reads a request. The token is compared before anything else is read, in a time that does not show how much of it is
 * right.
 * @throws XdsError PERMISSION_DENIED for another token; INVALID_JSON
 */
export function decodePeerRequest(bytes: Uint8Array, token: string): PeerQuestion {
  const hash = (of: string | Uint8Array) => createHash("sha256").update(of).digest();
  if (!timingSafeEqual(hash(bytes.subarray(0, tokenBytes)), hash(token)))
    throw new XdsError("PERMISSION_DENIED", "this is not the token of this replica");
  try {
    const question = JSON.parse(Buffer.from(bytes.subarray(tokenBytes)).toString()) as PeerQuestion;
    if (typeof question?.ask === "string") return question;
  } catch {
    // It is answered below.
  }
  throw new XdsError("INVALID_JSON", "the question of a peer is not a JSON object with a field ask");
}
