import { createHash } from "node:crypto";
import type { JsonValue } from "@bufbuild/protobuf";
import { XdsError } from "../errors.js";

/** The SHA-256 of a blob, as 64 hexadecimal digits. */
export type Hash = string;

/** The one mutable value of a store, with its version. */
export interface StoredHead {
  /** How often the head was moved. 0 if it was never set. */
  readonly version: number;
  readonly head: JsonValue | undefined;
}

/** A new head, and what changes together with it. */
export interface Move {
  readonly head: JsonValue;
  /** Records by key. They are durable before the head changes. A key is `<kind>/<id>`. */
  readonly put?: Readonly<Record<string, JsonValue>>;
  readonly audit?: AuditEntry;
  /** A lease of the same store for which the head is moved. */
  readonly lease?: Lease;
}

/** Since when a store has not answered. */
export interface Away {
  /** Milliseconds since 1970. */
  readonly since: number;
  /** What the last try has met. */
  readonly error: string;
}

/** Who did what, and why. */
export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** A user id, the name of a token, or `server`. */
  readonly by: string;
  /** The action, such as `publish`, `undo` or `freeze`. */
  readonly what: string;
  readonly why?: string;
  /** More facts about the action, such as numbers of revisions. */
  readonly details?: { readonly [name: string]: JsonValue };
}

/** A lock with a name. It has one holder at a time. */
export interface Lease {
  /** Aborted when the lease is lost or released. */
  readonly lost: AbortSignal;
  /** Releases the lease, so that another caller can take it. */
  release(): Promise<void>;
}

/**
 * Keeps revisions: immutable blobs by hash, small records by key, and one head that moves by compare-and-swap. A change
 * is durable when its promise resolves. Any call can reject with an `XdsError` of code STORE_FAILED. The store is then
 * as it was before the call. A store over a network can also reject with STORE_AWAY. It may then have made the change,
 * and the caller must read the store.
 */
export interface Store {
  /** Set while a store that is reached over a network does not answer. */
  readonly away?: Away | undefined;

  /** Keeps blobs under their hashes. A blob that exists is not written again. Returns the hashes in the same order. */
  putBlobs(blobs: readonly Uint8Array[]): Promise<readonly Hash[]>;
  /** Protects existing blobs from removal for a while, as if they were put again. Returns the hashes of the others. */
  keepBlobs(hashes: readonly Hash[]): Promise<readonly Hash[]>;
  /** Reads a blob. @throws XdsError STORE_DAMAGED if there is no such blob, or its bytes do not have this hash */
  readBlob(hash: Hash): Promise<Uint8Array>;
  /**
   * Removes the blobs that are not in `used`. Returns their number. In a store of several processes, blobs that were
   * put or kept recently stay, because another process may be about to refer to them.
   */
  collect(used: ReadonlySet<Hash>): Promise<number>;

  /** The present head. */
  readHead(): Promise<StoredHead>;
  /**
   * Moves the head if its version is still `from`, and returns its new version. Otherwise it changes nothing and
   * returns undefined.
   * @throws XdsError WRONG_STATE if the lease of the move is lost; then nothing has changed.
   */
  moveHead(from: number, move: Move): Promise<number | undefined>;
  /**
   * Calls the listener after each move of any process, until the returned function is called. If others make several
   * moves in quick succession, the listener may get only the last one.
   */
  onMove(listener: (head: StoredHead) => void): () => void;

  /** Reads a record. Returns undefined if there is no such record. */
  readRecord(key: string): Promise<JsonValue | undefined>;
  /** The ids of all records of a kind, in any order. */
  listRecords(kind: string): Promise<readonly string[]>;
  /** Writes records without a move of the head. */
  putRecords(records: Readonly<Record<string, JsonValue>>): Promise<void>;
  /** Removes records. Keys without a record are ignored. */
  removeRecords(keys: readonly string[]): Promise<void>;

  /** Adds an entry to the audit log. */
  audit(entry: AuditEntry): Promise<void>;
  /** The entries of the audit log, newest first, at most `most`. */
  readAudit(most: number): Promise<readonly AuditEntry[]>;

  /** Takes a lease. Returns undefined if somebody holds it. */
  lease(name: string): Promise<Lease | undefined>;
  /**
   * Announces a process under an id, or changes what it announces. It is present for the time of a lease, 10 s, after
   * the last call, and until {@link Store.close}. A call may begin when the last one is over. Stores of one process
   * have neither this method nor `present`.
   */
  announce?(id: string, value: JsonValue): Promise<void>;
  /** What the present processes announce, by id. At most 100. A value that is not JSON is `null`. */
  present?(): Promise<ReadonlyMap<string, JsonValue>>;
  /** Releases leases, files and locks. Later calls of other methods reject with WRONG_STATE. Can be called again. */
  close(): Promise<void>;
}

/** The most processes that {@link Store.present} returns. */
export const mostPresent = 100;

/** The hash of a blob. */
export const hashOf = (bytes: Uint8Array): Hash => createHash("sha256").update(bytes).digest("hex");

/**
 * Checks the keys of records. A key is `<kind>/<id>`. The kind has letters `a–z`. The id has `A–Z a–z 0–9 . _ -`, and
 * does not begin with a dot.
 * @throws XdsError INVALID_OPTION for the first key that is not valid
 */
export function checkKeys(keys: Iterable<string>): void {
  for (const key of keys)
    if (!/^[a-z]+\/[\w-][\w.-]*$/.test(key))
      throw new XdsError("INVALID_OPTION", `${JSON.stringify(key)} is not a key of a record; a key is <kind>/<id>`);
}

/** The error of a move whose lease is lost. */
export const lostLease = (): XdsError =>
  new XdsError("WRONG_STATE", "the lease for which the head should be moved is lost; the head is as it was");
