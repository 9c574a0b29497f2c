import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { clusterType } from "../../src/index.js";
import { xds } from "./program.js";
import { Folder } from "./serving.js";

const files = (seconds: number) =>
  JSON.stringify({ resources: [{ "@type": clusterType, name: "a", connect_timeout: `${seconds}s` }] });

/**
 * A server with a program as its Envoy. That program refuses a timeout of 77 s, once the file `wait` is gone, and
 * crashes on one of 88 s.
 */
async function serverWithEnvoy() {
  const folder = new Folder();
  mkdirSync(join(folder.path, "config"));
  mkdirSync(join(folder.path, "tmp"));
  const at = (name: string) => join(folder.path, name);
  const envoy = folder.write(
    "envoy",
    `#!/bin/sh
[ "$1" = --version ] && echo "envoy  version: 0a1/1.40.0/Clean/RELEASE/BoringSSL" && exit 0
for file; do :; done
grep -q '"88s"' "$file" && kill -SEGV $$
grep -q '"77s"' "$file" || exit 0
echo $$ > "${at("pid")}"
while [ -e "${at("wait")}" ]; do sleep 0.05; done
echo "error initializing configuration '$file': no such timeout"
exit 1
`,
  );
  chmodSync(envoy, 0o755);
  folder.write("wait", "");
  folder.write("config/a.json", files(1));
  const server = xds.startWith(
    { TMPDIR: at("tmp") },
    "serve",
    at("config"),
    "--port",
    "0",
    "--rest-port",
    "0",
    "--checks-envoy",
    envoy,
  );
  await server.ports();
  folder.write("config/a.json", files(77));
  await vi.waitFor(() => expect(existsSync(at("pid"))).toBe(true), { timeout: 30_000 });
  const pid = await vi.waitFor(() => {
    const text = readFileSync(at("pid"), "utf8");
    expect(text).toMatch(/^\d+\n$/);
    return Number(text);
  });
  onTestFinished(() => rmSync(at("wait"), { force: true }));
  return { server, at, pid };
}

/** Whether a process runs. A process that has ended can stay as a zombie, if the first process collects none. */
const isAlive = (pid: number): boolean => {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

test("SIGHUP does not disturb the Envoy that checks a change", async () => {
  const { server, at } = await serverWithEnvoy();
  server.signal("SIGHUP");
  await server.logged({ msg: "settings read again; nothing changed" });
  rmSync(at("wait"));
  await server.logged({ code: "ENVOY_RULE", msg: expect.stringContaining("Envoy refuses it: no such timeout") });
  expect(server.log().filter(({ msg }) => /could not be asked|serving the changed/.test(msg))).toEqual([]);
});

test("SIGTERM drains while an Envoy checks a change, and leaves neither that Envoy nor its files", async () => {
  const { server, at, pid } = await serverWithEnvoy();
  expect(readdirSync(at("tmp"))).toEqual([expect.stringMatching(/^xds-validate-/)]);
  expect(isAlive(pid)).toBe(true);
  server.signal("SIGTERM");
  expect(await server.end()).toBe(0);
  expect(server.log().map(({ msg }) => msg)).toContain("drained");
  expect(readdirSync(at("tmp"))).toEqual([]);
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
});

test("a change on which the Envoy crashes is served, with a warning that names the resource", async () => {
  const { server, at } = await serverWithEnvoy();
  rmSync(at("wait"));
  await server.logged({ code: "ENVOY_RULE", level: "error" });
  writeFileSync(at("config/a.json"), files(88));
  const crash = "Envoy crashed (SIGSEGV) on this in its --mode validate; it is served all the same";
  await server.logged({
    ...{ level: "warn", code: "ENVOY_RULE" },
    msg: expect.stringMatching(new RegExp(`config/a\\.json:1:\\d+: clusters/a: ${crash.replace(/[()]/g, "\\$&")}$`)),
  });
  await server.logged({ msg: "serving the changed configuration", changed: 1 });
});
