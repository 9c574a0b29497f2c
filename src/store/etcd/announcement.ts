import { XdsError } from "../../errors.js";
import type { EtcdClient } from "./etcd-client.js";
import { revoke } from "./held-lease.js";

/**
 * What a process announces: a key of its own, on a lease. Each call of {@link Announcement.put} renews the lease. There
 * is no timer: a process that does not call any more is not present any more, whatever it is busy with.
 */
export class Announcement {
  private lease: bigint | undefined;
  /** What etcd has, if that is known. */
  private sent: Uint8Array | undefined;

  constructor(
    private readonly client: EtcdClient,
    private readonly key: Uint8Array,
    private readonly ttlSeconds: number,
  ) {}

  /** Renews the lease, and writes the value if it has changed. Without a lease it takes a new one. */
  async put(value: Uint8Array): Promise<void> {
    try {
      await this.renew();
      if (this.sent && Buffer.compare(this.sent, value) === 0) return;
      this.sent = undefined;
      await this.client.call("Txn", {
        success: [{ requestPut: { key: this.key, value, lease: this.lease as bigint } }],
      });
      this.sent = value;
    } catch (error) {
      // Without an answer the lease may still be there. Else etcd does not know it, and the next call takes a new one.
      if (!(error instanceof XdsError) || error.code !== "STORE_AWAY") void this.release();
      throw error;
    }
  }

  /** Ends the announcement. The next {@link Announcement.put} begins another one. */
  async release(): Promise<void> {
    const { lease } = this;
    this.lease = undefined;
    this.sent = undefined;
    if (lease !== undefined) await revoke(this.client, lease);
  }

  private async renew(): Promise<void> {
    if (this.lease !== undefined) {
      const { ttl } = await this.client.call("LeaseKeepAlive", { id: this.lease });
      if (ttl > 0n) return;
    }
    this.sent = undefined;
    this.lease = (await this.client.call("LeaseGrant", { ttl: BigInt(this.ttlSeconds) })).id;
  }
}
