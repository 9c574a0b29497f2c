import type { Receiving } from "../grpc/receiving.js";
import type { LimitCounts } from "./limits.js";

/** The bytes of all requests, of gRPC and REST together, that have come in part, or wait to be handled. */
export class ReceivingBytes implements Receiving {
  bytes = 0;

  constructor(private readonly limits: LimitCounts) {}

  /** @throws XdsError LIMIT_EXCEEDED; the bytes are counted all the same, until the call that has them is over */
  add(bytes: number): void {
    this.bytes += bytes;
    if (bytes > 0 && this.bytes > this.limits.limits.receivingBytes)
      throw this.limits.exceeded("receivingBytes", `${this.bytes} bytes of requests are being received`);
  }
}
