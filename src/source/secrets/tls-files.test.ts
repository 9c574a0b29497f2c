import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { LogBook, until } from "../../../test/protocol/harness.js";
import { type TlsFileContents, TlsFiles } from "./tls-files.js";

type Contents = { cert: string; key: string; clientCa?: string };
const text = ({ cert, key, clientCa }: TlsFileContents): Contents => ({
  cert: String(cert),
  key: String(key),
  ...(clientCa && { clientCa: String(clientCa) }),
});
const generation = (n: number) => ({ cert: `cert ${n}`, key: `key ${n}`, clientCa: `ca ${n}` });

/** A folder of files, read by one who takes a certificate only with its key. */
async function start(useEvents: boolean, isSwapped: boolean) {
  const folder = mkdtempSync(join(tmpdir(), "tls-files-"));
  const write = (name: keyof Contents, content: string) => writeFileSync(join(folder, name), content);
  /** As Kubernetes does it. */
  const swap = (contents: Contents, name: string) => {
    mkdirSync(join(folder, name));
    for (const [file, content] of Object.entries(contents)) writeFileSync(join(folder, name, file), content);
    symlinkSync(name, join(folder, "..data.new"));
    renameSync(join(folder, "..data.new"), join(folder, "..data"));
  };
  if (isSwapped) {
    swap(generation(1), "..1");
    for (const name of ["cert", "key", "clientCa"]) symlinkSync(join("..data", name), join(folder, name));
  } else for (const [name, content] of Object.entries(generation(1))) write(name as keyof Contents, content);
  const logger = new LogBook();
  const files = new TlsFiles(
    { certFile: join(folder, "cert"), keyFile: join(folder, "key"), clientCaFile: join(folder, "clientCa") },
    { logger, quietMs: 30, pollMs: useEvents ? 60_000 : 20, useEvents },
  );
  const taken: Contents[] = [];
  onTestFinished(async () => {
    await files.close();
    rmSync(folder, { recursive: true });
  });
  const first = await files.open((contents) => {
    const { cert, key } = text(contents);
    if (cert.split(" ")[1] !== key.split(" ")[1]) throw new Error("the key is another certificate's");
    taken.push(text(contents));
  });
  expect(text(first)).toEqual(generation(1));
  return { folder, write, swap, logger, files, taken };
}

for (const useEvents of [true, false])
  describe(useEvents ? "certificate files, told by the system" : "certificate files, polled", () => {
    it("are taken once when a symlink swaps all of them", async () => {
      const { folder, swap, taken, files } = await start(useEvents, true);
      for (const n of [2, 3, 4]) {
        swap(generation(n), `..${n}`);
        rmSync(join(folder, `..${n - 1}`), { recursive: true });
        await until(() => taken.length === n - 1, "the files");
        await sleep(150);
        expect(taken).toHaveLength(n - 1);
        expect(taken.at(-1)).toEqual(generation(n));
      }
      expect(files).toMatchObject({ reloads: 3, failures: 0 });
    });

    it("are taken when a certificate has its key; until then that is logged, once", async () => {
      const { write, taken, logger, files } = await start(useEvents, false);
      write("cert", "cert 2");
      await until(() => files.failures > 0, "the failure");
      await sleep(150);
      expect(taken).toEqual([]);
      const errors = () => logger.entries.filter(({ level }) => level === "error");
      expect(errors()).toMatchObject([{ fields: { error: "the key is another certificate's" } }]);
      write("key", "key 2");
      await until(() => taken.length > 0, "the files");
      expect(taken).toEqual([{ ...generation(2), clientCa: "ca 1" }]);
      expect(errors()).toHaveLength(1);
    });

    it("that are missing for a while are taken when they are back, and not if they are the same", async () => {
      const { folder, write, taken, files } = await start(useEvents, false);
      rmSync(join(folder, "key"));
      await until(() => files.failures > 0, "the failure");
      write("key", "key 1");
      await sleep(300);
      expect(taken).toEqual([]);
      write("clientCa", "ca 2");
      await until(() => taken.length > 0, "the files");
      expect(taken).toEqual([{ ...generation(1), clientCa: "ca 2" }]);
    });
  });

it("a certificate file that becomes a pipe is not waited for", async () => {
  const { folder, write, files, logger } = await start(false, false);
  rmSync(join(folder, "cert"));
  execFileSync("mkfifo", [join(folder, "cert")]);
  await until(() => files.failures > 0, "the failure");
  expect(logger.entries.at(-1)?.fields).toMatchObject({
    error: expect.stringMatching(/expected a regular file, got a pipe$/),
  });
  rmSync(join(folder, "cert"));
  write("cert", "cert 1");
  await until(() => files.failure === undefined, "the file");
});

it("certificate files that are not there cannot be opened", async () => {
  const files = new TlsFiles({ certFile: "/no/such/cert", keyFile: "/no/such/key" });
  await expect(files.open(() => {})).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: expect.stringContaining("/no/such/"),
  });
  await files.close();
});
