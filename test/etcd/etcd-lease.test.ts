import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithEtcd, type Etcd, eventually, newConfiguration, openStore, startMembers } from "./etcd.js";
import { TcpProxy } from "./tcp-proxy.js";

/** Near the shortest that etcd grants. */
const shortest = 2;

/** Blocks the event loop. */
const block = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

describeWithEtcd("a lease in etcd", () => {
  let etcd: Etcd;
  beforeAll(async () => {
    [etcd] = (await startMembers(1)) as [Etcd];
    await etcd.serves();
  });
  afterAll(() => etcd.forget());

  /** Two stores of one configuration, the first behind a proxy. */
  async function scene(leaseSeconds = shortest) {
    const proxy = await TcpProxy.start(etcd.port);
    const configuration = newConfiguration();
    const options = { configuration, leaseSeconds, timeoutMs: 3_000 };
    const store = await openStore({ ...options, endpoints: [proxy.endpoint] });
    const other = await openStore({ ...options, endpoints: [etcd.endpoint] });
    const lease = await store.lease("leader");
    if (!lease) throw new Error("no lease");
    return { proxy, configuration, store, other, lease };
  }

  it("is kept for longer than it lasts, and is free when it is released", async () => {
    const { store, other, lease } = await scene(3);
    for (let second = 0; second < 5; second++) {
      await sleep(1_000);
      expect(await other.lease("leader")).toBeUndefined();
    }
    expect(lease.lost.aborted).toBe(false);
    expect(await store.moveHead(0, { head: 1, lease })).toBe(1);
    await lease.release();
    expect(await other.lease("leader")).toBeDefined();
  });

  it("runs out where etcd cannot be reached: it is lost before another one has it", async () => {
    const { proxy, other, lease } = await scene();
    proxy.freeze();
    let next = await other.lease("leader");
    expect(next).toBeUndefined();
    await eventually(async () => {
      next = await other.lease("leader");
      return next !== undefined;
    }, "another one has it");
    expect(lease.lost.aborted).toBe(true);
    await expect(other.moveHead(0, { head: 1, ...(next && { lease: next }) })).resolves.toBe(1);
  });

  it("is lost where the event loop was blocked for too long", async () => {
    const { lease, store } = await scene();
    block(shortest * 1_000 + 100);
    await nextTurn();
    await nextTurn();
    expect(lease.lost.aborted).toBe(true);
    await expect(store.moveHead(0, { head: 1, lease })).rejects.toMatchObject({ code: "WRONG_STATE" });
  });

  it("is renewed after the event loop was blocked for less", async () => {
    const { lease, other } = await scene(5);
    for (let times = 0; times < 3; times++) {
      block(2_500);
      await sleep(500);
    }
    expect(lease.lost.aborted).toBe(false);
    expect(await other.lease("leader")).toBeUndefined();
  });

  it("is no longer of use to a leader that has not noticed that there is another one", async () => {
    const { configuration, store, other, lease } = await scene();
    await store.moveHead(0, { head: "first", lease });
    await etcd.delete(`/xds/v1/${configuration}/lease/leader`);
    const next = await other.lease("leader");
    expect(next).toBeDefined();
    expect(lease.lost.aborted).toBe(false);
    const move = store.moveHead(1, { head: "late", put: { "k/1": 1 }, lease });
    await expect(move).rejects.toMatchObject({ code: "WRONG_STATE", message: expect.stringContaining("lease") });
    expect(lease.lost.aborted).toBe(true);
    expect(await store.readHead()).toEqual({ version: 1, head: "first" });
    expect(await store.readRecord("k/1")).toBeUndefined();
    expect(await other.moveHead(1, { head: "second", ...(next && { lease: next }) })).toBe(2);
  });

  it("is not of use for another store", async () => {
    const { other, lease } = await scene();
    await expect(other.moveHead(0, { head: 1, lease })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
