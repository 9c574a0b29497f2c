import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { load } from "js-yaml";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clusterType, listenerType, routeType } from "../../src/resource/types.js";
import { xdsHere } from "./in-process.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-validate-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(directory, name)), { recursive: true });
  await writeFile(join(directory, name), text);
}

/** Runs `xds validate` to its end; the directory's name is DIR in what it prints. */
async function validate(...args: string[]) {
  const { code, ...printed } = await xdsHere("validate", directory, ...args);
  const [stdout = "", stderr = ""] = [printed.stdout, printed.stderr].map((text) => text.replaceAll(directory, "DIR"));
  return { code, stdout, stderr, lines: stdout.split("\n").slice(0, -1) };
}

const cluster = (name: string, more = "") => `- "@type": ${clusterType}\n  name: ${name}\n${more}`;
const route = (name: string, target: string) =>
  `- "@type": ${routeType}\n  name: ${name}\n  virtual_hosts:\n  - name: all\n    domains: ["*"]\n    routes:\n` +
  `    - { match: { prefix: / }, route: { cluster: ${target} } }\n`;
const list = (...resources: string[]) => `resources:\n${resources.join("")}`;

/** An error, a warning and an info, with the lines that they are told by. */
const mixed = list(cluster("bad", "  connect_timeout: 0s\n"), route("local", "elsewhere"));
const mixedLines = [
  "DIR/a.yaml:2:3 info UNREFERENCED clusters/bad: nothing in the configuration refers to it",
  "DIR/a.yaml:4:20 error FIELD_RULE clusters/bad: connect_timeout must be more than 0s, is 0s",
  'DIR/a.yaml:11:49 warning MISSING_TARGET routes/local: virtual_hosts[0].routes[0].route.cluster refers to "elsewhere", ' +
    "which is not among the clusters of the configuration; add it, or correct the name",
];

