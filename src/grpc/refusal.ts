import { errorCode } from "../http2/errors.js";
import { initialWindow } from "../http2/frames.js";
import { encodeHeaders } from "../http2/hpack/encoder.js";
import type { ServerStream, StreamEvents } from "../http2/stream.js";

/** Why an HTTP request is not a gRPC request. */
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

/** A request with more bytes than this is answered before its end. */
const droppedBytes = 64 << 20;

/**
 * Refuses a request that is not gRPC. The answer waits for the request's end, because curl loses an earlier answer. A
 * request that is very long or slow is answered before its end.
 */
export class Refusal implements StreamEvents {
  awaitsSince = performance.now();
  private hasAnswered = false;
  private dropped = 0;

  constructor(
    private readonly stream: ServerStream,
    private readonly why: NotGrpc,
    private readonly hasBody: boolean,
    /** Contains this refusal while the client must act: send the rest of the request, and then take the answer. */
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
    this.awaiting.add(this); // moves it to the end; the end of the stream takes it out
    this.stream.respond(answers[this.why], !this.hasBody);
    if (this.hasBody) this.stream.end(undefined, [text]);
  }
}
