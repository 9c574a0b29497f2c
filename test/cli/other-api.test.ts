import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { clusterType } from "../../src/index.js";
import { lazyRegistry } from "../../src/schema/lazy-registry.js";
import { describeWithEnvoy, startEnvoyWith } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { newerApi } from "../schema/newer-api.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";

const builtIn = fileURLToPath(new URL("../../gen/envoy.binpb", import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-api-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

describe("an API that cannot be used", () => {
  const elf = Buffer.from("7f454c46020101", "hex");
  test.each([
    ["descriptors", "that is not there", undefined, /^FILE cannot be read: ENOENT/],
    [
      "descriptors",
      "that is a text",
      "text",
      /^FILE: not a serialized FileDescriptorSet, or cut off: .*; `xds schema extract` writes one$/,
    ],
    [
      "descriptors",
      "that is empty",
      "",
      /^FILE: these descriptors are not a complete Envoy API: they lack \S+, \S+, \S+ and \d+ more; .*`xds schema extract`, reads a complete API/,
    ],
    [
      "descriptors",
      "that is a program",
      elf,
      /^FILE is a program, not a descriptor file; --envoy reads an Envoy's binary$/,
    ],
    ["envoy", "that is not there", undefined, /^FILE cannot be read: ENOENT/],
    ["envoy", "that is a text", "text", /^FILE is not a program for Linux or macOS; give the Envoy binary itself$/],
    ["envoy", "that is a script", "#!/bin/sh\n", /^FILE is a script; give the Envoy binary itself$/],
    [
      "envoy",
      "that is another program",
      elf,
      /^FILE contains no API descriptors: it is not an Envoy, or is cut off or compressed; /,
    ],
  ])("--%s with a file %s is told", async (option, _, content, why) => {
    const path = join(directory, "FILE");
    if (content !== undefined) await writeFile(path, content);
    const flags = [`--${option}`, path];
    const commands = [
      ["schema", "show", "Cluster"],
      ["schema", "types", "--out", directory],
      ["serve", directory, "--port", "0"],
      ["get", "clusters"],
      ["watch", "clusters"],
      ["diff", directory, directory],
      ["explain", "a", directory],
      option === "envoy" ? ["schema", "extract"] : ["validate", directory], // which tries to run an Envoy first
    ];
    // Only such a file is read so far that the process must not have used an API before.
    const run = option === "descriptors" && typeof content === "string" ? xds : xdsHere;
    for (const command of commands) {
      const { code, stdout, stderr } = await run(...command, ...flags);
      expect(
        stderr
          .replaceAll(path, "FILE")
          .trimEnd()
          .replace(/^xds: /, ""),
        command.join(" "),
      ).toMatch(why);
      expect([code, stdout]).toEqual([1, ""]);
    }
  });

  test("a descriptor file that is cut off is told", async () => {
    const path = await file("cut.binpb", await readFile(builtIn));
    await truncate(path, 300_000);
    const { code, stderr } = await xds("schema", "show", "Cluster", "--descriptors", path);
    expect(stderr).toBe(
      `xds: ${path}: not a serialized FileDescriptorSet, or cut off: premature EOF; \`xds schema extract\` writes one\n`,
    );
    expect(code).toBe(1);
  });

  test("one of both options has to be left out", async () => {
    const { code, stderr } = await xds("schema", "show", "Cluster", "--descriptors", "a", "--envoy", "b");
    expect(stderr).toMatch(/^xds: --descriptors and --envoy .* leave one of them out\n$/);
    expect(code).toBe(2);
  });
});

const newerCluster = {
  "@type": clusterType,
  name: "backend",
  newer_text: "there",
  newer_list: ["a"],
};

describe("a field that the built-in API lacks", () => {
  let api: string;
  let config: string;
  beforeEach(async () => {
    api = await file("newer.binpb", newerApi());
    config = await file("config.json", JSON.stringify({ resources: [{ ...newerCluster, type: "STATIC" }] }));
  });

  test("is an error that tells how to go by another API, and none with that API", async () => {
    const { code, stdout } = await xds("validate", config);
    expect(stdout).toMatch(
      /resources\[0\]\.newer_text: envoy\.config\.cluster\.v3\.Cluster has no such field; it has .*; if your Envoy has it, use its API: --envoy or --descriptors, in code useEnvoyApi\(\)\n/,
    );
    expect(code).toBe(1);
    expect(await xds("validate", config, "--descriptors", api)).toMatchObject({ code: 0, stderr: "" });
  });

  test("is served, printed and compared where the API is given in xds.yaml, relative to it, and to the clients", async () => {
    const settings = await file("xds.yaml", "port: 0\nrest_port: 0\ndescriptors: newer.binpb\n");
    const server = xds.start("serve", config, "--config", settings);
    const address = `127.0.0.1:${(await server.ports()).grpc}`;
    const get = (...more: string[]) => xds("get", "clusters", "--server", address, "-o", "json", ...more);
    const known = await get("--descriptors", api);
    expect(JSON.parse(known.stdout).resources).toEqual([expect.objectContaining(newerCluster)]);
    expect(known.stderr).toBe("");
    const unknown = await get();
    expect(JSON.parse(unknown.stdout).resources).toEqual([{ "@type": clusterType, name: "backend", type: "STATIC" }]);
    expect(unknown.stderr).toBe(
      'xds: clusters "backend" has fields or extensions that the Envoy API in use does not know; they are left out here; choose another API with --envoy or --descriptors\n',
    );
    const resources = [{ ...newerCluster, type: "STATIC", newer_text: "changed" }];
    const other = await file("other.json", JSON.stringify({ resources }));
    const { stdout } = await xds("diff", address, other, "--descriptors", api);
    expect(stdout).toMatch(/newer_text: "there" → "changed"\n/);
  });
});

describe("the API of a server", () => {
  test("is asked for where its admin port is an operand, and taken from xds.yaml where that names one", async () => {
    await file("newer.binpb", newerApi());
    const config = await file("config.json", JSON.stringify({ resources: [{ ...newerCluster, type: "STATIC" }] }));
    const settings = await file("xds.yaml", "port: 0\nrest_port: 0\ndescriptors: newer.binpb\npaths: config.json\n");
    const server = xds.start("serve", "--config", settings);
    const dump = `http://127.0.0.1:${(await server.ports()).admin}/config_dump`;
    const same = { code: 0, stdout: "no difference\n", stderr: "" };
    expect(await xds("diff", config, dump)).toEqual(same);
    expect(await xds("explain", "backend", dump)).toMatchObject({ code: 0, stderr: "" });
    expect(await xds("diff", dump, "--config", settings)).toEqual(same);
    expect(await xds.in(directory, "validate")).toMatchObject({ code: 0, stderr: "" });
    expect((await xds.in(directory, "explain", "backend")).stdout).toContain("clusters/backend");
    expect((await xds("validate", config)).stdout).toMatch(/newer_text: .* has no such field/);
    const saved = await file("saved.json", await (await fetch(dump)).text());
    expect((await xds("diff", config, saved)).code).toBe(1);
    const api = await (await fetch(dump.replace("config_dump", "descriptors"))).arrayBuffer();
    const asked = await file("asked.binpb", new Uint8Array(api));
    expect(await xds("diff", config, saved, "--descriptors", asked)).toEqual(same);
  });

  test("xds.yaml says which group a node is of, and whether nodes of no group are served", async () => {
    const cluster = (name: string) => ({ "@type": clusterType, name, type: "STATIC" });
    const route = {
      "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
      name: "r",
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "a" } }] }],
    };
    await mkdir(join(directory, "config/groups/edge"), { recursive: true });
    await file("config/common.json", JSON.stringify({ resources: [route] }));
    await file("config/groups/edge/a.json", JSON.stringify({ resources: [cluster("a")] }));
    const rules = 'paths: config\nport: 0\nrest_port: off\nnode_groups: [{ group: edge, id: "edge-*" }]\n';
    await file("xds.yaml", rules);
    expect((await xds.in(directory, "validate")).stdout).toMatch(/MISSING_TARGET routes\/r/);
    await file("xds.yaml", `${rules}unmatched_nodes: none\n`);
    expect((await xds.in(directory, "validate")).stdout).not.toContain("MISSING_TARGET");
    const server = xds.start("serve", "--config", join(directory, "xds.yaml"));
    const address = `127.0.0.1:${(await server.ports()).grpc}`;
    const of = (id: string) => xds.in(directory, "diff", address, "--node-id", id);
    const told = 'xds: xds.yaml puts node "edge-1" into group edge; choose another group with --group\n';
    const diff = await of("edge-1");
    expect(diff.stderr).toBe(told);
    expect(diff.stdout).not.toContain("clusters");
  });
});