describe("xds validate", () => {
  test("tells where Envoy's own rules are broken", async () => {
    const regex = 'routes: [{ match: { safe_regex: { regex: "(?=a)" } }, route: { cluster: a } }]';
    const hosts = `  virtual_hosts:\n  - { name: a, domains: [A.test] }\n  - { name: b, domains: [b, a.test], ${regex} }\n`;
    await write("a.yaml", list(cluster("a"), `- "@type": ${routeType}\n  name: r\n${hosts}`));
    const { code, lines } = await validate("--severity", "error");
    expect(lines).toEqual([
      'DIR/a.yaml:8:29 error DUPLICATE_DOMAIN routes/r: virtual_hosts[1].domains[1] is the domain "a.test", which virtual host "a" has too',
      "DIR/a.yaml:8:79 error BAD_REGEX routes/r: virtual_hosts[1].routes[0].match.safe_regex.regex is not a valid RE2 regular expression: invalid or unsupported Perl syntax: `(?=`",
      expect.stringMatching(/^2 errors, /),
    ]);
    expect(code).toBe(1);
  });

  test("tells for which nodes two listeners have one address", async () => {
    const listener = (name: string) =>
      `- { "@type": ${listenerType}, name: ${name}, address: { socket_address: { address: 0.0.0.0, port_value: 80 } } }\n`;
    await write("a.yaml", list(listener("all")));
    await write("groups/core/a.yaml", list(cluster("a")));
    await write("groups/edge/a.yaml", list(listener("edge")));
    expect((await validate("--severity", "error")).lines[0]).toBe(
      'DIR/groups/edge/a.yaml:2:90 error ADDRESS_IN_USE listeners/edge: address is TCP 0.0.0.0:80, which is an address of listener "all" too; Envoy takes only one of them',
    );
    await write("groups/edge/a.yaml", list(cluster("b")));
    expect((await validate("--severity", "error")).code).toBe(0);
  });

  test("holds what is not served of an Envoy's own file against the rules, as warnings", async () => {
    await write(
      "envoy.yaml",
      `admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }
stats_flush_interval: 0s
stats_sinks: [{ name: envoy.stat_sinks.statsd }]
dynamic_resources:
  ads_config: { api_type: GRPC, transport_api_version: V3, grpc_services: [{ envoy_grpc: { cluster_name: boss } }, { envoy_grpc: { cluster_name: third } }] }
static_resources:
  clusters:
  - name: boss
    hosts: []
  - name: second
    connect_timeout: 0s
  - name: third
    connect_timeout: 0s
`,
    );
    const { code, lines } = await validate("--severity", "warning");
    expect(lines).toEqual([
      "DIR/envoy.yaml:2:23 warning BOOTSTRAP stats_flush_interval: must be at least 0.001s and less than 300s, is 0s",
      "DIR/envoy.yaml:3:15 warning BOOTSTRAP stats_sinks[0]: has no typed_config; Envoy does not find an extension by its name alone",
      expect.stringMatching(/^DIR\/envoy\.yaml:9:5 warning BOOTSTRAP static_resources\.clusters\[0\]\.hosts: .*v2 API/),
      "DIR/envoy.yaml:11:22 error FIELD_RULE clusters/second: connect_timeout must be more than 0s, is 0s",
      "DIR/envoy.yaml:13:22 warning BOOTSTRAP static_resources.clusters[2].connect_timeout: must be more than 0s, is 0s",
      expect.stringMatching(/^1 error, 4 warnings, /),
    ]);
    expect(code).toBe(1);
  });

  test("does not quote a secret of what is not served", async () => {
    await write(
      "envoy.yaml",
      `node: { id: a }
static_resources:
  secrets:
  - { name: one, generic_secret: { secret: { inline_string: a } } }
  - { name: one, session_ticket_keys: { keys: { HUSH: { HUSH: HUSH } } } }
  - { name: one, tls_certificate: { private_key: HUSH } }
`,
    );
    const { stdout } = await validate();
    expect(stdout).toContain("warning BOOTSTRAP static_resources.secrets[2]");
    expect(stdout).not.toContain(": HUSH");
    expect(stdout).not.toMatch(/"HUSH"/);
  });

  test("says nothing but the count of what has no flaw, and exits with 0", async () => {
    await write("a.yaml", list(cluster("a"), cluster("b")));
    expect(await validate()).toMatchObject({
      code: 0,
      stdout: "0 errors, 0 warnings, 0 infos in 2 resources\n",
      stderr: "",
    });
  });

  test("prints a line for each finding with its place, counts them, and exits with 1 for an error", async () => {
    await write("a.yaml", mixed);
    const { code, lines } = await validate();
    expect(lines).toEqual([...mixedLines, "1 error, 1 warning, 1 info in 2 resources"]);
    expect(code).toBe(1);
  });

  test("warns of a TTL on routes, at the line of the resource", async () => {
    const hosts = '[{ name: all, domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: a } }] }]';
    const inner = `  resource: { "@type": ${routeType}, name: r, virtual_hosts: ${hosts} }\n`;
    const wrapper = "type.googleapis.com/envoy.service.discovery.v3.Resource";
    await write("a.yaml", list(cluster("a"), `- "@type": ${wrapper}\n  ttl: 30s\n${inner}`));
    const { code, lines } = await validate("--severity", "warning");
    expect({ code, lines }).toEqual({
      code: 0,
      lines: [
        expect.stringMatching(/^DIR\/a\.yaml:6:13 warning TTL_IN_SOTW routes\/r: has a TTL; Envoy crashes when /),
        expect.stringContaining("1 warning"),
      ],
    });
  });

  test("exits with 0 for warnings, and with 1 for those that --strict takes for errors", async () => {
    await write("a.yaml", list(route("local", "elsewhere")));
    expect(await validate()).toMatchObject({ code: 0, stdout: expect.stringContaining("0 errors, 1 warning") });
    const strict = await validate("--strict");
    expect(strict).toMatchObject({ code: 1, stdout: expect.stringContaining("1 error, 0 warnings") });
    expect(strict.lines[0]).toContain(" error MISSING_TARGET ");
  });

  test("leaves out what is less severe than --severity, and counts it all the same", async () => {
    await write("a.yaml", mixed);
    expect((await validate("--severity", "warning")).lines).toEqual([
      ...mixedLines.slice(1),
      "1 error, 1 warning, 1 info in 2 resources",
    ]);
  });

  test("tells what keeps files from being read as findings", async () => {
    await write("a.yaml", list(cluster("a", "  lb_polcy: RANDOM\n"), "- {}\n"));
    await write("b.yaml", "resources: [");
    await write("groups/x.yaml", "");
    await write("c.yaml", list(cluster("c", "  connect_timeout: 0s\n")));
    const { code, lines } = await validate();
    expect(lines).toEqual([
      "DIR/a.yaml:4:3 error INVALID resources[0].lb_polcy: envoy.config.cluster.v3.Cluster has no such field; did you mean lb_policy?",
      `DIR/a.yaml:5:3 error INVALID resources[1]: expected an object with its "@type", such as ${clusterType}, got an empty object`,
      expect.stringMatching(/^DIR\/b\.yaml:1:13 error INVALID not valid YAML or JSON/),
      expect.stringMatching(/^DIR\/groups\/x\.yaml error UNREADABLE a file of no group; /),
      "4 errors, 0 warnings, 0 infos; the API's rules were not checked, because files cannot be read",
    ]);
    expect(code).toBe(1);
  });

  test("tells a flaw of what is for all nodes once, and of a group's resources by what its nodes are served", async () => {
    await write("a.yaml", list(cluster("bad", "  connect_timeout: 0s\n"), route("one", "ours"), route("two", "bad")));
    await write("groups/edge/a.yaml", list(cluster("ours")));
    await write("groups/core/a.yaml", list(cluster("alone")));
    const { lines } = await validate();
    expect(lines).toEqual([
      "DIR/a.yaml:4:20 error FIELD_RULE clusters/bad: connect_timeout must be more than 0s, is 0s",
      'DIR/a.yaml:11:49 warning MISSING_TARGET routes/one: virtual_hosts[0].routes[0].route.cluster refers to "ours", ' +
        "which is not among the clusters of the configuration; add it, or correct the name (for nodes of no group, of group core)",
      "DIR/groups/core/a.yaml:2:3 info UNREFERENCED clusters/alone: nothing in the configuration refers to it",
      "1 error, 1 warning, 1 info in 5 resources",
    ]);
  });

  test("prints the same as JSON and as YAML", async () => {
    await write("a.yaml", mixed);
    const json = JSON.parse((await validate("-o", "json")).stdout) as { findings: object[] };
    expect(json).toMatchObject({ counts: { error: 1, warning: 1, info: 1 }, resources: 2 });
    expect(json.findings[1]).toEqual({
      file: "DIR/a.yaml",
      line: 4,
      column: 20,
      severity: "error",
      code: "FIELD_RULE",
      type: "clusters",
      resource: "bad",
      path: "connect_timeout",
      message: "must be more than 0s, is 0s",
    });
    expect(load((await validate("-o", "yaml")).stdout)).toEqual(json);
  });

  test("prints SARIF 2.1.0", async () => {
    await write("a b.yaml", mixed);
    const { code, stdout } = await xdsHere("validate", directory, "-o", "sarif");
    expect(code).toBe(1);
    const sarif = JSON.parse(stdout);
    expect(sarif).toMatchObject({ version: "2.1.0", runs: [{ tool: { driver: { name: "xds" } } }] });
    const [{ results, tool }] = sarif.runs;
    expect(results).toHaveLength(3);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex].id).toBe(ruleId);
    expect(results.map(({ level }: { level: string }) => level)).toEqual(["note", "error", "warning"]);
    expect(results[1]).toMatchObject({
      ruleId: "FIELD_RULE",
      message: { text: "clusters/bad: connect_timeout must be more than 0s, is 0s" },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: pathToFileURL(join(directory, "a b.yaml")).href },
            region: { startLine: 4, startColumn: 20 },
          },
          logicalLocations: [{ fullyQualifiedName: "clusters/bad: connect_timeout" }],
        },
      ],
    });
  });

  test("takes several paths, files and directories, as one configuration", async () => {
    await write("one/a.yaml", list(route("local", "target")));
    await write("two.yaml", list(cluster("target")));
    const { code, stdout } = await xdsHere("validate", join(directory, "one"), join(directory, "two.yaml"), "--strict");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "0 errors, 0 warnings, 0 infos in 2 resources\n" });
    const apart = await xdsHere("validate", join(directory, "one"), "--strict");
    expect(apart).toMatchObject({ code: 1, stdout: expect.stringContaining("MISSING_TARGET") });
  });

  test("tells with --help how it is called, with examples", async () => {
    const { code, stdout } = await xdsHere("validate", "--help");
    expect(code).toBe(0);
    for (const words of [
      "Usage: xds validate [options] [path...]",
      "--envoy <binary>",
      "--strict",
      "Exit codes: 0",
      "\nExamples:\n",
    ])
      expect(stdout).toContain(words);
  });

  test("exits with 2 when it is called as it cannot be", async () => {
    const none = { code: 2, stderr: expect.stringContaining("nothing to validate: name files or directories") };
    expect(await xdsHere("validate")).toMatchObject(none);
    expect(await validate("-o", "xml")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("table, json, yaml, sarif"),
    });
    expect(await validate("--severity", "bad")).toMatchObject({ code: 2 });
  });
});
