import { createHook } from "node:async_hooks";
import { execFileSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, rename, rm, symlink, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type Content,
  cluster,
  configurationOf,
  namesOf,
  sourceContract,
  waiting,
} from "../../test/contract/source.js";
import { envoyRegistry } from "../resource/default-api.js";
import type { Resource } from "../resource/resource.js";
import { resourceJson } from "../resource/resource-json.js";
import { clusterType } from "../resource/types.js";
import { DirectorySource, type DirectorySourceOptions } from "./directory.js";
import { scanTree } from "./files/file-tree.js";
import { formatProblem } from "./files/problem.js";
import { commonLayer, viewOf } from "./reading/layers.js";
import type { GoodReading, Reading } from "./reading/source.js";

const wrapper = '"@type": type.googleapis.com/envoy.service.discovery.v3.Resource';
const fileOf = (resources: readonly JsonObject[] = []) => JSON.stringify({ resources });

async function put(directory: string, { common = [], groups = {} }: Content): Promise<void> {
  await rm(join(directory, "groups"), { recursive: true, force: true });
  for (const [group, resources] of Object.entries(groups)) {
    await mkdir(join(directory, "groups", group), { recursive: true });
    await writeFile(join(directory, "groups", group, "clusters.json"), fileOf(resources));
  }
  await writeFile(join(directory, "clusters.json"), fileOf(common));
}

sourceContract("DirectorySource", async (content) => {
  const directory = await mkdtemp(join(tmpdir(), "xds-source-"));
  let current = content;
  await put(directory, content);
  return {
    // Patient enough for the writes of one put() on a busy machine.
    source: new DirectorySource([directory], { quietMs: 250, maxWaitMs: 2000 }),
    put: (next) => {
      current = next;
      return put(directory, next);
    },
    rewrite: () => put(directory, current),
    spoil: async () => {
      const [first, ...rest] = current.common ?? [];
      await writeFile(join(directory, "clusters.json"), fileOf([{ ...first, connectTimeout: "soon" }, ...rest]));
    },
    remove: () => rm(directory, { recursive: true }),
  };
});

let directory: string;
let source: DirectorySource | undefined;
let readings: Reading[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-source-"));
  readings = [];
});

afterEach(async () => {
  await source?.close();
  source = undefined;
  await rm(directory, { recursive: true, force: true });
});

const at = (...names: string[]) => join(directory, ...names);

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), text);
}

async function open(paths = [directory], options: DirectorySourceOptions = {}): Promise<Reading> {
  await source?.close();
  source = new DirectorySource(paths, options);
  return await source.open((reading) => readings.push(reading));
}

const commonOf = (reading: Reading | undefined) => namesOf(configurationOf(reading).common);

function linesOf(reading: Reading | undefined): string[] {
  if (reading && "problems" in reading)
    return reading.problems.map(formatProblem).map((line) => line.replaceAll(directory, "DIR"));
  throw new Error("no problems");
}

const told = (count: number) => vi.waitFor(() => expect(readings).toHaveLength(count), waiting);

