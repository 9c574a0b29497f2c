import type { Gate, GateContext, Judgement } from "../gate.js";
import { errorRate, isWorse, type Load, requestsOf, sumOf, zOfMany } from "./two-proportions.js";

/** The load that nodes have reported. `XdsServer.nodeLoads` is one. */
export interface LoadSource {
  /**
   * The load of a node, or undefined if the node has reported nothing. `total` only grows. `recent` is the load of the
   * last minutes.
   */
  get(node: string): { readonly total: Load; readonly recent: Load } | undefined;
}

export interface LoadReportGateOptions {
  /** The fewest requests of each side for a comparison. Default 100. */
  readonly requests?: number;
  /** By how much the error rate can be higher, from 0 to 1. Default 0.01, which is one percentage point. */
  readonly margin?: number;
  /** The smallest difference that does not count as chance, in standard deviations. Default 3. */
  readonly z?: number;
}

const none: Load = { succeeded: 0, failed: 0 };

/**
 * Compares error rates since the bake began. A rate on the candidate is bad if it is worse than both of these:
 * - the rate of the other nodes in the same time;
 * - the rate of the same nodes before they had the candidate, since nodes differ.
 *
 * If one of the two has too few requests, the other one decides. For example, in the last wave there are no other
 * nodes. First all nodes with the candidate are compared together, then each one alone.
 */
export class LoadReportGate implements Gate {
  readonly name = "load reports";
  readonly everyMs = 1_000;
  private readonly requests: number;
  private readonly margin: number;
  private readonly z: number;
  private rolloutId = "";
  /** The totals when the bake began. */
  private readonly starts = new Map<string, Load>();
  /** The recent load of nodes before they had the candidate. */
  private readonly before = new Map<string, Load>();

  constructor(
    private readonly loads: LoadSource,
    { requests = 100, margin = 0.01, z = 3 }: LoadReportGateOptions = {},
  ) {
    this.requests = requests;
    this.margin = margin;
    this.z = z;
  }

  begin({ rollout, candidates, others }: Omit<GateContext, "signal">): void {
    if (rollout.id !== this.rolloutId) this.before.clear();
    this.rolloutId = rollout.id;
    this.starts.clear();
    for (const node of [...candidates, ...others]) this.starts.set(node, this.loads.get(node)?.total ?? none);
    // In wave 0 the first node has had the candidate for a few seconds only. So nearly all of its recent load is older.
    for (const node of rollout.wave === 0 ? [...candidates, ...others] : others) {
      const load = this.loads.get(node)?.recent;
      if (load) this.before.set(node, load);
    }
  }

  verdict({ candidates, others }: GateContext): Judgement {
    if (![...candidates, ...others].some((node) => this.loads.get(node)))
      return { verdict: "pass", text: "no load reports" };
    const load = sumOf(candidates.map((node) => this.since(node)));
    if (requestsOf(load) < this.requests)
      return { verdict: "inconclusive", text: `fewer than ${this.requests} requests on the candidate` };
    const other = sumOf(others.map((node) => this.since(node)));
    const known = candidates.filter((node) => this.before.has(node));
    const same = {
      load: sumOf(known.map((node) => this.since(node))),
      before: sumOf(known.map((node) => this.before.get(node) ?? none)),
    };
    const total = this.compare(load, other, same.load, same.before, this.z);
    if (total.verdict !== "pass") return total;
    const z = zOfMany(this.z, candidates.length);
    for (const node of candidates) {
      const own = this.since(node);
      if (requestsOf(own) < this.requests) continue;
      const { verdict, text } = this.compare(own, other, own, this.before.get(node) ?? none, z);
      if (verdict === "fail") return { verdict, text: `node ${JSON.stringify(node)}: ${text}` };
    }
    return total;
  }

  /**
   * Compares `load` with that of `others`, and `sameLoad` with `before`. The last two are about the same nodes: those
   * whose load before the candidate is known.
   */
  private compare(load: Load, others: Load, sameLoad: Load, before: Load, z: number): Judgement {
    const { margin } = this;
    const isEnough = (one: Load) => requestsOf(one) >= this.requests;
    const texts = [`${percent(load)} of ${requestsOf(load)} requests failed on the candidate`];
    const results: boolean[] = [];
    if (isEnough(others)) {
      results.push(isWorse(load, others, { margin, z }));
      texts.push(`${percent(others)} of ${requestsOf(others)} on the others`);
    }
    if (isEnough(sameLoad) && isEnough(before)) {
      results.push(isWorse(sameLoad, before, { margin, z }));
      texts.push(`${percent(before)} of ${requestsOf(before)} on the same nodes before`);
    }
    const text = texts.join(", ");
    if (results.length > 0) return { verdict: results.every((isRed) => isRed) ? "fail" : "pass", text };
    // A rate within the margin cannot exceed any other rate by more than the margin.
    if (errorRate(load) <= margin) return { verdict: "pass", text };
    return { verdict: "inconclusive", text: `${text}; fewer than ${this.requests} other requests to compare with` };
  }

  /** The load of a node since the bake began, or since the first look at a node that connected later. */
  private since(node: string): Load {
    const now = this.loads.get(node)?.total ?? none;
    const start = this.starts.get(node);
    if (!start) this.starts.set(node, now);
    // The totals of this node were dropped meanwhile, and count from 0 again.
    if (!start || requestsOf(start) > requestsOf(now)) return start ? now : none;
    return { succeeded: now.succeeded - start.succeeded, failed: now.failed - start.failed };
  }
}

const percent = (load: Load): string => `${(100 * errorRate(load)).toFixed(2)} %`;
