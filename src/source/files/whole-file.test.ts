import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readWholeFile, readWholeFileSync, settled, type WholeFileOptions } from "./whole-file.js";

const ways: readonly (readonly [string, (path: string, options?: WholeFileOptions) => Promise<Buffer>])[] = [
  ["readWholeFile", readWholeFile],
  ["readWholeFileSync", async (path, options) => readWholeFileSync(path, options)],
];

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), "xds-whole-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe.each(ways)("%s", (_, read) => {
  test("reads all of a file, also where it takes several pieces", async () => {
    const path = join(folderOf(), "a");
    const content = Buffer.alloc(3 * 2 ** 20 + 7, "0123456789abc");
    writeFileSync(path, content);
    expect((await read(path)).equals(content)).toBe(true);
    writeFileSync(path, "");
    expect(await read(path)).toHaveLength(0);
  });

  test("refuses what has more bytes than it may have", async () => {
    const path = join(folderOf(), "a");
    writeFileSync(path, "12345");
    expect(String(await read(path, { maxBytes: 5 }))).toBe("12345");
    await expect(read(path, { maxBytes: 4 })).rejects.toMatchObject({
      why: "size",
      message: "the file has more than 4 bytes, the limit",
    });
  });

  test("waits for no pipe, and reads no device", async () => {
    const pipe = join(folderOf(), "pipe");
    execFileSync("mkfifo", [pipe]);
    await expect(read(pipe)).rejects.toMatchObject({ why: "kind", message: "expected a regular file, got a pipe" });
    await expect(read("/dev/zero")).rejects.toMatchObject({ message: "expected a regular file, got a device" });
    await expect(read(folderOf())).rejects.toMatchObject({ message: "expected a regular file, got a directory" });
  });

  test.runIf(process.platform === "linux")("takes a file of the system that has no end for an empty one", async () => {
    expect(await read("/proc/self/pagemap")).toHaveLength(0);
  });

  test("gives up what takes too long", async () => {
    const path = join(folderOf(), "large");
    writeFileSync(path, "");
    truncateSync(path, 30 * 2 ** 20);
    await expect(read(path, { timeMs: 0 })).rejects.toMatchObject({
      why: "time",
      message: "reading it takes longer than 0 ms",
    });
  });

  test("ends when it is told to", async () => {
    const path = join(folderOf(), "a");
    writeFileSync(path, "12345");
    await expect(read(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });
});

test("what never ends is not waited for", async () => {
  await settled(new Promise(() => {}), 1);
  await settled(Promise.reject(new Error("of the work")), 60_000);
});
