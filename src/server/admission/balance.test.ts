import { expect, it } from "vitest";
import { TestServer, until } from "../../../test/protocol/harness.js";
import { cluster } from "../../../test/protocol/resources.js";
import { SnapshotCache } from "../../cache/snapshot-cache.js";
import { XdsClient } from "../../client/xds-client.js";
import { Account } from "../../protocol/account.js";
import { Snapshot } from "../../resource/snapshot.js";
import { clusterType } from "../../resource/types.js";
import { Balance, type MovableStream } from "./balance.js";

const minute = 60_000;

/** Streams of connections, whose ends are noted. */
function scene() {
  const streams = new Set<MovableStream>();
  const told: string[] = [];
  const balance = new Balance(streams);
  balance.mayMove = () => true;
  const connect = (name: string) => {
    const account = new Account();
    balance.connected(account, { goAway: () => told.push(`${name} goes away`), destroy: () => {} });
    return account;
  };
  const open = (account: Account, id: string | undefined, more: Partial<MovableStream> = {}) => {
    const stream: MovableStream = {
      ...{ node: id === undefined ? undefined : { id }, account, answered: true, openedAt: Date.now() - minute },
      fail: ({ code }) => {
        if (streams.delete(stream)) told.push(`${id} ${code}`);
        balance.closed(stream);
      },
      ...more,
    };
    streams.add(stream);
    balance.opened(stream);
    return stream;
  };
  /** The first request of a new stream. */
  const check = (account: Account, id: string) => balance.check(open(account, undefined), { id });
  return { streams, told, balance, connect, open, check };
}

const moved = expect.objectContaining({ code: "MOVED" });

it("refuses a node above the number, with its connection, and takes it when it comes back", async () => {
  const { balance, connect, open, check, told } = scene();
  const [first, second] = [connect("first"), connect("second")];
  open(connect("other"), "b");
  balance.mostStreams = 1;
  balance.mayMove = () => false;
  expect(check(first, "a")).toBeUndefined();
  balance.mayMove = () => true;
  await expect(check(first, "a")).rejects.toEqual(moved);
  expect(told).toEqual(["first goes away"]);
  await expect(check(first, "a")).rejects.toEqual(moved); // a further stream of the same connection
  expect(check(second, "a")).toBeUndefined();
  expect(balance.moved).toBe(1);
});

it("refuses no stream of a connection that has a node", () => {
  const { balance, connect, open, check } = scene();
  balance.mostStreams = 1;
  const [separate, proxy] = [connect("separate"), connect("proxy")];
  for (const account of [separate, proxy]) open(account, "a");
  expect([check(separate, "a"), check(proxy, "c"), balance.moved]).toEqual([undefined, undefined, 0]);
});

it("moves nodes with all their streams, once each, when they are settled and answered", () => {
  const { balance, connect, open, told, streams } = scene();
  const at = Object.fromEntries(["a", "b", "c", "new", "waiting"].map((id) => [id, connect(id)]));
  for (const id of ["a", "a", "b", "b", "c", "c"]) open(at[id] as Account, id);
  open(at.new as Account, "new", { openedAt: Date.now() });
  open(at.waiting as Account, "waiting", { answered: false });
  expect(balance.shed(1)).toBe(2);
  const [id = ""] = /^\w/.exec(told[0] as string) ?? [];
  expect(told).toEqual([`${id} goes away`, `${id} MOVED`, `${id} MOVED`]);
  open(connect("again"), id);
  expect(balance.shed(100)).toBe(4);
  expect([...streams].map(({ node }) => node?.id)).toEqual(["new", "waiting", id]);
  expect([balance.shed(100), balance.moved]).toEqual([0, 3]);
});

it("leaves the others on a connection alone, such as those behind a proxy", () => {
  const { balance, connect, open, told, streams } = scene();
  const proxy = connect("proxy");
  for (const id of ["a", "b", "a"]) open(proxy, id);
  expect(balance.shed(1)).toBe(2);
  expect(told).toEqual(["a MOVED", "a MOVED"]);
  expect([...streams].map(({ node }) => node?.id)).toEqual(["b"]);
});

it("has a client connect again, which keeps what it had", async () => {
  const cache = new SnapshotCache();
  cache.set("n", Snapshot.of([cluster("x")]));
  const test = await TestServer.start(cache);
  const changes: string[] = [];
  const client = new XdsClient({
    ...{ address: `127.0.0.1:${test.port}`, node: { id: "n" } },
    callbacks: { onResponse: ({ resources }) => void changes.push(...Array.from(resources, ({ name }) => name)) },
  });
  client.subscribe(clusterType);
  const { server } = test;
  await until(() => server.nodes().some(({ types }) => types.some(({ state }) => state === "SYNCED")), "the first ACK");
  const [{ streams = [] } = {}] = server.nodes();
  // A settled stream: the server believes that a minute has passed.
  const { now } = Date;
  Date.now = () => now() + minute;
  expect(server.balance.shed(1)).toBe(1);
  Date.now = now;
  await until(
    () => server.nodes().some((node) => node.streams[0] !== streams[0] && node.types[0]?.state === "SYNCED"),
    "the next stream",
  );
  expect(changes).toEqual(["x"]);
  expect(server.balance.moved).toBe(1);
  await client.close();
});
