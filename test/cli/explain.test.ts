import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { load } from "js-yaml";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-explain-"));
});
afterEach(() => rm(directory, { recursive: true }));

const write = async (name: string, text: string) => {
  await mkdir(dirname(join(directory, name)), { recursive: true });
  await writeFile(join(directory, name), text);
};
/** Runs `xds explain NAME .` in the directory; columns are two spaces apart in what it gives. */
async function explain(name: string, ...args: string[]) {
  const { code, stdout, stderr } = await xdsHere.in(directory, "explain", name, ".", ...args);
  return { code, stdout, stderr, lines: stdout.split("\n").map((line) => line.replace(/(?<=\S) {2,}/g, "  ")) };
}

const ads = "{ ads: {}, resource_api_version: V3 }";
const list = (...resources: string[]) => `resources:\n${resources.join("")}`;
const cluster = (name: string) => `- "@type": ${clusterType}\n  name: ${name}\n`;
const edsCluster = (name: string) => `${cluster(name)}  type: EDS\n  eds_cluster_config: { eds_config: ${ads} }\n`;
const aggregate = (name: string, ...members: string[]) =>
  `${cluster(name)}  cluster_type:\n    name: envoy.clusters.aggregate\n    typed_config:\n` +
  `      "@type": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig\n      clusters: [${members.join(", ")}]\n`;
const endpoints = (name: string) => `- "@type": ${endpointType}\n  cluster_name: ${name}\n`;
const route = (name: string, ...targets: string[]) =>
  `- "@type": ${routeType}\n  name: ${name}\n  virtual_hosts:\n  - name: all\n    domains: ["*"]\n    routes:\n` +
  targets.map((target) => `    - { match: { prefix: / }, route: { cluster: ${target} } }\n`).join("");
const listener = (name: string, routes: string) =>
  `- "@type": ${listenerType}\n  name: ${name}\n  filter_chains:\n  - filters:\n    - name: hcm\n      typed_config:\n` +
  '        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n' +
  `        rds: { route_config_name: ${routes}, config_source: ${ads} }\n        stat_prefix: x\n`;

/** A listener whose routes lead to a cluster with its endpoints, and to one that is not there. */
const edge = () =>
  write(
    "edge.yaml",
    list(listener("front", "web"), route("web", "back", "gone"), edsCluster("back"), endpoints("back")),
  );
const rds = "filter_chains[0].filters[0].typed_config<HttpConnectionManager>.rds.route_config_name";
const toBack = "virtual_hosts[0].routes[0].route.cluster";

