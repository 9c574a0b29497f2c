import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { startupMessage } from "../../src/cli/serve/startup-message.js";
import { readableLine } from "../../src/cli/terminal/log.js";
import { clusterType, routeType } from "../../src/resource/types.js";
import { readResourceFile } from "../../src/source/reading/resource-file.js";
import { selfSigned } from "../e2e/certificate.js";
import { get } from "../e2e/http.js";
import { xdsHere } from "./in-process.js";
import { Program, xds } from "./program.js";
import { metric, openStream } from "./serving.js";

let directory: string;
const programs: Program[] = [];
const clients: Client[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-cli-"));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const program of programs.splice(0)) {
    program.signal("SIGKILL");
    await program.end();
  }
  await rm(directory, { recursive: true });
});

const run = (...args: string[]) => {
  const program = new Program(args);
  programs.push(program);
  return program;
};
const serve = (...args: string[]) => run("serve", directory, "--port", "0", "--rest-port", "0", ...args);

const clusterNamed = (name: string, timeout = "1s") =>
  `resources:\n- "@type": ${clusterType}\n  name: ${name}\n  connect_timeout: ${timeout}\n`;

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(directory, name)), { recursive: true });
  await writeFile(join(directory, name), text);
}

/** The clusters that a node gets over REST, as `name timeout`. */
async function clustersOf(port: number, node: object = { id: "any" }): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${port}/v3/discovery:clusters`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ node }),
  });
  const { resources = [] } = (await response.json()) as { resources?: { name: string; connectTimeout: string }[] };
  return resources.map(({ name, connectTimeout }) => `${name} ${connectTimeout}`).sort();
}

/** An ADS stream (SotW) that asks for all clusters. */
function subscribe(port: number, id: string) {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  clients.push(client);
  const call = client.makeBidiStreamRequest(
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
  );
  const send = (request: Parameters<typeof create<typeof DiscoveryRequestSchema>>[1]) => {
    const message = create(DiscoveryRequestSchema, { typeUrl: clusterType, ...request });
    call.write(Buffer.from(toBinary(DiscoveryRequestSchema, message)));
  };
  const responses: { nonce: string; versionInfo: string }[] = [];
  call.on("data", (bytes: Buffer) => responses.push(fromBinary(DiscoveryResponseSchema, bytes)));
  const ended = new Promise<{ code: number; details: string }>((resolve) => call.on("error", resolve as never));
  send({ node: { id } });
  return { responses, send, ended, cancel: () => call.cancel() };
}

describe("xds serve", () => {
  test("says where it serves and how to point an Envoy at it, and serves what the files hold", async () => {
    await write("a.yaml", clusterNamed("a"));
    await write("b.json", JSON.stringify({ "@type": clusterType, name: "b", connectTimeout: "2s" }));
    const program = serve();
    const { grpc, rest } = await program.ports();
    expect(program.stdout).toContain(
      ` bootstrap --server 127.0.0.1:${grpc} > bootstrap.yaml\n  envoy -c bootstrap.yaml\n`,
    );
    await program.logged({ level: "info", msg: "serving", clusters: 2 });
    expect(await clustersOf(rest)).toEqual(["a 1s", "b 2s"]);
  });

  test("serves the nodes of a group what is in its directory besides, by id or by cluster", async () => {
    await write("a.yaml", clusterNamed("a"));
    await write("groups/edge/b.yaml", clusterNamed("b"));
    const byId = serve();
    const byCluster = serve("--node-group", "cluster");
    const [idPort, clusterPort] = [(await byId.ports()).rest, (await byCluster.ports()).rest];
    await byId.logged({ msg: "serving", clusters: 2, groups: ["edge"] });
    expect(await clustersOf(idPort, { id: "edge", cluster: "x" })).toEqual(["a 1s", "b 1s"]);
    expect(await clustersOf(idPort, { id: "x", cluster: "edge" })).toEqual(["a 1s"]);
    expect(await clustersOf(clusterPort, { id: "x", cluster: "edge" })).toEqual(["a 1s", "b 1s"]);
    expect(await clustersOf(clusterPort, { id: "edge", cluster: "x" })).toEqual(["a 1s"]);
  });

  test("takes up edits, and a group's directory that goes or comes, with a line that counts the changes", async () => {
    await write("a.yaml", clusterNamed("a"));
    await write("groups/edge/b.yaml", clusterNamed("b"));
    const program = serve();
    const { rest } = await program.ports();
    await write("a.yaml", `${clusterNamed("a", "3s")}- "@type": ${clusterType}\n  name: new\n`);
    await program.logged({ msg: "serving the changed configuration", added: 1, changed: 1, removed: 0 });
    expect(await clustersOf(rest, { id: "edge" })).toEqual(["a 3s", "b 1s", "new undefined"]);
    await rename(join(directory, "groups/edge"), join(directory, "groups/core"));
    await program.logged({ msg: "serving the changed configuration", added: 1, changed: 0, removed: 1 });
    expect(await clustersOf(rest, { id: "edge" })).toEqual(["a 3s", "new undefined"]);
    expect(await clustersOf(rest, { id: "core" })).toEqual(["a 3s", "b 1s", "new undefined"]);
  });

  test("warns when an edit leaves nothing to serve", async () => {
    await write("a.yaml", clusterNamed("a"));
    const program = serve("--guards-removal", "off");
    await program.ports();
    await write("a.yaml", "resources: []");
    await program.logged({ msg: "serving the changed configuration", added: 0, changed: 0, removed: 1 });
    await program.logged({
      level: "warn",
      msg: "the files hold no resources; nothing is served until they do",
    });
  });

  test("reports a bad edit and serves the last good configuration in full until it is healed", async () => {
    await write("a.yaml", clusterNamed("a"));
    await write("b.yaml", clusterNamed("b"));
    const program = serve();
    const { rest } = await program.ports();
    await write("a.yaml", clusterNamed("a", "soon"));
    await write("b.yaml", clusterNamed("b", "2s"));
    await program.logged({ level: "error", problems: 1, msg: "still serving the last good configuration" });
    const where = `${directory}/a.yaml:4:20: resources[0].connect_timeout`;
    await program.logged({ level: "error", msg: `${where}: expected a duration such as "1.5s", got "soon"` });
    expect(await clustersOf(rest)).toEqual(["a 1s", "b 1s"]);
    await write("a.yaml", clusterNamed("a"));
    await program.logged({ msg: "serving the changed configuration", added: 0, changed: 1, removed: 0 });
    expect(await clustersOf(rest)).toEqual(["a 1s", "b 2s"]);
    await write("a.yaml", "resources: [");
    await program.logged({ level: "error", msg: expect.stringMatching(/a\.yaml:1:13: not valid YAML or JSON/) });
    await write("a.yaml", clusterNamed("a"));
    await program.logged({ level: "info", msg: "configuration read again; nothing changed" });
  });

  test("starts with a file that says it holds nothing, and says so", async () => {
    await write("a.yaml", "resources: []\n");
    const program = serve();
    const { rest } = await program.ports();
    await program.logged({ level: "warn", paths: [directory] });
    await write("a.yaml", clusterNamed("a"));
    await program.logged({ added: 1 });
    expect(await clustersOf(rest)).toEqual(["a 1s"]);
  });

  test("does not start with a directory that holds nothing, and says what to do", async () => {
    await write("a.yaml", "# nothing yet\n");
    await write("readme.txt", "resources: []\n");
    const program = serve();
    expect(await program.end()).toBe(1);
    expect(program.stderr).toBe(
      `${directory} error UNREADABLE holds no configuration; put its files (.yaml, .yml, .json) there, or one with "resources: []" to serve nothing\n` +
        "xds: 1 problem; nothing is served\n",
    );
  });

  test("serves on through a file that takes more than --limits-file-memory to read, and takes the next edit", async () => {
    await write("a.yaml", clusterNamed("a"));
    const program = serve("--limits-file-memory", "48MiB");
    const { rest } = await program.ports();
    await write("a.yaml", `resources: [${"[],".repeat(2_000_000)}]`);
    const why =
      /a\.yaml: reading the file takes more than 48 MiB of memory, the limit --limits-file-memory; simplify the file, split it, or raise the limit$/;
    await program.logged({ level: "error", code: "UNREADABLE", msg: expect.stringMatching(why) });
    expect(await clustersOf(rest)).toEqual(["a 1s"]);
    await write("a.yaml", clusterNamed("a", "2s"));
    await program.logged({ msg: "serving the changed configuration", changed: 1 });
    expect(await clustersOf(rest)).toEqual(["a 2s"]);
  });

  test("serves on when all files are gone, and says so in the log, at /ready and in xds status", async () => {
    await write("a.yaml", clusterNamed("a"));
    await write("groups/edge/b.yaml", clusterNamed("b"));
    const program = serve("--guards-removal", "off");
    const { rest, admin } = await program.ports();
    const url = `http://127.0.0.1:${admin}`;
    expect((await get(`${url}/ready`)).body).toBe("LIVE\n");
    await rm(join(directory, "a.yaml"));
    await rm(join(directory, "groups"), { recursive: true });
    await program.logged({ level: "error", problems: 1, msg: "still serving the last good configuration" });
    expect(await clustersOf(rest, { id: "edge" })).toEqual(["a 1s", "b 1s"]);
    const why = `${directory}: holds no configuration; put its files`;
    const ready = await get(`${url}/ready`);
    expect(ready.status).toBe(200);
    expect(ready.body).toMatch(/^LIVE\nstill serving the last good configuration, since \d{4}-.*Z: /);
    expect(ready.body).toContain(why);
    const status = await xdsHere("status", "--admin", url);
    expect(status.stdout).toMatch(/^still serving the last good configuration; the files cannot be served since .*:\n/);
    expect(status.stdout).toContain(why);
    await write("groups/core/c.yaml", "resources: []");
    await write("a.yaml", clusterNamed("a", "2s"));
    await program.logged({ msg: "serving the changed configuration", changed: 1, removed: 1 });
    await program.logged({
      level: "warn",
      group: "edge",
      msg: expect.stringMatching(/^this node group's directory is gone/),
    });
    expect((await get(`${url}/ready`)).body).toBe("LIVE\n");
    expect(await clustersOf(rest, { id: "edge" })).toEqual(["a 2s"]);
  });

  test("logs a stream's node, what its client refuses, and its end", async () => {
    await write("a.yaml", clusterNamed("a"));
    const program = serve();
    const { grpc } = await program.ports();
    const { responses, send, cancel } = subscribe(grpc, "node-1");
    await vi.waitFor(() => expect(responses).toHaveLength(1));
    await program.logged({ msg: "stream opened", node: "node-1", variant: "sotw", service: "ads" });
    send({ responseNonce: responses[0]?.nonce ?? "", errorDetail: { code: 3, message: "no, thank you\n" } });
    await program.logged({ level: "warn", node: "node-1", type: "clusters", resources: ["a"], error: "no, thank you" });
    cancel();
    await program.logged({ msg: "stream closed", node: "node-1" });
  });
});

