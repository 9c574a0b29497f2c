import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { clusterType } from "../../src/resource/types.js";
import { install } from "./installed.js";
import { Program } from "./program.js";
import { openStream } from "./serving.js";

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

/** Serves a cluster to a node, and changes it once. Resolves when the node has taken it. */
async function serveOneChange(
  folder: string,
  binary: string,
  variables: NodeJS.ProcessEnv,
  ...flags: string[]
): Promise<Program> {
  const write = (timeout: string) =>
    writeFile(join(folder, "a.json"), JSON.stringify({ "@type": clusterType, name: "a", connectTimeout: timeout }));
  await write("1s");
  const args = ["serve", "a.json", "--port", "0", "--rest-port", "off", "--log-format", "json", ...flags];
  const program = new Program(args, { cwd: folder, variables, binary });
  onTestFinished(async () => {
    program.signal("SIGKILL");
    await program.end();
  });
  const stream = openStream((await program.ports()).grpc);
  stream.send({ resourceNamesSubscribe: ["*"] });
  await program.logged({ msg: "stream opened" });
  await write("2s");
  if (flags.length === 0) await program.logged({ msg: "serving the changed configuration", changed: 1 });
  return program;
}

/** What the console's exporter prints of the last span of this name, as an object of JavaScript. */
const lastSpan = (stdout: string, name: string) =>
  stdout.split(/^(?=\{$)/m).findLast((text) => text.includes(`\n  name: '${name}'`)) ?? "";

describe("xds serve, installed beside OpenTelemetry", () => {
  let page: string;
  let folder: string;
  let binary: string;
  beforeAll(async () => {
    page = await read("docs/metrics.md");
    folder = await mkdtemp(join(tmpdir(), "xds-traces-"));
    const [, packages = ""] = /^npm install ts-control-plane (.*)$/m.exec(page) ?? [];
    const { devDependencies } = JSON.parse(await read("package.json")) as { devDependencies: Record<string, string> };
    const others = packages.split(" ").map((name) => `${name}@${devDependencies[name]}`);
    binary = await install(folder, inject("tarball"), ...others);
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true }));

  test("makes the spans of a change, with the file of docs/metrics.md", async () => {
    const [, file = ""] = /^```js tracing\.mjs\n([\s\S]*?)^```$/m.exec(page) ?? [];
    await writeFile(join(folder, "tracing.mjs"), file);
    const [, options] = /^NODE_OPTIONS="(.*?)" npx xds serve/m.exec(page) ?? [];
    const program = await serveOneChange(folder, binary, { NODE_OPTIONS: options });
    // The first configuration is a change, too.
    await program.printed(/(name: 'xds\.change'[\s\S]*){2}\n}\n/);
    const change = lastSpan(program.stdout, "xds.change");
    expect(change).toMatch(/instrumentationScope: \{\s+name: 'ts-control-plane'/);
    expect(change).toMatch(
      /'xds\.added': 0,\s+'xds\.changed': 1,\s+'xds\.removed': 0,\s+'xds\.version\.clusters': '[0-9a-f]{16}'/,
    );
    const [, id] = /\bid: '([0-9a-f]{16})'/.exec(change) ?? [];
    for (const name of ["xds.publish", "xds.apply"])
      expect(lastSpan(program.stdout, name)).toMatch(new RegExp(`parentSpanContext: \\{[^}]*spanId: '${id}'`));
  });

  test("makes a span of each wave of a rollout", async () => {
    const [, file = ""] = /^```js tracing\.mjs\n([\s\S]*?)^```$/m.exec(page) ?? [];
    await writeFile(join(folder, "tracing.mjs"), file);
    const [, options] = /^NODE_OPTIONS="(.*?)" npx xds serve/m.exec(page) ?? [];
    const flags = ["--rollout-strategy", "gradual", "--rollout-bake", "100ms"];
    const program = await serveOneChange(folder, binary, { NODE_OPTIONS: options }, ...flags);
    await program.printed(/(name: 'xds\.rollout\.wave'[\s\S]*){2}\n}\n/);
    expect(lastSpan(program.stdout, "xds.rollout.wave")).toMatch(
      /'xds\.rollout': '[^']+',\s+'xds\.revision': 2,\s+'xds\.rollout\.wave': [1-9],\s+'xds\.rollout\.share': [\d.]+/,
    );
  });

  // prom-client always needs the package; only npm puts it where others find it too.
  test("and where only prom-client has the package, serves changes all the same, and says nothing of it", async () => {
    const modules = join(folder, "node_modules");
    const [beside, nested] = [
      join(modules, "@opentelemetry"),
      join(modules, "prom-client/node_modules/@opentelemetry"),
    ];
    await mkdir(dirname(nested), { recursive: true });
    await rename(beside, nested);
    onTestFinished(() => rename(nested, beside));
    const program = await serveOneChange(folder, binary, {});
    const messages = program.log().map(({ msg }) => msg);
    expect(messages).toEqual(["serving", "stream opened", "serving the changed configuration"]);
    expect(program.stdout + program.stderr).not.toMatch(/opentelemetry/i);
  });
});
