import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { clusterType } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { outerEnvironment, xds } from "./program.js";
import { Folder, shownCertificate } from "./serving.js";

const cluster = (name: string) => `resources: [{ "@type": "${clusterType}", name: ${name} }]\n`;
const nothing = { level: "info", msg: "settings read again; nothing changed" };

test("SIGHUP has settings, certificates and files read again, and the log says what changed", async () => {
  const folder = new Folder();
  folder.write("a.yaml", cluster("a"));
  folder.write("b.yaml", cluster("b"));
  const own = folder.pair("server", selfSigned());
  const settings = (...lines: string[]) =>
    folder.write(
      "xds.yaml",
      ["port: 0", "rest_port: 0", `tls: { cert: ${own.cert}, key: ${own.key} }`, ...lines].join("\n"),
    );
  const server = xds.start("serve", "--config", settings("paths: [a.yaml]"));
  const { grpc } = await server.ports();

  server.signal("SIGHUP");
  await server.logged({ level: "info", msg: "configuration read again; nothing changed" });
  await server.logged({ level: "info", msg: "certificates read again; nothing changed" });
  await server.logged(nothing);

  const next = selfSigned();
  folder.pair("server", next);
  settings(
    "paths: [a.yaml, b.yaml]",
    "log: { level: debug }",
    "limits: { streams: 7 }",
    "node_groups: [{ group: x, id: x }]",
  );
  server.signal("SIGHUP");
  await server.logged({
    level: "info",
    settings: ["log.level", "paths", "node_groups"],
    msg: "these settings changed and are in use now",
  });
  await server.logged({
    level: "warn",
    settings: ["limits.streams"],
    msg: "these settings changed; restart the program to use them",
  });
  await server.logged({ added: 1, changed: 0, removed: 0, msg: "serving the changed configuration" });
  await vi.waitFor(async () => expect((await shownCertificate(grpc)).equals(derOf(next.cert))).toBe(true));
  expect(server.log().filter(({ msg }) => msg === nothing.msg)).toHaveLength(1);

  settings("prot: 7");
  server.signal("SIGHUP");
  await server.logged({
    level: "error",
    error: expect.stringMatching(/xds\.yaml:4:1: prot: no such setting; did you mean port\?/),
    msg: "the new settings cannot be used; the old ones stay in use",
  });

  settings("paths: [a.yaml]", "admin: { host: 0.0.0.0 }");
  server.signal("SIGHUP");
  await server.logged({
    level: "error",
    error: expect.stringMatching(/^--admin-host 0\.0\.0\.0 can be reached from other machines/),
    msg: "the new settings cannot be used; the old ones stay in use",
  });
  const { admin } = await server.ports();
  const page = async (name: string) => (await fetch(`http://127.0.0.1:${admin}/${name}`)).text();
  expect(await page("ready")).toMatch(
    /^LIVE\nstill serving with the old settings, since .*Z: --admin-host 0\.0\.0\.0 can/,
  );
  expect(await page("metrics")).toContain("\nxds_settings_outdated 1\n");
  expect((await xds("status", "--admin", `http://127.0.0.1:${admin}`)).stdout).toMatch(
    /^the old settings stay in use; the settings file cannot be used since .*:\n {2}--admin-host 0\.0\.0\.0 can/,
  );
  settings("paths: [a.yaml]", "admin: { host: 127.0.0.1 }");
  server.signal("SIGHUP");
  await vi.waitFor(async () => expect(await page("metrics")).toContain("\nxds_settings_outdated 0\n"), 10_000);
  expect(await page("ready")).toBe("LIVE\n");
  server.signal("SIGTERM");
  expect(await server.end()).toBe(0);
});

