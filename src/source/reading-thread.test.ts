import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { cluster, configurationOf, namesOf, sourceContract, waiting } from "../../test/contract/source.js";
import { referencesOf } from "../resource/references.js";
import type { Resource } from "../resource/resource.js";
import { clusterType, registerResourceType, secretType } from "../resource/types.js";
import { validateResource } from "../resource/validate.js";
import { DirectorySource } from "./directory.js";
import { takeOver } from "./handed-over.js";
import { Locator } from "./locator.js";
import { formatProblem } from "./problem.js";
import { type ReadingLimits, ReadingThread, workerFile } from "./reading-thread.js";
import { readResourceFile } from "./resource-file.js";
import type { Reading } from "./source.js";

/** As `npm run build` makes it. */
const built = new URL("../../dist/source/reading-worker.js", import.meta.url);
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
  previous: [],
  secretFiles: { roots: [], maxBytes: 0 },
  takesRedacted: false,
  checks: true,
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
    const handed = takeOver("x.yaml", await threadOf().read(job("x.yaml", bytes)), undefined);
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
    const read = async (of: string) => takeOver("x.yaml", await thread.read(job("x.yaml", Buffer.from(of))), undefined);
    const bad = `resources:\n- { "@type": ${clusterType}, nam: 1 }\n---\n- x\n`;
    expect((await read(bad)).problems).toEqual(readResourceFile("x.yaml", Buffer.from(bad)).problems);
    const bootstrap = `admin: {}\nstatic_resources: { clusters: [ { name: a, connect_timeout: 1s } ] }\n`;
    expect((await read(bootstrap)).notes).toEqual(readResourceFile("x.yaml", Buffer.from(bootstrap)).notes);
    expect((await read(bootstrap)).notes).not.toEqual([]);
    await write("a.yaml", text);
    const asked = { resource: { file: at("a.yaml"), line: 10, column: 3 }, path: "virtual_hosts[0].routes[0].route" };
    const here = new Locator().locate(asked.resource, asked.path);
    expect(here).not.toEqual(asked.resource);
    expect(await thread.locate([asked])).toEqual([here]);
    expect(thread.starts).toBe(1);
  });

  test("knows types that were registered, also after it was started", async () => {
    const thread = threadOf();
    await thread.read(job("x.yaml", Buffer.from("resources: []")));
    const typeUrl = "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig";
    registerResourceType({ typeUrl, name: "zipkins", order: 7, fullStateInSotw: false, emptyIsWildcard: true });
    const wrapped = `"@type": type.googleapis.com/envoy.service.discovery.v3.Resource\nname: z\nresource: { "@type": ${typeUrl}, collector_cluster: c }\n`;
    const { resources, problems } = takeOver(
      "x.yaml",
      await thread.read(job("x.yaml", Buffer.from(wrapped))),
      undefined,
    );
    expect(problems).toEqual([]);
    expect(resources.map(({ resource }) => `${resource.type.name} ${resource.name}`)).toEqual(["zipkins z"]);
  });

  test("rejects what it was asked when it is closed, and afterwards", async () => {
    const thread = threadOf();
    const asked = thread.read(job("x.yaml", Buffer.from("resources: []")));
    const ended = expect(asked).rejects.toThrow("reading was ended");
    await thread.close();
    await ended;
    await expect(thread.read(job("x.yaml", Buffer.from("a: 1")))).rejects.toThrow("reading was ended");
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
        /^DIR\/b\.yaml: reading it takes more than \d+ MiB of memory; make it simpler, or split it into several files$/,
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
      "DIR/conf/slow.yaml: reading it takes longer than 2000 ms; make it simpler, or split it into several files",
    ]);
    expect(thread.starts).toBe(2);
    await rm(at("conf/slow.yaml"));
    await told(1);
    expect(namesOf(commonOf(readings[0]))).toEqual(["a", "z"]);
    expect(thread.starts).toBe(2);
  });

  test("gives the memory of a large file back: another thread waits for the next change", async () => {
    await write("a.yaml", `# ${"x".repeat(2 ** 20)}\nresources: [${"{},".repeat(500_000)}]`);
    const thread = threadOf({ heapBytes: 1024 * mebibyte });
    const { reading } = await open(thread);
    expect(linesOf(reading)).toHaveLength(1_001);
    expect(thread.starts).toBe(2);
    await write("a.yaml", fileOf("a"));
    await told(1);
    expect(namesOf(commonOf(readings[0]))).toEqual(["a"]);
    expect(thread.starts).toBe(2);
  });
});
