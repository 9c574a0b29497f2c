import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { beforeAll, expect, inject, it } from "vitest";
import { endpointType, extractDescriptors, listenerType, Resource, useEnvoyApi } from "../../src/index.js";
import { referencePlanOf } from "../../src/resource/references/plan.js";
import { referencesOf } from "../../src/resource/references/references.js";
import { referringMessages, withoutReferences } from "../../src/resource/references/table.js";
import { lazyRegistry, type SchemaRegistry } from "../../src/schema/lazy-registry.js";
import { builtInBytes } from "../schema/newer-api.js";
import { isInTable, likelyReferences, nonReferences } from "../schema/reference-fields.js";
import { describeWithEnvoy } from "./envoy.js";

const prefix = "type.googleapis.com/";
const ads = { ads: {} };
const any = (type: string, value: object = {}) => ({ name: "x", typed_config: { "@type": prefix + type, ...value } });

describeWithEnvoy("references in the API of a real Envoy", () => {
  let registry: SchemaRegistry;
  let builtIn: SchemaRegistry;
  beforeAll(async () => {
    registry = useEnvoyApi(await extractDescriptors((inject("envoy") as { binary: string }).binary));
    builtIn = lazyRegistry(builtInBytes());
  });

  /** `<type> <name>` of what a message of this type, as JSON, refers to. */
  function of(typeName: string, json: object): string[] {
    const schema = registry.getMessage("envoy.config.core.v3.TypedExtensionConfig");
    if (!schema) throw new Error("no TypedExtensionConfig");
    const message = fromJson(schema, any(typeName, json) as JsonValue, { registry });
    return referencesOf(Resource.of(message)).map(({ typeUrl, name }) => `${typeUrl.slice(prefix.length)} ${name}`);
  }

  it("every field that looks like one is in the table, or on the list of those that are none", () => {
    const found = [...likelyReferences(registry)];
    expect(found.filter((field) => !isInTable(field) && nonReferences[field] === undefined)).toEqual([]);
  });

  it("all that the list and the table name is in this API or in the built-in one", () => {
    const likely = new Set([...likelyReferences(registry), ...likelyReferences(builtIn)]);
    expect(Object.keys(nonReferences).filter((field) => !likely.has(field))).toEqual([]);
    const apis = [registry, builtIn];
    const has = (typeName: string, path = "") =>
      apis.some((api) => {
        let schema = api.getMessage(typeName);
        if (path === "") return schema !== undefined;
        return path.split(".").every((name) => {
          const field = schema?.fields.find((one) => one.name === name);
          schema = field?.message;
          return field !== undefined;
        });
      });
    const lacking = Object.entries(referringMessages).flatMap(
      ([typeName, { names = {}, source, sourced, actions }]) => {
        const paths = [...Object.keys(names), source, sourced?.source, ...(sourced?.name ?? []), sourced?.only?.field];
        paths.push(actions?.source, actions?.matcher, actions?.inline);
        return paths.filter((path) => path !== undefined && !has(typeName, path)).map((path) => `${typeName} ${path}`);
      },
    );
    expect(lacking).toEqual([]);
    const fieldOf = (name: string) =>
      [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf(".") + 1)] as const;
    expect([...withoutReferences].filter((name) => !has(name) && !has(...fieldOf(name)))).toEqual([]);
  });

  it.each<[string, object]>([
    ["envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction", { cluster: "a" }],
    ["envoy.extensions.router.cluster_specifiers.priority_group.v3.ClusterWeight", { cluster_name: "a" }],
    ["envoy.extensions.clusters.composite.v3.ClusterConfig", { clusters: [{ name: "a" }] }],
    ["envoy.extensions.clusters.mcp_multicluster.v3.ClusterConfig.McpCluster", { cluster: "a" }],
    ["envoy.extensions.filters.http.mcp_router.v3.McpRouter.McpCluster", { cluster: "a" }],
    ["envoy.extensions.filters.http.cache_v2.v3.CacheV2Config", { override_upstream_cluster: "a" }],
    ["envoy.extensions.filters.network.generic_proxy.action.v3.RouteAction", { cluster: "a" }],
    ["envoy.extensions.tracers.fluentd.v3.FluentdConfig", { cluster: "a" }],
  ])("%s refers to a cluster", (typeName, json) => {
    expect(of(typeName, json)).toEqual(["envoy.config.cluster.v3.Cluster a"]);
  });

  it.each([
    [
      "envoy.extensions.filters.network.generic_proxy.v3.GenericRds",
      { route_config_name: "a" },
      "envoy.extensions.filters.network.generic_proxy.v3.RouteConfiguration a",
    ],
    [
      "envoy.extensions.clusters.aggregate.v3.AggregateClusterResource",
      { resource_name: "a" },
      "envoy.extensions.clusters.aggregate.v3.ClusterConfig a",
    ],
    [
      "envoy.extensions.access_loggers.filters.process_ratelimit.v3.DynamicTokenBucket",
      { resource_name: "a" },
      "envoy.type.v3.TokenBucket a",
    ],
  ])("%s refers to what its source has", (typeName, json, reference) => {
    expect(of(typeName, { ...json, config_source: ads })).toEqual([reference]);
    expect(of(typeName, { ...json, config_source: { path_config_source: { path: "/x" } } })).toEqual([]);
  });

  it("a UDP session filter refers to its extension config", () => {
    const session_filters = [{ name: "a", config_discovery: { config_source: ads, type_urls: ["x/y"] } }];
    expect(
      of("envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig", { stat_prefix: "x", session_filters }),
    ).toEqual(["envoy.config.core.v3.TypedExtensionConfig a"]);
  });

  it("secrets on demand are those that are fetched first, and the one that all connections get", () => {
    const selector = "envoy.extensions.transport_sockets.tls.cert_selectors.on_demand_secret.v3.Config";
    const certificate_mapper = any("envoy.extensions.transport_sockets.tls.cert_mappers.static_name.v3.StaticName", {
      name: "all",
    });
    const config = { certificate_mapper, prefetch_secret_names: ["a", "b"] };
    expect(of(selector, { ...config, config_source: ads }).sort()).toEqual(
      ["a", "all", "b"].map((name) => `envoy.extensions.transport_sockets.tls.v3.Secret ${name}`),
    );
    expect(of(selector, { ...config, config_source: { path_config_source: { path: "/x" } } })).toEqual([]);
  });

  const listener = (json: object) => {
    const schema = registry.getMessage(listenerType.slice(prefix.length));
    if (!schema) throw new Error("no Listener");
    return referencesOf(Resource.of(fromJson(schema, { name: "l", ...json } as JsonValue, { registry })));
  };
  const chain = (name: string) => ({ action: any("google.protobuf.StringValue", { value: name }) });
  const input = any("envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput");
  const filter_chain_matcher = {
    matcher_tree: { input, exact_match_map: { map: { "10000": chain("a"), "10001": chain("inline") } } },
    on_no_match: chain("b"),
  };

  it("a listener refers to the filter chains that its matcher's actions name, and that it does not have inline", () => {
    const filter_chains = [{ name: "inline" }];
    const fcds_config = { name: "not used", config_source: ads };
    const typeUrl = "type.googleapis.com/envoy.config.listener.v3.FilterChain";
    expect(listener({ filter_chain_matcher, filter_chains, fcds_config })).toEqual([
      {
        typeUrl,
        name: "a",
        path: 'filter_chain_matcher.matcher_tree.exact_match_map.map["10000"].action.typed_config<StringValue>.value',
      },
      { typeUrl, name: "b", path: "filter_chain_matcher.on_no_match.action.typed_config<StringValue>.value" },
    ]);
    expect(listener({ filter_chain_matcher, filter_chains })).toEqual([]);
    const file = { config_source: { path_config_source: { path: "/x" } } };
    expect(listener({ filter_chain_matcher, filter_chains, fcds_config: file })).toEqual([]);
    expect(listener({ fcds_config })).toEqual([]);
  });

  it("endpoints are looked through without a walk of each", () => {
    const schema = registry.getMessage("envoy.config.endpoint.v3.LbEndpoint");
    expect(schema && referencePlanOf(schema)?.isPlain).toBe(true);
    const assignment = registry.getMessage(endpointType.slice(prefix.length));
    expect(assignment && referencePlanOf(assignment)?.isPlain).toBe(false); // LEDS has a source
  });
});
