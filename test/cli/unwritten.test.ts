import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { XdsClient } from "../../src/client/index.js";
import { clusterType } from "../../src/resource/types.js";
import { eventually } from "../e2e/eventually.js";
import { type LogLine, type Program, xds } from "./program.js";
import { Folder, metric } from "./serving.js";

const quickstart = fileURLToPath(new URL("../../examples/quickstart", import.meta.url));
const serve = ["serve", quickstart, "--port", "0", "--rest-port", "off"];
const isLinux = process.platform === "linux";

/** Has a client get the clusters. */
async function ask(port: number, id: string): Promise<number> {
  const client = new XdsClient({ address: `127.0.0.1:${port}`, node: { id }, reconnect: false });
  client.subscribe(clusterType);
  await client.synced(clusterType, ({ complete }) => complete, { timeoutMs: 10_000 });
  const { size } = client.resources(clusterType);
  await client.close();
  return size;
}

/** What clients cause in the log is rationed, so mistakes in a file make it long: a line each. */
class Mistakes {
  readonly file = new Folder().write("a.yaml", cluster);
  private rejected = 0;

  constructor(private readonly length: number) {}

  /** Makes so many in the file, and resolves when the server has told them. */
  async make(count: number, adminPort: number): Promise<void> {
    const keys = Array.from(
      { length: count },
      (_, index) => `${this.rejected}.${index}.${"x".repeat(this.length)}: 1\n`,
    );
    await writeFile(this.file, cluster + keys.join(""));
    this.rejected++;
    const rejections = 'xds_config_reloads_total{result="failure"}';
    await eventually(async () => expect(await metric(adminPort, rejections)).toBe(this.rejected));
  }
}
const cluster = `"@type": ${clusterType}\nname: a\n`;
const tellsMistake = ({ msg }: LogLine) => msg.includes("has no such field");

async function endedWith(program: Program, signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
  program.signal(signal);
  return program.end();
}

describe.skipIf(!isLinux)("output that cannot be written (needs Linux' /dev/full)", () => {
  test.each([["schema", "show", "clusters"], ["validate", quickstart, "-o", "json"], ["bootstrap"]])(
    "is told, and is a failure, of xds %s",
    async (...args) => {
      const program = xds.shell('exec "$@" > /dev/full', ...args);
      expect(await program.end()).toBe(1);
      expect(program.stderr).toBe("xds: the output could not be written: ENOSPC: no space left on device, write\n");
    },
  );

  test("of a log does not end what serves", async () => {
    const program = xds.shell('exec "$@" 2> /dev/full', ...serve);
    const { grpc } = await program.ports();
    for (const id of ["a", "b"]) expect(await ask(grpc, id)).toBe(1);
    expect(await endedWith(program, "SIGTERM")).toBe(0);
  });
});

describe("a log that nobody reads", () => {
  const [changes, mistakes] = [10, 100];

  async function stalled(): Promise<{ program: Program; grpc: number }> {
    const made = new Mistakes(1_500);
    const program = xds.start("serve", made.file, "--port", "0");
    const { grpc, admin } = await program.ports();
    program.stallLog();
    for (let change = 0; change < changes; change++) await made.make(mistakes, admin);
    expect(await ask(grpc, "meanwhile")).toBe(1);
    return { program, grpc };
  }

  test("stops nobody; what is lost of it is counted when it is read again", async () => {
    const { program, grpc } = await stalled();
    program.readLog();
    const lines = () =>
      program.log().filter((line) => tellsMistake(line) || /^(still serving|stream (opened|closed))/.test(line.msg))
        .length;
    const lost = () => {
      const told = program.log().filter(({ msg }) => /^lines of the log were lost/.test(msg));
      return told.reduce((sum, { lines }) => sum + Number(lines), 0);
    };
    await eventually(() => expect(lost()).toBeGreaterThan(0));
    await ask(grpc, "last");
    await eventually(() => expect(lines() + lost()).toBe(changes * (mistakes + 1) + 4));
    expect(await endedWith(program, "SIGTERM")).toBe(0);
  });

  test("keeps nobody from ending the program", async () => {
    const { program } = await stalled();
    program.signal("SIGTERM");
    await eventually(() => expect(() => process.kill(program.pid, 0)).toThrow("ESRCH"));
    program.readLog();
    expect(await program.end()).toBe(0);
  });
});

