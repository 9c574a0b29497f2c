import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { cluster, configurationOf, namesOf, sourceContract, waiting } from "../../../test/contract/source.js";
import { registerResourceType } from "../../resource/default-api.js";
import { referencesOf } from "../../resource/references/references.js";
import type { Resource } from "../../resource/resource.js";
import { clusterType, secretType } from "../../resource/types.js";
import { validateResource } from "../../validation/validate.js";
import { DirectorySource } from "../directory.js";
import { Locator } from "../documents/locator.js";
import { formatProblem } from "../files/problem.js";
import { readResourceFile } from "../reading/resource-file.js";
import type { Reading } from "../reading/source.js";
import { previousOf, readForHandingOver, TakeOver } from "./handed-over.js";
import { type ReadingLimits, ReadingThread } from "./reading-thread.js";
import { workerFile } from "./worker-file.js";

/** As `npm run build` makes it. */
const built = new URL("../../../dist/source/thread/reading-worker.js", import.meta.url);
const mebibyte = 2 ** 20;
const fileOf = (...names: string[]) => JSON.stringify({ resources: names.map((name) => cluster(name)) });

let directory: string;
let readings: Reading[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-thread-"));
  readings = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const at = (...names: string[]) => join(directory, ...names);
async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), text);
}

function threadOf({ heapBytes = 256 * mebibyte, timeMs = 60_000 }: Partial<ReadingLimits> = {}, file = built) {
  const thread = new ReadingThread({ heapBytes, timeMs }, file);
  onTestFinished(() => thread.close());
  return thread;
}

async function open(thread: ReadingThread, paths = [directory]) {
  const source = new DirectorySource(paths, { thread, checks: true, pollMs: 100, useEvents: false });
  onTestFinished(() => source.close());
  return { source, reading: await source.open((reading) => readings.push(reading)) };
}

const told = (count: number) => vi.waitFor(() => expect(readings).toHaveLength(count), waiting);
function linesOf(reading: Reading | undefined): string[] {
  if (!reading || !("problems" in reading)) throw new Error("no problems");
  return reading.problems.map(formatProblem).map((line) => line.replaceAll(directory, "DIR"));
}
const commonOf = (reading: Reading | undefined) => configurationOf(reading).common;
const job = (path: string, bytes: Uint8Array) => ({
  path,
  bytes,
  previous: previousOf(undefined),
  inlining: { roots: [], maxBytes: 0 },
  takesRedacted: false,
  checks: true,
});

/** What the thread makes of a file; `took` is called for each part but the last. */
async function read(thread: ReadingThread, path: string, text: string | Buffer, took = () => {}) {
  const taking = new TakeOver(path, undefined);
  const file = await thread.read(job(path, Buffer.from(text)), (part) => {
    took();
    taking.take(part);
  });
  return taking.finish(file);
}

test("resources with many other names are handed over in more parts", () => {
  const wrapped = (name: string) => ({
    "@type": "type.googleapis.com/envoy.service.discovery.v3.Resource",
    aliases: Array.from({ length: 1_000 }, (_, i) => `${name}/${i}`),
    resource: cluster(name),
  });
  const resources = Array.from({ length: 20 }, (_, i) => ({ ...wrapped(`c${i}`), name: `c${i}` }));
  const taking = new TakeOver("a.json", undefined);
  const sizes: number[] = [];
  const all = { kind: "read", types: [], ...job("a.json", Buffer.from(JSON.stringify({ resources }))) } as const;
  const file = readForHandingOver(all, (part) => {
    sizes.push(part.resources.length);
    taking.take(part);
  });
  const read = taking.finish(file).resources.map(({ resource }) => resource);
  expect(namesOf(read)).toEqual(resources.map(({ name }) => name));
  expect(sizes).toEqual(new Array(19).fill(1));
  expect(file.before).toBe(19);
});

sourceContract("DirectorySource with a thread", async ({ common = [], groups = {} }) => {
  const folder = await mkdtemp(join(tmpdir(), "xds-thread-"));
  const put = async (content: { common?: readonly object[]; groups?: Readonly<Record<string, readonly object[]>> }) => {
    await rm(join(folder, "groups"), { recursive: true, force: true });
    for (const [group, resources] of Object.entries(content.groups ?? {})) {
      await mkdir(join(folder, "groups", group), { recursive: true });
      await writeFile(join(folder, "groups", group, "a.json"), JSON.stringify({ resources }));
    }
    await writeFile(join(folder, "a.json"), JSON.stringify({ resources: content.common ?? [] }));
  };
  let current: Parameters<typeof put>[0] = { common, groups };
  await put(current);
  return {
    source: new DirectorySource([folder], { thread: threadOf(), quietMs: 250, maxWaitMs: 2000 }),
    put: (next) => {
      current = next;
      return put(next);
    },
    rewrite: () => put(current),
    spoil: () => put({ ...current, common: [{ ...current.common?.[0], connectTimeout: "soon" }] }),
    remove: () => rm(folder, { recursive: true }),
  };
});

