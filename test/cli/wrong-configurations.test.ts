import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Cluster } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { XdsClient } from "../../src/client/index.js";
import { clusterType, endpointType, routeType } from "../../src/resource/types.js";
import { xdsHere } from "./in-process.js";
import { type LogLine, Program, xds } from "./program.js";
import { heal, type Way, ways } from "./ways-to-be-wrong.js";

let root: string;
let directory: string;

/** What it says of a way, in parts. */
const saysOf = ({ says }: Way) =>
  says.map((line) => {
    const [, place = "", code = "", words = ""] = /^(\S+) ([A-Z_]+) (.*)$/.exec(line) ?? [];
    return { place, code, words };
  });
const inDirectory = (text: string) => text.replaceAll("DIR", directory);

async function makeDirectory(): Promise<void> {
  root = await mkdtemp(join(tmpdir(), "xds-wrong-"));
  directory = join(root, "config");
  await heal(directory);
}
const removeDirectory = () => rm(root, { recursive: true });

test("There are at least 20 ways to get a configuration wrong, and each is told in words", () => {
  expect(ways.length).toBeGreaterThanOrEqual(20);
  expect(new Set(ways.map(({ way }) => way)).size).toBe(ways.length);
  for (const way of ways) {
    expect(way.says.length, way.way).toBeGreaterThan(0);
    for (const { place, words } of saysOf(way)) expect(place && words, way.way).not.toBe("");
  }
});

describe("xds validate tells", () => {
  beforeEach(makeDirectory);
  afterEach(removeDirectory);

  test("nothing of the sound configuration", async () => {
    expect(await xdsHere("validate", directory, "--strict")).toEqual({
      code: 0,
      stdout: "0 errors, 0 warnings, 0 infos in 3 resources\n",
      stderr: "",
    });
  });

  test.each(ways)("$way", async (way) => {
    await way.spoil(directory);
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await xdsHere("validate", directory, "--severity", "warning", ...args);
      expect(stderr).toBe("");
      return { code, lines: stdout.split("\n").slice(0, -2) }; // without the line that counts
    };
    const lines = (severity: string) =>
      saysOf(way).map(({ place, code, words }) => inDirectory(`${place} ${severity} ${code} ${words}`));
    if (way.isWarning) expect(await run()).toEqual({ code: 0, lines: lines("warning") });
    expect(await run(...(way.isWarning ? ["--strict"] : []))).toEqual({ code: 1, lines: lines("error") });
  });
});

describe("xds serve, at its start, tells and ends with", () => {
  beforeEach(makeDirectory);
  afterEach(removeDirectory);

  // What tells them apart is the same later on: whether it can be read, be understood, is sound, and leads anywhere.
  const sample = [
    "a tab for indentation",
    "a field that does not exist",
    "a name that another file has",
    "a field that the API requires is not there",
    "a reference to what is not there",
    "a pipe for a file",
    "the directory renamed",
  ];

  test.each(sample)("%s", async (name) => {
    const way = ways.find((one) => one.way === name) as Way;
    await way.spoil(directory);
    const { code, stdout, stderr } = await xds(
      "serve",
      directory,
      "--port",
      "0",
      "--rest-port",
      "0",
      "--validation",
      "strict",
    );
    const lines = saysOf(way).map(({ place, code, words }) => inDirectory(`${place} error ${code} ${words}`));
    const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
    expect(stderr.split("\n")).toEqual([...lines, `xds: ${count}; nothing is served`, ""]);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });
});

describe("xds serve goes on through", () => {
  let program: Program;
  let client: XdsClient;
  let admin: string;
  /** The cluster's timeout in the next sound configuration, in seconds. */
  let timeout = 1;

  beforeAll(async () => {
    await makeDirectory();
    program = new Program(["serve", directory, "--port", "0", "--rest-port", "0", "--validation", "strict"]);
    const ports = await program.ports();
    admin = `http://127.0.0.1:${ports.admin}`;
    client = new XdsClient({ address: `127.0.0.1:${ports.grpc}`, node: { id: "probe" } });
    client.subscribe(clusterType);
    client.subscribe(endpointType, ["backend"]);
    client.subscribe(routeType, ["local"]);
    await vi.waitFor(() => expect(held()).toBe("backend 1s, backend, local"), { timeout: 10_000 });
  });
  afterAll(async () => {
    await client?.close();
    program?.signal("SIGKILL");
    await program?.end();
    await removeDirectory();
  });

  /** What the client has. */
  const held = () => {
    const clusters = Array.from(
      client.resources(clusterType).values(),
      ({ message }) => message as Cluster | undefined,
    );
    const others = [endpointType, routeType].flatMap((type) => [...client.resources(type).keys()]);
    return [...clusters.map((one) => `${one?.name} ${one?.connectTimeout?.seconds}s`), ...others].join(", ");
  };
  const failures = async () => {
    const text = await (await fetch(`${admin}/metrics`)).text();
    return Number(/^xds_config_reloads_total\{result="failure"\} (\d+)$/m.exec(text)?.[1]);
  };
  const errorsSince = (start: number) =>
    program
      .log()
      .slice(start)
      .filter(({ level }) => level === "error");
  const stillServing = (problems: number): Partial<LogLine> =>
    expect.objectContaining({ problems, msg: "still serving the last good configuration" });

  test.each(ways)("$way: what is served stays, and the next change is taken", async (way) => {
    const [start, failed, before] = [program.log().length, await failures(), held()];
    await way.spoil(directory);
    const lines = saysOf(way).map(({ place, code, words }) => ({ code, msg: inDirectory(`${place}: ${words}`) }));
    const expected = [...lines.map((line) => expect.objectContaining(line)), stillServing(lines.length)];
    // What was there for a moment while files were written is told before.
    await vi.waitFor(() => expect(errorsSince(start).slice(-expected.length)).toEqual(expected), {
      timeout: 15_000,
      interval: 20,
    });
    expect(await failures()).toBeGreaterThan(failed);
    expect((await fetch(`${admin}/ready`)).status).toBe(200);
    expect(held()).toBe(before);
    timeout += 1;
    await heal(directory, `${timeout}s`);
    await vi.waitFor(() => expect(held()).toBe(`backend ${timeout}s, backend, local`), {
      timeout: 15_000,
      interval: 20,
    });
  });

  test("all of them on one stream, without a refusal", async () => {
    const opened = program.log().filter(({ msg }) => msg === "stream opened");
    expect(opened).toHaveLength(1);
    expect(program.log().filter(({ level }) => level === "warn")).toEqual([]);
    program.signal("SIGTERM");
    expect(await program.end()).toBe(0);
  });
});

describe("xds serve, unless validation is strict, takes and warns of", () => {
  let program: Program;
  beforeEach(async () => {
    await makeDirectory();
    const warns = ["--checks-missing-target", "warn", "--guards-removal", "off"];
    program = new Program(["serve", directory, "--port", "0", "--rest-port", "0", ...warns]);
  });
  afterEach(async () => {
    program.signal("SIGKILL");
    await program.end();
    await removeDirectory();
  });

  test.each(ways.filter(({ isWarning }) => isWarning))("$way", async (way) => {
    const { admin } = await program.ports();
    await way.spoil(directory);
    for (const { place, code, words } of saysOf(way))
      await program.logged({ level: "warn", code, msg: inDirectory(`${place}: ${words}`) });
    await program.logged({ msg: "serving the changed configuration" });
    expect((await fetch(`http://127.0.0.1:${admin}/ready`)).status).toBe(200);
    expect(program.log().filter(({ level }) => level === "error")).toEqual([]);
  });
});
