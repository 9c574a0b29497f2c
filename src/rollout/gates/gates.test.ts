import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { GateContext } from "../gate.js";
import { begin } from "../rollout.js";
import { LoadReportGate } from "./load-report-gate.js";
import { PromqlGate } from "./promql-gate.js";
import { errorRate, isWorse, type Load, sumOf, zOfMany, zScore } from "./two-proportions.js";
import { WebhookGate } from "./webhook-gate.js";

const load = fc.record({ succeeded: fc.nat(1_000_000), failed: fc.nat(1_000_000) });
const limits = { margin: 0.01, z: 3 };

describe("two proportions", () => {
  it("are compared by their difference over its standard deviation", () => {
    // 12 of 100 and 4 of 100: pooled 0.08, √(0.08·0.92·0.02) = 0.03837.
    expect(zScore({ succeeded: 88, failed: 12 }, { succeeded: 96, failed: 4 })).toBeCloseTo(0.08 / 0.038367, 3);
  });

  it("have opposite scores when they are swapped, and 0 when they are the same", () => {
    fc.assert(
      fc.property(load, load, (a, b) => {
        expect(zScore(a, b)).toBeCloseTo(-zScore(b, a), 6);
        expect(zScore(a, a)).toBeCloseTo(0, 9);
        expect(Number.isFinite(zScore(a, b))).toBe(true);
        expect(isWorse(a, b, limits) && isWorse(b, a, limits)).toBe(false);
      }),
    );
  });

  it("have a higher score with more failures on one side, and with more requests", () => {
    const some = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(some, some, some, some, fc.integer({ min: 1, max: 1_000 }), (a, failed, b, others, more) => {
        const one = { succeeded: a + more, failed };
        const other = { succeeded: b, failed: others };
        expect(zScore({ succeeded: a, failed: failed + more }, other)).toBeGreaterThan(zScore(one, other));
        const times = ({ succeeded, failed }: Load) => ({ succeeded: 4 * succeeded, failed: 4 * failed });
        expect(zScore(times(one), times(other))).toBeCloseTo(2 * zScore(one, other), 6);
      }),
    );
  });

  it("count as worse only above the margin", () => {
    fc.assert(
      fc.property(load, load, (a, b) => {
        if (isWorse(a, b, limits)) expect(errorRate(a) - errorRate(b)).toBeGreaterThan(limits.margin);
      }),
    );
    expect(isWorse({ succeeded: 985_000, failed: 15_000 }, { succeeded: 995_000, failed: 5_000 }, limits)).toBe(false);
    expect(isWorse({ succeeded: 950, failed: 50 }, { succeeded: 9_990, failed: 10 }, limits)).toBe(true);
    expect(isWorse({ succeeded: 97, failed: 3 }, { succeeded: 9_990, failed: 10 }, { margin: 0.05, z: 3 })).toBe(false);
  });

  it("with equal rates rarely count as worse by chance, even among many comparisons", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    const sample = (requests: number, rate: number) => {
      let failed = 0;
      for (let request = 0; request < requests; request++) if (random() < rate) failed++;
      return { succeeded: requests - failed, failed };
    };
    let worse = 0;
    for (let trial = 0; trial < 300; trial++) {
      const others = sample(3_000, 0.05);
      const nodes = Array.from({ length: 20 }, () => sample(150, 0.05));
      if (nodes.some((node) => isWorse(node, others, { margin: 0.01, z: zOfMany(3, nodes.length) }))) worse++;
    }
    expect(worse).toBeLessThan(12);
  });
});

/** Loads of nodes that a test adds to. */
class Loads {
  private readonly nodes = new Map<string, { total: Load; recent: Load }>();
  get = (node: string) => this.nodes.get(node);
  add(node: string, failed: number, requests: number) {
    const total = sumOf([this.nodes.get(node)?.total ?? sumOf([]), { failed, succeeded: requests - failed }]);
    this.nodes.set(node, { total, recent: total });
  }
}

