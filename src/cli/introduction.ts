import { existsSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { Address } from "../server/xds-server.js";

/** Where the example's bootstrap looks for the server. */
const examplePort = 18000;

/** What the program says when it serves: its addresses, and how to point an Envoy at it. */
export function introduction(paths: readonly string[], grpc: Address, rest: Address | undefined): string {
  const lines = [`xDS over gRPC  ${written(grpc)}`];
  if (rest) lines.push(`xDS over REST  http://${written(rest)}/v3/discovery:<type>`);
  lines.push("", "Point an Envoy at it:", "", ...envoyCommand(paths, grpc).map((line) => `  ${line}`), "");
  return `${lines.join("\n")}\n`;
}

function envoyCommand(paths: readonly string[], grpc: Address): string[] {
  const bootstrap = join(dirname(paths[0] ?? ""), "envoy.yaml");
  const isExample = paths.length === 1 && basename(paths[0] ?? "") === "quickstart" && existsSync(bootstrap);
  if (isExample && grpc.port === examplePort)
    return [`envoy -c ${relative("", bootstrap)}`, "curl http://127.0.0.1:10000   # once it runs"];
  const host = grpc.host === "0.0.0.0" || grpc.host === "::" ? "127.0.0.1" : grpc.host;
  return `envoy --service-node my-node --service-cluster my-cluster --config-yaml '
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    grpc_services: [{ envoy_grpc: { cluster_name: xds } }]
  cds_config: { ads: {}, resource_api_version: V3 }
  lds_config: { ads: {}, resource_api_version: V3 }
static_resources:
  clusters:
  - name: xds
    type: STRICT_DNS
    load_assignment: { cluster_name: xds, endpoints: [{ lb_endpoints: [{ endpoint: {
      address: { socket_address: { address: "${host}", port_value: ${grpc.port} } } } }] }] }
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }'`.split("\n");
}

const written = ({ host, port }: Address) => `${host.includes(":") ? `[${host}]` : host}:${port}`;
