import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { clusterType, endpointType, listenerType, secretType } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { describeWithEnvoy, startEnvoyWith } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder } from "./serving.js";

const at = "type.googleapis.com/envoy.admin.v3.";
const ads = { ads: {}, resource_api_version: "V3" };
const cluster = (name: string) => ({
  "@type": clusterType,
  name,
  type: "EDS",
  eds_cluster_config: { eds_config: ads },
});
const none = (name: string) => ({ "@type": endpointType, cluster_name: name, endpoints: [{ locality: {} }] });
const files = () =>
  new Folder().write(
    "files.json",
    JSON.stringify({ resources: [cluster("pears"), cluster("plums"), none("pears"), none("plums")] }),
  );
const entry = (name: string) => ({ version_info: "1", last_updated: "2026-01-01T00:00:00Z", cluster: cluster(name) });
const dumpOf = (...configs: object[]) => new Folder().write("dump.json", JSON.stringify({ configs }));

const masked = (...names: string[]) => ({
  "@type": `${at}ClustersConfigDump`,
  dynamic_active_clusters: names.map(entry),
});
const entries = (...names: string[]) =>
  names.map((name) => ({ "@type": `${at}ClustersConfigDump.DynamicCluster`, ...entry(name) }));
const cut = { "@type": `${at}ClustersConfigDump.DynamicCluster`, cluster: { "@type": clusterType, name: "pears" } };
/** An Envoy prints its bootstrap whole, and of the rest the names that are asked for. */
const named = [
  { "@type": `${at}BootstrapConfigDump`, bootstrap: { static_resources: { clusters: [{ name: "xds" }] } } },
  masked("pears"),
  { "@type": `${at}ListenersConfigDump` },
  { "@type": `${at}SecretsConfigDump` },
];

const noEndpoints = "xds: the dump has no endpoints (ask for /config_dump?include_eds); not compared\n";
const sameSoFar = "no difference in what was compared\n";
const nothingCompared = "xds: nothing could be compared; ask for the whole dump, /config_dump?include_eds\n";
const part = (...names: string[]) =>
  `xds: the dump is only a part (?resource=, ?mask=), and other parts may have: ${names.join(", ")}\n`;

