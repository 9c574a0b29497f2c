import { errorCode } from "../http2/errors.js";
import { initialWindow } from "../http2/frames.js";
import { encodeHeaders } from "../http2/hpack/encoder.js";
import type { ServerStream, StreamEvents } from "../http2/stream.js";

/** Why a request of HTTP is not one of gRPC. */
export type NotGrpc = "method" | "content-type";

const answers = {
  method: encodeHeaders([
    [":status", "405"],
    ["allow", "POST"],
    ["content-type", "text/plain"],
  ]),
  "content-type": encodeHeaders([
    [":status", "415"],
    ["content-type", "text/plain"],
  ]),
} satisfies Record<NotGrpc, Buffer>;

const text = Buffer.from("This port serves gRPC only: requests of method POST and content-type application/grpc.\n");

/** A longer request is answered before its end. */
const droppedBytes = 64 << 20;

/**
 * Refuses a request that is not one of gRPC. The answer leaves when the request has ended, because curl loses an answer
 * that comes before; or when the request is very long or slow.
 */
export class Refusal implements StreamEvents {
  awaitsSince = performance.now();
  private hasAnswered = false;
  private dropped = 0;

  constructor(
    private readonly stream: ServerStream,
    private readonly why: NotGrpc,
    private readonly hasBody: boolean,
    /** It is in here while the client has to do something: send the rest of the request, and then take the answer. */
    private readonly awaiting: { add(refusal: Refusal): void; delete(refusal: Refusal): void },
  ) {
    awaiting.add(this);
  }

  data(bytes: Buffer): void {
    this.dropped += bytes.length;
    if (this.dropped > droppedBytes) this.fail();
    else if (this.stream.allowed < initialWindow / 2) this.stream.allow(initialWindow);
  }

  ended(): void {
    this.fail();
  }

  closed(): void {
    this.awaiting.delete(this);
  }

  late(count: () => Error): void {
    count();
    if (this.hasAnswered) this.stream.reset(errorCode.CANCEL);
    else this.fail();
  }

  /** Answers now. Further calls do nothing. */
  private fail(): void {
    if (this.hasAnswered) return;
    this.hasAnswered = true;
    this.awaitsSince = performance.now();
    this.awaiting.delete(this);
    this.awaiting.add(this); // the last one now; the end of the stream takes it out
    this.stream.respond(answers[this.why], !this.hasBody);
    if (this.hasBody) this.stream.end(undefined, [text]);
  }
}