const context = (candidates: readonly string[], others: readonly string[], wave = 0): GateContext => ({
  rollout: { ...begin(2, "r", ["a"], 0), state: "baking", wave, share: others.length === 0 ? 1 : 0 },
  ...{ candidates, others, now: 0, signal: new AbortController().signal },
});

describe("the gate of load reports", () => {
  const both = context(["a"], ["b", "c"]);
  const start = (at = both) => {
    const loads = new Loads();
    const gate = new LoadReportGate(loads);
    gate.begin(at);
    return { loads, gate };
  };

  it("passes when no node sends load reports", () => {
    expect(start().gate.verdict(both)).toEqual({ verdict: "pass", text: "no load reports" });
  });

  it("is inconclusive with too few requests on the candidate", () => {
    const { loads, gate } = start();
    loads.add("b", 0, 10_000);
    expect(gate.verdict(both).verdict).toBe("inconclusive");
    loads.add("a", 99, 99);
    expect(gate.verdict(both).verdict).toBe("inconclusive");
    loads.add("a", 1, 1);
    expect(gate.verdict(both).verdict).toBe("fail");
  });

  it("compares the requests since the bake began with those of other nodes in the same time", () => {
    const loads = new Loads();
    const gate = new LoadReportGate(loads);
    loads.add("a", 0, 10_000);
    loads.add("b", 5_000, 10_000);
    gate.begin(both);
    loads.add("a", 100, 1_000);
    loads.add("b", 1, 1_000);
    expect(gate.verdict(both)).toMatchObject({
      verdict: "fail",
      text: "10.00 % of 1000 requests failed on the candidate, 0.10 % of 1000 on the others, 0.00 % of 10000 on the same nodes before",
    });
    // The others have become as bad: it is not the candidate.
    loads.add("b", 999, 9_000);
    expect(gate.verdict(both).verdict).toBe("pass");
  });

  it("passes a node whose error rate is as high as before, although other nodes are better", () => {
    const loads = new Loads();
    const gate = new LoadReportGate(loads);
    loads.add("a", 1_000, 10_000);
    gate.begin(both);
    loads.add("a", 100, 1_000);
    loads.add("b", 0, 1_000);
    expect(gate.verdict(both).verdict).toBe("pass");
  });

  it("finds one bad node among many", () => {
    const candidates = Array.from({ length: 50 }, (_, at) => `n${at}`);
    const all = context(candidates, ["b"], 1);
    const { loads, gate } = start(all);
    for (const node of candidates) loads.add(node, node === "n7" ? 60 : 0, 150);
    loads.add("b", 0, 10_000);
    expect(gate.verdict(all)).toMatchObject({ verdict: "fail", text: expect.stringMatching(/^node "n7": 40.00 %/) });
  });

  it("compares with the time before the candidate when all nodes have it", () => {
    for (const [failed, verdict] of [
      [1, "pass"],
      [100, "fail"],
    ] as const) {
      const { loads, gate } = start();
      for (const node of ["b", "c"]) loads.add(node, 1, 1_000);
      gate.begin(both);
      const all = context(["a", "b", "c"], [], 1);
      gate.begin(all);
      for (const node of ["a", "b", "c"]) loads.add(node, failed, 1_000);
      expect(gate.verdict(all).verdict).toBe(verdict);
    }
  });

  it("passes only a rate below the margin when there is nothing to compare with", () => {
    const all = context(["a"], [], 1);
    const { loads, gate } = start(all);
    loads.add("a", 1, 1_000);
    expect(gate.verdict(all).verdict).toBe("pass");
    loads.add("a", 50, 1_000);
    expect(gate.verdict(all).verdict).toBe("inconclusive");
  });
});

