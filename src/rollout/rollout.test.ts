import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyHead, type Head, pause, resume, rollOut, serveToAll, settle } from "./head.js";
import {
  begin,
  type CandidateNode,
  defaultPolicy,
  type Evidence,
  type GateVerdict,
  isIn,
  type Outcome,
  type Rollout,
  type RolloutPolicy,
  step,
} from "./rollout.js";

const minute = 60_000;
const ids = (count: number) => Array.from({ length: count }, (_, at) => `node-${at}`);

/** All nodes of the waves so far have applied the candidate. */
const fine = (rollout: Rollout, nodes: readonly string[], more: Partial<Evidence> = {}): Evidence => ({
  affected: nodes,
  nodes: nodes.filter((id) => isIn(rollout, id)).map((id) => ({ id })),
  gates: [],
  isFrozen: false,
  ...more,
});

const next = (outcome: Outcome): Rollout => {
  if (!("next" in outcome)) throw new Error(`it has ended: ${JSON.stringify(outcome)}`);
  return outcome.next;
};

describe("a rollout", () => {
  it("goes from one node to 5 %, 25 % and all, each after its bake", () => {
    const nodes = ids(1_000);
    let now = 0;
    let rollout = begin(7, "r", nodes, now);
    const seen: [number, number][] = [];
    let outcome: Outcome = { next: rollout };
    for (; "next" in outcome; now += minute) {
      rollout = outcome.next;
      seen.push([now / minute, nodes.filter((id) => isIn(rollout, id)).length]);
      outcome = step(rollout, defaultPolicy, fine(rollout, nodes), now);
    }
    expect(outcome).toEqual({ end: "done" });
    const waves = [...new Set(seen.map(([, count]) => count))];
    expect(waves[0]).toBe(1);
    expect(waves[1]).toBeGreaterThan(30);
    expect(waves[1]).toBeLessThan(70);
    expect(waves[2]).toBeGreaterThan(200);
    expect(waves[2]).toBeLessThan(300);
    expect(waves.slice(3)).toEqual([1_000]);
    const lengths = waves.map((wave) => seen.filter(([, count]) => count === wave).length);
    // A minute to apply each, and the bake.
    expect(lengths.map((length) => length - 1)).toEqual(
      [1, 6, 11, 11].map((length) => expect.toSatisfy((got: number) => Math.abs(got - length) <= 1)),
    );
  });

  it("never takes the candidate from a node while it goes forward", () => {
    const rollout = begin(7, "r", ids(9), 0);
    for (const id of ids(500))
      for (const [share, larger] of [
        [0.05, 0.25],
        [0.25, 1],
      ] as const)
        if (isIn({ ...rollout, share }, id)) expect(isIn({ ...rollout, share: larger }, id)).toBe(true);
  });

  it("of fewer than five nodes has two waves: one node, then all", () => {
    const nodes = ids(4);
    let rollout = next(step(begin(7, "r", nodes, 0), defaultPolicy, fine(begin(7, "r", nodes, 0), nodes), 0));
    expect(rollout).toMatchObject({ state: "baking", wave: 0 });
    rollout = next(step(rollout, defaultPolicy, fine(rollout, nodes), minute));
    expect(rollout).toMatchObject({ state: "applying", share: 1 });
  });

  const refusals: [string, Partial<CandidateNode>, string][] = [
    ["that refuses", { refused: 'clusters "a": no such field' }, 'node "node-0" refuses clusters "a": no such field'],
    [
      "that has gone",
      { lost: "has gone away after it took the candidate" },
      'node "node-0" has gone away after it took the candidate',
    ],
    ["that does not apply it", { pendingSince: -minute }, 'node "node-0" has not applied the candidate within 60 s'],
  ];
  it.each(refusals)("goes back at once for a node %s, even when paused or frozen", (_, node, why) => {
    const rollout = begin(7, "r", ids(9), -minute);
    for (const isFrozen of [false, true])
      for (const paused of [{}, { paused: { by: "me", why: "lunch" } }])
        for (const state of ["applying", "baking", "held"] as const) {
          const evidence = fine(rollout, ids(9), { nodes: [{ id: "node-0", ...node }], isFrozen });
          expect(step({ ...rollout, state, ...paused }, defaultPolicy, evidence, 0)).toEqual({
            end: "rolledBack",
            why,
          });
        }
  });

  it("lets a node refuse a resource as often as the policy says, and goes no further meanwhile", () => {
    const rollout = { ...begin(7, "r", ids(9), -minute), state: "baking" as const };
    const refusing = (refusals?: number) =>
      fine(rollout, ids(9), {
        nodes: [{ id: "node-0", refused: "it", pendingSince: 0, ...(refusals !== undefined && { refusals }) }],
      });
    const policy = { ...defaultPolicy, nackRetries: 2 };
    expect(next(step(rollout, policy, refusing(2), minute - 1))).toBe(rollout);
    expect(step(rollout, policy, refusing(2), minute)).toMatchObject({ why: expect.stringMatching(/not applied/) });
    expect(next(step(rollout, policy, refusing(), 5))).toBe(rollout);
    for (const refusals of [3, Number.POSITIVE_INFINITY])
      expect(step(rollout, policy, refusing(refusals), 5)).toEqual({
        end: "rolledBack",
        why: 'node "node-0" refuses it',
      });
    expect(step(rollout, defaultPolicy, refusing(1), 5)).toMatchObject({ end: "rolledBack" });
  });

  it("takes another first node if the first one is gone before it had the candidate", () => {
    const nodes = ids(9);
    const rollout = begin(7, "r", ["gone"], 0);
    const again = next(step(rollout, defaultPolicy, fine(rollout, nodes), 5));
    expect(again).toEqual({ ...rollout, first: ["node-0"], since: 5 });
  });

  const waits = "no affected node with an id is connected";

  it("waits without a first node, for ever if need be, and takes the first one that connects", () => {
    for (const inconclusive of ["hold", "continue", "rollback"] as const) {
      const policy = { ...defaultPolicy, inconclusive };
      const rollout = begin(7, "r", [], 0);
      const waiting = next(step(rollout, policy, fine(rollout, []), 5));
      expect(waiting).toEqual({ ...rollout, waitsFor: waits });
      expect(next(step(waiting, policy, fine(waiting, []), 999 * minute))).toBe(waiting);
      const begun = next(step(waiting, policy, fine(waiting, ids(9)), 1_000 * minute));
      expect(begun).toEqual({ ...rollout, first: ["node-0"], since: 1_000 * minute });
      expect(next(step(begun, policy, fine(begun, ids(9)), 1_001 * minute))).toMatchObject({
        state: "baking",
        wave: 0,
      });
    }
  });

  it("has no wait any more when its first node has come, though the node has not applied the candidate yet", () => {
    const rollout = { ...begin(7, "r", ids(1), 0), waitsFor: waits };
    const evidence = fine(rollout, ids(1), { nodes: [{ id: "node-0", pendingSince: 5 }] });
    expect(next(step(rollout, defaultPolicy, evidence, 6))).toEqual(begin(7, "r", ids(1), 0));
  });

  it.each(["baking", "held"] as const)("begins again if it is %s and its first node does not come back", (state) => {
    for (const inconclusive of ["hold", "continue", "rollback"] as const) {
      const policy = { ...defaultPolicy, inconclusive };
      const begun = begin(7, "r", ["gone"], 0);
      const rollout: Rollout = { ...begun, state, ...(state === "held" && { waitsFor: "a gate" }) };
      const at = 99 * minute;
      const again = { ...begun, first: ["node-0"], since: at };
      expect(next(step(rollout, policy, fine(rollout, ids(3)), at))).toEqual(again);
      expect(next(step(rollout, policy, fine(rollout, []), at))).toEqual({ ...begun, since: at, waitsFor: waits });
    }
  });

  it("goes back when a gate fails, and the reason has the gate's numbers", () => {
    const rollout = begin(7, "r", ids(9), 0);
    const gates: GateVerdict[] = [{ gate: "load reports", verdict: "fail", text: "5xx 12 % against 0.1 %" }];
    expect(step(rollout, defaultPolicy, fine(rollout, ids(9), { gates }), 0)).toEqual({
      end: "rolledBack",
      why: "gate load reports: 5xx 12 % against 0.1 %",
    });
  });

  const unsure: GateVerdict[] = [{ gate: "load reports", verdict: "inconclusive", text: "3 requests of 50" }];
  it.each([
    ["hold", { next: expect.objectContaining({ state: "held", waitsFor: "gate load reports: 3 requests of 50" }) }],
    ["continue", { next: expect.objectContaining({ state: "applying", wave: 1 }) }],
    ["rollback", { end: "rolledBack", why: "no evidence within 1800 s: gate load reports: 3 requests of 50" }],
  ] as const)(
    "is held while the evidence is too little, and then follows inconclusive: %s",
    (inconclusive, expected) => {
      const policy = { ...defaultPolicy, inconclusive };
      const nodes = ids(9);
      const evidence = (rollout: Rollout) => fine(rollout, nodes, { gates: unsure });
      let rollout: Rollout = { ...begin(7, "r", nodes, 0), state: "baking" };
      rollout = next(step(rollout, policy, evidence(rollout), minute));
      expect(rollout).toMatchObject({ state: "held", since: minute });
      const before = minute + policy.maxWaitMs - 1;
      expect(next(step(rollout, policy, evidence(rollout), before))).toBe(rollout);
      expect(step(rollout, policy, evidence(rollout), before + 1)).toEqual(expected);
      expect(next(step(rollout, policy, fine(rollout, nodes), minute + 1))).toMatchObject({
        state: "applying",
        wave: 1,
      });
    },
  );

  it("waits while it is paused or frozen, and goes forward afterwards", () => {
    const nodes = ids(9);
    const head = pause({ ...emptyHead, stable: 6, rollout: begin(7, "r", nodes, 0) }, "me", "lunch");
    const paused = head.rollout as Rollout;
    expect(next(step(paused, defaultPolicy, fine(paused, nodes), 9 * minute))).toBe(paused);
    const resumed = resume(head).rollout as Rollout;
    expect(next(step(resumed, defaultPolicy, fine(resumed, nodes, { isFrozen: true }), 9 * minute))).toBe(resumed);
    expect(next(step(resumed, defaultPolicy, fine(resumed, nodes), 9 * minute)).state).toBe("baking");
  });

  it("that replaces another one starts again, with the same first node", () => {
    const head = rollOut(
      { ...emptyHead, next: 8, stable: 6, rollout: { ...begin(7, "r", ["b"], 0), wave: 2, share: 0.25 } },
      8,
      "s",
      ["a", "b"],
      5,
    );
    expect(head).toMatchObject({
      next: 9,
      stable: 6,
      rollout: { id: "s", revision: 8, first: ["b"], wave: 0, share: 0 },
    });
  });

  it("that goes back bars its content, and the stable revision stays", () => {
    const head = settle(
      { ...emptyHead, next: 8, stable: 6, rollout: begin(7, "r", ["a"], 0) },
      { end: "rolledBack", why: "no" },
      "c0ffee",
      9,
    );
    expect(head).toEqual({
      next: 8,
      stable: 6,
      live: 0,
      barred: [{ content: "c0ffee", revision: 7, why: "no", at: 9 }],
    });
  });
});

