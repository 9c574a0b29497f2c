import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import { rolloutOptions } from "../../src/cli/settings/rollout-options.js";
import { serverOptions } from "../../src/cli/settings/server-options.js";
import { addSettings, resolveSettings } from "../../src/cli/settings/setting-options.js";
import { readSettingsFile } from "../../src/cli/settings/settings-file.js";
import { parseBytes, parseDuration } from "../../src/cli/terminal/command.js";
import { plainLog } from "../../src/cli/terminal/log.js";
import { table } from "../../src/cli/terminal/output.js";
import { RationedLog } from "../../src/rationed-log.js";
import { commonGroup, nodeGroups } from "../../src/serving/node-groups.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-settings-"));
});
afterEach(() => rm(directory, { recursive: true }));
afterEach(() => void vi.unstubAllEnvs());

async function settingsFile(text: string): Promise<string> {
  const file = join(directory, "xds.yaml");
  await writeFile(file, text);
  return file;
}

describe("settings", () => {
  const resolved = (args: string[], environment: NodeJS.ProcessEnv, file: ReadonlyMap<string, unknown>) => {
    vi.unstubAllEnvs();
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    addSettings(command);
    command.parse(args, { from: "user" });
    return resolveSettings(command, file);
  };

  test("come from a flag before the environment before the file before the default", () => {
    const file = new Map<string, unknown>([
      ["port", 1],
      ["rest_port", 1],
      ["drain_time", 1],
    ]);
    const environment = { XDS_PORT: "2", XDS_REST_PORT: "off", XDS_INSECURE: "true" };
    expect(resolved(["--port", "3"], environment, file)).toMatchObject({
      port: 3,
      restPort: "off",
      insecure: true,
      drainTime: 1,
      host: "127.0.0.1",
      maxRequestBytes: 16 * 2 ** 20,
    });
  });

  test("about draining, refusals and sizes become options of the server", () => {
    const options = (args: string[], environment: NodeJS.ProcessEnv = {}, file: [string, unknown][] = []) =>
      serverOptions(resolved(args, environment, new Map(file)), plainLog, new RationedLog(plainLog));
    expect(options([])).toMatchObject({ drainTimeMs: 600_000, retryRefused: true, maxResponseBytes: 4_190_208 });
    expect(options([]).limits, "a quarter of the memory").not.toHaveProperty("responseBytes");
    const flags = ["--envoy-drain-time", "1m", "--retry-refused", "off", "--max-response-bytes", "64MiB"];
    const given = { drainTimeMs: 60_000, retryRefused: false, maxResponseBytes: 64 * 2 ** 20 };
    expect(options([...flags, "--limits-response-bytes", "1GiB"])).toMatchObject({
      ...given,
      limits: { responseBytes: 2 ** 30 },
    });
    const environment = { XDS_ENVOY_DRAIN_TIME: "60s", XDS_RETRY_REFUSED: "off", XDS_MAX_RESPONSE_BYTES: "64MiB" };
    expect(options([], environment)).toMatchObject(given);
    expect(() => options([], { XDS_RETRY_REFUSED: "false" })).toThrow("expected one of on, off");
  });

  test("about refusals in a rollout become its policy", async () => {
    const { values } = await readSettingsFile(await settingsFile("rollout: { strategy: gradual, nack_retries: 1 }"));
    const options = (...args: string[]) => rolloutOptions(resolved(args, {}, values));
    expect(options()).toEqual({ policy: { nackRetries: 1 }, gates: [] });
    expect(options("--rollout-nack-retries", "0", "--retry-refused", "off")?.policy).toEqual({ nackRetries: 0 });
    expect(() => options("--retry-refused", "off")).toThrow("--rollout-nack-retries needs --retry-refused on");
    expect(() => options("--rollout-nack-retries", "-1")).toThrow("expected a whole number from 0");
  });

  test.each([
    [
      { XDS_INSECURE: "yes" },
      "option '--insecure' value 'yes' from env 'XDS_INSECURE' is invalid: expected one of true, false, 1, 0",
    ],
    [
      { XDS_PORT: "tcp://10.0.0.1:18000" },
      "option '--port <port>' value 'tcp://10.0.0.1:18000' from env 'XDS_PORT' is invalid: expected 0 to 65535; " +
        'Kubernetes set it for a Service named "xds": set enableServiceLinks: false in the pod.',
    ],
  ])("of the environment that cannot be are told by the variable's name: %j", async (environment, message) => {
    const { code, stderr } = await xdsHere.with(environment, "serve", directory);
    expect({ code, first: stderr.split("\n")[0] }).toEqual({ code: 2, first: `xds: ${message}` });
  });

  test("that only a variable of the environment can be, for a command has no flag for them, are told by its name", async () => {
    const { code, stderr } = await xdsHere.with({ XDS_LIMITS_FILE_TIME: "x" }, "validate", directory);
    expect({ code, first: stderr.split("\n")[0] }).toEqual({
      code: 2,
      first:
        "xds: option '--limits-file-time <time>' value 'x' from env 'XDS_LIMITS_FILE_TIME' is invalid: " +
        "expected a time such as 500ms, 30s, 5m or 1h, up to 480h.",
    });
  });

  test("are read from xds.yaml, with paths relative to it", async () => {
    const file = await settingsFile(`
port: 1
limits: { names: 7 }
drain_time: 1.5s
envoy_drain_time: 60s
retry_refused: off
max_response_bytes: 64MiB
paths: [config, /etc/xds]
node_groups:
- { group: edge, id: "edge-*" }
- group: eu
  locality: { zone: eu-1a }
  metadata: { team: { name: pay } }
`);
    const { values, paths, groupRules } = await readSettingsFile(file);
    expect(Object.fromEntries(values)).toEqual({
      port: 1,
      "limits.names": 7,
      drain_time: 1500,
      envoy_drain_time: 60_000,
      retry_refused: "off",
      max_response_bytes: 64 * 2 ** 20,
    });
    expect(paths).toEqual([join(directory, "config"), "/etc/xds"]);
    expect(groupRules.map(({ group, fields }) => [group, Object.fromEntries(fields)])).toEqual([
      ["edge", { id: "edge-*" }],
      ["eu", { "locality.zone": "eu-1a", "metadata.team.name": "pay" }],
    ]);
  });

  test("that cannot be are all told, with line and column", async () => {
    const file = await settingsFile(
      "unmatched: none\nprt: 3\nport: 99999999\nlimits: 3\ndrain_time: [1]\nnode_groups:\n- {group: a}\n- {id: x}\n- {group: b, name: x}\n- c\nrollout: {strategy: gradual, waves: [5%, 120%]}\n",
    );
    await expect(readSettingsFile(file)).rejects.toThrow(
      [
        "the settings cannot be used:",
        `${file}:1:1: unmatched: no such setting; did you mean unmatched_nodes?`,
        `${file}:2:1: prt: no such setting; did you mean port?`,
        `${file}:3:7: port: expected 0 to 65535, got 99999999`,
        `${file}:4:9: limits: expected an object, got 3`,
        `${file}:5:13: drain_time: expected a value, got a list`,
        `${file}:7:3: node_groups[0]: a rule needs at least one field of a node, such as id`,
        `${file}:8:3: node_groups[1]: a rule needs "group:", the name of a directory in groups/`,
        `${file}:9:14: node_groups[2].name: a node has no such field; its fields are id, cluster, locality (region, zone, sub_zone), metadata`,
        `${file}:10:3: node_groups[3]: expected a rule, such as {group: edge, id: "edge-*"}, got "c"`,
        `${file}:11:37: rollout.waves: expected a share such as 5% or 0.05, got [5%,120%]`,
      ].join("\n"),
    );
  });

  test("times and sizes are written with their unit", () => {
    expect(["500ms", "30s", "5m", "1.5h"].map(parseDuration)).toEqual([500, 30_000, 300_000, 5_400_000]);
    expect(["4096", "512KiB", "16MiB", "2GiB"].map(parseBytes)).toEqual([4096, 2 ** 19, 2 ** 24, 2 ** 31]);
    for (const wrong of ["", "5", "0s", "1d", "-1s", "481h", "1e3s"]) expect(() => parseDuration(wrong)).toThrow();
    for (const wrong of ["", "0", "16MB", "1.5MiB", "3GiB", "MiB"]) expect(() => parseBytes(wrong)).toThrow();
  });
});

