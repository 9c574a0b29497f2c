import { fromJson, type JsonObject } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { clusterType, envoyRegistry, Resource, referencesOf } from "../../src/index.js";
import { httpFilterChain, listener } from "./edge.js";
import { describeWithEnvoy } from "./envoy.js";
import { adsDelta, adsSotw } from "./modes.js";
import { numberedClusters, type Swap, swapUnderLoad } from "./swap-under-load.js";

const edge = "edge";
const [everyMs, count] = [300, 6];

/**
 * A route whose cluster is picked by a matcher, as the Envoy's own API has it: the built-in one lacks this extension.
 */
function matchedRoute(cluster: string): Resource {
  const registry = envoyRegistry();
  const any = (type: string, fields: JsonObject) => ({ "@type": `type.googleapis.com/${type}`, ...fields });
  const matchers = "envoy.extensions.router.cluster_specifiers.matcher.v3";
  const action = { name: "to", typed_config: any(`${matchers}.ClusterAction`, { cluster }) };
  const matcher = any(`${matchers}.MatcherClusterSpecifier`, { cluster_matcher: { on_no_match: { action } } });
  const route = { inline_cluster_specifier_plugin: { extension: { name: "matcher", typed_config: matcher } } };
  const schema = registry.getMessage("envoy.config.route.v3.RouteConfiguration");
  if (!schema) throw new Error("the Envoy's API has no route configurations");
  const virtualHosts = [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route }] }];
  return Resource.of(fromJson(schema, { name: edge, virtual_hosts: virtualHosts }, { registry }));
}

const swap: Swap = {
  name: "the cluster that a matcher picks",
  resources: (scene, there, to) => [
    ...numberedClusters(scene, there),
    listener(edge, scene.port, [httpFilterChain({ mode: scene.mode, statPrefix: edge, routeName: edge })]),
    matchedRoute(`svc-${to}`),
  ],
};

describeWithEnvoy("a matcher that picks a cluster", () => {
  it("refers to the cluster", () => {
    expect(referencesOf(matchedRoute("svc-0"))).toContainEqual(
      expect.objectContaining({ typeUrl: clusterType, name: "svc-0" }),
    );
  });

  for (const mode of [adsSotw, adsDelta])
    it(`Envoy, ${mode.name}: no request fails while the cluster is swapped (P54), ${count} times, one every ${everyMs} ms`, () =>
      swapUnderLoad(swap, { mode, count, everyMs }));
});
