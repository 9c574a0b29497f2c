import type { Calls } from "../../ipc/calls.js";
import { type AuditEntry, type Hash, type Lease, lostLease, type Move, type Store } from "../store.js";

/** A {@link Move} as it is sent: a lease is the number that the holder got for it. */
export type SentMove = Omit<Move, "lease"> & { readonly lease?: number };

/**
 * Lets another process use a store, by an `IpcStore`. When that process closes its store, or is gone, its leases are
 * released. The store stays open.
 */
export function serveStore(store: Store, calls: Calls): void {
  const leases = new Map<number, Lease>();
  let last = 0;
  let stop = () => {};
  const follow = () => {
    stop();
    stop = store.onMove((head) => calls.tell("store.moved", head));
  };
  const end = async () => {
    stop();
    calls.gone.removeEventListener("abort", gone);
    const held = [...leases.values()];
    leases.clear();
    await Promise.all(held.map((lease) => lease.release()));
  };
  const lease = async (name: string) => {
    const taken = await store.lease(name);
    if (!taken) return undefined;
    if (calls.gone.aborted) {
      await taken.release();
      return undefined;
    }
    const id = ++last;
    leases.set(id, taken);
    taken.lost.addEventListener("abort", () => {
      leases.delete(id);
      calls.tell("store.lost", id);
    });
    return id;
  };
  const moveHead = (from: number, { lease: id, ...move }: SentMove) => {
    if (id === undefined) return store.moveHead(from, move);
    const held = leases.get(id);
    if (!held) throw lostLease();
    return store.moveHead(from, { ...move, lease: held });
  };
  const gone = () => void end().catch(() => {}); // the store's own closing releases the rest
  calls.gone.addEventListener("abort", gone);
  calls.serve({
    "store.follow": follow,
    "store.end": end,
    "store.lease": lease,
    "store.release": (id: number) => leases.get(id)?.release(),
    "store.moveHead": moveHead,
    "store.putBlobs": (blobs: readonly Uint8Array[]) => store.putBlobs(blobs),
    "store.keepBlobs": (hashes: readonly Hash[]) => store.keepBlobs(hashes),
    "store.readBlob": (hash: Hash) => store.readBlob(hash),
    "store.collect": (used: ReadonlySet<Hash>) => store.collect(used),
    "store.readHead": () => store.readHead(),
    "store.readRecord": (key: string) => store.readRecord(key),
    "store.listRecords": (kind: string) => store.listRecords(kind),
    "store.putRecords": (records: Parameters<Store["putRecords"]>[0]) => store.putRecords(records),
    "store.removeRecords": (keys: readonly string[]) => store.removeRecords(keys),
    "store.audit": (entry: AuditEntry) => store.audit(entry),
    "store.readAudit": (most: number) => store.readAudit(most),
  });
}
