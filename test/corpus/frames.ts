import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

const type = (name: string) => `type.googleapis.com/envoy.${name}`;
const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
const cluster = { name: "c", type: "STATIC" };
const node = { id: "n", cluster: "n" };
const router = { name: "router", typed_config: { "@type": type("extensions.filters.http.router.v3.Router") } };

const listener = (chain: JsonObject): JsonObject => ({
  node,
  static_resources: { clusters: [cluster], listeners: [{ name: "l", address, filter_chains: [chain] }] },
});

const http = (fields: JsonObject): JsonObject =>
  listener({
    filters: [
      {
        name: "http",
        typed_config: {
          "@type": type("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
          stat_prefix: "x",
          route_config: {},
          http_filters: [router],
          ...fields,
        },
      },
    ],
  });

const isEmpty = (content: JsonObject) => Object.keys(content).length === 0;

/** By the name of a file of entries: the bootstrap that the content of an entry stands in. */
export const frames: Readonly<Record<string, (content: JsonObject) => JsonValue>> = {
  bootstraps: (content) => ({ node, static_resources: { clusters: [cluster] }, ...content }),
  clusters: (content) => ({ node, static_resources: { clusters: [{ ...cluster, ...content }] } }),
  "http-filters": (content) =>
    http({ http_filters: isEmpty(content) ? [router] : [{ name: "filter", typed_config: content }, router] }),
  listeners: listener,
  routes: (content) => http({ route_config: { virtual_hosts: [{ name: "v", domains: ["*"], routes: [content] }] } }),
};
