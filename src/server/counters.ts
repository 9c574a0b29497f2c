import { type Traffic, TrafficByType } from "../protocol/traffic.js";
import type { FetchInfo } from "./callbacks.js";

/** Counts of the streams of one variant and service. */
export interface StreamCounter {
  readonly variant: "sotw" | "delta";
  /** The type URL of the service. "" on ADS. */
  readonly typeUrl: string;
  /** Streams opened since the server was made. */
  readonly opened: number;
  /** Streams that are open now. */
  readonly open: number;
}

/** The count of unary Fetch calls or REST requests with one result. */
export interface FetchCounter {
  readonly typeUrl: string;
  readonly transport: FetchInfo["transport"];
  readonly result: FetchResult;
  readonly count: number;
}

/** `not_modified`: the client already has the served version. `refused`: the answer is an error. */
export type FetchResult = "answered" | "not_modified" | "refused";

/** Counts of the requests and responses of one type in one variant. */
export interface TrafficCounter extends Readonly<Traffic> {
  readonly variant: "sotw" | "delta";
  readonly typeUrl: string;
}

/** Counts of a server since it was made. A row exists once there is something to count. */
export interface ServerCounters {
  readonly streams: readonly StreamCounter[];
  readonly traffic: readonly TrafficCounter[];
  readonly fetches: readonly FetchCounter[];
}

type Row<T> = { -readonly [K in keyof T]: T[K] };

/** The counters of one server. Counting is one addition; everything else happens in `report()`. */
export class Counters {
  readonly traffic = { sotw: new TrafficByType(), delta: new TrafficByType() };
  private readonly streams = new Map<string, Row<Omit<StreamCounter, "open">>>();
  private readonly fetches = new Map<string, Row<FetchCounter>>();

  streamOpened(variant: "sotw" | "delta", typeUrl: string): void {
    const key = `${variant} ${typeUrl}`;
    const row = this.streams.get(key);
    if (row) row.opened++;
    else this.streams.set(key, { variant, typeUrl, opened: 1 });
  }

  fetched({ typeUrl, transport }: FetchInfo, result: FetchResult): void {
    const key = `${transport} ${result} ${typeUrl}`;
    const row = this.fetches.get(key);
    if (row) row.count++;
    else this.fetches.set(key, { typeUrl, transport, result, count: 1 });
  }

  /** Returns all counts. `open` has the streams that are open now. */
  report(open: Iterable<Pick<StreamCounter, "variant" | "typeUrl">>): ServerCounters {
    const counts = new Map<string, number>();
    for (const { variant, typeUrl } of open) {
      const key = `${variant} ${typeUrl}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return {
      streams: Array.from(this.streams, ([key, row]) => ({ ...row, open: counts.get(key) ?? 0 })),
      traffic: (["sotw", "delta"] as const).flatMap((variant) =>
        Array.from(this.traffic[variant].all(), ([typeUrl, traffic]) => ({ variant, typeUrl, ...traffic })),
      ),
      fetches: Array.from(this.fetches.values(), (row) => ({ ...row })),
    };
  }
}
