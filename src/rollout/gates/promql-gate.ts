import type { Gate, GateContext, Judgement } from "../gate.js";
import { fetchJson, within } from "./bounded-fetch.js";

/** A PromQL query, and the Prometheus that answers it. */
export interface PromqlGateOptions {
  /** The URL of Prometheus, such as `http://prometheus:9090`. */
  readonly url: string;
  /** The query. A rollout goes back when a value of its result is above 0. */
  readonly query: string;
  /** Headers of the request, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The time between two queries, in milliseconds. Default 10,000. */
  readonly everyMs?: number;
  /** How long Prometheus may take to answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** Default `promql`. */
  readonly name?: string;
}

/** The most characters of a series' labels in a verdict's text. */
const mostLabels = 200;

interface Sample {
  readonly labels: string;
  readonly value: number;
}

/**
 * Asks Prometheus by `GET /api/v1/query`. The gate fails when a value of the result is above 0. So write the query like
 * an alert, such as `rate(errors[1m]) > 0.05`. An empty result passes. A value that is not a number is inconclusive.
 */
export class PromqlGate implements Gate {
  readonly name: string;
  readonly everyMs: number;
  private readonly url: URL;

  constructor(private readonly options: PromqlGateOptions) {
    this.name = options.name ?? "promql";
    this.everyMs = options.everyMs ?? 10_000;
    this.url = new URL(options.url);
    this.url.pathname = `${this.url.pathname.replace(/\/$/, "")}/api/v1/query`;
    this.url.searchParams.set("query", options.query);
  }

  /** Sends the query, and judges the values of its result. */
  async verdict({ signal }: GateContext): Promise<Judgement> {
    const { headers = {}, timeoutMs = 5_000 } = this.options;
    const samples = samplesOf(await fetchJson(this.url, { headers, signal: within(timeoutMs, signal) }));
    const red = samples.filter(({ value }) => value > 0);
    const unsure = samples.find(({ value }) => Number.isNaN(value));
    if (red[0]) {
      const worst = red.reduce((a, b) => (b.value > a.value ? b : a));
      const more = red.length > 1 ? ` and ${red.length - 1} more` : "";
      return { verdict: "fail", text: `${worst.labels}${worst.value}${more}` };
    }
    if (unsure) return { verdict: "inconclusive", text: `${unsure.labels}not a number` };
    return { verdict: "pass", text: samples.length === 0 ? "an empty result" : "no value is above 0" };
  }
}

/** The values in an answer of Prometheus. @throws Error for any other answer, and for a failed query */
function samplesOf(answer: unknown): readonly Sample[] {
  const { status, error, data } = (answer ?? {}) as { status?: string; error?: string; data?: Data };
  if (status !== "success") throw new Error(`the query failed: ${error ?? "no reason was given"}`);
  if (data?.resultType === "scalar" && Array.isArray(data.result))
    return [{ labels: "", value: numberOf(data.result[1]) }];
  if (data?.resultType !== "vector" || !Array.isArray(data.result))
    throw new Error(`the query must return a vector or a scalar, returns ${JSON.stringify(data?.resultType)}`);
  return (data.result as { metric?: object; value?: unknown[] }[]).map(({ metric, value }) => ({
    labels: metric && Object.keys(metric).length > 0 ? `${JSON.stringify(metric).slice(0, mostLabels)} ` : "",
    value: numberOf(value?.[1]),
  }));
}

/** Prometheus writes infinity as `+Inf`. */
const numberOf = (value: unknown): number => (value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));

interface Data {
  readonly resultType?: string;
  readonly result?: unknown[];
}
