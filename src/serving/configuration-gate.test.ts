import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { Resource } from "../resource/resource.js";
import { endpointType, routeType } from "../resource/types.js";
import { type Configuration, configurationOf, type Layer } from "../source/reading/layers.js";
import type { GoodReading } from "../source/reading/source.js";
import { type CheckSettings, ConfigurationGate } from "./configuration-gate.js";

/** A route configuration whose routes lead to these clusters. */
const routes = (...clusters: string[]) =>
  Resource.fromJson({
    "@type": routeType,
    name: "r",
    virtualHosts: [
      {
        name: "v",
        domains: ["*"],
        routes: clusters.map((cluster, at) => ({ match: { prefix: `/${at}` }, route: { cluster } })),
      },
    ],
  });
const cluster = (name: string) => Resource.of(create(ClusterSchema, { name, connectTimeout: { seconds: 1n } }));
const reading = (...resources: Resource[]): GoodReading => ({
  configuration: configurationOf(resources),
  places: new Map(),
  notes: [],
});
const gateWith = (settings: CheckSettings = {}) =>
  new ConfigurationGate({ validation: "on", servesOthers: true, ...settings }, () => {});
/** The missing names for which a configuration is refused. */
async function refused(gate: ConfigurationGate, ...resources: Resource[]): Promise<string[]> {
  const result = await gate.check(reading(...resources));
  return "problems" in result ? result.problems.map(({ message }) => /"(.+?)"/.exec(message)?.[1] ?? message) : [];
}

it("refuses references that a change breaks, but not those that were broken before, even if moved", async () => {
  const gate = gateWith();
  expect(await refused(gate, cluster("a"), routes("a", "ghost"))).toEqual([]);
  expect(await refused(gate, cluster("a"), routes("a", "a", "ghost"))).toEqual([]);
  expect(await refused(gate, cluster("a"), routes("a", "ghost", "typo"))).toEqual(["typo"]);
  expect(await refused(gate, cluster("b"), routes("a"))).toEqual(["a"]);
});

it.each([
  ["refuse", ["ghost"]],
  ["warn", []],
] as const)("with missing_target %s refuses %j at the first start", async (missingTarget, expected) => {
  expect(await refused(gateWith({ missingTarget }), routes("ghost"))).toEqual(expected);
});

it("accepts references to clusters in the Envoys' own files", async () => {
  const gate = gateWith({ missingTarget: "refuse", knownClusters: ["own"] });
  expect(await refused(gate, routes("own"))).toEqual([]);
  expect(await refused(gate, routes("own", "other"))).toEqual(["other"]);
});

/** Common clusters and a route to `a`. The groups that are named remove cluster `a`. */
const withoutCluster = (removing: readonly string[], groups = ["canary", "edge"]): GoodReading => {
  const { typeUrl } = cluster("a").type;
  const removes = [{ typeUrl, key: "a", file: "", line: 1, column: 1 }];
  const configuration: Configuration = {
    layers: new Map<string, Layer>([
      ["/", { resources: [cluster("a"), routes("a")], removes: [] }],
      ...groups.map((group) => [group, { resources: [], removes: removing.includes(group) ? removes : [] }] as const),
    ]),
    groups: new Map(groups.map((group) => [group, ["/", group]])),
  };
  return { ...reading(), configuration };
};

it("refuses a reference that a change breaks for a group, even if it was broken for another group", async () => {
  const gate = gateWith();
  expect(await gate.check(withoutCluster(["canary"]))).not.toHaveProperty("problems");
  expect(await gate.check(withoutCluster(["canary", "edge"]))).toMatchObject({
    problems: [{ message: expect.stringMatching(/"a".*for nodes of group canary, of group edge/) }],
  });
  // The same group under another name.
  expect(await gate.check(withoutCluster(["beta"], ["beta", "edge"]))).not.toHaveProperty("problems");
});

it("compares with what is served after it has forgotten what passed last", async () => {
  const gate = gateWith();
  const served = reading(cluster("a"), routes("ghost")).configuration;
  await gate.check(reading(cluster("a"), routes("a")));
  expect(await gate.check(reading(cluster("a"), routes("ghost")), async () => served)).toHaveProperty("problems");
  gate.forget();
  expect(await gate.check(reading(cluster("a"), routes("ghost")), async () => served)).not.toHaveProperty("problems");
});

it("compares with what is served when validation was off before", async () => {
  const gate = gateWith();
  gate.use("off");
  await gate.check(reading(routes("ghost")));
  gate.use("on");
  const served = reading(routes("ghost")).configuration;
  expect(await gate.check(reading(routes("ghost")), async () => served)).not.toHaveProperty("problems");
});

it("asks for no verdict on a change of live resources only", async () => {
  let asked = 0;
  const verdict = async () => {
    asked++;
    return [];
  };
  const gate = new ConfigurationGate(
    { validation: "on", servesOthers: true, liveTypes: new Set([endpointType]), verdict },
    () => {},
  );
  const endpoints = (name: string) => Resource.fromJson({ "@type": endpointType, clusterName: name });
  const [a, b] = [cluster("a"), cluster("b")];
  const askedFor = async (next: GoodReading) => {
    asked = 0;
    await gate.check(next);
    return asked;
  };
  expect(await askedFor(reading(a, endpoints("a")))).toBe(1);
  expect(await askedFor(reading(a, endpoints("b")))).toBe(0);
  expect(await askedFor(reading(a))).toBe(0);
  expect(await askedFor(reading(a, b, endpoints("a")))).toBe(1);
  expect(await askedFor(reading(a, cluster("b")))).toBe(1);
  expect(await askedFor(withoutCluster([]))).toBe(1);
});

it("asks for a verdict again on a configuration that was refused", async () => {
  let asked = 0;
  const verdict = async () => {
    asked++;
    return [{ file: "envoy", severity: "error" as const, code: "ENVOY_RULE" as const, path: "", message: "no" }];
  };
  const gate = gateWith({ verdict });
  const same = reading(cluster("a"));
  await gate.check(same);
  expect(await gate.check(same)).toHaveProperty("problems");
  expect(asked).toBe(2);
});

it("asks for a verdict last; the verdict's errors refuse a configuration, its warnings do not", async () => {
  const said = (severity: "error" | "warning") => [
    { file: "envoy", severity, code: "ENVOY_RULE" as const, path: "", message: "no" },
  ];
  const gate = (severity: "error" | "warning") => gateWith({ verdict: async () => said(severity) });
  expect(await refused(gate("error"), cluster("a"))).toEqual(["no"]);
  expect(await refused(gate("warning"), cluster("a"))).toEqual([]);
});
