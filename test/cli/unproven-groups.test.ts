import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { checkGroups } from "../../src/cli/settings/server-options.js";
import { addSettings, resolveSettings } from "../../src/cli/settings/setting-options.js";
import { clusterType } from "../../src/index.js";
import type { GroupRule } from "../../src/serving/node-groups.js";
import { selfSigned } from "../e2e/certificate.js";
import { post } from "../server/post.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder } from "./serving.js";

/** Checks these flags with rules, each by the fields that it uses. Returns what is wrong; "": nothing. */
function fault(flags: string[], ...rules: string[][]): string {
  const command = new Command();
  addSettings(command);
  command.parse(flags, { from: "user" });
  const groupRules = rules.map(
    (fields): GroupRule => ({ group: "g", fields: new Map(fields.map((name) => [name, "*"])) }),
  );
  try {
    checkGroups({ settings: resolveSettings(command, new Map()), groupRules, layered: [] });
    return "";
  } catch (error) {
    return String((error as Error).message);
  }
}
const byIdOfClient = "spiffe://td/edge/{id}";
const [byId, byCluster, byBoth] = ["spiffe://*/{id}", "spiffe://td/{cluster}/*", "spiffe://td/{cluster}/{id}"];

describe("groups are computed from what certificates prove:", () => {
  test.each([
    [byId, "id", []],
    [byCluster, "cluster", []],
    [byBoth, "id", []],
    [byBoth, "cluster", []],
    [byId, "id", [["id"], ["id"]]],
    [byCluster, "cluster", [["cluster"]]],
    [byBoth, "cluster", [["id", "cluster"], ["id"]]],
  ])("%s, --node-group %s, rules by %j", (pattern, field, rules) => {
    expect(fault(["--tls-node-san", pattern, "--node-group", field], ...rules)).toBe("");
  });
});

describe("groups are computed from more than certificates prove:", () => {
  test.each([
    [byId, "cluster", [], "--node-group is cluster"],
    [byCluster, "id", [], "--node-group is id"],
    [byId, "metadata.tenant", [], "--node-group is metadata.tenant"],
    [byBoth, "locality.region", [], "--node-group is locality.region"],
    [byBoth, "locality.zone", [], "--node-group is locality.zone"],
    [byBoth, "locality.sub_zone", [], "--node-group is locality.sub_zone"],
    [byId, "id", [["id"], ["id", "cluster"]], "node_groups[1] uses cluster"],
    [byCluster, "cluster", [["id"]], "node_groups[0] uses id"],
    [byBoth, "id", [["metadata.id"]], "node_groups[0] uses metadata.id"],
    [byBoth, "id", [["id", "locality.zone"]], "node_groups[0] uses locality.zone"],
    [
      byId,
      "cluster",
      [["metadata.a", "cluster"]],
      "--node-group is cluster, node_groups[0] uses metadata.a, node_groups[0] uses cluster",
    ],
  ])("%s, --node-group %s, rules by %j", (pattern, field, rules, uses) => {
    const flags = ["--tls-node-san", pattern, "--node-group", field];
    const told = fault(flags, ...rules);
    expect(told).toContain(`--tls-node-san ${pattern} proves only a node's `);
    expect(told).toContain(`: ${uses}; compute groups from `);
    expect(fault([...flags, "--allow-unproven-groups"], ...rules)).toBe("");
    expect(fault(flags.slice(2), ...rules), "without a rule of certificates").toBe("");
  });

  test("the error says what to do, and names ten uses at most", () => {
    expect(fault(["--tls-node-san", byId], ["cluster"])).toBe(
      "--tls-node-san spiffe://*/{id} proves only a node's id, but groups are computed from more, which any client may claim: " +
        "node_groups[0] uses cluster; compute groups from id alone, add {cluster} to --tls-node-san, or accept it with " +
        "--allow-unproven-groups (xds.yaml: allow_unproven_groups: true)",
    );
    const many = Array.from({ length: 12 }, () => ["metadata.x"]);
    expect(fault(["--tls-node-san", byBoth], ...many)).toMatch(
      /node_groups\[9\] uses metadata\.x, 2 more; compute groups from cluster and id alone, or accept it/,
    );
  });
});