describe("node groups", () => {
  const node = create(NodeSchema, {
    id: "edge-7",
    cluster: "web",
    locality: { region: "eu", zone: "eu-1a", subZone: "r2" },
    metadata: { team: { name: "pay" }, "a.b": { c: true }, list: ["x"] },
  });
  const groupOf = (fields: Record<string, string>) =>
    nodeGroups([{ group: "hit", fields: new Map(Object.entries(fields)) }], "cluster")(node);

  test.each([
    { id: "edge-*" },
    { id: "*-7" },
    { id: "*", cluster: "web" },
    { "locality.region": "eu", "locality.zone": "eu-*", "locality.sub_zone": "r2" },
    { "metadata.team.name": "p*y" },
    { "metadata.a.b.c": "true" },
    { id: "*e*g*-*" },
    { id: "edge-7*" },
    { id: "**" },
  ])("fit by %o", (fields) => {
    expect(groupOf(fields as Record<string, string>)).toBe("hit");
  });

  test.each([
    { id: "edge" },
    { id: "edge.7" },
    { id: "edge-7*7" },
    { id: "*dge*ge-7" },
    { id: "*x*" },
    { id: "edge-*", cluster: "db" },
    { "metadata.team": "*" },
    { "metadata.list": "*" },
    { "metadata.none": "*" },
  ])("do not fit by %o, and the field names the group then", (fields) => {
    expect(groupOf(fields as unknown as Record<string, string>)).toBe("web");
  });

  test("are told by the first rule that fits", () => {
    const rules = ["a", "b"].map((group) => ({ group, fields: new Map([["id", "*"]]) }));
    expect(nodeGroups(rules, "id")(node)).toBe("a");
    expect(nodeGroups([], "metadata.team.name")(node)).toBe("pay");
    expect(nodeGroups([], "metadata.none")(node)).toBe("");
  });

  test("are told in no time of an id that fits in ever so many ways, but for its end", () => {
    const rules = [{ group: "prod", fields: new Map([["id", "*-*-*-*-*-prod"]]) }];
    const id = "-".repeat(1_000_000); // an expression that backtracks would take years
    expect(nodeGroups(rules, "cluster")(create(NodeSchema, { id }))).toBe("");
  });

  test("have no node that claims to be of what all are served", () => {
    expect(nodeGroups([], "id")(create(NodeSchema, { id: commonGroup }))).toBe("");
  });
});