describe("xds serve, at its end", () => {
  test("logs a line for a stream and one for each change, and none for a push", async () => {
    await write("a.yaml", clusterNamed("a"));
    const program = serve();
    const stream = openStream((await program.ports()).grpc);
    stream.send({ resourceNamesSubscribe: ["*"] });
    for (const [index, timeout] of ["2s", "3s", "4s"].entries()) {
      await vi.waitFor(() => expect(stream.responses).toBe(index + 1), 10_000);
      await write("a.yaml", clusterNamed("a", timeout));
    }
    await vi.waitFor(() => expect(stream.responses).toBe(4), 10_000);
    const change = "serving the changed configuration";
    expect(program.log().map(({ msg }) => msg)).toEqual(["serving", "stream opened", change, change, change]);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "drains on %s: streams end with UNAVAILABLE, and it exits with 0",
    async (signal) => {
      await write("a.yaml", clusterNamed("a"));
      const program = serve();
      const { grpc } = await program.ports();
      const { responses, ended } = subscribe(grpc, "node-1");
      await vi.waitFor(() => expect(responses).toHaveLength(1));
      program.signal(signal);
      expect(await ended).toMatchObject({ code: 14, details: expect.stringContaining("shutting down") });
      expect(await program.end()).toBe(0);
      expect(program.log()).toContainEqual(
        expect.objectContaining({ msg: "draining; a second signal ends the program at once" }),
      );
      expect(program.log().at(-1)).toMatchObject({ msg: "drained" });
    },
  );

  test("ends at once at the second signal", async () => {
    await write("a.yaml", clusterNamed("a"));
    const program = serve("--drain-time", "60s");
    const { grpc, admin } = await program.ports();
    // A stream that has asked for nothing yet is not ended before the drain's time is up.
    openStream(grpc);
    await vi.waitFor(
      async () => expect(await metric(admin, 'xds_streams{variant="delta",type="ads"}')).toBe(1),
      10_000,
    );
    program.signal("SIGTERM");
    await program.logged({ signal: "SIGTERM" });
    program.signal("SIGINT");
    expect(await program.end()).toBe(130);
  });

  test("serves on when nobody reads what it prints", async () => {
    await write("a.yaml", clusterNamed("a"));
    const program = serve();
    program.closeStdout();
    await program.logged({ msg: "serving" });
    await write("a.yaml", clusterNamed("b"));
    await program.logged({ msg: "serving the changed configuration" });
    program.signal("SIGTERM");
    expect(await program.end()).toBe(0);
  });

  test("tells all problems of the files, and exits with 1", async () => {
    await write("a.yaml", `${clusterNamed("a", "soon")}  lb_polcy: RANDOM\n`);
    await write("b.json", `{ "@type": "${clusterType}", "name": 7 }`);
    const program = serve();
    expect(await program.end()).toBe(1);
    expect(program.stdout).toBe("");
    expect(program.stderr.replaceAll(directory, "DIR")).toBe(
      'DIR/a.yaml:4:20 error INVALID resources[0].connect_timeout: expected a duration such as "1.5s", got "soon"\n' +
        "DIR/a.yaml:5:3 error INVALID resources[0].lb_polcy: envoy.config.cluster.v3.Cluster has no such field; did you mean lb_policy?\n" +
        'DIR/b.json:1:75 error INVALID name: expected a string, got the number 7; put it in quotes: "7"\n' +
        "xds: 3 problems; nothing is served\n",
    );
  });

  test("tells a path that is not there, and exits with 1", async () => {
    const program = run("serve", join(directory, "nowhere"));
    expect(await program.end()).toBe(1);
    expect(program.stderr).toBe(
      `${directory}/nowhere error UNREADABLE no such file or directory; check the path, or put it back\nxds: 1 problem; nothing is served\n`,
    );
  });

  test.each(["--port", "--rest-port"])("tells a port that is taken (%s), and exits with 1", async (option) => {
    await write("a.yaml", clusterNamed("a"));
    const taken = createServer().listen(0, "127.0.0.1");
    await vi.waitFor(() => expect(taken.listening).toBe(true));
    const { port } = taken.address() as AddressInfo;
    const program = serve(option, String(port));
    expect(await program.end()).toBe(1);
    taken.close();
    expect(program.stderr).toContain(`127.0.0.1:${port}`);
    expect(program.stderr).toMatch(/^ {2}choose other ports with --port and --rest-port$/m);
    expect(program.stdout).toBe("");
  });

  test("exits with 2 when it is called as it cannot be, and says why", async () => {
    const calls: [args: string[], why: RegExp][] = [
      [[], /^Usage: xds/],
      [["serve"], /nothing to serve: name files or directories/],
      [["serve", ".", "--port", "65536"], /'65536' is invalid: expected 0 to 65535\.\n/],
      [["serve", ".", "--rest-port", "1e3"], /'1e3' is invalid/],
      [["serve", ".", "--type", "clusterz"], /'clusterz' is invalid: no resource type .* did you mean clusters\?\n/],
      [["diff", "--variant", "x"], /'x' is invalid: expected one of delta, sotw\.\n/],
      [["serve", ".", "--node-group", "zone"], /expected one of id, cluster/],
      [["serve", ".", "--prot", "1"], /Did you mean --port/],
      [["sevre", "."], /Did you mean serve/],
    ];
    const running = calls.map(([args, why]) => ({ program: run(...args), why }));
    for (const { program, why } of running) {
      expect(await program.end()).toBe(2);
      expect(program.stderr).toMatch(why);
    }
  });

  test("tells its version and how it is called, and exits with 0", async () => {
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    const [asked, help] = [run("--version"), run("serve", "--help")];
    expect(await asked.end()).toBe(0);
    expect(asked.stdout).toBe(`${version}\n`);
    expect(await help.end()).toBe(0);
    expect(help.stdout).toContain("--rest-port <port>");
    const options = /\nOptions:\n([\s\S]+?)\n\n/.exec(help.stdout)?.[1]?.split("\n") ?? [];
    expect(options.length).toBeGreaterThan(20);
    expect(Math.max(...options.map((line) => line.length))).toBeLessThanOrEqual(80); // not a terminal counts as one of 80 columns
  });
});

describe("xds serve of an Envoy's own file", () => {
  const own = (sink: string, clusters = "[{ name: a }]") =>
    `stats_sinks: [{ name: ${sink} }]\nstatic_resources: { clusters: ${clusters} }\n`;

  test("logs a change of what is not served", async () => {
    await write("envoy.yaml", own("one"));
    const program = serve();
    await program.ports();
    await write("envoy.yaml", own("two"));
    await program.logged({ msg: "configuration read again; nothing changed" });
    const words = "parts that are not served have changed (stats_sinks): give the Envoys a new bootstrap";
    const lines = program.log().filter(({ msg }) => msg.includes("have changed (stats_sinks)"));
    expect(lines).toMatchObject([{ level: "info", code: "NOT_SERVED", msg: expect.stringContaining(words) }]);
    await write("envoy.yaml", own("two", "[{ name: a }, { name: b }]"));
    await program.logged({ msg: "serving the changed configuration", added: 1 });
    expect(program.log().filter(({ msg }) => msg.includes("parts that are not served"))).toHaveLength(1);
  });

  test("serves on when it is overwritten with the bootstrap that was made of it", async () => {
    await write("envoy.yaml", own("one"));
    const program = serve();
    const { rest } = await program.ports();
    const made = await xdsHere("bootstrap", "--from", join(directory, "envoy.yaml"));
    expect(made.code).toBe(0);
    await write("envoy.yaml", made.stdout);
    await program.logged({ level: "error", msg: "still serving the last good configuration" });
    expect(await clustersOf(rest)).toEqual(["a undefined"]);
    for (const command of [["validate"], ["serve", "--check"]]) {
      const checked = await xdsHere(...command, directory);
      expect([checked.code, checked.stdout]).toEqual([1, expect.stringContaining("no resource in it can be served")]);
    }
  });

  test("is checked by its rules also where nothing in it can be served", async () => {
    await write("envoy.yaml", "stats_flush_interval: 0s\nnode: { id: a, cluster: b }\n");
    const { code, stdout } = await xdsHere("validate", directory);
    expect(code).toBe(1);
    expect(stdout).toMatch(/ error UNREADABLE no resource in it can be served/);
    expect(stdout).toMatch(/envoy\.yaml:1:23 warning BOOTSTRAP stats_flush_interval: must be at least 0\.001s/);
  });

  test("says of a relative path that it would be read in a list of resources", async () => {
    const data = "{ filename: x.txt }";
    await write("envoy.yaml", `static_resources: { secrets: [{ name: s, generic_secret: { secret: ${data} } }] }\n`);
    const { stdout } = await xdsHere("validate", directory);
    expect(stdout).toMatch(
      /RELATIVE_FILE .* Envoy looks for it in the directory it was started in; use an absolute path or `inline_string`\. In a `resources:` list, this server would read the file and watch it\n/,
    );
  });
});

describe("xds serve with a small heap", () => {
  const variables = { NODE_OPTIONS: "--max-old-space-size=128" };
  const large = (name: string) =>
    `resources:\n${Array.from({ length: 30_000 }, (_, i) => `- {"@type": ${clusterType}, name: ${name}${i}}`).join("\n")}\n`;
  const noRoom =
    /\.yaml(: | error UNREADABLE )30000 resources need \d+ MiB of this program's heap, which has room for \d+ MiB; give it more memory \(NODE_OPTIONS=--max-old-space-size=<MB>\), or serve fewer resources/;

  test("refuses files for which it has no room, and serves on", async () => {
    await write("a.yaml", clusterNamed("a"));
    const program = xds.startWith(variables, "serve", directory, "--port", "0", "--rest-port", "0");
    const { rest } = await program.ports();
    for (const name of ["b", "c", "d", "e", "f", "g"]) await write(`${name}.yaml`, large(name));
    await vi.waitFor(() => expect(program.stderr).toMatch(noRoom), { timeout: 60_000 });
    expect(await clustersOf(rest)).toEqual(["a 1s"]);
    for (const name of ["c", "d", "e", "f", "g"]) await rm(join(directory, `${name}.yaml`));
    const served = () => expect(program.stderr).toContain('"added":30000');
    await vi.waitFor(served, { timeout: 30_000 }); // there is room for one of them
    expect(await clustersOf(rest)).toHaveLength(30_001);
  }, 100_000);

  test("says at start, in validate and with --check which file has no room", async () => {
    for (const name of ["b", "c", "d"]) await write(`${name}.yaml`, large(name));
    const ports = ["--port", "0", "--rest-port", "0"];
    const started = xds.startWith(variables, "serve", directory, ...ports);
    expect([await started.end(), started.stderr]).toEqual([1, expect.stringMatching(noRoom)]);
    expect(started.stderr).toContain("nothing is served");
    for (const command of [["validate"], ["serve", "--check", ...ports]]) {
      const { code, stdout } = await xds.with(variables, ...command, directory);
      expect([code, stdout]).toEqual([1, expect.stringMatching(noRoom)]);
    }
  }, 120_000);
});

describe("xds serve --check", () => {
  test("reads by the limits that serve reads by, which have a least", async () => {
    await write("a.yaml", `resources: [${"[],".repeat(2_000_000)}]`);
    const limited = await xdsHere("serve", "--check", "--limits-file-memory", "32MiB", directory);
    expect(limited).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        "reading the file takes more than 32 MiB of memory, the limit --limits-file-memory;",
      ),
    });
    expect(await xdsHere.with({ XDS_LIMITS_FILE_MEMORY: "32MiB" }, "validate", directory)).toMatchObject({
      code: 1,
      stdout: limited.stdout,
    });
    for (const [flag, value, least] of [
      ["--limits-file-memory", "31MiB", "32MiB"],
      ["--limits-file-time", "999ms", "1s"],
    ] as const)
      expect(await xdsHere("serve", directory, flag, value)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`expected at least ${least}.`),
      });
  });

  const routes = `"@type": ${routeType}
name: local
virtual_hosts:
- { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: elsewhere } }] }
`;
  const words =
    'routes/local: virtual_hosts[0].routes[0].route.cluster refers to "elsewhere", which is not among the clusters';

  test("prints what it finds as `xds validate` does, without a line of a log", async () => {
    await write("envoy.yaml", "admin: {}\nstatic_resources: { clusters: [{ name: a }] }\n");
    await write("routes.yaml", routes);
    const expired = selfSigned({ from: Date.UTC(2020, 0, 1), to: Date.UTC(2020, 11, 31) });
    await write("cert.pem", expired.cert);
    await write("key.pem", expired.key);
    const settings = { paths: ["."], tls: { cert: "cert.pem", key: "key.pem" } };
    await write("xds.yaml", JSON.stringify(settings));
    const check = (...args: string[]) => xdsHere("serve", "--config", join(directory, "xds.yaml"), "--check", ...args);

    const good = await check();
    const linesOf = (text: string) => text.replaceAll(directory, "DIR").split("\n");
    const expiry =
      "xds: the TLS certificate has expired; clients will refuse it  file=DIR/cert.pem from=2020-01-01T00:00:00.000Z expires=2020-12-31T00:00:00.000Z";
    expect(linesOf(good.stderr)).toEqual([expiry, ""]);
    expect(linesOf(good.stdout)).toEqual([
      "DIR/envoy.yaml:1:1 info NOT_SERVED admin: left out: it cannot be served; `xds bootstrap --from` keeps it in the Envoy's own file",
      "DIR/envoy.yaml:2:32 info UNREFERENCED clusters/a: nothing in the configuration refers to it",
      expect.stringContaining(`DIR/routes.yaml:4:83 warning MISSING_TARGET ${words}`),
      "0 errors, 1 warning, 2 infos in 2 resources",
      "",
    ]);
    expect(good.code).toBe(0);

    const bad = await check("--validation", "strict");
    expect(linesOf(bad.stdout).slice(2)).toEqual([
      expect.stringContaining(`DIR/routes.yaml:4:83 error MISSING_TARGET ${words}`),
      "1 error, 0 warnings, 2 infos in 2 resources",
      "",
    ]);
    expect(bad.code).toBe(1);
    const data = await check("--validation", "strict", "-o", "json");
    expect(JSON.parse(data.stdout)).toMatchObject({
      findings: [
        { severity: "info" },
        { severity: "info" },
        { line: 4, column: 83, severity: "error", code: "MISSING_TARGET", type: "routes", resource: "local" },
      ],
      counts: { error: 1, warning: 0, info: 2 },
      resources: 2,
    });
    expect(data.code).toBe(1);
    const off = await check("--validation", "off");
    expect(linesOf(off.stdout).slice(1)).toEqual(["0 errors, 0 warnings, 1 info in 2 resources", ""]);
    await write("bad.yaml", "resources: {");
    const unreadable = await check("-o", "yaml");
    expect(unreadable.code).toBe(1);
    expect(unreadable.stdout).toMatch(
      /^findings:\n {2}- file: .*bad\.yaml\n {4}line: 1\n[\s\S]*\ncounts:\n {2}error: 1\n {2}warning: 0\n {2}info: 0\n$/,
    );
  });

  test("alone has an output", async () => {
    expect(await xdsHere("serve", directory, "-o", "json")).toEqual({
      code: 2,
      stdout: "",
      stderr: "xds: --output is the format of the report of --check; --log-format is that of the log\n",
    });
  });
});

