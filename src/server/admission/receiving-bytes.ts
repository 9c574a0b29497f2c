import type { Receiving } from "../../grpc/receiving.js";
import type { Account } from "../../protocol/account.js";
import type { LimitCounts } from "./limits.js";
import { shareOfFree } from "./share-of-free.js";

/**
 * Bounds the bytes of all gRPC and REST requests that have arrived in part or wait to be handled. As with unsent
 * responses, an address gets up to three times as many bytes as are still free. So one address takes at most three
 * quarters of the limit, and a new address always finds some room.
 */
export class ReceivingBytes {
  bytes = 0;

  constructor(private readonly limits: LimitCounts) {}

  /** Returns the counter for a connection with this account. */
  of({ parent: address }: Account): Receiving {
    return { add: (bytes) => this.add(bytes, address) };
  }

  /** @throws XdsError LIMIT_EXCEEDED. The bytes still count then, until the call that has them is over. */
  private add(bytes: number, address: Account | undefined): void {
    this.bytes += bytes;
    if (address) address.receiving += bytes;
    const ofAddress = address?.receiving ?? this.bytes;
    if (bytes > 0 && ofAddress > shareOfFree * (this.limits.limits.receivingBytes - this.bytes))
      throw this.limits.exceeded(
        "receivingBytes",
        `${this.bytes} bytes of requests are being received, ${ofAddress} of them from this address`,
      );
  }
}
