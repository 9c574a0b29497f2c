import { expect, test } from "vitest";
import { XdsError } from "../../src/errors.js";
import { allAtOnce } from "../../src/in-turns.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { canonicalName, collectionOf, isGlob } from "../../src/resource/names.js";
import { checkConfiguration } from "../../src/source/reading/check-configuration.js";
import { combining } from "../../src/source/reading/configuration.js";
import { commonLayer } from "../../src/source/reading/layers.js";
import { readResourceFile } from "../../src/source/reading/resource-file.js";
import { decodeJsonRequest } from "../../src/wire/json-requests.js";
import { decodeDeltaDiscoveryRequest, decodeDiscoveryRequest } from "../../src/wire/requests.js";
import { Random } from "../http2/random.js";
import { delta, sotw } from "./requests.js";

const t = "type.googleapis.com/";
const cluster = `"@type": ${t}envoy.config.cluster.v3.Cluster`;
const listener = `"@type": ${t}envoy.config.listener.v3.Listener`;
const route = `"@type": ${t}envoy.config.route.v3.RouteConfiguration`;
const seeds = [
  `resources:\n- ${cluster}\n  name: backend\n  type: EDS\n  connect_timeout: 1s\n  eds_cluster_config: { eds_config: { ads: {} } }\n`,
  `resources:\n- { ${listener}, name: in, address: { socket_address: { address: 127.0.0.1, port_value: 10000 } } }\n`,
  `resources:\n- ${route}\n  name: r\n  virtual_hosts: [{ name: v, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: backend } }] }]\n`,
  "a: &a [1,2]\nb: &b [*a,*a]\nresources: [*b]\n",
  `{"@type":"${t}envoy.extensions.transport_sockets.tls.v3.Secret","name":"s","generic_secret":{"secret":{"inline_string":"x"}}}`,
  `base: &base { name: x, type: STATIC }\nresources:\n- { <<: *base, ${cluster}, metadata: { filter_metadata: { a: { b: [1, 2.5, true, null] } } } }\n---\nresources: []\n`,
  `static_resources:\n  clusters:\n  - { name: c, type: STATIC }\n`,
];
const bits = [
  ...["&a ", "*a", "<<: *a", "!!int ", "!x ", "? ", "- ", ": ", "|\n", ">\n", "'", '"', "{", "}", "[", "]", "\n", "\t"],
  ...["---\n", "%YAML 1.2\n", "\0", "\ufeff", "\u2028", "\ud800", "@type", "__proto__", "constructor", "1e999", ".nan"],
  ...[
    "9".repeat(5_000),
    "99999999999999999s",
    "resources:",
    "name: ",
    "xdstp://a/b/*?x=1",
    "[".repeat(40),
    "*".repeat(30),
  ],
];

function damaged(text: string, random: Random): string {
  let out = text;
  for (let i = 1 + random.below(6); i > 0; i--) {
    const at = random.below(out.length + 1);
    out = random.pick([
      () => out.slice(0, at),
      () => out.slice(0, at) + random.pick(bits) + out.slice(at),
      () => out.slice(0, at) + out.slice(at + random.below(30)),
      () => out.slice(0, at) + String.fromCharCode(random.below(65_536)) + out.slice(at + 1),
      () => `${out}\n${random.pick(seeds)}`,
      () => out.slice(0, at) + out.slice(at, at + random.below(80)).repeat(3) + out.slice(at),
    ])();
  }
  return out.slice(0, 60_000);
}

/** How long the slowest took, in milliseconds. */
function slowest(count: number, act: (random: Random) => unknown): number {
  const seed = Number(process.env.XDS_SEED) || Math.floor(Math.random() * 0x3fff_ffff);
  console.log(`seeds from ${seed}`);
  let worst = 0;
  for (let i = 0; i < count; i++) {
    const at = performance.now();
    act(new Random(seed + i));
    worst = Math.max(worst, performance.now() - at);
  }
  return worst;
}

const onlyCommon = { layers: new Map([[commonLayer, undefined]]), groups: new Map() };

test("200,000 files that are damaged: none is thrown at, none takes long", { timeout: 1_800_000 }, () => {
  const read = (random: Random) => {
    const file = readResourceFile("x.yaml", Buffer.from(damaged(random.pick(seeds), random)), {});
    const reading = allAtOnce(combining([{ layer: commonLayer, file }], onlyCommon, undefined));
    if ("configuration" in reading) checkConfiguration(reading.configuration);
  };
  expect(slowest(200_000, read)).toBeLessThan(1_000);
});

test("3,000,000 requests and names that are damaged: refused by an XdsError, or taken", { timeout: 1_800_000 }, () => {
  const node = { id: "n", cluster: "c", locality: { region: "r" }, clientFeatures: ["a"] };
  const names = Array.from({ length: 40 }, (_, i) => `name-${i}`);
  const messages = [sotw({ node, resourceNames: names }), delta({ node, resourceNamesSubscribe: names })];
  const texts = ["xdstp://a/b/c?x=1&y=2", "xdstp://a/b/*", "plain", '{"node":{"id":"n","metadata":{"a":[1,{}]}}}'];
  const bytes = (random: Random) => {
    const out = Buffer.from(random.pick(messages).subarray(5));
    for (let i = random.below(6); i > 0; i--) out[random.below(out.length)] = random.below(256);
    return out.subarray(0, random.chance(0.2) ? random.below(out.length) : undefined);
  };
  const readers: readonly ((random: Random) => unknown)[] = [
    (random) => decodeDiscoveryRequest(bytes(random), envoyRegistry()),
    (random) => decodeDeltaDiscoveryRequest(bytes(random), envoyRegistry()),
    (random) => decodeJsonRequest(Buffer.from(damaged(random.pick(texts), random)), envoyRegistry()),
    (random) => {
      const name = canonicalName(damaged(random.pick(texts), random));
      collectionOf(name);
      isGlob(name);
      if (canonicalName(name) !== name) throw new Error(`the canonical name of a canonical name differs: ${name}`);
    },
  ];
  const read = (random: Random) => {
    try {
      random.pick(readers)(random);
    } catch (error) {
      if (!(error instanceof XdsError)) throw error;
    }
  };
  expect(slowest(3_000_000, read)).toBeLessThan(1_000);
});