const run = promisify(execFile);
const canMount = await run("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/tmp"]).then(
  () => true,
  () => false,
);

describe.skipIf(!canMount)("a log on a disk that is full (needs the right to mount one)", () => {
  const kib = 1 << 10;

  /** Of lines longer than `length` the log has `changes` times `mistakes`, and more when there is room again. */
  async function logged({
    size,
    changes,
    mistakes,
    length,
  }: Record<"size" | "changes" | "mistakes" | "length", number>) {
    const folder = new Folder();
    const line =
      `exec unshare -m sh -c 'mount -t tmpfs -o size=${size} none "$0"; head -c ${size - 4 * kib} /dev/zero > ` +
      '"$0/ballast"; exec "$@" 2> "$0/log"\' "$0" "$@"';
    const made = new Mistakes(length);
    const serves = ["serve", made.file, "--port", "0"];
    const program = xds.shell(line.replaceAll('"$0" "$@"', `${folder.path} "$@"`), ...serves);
    const { grpc, admin } = await program.ports();
    const seen = `/proc/${program.pid}/root${folder.path}`;
    for (let change = 0; change < changes; change++) await made.make(mistakes, admin);
    await rm(`${seen}/ballast`);
    const few = 4;
    for (let index = 0; index < few; index++) await ask(grpc, `later ${index}`);
    const expected = changes * (mistakes + 1) + 2 * few;
    return await eventually(async () => {
      const lines = (await readFile(`${seen}/log`, "utf8")).trim().split("\n");
      const told = lines.map((text) => JSON.parse(text) as LogLine);
      const others = told.filter(
        (line) => tellsMistake(line) || /^(still serving|stream (opened|closed))/.test(line.msg),
      );
      const lost = told.filter(({ msg, level }) => /^lines of the log were lost/.test(msg) && level === "error");
      const lostLines = lost.reduce((sum, { lines }) => sum + Number(lines), 0);
      expect(others.length + lostLines).toBe(expected);
      return { program, told, lost: lostLines };
    });
  }

  test("loses no line, and goes on where it was cut, when there is room again", async () => {
    const { program, told, lost } = await logged({ size: 64 * kib, changes: 1, mistakes: 40, length: 300 });
    expect(lost).toBe(0);
    expect(told.filter(({ node }) => String(node).startsWith("later"))).toHaveLength(8);
    expect(await endedWith(program, "SIGTERM")).toBe(0);
  });

  test("keeps 1 MiB of it, and says how many lines were lost when there is room again", async () => {
    const { program, lost } = await logged({ size: 4096 * kib, changes: 10, mistakes: 100, length: 1_500 });
    expect(lost).toBeGreaterThan(0);
    expect(await endedWith(program, "SIGTERM")).toBe(0);
  });
});

const canBeFirst = await run("unshare", ["-p", "-f", "--mount-proc", "true"]).then(
  () => true,
  () => false,
);

describe.skipIf(!canBeFirst)("as the first process of a container (needs the right to make a PID namespace)", () => {
  test("a signal before it serves ends it", async () => {
    const program = xds.shell('exec unshare -p -f --mount-proc "$@"', ...serve);
    let isOver = false;
    const over = program.end().finally(() => {
      isOver = true;
    });
    // For who is the first, the system drops signals that it does not handle; so it is sent until it has an effect.
    for (let times = 0; times < 2_000 && !isOver; times++) {
      const children = await readFile(`/proc/${program.pid}/task/${program.pid}/children`, "utf8").catch(() => "");
      const child = Number(children.trim());
      if (child > 0 && (await readFile(`/proc/${child}/cmdline`, "utf8").catch(() => "")).includes("serve"))
        process.kill(child, "SIGTERM");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // In its first moments Node handles them itself, and raises them again without; not every kernel drops that.
    expect([143, "SIGTERM"]).toContain(await over);
    expect(program.stdout).toBe("");
  });
});
