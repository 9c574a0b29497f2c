import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { storeContract } from "../../test/contract/store.js";
import { Crash, CrashingDisk, crashes } from "../../test/store/crashing-disk.js";
import { DirectoryStore } from "./directory-store.js";
import { hashOf, type Store } from "./store.js";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "xds-store-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const open = async (path = join(folder, "state")) => {
  const store = await DirectoryStore.open(path);
  onTestFinished(() => store.close());
  return store;
};

describe("DirectoryStore keeps the store contract", () =>
  storeContract(() => DirectoryStore.open(join(folder, "state"))));

describe("DirectoryStore", () => {
  it("has the same content after it is closed and opened again", async () => {
    const first = await open();
    const [hash] = (await first.putBlobs([bytes("a")])) as [string];
    await first.moveHead(0, {
      head: { at: hash },
      put: { "revision/1": 1 },
      audit: { at: 1, by: "me", what: "publish" },
    });
    await first.close();
    const second = await open();
    expect(await second.readHead()).toEqual({ version: 1, head: { at: hash } });
    expect(Buffer.from(await second.readBlob(hash)).toString()).toBe("a");
    expect(await second.readRecord("revision/1")).toBe(1);
    expect(await second.readAudit(5)).toEqual([{ at: 1, by: "me", what: "publish" }]);
  });

  it("gives access to its user only, also to a folder that was there", async () => {
    mkdirSync(join(folder, "state"));
    chmodSync(join(folder, "state"), 0o777);
    const store = await open();
    await store.putBlobs([bytes("a")]);
    await store.moveHead(0, { head: 1, put: { "a/b": 1 }, audit: { at: 1, by: "me", what: "x" } });
    const modes = new Set<string>();
    const walk = (path: string) => {
      const stats = statSync(path);
      modes.add(`${stats.isDirectory() ? "folder" : "file"} ${(stats.mode & 0o777).toString(8)}`);
      if (stats.isDirectory()) for (const name of readdirSync(path)) walk(join(path, name));
    };
    walk(join(folder, "state"));
    expect([...modes].sort()).toEqual(["file 600", "folder 700"]);
    const others = join(folder, "others");
    mkdirSync(others);
    writeFileSync(join(others, "a.txt"), "");
    chmodSync(others, 0o755);
    await expect(DirectoryStore.open(others)).rejects.toThrow("has files of another program");
    expect(statSync(others).mode & 0o777, "the folder of another program stays as it was").toBe(0o755);
  });

  it.skipIf(process.geteuid?.() !== 0)(
    "is not in a folder of another user that all can write, not even root's",
    async () => {
      const theirs = join(folder, "theirs");
      mkdirSync(theirs);
      chownSync(theirs, 65_534, 65_534);
      chmodSync(theirs, 0o777);
      await expect(DirectoryStore.open(theirs)).rejects.toThrow("belongs to another user, and every user can write it");
      expect(statSync(theirs).mode & 0o777).toBe(0o777);
      chmodSync(theirs, 0o755);
      await (await DirectoryStore.open(theirs)).close();
    },
  );

  it("begins a new audit log when one is full, and reads the previous one too", async () => {
    const store = await open();
    const why = "x".repeat(300_000);
    for (let at = 1; at <= 7; at++) await store.audit({ at, by: "me", what: "publish", why });
    expect((await store.readAudit(100)).map(({ at }) => at)).toEqual([7, 6, 5, 4, 3, 2, 1].slice(0, 7));
    for (let at = 8; at <= 30; at++) await store.audit({ at, by: "me", what: "publish", why });
    const kept = (await store.readAudit(100)).map(({ at }) => at);
    expect(kept.slice(0, 4)).toEqual([30, 29, 28, 27]);
    expect(kept.length).toBeLessThan(10);
  });

  it.each([
    ["blob", (path: string) => truncateSync(path, 5)],
    ["blob", (path: string) => rmSync(path)],
  ])("reports a damaged %s, with its path", async (_, damage) => {
    const store = await open();
    const [hash] = (await store.putBlobs([bytes("some content")])) as [string];
    const path = join(folder, "state/blob", hash.slice(0, 2), hash);
    damage(path);
    await expect(store.readBlob(hash)).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringContaining(path),
    });
  });

  it("reports a damaged head", async () => {
    const store = await open();
    await store.moveHead(0, { head: 1 });
    await store.close();
    truncateSync(join(folder, "state/head.json"), 3);
    await expect(open()).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringContaining("head.json"),
    });
  });

  it("refuses a folder of another format or program, and leaves it as it was", async () => {
    writeFileSync(join(folder, "format"), "ts-control-plane state 2\n");
    await expect(open(folder)).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringMatching(/state 2.*another version/),
    });
    rmSync(join(folder, "format"));
    writeFileSync(join(folder, "letter.txt"), "Dear reader");
    await expect(open(folder)).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining(folder),
    });
    expect(readdirSync(folder)).toEqual(["letter.txt"]);
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === "win32")("reports why it cannot be written", async () => {
    mkdirSync(join(folder, "closed"));
    chmodSync(join(folder, "closed"), 0o500);
    await expect(open(join(folder, "closed/state"))).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringMatching(/EACCES/),
    });
  });

  it("stays as it was when a write fails", async () => {
    const on = new CrashingDisk();
    const store = await DirectoryStore.open("/state", { disk: on });
    await store.moveHead(0, { head: 1 });
    on.stopAfter(2);
    await expect(store.moveHead(1, { head: 2 })).rejects.toMatchObject({ code: "STORE_FAILED" });
    on.stopAfter(Number.POSITIVE_INFINITY);
    expect(await store.readHead()).toEqual({ version: 1, head: 1 });
    expect(await store.moveHead(1, { head: 3 })).toBe(2);
  });
});

