import type { Gate, GateContext, Judgement } from "../gate.js";
import { fetchJson, within } from "./bounded-fetch.js";

/** The HTTP server that a {@link WebhookGate} asks. */
export interface WebhookGateOptions {
  readonly url: string;
  /** Headers of the request, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The time between two requests, in milliseconds. Default 10,000. */
  readonly everyMs?: number;
  /** How long the server may take to answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** Default `webhook`. */
  readonly name?: string;
}

/** The most node ids in a request. */
const mostNodes = 1_000;
/** The most characters of an answer's text that are kept. */
const mostText = 500;

/**
 * Asks an HTTP server. The server gets a POST of JSON: `{rollout: {id, revision, wave, share, startedAt, since},
 * candidates: {count, nodes}, others: {count}}`. `nodes` has the first thousand ids. The server answers
 * `{verdict, text}`. The verdict is `pass`, `fail` or `inconclusive`.
 */
export class WebhookGate implements Gate {
  readonly name: string;
  readonly everyMs: number;
  private readonly url: URL;

  constructor(private readonly options: WebhookGateOptions) {
    this.name = options.name ?? "webhook";
    this.everyMs = options.everyMs ?? 10_000;
    this.url = new URL(options.url);
  }

  /** Sends the request, and returns the server's verdict. */
  async verdict({ rollout, candidates, others, signal }: GateContext): Promise<Judgement> {
    const { headers, timeoutMs = 5_000 } = this.options;
    const { id, revision, wave, share, startedAt, since } = rollout;
    const body = JSON.stringify({
      rollout: { id, revision, wave, share, startedAt, since },
      candidates: { count: candidates.length, nodes: candidates.slice(0, mostNodes) },
      others: { count: others.length },
    });
    const answer = await fetchJson(this.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
      signal: within(timeoutMs, signal),
    });
    const { verdict, text } = (answer ?? {}) as Record<string, unknown>;
    if (verdict !== "pass" && verdict !== "fail" && verdict !== "inconclusive")
      throw new Error(`the answer's verdict must be pass, fail or inconclusive, is ${JSON.stringify(verdict)}`);
    return { verdict, text: typeof text === "string" ? text.slice(0, mostText) : "" };
  }
}