test("SIGHUP reads a configuration again that stays bad, and one whose validation changed", async () => {
  const folder = new Folder();
  folder.write("a.yaml", cluster("a"));
  const file = folder.write("xds.yaml", "port: 0\nrest_port: 0\n");
  const server = xds.start("serve", "--config", file, `${folder.path}/a.yaml`);
  await server.ports();
  const failures = () => server.log().filter(({ msg }) => msg === "still serving the last good configuration").length;
  folder.write("a.yaml", `resources: [{ "@type": "${clusterType}", name: a, connect_timeout: 0s }]\n`);
  await vi.waitFor(() => expect(failures()).toBe(1), 10_000);
  server.signal("SIGHUP");
  await vi.waitFor(() => expect(failures()).toBe(2), 10_000);
  folder.write("xds.yaml", "port: 0\nrest_port: 0\nvalidation: off\n");
  server.signal("SIGHUP");
  await server.logged({ msg: "serving the changed configuration", changed: 1 });
});

test("a pipe in the place of the settings is not waited for: SIGHUP and the end go on", async () => {
  const folder = new Folder();
  folder.write("a.yaml", cluster("a"));
  const text = "port: 0\nrest_port: 0\npaths: [a.yaml]\n";
  const file = folder.write("xds.yaml", text);
  const server = xds.start("serve", "--config", file);
  await server.ports();
  rmSync(file);
  execFileSync("mkfifo", [file]);
  server.signal("SIGHUP");
  await server.logged({
    level: "error",
    error: `${file}: cannot be read: expected a regular file, got a pipe`,
    msg: "the new settings cannot be used; the old ones stay in use",
  });
  rmSync(file);
  folder.write("xds.yaml", text);
  server.signal("SIGHUP");
  await server.logged(nothing);
  server.signal("SIGTERM");
  expect(await server.end()).toBe(0);
});

/** Variables with which a program gets a SIGHUP when it begins to load this module of its own. */
function hangupAtLoading(folder: Folder, module: string): NodeJS.ProcessEnv {
  const hooks = `export const load = (url, context, next) => {
    if (/\\/cli\\/${module}(-\\w+)?\\.js$/.test(url)) process.kill(process.pid, "SIGHUP");
    return next(url, context);
  };`;
  const code = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;
  return { NODE_OPTIONS: `--import=${folder.write("hooks.mjs", code)}` };
}

const early = ["serve", "run"]; // `run` is loaded before any command is known
test.each(early)("a SIGHUP that comes while %s is loaded has everything read again when it serves", async (module) => {
  const folder = new Folder();
  const config = folder.write("a.yaml", cluster("a"));
  const variables = hangupAtLoading(folder, module);
  const server = xds.startWith(variables, "serve", config, "--port", "0", "--rest-port", "0");
  await server.ports();
  await server.logged({ level: "info", msg: "configuration read again; nothing changed" });
  server.signal("SIGTERM");
  expect(await server.end()).toBe(0);
});

test("an early SIGHUP ends what does not serve", async () => {
  const folder = new Folder();
  const config = folder.write("a.yaml", cluster("a"));
  const { code } = await xds.with(hangupAtLoading(folder, "serve"), "serve", config, "--check");
  expect(code).toBe("SIGHUP");
  const validated = await xds.with(hangupAtLoading(folder, "validate"), "validate", config);
  expect(validated.code).toBe("SIGHUP");
});

test("a SIGHUP that comes with the end of its terminal drains and ends it", async () => {
  const folder = new Folder();
  const config = folder.write("a.yaml", cluster("a"));
  const log = `${folder.path}/log`;
  // Python gives it a terminal, and takes it away when the server serves.
  const script = [
    "import os, pty, sys, time",
    "pid, terminal = pty.fork()",
    "if pid == 0:",
    "  os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 2)",
    "  os.execvp(sys.argv[2], sys.argv[2:])",
    "seen = b''",
    "while b'envoy -c' not in seen: seen += os.read(terminal, 4096)",
    "os.close(terminal)",
    "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
  ].join("\n");
  const args = ["-c", script, log, inject("xds"), "serve", config, "--port", "0", "--rest-port", "0"];
  const python = spawn("python3", args, { env: { ...outerEnvironment(), XDS_ADMIN_PORT: "0" } });
  onTestFinished(() => void python.kill("SIGKILL"));
  let printed = "";
  python.stdout.on("data", (chunk) => (printed += String(chunk)));
  await once(python, "close");
  expect(printed).toBe("-1\n"); // SIGHUP
  expect(readFileSync(log, "utf8")).toContain('"msg":"drained"');
});

const derOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