describe("a ReadingThread", () => {
  const text = `base: &base { "@type": ${clusterType}, type: EDS }
resources:
- { <<: *base, name: one, connect_timeout: 0s }
- "@type": type.googleapis.com/envoy.service.discovery.v3.Resource
  name: two
  ttl: 2.5s
  version: own
  aliases: [deux, zwei]
  resource: { "@type": ${clusterType}, name: other }
- "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
  name: three
  virtual_hosts: [ { name: v, domains: ["*"], routes: [ { match: { prefix: / }, route: { cluster: one } } ] } ]
`;

  test("hands over what this thread would read: resources, places, references and findings", async () => {
    const bytes = Buffer.from(text.replace("base: &base", "admin: {}\nbase: &base").replace("admin: {}\n", ""));
    const own = readResourceFile("x.yaml", bytes);
    const handed = await read(threadOf(), "x.yaml", bytes);
    const shown = ({ resource, ...place }: { resource: Resource; file: string; line: number; column: number }) => {
      const { type, name, version, ttlMs, aliases, body } = resource;
      const findings = validateResource(resource).map(({ path, message }) => `${path} ${message}`);
      return { place, type, name, version, ttlMs, aliases, body, references: referencesOf(resource), findings };
    };
    expect(handed.resources.map(shown)).toEqual(own.resources.map(shown));
    expect(shown(handed.resources[0] as never).findings).toHaveLength(1);
    expect(handed.problems).toEqual(own.problems);
  });

  test("hands over problems and notes, and finds fields in a file", async () => {
    const thread = threadOf();
    const bad = `resources:\n- { "@type": ${clusterType}, nam: 1 }\n---\n- x\n`;
    expect((await read(thread, "x.yaml", bad)).problems).toEqual(readResourceFile("x.yaml", Buffer.from(bad)).problems);
    const bootstrap = `admin: {}\nstatic_resources: { clusters: [ { name: a, connect_timeout: 1s } ] }\n`;
    expect((await read(thread, "x.yaml", bootstrap)).notes).toEqual(
      readResourceFile("x.yaml", Buffer.from(bootstrap)).notes,
    );
    expect((await read(thread, "x.yaml", bootstrap)).notes).not.toEqual([]);
    await write("a.yaml", text);
    const asked = { resource: { file: at("a.yaml"), line: 10, column: 3 }, path: "virtual_hosts[0].routes[0].route" };
    const here = new Locator().locate(asked.resource, asked.path);
    expect(here).not.toEqual(asked.resource);
    expect(await thread.locate([asked])).toEqual([here]);
    expect(thread.starts).toBe(1);
  });

  test("knows types that were registered, also after it was started", async () => {
    const thread = threadOf();
    await read(thread, "x.yaml", "resources: []");
    const typeUrl = "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig";
    registerResourceType({ typeUrl, name: "zipkins", order: 7, fullStateInSotw: false, emptyIsWildcard: true });
    const wrapped = `"@type": type.googleapis.com/envoy.service.discovery.v3.Resource\nname: z\nresource: { "@type": ${typeUrl}, collector_cluster: c }\n`;
    const { resources, problems } = await read(thread, "x.yaml", wrapped);
    expect(problems).toEqual([]);
    expect(resources.map(({ resource }) => `${resource.type.name} ${resource.name}`)).toEqual(["zipkins z"]);
  });

  test("hands over a large file in parts, with turns of the event loop between them, and files in their order", async () => {
    const thread = threadOf();
    const names = Array.from({ length: 2_250 }, (_, i) => `c${i}`);
    let turns = 0;
    const turn = () => {
      turns++;
      again = setImmediate(turn);
    };
    let again = setImmediate(turn);
    onTestFinished(() => clearImmediate(again));
    const turnsAt: number[] = [];
    const one = read(thread, "x.yaml", fileOf(...names), () => turnsAt.push(turns));
    const two = read(thread, "y.yaml", fileOf("y", ...names));
    const three = read(thread, "z.yaml", fileOf("z"));
    expect((await one).resources.map(({ resource }) => resource.name)).toEqual(names);
    expect(turnsAt).toHaveLength(4);
    expect(new Set(turnsAt).size).toBe(4);
    expect((await two).resources.map(({ resource }) => resource.name)).toEqual(["y", ...names]);
    expect((await three).resources).toMatchObject([{ file: "z.yaml", resource: { name: "z" } }]);
    expect([(await one).bySource.size, (await two).bySource.size]).toEqual([2_250, 2_251]);
  });

  test("goes on after a job that cannot be posted", async () => {
    const thread = threadOf();
    const bad = { ...job("x.yaml", Buffer.from("")), path: (() => "x.yaml") as never };
    await expect(thread.read(bad, () => {})).rejects.toThrow(/could not be cloned/);
    expect((await read(thread, "y.yaml", fileOf("y"))).resources).toHaveLength(1);
  });

  test("rejects what it was asked when it is closed, and afterwards", async () => {
    const thread = threadOf();
    const asked = read(thread, "x.yaml", "resources: []");
    const ended = expect(asked).rejects.toThrow("reading was ended");
    await thread.close();
    await ended;
    await expect(read(thread, "x.yaml", "a: 1")).rejects.toThrow("reading was ended");
  });

  test("is not there where its program is not, as beside a file that is not built", () => {
    expect(workerFile()).toBeUndefined();
  });
});

