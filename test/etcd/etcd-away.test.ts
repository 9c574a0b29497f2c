import { randomBytes } from "node:crypto";
import { expect, it, vi } from "vitest";
import { silentLogger } from "../../src/logger.js";
import { EtcdStore } from "../../src/store/etcd/index.js";
import type { StoredHead } from "../../src/store/store.js";
import { describeWithEtcd, eventually, newConfiguration, openStore, startEtcd } from "./etcd.js";
import { TcpProxy } from "./tcp-proxy.js";

const failed = (pattern: RegExp) => ({ code: "STORE_FAILED", message: expect.stringMatching(pattern) });
const away = (pattern: RegExp) => ({ code: "STORE_AWAY", message: expect.stringMatching(pattern) });

describeWithEtcd("a store in an etcd that is away", () => {
  it("fails with a clear error while etcd is stopped (SIGSTOP), and goes on after it", async () => {
    const etcd = await startEtcd();
    const configuration = newConfiguration();
    const lines: string[] = [];
    const log = (_: object, message: string) => void lines.push(message);
    const store = await openStore({
      endpoints: [etcd.endpoint],
      configuration,
      timeoutMs: 1_500,
      keepaliveMs: 300,
      keepaliveTimeoutMs: 300,
      logger: { ...silentLogger, warn: log, info: log },
    });
    const heard: StoredHead[] = [];
    store.onMove((head) => heard.push(head));
    await store.moveHead(0, { head: 1 });
    await etcd.pause();
    await expect(store.putRecords({ "k/1": 1 })).rejects.toMatchObject(
      away(new RegExp(`etcd at ${etcd.endpoint} gave no answer within 1500 ms`)),
    );
    await eventually(() => lines.length > 0, "it is logged");
    expect(store.away?.since).toBeLessThanOrEqual(Date.now());
    etcd.resume();
    await eventually(() => lines.includes("etcd can be reached again"), "etcd can be reached again");
    expect(store.away).toBeUndefined();
    expect(lines).toEqual(["etcd cannot be reached: the last known head stays in use", "etcd can be reached again"]);
    const other = await openStore({ endpoints: [etcd.endpoint], configuration });
    expect(await other.moveHead(1, { head: 2 })).toBe(2);
    await eventually(() => heard.at(-1)?.version === 2, "the move of another is heard");
    await store.putRecords({ "k/1": 2 });
    expect(await store.readRecord("k/1")).toBe(2);
  });

  it("fails with a clear error while etcd is gone, and goes on when it is back", async () => {
    const etcd = await startEtcd();
    const configuration = newConfiguration();
    const store = await openStore({ endpoints: [etcd.endpoint], configuration, timeoutMs: 1_000 });
    const heard: StoredHead[] = [];
    store.onMove((head) => heard.push(head));
    const [hash] = (await store.putBlobs([Buffer.from("content")])) as [string];
    await store.moveHead(0, { head: 1, put: { "k/1": 1 } });
    await etcd.kill();
    const isRefused = away(new RegExp(`${etcd.endpoint} gave no answer within 1000 ms: .*ECONNREFUSED`));
    await expect(store.moveHead(1, { head: "no" })).rejects.toMatchObject(isRefused);
    await expect(store.readHead()).rejects.toMatchObject(isRefused);
    await expect(store.lease("leader")).rejects.toMatchObject(isRefused);
    await expect(EtcdStore.open({ endpoints: [etcd.endpoint], configuration, timeoutMs: 300 })).rejects.toMatchObject(
      away(/ECONNREFUSED/),
    );
    etcd.start();
    await etcd.serves(2);
    expect(await store.readHead()).toEqual({ version: 1, head: 1 });
    expect(Buffer.from(await store.readBlob(hash)).toString()).toBe("content");
    const other = await openStore({ endpoints: [etcd.endpoint], configuration });
    expect(await other.moveHead(1, { head: 2 })).toBe(2);
    await eventually(() => heard.at(-1)?.version === 2, "the move of another is heard");
  });

  it("can be closed, and then calls that are under way end", async () => {
    const etcd = await startEtcd();
    const store = await openStore({ endpoints: [etcd.endpoint], configuration: newConfiguration() });
    const lease = await store.lease("leader");
    await etcd.pause();
    const reading = expect(store.readHead()).rejects.toMatchObject({ code: "WRONG_STATE" });
    await store.close();
    await reading;
    expect(lease?.lost.aborted).toBe(true);
  });

  it("makes a move once whose answer is lost, and knows that it has, also where another move followed", async () => {
    const etcd = await startEtcd();
    const proxy = await TcpProxy.start(etcd.port);
    const configuration = newConfiguration();
    const other = await openStore({ endpoints: [etcd.endpoint], configuration });
    const store = await openStore({ endpoints: [proxy.endpoint], configuration, timeoutMs: 20_000 });
    for (const isFollowed of [false, true]) {
      const { version } = await store.readHead();
      proxy.swallow(true);
      const moving = store.moveHead(version, { head: "mine", put: { [`k/${version}`]: 1 } });
      await eventually(async () => (await other.readHead()).version === version + 1, "etcd has made the move");
      if (isFollowed) expect(await other.moveHead(version + 1, { head: "another" })).toBe(version + 2);
      proxy.swallow(false);
      proxy.cut();
      expect(await moving).toBe(version + 1);
      const head = isFollowed ? "another" : "mine";
      expect(await store.readHead()).toEqual({ version: version + (isFollowed ? 2 : 1), head });
    }
  });

  it("has a clear error where the quota of etcd is used up, and can be tidied up", async () => {
    const etcd = await startEtcd({ flags: ["--quota-backend-bytes", String(4 << 20)] });
    const store = await openStore({
      endpoints: [etcd.endpoint],
      configuration: newConfiguration(),
      unusedBlobsMs: 0,
    });
    await store.moveHead(0, { head: 1 });
    const fill = async () => {
      for (let blob = 0; blob < 100; blob++) await store.putBlobs([randomBytes(400_000)]);
    };
    const isFull = failed(/database space exceeded; its quota is used up: compact .*--quota-backend-bytes/);
    await expect(fill()).rejects.toMatchObject(isFull);
    await expect(store.moveHead(1, { head: 2 })).rejects.toMatchObject(isFull);
    expect(await store.readHead()).toEqual({ version: 1, head: 1 });
    expect(await store.collect(new Set())).toBeGreaterThan(3);
    await etcd.compact();
    await etcd.json("maintenance/defragment", {});
    const { alarms } = (await etcd.json("maintenance/alarm", { action: "GET" })) as { alarms: object[] };
    for (const alarm of alarms) await etcd.json("maintenance/alarm", { ...alarm, action: "DEACTIVATE" });
    expect(await store.moveHead(1, { head: 2 })).toBe(2);
  });

  it("refuses members of two clusters", async () => {
    const [one, two] = [await startEtcd(), await startEtcd()];
    const endpoints = [one.endpoint, two.endpoint];
    const store = await openStore({ endpoints, configuration: newConfiguration(), timeoutMs: 3_000 });
    await store.moveHead(0, { head: 1 });
    const holder = (await one.sizes("/xds/v1/")).sizes.size > 0 ? one : two;
    await holder.kill();
    await expect(store.moveHead(1, { head: 2 })).rejects.toMatchObject(
      failed(/another cluster.*members of one cluster/),
    );
    holder.start();
    await holder.serves(2);
    // A call may still meet the other member first. Then it fails, and that member is left.
    await vi.waitFor(async () => expect(await store.moveHead(1, { head: 2 })).toBe(2), { timeout: 30_000 });
  });
});
