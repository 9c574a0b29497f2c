import { readFileSync } from "node:fs";
import type { JsonObject } from "@bufbuild/protobuf";
import { load } from "js-yaml";

/** Listeners that are served together. */
export interface TogetherCase {
  readonly case: string;
  /** The one that is refused; undefined: none is. */
  readonly refused?: string;
  /** As JSON, with their `@type`. */
  readonly listeners: readonly JsonObject[];
}

const file = new URL("listeners-together.yaml", import.meta.url);

export function readTogether(): TogetherCase[] {
  const cases = load(readFileSync(file, "utf8")) as TogetherCase[];
  return cases.map((one) => ({ ...one, listeners: one.listeners.map(whole) }));
}

function whole(listener: JsonObject): JsonObject {
  const isUdp = JSON.stringify(listener).includes('"UDP"');
  const rest: JsonObject = isUdp ? { udp_listener_config: {}, listener_filters: [udpProxy] } : { filter_chains: [{}] };
  return { "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", ...listener, ...rest };
}

const udpProxy = {
  name: "udp",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig",
    stat_prefix: "udp",
    cluster: "static",
  },
};