describe("xds explain", () => {
  test("shows who refers to a resource and what it refers to, all the way, with the fields and their places", async () => {
    await edge();
    const { code, stderr, lines } = await explain("clusters/back");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(lines).toEqual([
      "RESOURCE  WHERE  FIELD",
      "clusters/back  edge.yaml:19:3",
      "referred to by",
      `  routes/web  edge.yaml:17:49  ${toBack}`,
      `    listeners/front  edge.yaml:9:35  ${rds}`,
      "refers to",
      "  endpoints/back  edge.yaml:20:9  name",
      "",
    ]);
    const top = await explain("front");
    expect(top.lines.slice(2)).toEqual([
      "referred to by",
      "  nothing",
      "refers to",
      `  routes/web  edge.yaml:9:35  ${rds}`,
      `    clusters/back  edge.yaml:17:49  ${toBack}`,
      "      endpoints/back  edge.yaml:20:9  name",
      "    clusters/gone (missing)  edge.yaml:18:49  virtual_hosts[0].routes[1].route.cluster",
      "",
    ]);
  });

  test("explains everything of a name, or one type's", async () => {
    await edge();
    const both = await explain("back");
    expect(both.lines.filter((line) => /^\S+\/back/.test(line))).toEqual([
      "clusters/back  edge.yaml:19:3",
      "endpoints/back  edge.yaml:23:3",
    ]);
    for (const name of ["endpoints/back", "ClusterLoadAssignment/back"]) {
      const { explained } = JSON.parse((await explain(name, "-o", "json")).stdout);
      expect(explained).toMatchObject([{ type: "endpoints", name: "back" }]);
    }
    await write("slash.yaml", list(cluster("clusters/back")));
    const { explained } = JSON.parse((await explain("clusters/back", "-o", "json")).stdout);
    expect(explained).toMatchObject([{ name: "clusters/back" }, { name: "back" }]);
  });

  test("prints the same as JSON and as YAML", async () => {
    await edge();
    const json = JSON.parse((await explain("web", "-o", "json")).stdout);
    const file = "edge.yaml";
    expect(json).toEqual({
      explained: [
        {
          type: "routes",
          name: "web",
          file,
          line: 11,
          column: 3,
          referredToBy: [{ type: "listeners", name: "front", path: rds, file, line: 9, column: 35, branches: [] }],
          refersTo: [
            {
              type: "clusters",
              name: "back",
              path: toBack,
              file,
              line: 17,
              column: 49,
              branches: [{ type: "endpoints", name: "back", path: "name", file, line: 20, column: 9, branches: [] }],
            },
            {
              type: "clusters",
              name: "gone",
              path: "virtual_hosts[0].routes[1].route.cluster",
              file,
              line: 18,
              column: 49,
              mark: "missing",
              branches: [],
            },
          ],
        },
      ],
    });
    expect(load((await explain("web", "-o", "yaml")).stdout)).toEqual(json);
  });

  test("exits with 1 for a name of nothing, telling what may be meant, and for one that only others have", async () => {
    await edge();
    expect(await explain("bakc")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: 'xds: no resource is called "bakc"; did you mean clusters/back, endpoints/back?\n',
    });
    expect((await explain("clusters/font")).stderr).toBe(
      'xds: no resource is called "clusters/font"; did you mean clusters/gone?\n',
    );
    expect((await explain("no-such-type/back")).stderr).toBe(
      'xds: no resource is called "no-such-type/back"; did you mean clusters/back, endpoints/back?\n',
    );
    expect((await explain("something else")).stderr).toContain("has no similar name");
    const missing = await explain("gone");
    expect(missing.code).toBe(1);
    expect(missing.lines.slice(1, 5)).toEqual([
      "clusters/gone (missing)",
      "referred to by",
      "  routes/web  edge.yaml:18:49  virtual_hosts[0].routes[1].route.cluster",
      `    listeners/front  edge.yaml:9:35  ${rds}`,
    ]);
  });

  test("marks cycles, repeats no branches, and ends on ways that do not", async () => {
    const chain = Array.from({ length: 30 }, (_, index) => aggregate(`chain${index}`, `chain${index + 1}`));
    await write(
      "a.yaml",
      list(aggregate("a", "b", "c"), aggregate("b", "d"), aggregate("c", "b", "a", "c"), aggregate("d", "x"), ...chain),
    );
    const { lines } = await explain("a");
    const names = lines.map((line) => /^.*?(?= {2}a\.yaml|$)/.exec(line)?.[0]);
    expect(names.slice(2)).toEqual([
      "referred to by",
      "  clusters/c",
      "    clusters/a (cycle)",
      "    clusters/c (cycle)",
      "refers to",
      "  clusters/b",
      "    clusters/d",
      "      clusters/x (missing)",
      "  clusters/c",
      "    clusters/b (see above)",
      "    clusters/a (cycle)",
      "    clusters/c (cycle)",
      "",
    ]);
    const deep = await explain("chain0");
    expect(deep.lines.at(-2)).toMatch(/clusters\/chain20 \(not followed further\)/);
  });

  test("tells which group has what, and follows a group's resources only to what its nodes are served", async () => {
    await write("all.yaml", list(listener("front", "web"), route("shared", "own")));
    await write("groups/edge/a.yaml", list(route("web", "own"), cluster("own")));
    await write("groups/core/a.yaml", list(cluster("own"), route("web", "own")));
    const short = async (...args: [string, ...string[]]) => {
      const { lines } = await explain(...args);
      return lines.slice(1).map((line) => line.replace(/(?<=\S) {2}.*/, ""));
    };
    const of = (group: string) => [
      `clusters/own (group ${group})`,
      "referred to by",
      "  routes/shared",
      `  routes/web (group ${group})`,
      "    listeners/front",
      "refers to",
      "  nothing",
      "",
    ];
    expect(await short("own")).toEqual([...of("core"), "RESOURCE", ...of("edge")]);
    expect(await short("own", "--group", "edge")).toEqual(of("edge"));
    expect((await short("front")).slice(3)).toEqual([
      "refers to",
      "  routes/web (group core)",
      "    clusters/own (group core)",
      "  routes/web (group edge)",
      "    clusters/own (group edge)",
      "",
    ]);
  });

  test("asks a server, and takes a configuration dump; those have no places", async () => {
    await edge();
    const server = xds.start("serve", directory, "--port", "0", "--rest-port", "0");
    const { grpc, admin } = await server.ports();
    for (const where of [`127.0.0.1:${grpc}`, `http://127.0.0.1:${admin}/config_dump`]) {
      const { code, stdout } = await xdsHere("explain", "clusters/back", where);
      expect(code).toBe(0);
      expect(stdout.replaceAll(/(?<=\S) {2,}/g, "  ").split("\n")).toEqual([
        "RESOURCE  FIELD",
        "clusters/back",
        "referred to by",
        `  routes/web  ${toBack}`,
        `    listeners/front  ${rds}`,
        "refers to",
        "  endpoints/back  name",
        "",
      ]);
    }
  });

  test("does not take for missing what an Envoy's dump does not tell", async () => {
    const cluster = {
      "@type": clusterType,
      name: "back",
      type: "EDS",
      eds_cluster_config: { eds_config: { ads: {} } },
    };
    const section = (name: string, fields: object) => ({
      "@type": `type.googleapis.com/envoy.admin.v3.${name}`,
      ...fields,
    });
    const clusters = section("ClustersConfigDump", { dynamic_active_clusters: [{ version_info: "1", cluster }] });
    const bootstrap = section("BootstrapConfigDump", {});
    const explained = async (...more: object[]) => {
      await write("dump.json", JSON.stringify({ configs: [bootstrap, clusters, ...more] }));
      const { code, stdout } = await xdsHere.in(directory, "explain", "clusters/back", "dump.json");
      expect(code).toBe(0);
      return stdout
        .split("\n")
        .find((line) => line.includes("endpoints/"))
        ?.replace(/^ +| {2}dump\S+/g, "")
        .split(/ {2,}/);
    };
    expect(await explained()).toEqual(["endpoints/back (not in the dump)", "name"]);
    expect(await explained(section("EndpointsConfigDump", {}))).toEqual(["endpoints/back (missing)", "name"]);
    expect((await xdsHere.in(directory, "explain", "endpoints/back", "dump.json")).code).toBe(1);
  });

  test("says how it is called, and what cannot be read", async () => {
    await edge();
    expect(await xdsHere("explain", "back")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^xds: nothing to explain back: name files or directories/),
    });
    expect(await explain("back", "127.0.0.1:1")).toMatchObject({
      code: 2,
      stderr: 'xds: "127.0.0.1:1" is no file or directory; only files and directories can be several\n',
    });
    expect(await xdsHere("explain", "back", "nowhere")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^xds: "nowhere" does not exist/),
    });
    const page = createServer((_, response) => response.end("<!DOCTYPE html>\n<p>admin</p>"));
    await once(page.listen(0, "127.0.0.1"), "listening");
    const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}/`;
    expect(await xdsHere("explain", "back", url)).toEqual({
      code: 1,
      stdout: "",
      stderr: `xds: ${url} cannot be fetched: it is no config dump; the URL of a dump is /config_dump on an admin port\n`,
    });
    page.close();
    await write("bad.yaml", "resources: {");
    expect(await explain("back")).toMatchObject({ code: 1, stderr: expect.stringMatching(/^xds: bad\.yaml:1:/) });
  });
});

describe("xds explain in a large configuration", () => {
  /** 30 listeners, each with routes of its own; all 300 routes lead to one cluster and to one of their own. */
  beforeEach(async () => {
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    await write("routes.yaml", list(...numbers.map((n) => route(`r${n}`, "hub", `own${n}`))));
    await write("clusters.yaml", list(edsCluster("hub"), endpoints("hub"), ...numbers.map((n) => cluster(`own${n}`))));
    await write("listeners.yaml", list(...numbers.slice(0, 30).map((n) => listener(`l${n}`, `r${n}`))));
  });

  test("shows as much of each as fits a hundred lines, and counts the rest", async () => {
    const { lines } = await explain("clusters/hub");
    expect(lines.length).toBeLessThanOrEqual(102);
    expect(lines.slice(1, 6)).toEqual([
      "clusters/hub  clusters.yaml:2:3",
      "referred to by",
      `  routes/r0  routes.yaml:8:49  ${toBack}`,
      `    listeners/l0  listeners.yaml:9:35  ${rds}`,
      `  routes/r1  routes.yaml:16:49  ${toBack}`,
    ]);
    expect(lines).toContain("  … and 280 more; --all shows them");
    expect(lines.at(-2)).toBe("  endpoints/hub  clusters.yaml:3:9  name");
  });

  test("shows all with --all, and always as data", async () => {
    const { lines } = await explain("clusters/hub", "--all");
    expect(lines.filter((line) => /^ {2}routes\/r\d+ /.test(line))).toHaveLength(300);
    expect(lines.join()).not.toContain("more;");
    const { explained } = JSON.parse((await explain("clusters/hub", "-o", "json")).stdout);
    expect(explained[0].referredToBy).toHaveLength(300);
  });
});