describe("DirectorySource, reading", () => {
  test("takes yaml, yml and json below a directory in the order of their names, and leaves out all else", async () => {
    await write("b.yaml", fileOf([cluster("b")]));
    await write("a.yml", fileOf([cluster("a")]));
    await write("a/deep/er/c.json", fileOf([cluster("c")]));
    await write("notes.txt", "not: [for us");
    await write("b.yaml~", "not: [for us");
    await write(".b.yaml.swp", "not: [for us");
    await write(".hidden/x.yaml", "not: [for us");
    await write("comment.yaml", "# nothing yet\n");
    expect(commonOf(await open())).toEqual(["c", "a", "b"]);
  });

  test("takes files and several directories, one that is given twice only once", async () => {
    await write("one/a.yaml", fileOf([cluster("a")]));
    await write("two.yaml", fileOf([cluster("b")]));
    await write("three.yaml", "not: [given");
    expect(commonOf(await open([at("one"), at("two.yaml"), at("one", "a.yaml")]))).toEqual(["a", "b"]);
  });

  test("follows symbolic links to files and directories, and reports one that leads in a circle or to nothing", async () => {
    await write("elsewhere/.x/a.yaml", fileOf([cluster("a")]));
    await write("elsewhere/.y/b.yaml", fileOf([cluster("b")]));
    await write("conf/c.yaml", fileOf([cluster("c")]));
    await symlink(at("elsewhere/.x/a.yaml"), at("conf/a.yaml"));
    await symlink(at("elsewhere/.y"), at("conf/y"));
    expect(commonOf(await open([at("conf")]))).toEqual(["a", "c", "b"]);
    await source?.close();
    await symlink("..", at("conf/y/up"));
    await symlink(at("conf"), at("conf/circle"));
    await symlink(at("nowhere"), at("conf/dangling"));
    expect(linesOf(await open([at("conf")]))).toEqual([
      "DIR/conf/dangling: a symbolic link whose target does not exist; remove the link, or put the target back",
      "DIR/conf/circle: this symbolic link leads back to a directory that it is in; remove it",
    ]);
  });

  test("looks once at a directory that many paths of links lead to, for each node group", async () => {
    await mkdir(at("conf/groups/edge"), { recursive: true });
    await mkdir(at("conf/groups/core"));
    await write("conf/a.yaml", fileOf([cluster("a")]));
    await write("shared/s.yaml", fileOf([cluster("s")]));
    for (const group of ["edge", "core"]) await symlink(at("shared"), at(`conf/groups/${group}/shared`));
    for (let i = 0; i <= 30; i++) await mkdir(at(`s${i}`));
    for (let i = 0; i < 30; i++) for (const name of ["p", "q"]) await symlink(at(`s${i + 1}`), at(`s${i}`, name));
    await write("s30/z.yaml", fileOf([cluster("z")]));
    await symlink(at("s0"), at("conf/b"));
    const { common, groups } = configurationOf(await open([at("conf")]));
    expect(namesOf(common)).toEqual(["a", "z"]);
    expect([...groups].map(([group, own]) => [group, namesOf(own)])).toEqual([
      ["core", ["s"]],
      ["edge", ["s"]],
    ]);
    await source?.close();
    // A link does not hide what the directory is in its own place.
    await symlink(at("conf/groups"), at("conf/all"));
    expect(linesOf(await open([at("conf")]))).toHaveLength(2);
  });

  test("looks at so many directories at most, and at nothing more once it is told to end", async () => {
    for (let i = 0; i < 10; i++) await mkdir(at(`d${i}`));
    const { problems } = await scanTree([directory], { mostDirectories: 8 });
    expect(linesOf({ problems })).toEqual([
      "DIR/d7: the paths given have more than 8 directories, the limit; give others, or hide some by names " +
        'that begin with "."',
    ]);
    await expect(scanTree([directory], { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });

  test("takes a file given whatever it is called; reports a path that is not there, what is no file, and a file too large", async () => {
    await write("big.yaml", "#".repeat(2000));
    await write("x.toml", "");
    execFileSync("mkfifo", [at("pipe.yaml")]);
    expect(
      linesOf(await open([at("nowhere"), at("x.toml"), at("pipe.yaml"), at("big.yaml")], { maxFileBytes: 1999 })),
    ).toEqual([
      "DIR/nowhere: no such file or directory; check the path, or put it back",
      "DIR/pipe.yaml: expected a regular file or a directory, got a pipe; name a file, a directory, or - for standard input",
      'DIR/x.toml: the file is empty; write its resources, "resources: []" if it has none, or remove it',
      "DIR/big.yaml: the file has more than 1999 bytes, the limit; split it into several files",
    ]);
  });

  test.runIf(process.platform === "linux")(
    "takes a link to what has no end for a file with nothing in it",
    async () => {
      await write("a.yaml", fileOf([cluster("a")]));
      await symlink("/proc/self/pagemap", at("b.yaml"));
      expect(linesOf(await open())).toEqual([expect.stringMatching(/^DIR\/b\.yaml: the file is empty; /)]);
    },
  );

  test("takes files of other endings only where they are given themselves", async () => {
    await write("sub/envoy.conf", fileOf([cluster("a")]));
    await write("sub/b.yaml", fileOf([cluster("b")]));
    expect(commonOf(await open([at("sub/envoy.conf"), at("sub")]))).toEqual(["a", "b"]);
    await source?.close();
    expect(commonOf(await open([at("sub")]))).toEqual(["b"]);
  });

  test.skipIf(process.getuid?.() === 0 /* root may read everything */)(
    "reports a file that it may not read",
    async () => {
      await write("a.yaml", fileOf([cluster("a")]));
      await chmod(at("a.yaml"), 0);
      expect(linesOf(await open())).toEqual([expect.stringMatching(/^DIR\/a\.yaml: cannot be read: EACCES/)]);
    },
  );

  test("reports the problems of all files, in their order, and a name that is in two with both places", async () => {
    await write("a.yaml", `resources:\n- ${JSON.stringify(cluster("a"))}\n- ${JSON.stringify(cluster("a"))}\n`);
    await write("b.yaml", `a: b: c\n`);
    await write(
      "c.yaml",
      `resources:\n- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: a\n  nam: 1\n`,
    );
    await write("d.yaml", `\n${JSON.stringify(cluster("a"))}`);
    const resource = JSON.stringify(cluster("z"));
    await write("groups/edge/e.yaml", JSON.stringify(cluster("a")));
    await write("groups/edge/f.yaml", `${wrapper}\naliases: [w, a]\nresource: ${resource}`);
    await write("groups/f.yaml", JSON.stringify(cluster("a")));
    expect(linesOf(await open())).toEqual([
      "DIR/groups/f.yaml: a file of no group; move it into a directory named after its node group, or out of groups/",
      'DIR/b.yaml:1:5: not valid YAML or JSON: bad indentation of a mapping entry; align the line with its neighbours, and quote a value that contains ": " or begins with a special character',
      "DIR/c.yaml:4:3: resources[0].nam: envoy.config.cluster.v3.Cluster has no such field; did you mean name?",
    ]);
    await source?.close();
    await unlink(at("groups/f.yaml"));
    expect(linesOf(await open())).toEqual([
      'DIR/b.yaml:1:5: not valid YAML or JSON: bad indentation of a mapping entry; align the line with its neighbours, and quote a value that contains ": " or begins with a special character',
      "DIR/c.yaml:4:3: resources[0].nam: envoy.config.cluster.v3.Cluster has no such field; did you mean name?",
      'DIR/a.yaml:3:3: clusters "a" is already at DIR/a.yaml:2:3; rename or remove one of the two',
      'DIR/d.yaml:2:1: clusters "a" is already at DIR/a.yaml:2:3; rename or remove one of the two',
      'DIR/groups/edge/e.yaml:1:1: clusters "a" is already at DIR/a.yaml:2:3; rename or remove one of the two',
      'DIR/groups/edge/f.yaml:1:1: clusters "a (an alias)" is already at DIR/a.yaml:2:3; rename or remove one of the two',
    ]);
  });
});

describe("DirectorySource, where there is nothing", () => {
  const empty = (path: string) =>
    `${path}: holds no configuration; put its files (.yaml, .yml, .json) there, or one with "resources: []" to serve nothing`;

  test.each([
    ["an empty directory", []],
    ["files of other kinds, and hidden ones", ["x.txt", ".hidden.yaml", ".h/a.yaml", "deep/er/x.toml"]],
    ["files that only have comments", ["a.yaml", "deep/b.yml", "groups/edge/c.yaml"]],
    ["the program's own settings", ["xds.yaml"]],
  ])("takes %s for no configuration", async (_, names) => {
    for (const name of names) await write(name, name === "xds.yaml" ? "port: 1" : "# nothing\n---\n# here\n");
    const homes = names.includes("groups/edge/c.yaml") ? ["DIR", "DIR/groups/edge"] : ["DIR"];
    const lines = linesOf(await open([directory], { except: [at("xds.yaml")] }));
    expect(lines).toHaveLength(homes.length);
    expect(lines[0]).toBe(empty("DIR"));
  });

  test("wants configuration in each path given, but takes files that another path has too", async () => {
    await write("one/a.yaml", fileOf([cluster("a")]));
    await write("two.yaml", "# nothing\n");
    await mkdir(at("three"));
    expect(linesOf(await open([at("one"), at("two.yaml"), at("three"), at("one", "a.yaml"), at("one")]))).toEqual([
      empty("DIR/two.yaml"),
      empty("DIR/three"),
    ]);
  });

  test("takes a path given that only has files for secrets, unless it had configuration before", async () => {
    await write("one/a.yaml", fileOf([cluster("a")]));
    await write("tls/key.pem", "");
    expect(commonOf(await open([at("one"), at("tls")], { quietMs: 250 }))).toEqual(["a"]);
    await write("tls/b.yaml", fileOf([cluster("b")]));
    await told(1);
    expect(commonOf(readings[0])).toEqual(["a", "b"]);
    await unlink(at("tls/b.yaml"));
    await told(2);
    expect(linesOf(readings[1])).toEqual([empty("DIR/tls")]);
  });

  test("takes a directory whose files say that they have nothing", async () => {
    await write("a.yaml", "resources: []\n");
    await write("groups/edge/a.yaml", "resources: []\n");
    const { common, groups } = configurationOf(await open());
    expect([common, [...groups]]).toEqual([[], [["edge", []]]]);
  });

  test("takes a list of paths only", () => {
    expect(() => new DirectorySource("/" as unknown as string[])).toThrow("takes a list of paths");
  });

  test("takes an empty directory of a node group, and one of no groups, for a mistake, and so groups/ that is gone", async () => {
    await write("a.yaml", fileOf([cluster("a")]));
    await write("groups/edge/b.yaml", fileOf([cluster("b")]));
    await open([directory], { quietMs: 250 });
    await unlink(at("groups/edge/b.yaml"));
    await told(1);
    expect(linesOf(readings[0])).toEqual([
      "DIR/groups/edge: this node group's directory holds no configuration; put its files there, or one with " +
        '"resources: []" if the group has no resources of its own, or remove the directory',
    ]);
    await rm(at("groups/edge"), { recursive: true });
    await told(2);
    expect(linesOf(readings[1])).toEqual([
      "DIR/groups: holds no node group's directory; put the directories back, or remove this one and restart",
    ]);
    await rm(at("groups"), { recursive: true });
    await told(3);
    expect(linesOf(readings[2])).toEqual([
      'DIR/groups: no such directory, and its node groups are still served; put it back, with "resources: []" in each ' +
        "group without resources of its own, or restart to serve no groups",
    ]);
    await write("groups/edge/b.yaml", "resources: []");
    await told(4);
    expect([...configurationOf(readings[3]).groups]).toEqual([["edge", []]]);
    await rm(at("groups"), { recursive: true });
    const { groups } = configurationOf(await open()); // as after a restart
    expect(groups.size).toBe(0);
  });

  test("lets groups/ go with the path that it is in", async () => {
    await write("one/a.yaml", fileOf([cluster("a")]));
    await write("two/groups/edge/b.yaml", fileOf([cluster("b")]));
    const source = new DirectorySource([at("one"), at("two")], { pollMs: 50, useEvents: false });
    onTestFinished(() => source.close());
    await source.open((reading) => readings.push(reading));
    await rm(at("two"), { recursive: true });
    await source.reread([at("one")]);
    expect(configurationOf(readings.at(-1)).groups.size).toBe(0);
  });

  /** Envoys' own configurations of which nothing can be served. */
  const nothingToServe = {
    "a bootstrap": { node: { id: "x" }, dynamic_resources: { ads_config: { api_type: "GRPC" } }, static_resources: {} },
    "a dump": { configs: [{ "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump" }] },
    "a section": { "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump" },
  };
  const nothing =
    "no resource in it can be served: it has only parts of an Envoy's own file, like a file from `xds bootstrap`; " +
    'put the file with the resources there, or one with "resources: []" to serve nothing';

  test.each(Object.entries(nothingToServe))("takes %s of which nothing is served for a mistake", async (_, own) => {
    await write("conf/a.yaml", JSON.stringify(own));
    expect(linesOf(await open())).toEqual([`DIR/conf/a.yaml: ${nothing}`]);
    await write("conf/b.yaml", fileOf([cluster("b")]));
    expect(commonOf(await open())).toEqual(["b"]); // beside resources it takes nothing away
  });

  test("takes an Envoy's own file in the place of one with resources for a mistake, also beside others", async () => {
    await write("a.yaml", JSON.stringify({ static_resources: { clusters: [{ name: "a" }] } }));
    await write("b.yaml", fileOf([cluster("b")]));
    expect(commonOf(await open())).toEqual(["a", "b"]);
    await write("a.yaml", JSON.stringify(nothingToServe["a bootstrap"]));
    await told(1);
    expect(linesOf(readings[0])).toEqual([`DIR/a.yaml: ${nothing}`]);
    await write("a.yaml", "resources: []");
    await told(2);
    expect(commonOf(readings[1])).toEqual(["b"]);
  });

  test("tells a change of what is not served of an Envoy's own file, and none where only its layout changed", async () => {
    const text = (sink: string) =>
      `stats_sinks: [{ name: ${sink} }]\nstatic_resources:\n  clusters: [{ name: a }]\n  listeners: []\n`;
    await write("a.yaml", text("x"));
    const before = commonOf(await open());
    await write("a.yaml", `# a comment\n${text("x")}`);
    await write("a.yaml", text("z"));
    await told(1);
    expect(commonOf(readings[0])).toEqual(before);
    const [first] = (readings[0] as GoodReading).unserved ?? [];
    expect([...(first?.parts.keys() ?? [])]).toEqual(["stats_sinks", "static_resources"]);
  });

  test.each([
    ["the files", async () => unlink(at("conf/a.yaml"))],
    ["all but comments", async () => write("conf/a.yaml", "# later\n")],
    ["all but what is not for us", async () => rename(at("conf/a.yaml"), at("conf/a.yaml.bak"))],
  ])("serves on when %s go, and takes up what comes back", async (_, go) => {
    await write("conf/a.yaml", fileOf([cluster("a")]));
    await open([at("conf")], { quietMs: 250 });
    await go();
    await told(1);
    expect(linesOf(readings[0])).toEqual([empty("DIR/conf")]);
    await write("conf/a.yaml", fileOf([cluster("b")]));
    await told(2);
    expect(commonOf(readings[1])).toEqual(["b"]);
  });
});

describe.each([
  ["events of the system", { pollMs: 600_000 }],
  ["looking from time to time", { useEvents: false, pollMs: 50 }],
] satisfies [string, DirectorySourceOptions][])("DirectorySource, watching by %s", (_, options) => {
  test("takes up an edit, a new file, a removed file, a new directory and one that was moved", async () => {
    await write("a.yaml", fileOf([cluster("a")]));
    expect(commonOf(await open([directory], options))).toEqual(["a"]);
    await write("a.yaml", fileOf([cluster("a2")]));
    await told(1);
    await write("b.yaml", fileOf([cluster("b")]));
    await told(2);
    await write("deep/er/c.yaml", fileOf([cluster("c")]));
    await told(3);
    await unlink(at("a.yaml"));
    await told(4);
    await rename(at("deep"), at("moved"));
    await rename(at("moved/er/c.yaml"), at("moved/er/d.yaml"));
    await write("moved/er/c.yaml", fileOf([cluster("e")]));
    await told(5);
    expect(readings.map(commonOf)).toEqual([["a2"], ["a2", "b"], ["a2", "b", "c"], ["b", "c"], ["b", "e", "c"]]);
  });

  test("takes up a file that is replaced by renaming another one over it, also where only the file was given", async () => {
    await write("a.yaml", fileOf([cluster("a")]));
    await open([at("a.yaml")], options);
    for (const name of ["b", "c"]) {
      await write(".a.yaml.tmp", fileOf([cluster(name)]));
      await rename(at(".a.yaml.tmp"), at("a.yaml"));
      await vi.waitFor(() => expect(commonOf(readings.at(-1))).toEqual([name]), waiting);
    }
    expect(readings).toHaveLength(2);
  });

  test("takes up a Kubernetes ConfigMap's swap of symbolic links as one change, again and again", async () => {
    const publish = async (version: number) => {
      const files = {
        "a.yaml": [cluster("a", version)],
        "b.yaml": [cluster("b", version), cluster(`only-${version}`)],
      };
      for (const [name, resources] of Object.entries(files)) await write(`..v${version}/${name}`, fileOf(resources));
      await symlink(`..v${version}`, at("..data_tmp"));
      await rename(at("..data_tmp"), at("..data"));
      for (const name of Object.keys(files)) await symlink(`..data/${name}`, at(name)).catch(() => {});
      if (version > 1) await rm(at(`..v${version - 1}`), { recursive: true });
    };
    await publish(1);
    expect(commonOf(await open([directory], options))).toEqual(["a", "b", "only-1"]);
    for (const version of [2, 3, 4, 5]) {
      await publish(version);
      await told(version - 1);
      expect(commonOf(readings.at(-1))).toEqual(["a", "b", `only-${version}`]);
    }
  });

  test("takes up an edit behind a symbolic link, and a link that leads elsewhere", async () => {
    await write("away/a.yaml", fileOf([cluster("a")]));
    await write("away/b.yaml", fileOf([cluster("b")]));
    await mkdir(at("conf"));
    await symlink("../away/a.yaml", at("conf/x.yaml"));
    await open([at("conf")], options);
    await write("away/a.yaml", fileOf([cluster("a2")]));
    await told(1);
    await symlink("../away/b.yaml", at("conf/.next"));
    await rename(at("conf/.next"), at("conf/x.yaml"));
    await told(2);
    expect(readings.map(commonOf)).toEqual([["a2"], ["b"]]);
  });

  test("serves on when the directory goes, and takes up another one in its place", async () => {
    await write("conf/a.yaml", fileOf([cluster("a")]));
    await open([at("conf")], options);
    await rename(at("conf"), at("old"));
    await told(1);
    expect(linesOf(readings[0])).toEqual(["DIR/conf: no such file or directory; check the path, or put it back"]);
    await cp(at("old"), at("conf"), { recursive: true });
    await told(2);
    await write("conf/a.yaml", fileOf([cluster("b")]));
    await told(3);
    expect(readings.slice(1).map(commonOf)).toEqual([["a"], ["b"]]);
  });
});

describe("DirectorySource, watching", () => {
  test("tells a burst of edits as one change", async () => {
    for (let i = 0; i < 20; i++) await write(`${i}.yaml`, fileOf([cluster(`c${i}`)]));
    await open([directory], { quietMs: 400, maxWaitMs: 4000 });
    for (let round = 2; round < 5; round++)
      for (let i = 0; i < 20; i++) await write(`${i}.yaml`, fileOf([cluster(`c${i}`, round)]));
    await told(1);
    await write("0.yaml", fileOf([cluster("last")]));
    await told(2);
    expect(commonOf(readings[1])).toHaveLength(20);
  });

  test("does not wait for quiet for ever", async () => {
    await write("a.yaml", fileOf([cluster("a")]));
    await open([directory], { quietMs: 200, maxWaitMs: 400 });
    let isEnough = false;
    const writing = (async () => {
      for (let i = 0; !isEnough; i++) {
        await write("a.yaml", fileOf([cluster(`a${i}`)]));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await vi.waitFor(() => expect(readings).not.toEqual([]), waiting);
    isEnough = true;
    await writing;
  });

  test("takes nothing of a change while one file of it is bad", async () => {
    await write("a.yaml", fileOf([cluster("a")]));
    await write("b.yaml", fileOf([cluster("b")]));
    await open([directory], { quietMs: 250 });
    await write("a.yaml", fileOf([cluster("a", 9)]));
    await write("b.yaml", "resources: [");
    await told(1);
    expect(linesOf(readings[0])).toEqual([expect.stringMatching(/^DIR\/b\.yaml:1:13: not valid YAML or JSON: /)]);
    await truncate(at("b.yaml"), 0);
    await told(2);
    expect(linesOf(readings[1])).toEqual([expect.stringMatching(/^DIR\/b\.yaml: the file is empty; /)]);
    await write("b.yaml", "resources: []");
    await told(3);
    expect(commonOf(readings[2])).toEqual(["a"]);
  });

  test("gives who writes a file in place the time to do so", async () => {
    await write("a.yaml", fileOf([cluster("a")]));
    await open([directory], { quietMs: 800, maxWaitMs: 800 });
    await truncate(at("a.yaml"), 0);
    await new Promise((resolve) => setTimeout(resolve, 1_200)); // it has been read, and is to be again
    await write("a.yaml", fileOf([cluster("b")]));
    await told(1);
    expect(commonOf(readings[0])).toEqual(["b"]);
  });

  test("leaves no watcher and no timer behind", async () => {
    const left = new Map<number, string>();
    let isOpen = true;
    const hook = createHook({
      init: (id, type) => isOpen && /^(FSEVENTWRAP|Timeout)$/.test(type) && left.set(id, type),
      destroy: (id) => left.delete(id),
    }).enable();
    await write("deep/a.yaml", fileOf([cluster("a")]));
    await open();
    expect([...left.values()].sort()).toEqual(["FSEVENTWRAP", "FSEVENTWRAP", "FSEVENTWRAP", "Timeout"]);
    await write("deep/a.yaml", fileOf([cluster("b")]));
    await source?.close();
    isOpen = false;
    await vi.waitFor(() => expect([...left.values()]).toEqual([]), waiting);
    hook.disable();
  });

  test("reads only what was edited", async () => {
    const text = (names: string[]) => names.map((name) => `---\n${JSON.stringify(cluster(name))}\n`).join("");
    await write("a.yaml", text(["a1", "a2"]));
    await write("b.yaml", text(["b1"]));
    const before = configurationOf(await open([directory], { quietMs: 250 })).common;
    await write("a.yaml", `# now with a comment\n${text(["a1", "a2"])}`);
    await write("c.yaml", text(["c1"]));
    await told(1);
    const after = configurationOf(readings[0]).common;
    expect(namesOf(after)).toEqual(["a1", "a2", "b1", "c1"]);
    for (const [index, resource] of before.entries()) expect(after[index]).toBe(resource);
  });
});

describe("DirectorySource, layers", () => {
  const group = (name: string, ...layers: string[]) => ({
    name,
    layers: layers.map((layer) => ({ name: layer, path: at(layer) })),
  });
  const groups = () => [group("canary", "base", "edge", "canary"), group("edge", "base", "edge")];
  const viewsOf = (reading: Reading | undefined) => {
    if (!reading || "problems" in reading) throw new Error(linesOf(reading).join("\n"));
    const { configuration } = reading;
    const seconds = (resource: Resource) =>
      (resourceJson(clusterType, resource.body, envoyRegistry()) as JsonObject).connect_timeout;
    const view = (name: string | undefined) =>
      Object.fromEntries(viewOf(configuration, name).map((resource) => [resource.name, seconds(resource)]));
    return { canary: view("canary"), edge: view("edge"), others: view(undefined) };
  };
  beforeEach(async () => {
    await write("base/a.yaml", fileOf([cluster("a"), cluster("b"), cluster("c")]));
    await write("edge/a.yaml", fileOf([cluster("b", 2)]));
    await write("canary/a.yaml", `${fileOf([cluster("a", 3)])}\n---\nremove: [{type: clusters, name: c}]\n`);
  });

  test("are put on top of each other: a later one replaces a resource of an earlier one, or removes it", async () => {
    const reading = await open([], { groups: groups() });
    expect(viewsOf(reading)).toEqual({
      canary: { a: "3s", b: "2s" },
      edge: { a: "1s", b: "2s", c: "1s" },
      others: {},
    });
    await write("edge/a.yaml", "remove:\n- {type: Cluster, name: a}\n- {type: clusters, name: b}\n");
    await told(1);
    expect(viewsOf(readings[0])).toMatchObject({ canary: { a: "3s" }, edge: { c: "1s" } });
    await write("canary/a.yaml", "remove: []\n");
    await told(2);
    expect(viewsOf(readings[1])).toMatchObject({ canary: { c: "1s" }, edge: { c: "1s" } });
  });

  test("may be what nodes of no group get as well; a file in several is read once, and is the same resources", async () => {
    const reading = (await open([at("base")], { groups: groups() })) as GoodReading;
    expect(viewsOf(reading).others).toEqual({ a: "1s", b: "1s", c: "1s" });
    const { layers } = reading.configuration;
    expect(layers.get("base")?.resources).toEqual(layers.get(commonLayer)?.resources);
    expect(layers.get("base")?.resources[0]).toBe(layers.get(commonLayer)?.resources[0]);
    await write("base/a.yaml", fileOf([cluster("a", 5), cluster("b"), cluster("c")]));
    await told(1);
    expect(viewsOf(readings[0])).toMatchObject({ canary: { a: "3s" }, edge: { a: "5s" }, others: { a: "5s" } });
  });

  test("report two resources of one name in one layer, an alias that is taken, and removals that are wrong or in vain", async () => {
    await write("edge/b.yaml", fileOf([cluster("b", 4)]));
    expect(linesOf(await open([], { groups: groups() }))).toEqual([
      'DIR/edge/b.yaml:1:15: clusters "b" is already at DIR/edge/a.yaml:1:15; rename or remove one of the two',
    ]);
    await write("edge/b.yaml", `${wrapper}\nname: d\naliases: [a]\nresource: ${JSON.stringify(cluster("d"))}`);
    expect(linesOf(await open([], { groups: groups().slice(1) }))).toEqual([
      expect.stringMatching(
        /^DIR\/edge\/b.yaml:1:1: clusters "a \(an alias\)" is already at DIR\/base\/a.yaml:1:15;.* group edge\)$/,
      ),
    ]);
    const removals = [
      "{type: cluster, name: no}",
      "{type: clustres, name: b}",
      "{type: clusters}",
      "b",
      "{type: clusters, name: b, x: 1}",
    ];
    await write("edge/b.yaml", `remove:\n${removals.map((one) => `- ${one}\n`).join("")}`);
    expect(linesOf(await open([], { groups: groups() }))).toEqual([
      "DIR/edge/b.yaml:3:10: remove[1].type: no such resource type; did you mean clusters?",
      expect.stringMatching(/^DIR\/edge\/b.yaml:4:3: remove\[2\]: expected the type and name of a resource, such as/),
      expect.stringMatching(/^DIR\/edge\/b.yaml:5:3: remove\[3\]: expected the type and name of a resource/),
      expect.stringMatching(/^DIR\/edge\/b.yaml:6:3: remove\[4\]: expected the type and name of a resource/),
    ]);
    await write("edge/b.yaml", "remove:\n- {type: clusters, name: no}\n");
    const reading = (await open([], { groups: groups() })) as GoodReading;
    expect(reading.notes.map((note) => formatProblem(note).replace(directory, "DIR"))).toEqual([
      'DIR/edge/b.yaml:2:3: removes nothing: no layer before this one has clusters "no"',
    ]);
  });

  test("that are gone or empty, and a directory groups/ beside them, are mistakes", async () => {
    await open([], { groups: groups() });
    await rm(at("edge"), { recursive: true });
    await told(1);
    expect(linesOf(readings[0])).toEqual(["DIR/edge: no such file or directory; check the path, or put it back"]);
    await mkdir(at("edge"));
    await told(2);
    expect(linesOf(readings[1])).toEqual([expect.stringMatching(/^DIR\/edge: this layer's directory holds no conf/)]);
    await write("edge/a.yaml", "resources: []");
    await told(3);
    expect(viewsOf(readings[2])).toMatchObject({ edge: { a: "1s", b: "1s", c: "1s" } });
    await write("common/groups/edge/a.yaml", fileOf([cluster("x")]));
    expect(linesOf(await open([at("common")], { groups: groups() }))).toEqual([
      expect.stringMatching(/^DIR\/common\/groups\/edge: is a node group's directory, but the groups have layers/),
    ]);
  });

  test("and groups change with reread()", async () => {
    await open([], { groups: groups() });
    const before: number[] = [];
    await source?.reread([at("base")], [group("edge", "edge")], () => before.push(readings.length));
    expect(before).toEqual([0]);
    await told(1);
    const { configuration } = readings[0] as GoodReading;
    expect([...configuration.groups]).toEqual([["edge", ["edge"]]]);
    expect(namesOf(viewOf(configuration, undefined))).toEqual(["a", "b", "c"]);
  });
});