describe("the program's words", () => {
  const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

  test("point at the example's bootstrap where the example is served as the bootstrap expects it", () => {
    const quickstart = join(examples, "quickstart");
    expect(startupMessage([quickstart], { host: "127.0.0.1", port: 18000 }, {})).toMatch(
      /envoy -c \S*examples\/envoy\.yaml\n/,
    );
    expect(startupMessage([quickstart], { host: "127.0.0.1", port: 18002 }, {})).toContain(
      "bootstrap --server 127.0.0.1:18002 >",
    );
    expect(startupMessage(["."], { host: "::", port: 18000 }, { rest: { host: "::", port: 1 } })).toContain(
      "http://[::]:1/",
    );
  });

  test("are readable on a terminal, whatever a client calls itself", () => {
    const line = JSON.stringify({
      level: "warn",
      time: "2026-01-02T03:04:05.678Z",
      msg: "a \u001b[2J",
      node: "\u009b1m x",
      n: 1,
      a: ["b"],
    });
    expect(readableLine(line)).toBe('03:04:05.678 warn  a \\u001b[2J  node="\\u009b1m x" n=1 a=["b"]\n');
  });

  test.each(["clusters", "endpoints", "listeners", "routes"])("and the example's %s.yaml is sound", async (name) => {
    const file = `quickstart/${name}.yaml`;
    const { problems, resources } = readResourceFile(file, await readFile(join(examples, file)));
    expect(problems).toEqual([]);
    expect(resources).not.toEqual([]);
  });
});
