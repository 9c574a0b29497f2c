import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, SourceCodeInfoSchema } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from "vitest";
import { clusterType } from "../../src/index.js";
import { builtInSet, newerApi } from "../schema/newer-api.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-schema-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

const show = (...args: string[]) => xdsHere("schema", "show", ...args);
/** By another API. */
const showBy = (...args: string[]) => xds("schema", "show", ...args);

describe("xds schema show", () => {
  test("prints a message's fields with numbers, types and rules, and their comments", async () => {
    const { code, stderr, stdout } = await show("DataSource");
    const told = stdout.split("\nwatched_directory\n")[0];
    expect({ code, stderr, told }).toEqual({
      code: 0,
      stderr: "",
      told: `envoy.config.core.v3.DataSource
message, of envoy/config/core/v3/base.proto

Data source consisting of a file, an inline value, or an environment variable.

NUMBER  FIELD                 TYPE                                   RULES
1       filename              string                                 oneof specifier, one is required; must have at least 1 character
2       inline_bytes          bytes                                  oneof specifier, one is required
3       inline_string         string                                 oneof specifier, one is required
4       environment_variable  string                                 oneof specifier, one is required; must have at least 1 character
5       watched_directory     envoy.config.core.v3.WatchedDirectory

filename
  Local filesystem data source.

inline_bytes
  Bytes inlined in the configuration.

inline_string
  String inlined in the configuration.

environment_variable
  Environment variable data source.
`,
    });
  });

  test("says what is deprecated, and what is a secret", async () => {
    const { stdout } = await show("Cluster.max_requests_per_connection");
    expect(stdout).toMatch(/^9 +max_requests_per_connection +google\.protobuf\.UInt32Value +deprecated since 3\.0$/m);
    expect((await show("envoy.extensions.transport_sockets.tls.v3.GenericSecret")).stdout).toMatch(
      /^1 +secret +envoy\.config\.core\.v3\.DataSource +sensitive$/m,
    );
  });

  test("prints a field and the values of its enum", async () => {
    expect((await show("SocketAddress.protocol")).stdout).toBe(`envoy.config.core.v3.SocketAddress.protocol

NUMBER  FIELD     TYPE                                         RULES
1       protocol  envoy.config.core.v3.SocketAddress.Protocol  must be a value that the enum defines

envoy.config.core.v3.SocketAddress.Protocol
enum, of envoy/config/core/v3/address.proto

NUMBER  VALUE  NOTES
0       TCP
1       UDP
`);
  });

  test("prints the same as JSON and YAML", async () => {
    const { stdout } = await show("envoy.config.core.v3.SocketAddress.address", "-o", "json");
    expect(JSON.parse(stdout)).toEqual({
      field: {
        of: "envoy.config.core.v3.SocketAddress",
        number: 2,
        name: "address",
        type: "string",
        rules: ["must have at least 1 character"],
        comment: expect.stringMatching(/^The address for this socket\. Listeners will bind\nto the address\./),
      },
      name: "envoy.config.core.v3.SocketAddress",
      kind: "message",
      file: "envoy/config/core/v3/address.proto",
    });
    expect((await show("RoutingPriority", "-o", "yaml")).stdout).toBe(`name: envoy.config.core.v3.RoutingPriority
kind: enum
file: envoy/config/core/v3/base.proto
comment: |-
  Envoy supports upstream priority routing both at the route and the virtual
  cluster level. The current priority implementation uses different connection
  pool and circuit breaking settings for each priority level. This means that
  even for HTTP/2 requests, two physical connections will be used to an
  upstream host. In the future Envoy will likely support true HTTP/2 priority
  over a single upstream connection.
values:
  - number: 0
    name: DEFAULT
  - number: 1
    name: HIGH
`);
  });

  test.each([
    ["a full name", "envoy.config.cluster.v3.Cluster"],
    ["a type URL", clusterType],
    ["the last part of a name", "Cluster"],
    ["a resource type's short name", "clusters"],
    ["that in the singular", "cluster"],
  ])("takes %s", async (_, name) => {
    expect((await show(name)).stdout).toMatch(
      /^envoy\.config\.cluster\.v3\.Cluster\nmessage, the type of clusters, of envoy\/config\/cluster\/v3\/cluster\.proto\n\nConfiguration for a single upstream cluster\.\n\nNUMBER /,
    );
  });

  test.each([
    ["Clustr", 'no message or enum of this Envoy API is called "Clustr"; did you mean Cluster?'],
    [
      "Route",
      "4 messages or enums are called Route; give a longer part of one of these names:\n  envoy.config.route.v3.Route\n  envoy.extensions.filters.network.thrift_proxy.v3.Route\n" +
        "  envoy.extensions.filters.network.dubbo_proxy.v3.Route\n  envoy.extensions.filters.udp.udp_proxy.v3.Route",
    ],
    ["Cluster.nam", "envoy.config.cluster.v3.Cluster has no field nam; did you mean name?"],
    [
      "RoutingPriority.HIGH",
      "envoy.config.core.v3.RoutingPriority is an enum; `xds schema show envoy.config.core.v3.RoutingPriority` prints its values",
    ],
    ["Cluster.name.x", "envoy.config.cluster.v3.Cluster.name has no field x"],
    [
      "Xyzzyxyzzy",
      'no message or enum of this Envoy API is called "Xyzzyxyzzy"; give a full name, the last part of one, or one of clusters, endpoints, ' +
        "listeners, filter-chains, scoped-routes, routes, virtual-hosts, locality-endpoints, secrets, extension-configs, runtimes, ratelimit-configs",
    ],
  ])("refuses %s, with what may be meant", async (name, why) => {
    expect(await show(name)).toEqual({ code: 2, stdout: "", stderr: `xds: ${why}\n` });
  });

  test("prints comments where the descriptors have them", async () => {
    const set = builtInSet();
    const address = set.file.find(({ name }) => name === "envoy/config/core/v3/address.proto");
    const at = address?.messageType.findIndex(({ name }) => name === "SocketAddress") ?? -1;
    if (!address) throw new Error("no address.proto");
    address.sourceCodeInfo = create(SourceCodeInfoSchema, {
      location: [
        { path: [4, at], leadingComments: " An address\n of a socket.\n" },
        { path: [4, at, 2, 1], leadingComments: " Where it is.\n" },
        { path: [4, at, 4, 0, 2, 1], trailingComments: " Datagrams.\n" },
      ],
    });
    const api = await file("commented.binpb", toBinary(FileDescriptorSetSchema, set));
    const { stdout } = await showBy("SocketAddress", "--descriptors", api);
    expect(stdout).toMatch(/^\S+\n.*\n\nAn address\nof a socket\.\n\nNUMBER [\s\S]*\n\naddress\n {2}Where it is\.\n$/);
    const protocol = await showBy("SocketAddress.Protocol", "--descriptors", api, "-o", "json");
    expect(JSON.parse(protocol.stdout).values[1]).toEqual({ number: 1, name: "UDP", comment: "Datagrams." });
  });

  test("goes by the API of another Envoy", async () => {
    expect((await show("Cluster.newer_text")).stderr).toMatch(/has no field newer_text\n$/);
    const { code, stdout } = await showBy("Cluster.newer_text", "--descriptors", await file("newer.binpb", newerApi()));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^901 +newer_text +string +must have at least 3 characters, or be empty$/m);
  });
});

