import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BuildOptions, build } from "esbuild";
import { describe, expect, inject, it, onTestFinished, vi } from "vitest";
import { XdsClient } from "../../src/client/index.js";
import { clusterType } from "../../src/index.js";
import { findBun } from "./find-bun.js";
import { Program } from "./program.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const quickstart = join(root, "examples/quickstart");
/** Where the package is installed, and so where its imports are found when a program is bundled. */
const installed = dirname(dirname(dirname(inject("xds"))));

/** A small control plane that serves a directory. */
const controlPlane = `
  import { Snapshot, SnapshotCache, validate, XdsServer } from "ts-control-plane";
  import { DirectorySource, formatProblem, viewOf } from "ts-control-plane/source";

  const cache = new SnapshotCache({ nodeGroup: () => "all" });
  const source = new DirectorySource([process.argv[2]]);
  function publish(reading) {
    if ("problems" in reading) throw new Error(reading.problems.map(formatProblem).join());
    const snapshot = Snapshot.of(viewOf(reading.configuration, undefined));
    console.log("findings " + validate(snapshot).length);
    cache.set("all", snapshot);
  }
  async function main() {
    publish(await source.open(publish));
    const server = new XdsServer(cache);
    const { grpc } = await server.listen({ port: 0 });
    await started(server);
    console.log("port " + grpc.port + ";");
  }
  main();
`;
const alone = `${controlPlane} async function started() {}`;
/** The same with an admin port, whose metrics come from a CommonJS package. */
const withAdmin = `
  import { AdminServer } from "ts-control-plane/admin";
  ${controlPlane}
  const started = (server) => AdminServer.start(server, { port: 0, groups: cache });
`;

/** A folder with nothing else in it, and no node_modules above it. */
async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "xds-bundle-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Runs a bundle, without its packages: it serves what the directory has, and what it has later. */
async function expectToServe(folder: string, binary: string, ...args: string[]): Promise<void> {
  const directory = join(folder, "config");
  await cp(quickstart, directory, { recursive: true });
  const program = new Program([...args, directory], { cwd: folder, binary });
  onTestFinished(() => program.signal("SIGKILL"));
  await vi.waitFor(() => expect(program.stdout, program.stderr).toMatch(/port \d+;/), 20_000);
  expect(program.stdout).toContain("findings 0");

  const address = `127.0.0.1:${/port (\d+);/.exec(program.stdout)?.[1]}`;
  const client = new XdsClient({ address, node: { id: "probe" }, variant: "delta" });
  onTestFinished(() => client.close());
  client.subscribe(clusterType);
  await client.synced(clusterType);
  const names = () => [...client.resources(clusterType).keys()];
  expect(names()).not.toEqual([]);
  const added = `"@type": ${clusterType}\nname: added\ntype: STATIC\n`;
  await writeFile(join(directory, "added.yaml"), added);
  await vi.waitFor(() => expect(names()).toContain("added"), 10_000);
}

describe("a control plane that is bundled by esbuild", () => {
  async function bundled(contents: string, extension: string, options: BuildOptions): Promise<string> {
    const folder = await emptyFolder();
    const outfile = join(folder, `bundle.${extension}`);
    const stdin = { contents, resolveDir: installed };
    const { warnings } = await build({
      stdin,
      bundle: true,
      platform: "node",
      outfile,
      logLevel: "silent",
      ...options,
    });
    expect(warnings).toEqual([]);
    return folder;
  }

  it("serves as an ES module", async () => {
    const folder = await bundled(alone, "mjs", { format: "esm" });
    await expectToServe(folder, process.execPath, "bundle.mjs");
  });

  it("serves as an ES module with an admin port, given a require() for what is CommonJS", async () => {
    const js = /--banner:js='(.+)'/.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1] as string;
    const folder = await bundled(withAdmin, "mjs", { format: "esm", banner: { js }, minify: true });
    await expectToServe(folder, process.execPath, "bundle.mjs");
  });

  it("serves as CommonJS", async () => {
    const folder = await bundled(withAdmin, "cjs", { format: "cjs" });
    await expectToServe(folder, process.execPath, "bundle.cjs");
  });
});

describe("the program, bundled as docs/configuration.md says", () => {
  it("serves, and reads files in a thread", async () => {
    const [, command] =
      /^```sh\n(esbuild [^`]+)```/m.exec(readFileSync(join(root, "docs/configuration.md"), "utf8")) ?? [];
    const folder = await emptyFolder();
    await mkdir(join(folder, "node_modules"));
    await symlink(join(installed, "node_modules/ts-control-plane"), join(folder, "node_modules/ts-control-plane"));
    const env = { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}` };
    await promisify(execFile)("sh", ["-c", command as string], { cwd: folder, env });
    await rm(join(folder, "node_modules"), { recursive: true });

    const args = ["serve", quickstart, "--port", "0", "--rest-port", "0"];
    const program = new Program([join(folder, "bundle/main.mjs"), ...args], { cwd: folder, binary: process.execPath });
    onTestFinished(() => program.signal("SIGKILL"));
    await program.ports();
    expect(program.log()).toEqual([expect.objectContaining({ level: "info", msg: "serving" })]);
  });
});

const bun = await findBun();
const isRequired = process.env.XDS_REQUIRE_BUN === "1";

describe(`a control plane that is compiled by Bun${"missing" in bun ? ` (${bun.missing})` : ""}`, () => {
  it.skipIf("missing" in bun && !isRequired)("serves as one program", async () => {
    if ("missing" in bun) throw new Error(bun.missing);
    const folder = await emptyFolder();
    const [source, program] = [join(installed, "control-plane.mjs"), join(folder, "control-plane")];
    await writeFile(source, withAdmin);
    onTestFinished(() => rm(source));
    const args = ["build", "--compile", source, "--outfile", program];
    await promisify(execFile)(bun.binary, args, { cwd: folder, timeout: 120_000 });
    await expectToServe(folder, program);
  });
});
