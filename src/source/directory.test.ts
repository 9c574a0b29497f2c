import { createHook } from "node:async_hooks";
import { execFileSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, rename, rm, symlink, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Content,
  cluster,
  configurationOf,
  namesOf,
  sourceContract,
  waiting,
} from "../../test/contract/source.js";
import { DirectorySource, type DirectorySourceOptions } from "./directory.js";
import { formatProblem } from "./problem.js";
import type { Reading } from "./source.js";

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
      "DIR/conf/dangling: a symbolic link to nothing; remove it, or put back what it leads to",
      "DIR/conf/circle: this symbolic link leads back to a directory that it is in; remove it",
    ]);
  });

  test("reports a path that is not there, an ending that it does not know, what is no file, and a file too large", async () => {
    await write("big.yaml", "#".repeat(2000));
    await write("x.toml", "");
    execFileSync("mkfifo", [at("pipe.yaml")]);
    expect(
      linesOf(await open([at("nowhere"), at("x.toml"), at("pipe.yaml"), at("big.yaml")], { maxFileBytes: 1999 })),
    ).toEqual([
      "DIR/nowhere: no such file or directory; check the path, or put it back",
      "DIR/x.toml: expected a directory, or a file that ends in .yaml, .yml, .json",
      "DIR/pipe.yaml: expected a regular file or a directory, got a pipe; remove it, or rename it without .yaml",
      "DIR/big.yaml: the file has 2000 bytes, where 1999 is the most; split it into several files",
    ]);
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
    await write("groups/edge/f.yaml", `${wrapper}\naliases: [y, a]\nresource: ${resource}`);
    await write("groups/f.yaml", JSON.stringify(cluster("a")));
    expect(linesOf(await open())).toEqual([
      "DIR/groups/f.yaml: a file of no group; move it into a directory named after its node group, or out of groups/",
      'DIR/b.yaml:1:5: not valid YAML or JSON: bad indentation of a mapping entry; align the line with its neighbours, and quote a value that holds ": " or begins with a sign',
      "DIR/c.yaml:4:3: resources[0].nam: envoy.config.cluster.v3.Cluster has no such field; did you mean name?",
    ]);
    await source?.close();
    await unlink(at("groups/f.yaml"));
    expect(linesOf(await open())).toEqual([
      'DIR/b.yaml:1:5: not valid YAML or JSON: bad indentation of a mapping entry; align the line with its neighbours, and quote a value that holds ": " or begins with a sign',
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

  test("takes an empty directory of a node group, and one of no groups, for a mistake; one that is gone is none", async () => {
    await write("a.yaml", fileOf([cluster("a")]));
    await write("groups/edge/b.yaml", fileOf([cluster("b")]));
    await open([directory], { quietMs: 250 });
    await unlink(at("groups/edge/b.yaml"));
    await told(1);
    expect(linesOf(readings[0])).toEqual([
      "DIR/groups/edge: this node group's directory holds no configuration; put its files there, or one with " +
        '"resources: []" if the group has nothing of its own, or remove the directory',
    ]);
    await rm(at("groups/edge"), { recursive: true });
    await told(2);
    expect(linesOf(readings[1])).toEqual([
      "DIR/groups: holds no node group's directory; put the directories back, or remove this one",
    ]);
    await rm(at("groups"), { recursive: true });
    await told(3);
    expect(configurationOf(readings[2]).groups.size).toBe(0);
    expect(commonOf(readings[2])).toEqual(["a"]);
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