describe("xds schema types", () => {
  /** Beside the installed package, so that what is generated finds what it imports. */
  async function project(): Promise<string> {
    const folder = await mkdtemp(join(dirname(inject("xds")), "../../types-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    return folder;
  }

  test("says what to install where the generator is missing", async () => {
    const { code, stdout, stderr } = await xds.in(await project(), "schema", "types", "--out", "api");
    expect(stderr).toMatch(
      /^xds: @bufbuild\/protoc-gen-es, which generates the types, is not installed; npm install --save-dev @bufbuild\/protoc-gen-es@~2\.\d+\.\d+\n$/,
    );
    expect([code, stdout]).toEqual([1, ""]);
  });

  test("generates TypeScript that compiles, of which the library takes messages with fields that the built-in API lacks", async () => {
    const folder = await project();
    await symlink(join(root, "node_modules/@bufbuild/protoc-gen-es"), await installPlace(folder), "dir");
    await writeFile(join(folder, "newer.binpb"), newerApi());
    const types = await xds.in(folder, "schema", "types", "Cluster", "--descriptors", "newer.binpb", "--out", "api");
    expect(types).toMatchObject({ code: 0, stderr: "" });
    expect(types.stdout).toMatch(/^api: \d+ files for \d+ proto files\n$/);
    await writeFile(join(folder, "main.ts"), program);
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const options = ["--strict", "--module", "nodenext", "--target", "es2022", "--types", "node"];
    const roots = ["--typeRoots", join(root, "node_modules/@types")];
    await run(process.execPath, [compiler, ...options, ...roots, "main.ts"], { cwd: folder });
    const { stdout } = await run(process.execPath, ["main.js"], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual({ name: "backend", newerText: "there", findings: [] });
  });

  test("generates JavaScript with declarations", async () => {
    const folder = await project();
    await symlink(join(root, "node_modules/@bufbuild/protoc-gen-es"), await installPlace(folder), "dir");
    const types = await xdsHere.in(
      folder,
      "schema",
      "types",
      "Percent",
      "--target",
      "js+dts",
      "--out",
      "api",
      "-o",
      "json",
    );
    expect(JSON.parse(types.stdout)).toMatchObject({ out: "api", files: expect.any(Number) });
    const generated = await readdir(join(folder, "api/envoy/type/v3"));
    expect(generated.sort()).toEqual(["percent_pb.d.ts", "percent_pb.js"]);
  });

  test("follows no link below the directory that it writes to", async () => {
    const folder = await project();
    await symlink(join(root, "node_modules/@bufbuild/protoc-gen-es"), await installPlace(folder), "dir");
    await mkdir(join(folder, "outside"));
    await mkdir(join(folder, "real"));
    await symlink(join(folder, "real"), join(folder, "api"));
    await symlink(join(folder, "outside"), join(folder, "real/envoy"));
    const generate = () => xdsHere.in(folder, "schema", "types", "Percent", "--out", "api");
    expect(await generate()).toEqual({
      code: 1,
      stdout: "",
      stderr: "xds: api/envoy is a symbolic link, which would lead out of api; remove it, or choose another --out\n",
    });
    expect(await readdir(join(folder, "outside"))).toEqual([]);
    await unlink(join(folder, "real/envoy"));
    expect(await generate()).toMatchObject({ code: 0 });
    const file = join(folder, "api/envoy/type/v3/percent_pb.ts");
    await rm(file);
    await symlink(join(folder, "outside/new.ts"), file);
    expect((await generate()).stderr).toContain("percent_pb.ts is a symbolic link, ");
    expect(await readdir(join(folder, "outside"))).toEqual([]);
  });

  test("says where it cannot write", async () => {
    const folder = await project();
    await symlink(join(root, "node_modules/@bufbuild/protoc-gen-es"), await installPlace(folder), "dir");
    const { code, stdout, stderr } = await xdsHere.in(folder, "schema", "types", "Percent", "--out", "/proc/types");
    expect(stderr).toMatch(/^xds: \/proc\/types cannot be written to: ENOENT: .*\n$/);
    expect([code, stdout]).toEqual([1, ""]);
    const file = await xdsHere.in(folder, "schema", "types", "Percent", "--out", "package.json/types");
    expect(file).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^xds: package\.json\/types cannot be written to: ENOTDIR/),
    });
  });

  test.each(["../../escaped.proto", "/tmp/absolute.proto", "..\\..\\win.proto", "a/../../b.proto", "a\n/x.proto", ""])(
    "writes nothing for a proto file named %j",
    async (name) => {
      const folder = await project();
      await symlink(join(root, "node_modules/@bufbuild/protoc-gen-es"), await installPlace(folder), "dir");
      const set = builtInSet();
      set.file.push(create(FileDescriptorProtoSchema, { name, package: "evil", messageType: [{ name: "Evil" }] }));
      await writeFile(join(folder, "evil.binpb"), toBinary(FileDescriptorSetSchema, set));
      const before = await readdir(folder);
      const out = ["--descriptors", "evil.binpb", "--out", "deep/api"];
      const { code, stderr } = await xds.in(folder, "schema", "types", "evil.Evil", ...out);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(JSON.stringify(name)) });
      expect(stderr).toContain("expected a relative path");
      expect(await readdir(folder)).toEqual(before);
    },
  );

  /** The generator as a project would have it installed. */
  async function installPlace(folder: string): Promise<string> {
    await mkdir(join(folder, "node_modules/@bufbuild"), { recursive: true });
    return join(folder, "node_modules/@bufbuild/protoc-gen-es");
  }

  const program = `
import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { clusterType, Resource, Snapshot, useEnvoyApi, validateResource } from "ts-control-plane";
import { type Cluster, Cluster_DiscoveryType, ClusterSchema } from "./api/envoy/config/cluster/v3/cluster_pb.js";

useEnvoyApi(readFileSync("newer.binpb"));
const cluster: Cluster = create(ClusterSchema, {
  name: "backend",
  newerText: "there",
  clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
  loadAssignment: { clusterName: "backend" },
});
const snapshot = Snapshot.of([Resource.of(cluster)]);
const [resource] = snapshot.resources(clusterType).values();
const { name, newerText } = resource?.message() as Cluster;
console.log(JSON.stringify({ name, newerText, findings: validateResource(cluster) }));
`;
});