/** An HTTP server that answers so. Returns its URL and the last request. */
async function answering(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const seen = { url: "", body: "", headers: {} as IncomingMessage["headers"] };
  const server = createServer(async (request, response) => {
    Object.assign(seen, { url: request.url, headers: request.headers, body: "" });
    for await (const chunk of request) seen.body += chunk;
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}
const json = (value: unknown) => (response: ServerResponse) => void response.end(JSON.stringify(value));

describe("the webhook gate", () => {
  it("posts the rollout, and returns the server's verdict", async () => {
    const { url, seen } = await answering(json({ verdict: "fail", text: "p99 is 3 s" }));
    const gate = new WebhookGate({ url: `${url}/check`, headers: { authorization: "Bearer t" } });
    expect(await gate.verdict(context(["a"], ["b", "c"]))).toEqual({ verdict: "fail", text: "p99 is 3 s" });
    expect(seen).toMatchObject({ url: "/check", headers: { authorization: "Bearer t" } });
    expect(JSON.parse(seen.body)).toMatchObject({
      rollout: { id: "r", revision: 2, wave: 0 },
      candidates: { count: 1, nodes: ["a"] },
      others: { count: 2 },
    });
  });

  it.each([
    ["another status", (response: ServerResponse) => void response.writeHead(500).end("oh"), /answers 500: oh/],
    ["no JSON", (response: ServerResponse) => void response.end("<html>"), /not JSON: <html>/],
    ["no verdict", json({ verdict: "yes" }), /verdict must be/],
    ["too much", (response: ServerResponse) => void response.end("x".repeat(1 << 20)), /more than 65536 bytes/],
    ["a redirect", (response: ServerResponse) => void response.writeHead(302, { location: "/" }).end(), /fetch failed/],
    ["nothing", () => {}, /timeout/],
  ])("rejects for %s", async (_, answer, message) => {
    const { url } = await answering(answer);
    await expect(
      new WebhookGate({ url, timeoutMs: message.source === "timeout" ? 300 : 30_000 }).verdict(context(["a"], [])),
    ).rejects.toThrow(message);
  });
});

describe("the PromQL gate", () => {
  const vector = (...values: string[]) =>
    json({
      status: "success",
      data: {
        resultType: "vector",
        result: values.map((value, pod) => ({ metric: { pod: `${pod}` }, value: [0, value] })),
      },
    });
  it.each([
    ["nothing", vector(), { verdict: "pass", text: "an empty result" }],
    ["zeros", vector("0", "-1"), { verdict: "pass", text: "no value is above 0" }],
    ["values above 0", vector("0", "0.2", "0.7"), { verdict: "fail", text: '{"pod":"2"} 0.7 and 1 more' }],
    ["infinity", vector("+Inf"), { verdict: "fail", text: '{"pod":"0"} Infinity' }],
    ["NaN", vector("NaN"), { verdict: "inconclusive", text: '{"pod":"0"} not a number' }],
    [
      "a scalar",
      json({ status: "success", data: { resultType: "scalar", result: [0, "2"] } }),
      { verdict: "fail", text: "2" },
    ],
  ])("judges %s", async (_, answer, expected) => {
    const { url, seen } = await answering(answer);
    const gate = new PromqlGate({ url: `${url}/prometheus/`, query: "rate(errors[1m]) > 0.05" });
    expect(await gate.verdict(context(["a"], []))).toEqual(expected);
    expect(seen.url).toBe("/prometheus/api/v1/query?query=rate%28errors%5B1m%5D%29+%3E+0.05");
  });

  it.each([
    ["an error", json({ status: "error", error: "bad query" }), /the query failed: bad query/],
    [
      "a matrix",
      json({ status: "success", data: { resultType: "matrix", result: [] } }),
      /must return a vector or a scalar/,
    ],
    ["null", json(null), /the query failed/],
  ])("rejects for %s", async (_, answer, message) => {
    const { url } = await answering(answer);
    await expect(new PromqlGate({ url, query: "x" }).verdict(context(["a"], []))).rejects.toThrow(message);
  });
});