describe("DirectorySource with a thread", () => {
  test("keeps the objects of what did not change, in an edited file and where only a secret's file changed", async () => {
    await write("a.yaml", fileOf("a", "b", "c"));
    await write("s.yaml", `"@type": ${secretType}\nname: s\ngeneric_secret: { secret: { filename: word } }\n`);
    await write("word", "one");
    const thread = threadOf();
    const { reading } = await open(thread);
    const [a, b, c, s] = commonOf(reading);
    await write(
      "a.yaml",
      `{"resources": [\n${JSON.stringify(cluster("b"))},${JSON.stringify(cluster("a", 9))}, ${JSON.stringify(cluster("d"))}]}`,
    );
    await told(1);
    const next = commonOf(readings[0]);
    expect(namesOf(next)).toEqual(["b", "a", "d", "s"]);
    expect([next[0] === b, next[1] === a, next[3] === s, c?.name]).toEqual([true, false, true, "c"]);
    await write("word", "two");
    await told(2);
    const last = commonOf(readings[1]);
    expect(last.map((resource, index) => resource === next[index])).toEqual([true, true, true, false]);
    expect(thread.starts).toBe(1);
  });

  test("keeps the objects of what did not change in a file of many parts", async () => {
    const names = Array.from({ length: 1_700 }, (_, i) => `c${i}`);
    await write("a.yaml", fileOf(...names));
    const { reading } = await open(threadOf());
    const before = commonOf(reading);
    await write("a.yaml", fileOf("first", ...names.slice(0, 1_600)));
    await told(1);
    const after = commonOf(readings[0]);
    expect(namesOf(after)).toEqual(["first", ...names.slice(0, 1_600)]);
    expect(after.slice(1).every((resource, i) => resource === before[i])).toBe(true);
  });

  /** More values than a heap of 64 MiB holds, and no faster to read than some seconds. */
  const dense = `resources: [${"[],".repeat(2_000_000)}]`;

  test("tells a file that takes too much memory, reads the others, and that one again when it is edited", async () => {
    await write("b.yaml", fileOf("b"));
    await write("c.yaml", fileOf("c"));
    const thread = threadOf({ heapBytes: 64 * mebibyte });
    const { source, reading } = await open(thread);
    expect(namesOf(commonOf(reading))).toEqual(["b", "c"]);
    await write("b.yaml", dense);
    await write("c.yaml", fileOf("c", "d"));
    await write("d.yaml", "a: b: c\n");
    await vi.waitFor(() => expect(linesOf(readings.at(-1))).toHaveLength(2), waiting);
    expect(linesOf(readings.at(-1))).toEqual([
      expect.stringMatching(
        /^DIR\/b\.yaml: reading the file takes more than 64 MiB of memory, the limit --limits-file-memory; simplify the file, split it, or raise the limit$/,
      ),
      expect.stringMatching(/^DIR\/d\.yaml:1:5: not valid YAML or JSON/),
    ]);
    const { starts } = thread;
    expect(starts).toBeGreaterThan(1);
    await rm(at("d.yaml"));
    await vi.waitFor(() => expect(linesOf(readings.at(-1))).toHaveLength(1), waiting);
    expect(thread.starts).toBe(starts); // the file that is known to be too much was not read again
    await source.reread();
    expect(thread.starts).toBeGreaterThan(starts); // it was, as it was asked for
    await write("b.yaml", fileOf("b2"));
    await vi.waitFor(() => expect(namesOf(commonOf(readings.at(-1)))).toEqual(["b2", "c", "d"]), waiting);
  });

  /** A program for a thread that, at files called slow.yaml, is busy while a file is there. */
  async function slowWhile(marker: string): Promise<URL> {
    await write(
      "worker/slow.mjs",
      `import { existsSync } from "node:fs";
       import { parentPort } from "node:worker_threads";
       const on = parentPort.on.bind(parentPort);
       parentPort.on = (name, take) => on(name, (job) => {
         while (job.path?.endsWith("slow.yaml") && existsSync(${JSON.stringify(at(marker))}));
         take(job);
       });
       await import(${JSON.stringify(built.href)});\n`,
    );
    await write(marker, "");
    return pathToFileURL(at("worker/slow.mjs"));
  }

  test("does not end a file that takes long because the machine gives it no time", async () => {
    const file = await slowWhile("busy");
    await write("conf/slow.yaml", fileOf("s"));
    let looks = 0;
    const cpuMs = () => {
      if (++looks === 30) rmSync(at("busy"));
      return 0;
    };
    const thread = new ReadingThread({ heapBytes: 256 * mebibyte, timeMs: 1_000 }, file, cpuMs);
    onTestFinished(() => thread.close());
    const { reading } = await open(thread, [at("conf")]);
    expect(namesOf(commonOf(reading))).toEqual(["s"]);
    expect(thread.starts).toBe(1);
    expect(looks).toBeGreaterThanOrEqual(30); // of 10, if the time that passes counted
  });

  test("tries a file that took too long again, and takes it when it succeeds", async () => {
    const file = await slowWhile("busy");
    await write("conf/slow.yaml", fileOf("s"));
    const thread = threadOf({ timeMs: 200 }, file);
    const source = new DirectorySource([at("conf")], { thread, pollMs: 20, useEvents: false, retryMs: 50 });
    onTestFinished(() => source.close());
    expect(linesOf(await source.open((reading) => readings.push(reading)))).toEqual([
      expect.stringMatching(/slow\.yaml: reading the file takes longer than 200 ms/),
    ]);
    await vi.waitFor(() => expect(thread.starts).toBeGreaterThan(2), waiting);
    expect(readings).toEqual([]); // the same as before
    await rm(at("busy"));
    await vi.waitFor(() => expect(namesOf(commonOf(readings.at(-1)))).toEqual(["s"]), waiting);
  });

  test("tells a file that takes too long, and goes on with the others", async () => {
    // It never comes to an end with one file, and answers for the others as the true one does.
    await write(
      "worker/slow.mjs",
      `import { parentPort } from "node:worker_threads";
       const on = parentPort.on.bind(parentPort);
       parentPort.on = (name, take) => on(name, (job) => { while (job.path?.endsWith("slow.yaml")); take(job); });
       await import(${JSON.stringify(built.href)});\n`,
    );
    await write("conf/a.yaml", fileOf("a"));
    await write("conf/slow.yaml", fileOf("s"));
    await write("conf/z.yaml", fileOf("z"));
    const thread = threadOf({ timeMs: 2_000 }, pathToFileURL(at("worker/slow.mjs")));
    const { reading } = await open(thread, [at("conf")]);
    expect(linesOf(reading)).toEqual([
      "DIR/conf/slow.yaml: reading the file takes longer than 2000 ms, the limit --limits-file-time; simplify the file, split it, or raise the limit",
    ]);
    expect(thread.starts).toBe(2);
    await rm(at("conf/slow.yaml"));
    await told(1);
    expect(namesOf(commonOf(readings[0]))).toEqual(["a", "z"]);
    expect(thread.starts).toBe(2);
  });

  test("gives the memory of a large file back: another thread waits for the next change", async () => {
    await write("a.yaml", `# ${"x".repeat(2 ** 20)}\nresources: [${"0,".repeat(400_000)}]`);
    const thread = threadOf({ heapBytes: 1024 * mebibyte });
    const { reading } = await open(thread);
    expect(linesOf(reading)).toHaveLength(1_001);
    expect(thread.starts).toBe(2);
    await write("a.yaml", fileOf("a"));
    await told(1);
    expect(namesOf(commonOf(readings[0]))).toEqual(["a"]);
    expect(thread.starts).toBe(2);
  }, 60_000);
});
