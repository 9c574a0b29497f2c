import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newerApi } from "../schema/newer-api.js";
import { Editor } from "./editor.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const published = join(root, "dist", "configuration.schema.json");

const hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
/** A list of resources, one resource, and a bootstrap: what is written when `|` is where the cursor is. */
const files = {
  resources: `resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: backend
  type: static
  lbPolicy: ROUND_ROBIN
  |
  load_assignment:
    cluster_name: backend
    endpoints:
    - lb_endpoints:
      - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: "8080" } } }
`,
  resource: `"@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
name: routes
virtual_hosts:
- name: all
  domains: ["*"]
  routes:
  - match: { prefix: / }
    |
    route: { cluster: backend, timeout: 1.5s, retry_policy: { num_retries: 2 } }
`,
  bootstrap: `admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }
static_resources:
  listeners:
  - name: http
    address: { socket_address: { address: 127.0.0.1, port_value: 10000 } }
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/${hcm}
          stat_prefix: ingress
          |
          route_config: { name: routes }
`,
};

/** A file without the mark of the cursor, and where that was. */
function written(text: string) {
  const lines = text.split("\n");
  const line = lines.findIndex((one) => one.trimEnd().endsWith("|"));
  const character = lines[line]?.indexOf("|") ?? 0;
  return { text: text.replace("|", ""), at: { line, character } };
}

let directory: string;
let editor: Editor;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-json-schema-"));
  editor = await Editor.open(published);
});
afterAll(async () => {
  editor.close();
  await rm(directory, { recursive: true });
});

