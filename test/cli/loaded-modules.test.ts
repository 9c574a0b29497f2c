import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, inject, test } from "vitest";
import { xds } from "./program.js";
import { Folder } from "./serving.js";

/** A module that prints at the end of a process how many files of grpc-js it has loaded. */
const counter = `process.on("exit", () => {
  const files = Object.keys(require.cache).filter((path) => path.includes("grpc-js"));
  require("node:fs").writeSync(2, "files of grpc-js: " + files.length + "\\n");
});\n`;

/** Imports entry points of the installed package in a new process; what {@link counter} prints. */
function imported(folder: Folder, ...paths: string[]): string {
  const installed = dirname(dirname(dirname(realpathSync(inject("xds"))))); // of dist/cli/main.js
  const script = paths.map((path) => `await import(${JSON.stringify(join(installed, path))});`).join("\n");
  const args = ["--require", folder.write("counter.cjs", counter), "--input-type=module", "-e", script];
  return spawnSync(process.execPath, args, { encoding: "utf8" }).stderr;
}

test("the library and its admin server load nothing of grpc-js", () => {
  expect(imported(new Folder(), "dist/index.js", "dist/admin/index.js")).toBe("files of grpc-js: 0\n");
});

test("the client does, so the count can tell", () => {
  expect(imported(new Folder(), "dist/client/index.js")).toMatch(/^files of grpc-js: [1-9]\d*\n$/);
});

test("xds serve loads nothing of grpc-js", async () => {
  const folder = new Folder();
  const config = folder.write("a.yaml", "resources: []\n");
  const NODE_OPTIONS = `--require ${folder.write("counter.cjs", counter)}`;
  const server = xds.startWith({ NODE_OPTIONS }, "serve", config, "--port", "0", "--rest-port", "0");
  await server.ports();
  server.signal("SIGTERM");
  expect(await server.end()).toBe(0);
  expect(server.stderr).toContain("files of grpc-js: 0\n");
});