describe("what a command does not need", () => {
  /** Our modules whose bundles were loaded. The built package has the bundles' source maps, the packed one has not. */
  async function loaded(...args: string[]): Promise<string[]> {
    await run(inject("xds"), args, { env: { ...process.env, NODE_V8_COVERAGE: directory } });
    const [report = ""] = await readdir(directory);
    const { result } = JSON.parse(await readFile(join(directory, report), "utf8")) as { result: { url: string }[] };
    const bundles = result.flatMap(({ url }) => /\/ts-control-plane\/(dist\/cli\/.*\.js)$/.exec(url)?.[1] ?? []);
    const maps = await Promise.all(bundles.map((bundle) => readFile(join(root, `${bundle}.map`), "utf8")));
    const sources = maps.flatMap((map) => (JSON.parse(map) as { sources: string[] }).sources);
    return sources.flatMap((source) => /\/src\/(.*)\.ts$/.exec(source)?.[1] ?? []);
  }
  const heavy = [
    "cli/schema/generate-types",
    "cli/schema/description",
    "cli/schema/name",
    "schema/extract-descriptors",
  ];

  test.each([["--help"], ["serve", "--help"], ["schema", "--help"]])("is not loaded by xds %s %s", async (...args) => {
    const files = await loaded(...args);
    expect(files).toContain("cli/program");
    expect(files.filter((name) => heavy.includes(name))).toEqual([]);
  });

  test("is loaded by what needs it", async () => {
    expect(await loaded("schema", "show", "Percent")).toEqual(
      expect.arrayContaining(["cli/schema/description", "cli/schema/name"]),
    );
  });
});
