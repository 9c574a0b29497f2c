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

/** Refuses a request that is not one of gRPC. Its answer leaves when the request has ended, or when the request is long or slow. */
export class Refusal implements StreamEvents {
  readonly awaitsSince = performance.now();

  constructor(
    private readonly stream: ServerStream,
    private readonly why: NotGrpc,
    private readonly hasBody: boolean,
    /** Called when the rest of the request is not awaited any more. */
    private readonly onDone: (refusal: Refusal) => void,
  ) {}

  data(): void {
    if (this.stream.allowed < initialWindow / 2) this.fail();
  }

  ended(): void {
    this.fail();
  }

  closed(): void {
    this.onDone(this);
  }

  /** Answers now. Further calls do nothing. */
  fail(): void {
    this.onDone(this);
    this.stream.respond(answers[this.why], !this.hasBody);
    if (this.hasBody) this.stream.end(undefined, [text]);
  }
}
