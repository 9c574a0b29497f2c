import { expect, it, onTestFinished } from "vitest";
import { hashOf, type Store, type StoredHead } from "../../src/store/store.js";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const text = (blob: Uint8Array) => Buffer.from(blob).toString();

/** What every store promises. `open` makes an empty store. */
export function storeContract(open: () => Promise<Store>): void {
  const opened = async () => {
    const store = await open();
    onTestFinished(() => store.close());
    return store;
  };

  it("keeps blobs by their hashes, and equal blobs once", async () => {
    const store = await opened();
    const hashes = await store.putBlobs([bytes("a"), bytes("b"), bytes("a")]);
    expect(hashes).toEqual([hashOf(bytes("a")), hashOf(bytes("b")), hashOf(bytes("a"))]);
    expect(await store.putBlobs([bytes("b"), bytes("")])).toEqual([hashOf(bytes("b")), hashOf(bytes(""))]);
    for (const content of ["a", "b", ""]) expect(text(await store.readBlob(hashOf(bytes(content))))).toBe(content);
    await expect(store.readBlob(hashOf(bytes("c")))).rejects.toMatchObject({ code: "STORE_DAMAGED" });
  });

  it("does not change a blob when the caller changes its bytes", async () => {
    const store = await opened();
    const mine = bytes("a");
    const [hash] = await store.putBlobs([mine]);
    mine[0] = 1;
    expect(text(await store.readBlob(hash as string))).toBe("a");
  });

  it("removes unused blobs, and can keep them again later", async () => {
    const store = await opened();
    const [a, b] = (await store.putBlobs([bytes("a"), bytes("b")])) as [string, string];
    expect(await store.collect(new Set([a]))).toBe(1);
    expect(text(await store.readBlob(a))).toBe("a");
    await expect(store.readBlob(b)).rejects.toMatchObject({ code: "STORE_DAMAGED" });
    await store.putBlobs([bytes("b")]);
    expect(text(await store.readBlob(b))).toBe("b");
  });

  it("says which blobs are not there", async () => {
    const store = await opened();
    const [a] = (await store.putBlobs([bytes("a")])) as [string];
    expect(await store.keepBlobs([hashOf(bytes("b")), a, hashOf(bytes("c"))])).toEqual([
      hashOf(bytes("b")),
      hashOf(bytes("c")),
    ]);
    expect(await store.keepBlobs([])).toEqual([]);
  });

  it("has no head at first, and moves it only from its present version", async () => {
    const store = await opened();
    expect(await store.readHead()).toEqual({ version: 0, head: undefined });
    expect(await store.moveHead(1, { head: "no" })).toBeUndefined();
    expect(await store.moveHead(0, { head: { a: [1, null] } })).toBe(1);
    expect(await store.moveHead(0, { head: "no" })).toBeUndefined();
    expect(await store.readHead()).toEqual({ version: 1, head: { a: [1, null] } });
    expect(await store.moveHead(1, { head: "next" })).toBe(2);
    expect(await store.readHead()).toEqual({ version: 2, head: "next" });
  });

  it("lets one of many callers move the head at the same time", async () => {
    const store = await opened();
    const moves = await Promise.all(
      [1, 2, 3, 4].map((head) => store.moveHead(0, { head, put: { [`k/${head}`]: head } })),
    );
    expect(moves.filter((version) => version !== undefined)).toEqual([1]);
    const { head } = await store.readHead();
    expect(await store.listRecords("k")).toEqual([String(head)]);
  });

  it("calls a listener after each move, until the listener is removed", async () => {
    const store = await opened();
    const heard: StoredHead[] = [];
    const stop = store.onMove((head) => heard.push(head));
    await store.moveHead(0, { head: 1 });
    await store.moveHead(0, { head: 2 });
    expect(heard).toEqual([{ version: 1, head: 1 }]);
    stop();
    await store.moveHead(1, { head: 3 });
    expect(heard).toHaveLength(1);
  });

  it("keeps records by kind and id", async () => {
    const store = await opened();
    await store.moveHead(0, { head: 1, put: { "revision/1": { n: 1 }, "revision/2": [2] } });
    await store.putRecords({ "revision/2": "two", "refused/node.a-B_1": true });
    expect(await store.readRecord("revision/1")).toEqual({ n: 1 });
    expect(await store.readRecord("revision/2")).toBe("two");
    expect(await store.readRecord("revision/3")).toBeUndefined();
    expect([...(await store.listRecords("revision"))].sort()).toEqual(["1", "2"]);
    expect(await store.listRecords("refused")).toEqual(["node.a-B_1"]);
    expect(await store.listRecords("other")).toEqual([]);
    await store.removeRecords(["revision/1", "revision/9"]);
    expect(await store.listRecords("revision")).toEqual(["2"]);
  });

  it.each(["", "a", "a/", "/a", "a/b/c", "../a", "a/../b", "a/b c", "a/\0", "a/.b", "A/b"])(
    "refuses the key %j, and changes nothing",
    async (key) => {
      const store = await opened();
      await expect(store.putRecords({ "a/b": 1, [key]: 1 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
      await expect(store.moveHead(0, { head: 1, put: { [key]: 1 } })).rejects.toMatchObject({ code: "INVALID_OPTION" });
      expect(await store.listRecords("a")).toEqual([]);
      expect(await store.readHead()).toEqual({ version: 0, head: undefined });
    },
  );

  it("keeps the newest audit entries, newest first", async () => {
    const store = await opened();
    const entry = (at: number) => ({ at, by: "me", what: "publish", why: "line\nbreak", details: { revision: at } });
    await store.audit(entry(1));
    await store.moveHead(0, { head: 1, audit: entry(2) });
    await store.moveHead(0, { head: 1, audit: entry(3) });
    await store.audit(entry(4));
    expect(await store.readAudit(10)).toEqual([entry(4), entry(2), entry(1)]);
    expect(await store.readAudit(2)).toEqual([entry(4), entry(2)]);
  });

  it("gives a lease to one holder at a time", async () => {
    const store = await opened();
    const lease = await store.lease("leader");
    expect(lease?.lost.aborted).toBe(false);
    expect(await store.lease("leader")).toBeUndefined();
    expect(await store.lease("other")).toBeDefined();
    await lease?.release();
    expect(lease?.lost.aborted).toBe(true);
    const next = await store.lease("leader");
    await lease?.release();
    expect(next?.lost.aborted).toBe(false);
    await store.close();
    expect(next?.lost.aborted).toBe(true);
  });

  it("moves the head for a lease as long as it is held", async () => {
    const store = await opened();
    const lease = await store.lease("leader");
    const record = { "k/1": 1 };
    expect(await store.moveHead(0, { head: 1, ...(lease && { lease }) })).toBe(1);
    await lease?.release();
    const move = store.moveHead(1, { head: 2, put: record, ...(lease && { lease }) });
    await expect(move).rejects.toMatchObject({ code: "WRONG_STATE", message: expect.stringContaining("lease") });
    const next = await store.lease("leader");
    await expect(store.moveHead(1, { head: 2, put: record, ...(lease && { lease }) })).rejects.toMatchObject({
      code: "WRONG_STATE",
    });
    expect(await store.readHead()).toEqual({ version: 1, head: 1 });
    expect(await store.readRecord("k/1")).toBeUndefined();
    expect(await store.moveHead(1, { head: 2, ...(next && { lease: next }) })).toBe(2);
    expect(await store.moveHead(1, { head: 3, ...(next && { lease: next }) })).toBeUndefined();
  });

  it("rejects calls after it is closed, but can be closed again", async () => {
    const store = await opened();
    await store.close();
    await store.close();
    const wrongState = { code: "WRONG_STATE" };
    await expect(store.readHead()).rejects.toMatchObject(wrongState);
    await expect(store.moveHead(0, { head: 1 })).rejects.toMatchObject(wrongState);
    await expect(store.putBlobs([bytes("a")])).rejects.toMatchObject(wrongState);
  });

  it("knows the processes that announce themselves, if several can share it", async () => {
    const store = await opened();
    if (!store.announce || !store.present)
      return expect([store.announce, store.present]).toEqual([undefined, undefined]);
    expect(await store.present()).toEqual(new Map());
    await store.announce("a", { streams: 1 });
    await store.announce("b", { streams: 2 });
    await store.announce("a", { streams: 3 });
    expect(await store.present()).toEqual(
      new Map([
        ["a", { streams: 3 }],
        ["b", { streams: 2 }],
      ]),
    );
    await expect(store.announce("a/b", {})).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
}