describe("whatever happens to a rollout", () => {
  const policy: fc.Arbitrary<RolloutPolicy> = fc.record({
    waves: fc
      .array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { maxLength: 3 })
      .map((waves) => [...waves.sort(), 1]),
    bakeMs: fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 3 }),
    appliedWithinMs: fc.integer({ min: 1, max: 50 }),
    inconclusive: fc.constantFrom("hold", "continue", "rollback"),
    maxWaitMs: fc.integer({ min: 0, max: 100 }),
    fewNodes: fc.integer({ min: 0, max: 6 }),
    nackRetries: fc.constant(0),
  });
  /** The nodes, in the order of their ids, and one gate, as they are at one moment. */
  const tick = fc.record({
    passMs: fc.integer({ min: 0, max: 40 }),
    nodes: fc.array(fc.constantFrom("applied", "applied", "applied", "pending", "away", "refused"), {
      minLength: 8,
      maxLength: 8,
    }),
    gate: fc.constantFrom("pass", "pass", "inconclusive", "fail"),
    isFrozen: fc.boolean(),
    act: fc.constantFrom("none", "none", "none", "pause", "resume", "publish", "promote", "leave"),
  });
  /** The number of ticks before the first node connects. */
  const late = fc.integer({ min: 0, max: 30 });

  it("no gate is skipped, one or two revisions are served, and no edit is lost", () => {
    fc.assert(
      fc.property(policy, fc.array(tick, { minLength: 1, maxLength: 60 }), late, (policy, ticks, late) => {
        const all = ids(8);
        /** Nodes that went away for ever. One of all nodes never does. */
        const gone = new Set<string>();
        let head: Head = rollOut({ ...emptyHead, next: 2, stable: 1 }, 2, "r2", late > 0 ? [] : all, 0);
        let now = 0;
        let published = 2;
        let pending = new Map<string, number>();
        /** When the wave was first seen applied by all of its nodes. */
        let bakesSince: number | undefined;
        for (const [at, { passMs, nodes: states, gate, isFrozen, act }] of ticks.entries()) {
          now += passMs;
          const isAway = (node: number) => at < late || states[node] === "away" || gone.has(all[node] as string);
          const affected = all.filter((_, node) => !isAway(node));
          if (act === "publish") {
            published++;
            head = rollOut(head, published, `r${published}`, affected, now);
            pending = new Map();
            bakesSince = undefined;
          } else if (act === "pause") head = pause(head, "me", "");
          else if (act === "resume") head = resume(head);
          else if (act === "promote" && head.rollout) head = serveToAll(head, head.rollout.revision);
          else if (act === "leave") for (const id of head.rollout?.first ?? []) if (id !== "node-7") gone.add(id);
          expect(head.next).toBe(published + 1);
          expect(head.stable).toBeLessThanOrEqual(published);
          if (!head.rollout) continue;
          const { rollout } = head;
          expect(rollout.revision).toBe(published);
          const nodes: CandidateNode[] = [];
          for (const [at, id] of all.entries()) {
            const state = states[at];
            if (!isIn(rollout, id) || isAway(at)) continue;
            if (state === "pending") pending.set(id, pending.get(id) ?? now);
            else pending.delete(id);
            const pendingSince = pending.get(id);
            nodes.push({
              id,
              ...(pendingSince !== undefined && { pendingSince }),
              ...(state === "refused" && { refused: "all" }),
            });
          }
          const isApplied = nodes.every(
            ({ pendingSince, refused }) => pendingSince === undefined && refused === undefined,
          );
          const gates: GateVerdict[] = [{ gate: "g", verdict: gate, text: "" }];
          const outcome = step(rollout, policy, { affected, nodes, gates, isFrozen }, now);
          const isRed = gate === "fail" || nodes.some(({ refused }) => refused !== undefined);
          const isLate = nodes.some(
            ({ pendingSince }) => pendingSince !== undefined && now - pendingSince >= policy.appliedWithinMs,
          );
          // It goes back at once if something is red, and never without a reason.
          if (isRed || isLate) expect(outcome).toMatchObject({ end: "rolledBack" });
          else if (!(policy.inconclusive === "rollback" && rollout.state === "held"))
            expect(outcome).not.toMatchObject({ end: "rolledBack" });
          const after = "next" in outcome ? outcome.next : undefined;
          const goesForward =
            outcome === undefined ||
            ("end" in outcome && outcome.end === "done") ||
            (after && after.share > rollout.share);
          if (goesForward) {
            expect(isApplied).toBe(true);
            if (rollout.wave === 0) expect(nodes).not.toEqual([]);
            expect(isFrozen || rollout.paused !== undefined).toBe(false);
            const bakeMs = policy.bakeMs[Math.min(rollout.wave, policy.bakeMs.length - 1)] ?? 0;
            expect(now - (bakesSince ?? Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(bakeMs);
            if (gate !== "pass") expect([policy.inconclusive, rollout.state]).toEqual(["continue", "held"]);
          }
          if (after?.state === "baking" && rollout.state === "applying") bakesSince = now;
          else if (after?.state === "applying") bakesSince = undefined;
          head = settle(head, outcome, `content ${rollout.revision}`, now);
          if ("end" in outcome) bakesSince = undefined;
        }
        // If all is well from here on, the rollout ends. So two revisions are not served for ever.
        head = resume(head);
        const left = all.filter((id) => !gone.has(id));
        for (let at = 0; head.rollout && at < 20; at++) {
          const { rollout } = head;
          now += 1_000;
          const outcome = step(rollout, policy, fine(rollout, left), now);
          head = settle(head, outcome, "", now);
        }
        expect(head.rollout).toBeUndefined();
        const last = head.barred.at(-1)?.revision;
        expect(head.stable === published || last === published).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});
