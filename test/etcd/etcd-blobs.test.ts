import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EtcdStore } from "../../src/store/etcd/index.js";
import { hashOf } from "../../src/store/store.js";
import { base64, describeWithEtcd, type Etcd, newConfiguration, openStore, startMembers } from "./etcd.js";

const text = (blob: Uint8Array) => Buffer.from(blob).toString();
const blobOf = (content: string) => new Uint8Array(Buffer.from(content));

describeWithEtcd("values in etcd", () => {
  let etcd: Etcd;
  beforeAll(async () => {
    [etcd] = (await startMembers(1)) as [Etcd];
    await etcd.serves();
  });
  afterAll(() => etcd.forget());

  /** Stores of one configuration, and the prefix of its keys. */
  async function scene() {
    const configuration = newConfiguration();
    const all = { endpoints: [etcd.endpoint], configuration };
    const [store, other] = [await openStore(all), await openStore(all)];
    return { store, other, configuration, prefix: `/xds/v1/${configuration}/` };
  }
  /** Makes blobs as old as they can be. */
  const age = async (prefix: string, ...hashes: readonly string[]) => {
    for (const hash of hashes) await etcd.put(`${prefix}blob/${hash}`, JSON.stringify({ at: 1, parts: 1 }));
  };

  it("are at most 512 KiB a part of a blob", async () => {
    const { store, other, prefix } = await scene();
    const large = new Uint8Array(randomBytes(3 << 20)); // gzip makes it larger
    const small = blobOf("x".repeat(3 << 20));
    const hashes = await store.putBlobs([large, small, blobOf("")]);
    expect(Buffer.compare(await other.readBlob(hashes[0] as string), large)).toBe(0);
    expect(Buffer.compare(await other.readBlob(hashes[1] as string), small)).toBe(0);
    expect(text(await other.readBlob(hashes[2] as string))).toBe("");
    const { sizes } = await etcd.sizes(`${prefix}part/`);
    expect(sizes.size).toBe(7 + 7 + 1);
    expect(Math.max(...sizes.values())).toBeLessThanOrEqual(512 << 10);
    expect([...sizes].filter(([key, size]) => key.includes(hashes[1] as string) && size > 10_000)).toEqual([]);
  });

  it("are written once: blobs that are there cost no bytes", async () => {
    const { store, other, prefix } = await scene();
    const blobs = Array.from({ length: 500 }, (_, at) => blobOf(`blob ${at}`));
    await store.putBlobs(blobs);
    const before = await etcd.sizes(prefix);
    expect(before.sizes.size).toBe(1_000);
    await store.putBlobs(blobs);
    await other.putBlobs(blobs);
    expect(await etcd.sizes(prefix)).toEqual(before);
    await other.putBlobs([...blobs, blobOf("one more")]);
    expect((await etcd.sizes(prefix)).revision).toBe(before.revision + 1);
  });

  it("stay as long as a publisher may be about to refer to them", async () => {
    const { store, other, prefix } = await scene();
    const [a, b] = (await store.putBlobs([blobOf("a"), blobOf("b")])) as [string, string];
    expect(await other.collect(new Set())).toBe(0);
    await age(prefix, a, b);
    // Another publisher has them already, and uses the first one again.
    expect(await other.putBlobs([blobOf("a")])).toEqual([a]);
    expect(await other.collect(new Set())).toBe(1);
    expect(text(await store.readBlob(a))).toBe("a");
    await expect(store.readBlob(b)).rejects.toMatchObject({ code: "STORE_DAMAGED" });
    expect([...(await etcd.sizes(prefix)).sizes.keys()]).toEqual([`${prefix}blob/${a}`, `${prefix}part/${a}/0000`]);
  });

  it("are put and removed at the same time: what was put is there", async () => {
    const { store, other, configuration, prefix } = await scene();
    const blobs = Array.from({ length: 60 }, (_, at) => blobOf(`blob ${at}`));
    const hashes = await store.putBlobs(blobs);
    let removed = 0;
    for (let round = 0; round < 4 || removed === 0; round++) {
      await age(prefix, ...hashes);
      const publisher = await EtcdStore.open({ endpoints: [etcd.endpoint], configuration });
      const collecting = other.collect(new Set());
      await publisher.putBlobs(blobs);
      removed += await collecting;
      for (const hash of hashes) expect(hashOf(await publisher.readBlob(hash))).toBe(hash);
      await publisher.close();
    }
  });

  it("of a blob that was not written to its end are no blob, and are removed", async () => {
    const { store, other, prefix } = await scene();
    const blob = blobOf("whole");
    const hash = hashOf(blob);
    await etcd.put(`${prefix}blob/${hash}`, JSON.stringify({ at: 1, parts: 0 }));
    await etcd.put(`${prefix}part/${hash}/0000`, "the beginning");
    await expect(store.readBlob(hash)).rejects.toMatchObject({ code: "STORE_DAMAGED" });
    expect(await store.putBlobs([blob])).toEqual([hash]);
    expect(text(await other.readBlob(hash))).toBe("whole");
    await etcd.put(`${prefix}blob/${hash}`, JSON.stringify({ at: 1, parts: 0 }));
    expect(await store.collect(new Set([]))).toBe(1);
    expect((await etcd.sizes(prefix)).sizes.size).toBe(0);
  });

  it("that were changed by others are errors that name the key", async () => {
    const { store, other, prefix } = await scene();
    const [hash] = (await store.putBlobs([blobOf("a")])) as [string];
    await etcd.put(`${prefix}part/${hash}/0000`, "something else");
    await expect(store.readBlob(hash)).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringContaining(`${prefix}part/${hash}/`),
    });
    await etcd.put(`${prefix}record/k/1`, "{");
    await expect(store.readRecord("k/1")).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringContaining(`${prefix}record/k/1 in etcd is not JSON`),
    });
    await etcd.put(`${prefix}head`, "junk");
    await expect(other.readHead()).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringContaining(`${prefix}head in etcd is not JSON`),
    });
  });

  it("can be long, and are compressed then; what is too long is refused, and nothing is changed", async () => {
    const { store, other, prefix } = await scene();
    const head = Array.from({ length: 20_000 }, (_, at) => `node-${at}`);
    expect(await store.moveHead(0, { head, put: { "k/1": head } })).toBe(1);
    expect(await other.readHead()).toEqual({ version: 1, head });
    expect(await other.readRecord("k/1")).toEqual(head);
    const { sizes } = await etcd.sizes(prefix);
    expect(Math.max(...sizes.values())).toBeLessThan(JSON.stringify(head).length / 2);
    const long = randomBytes(1 << 20).toString("base64");
    const isTooLong = { code: "INVALID_OPTION", message: expect.stringMatching(/at most 1048576 bytes at once/) };
    await expect(store.moveHead(1, { head: long })).rejects.toMatchObject(isTooLong);
    await expect(store.putRecords({ "k/2": 1, "k/3": long })).rejects.toMatchObject(isTooLong);
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`k/x${at}`, at]));
    const areTooMany = {
      code: "INVALID_OPTION",
      message: expect.stringMatching(/at most 100 values at once, not 101/),
    };
    await expect(store.putRecords(many)).rejects.toMatchObject(areTooMany);
    expect((await etcd.sizes(prefix)).sizes).toEqual(sizes);
  });

  it("are listed and removed also where they are thousands", async () => {
    const { store } = await scene();
    const ids = Array.from({ length: 2_500 }, (_, at) => `id-${at}`);
    for (let at = 0; at < ids.length; at += 100)
      await store.putRecords(Object.fromEntries(ids.slice(at, at + 100).map((id) => [`many/${id}`, id])));
    expect([...(await store.listRecords("many"))].sort()).toEqual([...ids].sort());
    await store.removeRecords(ids.slice(1).map((id) => `many/${id}`));
    expect(await store.listRecords("many")).toEqual(["id-0"]);
  });

  it("of the audit log are the newest 10,000", async () => {
    const { store, prefix } = await scene();
    const before = Array.from({ length: 10_050 }, (_, at) => {
      const key = base64(`${prefix}audit/${String(at + 1).padStart(15, "0")}-0`);
      return { requestPut: { key, value: base64(JSON.stringify({ at: at + 1, by: "me", what: "publish" })) } };
    });
    for (let at = 0; at < before.length; at += 100) await etcd.json("kv/txn", { success: before.slice(at, at + 100) });
    await store.collect(new Set());
    expect((await etcd.sizes(`${prefix}audit/`)).sizes.size).toBe(10_000);
    const kept = (await store.readAudit(20_000)).map(({ at }) => at);
    // Entries of one transaction are in no order; only this test writes several in one.
    expect([...kept].sort((a, b) => b - a)).toEqual(Array.from({ length: 10_000 }, (_, at) => 10_050 - at));
    expect(Math.min(...kept.slice(0, 100))).toBeGreaterThan(9_900);
  });
});