describe("DirectoryStore has the state before a call or the state after it when the machine crashes", () => {
  /** What a publish does: three revisions, each with two blobs and a record. `done` is called after each. */
  const publish = async (store: Store, done: (revision: number) => void = () => {}) => {
    for (let revision = (await store.readHead()).version + 1; revision <= 3; revision++) {
      const blobs = await store.putBlobs([bytes(`manifest ${revision}`), bytes(`chunk ${revision >> 1}`)]);
      const audit = { at: revision, by: "me", what: "publish" };
      const head = { revision };
      await store.moveHead(revision - 1, { head, put: { [`revision/${revision}`]: { blobs: [...blobs] } }, audit });
      done(revision);
    }
  };
  const checkWhole = async (store: Store) => {
    const { version, head } = await store.readHead();
    if (version > 0) expect(head).toEqual({ revision: version });
    for (let revision = 1; revision <= version; revision++) {
      const record = (await store.readRecord(`revision/${revision}`)) as { blobs: string[] };
      for (const hash of record.blobs) expect(hashOf(await store.readBlob(hash))).toBe(hash);
    }
    const audited = [...new Set((await store.readAudit(10)).map(({ at }) => at))];
    // The log has all completed moves. It can also have a move that was not completed, and have it again after the
    // move was repeated.
    expect(audited.filter((at) => at <= version)).toEqual(Array.from({ length: version }, (_, at) => version - at));
    expect(audited.filter((at) => at > version).every((at) => at === version + 1)).toBe(true);
    return version;
  };

  it.each(crashes)("and the disk has: %s", async (left) => {
    const whole = new CrashingDisk();
    await publish(await DirectoryStore.open("/state", { disk: whole }));
    expect(whole.steps).toBeGreaterThan(50);
    for (let steps = 0; steps <= whole.steps; steps++) {
      const disk = new CrashingDisk(steps);
      let done = 0;
      const run = async () => publish(await DirectoryStore.open("/state", { disk }), (revision) => (done = revision));
      const isWhole = await run().then(
        () => true,
        (error: { cause?: unknown }) => {
          if (!(error.cause instanceof Crash)) throw error;
          return false;
        },
      );
      expect(isWhole).toBe(steps === whole.steps);
      const after = disk.after(left);
      const store = await DirectoryStore.open("/state", { disk: after });
      const version = await checkWhole(store);
      expect(version === done || version === done + 1).toBe(true);
      // It can be used from there on.
      await publish(store);
      expect(await checkWhole(store)).toBe(3);
    }
  });
});

describe("a folder's lock", () => {
  /** A process that opens the folder, and keeps it open. */
  async function holder(path: string) {
    const module = new URL("../../dist/store/directory-store.js", import.meta.url).href;
    const code = `import(${JSON.stringify(module)}).then(async ({ DirectoryStore }) => { await DirectoryStore.open(${JSON.stringify(path)}); console.log("open"); setInterval(() => {}, 1000); })`;
    const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    return child;
  }

  it("keeps a second process out, and names the first one; after a kill -9 it is free at once", async () => {
    const path = join(folder, "state");
    const child = await holder(path);
    await expect(open(path)).rejects.toMatchObject({
      code: "STORE_LOCKED",
      message: expect.stringContaining(`process ${child.pid}`),
    });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await (await open(path)).readHead()).toEqual({ version: 0, head: undefined });
  });

  it("goes to one of many processes that ask at the same time, even after a crash", async () => {
    const path = join(folder, "state");
    for (const dead of [false, true]) {
      if (dead) writeFileSync(join(path, "lock"), JSON.stringify({ pid: 1, started: "0", place: "another machine" }));
      const opening = () => DirectoryStore.open(path, { lockSilentMs: 500 }); // a busy machine may be silent for long
      const opened = await Promise.allSettled(Array.from({ length: 8 }, opening));
      const stores = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      expect(stores).toHaveLength(1);
      await stores[0]?.close();
    }
  });

  it("is lost when another process has taken it, and nothing more is written", async () => {
    const store = await open();
    writeFileSync(join(folder, "state/lock"), JSON.stringify({ pid: 1, started: "0", place: "elsewhere" }));
    await expect(store.moveHead(0, { head: 1 })).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await store.close();
    expect(readdirSync(join(folder, "state"))).toContain("lock");
  });
});