test.each([
  ["serve", "--help"],
  ["explain", "-h"],
])("xds %s %s helps in spite of variables that cannot be used", async (...args) => {
  vi.stubEnv("XDS_PORT", "tcp://10.0.0.1:18000");
  const variables = { XDS_PORT: "tcp://10.0.0.1:18000", XDS_TYPE: "frob" };
  const { code, stdout } = await xdsHere.with(variables, ...args);
  expect(code).toBe(0);
  expect(stdout).toContain("Usage: xds");
});

describe("xds serve with xds.yaml", () => {
  const cluster = (name: string) =>
    JSON.stringify({ "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", name });

  async function clustersOf(port: number, node: object): Promise<string[] | number> {
    const answer = await fetch(`http://127.0.0.1:${port}/v3/discovery:clusters`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ node }),
    });
    if (answer.status !== 200) return answer.status;
    const { resources = [] } = (await answer.json()) as { resources?: { name: string }[] };
    return resources.map(({ name }) => name).sort();
  }

  test("serves what it says to the groups that it tells, and not the file itself; nodes of no group get nothing", async () => {
    await mkdir(join(directory, "groups/edge"), { recursive: true });
    await writeFile(join(directory, "all.json"), cluster("all"));
    await writeFile(join(directory, "groups/edge/own.json"), cluster("own"));
    const file = await settingsFile(
      'port: 0\nrest_port: 0\npaths: .\nunmatched_nodes: none\nnode_groups: [{ group: edge, cluster: "w*" }]\n',
    );
    const { rest } = await xds.start("serve", "--config", file).ports();
    expect(await clustersOf(rest, { id: "x", cluster: "web" })).toEqual(["all", "own"]);
    expect(await clustersOf(rest, { id: "x", cluster: "db" })).toBe(404);
  });

  test("lets REST and the admin port be asked under the names of allowed_hosts, and no others", async () => {
    await writeFile(join(directory, "a.json"), cluster("a"));
    const file = await settingsFile(
      'port: 0\nrest_port: 0\nadmin: { port: 0 }\npaths: [a.json]\nallowed_hosts: "xds.example, other.example"\n',
    );
    const { rest, admin } = await xds.start("serve", "--config", file).ports();
    const status = (port: number, host: string, path: string, method: string) =>
      new Promise((resolve, reject) => {
        const headers = { host, "content-type": "application/json" };
        const call = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        call.on("error", reject).end(method === "POST" ? '{"node":{"id":"n"}}' : undefined);
      });
    for (const [host, wanted] of [
      ["xds.example", 200],
      ["other.example:80", 200],
      ["evil.example", 403],
    ] as const) {
      expect(await status(rest, host, "/v3/discovery:clusters", "POST"), host).toBe(wanted);
      expect(await status(admin, host, "/status", "GET"), host).toBe(wanted);
    }
    const wrong = await xdsHere("serve", "--config", file, "--check", "--allowed-hosts", "http://xds.example");
    expect(wrong.stderr).toContain(
      'expected host names separated by commas, such as xds.example, without a scheme or a port, got "http://xds.example"',
    );
    expect(wrong.code).toBe(2);
  });

  test("says which rules lead to a group that no directory has", async () => {
    await mkdir(join(directory, "groups/edge"), { recursive: true });
    await writeFile(join(directory, "groups/edge/own.json"), cluster("own"));
    const file = await settingsFile('paths: .\nnode_groups: [{ group: edge, id: "w*" }, { group: typo, id: "z*" }]\n');
    const { code, stderr } = await xdsHere("serve", "--config", file, "--check");
    expect(stderr).toBe("xds: a rule names this group, but no directory groups/typo has files for it  group=typo\n");
    expect(code).toBe(0);
  });

  test("takes paths from the command line before XDS_PATHS before the file", async () => {
    const file = await settingsFile("paths: nowhere\n");
    const empty = join(directory, "empty");
    await mkdir(empty);
    await writeFile(join(empty, "none.yaml"), "resources: []\n");
    const served = async (environment: NodeJS.ProcessEnv, ...paths: string[]) =>
      (await xdsHere.with(environment, "serve", ...paths, "--config", file, "--check")).stdout;
    const variables = { XDS_PATHS: `${empty}:${join(directory, "a.json")}` };
    await writeFile(join(directory, "a.json"), cluster("a"));
    expect(await served({})).toMatch(/nowhere error UNREADABLE/);
    expect(await served(variables)).toBe("0 errors, 0 warnings, 0 infos in 1 resource\n");
    expect(await served(variables, empty)).toBe("0 errors, 0 warnings, 0 infos in 0 resources\n");
  });

  test.each([
    [["--port", "18000", "--admin-port", "18000"], "--port and --admin-port are both 18000 on 127.0.0.1"],
    [["--port", "1", "--rest-port", "1"], "--port and --rest-port are both 1 on 127.0.0.1"],
  ])("are told where two ports are one: %j", async (ports, why) => {
    const run = await xdsHere("serve", directory, ...ports);
    expect(run).toEqual({ code: 2, stdout: "", stderr: `xds: ${why}; give each its own\n` });
  });

  test("does not listen beyond loopback in plain text, unless it is told to", async () => {
    const refused = await xdsHere("serve", directory, "--host", "0.0.0.0", "--port", "0", "--rest-port", "0");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/--host 0\.0\.0\.0 can be reached from other machines.*allow it with --insecure/);
  });
});

describe("a table", () => {
  test("pads its columns, and shows what would move the cursor", () => {
    expect(table(["name", "n"], [["a\u001b[2J", { text: "1", paint: (text) => `<${text}>` }]], "none")).toBe(
      "NAME        N\na\\u001b[2J  <1>\n",
    );
    expect(table(["name", "n"], [["a", { text: "", paint: (text) => `<${text}>` }]], "none")).toBe("NAME  N\na\n");
    expect(table(["name"], [], "none")).toBe("none\n");
    expect(table(["name"], [], "no names")).toBe("no names\n");
  });
});
