import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, loadAll } from "js-yaml";
import { expect, onTestFinished, test } from "vitest";
import { AdminServer } from "../../src/admin/index.js";
import { flagOf, settings } from "../../src/cli/settings/settings.js";
import { readSettingsFile } from "../../src/cli/settings/settings-file.js";
import { SnapshotCache, XdsServer } from "../../src/index.js";

const page = await readFile(new URL("../../docs/deployment.md", import.meta.url), "utf8");
const blocks = Array.from(page.matchAll(/^```yaml ?(.*)\n([\s\S]*?)^```$/gm), ([, name = "", text = ""]) => ({
  name,
  text,
}));

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Deployment {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
}
interface Container {
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

test("the settings on docs/deployment.md are taken", async () => {
  const directory = await mkdtemp(join(tmpdir(), "xds-page-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [file] = blocks.filter(({ name }) => name === "xds.yaml");
  await writeFile(join(directory, "xds.yaml"), file?.text ?? "");
  await expect(readSettingsFile(join(directory, "xds.yaml"))).resolves.toMatchObject({
    paths: [join(directory, "config")],
  });
});

test("the other YAML on docs/deployment.md can be parsed", () => {
  const others = blocks.filter(({ name }) => name === "");
  expect(others).toHaveLength(4);
  for (const { text } of others) expect(loadAll(text)).not.toContain(undefined);
});

test("the Deployment on docs/deployment.md has flags, ports and probes that there are", async () => {
  const text = blocks.map((block) => block.text).find((block) => block.includes("kind: Deployment")) ?? "";
  const deployment = load(text.split(/^---$/m)[0] ?? "") as Deployment;
  const [container] = deployment.spec.template.spec.containers;
  if (!container) throw new Error("no container");

  const [command, , ...flags] = container.args;
  expect(command).toBe("serve");
  const known = Object.values(settings).map((setting) => flagOf(setting));
  for (const flag of flags) expect(known).toContain(flag.split("=")[0]);
  const portOf = (key: string) => Number(Object.values(settings).find((setting) => setting.key === key)?.default);
  expect(container.ports).toEqual([
    { name: "grpc", containerPort: portOf("port") },
    { name: "admin", containerPort: portOf("admin.port") },
  ]);

  const admin = await AdminServer.start(new XdsServer(new SnapshotCache()), { port: 0 });
  onTestFinished(() => admin.close());
  for (const { httpGet } of [container.readinessProbe, container.livenessProbe]) {
    expect(httpGet.port).toBe("admin");
    const { status } = await fetch(`http://127.0.0.1:${admin.address.port}${httpGet.path}`);
    expect([200, 503]).toContain(status); // 404: no such page
  }
});
