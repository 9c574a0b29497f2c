import type { JsonValue } from "@bufbuild/protobuf";

/** The newest that a replica serves, or that its nodes have applied. */
export interface Served {
  /** The number of the stable revision. 0 if there is none. */
  readonly stable: number;
  /** The number of the live resources. */
  readonly live: number;
}

/** What a replica announces in the store that all replicas share. */
export interface ReplicaRecord {
  /** Where peers reach its gRPC port: `host:port`. */
  readonly address: string;
  /** A peer shows that it can read the store by sending this. It is new for each process. */
  readonly token: string;
  /** Its certificate, in PEM. Absent if its port has no TLS. */
  readonly certificate?: string;
  /** The version of the program. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly served: Served;
  /** What all of its nodes have applied. Absent until they have applied something. */
  readonly applied?: Served;
  /** Which nodes have not applied what is served. Absent if all have. */
  readonly lacking?: Lacking;
}

/** Why not all nodes of a replica have applied what it serves. */
export interface Lacking {
  /** Whether a node has refused it. Otherwise nodes have not answered yet. */
  readonly isRefused: boolean;
  /** The nodes, and what they have not applied, cut to {@link longestLacking}. */
  readonly text: string;
}

/** The most characters of {@link Lacking.text}. */
export const longestLacking = 1_000;

const isServed = (value: unknown): value is Served => {
  const { stable, live } = Object(value) as Partial<Served>;
  return Number.isSafeInteger(stable) && Number.isSafeInteger(live);
};

/** Reads a record of a process, whose version may be another one. undefined if it has another form. */
export function replicaRecord(value: JsonValue): ReplicaRecord | undefined {
  const { address, token, certificate, version, startedAt, served, applied, lacking } = Object(
    value,
  ) as Partial<ReplicaRecord>;
  const isText = (text: unknown): text is string => typeof text === "string" && text.length <= 10_000;
  if (!isText(address) || !isText(token) || !isText(version) || !isServed(served)) return undefined;
  if (certificate !== undefined && !isText(certificate)) return undefined;
  const { isRefused = false, text } = Object(lacking) as Partial<Lacking>;
  return {
    ...{ address, token, version, served },
    startedAt: Number(startedAt) || 0,
    ...(certificate !== undefined && { certificate }),
    ...(isServed(applied) && { applied }),
    ...(isText(text) && { lacking: { isRefused: isRefused === true, text } }),
  };
}

/** Whether one is at least as new as another in both numbers. */
export const isAsNew = (one: Served | undefined, than: Served): boolean =>
  one !== undefined && one.stable >= than.stable && one.live >= than.live;
