import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clusterType, listenerType, secretType } from "../../src/resource/types.js";
import { xdsHere } from "./in-process.js";
import { type Ended, xds } from "./program.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-forms-"));
});
afterEach(() => rm(directory, { recursive: true }));

const at = (name: string) => join(directory, name);
const write = (name: string, content: object | string) =>
  writeFile(at(name), typeof content === "string" ? content : JSON.stringify(content));

/**
 * Runs a line of a shell, in which `xds` is the program, to its end. A line that needs no shell runs in this process.
 */
async function run(line: string): Promise<Ended> {
  if (/^xds [\w ./-]+$/.test(line)) return xdsHere.in(directory, ...line.split(" ").slice(1));
  const program = xds.shell(`xds() { "$xds" "$@"; }; xds=$1; cd "$2"; ${line}`, directory);
  const code = await program.end();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

const cluster = (name: string, more = {}) => ({ "@type": clusterType, name, ...more });
const section = (name: string, lists: object) => ({ "@type": `type.googleapis.com/envoy.admin.v3.${name}`, ...lists });
const dump = {
  configs: [
    section("ClustersConfigDump", { dynamic_active_clusters: [{ version_info: "1", cluster: cluster("pears") }] }),
    section("ListenersConfigDump", {
      dynamic_listeners: [
        {
          name: "door",
          active_state: {
            listener: {
              "@type": listenerType,
              name: "door",
              filter_chains: [
                { filters: [{ name: "x", typed_config: { "@type": "type.googleapis.com/orchard.Ours" } }] },
              ],
            },
          },
        },
      ],
    }),
  ],
};

describe("Standard input", () => {
  const flawed = `resources:\n- "@type": ${clusterType}\n  name: a\n  connect_timeout: 0s\n`;

  test("is what - means, and findings have their places in it", async () => {
    await write("a.yaml", flawed);
    const { code, stdout } = await run("cat a.yaml | xds validate -");
    expect(stdout).toContain("-:4:20 error FIELD_RULE clusters/a: connect_timeout must be more than 0s, is 0s\n");
    expect(code).toBe(1);
    expect((await run("xds validate /dev/fd/3 3< a.yaml")).stdout).toContain("/dev/fd/3:4:20 error FIELD_RULE");
  });

  test("is explained, and compared with a file, but not with itself", async () => {
    await write("a.json", [cluster("a", { connectTimeout: "2s" })]);
    await write("b.json", [cluster("a", { connectTimeout: "3s" })]);
    expect(await run("xds explain clusters/a - < a.json")).toMatchObject({ code: 0, stderr: "" });
    expect(await run("xds diff a.json - < a.json")).toMatchObject({ code: 0, stdout: "no difference\n" });
    const { code, stdout } = await run("xds diff - b.json < a.json");
    expect([code, stdout]).toEqual([1, expect.stringContaining("connect_timeout")]);
    expect(await run("xds diff - - < a.json")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("standard input (-) is given twice; give a file for one of the two"),
    });
  });

  test("is served, as it was when the program started", async () => {
    await write("a.yaml", flawed.replace("0s", "2s"));
    const program = xds.shell('cd "$2"; exec "$1" serve - --port 0 --rest-port off < a.yaml', directory);
    await program.logged({ msg: "serving", clusters: 1 });
    program.signal("SIGHUP");
    await program.logged({ msg: "configuration read again; nothing changed" });
    program.signal("SIGTERM");
    expect(await program.end()).toBe(0);
  });

  test("that is longer than a file may be is refused", async () => {
    const { code, stdout } = await run("head -c 34000000 /dev/zero | tr '\\0' '#' | xds validate -");
    expect(stdout).toContain("- error UNREADABLE the file has more than 33554432 bytes, the limit");
    expect(code).toBe(1);
  });
});

describe("Resources without types", () => {
  test("are of the type that --type names, in every command that reads files", async () => {
    await write("a.json", [{ name: "a" }]);
    const validated = await run("xds validate a.json");
    expect(validated.stdout).toMatch(/^a\.json:1:2 error INVALID \[0\]: this resource has no "@type", .* with --type/);
    expect(await run("xds validate a.json --type clusters")).toMatchObject({ code: 0 });
    expect(await run("xds explain a a.json --type cluster")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("clusters/a"),
    });
    expect(await run(`xds diff a.json a.json --type ${clusterType}`)).toMatchObject({ code: 0 });
    expect(await run("xds serve --check a.json --type clusters")).toMatchObject({ code: 0 });
    expect(await run("XDS_TYPE=clusters xds serve --check a.json")).toMatchObject({ code: 0 });
    await write("xds.yaml", "paths: [a.json]\ntype: clusters\n");
    expect(await run("xds serve --check")).toMatchObject({ code: 0 });
  });

  test("are read so by the thread of a server too", async () => {
    await write("a.json", [{ name: "a" }]);
    const program = xds.start("serve", at("a.json"), "--type", "clusters", "--port", "0", "--rest-port", "off");
    await program.logged({ msg: "serving", clusters: 1 });
  });

  test("cannot be of a type that there is not", async () => {
    await write("a.json", [{ name: "a" }]);
    expect(await run("xds validate a.json --type clutsers")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("did you mean clusters?"),
    });
  });
});