describe("a part of a dump", () => {
  it.each([
    ["?mask=dynamic_active_clusters", [masked("pears", "plums")], 0, sameSoFar, noEndpoints],
    ["?resource=dynamic_active_clusters", entries("pears", "plums"), 0, sameSoFar, noEndpoints],
    ["of a list without one", entries("pears"), 1, "- clusters plums\n", noEndpoints + part('clusters "plums"')],
    [
      "?mask= of another list of the message",
      [{ "@type": `${at}ClustersConfigDump` }],
      1,
      "",
      `xds: the dump has no clusters; not compared\n${noEndpoints}${nothingCompared}`,
    ],
    [
      "?mask=bootstrap",
      [{ "@type": `${at}BootstrapConfigDump`, bootstrap: {} }],
      1,
      "",
      `xds: the dump has no clusters; not compared\n${noEndpoints}${nothingCompared}`,
    ],
    [
      "?resource= and ?mask=cluster.name",
      [cut],
      1,
      "- clusters plums\n",
      `${noEndpoints}xds: not compared, because the dump has only some fields of it (?mask=): clusters "pears"\n${part('clusters "plums"')}`,
    ],
    [
      "?name_regex=pe.*",
      named,
      0,
      sameSoFar,
      `${noEndpoints}xds: not compared, because the dump has only some names (?name_regex=): clusters "plums"\n`,
    ],
  ])("is compared as far as it goes: %s", async (_, configs, code, stdout, stderr) => {
    expect(await xdsHere("diff", files(), dumpOf(...configs))).toEqual({ code, stdout, stderr });
  });

  it("is known by what it was asked for, where that is a URL", async () => {
    const pages: Record<string, object> = {
      "/config_dump?name_regex=pears": { configs: [masked("pears")] },
      "/config_dump?resource=dynamic_active_clusters&mask=cluster.name,version_info": { configs: entries("pears") },
      "/config_dump?resource=dynamic_warming_clusters": {},
    };
    const server = createServer(({ url = "" }, response) => {
      response.writeHead(url in pages ? 200 : 404).end(JSON.stringify(pages[url]));
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const [byName, byMask, nothing] = Object.keys(pages).map((path) => `http://127.0.0.1:${port}${path}`) as string[];
    expect((await xdsHere("diff", files(), byName as string)).stderr).toContain('(?name_regex=): clusters "plums"\n');
    expect((await xdsHere("diff", files(), byMask as string)).stderr).toContain('(?mask=): clusters "pears"\n');
    const stderr = `xds: the dump has no clusters; not compared\n${noEndpoints}${nothingCompared}`;
    expect(await xdsHere("diff", files(), nothing as string)).toEqual({ code: 1, stdout: "", stderr });
  });

  it("does not say that nothing refers to a resource, or that one is missing", async () => {
    const { code, stdout, stderr } = await xdsHere("explain", "clusters/pears", dumpOf(...entries("pears")));
    expect(code).toBe(0);
    expect(stdout).toMatch(/referred to by\n {2}nothing in what the dump has\n/);
    expect(stdout).toMatch(/endpoints\/pears \(not in the dump\)/);
    expect(stderr).toBe("xds: the dump does not contain listeners, scoped-routes, routes\n");
    const dump = dumpOf(...named);
    expect((await xdsHere("explain", "clusters/pears", dump)).stderr).toMatch(/only some names \(\?name_regex=\)/);
    expect((await xdsHere("explain", "plums", dump)).stderr).toMatch(/no resource is called "plums".*only some names/s);
    const loose = await xdsHere("validate", dump);
    expect(loose.stdout).toMatch(/info NOT_CHECKED the dump may lack endpoints; .*\n/);
    expect(loose).toMatchObject({ code: 0, stdout: expect.stringContaining("0 errors, 0 warnings") });
    const strict = await xdsHere("validate", dump, "--strict");
    expect(strict).toMatchObject({ code: 1, stdout: expect.stringMatching(/error MISSING_TARGET clusters\/pears/) });
  });
});

it("tells that a secret has changed beside what is shown, and that a dump does not tell it", async () => {
  const [first, second] = [selfSigned(), selfSigned()];
  const pair = ({ cert, key }: typeof first) => ({
    "@type": secretType,
    name: "pair",
    tls_certificate: { certificate_chain: { inline_string: cert }, private_key: { inline_string: key } },
  });
  const [before, after] = [first, second].map((of) =>
    new Folder().write("a.json", JSON.stringify({ resources: [pair(of)] })),
  ) as [string, string];
  const { stdout } = await xdsHere("diff", before, after);
  expect(stdout).toMatch(
    /certificate_chain\.inline_string: .*\n {4}parts that are not shown, such as secrets, are different too\n$/,
  );
  const secret = pair({ ...second, key: "[redacted]" });
  const dump = dumpOf({
    "@type": `${at}SecretsConfigDump`,
    dynamic_active_secrets: [{ name: "pair", version_info: "1", secret }],
  });
  const told = await xdsHere("diff", before, dump);
  expect(told.stdout).toMatch(/certificate_chain\.inline_string: [^\n]*\n$/);
  expect(told.stderr).toContain('what is [redacted] in secrets "pair"\n');
});

describeWithEnvoy("parts of a real Envoy's dump", () => {
  it("are told for what they are", async () => {
    const [listenerPort, adminPort] = [await freePort(), await freePort()];
    const echo = { "@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo" };
    const address = { socket_address: { address: "127.0.0.1", port_value: listenerPort } };
    const front = {
      "@type": listenerType,
      name: "front",
      address,
      filter_chains: [{ filters: [{ name: "echo", typed_config: echo }] }],
    };
    const resources = [cluster("pears"), cluster("plums"), none("pears"), none("plums"), front];
    const file = new Folder().write("all.json", JSON.stringify({ resources }));
    const { grpc, admin } = await xds.start("serve", file, "--port", "0", "--rest-port", "off").ports();
    const flags = ["--server", `127.0.0.1:${grpc}`, "--admin-port", String(adminPort), "--node-id", "edge-1"];
    const envoy = startEnvoyWith((await xdsHere("bootstrap", ...flags)).stdout);
    await eventually(async () => expect(await envoy.admin("/listeners")).toContain("front"));
    const same = { code: 0, stdout: "no difference\n" };
    const so = { code: 0, stdout: sameSoFar };
    const nothing = { code: 1, stdout: "" };
    const url = `http://127.0.0.1:${adminPort}/config_dump`;
    for (const [query, expected] of [
      ["?include_eds", same],
      ["?mask=dynamic_active_clusters", so],
      ["?mask=dynamic_warming_clusters", nothing],
      ["?mask=bootstrap", nothing],
      ["?resource=dynamic_active_clusters", so],
      ["?resource=dynamic_warming_clusters", nothing],
      ["?resource=dynamic_active_clusters&mask=cluster.type", nothing],
      ["?resource=dynamic_endpoint_configs&include_eds", so],
      ["?resource=dynamic_endpoint_configs&mask=endpoint_config.cluster_name&include_eds", nothing],
      ["?resource=dynamic_listeners", so],
      ["?name_regex=pe.*", so],
      ["?name_regex=pe.*&include_eds", so],
    ] as const) {
      expect(await xdsHere("diff", file, url + query), query).toMatchObject(expected);
      const dump = await envoy.admin(`/config_dump${query}`);
      if (dump.trim() === "{}") continue;
      const saved = new Folder().write("saved.json", dump);
      expect(await xdsHere("diff", file, saved), `${query}, saved`).toMatchObject(expected);
    }
    const own = `http://127.0.0.1:${admin}/config_dump`;
    for (const [query, expected] of [
      ["", same],
      ["?resource=dynamic_active_clusters", so],
      ["?name_regex=pe.*", so],
      ["?node=edge-1", same],
    ] as const)
      expect(await xdsHere("diff", file, own + query), query).toMatchObject(expected);
    expect(await xdsHere("diff", file, own)).toEqual({ ...same, stderr: "" });
  });
});
