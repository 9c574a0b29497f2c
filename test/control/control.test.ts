import { describe, expect, it } from "vitest";
import { Control } from "../../src/control/control.js";
import { XdsError } from "../../src/errors.js";
import { Revisions } from "../../src/revisions/revisions.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import { cluster } from "../protocol/resources.js";
import { common, gradually, me, OneHeld, revisionsInRollout } from "./harness.js";

const alice = { by: "token alice" };
const evidence = { affected: 2, candidates: 1, pending: ["n1"], gates: [] };
const now = () => Date.parse("2030-01-01T00:00:00Z");

describe("Control", () => {
  it("shows the kept revisions, with the state of each", async () => {
    const revisions = await revisionsInRollout(now);
    const control = new Control(revisions, { now });
    const states = async () => (await control.history()).revisions.map(({ revision, state }) => [revision, state]);
    expect(await control.history()).toEqual({
      revisions: [
        expect.objectContaining({ revision: 2, state: "candidate", parent: 1, counts: { clusters: 2 } }),
        {
          revision: 1,
          parent: 0,
          at: "2030-01-01T00:00:00.000Z",
          by: "server",
          message: "first",
          content: expect.stringMatching(/^[0-9a-f]{64}$/),
          state: "stable",
          counts: { clusters: 1 },
          layers: ["/"],
          live: ["endpoints", "secrets"],
        },
      ],
    });
    await control.abort("too slow", alice);
    expect(await states()).toEqual([
      [2, "barred"],
      [1, "stable"],
    ]);
    expect(await control.revision(2)).toMatchObject({ state: "barred", why: "aborted by token alice: too slow" });
    await expect(control.revision(7)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await revisions.publish(common(cluster("c")), me);
    expect(await states()).toEqual([
      [3, "stable"],
      [2, "barred"],
      [1, undefined],
    ]);
  });

  it("gives the resources of a layer in a revision, and refuses an unknown layer or revision", async () => {
    const control = new Control(await revisionsInRollout());
    const names: string[] = [];
    for await (const { name } of control.resources(2, "/")) names.push(name);
    expect(names.sort()).toEqual(["a", "b"]);
    await expect(control.resources(2, "edge").next()).rejects.toThrow(
      'revision 2 has no layer "edge"; its layers: "/"',
    );
  });

  it("lets four readers read resources at the same time, and a fifth one after one has ended", async () => {
    const control = new Control(await revisionsInRollout());
    const readers = Array.from({ length: 4 }, () => control.resources(2, "/"));
    for (const reader of readers) await reader.next();
    await expect(control.resources(2, "/").next()).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    await readers[0]?.return(undefined);
    expect((await control.resources(2, "/").next()).done).toBe(false);
  });

  it("undoes a revision; the audit log has who did it and why", async () => {
    const revisions = await revisionsInRollout(now);
    const control = new Control(revisions, { now });
    await control.promote("urgent", alice);
    const made = await control.undo({ why: "errors" }, alice);
    expect(made).toMatchObject({
      revision: 3,
      parent: 2,
      state: "stable",
      by: "token alice",
      message: "undo to @1: errors",
    });
    expect((await control.audit(2)).entries).toEqual([
      {
        at: "2030-01-01T00:00:00.000Z",
        by: "token alice",
        what: "undo",
        why: "errors",
        details: { to: 1, revision: 3 },
      },
      { at: "2030-01-01T00:00:00.000Z", by: "token alice", what: "promote", why: "urgent", details: { revision: 2 } },
    ]);
    expect(revisions.head.barred).toMatchObject([{ revision: 2, why: "undone by token alice: errors" }]);
    expect(await control.undo({ to: 2, why: "it was not that", message: "second, again" }, alice)).toMatchObject({
      revision: 4,
      message: "second, again",
    });
  });

  it("undoes nothing that cannot be served, and says why", async () => {
    const revisions = await revisionsInRollout(now);
    await revisions.promote({ by: "me", why: "now" });
    const asked: number[] = [];
    const checkUndo = async ({ number }: { number: number }) => {
      asked.push(number);
      throw new XdsError("VERSION_IN_USE", "not that");
    };
    const control = new Control(revisions, { now, checkUndo });
    await expect(control.undo({ why: "errors" }, alice)).rejects.toMatchObject({ code: "VERSION_IN_USE" });
    expect([asked, revisions.head.stable]).toEqual([[1], 2]);
  });

  it("pauses, resumes, promotes and aborts a rollout, and refuses these orders without one", async () => {
    const revisions = await revisionsInRollout(now);
    const control = new Control(revisions, { now, evidence: () => evidence });
    await control.pause("lunch", alice);
    expect(await control.rollout()).toEqual({
      stable: 1,
      candidate: {
        revision: 2,
        content: expect.stringMatching(/^[0-9a-f]{64}$/),
        startedAt: "2030-01-01T00:00:00.000Z",
        wave: 0,
        share: 0,
        first: ["n1"],
        state: "applying",
        since: "2030-01-01T00:00:00.000Z",
        paused: { by: "token alice", why: "lunch" },
        evidence,
      },
      barred: [],
    });
    await control.resume("back", alice);
    expect((await control.rollout()).candidate).not.toHaveProperty("paused");
    await control.promote("good", alice);
    expect(await control.rollout()).toEqual({ stable: 2, barred: [] });
    for (const order of ["pause", "resume", "promote", "abort"] as const)
      await expect(control[order]("again", alice), order).rejects.toMatchObject({ code: "WRONG_STATE" });
  });

  it("freezes changes until a time or an order, and promotes nothing meanwhile", async () => {
    let time = now();
    const revisions = await revisionsInRollout(() => time);
    const control = new Control(revisions, { now: () => time });
    await expect(control.unfreeze("nothing", alice)).rejects.toThrow("nothing is frozen");
    await control.freeze({ why: "sale", until: time + 1_000 }, alice);
    expect((await control.rollout()).frozen).toEqual({
      by: "token alice",
      why: "sale",
      at: "2030-01-01T00:00:00.000Z",
      until: "2030-01-01T00:00:01.000Z",
    });
    await expect(control.promote("urgent", alice)).rejects.toThrow("token alice has frozen changes: sale");
    expect(revisions.head.stable).toBe(1);
    time += 1_000;
    expect(await control.rollout()).not.toHaveProperty("frozen");
    await control.freeze({ why: "sale" }, alice);
    await control.unfreeze("over", alice);
    await control.promote("urgent", alice);
    expect(revisions.head.stable).toBe(2);
    await control.freeze({ why: "sale" }, alice);
    await expect(control.promote("urgent", alice), "there is no rollout").rejects.toThrow("no rollout is going on");
  });

  it("serves the next change to all nodes at once by order, where changes are rolled out", async () => {
    const revisions = await revisionsInRollout(now);
    const control = new Control(revisions, { now });
    await control.promoteNext("outage", alice);
    expect((await control.rollout()).atOnce).toEqual({
      by: "token alice",
      why: "outage",
      until: "2030-01-01T00:10:00.000Z",
    });
    await revisions.publish(common(cluster("c")), gradually);
    expect(await control.rollout()).toEqual({ stable: 3, barred: [] });
    const plain = new Control(revisions, { now, isGradual: false });
    await expect(plain.promoteNext("outage", alice)).rejects.toThrow("rolls nothing out gradually");
  });

  it.each(["2", "@2", 8, 64])("allows a barred content that is named by %s", async (called) => {
    const revisions = await revisionsInRollout(now);
    const control = new Control(revisions, { now });
    await control.abort("no", alice);
    const [barred] = revisions.head.barred;
    const name = typeof called === "number" ? (barred?.content.slice(0, called) ?? "") : called;
    expect(await control.again(name, "the backend is up", alice)).toEqual(barred);
    expect(revisions.head.barred).toEqual([]);
    expect((await control.audit(1)).entries).toMatchObject([{ what: "again", why: "the backend is up" }]);
  });

  it.each(["1", "@12", "0000000", "x", "", 7])("finds no barred content by %s", async (called) => {
    const revisions = await revisionsInRollout();
    const control = new Control(revisions);
    await control.abort("no", alice);
    const content = revisions.head.barred[0]?.content ?? "";
    const name = typeof called === "number" ? content.slice(0, called) : called;
    await expect(control.again(name, "why", alice)).rejects.toThrow(
      `no barred content matches ${JSON.stringify(name)}; barred: @2 (${content.slice(0, 8)})`,
    );
    expect(revisions.head.barred).toHaveLength(1);
  });

  it("approves the held change, and no other one", async () => {
    const approvals = new OneHeld();
    const control = new Control(await Revisions.open(new MemoryStore()), { approvals });
    const content = "0123456789abcdef".repeat(4);
    await expect(control.approve({ hash: content }, alice)).rejects.toThrow("no change is held");
    approvals.change = { content, reasons: ["20 of 20 clusters would be removed"], at: now() };
    const held = { content, reasons: ["20 of 20 clusters would be removed"], at: "2030-01-01T00:00:00.000Z" };
    expect((await control.history()).held).toEqual(held);
    expect((await control.rollout()).held).toEqual(held);
    for (const wrong of ["0123456", "0123456700", `${content}0`, "", "0123456789ABCDEF"])
      await expect(control.approve({ hash: wrong }, alice), wrong).rejects.toThrow(
        "the change that is held now is 0123456789ab, not",
      );
    expect(approvals.approved).toEqual([]);
    expect(await control.approve({ hash: "01234567" }, alice)).toMatchObject({ content });
    approvals.change = { content, reasons: [], at: now() };
    await control.approve({ hash: "01234567", why: "a move" }, alice);
    expect(approvals.approved).toEqual([`${content} by token alice`, `${content} by token alice: a move`]);
  });
});