describe("xds serve", () => {
  const own = selfSigned({ commonName: "server" });
  const client = selfSigned({ uris: ["spiffe://td/edge/a"], dnsNames: [], commonName: "core" });

  /** A folder with a resource for group core, and the flags of mTLS. */
  function prepare() {
    const folder = new Folder();
    mkdirSync(join(folder.path, "config/groups/core"), { recursive: true });
    folder.write("config/all.yaml", `resources: [{ "@type": "${clusterType}", name: all }]\n`);
    folder.write("config/groups/core/own.yaml", `resources: [{ "@type": "${clusterType}", name: of-core }]\n`);
    const { cert, key } = folder.pair("server", own);
    const clientCa = folder.write("client-ca.pem", client.cert);
    const ports = ["--port", "0", "--rest-port", "0"];
    const tls = ["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", clientCa];
    return { folder, flags: [join(folder.path, "config"), ...ports, ...tls] };
  }
  const clustersAs = (port: number, node: object) =>
    post({ port, ca: own.cert, ...client }, "/v3/discovery:clusters", { node });

  test("does not start with groups that certificates do not prove, wherever the settings are, and --check says so", async () => {
    const { folder, flags } = prepare();
    const rules = "node_groups: [{ group: core, metadata: { tenant: core } }]\n";
    const file = folder.write("xds.yaml", `tls: { node_san: "${byBoth}" }\n${rules}`);
    const why =
      `xds: --tls-node-san ${byBoth} proves only a node's cluster and id, but groups are computed from more, which any client ` +
      "may claim: node_groups[0] uses metadata.tenant; compute groups from cluster and id alone, or accept it with " +
      "--allow-unproven-groups (xds.yaml: allow_unproven_groups: true)\n";
    const refused = { code: 2, stdout: "", stderr: why };
    expect(await xdsHere("serve", ...flags, "--config", file)).toEqual(refused);
    expect(await xdsHere("serve", ...flags, "--config", file, "--check")).toEqual(refused);
    const environment = { XDS_TLS_NODE_SAN: byId, XDS_NODE_GROUP: "cluster" };
    expect(await xdsHere.with(environment, "serve", ...flags)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(": --node-group is cluster; "),
    });
  });

  test.each(["flag", "variable", "key"])("starts with them if allow_unproven_groups says so, as a %s", async (how) => {
    const { folder, flags } = prepare();
    const settings = `tls: { node_san: "${byId}" }\nnode_group: cluster\n`.replace("*", "td/edge");
    const file = folder.write("xds.yaml", `${settings}${how === "key" ? "allow_unproven_groups: true\n" : ""}`);
    const server = xds.startWith(
      how === "variable" ? { XDS_ALLOW_UNPROVEN_GROUPS: "true" } : {},
      ...["serve", ...flags, "--config", file, ...(how === "flag" ? ["--allow-unproven-groups"] : [])],
    );
    const { rest } = await server.ports();
    expect(await clustersAs(rest, { id: "a", cluster: "core" })).toMatchObject({
      body: { resources: [{ name: "all" }, { name: "of-core" }] },
    });
  });

  test("gives a node the group that its certificate proves, and no other", async () => {
    const { flags } = prepare();
    const server = xds.start("serve", ...flags, "--tls-node-san", byBoth, "--node-group", "cluster");
    const { rest } = await server.ports();
    expect(await clustersAs(rest, { id: "a", cluster: "edge", metadata: { cluster: "core" } })).toMatchObject({
      status: 200,
      body: { resources: [{ name: "all" }] },
    });
    for (const node of [{ id: "a", cluster: "core" }, { id: "core" }, { id: "edge/a", cluster: "core" }])
      expect(await clustersAs(rest, node)).toMatchObject({ status: 403 });
  });

  test.each([
    ["proves more", `tls: { node_san: "${byBoth}" }`],
    ["is gone", ""],
    ["does not count", `tls: { node_san: "${byIdOfClient}" }\nallow_unproven_groups: true`],
  ])("takes no rule of groups that needs a restart first, because then the certificate's rule %s", async (_, lines) => {
    const { folder, flags } = prepare();
    const file = folder.write("xds.yaml", `tls: { node_san: "${byIdOfClient}" }\n`);
    const server = xds.start("serve", ...flags, "--config", file);
    const { rest } = await server.ports();
    folder.write("xds.yaml", `${lines}\nnode_groups: [{ group: core, cluster: core }]\n`);
    server.signal("SIGHUP");
    await server.logged({
      level: "error",
      error:
        `--tls-node-san ${byIdOfClient} proves only a node's id, but groups are computed from more, which any client may ` +
        "claim: node_groups[0] uses cluster; compute groups from id alone, add {cluster} to --tls-node-san, or accept it " +
        "with --allow-unproven-groups (xds.yaml: allow_unproven_groups: true); until a restart, the certificate's rule " +
        "is the one that the program was started with",
      msg: "the new settings cannot be used; the old ones stay in use",
    });
    expect(await clustersAs(rest, { id: "a", cluster: "core" })).toMatchObject({
      body: { resources: [{ name: "all" }] },
    });
  });

  test("takes no common name for a SAN", async () => {
    const { folder, flags } = prepare();
    const bare = selfSigned({ uris: [], dnsNames: [], commonName: "core" });
    const authorities = ["--tls-client-ca", folder.write("bare-ca.pem", bare.cert)];
    const server = xds.start("serve", ...flags, ...authorities, "--tls-node-san", "{id}");
    const { rest } = await server.ports();
    const answer = await post({ port: rest, ca: own.cert, ...bare }, "/v3/discovery:clusters", {
      node: { id: "core" },
    });
    expect(answer).toEqual({
      status: 403,
      body: {
        code: "PERMISSION_DENIED",
        message:
          'node "core" with no URI or DNS name (SAN) in a client certificate is refused (rest): ' +
          'its certificate needs the name "core" (rule: {id})',
      },
    });
  });
});
