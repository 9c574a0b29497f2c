import { execFile } from "node:child_process";
import { expect, inject, test } from "vitest";
import { Folder } from "../cli/serving.js";
import { regexSizes } from "../corpus/regex-sizes.js";
import { describeWithEnvoy } from "./envoy.js";

const sampleSize = 12;

describeWithEnvoy("the recorded sizes of expressions", () => {
  test("are this Envoy's, of a sample", { timeout: 120_000 }, async () => {
    const { binary } = inject("envoy") as { binary: string };
    const all = Object.entries(regexSizes);
    const step = process.env.XDS_SOAK === "1" ? 1 : Math.floor(all.length / sampleSize);
    const sample = all.filter((_, index) => index % step === Date.now() % step);
    const folder = new Folder();
    for (const [pattern, size] of sample)
      expect(await envoysSize(binary, folder.write("envoy.json", fileOf(pattern))), pattern).toBe(size);
  });
});

/** No expression is small enough, so Envoy tells the size of each. */
const layers = [{ name: "all", static_layer: { "re2.max_program_size.error_level": 0 } }];
const managerType = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

function fileOf(regex: string): string {
  const routes = [{ match: { safe_regex: { regex } }, direct_response: { status: 200 } }];
  const router = { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" };
  const typed_config = {
    "@type": `type.googleapis.com/${managerType}`,
    stat_prefix: "x",
    http_filters: [{ name: "router", typed_config: router }],
    route_config: { virtual_hosts: [{ name: "v", domains: ["*"], routes }] },
  };
  const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  const listeners = [{ name: "l", address, filter_chains: [{ filters: [{ name: "http", typed_config }] }] }];
  return JSON.stringify({ layered_runtime: { layers }, static_resources: { listeners } });
}

const envoysSize = (binary: string, file: string) =>
  new Promise<number>((resolve) => {
    execFile(binary, ["--mode", "validate", "-l", "critical", "-c", file], (_error, _stdout, stderr) =>
      resolve(Number(/RE2 program size of (\d+)/.exec(stderr)?.[1])),
    );
  });