describeWithEnvoy("the API of a real Envoy", () => {
  const binary = () => (inject("envoy") as { binary: string }).binary;
  const newer = "per_connection_buffer_high_watermark_timeout";
  const cluster = {
    "@type": clusterType,
    name: "backend",
    type: "STATIC",
    load_assignment: { cluster_name: "backend" },
    [newer]: "5s",
  };

  test("is extracted into a file that has its exact messages", async () => {
    const out = join(directory, "envoy.binpb");
    const { code, stdout, stderr } = await xds("schema", "extract", "--envoy", binary(), "--out", out, "-o", "json");
    expect([code, stderr]).toEqual([0, ""]);
    const bytes = await readFile(out);
    const { file: files } = fromBinary(FileDescriptorSetSchema, bytes);
    const messages = [...lazyRegistry(bytes)].filter(({ kind }) => kind === "message").length;
    expect(JSON.parse(stdout)).toEqual({ file: out, bytes: bytes.length, protoFiles: files.length, messages });
    expect(messages).toBeGreaterThan(1_500);
    const shown = await xds("schema", "show", `Cluster.${newer}`, "--descriptors", out);
    expect(shown.stdout).toMatch(
      /^60 +per_connection_buffer_high_watermark_timeout +google\.protobuf\.Duration +must be at least 0s\n$/m,
    );
  });

  test("cannot be written where there is no directory", async () => {
    const { code, stderr } = await xds(
      "schema",
      "extract",
      "--envoy",
      binary(),
      "--out",
      join(directory, "no/x.binpb"),
    );
    expect(stderr).toMatch(/^xds: \S+x\.binpb cannot be written: ENOENT.*\n$/);
    expect(code).toBe(1);
  });

  test("is gone by from the file to that Envoy's config_dump", async () => {
    const config = await file("config.json", JSON.stringify({ resources: [cluster] }));
    expect(await xds("validate", config, "--envoy", binary())).toMatchObject({ code: 0, stderr: "" });

    const server = xds.start("serve", config, "--envoy", binary(), "--port", "0", "--rest-port", "off");
    await server.printed(/Point an Envoy at it/);
    const port = Number(/gRPC +\S+:(\d+)\n/.exec(server.stdout)?.[1]);
    const address = `127.0.0.1:${port}`;
    const got = await xds("get", "clusters", "--server", address, "--envoy", binary(), "-o", "json");
    expect(JSON.parse(got.stdout).resources).toEqual([{ ...cluster, [newer]: "5s" }]);

    const bootstrap = await xds("bootstrap", "--server", address, "--node-id", "edge-1", "--admin-port", "0");
    const envoy = startEnvoyWith(bootstrap.stdout);
    await eventually(async () => {
      const dump = JSON.parse(await envoy.admin("/config_dump?resource=dynamic_active_clusters"));
      expect(dump.configs?.map(({ cluster: is }: { cluster: object }) => is)).toEqual([
        expect.objectContaining({ name: "backend", [newer]: "5s" }),
      ]);
    });
  });
});
