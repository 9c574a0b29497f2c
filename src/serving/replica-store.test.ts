import { describe, expect, it, onTestFinished, vi } from "vitest";
import { storeContract } from "../../test/contract/store.js";
import { LogBook } from "../../test/protocol/harness.js";
import { cluster, endpoints } from "../../test/protocol/resources.js";
import { XdsError } from "../errors.js";
import { Revisions } from "../revisions/revisions.js";
import { MemoryStore } from "../store/memory-store.js";
import type { Away, Store } from "../store/store.js";
import { ReplicaStore } from "./replica-store.js";

const by = { by: "me" };
const layers = (...names: string[]) => new Map([["/", names.map((name) => cluster(name))]]);

/** A store in memory that can be away. Its connections end without it. */
class Remote extends MemoryStore {
  away: Away | undefined;

  /** A connection to it. */
  connection(): Store {
    return new Proxy(this as Store, {
      get: (target, name) => {
        if (name === "away") return this.away;
        if (name === "close") return async () => {};
        const member = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (this.away && name !== "onMove") return Promise.reject(new XdsError("STORE_AWAY", this.away.error));
          return (member as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  }

  async connect(): Promise<Store> {
    if (this.away) throw new XdsError("STORE_AWAY", this.away.error);
    return this.connection();
  }
}

const away: Away = { since: 1, error: "nobody answers" };

/** A copy that outlives the store that has it. */
function copy(): Store {
  const kept = new MemoryStore();
  return new Proxy(kept as Store, {
    get: (target, name) => {
      const member = name === "close" ? async () => {} : Reflect.get(target, name);
      return typeof member === "function" ? (member as () => unknown).bind(target) : member;
    },
  });
}

async function open(remote: Remote, kept?: Store, logger = new LogBook()) {
  const store = await ReplicaStore.open({
    connect: () => remote.connect(),
    configuration: "edge",
    ...(kept && { copy: kept }),
    logger,
  });
  onTestFinished(() => store.close());
  return store;
}

/** Opens a replica, shows its head, and waits until the copy has it. */
async function copied(remote: Remote, kept: Store): Promise<ReplicaStore> {
  const store = await open(remote, kept);
  const revisions = await Revisions.open(store);
  store.served(revisions.head);
  const { stable } = revisions.head;
  await vi.waitFor(async () => expect((await kept.readHead()).head).toMatchObject({ stable }));
  return store;
}

const namesIn = async (revisions: Revisions, number: number) =>
  ((await revisions.groupsOf(await revisions.read(number))).get("/") ?? []).map(({ name }) => name).sort();

describe("ReplicaStore keeps the store contract", () => {
  const options = { connect: async () => new MemoryStore(), configuration: "edge" };
  storeContract(() => ReplicaStore.open(options));
});

describe("a replica's store", () => {
  it("serves from its copy while the store is away, with live resources and earlier revisions", async () => {
    const remote = new Remote();
    const publisher = await Revisions.open(remote);
    await publisher.publish(layers("a", "b"), { ...by, live: new Map([["/", [endpoints("a")]]]) });
    await publisher.publish(layers("a", "c"), by);
    const kept = copy();
    await (await copied(remote, kept)).close();

    remote.away = away;
    const log = new LogBook();
    const store = await open(remote, kept, log);
    const revisions = await Revisions.open(store);
    expect(revisions.head).toEqual(publisher.head);
    store.served(revisions.head);
    expect(await namesIn(revisions, 2)).toEqual(["a", "c"]);
    expect(await namesIn(revisions, 1)).toEqual(["a", "b"]);
    expect((await revisions.live()).get("/")?.map(({ name }) => name)).toEqual(["a"]);
    await expect(revisions.publish(layers("d"), by)).rejects.toMatchObject({
      code: "STORE_AWAY",
      message: "the store has not answered yet: nobody answers",
    });
    await store.close();
    const warnings = log.entries.filter(({ level }) => level !== "debug").map(({ message }) => message);
    expect(warnings).toEqual(["the store is away: the local copy is served until it answers"]);
  });

  it("goes on with the store's head when the store answers", async () => {
    const remote = new Remote();
    const publisher = await Revisions.open(remote);
    await publisher.publish(layers("a"), by);
    const kept = copy();
    await (await copied(remote, kept)).close();
    remote.away = away;
    const store = await open(remote, kept);
    expect(store.away).toMatchObject({ error: "nobody answers" });
    const revisions = await Revisions.open(store);
    remote.away = undefined;
    await publisher.publish(layers("b"), by);
    await vi.waitFor(() => expect(revisions.head.stable).toBe(2), 5_000);
    expect(store.away).toBeUndefined();
    await revisions.freeze({ by: "me", why: "to write too" });
    expect(publisher.head.frozen?.why).toBe("to write too");
  });

  it("starts without a copy while the store is away, and refuses to start where waiting is of no use", async () => {
    const remote = new Remote();
    remote.away = away;
    const store = await open(remote);
    expect(await store.readHead()).toEqual({ version: 0, head: undefined });
    const refused = async () => Promise.reject(new XdsError("STORE_FAILED", "wrong password"));
    await expect(ReplicaStore.open({ connect: refused, configuration: "edge" })).rejects.toThrow("wrong password");
    // The content of the copy is served nevertheless.
    const kept = copy();
    remote.away = undefined;
    await (await Revisions.open(remote)).publish(layers("a"), by);
    await (await copied(remote, kept)).close();
    const revisions = await Revisions.open(
      await ReplicaStore.open({ connect: refused, configuration: "edge", copy: kept }),
    );
    expect(revisions.head.stable).toBe(1);
  });

  it("follows a store that was restored from a backup, and logs it", async () => {
    const remote = new Remote();
    const publisher = await Revisions.open(remote);
    for (const name of ["a", "b", "c"]) await publisher.publish(layers(name), by);
    const kept = copy();
    await (await copied(remote, kept)).close();
    const restored = new Remote();
    await (await Revisions.open(restored)).publish(layers("old"), by);
    const log = new LogBook();
    const revisions = await Revisions.open(await open(restored, kept, log));
    expect(await namesIn(revisions, revisions.head.stable)).toEqual(["old"]);
    expect(log.entries.map(({ message }) => message)).toContain(
      "the head of the store is older than the local copy: the store was restored from a backup",
    );
    await (await Revisions.open(restored)).publish(layers("new"), by);
    expect(await namesIn(revisions, revisions.head.stable)).toEqual(["new"]);
    await revisions.publish(layers("mine"), by);
    expect((await Revisions.open(restored)).head.stable).toBe(3);
  });

  it("serves its copy while the store is empty", async () => {
    const remote = new Remote();
    for (const name of ["a", "b"]) await (await Revisions.open(remote)).publish(layers(name), by);
    const kept = copy();
    await (await copied(remote, kept)).close();
    const empty = new Remote();
    const revisions = await Revisions.open(await open(empty, kept));
    expect(await namesIn(revisions, revisions.head.stable)).toEqual(["b"]);
    await (await Revisions.open(empty)).publish(layers("new"), by);
    expect(await namesIn(revisions, revisions.head.stable)).toEqual(["new"]);
  });

  it("does not take the state of another configuration, or of a server without a store, for its copy", async () => {
    const kept = copy();
    const remote = new Remote();
    await (await Revisions.open(remote)).publish(layers("a"), by);
    await (await copied(remote, kept)).close();
    const connect = () => remote.connect();
    await expect(ReplicaStore.open({ connect, configuration: "core", copy: kept })).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("is a copy of the configuration edge"),
    });
    await expect(ReplicaStore.open({ connect, configuration: "edge", copy: remote.connection() })).rejects.toThrow(
      "has revisions of its own",
    );
  });

  it("keeps a bounded number of revisions in its copy, and no blobs of others", async () => {
    const remote = new Remote();
    const publisher = await Revisions.open(remote);
    const kept = copy();
    const store = await open(remote, kept);
    const revisions = await Revisions.open(store);
    for (let at = 1; at <= 30; at++) {
      await publisher.publish(layers(`c${at}`), by);
      store.served(revisions.head);
      await vi.waitFor(async () => expect((await kept.readHead()).head).toMatchObject({ stable: at }));
    }
    await vi.waitFor(async () => expect((await kept.listRecords("revision")).length).toBeLessThanOrEqual(20));
    const first = (await publisher.read(1)).groups["/"] as string;
    await vi.waitFor(async () => expect(await kept.keepBlobs([first])).toEqual([first]));
  });

  it("keeps the marks of refusals to itself", async () => {
    const remote = new Remote();
    const [one, two] = [await open(remote), await open(remote)];
    await one.putRecords({ "refused/marks": ["n1"] });
    expect(await one.readRecord("refused/marks")).toEqual(["n1"]);
    expect(await two.readRecord("refused/marks")).toBeUndefined();
    expect(await remote.listRecords("refused")).toEqual([]);
  });
});
