import { hostname } from "node:os";
import type { Lease } from "../store.js";
import type { EtcdClient } from "./etcd-client.js";
import { compareTarget } from "./messages.js";

/** A moment on two clocks: one that never goes back, and one that goes on while the machine sleeps. */
const moment = () => ({ steady: performance.now(), wall: Date.now() });
type Moment = ReturnType<typeof moment>;
/** Milliseconds since a moment. The clock with the larger number counts. */
const since = ({ steady, wall }: Moment) => Math.max(performance.now() - steady, Date.now() - wall);

/**
 * A lease of etcd with a key, kept until it is released or lost.
 *
 * It counts as lost as soon as it may have expired. etcd counts from the moment when it gets a request, and we count
 * from the moment when we send it. So the lease is lost here before it expires in etcd, even if the event loop was
 * blocked or the machine slept. Its holder may act before the timer has had its turn. Then etcd stops it: a write for a
 * lease compares `createRevision`.
 */
export class HeldLease implements Lease {
  private readonly controller = new AbortController();
  private renewal: NodeJS.Timeout | undefined;
  private end: NodeJS.Timeout | undefined;

  private constructor(
    private readonly client: EtcdClient,
    readonly key: Uint8Array,
    private readonly id: bigint,
    /** The `create_revision` of the key. Each holder has another one. */
    readonly createRevision: bigint,
    private readonly onLost: (lease: HeldLease) => void,
    private renewed: Moment,
    private ttlMs: number,
  ) {
    this.arm();
  }

  /** Takes the key, if nobody has it. */
  static async take(
    client: EtcdClient,
    key: Uint8Array,
    ttlSeconds: number,
    onLost: (lease: HeldLease) => void,
  ): Promise<HeldLease | undefined> {
    // A process that only waits for the key writes nothing.
    const { count } = await client.call("Range", { key, countOnly: true });
    if (count > 0n) return undefined;
    const start = moment();
    const { id, ttl } = await client.call("LeaseGrant", { ttl: BigInt(ttlSeconds) });
    const value = new Uint8Array(Buffer.from(JSON.stringify({ host: hostname(), pid: process.pid })));
    const { succeeded, header, responses } = await client.call("Txn", {
      compare: [{ target: compareTarget.createRevision, key, createRevision: 0n }],
      success: [{ requestPut: { key, value, lease: id } }],
      failure: [{ requestRange: { key } }],
    });
    const there = responses[0]?.responseRange?.kvs[0];
    // An earlier try may have put it, and its answer was lost.
    const isOurs = succeeded || there?.lease === id;
    if (!isOurs) {
      await revoke(client, id);
      return undefined;
    }
    const created = succeeded ? header?.revision : there?.createRevision;
    return new HeldLease(client, key, id, created ?? 0n, onLost, start, Number(ttl) * 1_000);
  }

  get lost(): AbortSignal {
    return this.controller.signal;
  }

  async release(): Promise<void> {
    if (this.lost.aborted) return;
    this.lose();
    await revoke(this.client, this.id);
  }

  /** Marks the lease as lost. */
  lose(): void {
    clearTimeout(this.renewal);
    clearTimeout(this.end);
    if (this.lost.aborted) return;
    this.controller.abort();
    this.onLost(this);
  }

  private get leftMs(): number {
    return this.ttlMs - since(this.renewed);
  }

  private arm(): void {
    this.renewal = setTimeout(() => void this.renew(), this.ttlMs / 3);
    this.check();
  }

  private check(): void {
    clearTimeout(this.end);
    if (this.leftMs <= 0) this.lose();
    else this.end = setTimeout(() => this.check(), this.leftMs);
  }

  private async renew(): Promise<void> {
    this.check();
    if (this.lost.aborted) return;
    const sent = moment();
    try {
      const { ttl } = await this.client.call("LeaseKeepAlive", { id: this.id }, this.leftMs);
      if (this.lost.aborted) return;
      if (ttl <= 0n) return this.lose();
      this.renewed = sent;
      this.ttlMs = Number(ttl) * 1_000;
    } catch {
      // etcd gave no answer in time, or refuses to keep the lease.
      return this.lose();
    }
    this.arm();
  }
}

const revokeMs = 2_000;

/** Ends a lease. If etcd gives no answer, the lease expires by itself. */
export async function revoke(client: EtcdClient, id: bigint): Promise<void> {
  await client.call("LeaseRevoke", { id }, revokeMs).catch(() => {});
}
