import { type Traffic, TrafficByType } from "../protocol/traffic.js";
import type { FetchInfo } from "./callbacks.js";

/** Streams of one variant and service. */
export interface StreamCounter {
  readonly variant: "sotw" | "delta";
  /** The type URL of the service; "" on ADS. */
  readonly typeUrl: string;
  /** Since the server was made. */
  readonly opened: number;
  readonly open: number;
}

/** Calls of unary Fetch methods and of REST with one result. */
export interface FetchCounter {
  readonly typeUrl: string;
  readonly transport: FetchInfo["transport"];
  readonly result: FetchResult;
  readonly count: number;
}

/** `not_modified`: the client has this version; `refused`: it was answered an error. */
export type FetchResult = "answered" | "not_modified" | "refused";

/** Of one type in one variant. */
export interface TrafficCounter extends Readonly<Traffic> {
  readonly variant: "sotw" | "delta";
  readonly typeUrl: string;
}

/** What a server has done since it was made. Rows are there once there is something to count. */
export interface ServerCounters {
  readonly streams: readonly StreamCounter[];
  readonly traffic: readonly TrafficCounter[];
  readonly fetches: readonly FetchCounter[];
}

type Row<T> = { -readonly [K in keyof T]: T[K] };

/** Counts for one server. Counting is an addition; all else is done when someone asks. */
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

  /** `open`: the streams that are open now. */
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
