import { expect, it } from "vitest";
import type { Logger } from "../../src/logger.js";
import { silentLogger } from "../../src/logger.js";
import type { StoredHead } from "../../src/store/store.js";
import { describeWithEtcd, eventually, newConfiguration, openStore, startEtcd } from "./etcd.js";
import { TcpProxy } from "./tcp-proxy.js";

const never = 3_600_000;
/** Only the watch brings heads. */
const quiet = { lookMs: never };

/** A store behind a proxy, what it hears, and a store beside the proxy. */
async function scene(options = {}) {
  const etcd = await startEtcd();
  const proxy = await TcpProxy.start(etcd.port);
  const configuration = newConfiguration();
  const other = await openStore({ endpoints: [etcd.endpoint], configuration });
  const store = await openStore({ endpoints: [proxy.endpoint], configuration, ...quiet, ...options });
  const heard: StoredHead[] = [];
  store.onMove((head) => heard.push(head));
  const hears = (version: number) => eventually(() => heard.at(-1)?.version === version, `version ${version} is heard`);
  const cutOff = () => {
    proxy.refuse(true);
    proxy.cut();
  };
  return { etcd, proxy, configuration, other, store, heard, hears, cutOff };
}

describeWithEtcd("a watch of the head in etcd", () => {
  it("brings the moves of others", async () => {
    const { other, store, heard, hears } = await scene();
    expect(await other.moveHead(0, { head: "a" })).toBe(1);
    await hears(1);
    expect(await store.moveHead(1, { head: "b" })).toBe(2);
    expect(await other.moveHead(1, { head: "no" })).toBeUndefined();
    expect(await other.moveHead(2, { head: "c" })).toBe(3);
    await hears(3);
    expect(heard).toEqual(["a", "b", "c"].map((head, at) => ({ version: at + 1, head })));
  });

  it("is opened again without a word where one connection is cut", async () => {
    const lines: string[] = [];
    const write = (_: object, message: string) => void lines.push(message);
    const { proxy, other, hears } = await scene({
      logger: { ...silentLogger, info: write, warn: write, error: write },
    });
    await other.moveHead(0, { head: 1 });
    await hears(1);
    const { connections } = proxy;
    proxy.cut();
    await other.moveHead(1, { head: 2 });
    await hears(2);
    expect(proxy.connections).toBeGreaterThan(connections);
    expect(lines).toEqual([]);
  });

  it("goes on behind the last event where a connection is cut in the middle of a catch-up", async () => {
    const moves = 3_000;
    const { proxy, other, heard, hears, cutOff } = await scene();
    await other.moveHead(0, { head: 0 });
    await hears(1);
    cutOff();
    for (let version = 1; version <= moves; version++)
      expect(await other.moveHead(version, { head: version })).toBe(version + 1);
    // etcd sends the moves 1,000 at a time, some 400 KB.
    proxy.cutEvery(600_000);
    proxy.refuse(false);
    await hears(moves + 1);
    // The head alone would be enough. That each move came, once and in order, shows that no event was skipped.
    expect(heard.map(({ version }) => version)).toEqual(Array.from({ length: moves + 1 }, (_, at) => at + 1));
    expect(proxy.cuts).toBeGreaterThan(1);
  });

  it("reads the head again after a compaction under the watcher", async () => {
    const { etcd, proxy, other, heard, hears, cutOff } = await scene();
    await other.moveHead(0, { head: "a" });
    await hears(1);
    cutOff();
    for (let version = 1; version <= 5; version++) await other.moveHead(version, { head: version });
    await etcd.compact();
    proxy.refuse(false);
    await hears(6);
    expect(heard.map(({ version }) => version)).toEqual([1, 6]);
    await other.moveHead(6, { head: "z" });
    await hears(7);
  });

  it("is not needed: the head is read from time to time where a watch is silent", async () => {
    const etcd = await startEtcd();
    const proxies = [await TcpProxy.start(etcd.port), await TcpProxy.start(etcd.port)] as const;
    const configuration = newConfiguration();
    const endpoints = proxies.map(({ endpoint }) => endpoint);
    const other = await openStore({ endpoints: [etcd.endpoint], configuration });
    const pings = { keepaliveMs: never, keepaliveTimeoutMs: never };
    const store = await openStore({ endpoints, configuration, timeoutMs: 1_500, lookMs: 300, ...pings });
    const heard: StoredHead[] = [];
    store.onMove((head) => heard.push(head));
    await other.moveHead(0, { head: 1 });
    await eventually(() => heard.length === 1, "the first move is heard");
    const [used, unused] = proxies[0].connections > 0 ? proxies : [proxies[1], proxies[0]];
    expect(unused.connections).toBe(0);
    used.freeze();
    await other.moveHead(1, { head: 2 });
    await eventually(() => heard.length === 2, "the second move is heard");
    expect(heard.at(-1)).toEqual({ version: 2, head: 2 });
    expect(unused.connections).toBeGreaterThan(0);
  });

  it("says when etcd has lost what it had, and what to do", async () => {
    const lines: string[] = [];
    const write = (fields: object, message: string) => lines.push(`${JSON.stringify(fields)} ${message}`);
    const logger: Logger = { ...silentLogger, warn: write, error: write };
    const { etcd, other, store, heard, hears } = await scene({ logger });
    for (let version = 0; version < 3; version++) await other.moveHead(version, { head: version });
    await hears(3);
    await etcd.kill();
    etcd.loseData();
    etcd.start();
    await etcd.serves(2);
    const isDamaged = { code: "STORE_DAMAGED", message: expect.stringMatching(/gone back from version 3 to 0.*again/) };
    await expect(store.readHead()).rejects.toMatchObject(isDamaged);
    await expect(store.moveHead(3, { head: "no" })).resolves.toBeUndefined();
    const isLogged = () => lines.some((line) => /gone back.* the head in etcd is damaged: the last known/.test(line));
    await eventually(isLogged, "it is logged");
    expect(heard.at(-1)?.version).toBe(3);
  });

  it("says that somebody has deleted the head", async () => {
    const lines: string[] = [];
    const error = (_: object, message: string) => void lines.push(message);
    const { etcd, configuration, store, heard } = await scene({ logger: { ...silentLogger, error } });
    await store.moveHead(0, { head: 1 });
    await etcd.delete(`/xds/v1/${configuration}/head`);
    await eventually(() => lines.length > 0, "it is logged");
    expect(lines).toEqual(["somebody has deleted the head of the store"]);
    await expect(store.readHead()).rejects.toMatchObject({ code: "STORE_DAMAGED" });
    expect(heard).toHaveLength(1);
  });
});
