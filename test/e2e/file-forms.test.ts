import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readResourceFile } from "../../src/source/reading/resource-file.js";
import { describeWithEnvoy, startEnvoyWith } from "./envoy.js";
import { eventually } from "./eventually.js";

const cluster = (name: string) => ({
  "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  name,
  type: "STATIC",
});
const wrapper = { "@type": "type.googleapis.com/envoy.service.discovery.v3.Resource" };

/** What a file of clusters may say → whether Envoy takes it for its path_config_source. */
const forms: readonly (readonly [form: string, file: object, envoyTakes: boolean])[] = [
  ["resources", { resources: [cluster("a")] }, true],
  ["one object in place of a list", { resources: cluster("a") }, true],
  [
    "a response with all its fields",
    { version_info: "1", type_url: cluster("a")["@type"], nonce: "n", resources: [cluster("a")] },
    true,
  ],
  ["a wrapped resource", { resources: [{ ...wrapper, name: "a", resource: cluster("a") }] }, true],
  ["a wrapped resource without the wrapper's @type", { resources: [{ name: "a", resource: cluster("a") }] }, false],
  ["a list", [cluster("a")], false],
  ["a resource without @type", { resources: [{ name: "a", type: "STATIC" }] }, false],
];

describeWithEnvoy("A file that an Envoy reads its clusters from", () => {
  it.each(forms)("is read here too: %s", async (_, file, envoyTakes) => {
    const text = JSON.stringify(file);
    const read = readResourceFile("clusters.json", Buffer.from(text));
    expect([read.problems, read.resources.map(({ resource }) => resource.name)]).toEqual([[], ["a"]]);

    const directory = await mkdtemp(join(tmpdir(), "envoy-file-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const path = join(directory, "clusters.json");
    await writeFile(path, text);
    const admin = { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } };
    const cds_config = { resource_api_version: "V3", path_config_source: { path } };
    const node = { id: "x", cluster: "x" };
    const envoy = startEnvoyWith(JSON.stringify({ node, admin, dynamic_resources: { cds_config } }));
    const outcome = async () => {
      const success = await envoy.stat("cluster_manager.cds.update_success");
      const refused = await envoy.total(/cluster_manager\.cds\.update_(?:rejected|failure)/);
      expect(success + refused).toBeGreaterThan(0);
      return success > 0;
    };
    expect(await eventually(outcome)).toBe(envoyTakes);
  });
});
