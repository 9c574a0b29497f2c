import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { XdsClient } from "../../src/client/index.js";
import { clusterType } from "../../src/resource/types.js";
import { eventually } from "../e2e/eventually.js";
import { type LogLine, type Program, xds } from "./program.js";
import { Folder } from "./serving.js";

const quickstart = fileURLToPath(new URL("../../examples/quickstart", import.meta.url));
const serve = ["serve", quickstart, "--port", "0", "--rest-port", "off"];
const isLinux = process.platform === "linux";

/** Has a client get the clusters; its node's id may be long, so that the log is. */
async function ask(port: number, id: string): Promise<number> {
  const client = new XdsClient({ address: `127.0.0.1:${port}`, node: { id }, reconnect: false });
  client.subscribe(clusterType);
  await client.synced(clusterType, ({ complete }) => complete, { timeoutMs: 10_000 });
  const { size } = client.resources(clusterType);
  await client.close();
  return size;
}

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
  const longId = (index: number) => `${index} ${"x".repeat(8_000)}`;
  const clients = 200;

  async function stalled(): Promise<{ program: Program; grpc: number }> {
    const program = xds.start(...serve);
    const { grpc } = await program.ports();
    program.stallLog();
    for (let index = 0; index < clients; index++) expect(await ask(grpc, longId(index))).toBe(1);
    return { program, grpc };
  }

  test("stops nobody; what is lost of it is counted when it is read again", async () => {
    const { program, grpc } = await stalled();
    program.readLog();
    const linesOfStreams = () => program.log().filter(({ msg }) => /^stream (opened|closed)$/.test(msg)).length;
    const lost = () => {
      const told = program.log().filter(({ msg }) => /^lines of the log were lost/.test(msg));
      return told.reduce((sum, { lines }) => sum + Number(lines), 0);
    };
    await eventually(() => expect(lost()).toBeGreaterThan(0));
    await ask(grpc, "last");
    await eventually(() => expect(linesOfStreams() + lost()).toBe(2 * clients + 2));
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
  test("goes on when there is room again, on a new line, and says how many lines were lost", async () => {
    const folder = new Folder();
    const line =
      'exec unshare -m sh -c \'mount -t tmpfs -o size=16k none "$0"; head -c 12000 /dev/zero > "$0/ballast"; exec "$@" 2> "$0/log"\' "$0" "$@"';
    const program = xds.shell(line.replaceAll('"$0" "$@"', `${folder.path} "$@"`), ...serve);
    const { grpc } = await program.ports();
    const seen = `/proc/${program.pid}/root${folder.path}`;
    const [many, few] = [20, 4];
    for (let index = 0; index < many; index++) await ask(grpc, `${index} ${"x".repeat(300)}`);
    await rm(`${seen}/ballast`);
    for (let index = 0; index < few; index++) await ask(grpc, `later ${index}`);
    const entries = async () => {
      const lines = (await readFile(`${seen}/log`, "utf8")).trim().split("\n");
      return lines.flatMap((text) => {
        try {
          return [JSON.parse(text) as LogLine];
        } catch {
          return [];
        }
      });
    };
    await eventually(async () => {
      const told = await entries();
      const streams = told.filter(({ msg }) => /^stream (opened|closed)$/.test(msg)).length;
      const lost = told.filter(({ msg, level }) => /^lines of the log were lost/.test(msg) && level === "error");
      expect(lost).toHaveLength(1);
      expect(streams + Number(lost[0]?.lines)).toBe(2 * (many + few));
      expect(told.filter(({ node }) => String(node).startsWith("later"))).toHaveLength(2 * few);
    });
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