describe("A dump with a type that is not known", () => {
  test("has the rest validated, and what is left out listed", async () => {
    await write("dump.json", dump);
    const { code, stdout } = await run("xds validate dump.json");
    expect(stdout).toMatch(
      /dump\.json:1:\d+ info NOT_SERVED .*@type: listeners "door" left out, because it cannot be read: no message/,
    );
    expect(code).toBe(0);
  });

  test("has the rest explained and compared, with a note of what is not", async () => {
    await write("dump.json", dump);
    const note = /^xds: dump\.json:1:\d+: .*listeners "door" left out, because it cannot be read: /;
    expect(await run("xds explain clusters/pears dump.json")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("clusters/pears"),
      stderr: expect.stringMatching(note),
    });
    await write("files.json", [cluster("pears"), { "@type": listenerType, name: "door" }]);
    expect(await run("xds diff files.json dump.json")).toMatchObject({
      code: 0,
      stdout: "no difference in what was compared\n",
      stderr: expect.stringMatching(note),
    });
  });
});

describe("What is left out of an Envoy's own file", () => {
  const zipkin = {
    "@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
    collector_cluster: "zipkin",
    collector_endpoint: "/spans",
    collector_endpoint_version: "HTTP_JSON",
  };
  const bootstrap = (timeout: string, more = {}) => ({
    admin: {},
    tracing: { http: { name: "zipkin", typed_config: zipkin } },
    static_resources: { clusters: [{ name: "web" }, { name: "zipkin", connect_timeout: timeout }] },
    ...more,
  });
  const place = (name: string) => `clusters "zipkin" is at ${name}:1:\\d+, but it is not served: `;

  test("is named by xds diff, with what of it differs", async () => {
    await write("a.json", bootstrap("1s"));
    await write("b.json", bootstrap("2s", { stats_flush_interval: "3s" }));
    await write("c.json", [cluster("web")]);
    const code = 0;
    const stdout = "no difference in what was compared\n";
    const stderr = 'xds: not compared, because it is not served: admin, tracing, clusters "zipkin"';
    const differ = 'of these, clusters "zipkin", stats_flush_interval differ\n';
    expect(await run("xds diff a.json b.json")).toEqual({
      code,
      stdout,
      stderr: `${stderr}, stats_flush_interval; ${differ}`,
    });
    expect(await run("xds diff a.json a.json")).toEqual({ code, stdout: "no difference\n", stderr: "" });
    expect(await run("xds diff a.json c.json")).toEqual({ code, stdout, stderr: `${stderr}\n` });
    await write("d.json", { admin: {} });
    expect(await run("xds diff d.json d.json")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^xds: d\.json: no resource in it can be served: /),
    });
  });

  test("is found by xds explain, which says why it is not served", async () => {
    await write("a.json", bootstrap("1s"));
    for (const name of ["zipkin", "clusters/zipkin"])
      expect(await run(`xds explain ${name} a.json`)).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(
          new RegExp(`^xds: ${place("a.json")}\`tracing\` names it, so it must stay in the bootstrap .*\\n$`),
        ),
      });
    expect(await run("xds explain web a.json")).toMatchObject({
      code: 0,
      stderr: 'xds: left out, because it is not served: clusters "zipkin"\n',
    });
    await write("more.json", [
      {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        name: "r",
        virtual_hosts: [
          { name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "zipkin" } }] },
        ],
      },
    ]);
    const referred = await run("xds explain r a.json more.json");
    expect(referred.stdout).toMatch(/clusters\/zipkin \(not served\)/);
    expect(await run("xds explain zipkin a.json more.json")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("routes/r"),
      stderr: expect.stringMatching(new RegExp(`^xds: ${place("a.json")}`)),
    });
  });

  test("is found in a dump too", async () => {
    const own = { bootstrap: { dynamic_resources: { ads_config: { cluster_names: ["zipkin"] } } } };
    const clusters = { static_clusters: [{ cluster: cluster("zipkin") }] };
    await write("dump.json", {
      configs: [section("BootstrapConfigDump", own), section("ClustersConfigDump", clusters)],
    });
    expect((await run("xds explain zipkin dump.json")).stderr).toMatch(new RegExp(`^xds: ${place("dump.json")}`));
  });
});

test("xds validate does not miss a secret that a dump names without its content", async () => {
  const context = {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    common_tls_context: {
      tls_certificate_sds_secret_configs: ["pair", "other"].map((name) => ({ name, sds_config: { ads: {} } })),
    },
  };
  const listener = {
    "@type": listenerType,
    name: "front",
    address: { socket_address: { address: "127.0.0.1", port_value: 1 } },
    filter_chains: [{ transport_socket: { name: "tls", typed_config: context } }],
  };
  const secret = {
    "@type": secretType,
    name: "pair",
    tls_certificate: { private_key: { inline_string: "[redacted]" } },
  };
  await write("dump.json", {
    configs: [
      section("BootstrapConfigDump", {}),
      section("ClustersConfigDump", {}),
      section("ListenersConfigDump", { dynamic_listeners: [{ name: "front", active_state: { listener } }] }),
      section("SecretsConfigDump", { dynamic_active_secrets: [{ name: "pair", version_info: "1", secret }] }),
    ],
  });
  const { stdout } = await run("xds validate dump.json");
  expect(stdout).toMatch(/NOT_CHECKED the dump may lack secrets; references to and from them/);
  expect(stdout).not.toMatch(/MISSING_TARGET .*"pair"/);
  expect(stdout).toMatch(/MISSING_TARGET .*"other", which is not among the secrets of the configuration/);
});