describe("an editor with the published JSON Schema", () => {
  test.each([
    [
      "a list of resources",
      files.resources,
      ["connect_timeout", "lb_policy", "health_checks"],
      ["stat_prefix", "name"],
    ],
    ["one resource", files.resource, ["redirect", "typed_per_filter_config"], ["virtual_hosts", "route"]],
    ["a bootstrap", files.bootstrap, ["http_filters", "codec_type"], ["clusters", "stat_prefix"]],
  ])("completes the fields of %s, and finds nothing wrong with it", async (_, text, offered, others) => {
    const { text: content, at } = written(text);
    expect(await editor.mistakes(content)).toEqual([]);
    const labels = await editor.completions(content, at);
    expect(labels).toEqual(expect.arrayContaining(offered));
    for (const other of others) expect(labels).not.toContain(other);
  });

  test("completes values and types", async () => {
    const at = (text: string) => editor.completions(text, { line: 1, character: text.split("\n")[1]?.length ?? 0 });
    const inCluster = '"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n';
    expect(await at(`${inCluster}type: `)).toEqual(expect.arrayContaining(["STRICT_DNS", "strict_dns"]));
    expect(await at('resources:\n- "@type": ')).toEqual(
      expect.arrayContaining(
        [`type.googleapis.com/envoy.config.cluster.v3.Cluster`, `type.googleapis.com/${hcm}`].map(shown),
      ),
    );
  });

  test.each([
    ["a field that is not there", files.resources.replace("load_assignment", "load_asignment"), "load_asignment"],
    ["a value that is not there", files.resources.replace("static", "statik"), "STATIC"],
    ["an unknown type", files.resource.replace("RouteConfiguration", "RouteConfig"), "Value is not accepted"],
    ["a wrong unit", files.resource.replace("1.5s", "1500ms"), "pattern"],
    ["a number for a name", files.resource.replace("name: all", "name: 7"), "Expected one of string, null"],
    ["what a message must have", files.bootstrap.replace("          stat_prefix: ingress\n", ""), "stat_prefix"],
    ["a mistake deep in an extension", files.bootstrap.replace("{ name: routes }", "{ nam: routes }"), "nam"],
    ["a Kubernetes object", "apiVersion: v1\nkind: Pod\n", "apiVersion"],
  ])("marks %s", async (_, text, told) => {
    const mistakes = await editor.mistakes(written(text).text);
    expect(mistakes.join("\n")).toContain(told);
  });

  const inCluster = (fields: string) =>
    `"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\nname: a\n${fields}\n`;
  const port = (value: string) =>
    inCluster(`upstream_bind_config: { source_address: { address: 127.0.0.1, port_value: ${value} } }`);
  const panic = (value: string) => inCluster(`common_lb_config: { healthy_panic_threshold: { value: ${value} } }`);

  test.each([
    inCluster("type: null"),
    inCluster("load_assignment:"),
    inCluster("health_checks:\ntyped_extension_protocol_options:\nconnect_timeout:\nalt_stat_name: ~"),
    inCluster('type: "1"'),
    inCluster("per_connection_buffer_limit_bytes: { value: 5 }"),
    inCluster("per_connection_buffer_limit_bytes: { value: }"),
    ...["yes", "on", '"yes"', "True", '"1"'].map((value) => inCluster(`respect_dns_ttl: ${value}`)),
    ...['"0x10"', '"1e3"', "1e3", "0x10", '"80"', "0"].map(port),
    ...["50", '" 5.5 "', "100", "null"].map(panic),
    inCluster("connect_timeout: { seconds: 5 }"),
    inCluster("connect_timeout: 0.1s"),
    inCluster("dns_refresh_rate: 1s\ncommon_http_protocol_options: { idle_timeout: 0s }"),
  ])("takes what is accepted: %s", async (text) => {
    expect(await editor.mistakes(text)).toEqual([]);
  });

  test.each([
    [port("70000"), "65535"],
    [port("-5"), "0"],
    [inCluster("per_connection_buffer_limit_bytes: -5"), "0"],
    [inCluster("per_connection_buffer_limit_bytes: { value: 4294967296 }"), "4294967295"],
    [panic("500"), "100"],
    [inCluster("lb_policy: 99"), "Value is not accepted"],
    [inCluster("connect_timeout: -1s"), "pattern"],
    [inCluster("connect_timeout: 0s"), "pattern"],
    [inCluster("respect_dns_ttl: maybe"), "Expected one of boolean, null"],
  ])("marks what the API rules out: %s", async (text, told) => {
    expect((await editor.mistakes(text)).join("\n")).toContain(told);
  });

  test("does not mark the messages of another API", async () => {
    const text = files.resource.replace("envoy.config.route.v3.RouteConfiguration", "example.Own");
    expect(await editor.mistakes(written(text).text)).toEqual([]);
  });

  test("finds nothing wrong with the examples", async () => {
    const folder = join(root, "examples", "quickstart");
    const paths = [...(await readdir(folder)).map((name) => join(folder, name)), join(root, "examples", "envoy.yaml")];
    for (const path of paths) expect(await editor.mistakes(await readFile(path, "utf8")), path).toEqual([]);
  });
});

/** The editor cuts long labels. */
const shown = (label: string) => (label.length > 60 ? `${label.slice(0, 57)}...` : label);

describe("xds schema json", () => {
  test("writes what the package has", async () => {
    const out = join(directory, "a.json");
    const { stdout, stderr, code } = await xdsHere("schema", "json", "--out", out);
    const content = await readFile(out);
    expect({ stdout, stderr, code }).toEqual({ stdout: `${out}: ${content.length} bytes\n`, stderr: "", code: 0 });
    expect(content.equals(await readFile(published))).toBe(true);
  });

  test("of another API, writes what that has", async () => {
    const [out, api] = [join(directory, "newer.json"), join(directory, "newer.binpb")];
    await writeFile(api, newerApi());
    const { code } = await xds("schema", "json", "--descriptors", api, "--out", out);
    expect(code).toBe(0);
    const { properties } = JSON.parse(await readFile(out, "utf8")).definitions["envoy.config.cluster.v3.Cluster"];
    expect(properties).toMatchObject({
      newer_text: { type: ["string", "null"] },
      newer_list: { type: ["array", "null"] },
      newer_map: { type: ["object", "null"], additionalProperties: { type: ["string", "null"] } },
    });
  });

  test("says where it cannot write", async () => {
    const out = join(directory, "no", "a.json");
    const { stderr, code } = await xdsHere("schema", "json", "--out", out);
    expect(stderr).toContain(`${out} cannot be written`);
    expect(code).toBe(1);
  });
});
