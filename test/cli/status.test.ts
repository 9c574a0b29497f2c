import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type ClientResponse, XdsClient } from "../../src/client/index.js";
import { clusterType, listenerType } from "../../src/resource/types.js";
import { describeWithEnvoy, startEnvoy } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { adsDelta, adsSotw, rest } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-status-"));
});
afterEach(() => rm(directory, { recursive: true }));

const listener = (address: string, port: number) => `
- "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: front
  address: { socket_address: { address: ${address}, port_value: ${port} } }
  filter_chains:
  - filters:
    - name: tcp
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
        stat_prefix: front
        cluster: back
`;
/** A cluster with some text in it, so that it has a size. */
const cluster = (name: string, text = "") => `
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: ${name}
  connect_timeout: 1s
  alt_stat_name: "${text}"
`;
const config = (address: string, port: number) => `resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: back
  connect_timeout: 1s
${listener(address, port)}`;

/** A server of one file, which `write` replaces. */
async function start(text: string, ...options: string[]) {
  const write = (next: string) => writeFile(join(directory, "config.yaml"), next);
  await write(text);
  const server = xds.start("serve", directory, "--port", "0", "--rest-port", "0", ...options);
  const { grpc, rest, admin } = await server.ports();
  const url = `http://127.0.0.1:${admin}`;
  return { server, grpc, rest, url, write, status: (...args: string[]) => xdsHere("status", "--admin", url, ...args) };
}

describe("xds status", () => {
  it("says so where no node is connected, and that a node is not", async () => {
    const { status } = await start(config("127.0.0.1", 1));
    expect(await status()).toEqual({ code: 0, stdout: "no node is connected\n", stderr: "" });
    const { code, stdout } = await status("-o", "json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: "LIVE", nodes: [], reloads: { succeeded: 1, failed: 0 } });
    expect(await status("edge")).toEqual({
      code: 1,
      stdout: "",
      stderr: 'xds: no node with the id "edge" is connected; `xds status` lists those that are\n',
    });
  });

  it("takes the admin port that xds.yaml has, as xds diff --node does", async () => {
    const [port, otherPort] = [await freePort(), await freePort()];
    const file = join(directory, "xds.yaml");
    const told = async (variables: NodeJS.ProcessEnv, ...args: string[]) => {
      const { code, stderr } = await xdsHere.with({ XDS_ADMIN_PORT: "", XDS_CONFIG: file, ...variables }, ...args);
      expect(code).toBe(1);
      return /admin port cannot be reached at (\S+): .*--admin or XDS_ADMIN/.exec(stderr)?.[1];
    };
    await writeFile(file, `admin: { port: ${port}, host: "::" }\n`);
    expect(await told({}, "status")).toBe(`http://[::1]:${port}`);
    expect(await told({}, "diff", "--node", "edge-1")).toBe(`http://[::1]:${port}`);
    const other = `http://127.0.0.1:${otherPort}`;
    expect(await told({ XDS_ADMIN: other }, "status")).toBe(other);
    expect(await told({}, "diff", "--node", "edge-1", "--admin", other)).toBe(other);
  });

  it("says what it cannot reach, and what is no admin port", async () => {
    const port = await freePort();
    const nobody = await xdsHere("status", "--admin", `http://127.0.0.1:${port}`);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toMatch(
      new RegExp(
        `^xds: the admin port cannot be reached at http://127\\.0\\.0\\.1:${port}: .*ECONNREFUSED.*; is \`xds serve\` running there\\?`,
      ),
    );
    const other = createServer((_, response) => response.end("<html>"));
    onTestFinished(() => void other.close());
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port: otherPort } = other.address() as AddressInfo;
    const wrong = await xdsHere("status", "--admin", `http://127.0.0.1:${otherPort}`);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("is not the admin port of `xds serve`") });
    expect(await xdsHere("status", "--admin", "127.0.0.1:18002")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--admin is a URL such as http://127.0.0.1:18002"),
    });
    expect((await xdsHere("status", "-o", "xml")).code).toBe(2);
  });
});

describe("xds serve's admin port", () => {
  it("can be off, is not left to others by mistake, and says when it is taken", async () => {
    const { url } = await start(config("127.0.0.1", 1));
    const taken = new URL(url).port;
    const args = ["serve", directory, "--port", "0", "--rest-port", "0"];
    expect(await xds(...args, "--admin-port", taken)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /cannot listen for the admin port on 127\.0\.0\.1:\d+: .*\n {2}choose another port with --admin-port, or "off"/,
      ),
    });
    expect(await xdsHere(...args, "--admin-host", "0.0.0.0")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--admin-host 0.0.0.0 can be reached from other machines"),
    });
    const without = xds.start(...args, "--admin-port", "off", "--admin-host", "0.0.0.0");
    await without.ports();
    expect(without.stdout).not.toContain("Admin");
  });

  it("counts a configuration that cannot be read, and the next that can", async () => {
    const { url, write, server } = await start(config("127.0.0.1", 1));
    await write("resources: {");
    await server.logged({ msg: "still serving the last good configuration" });
    const reloads = async () => (await (await fetch(`${url}/metrics`)).text()).match(/^xds_config_.*$/gm);
    expect(await reloads()).toEqual(
      expect.arrayContaining([
        'xds_config_reloads_total{result="success"} 1',
        'xds_config_reloads_total{result="failure"} 1',
        "xds_config_last_reload_successful 0",
      ]),
    );
    await write(config("127.0.0.1", 2));
    await server.logged({ msg: "serving the changed configuration" });
    expect(await reloads()).toEqual(
      expect.arrayContaining(['xds_config_reloads_total{result="success"} 2', "xds_config_last_reload_successful 1"]),
    );
  });
});

describeWithEnvoy("xds status of a real Envoy", () => {
  for (const mode of [adsSotw, adsDelta])
    it(`shows what it has taken, and its own words where it refuses (${mode.name})`, async () => {
      const port = await freePort();
      const { grpc, url, write, status } = await start(config("127.0.0.1", port));
      const envoy = startEnvoy({ mode, xdsPort: grpc, id: "edge-1" });
      await envoy.ready();
      await eventually(async () => expect((await status()).stdout).toMatch(/listeners +SYNCED/));
      const synced = await status();
      expect(synced.code).toBe(0);
      const variant = mode === adsSotw ? "sotw" : "delta";
      const line = (type: string) =>
        new RegExp(
          `^edge-1  ${type} +SYNCED  [0-9a-f]{16}  (\\d+s ago|now) +envoy \\d+\\.\\d+\\.\\d+  127\\.0\\.0\\.1:\\d+$`,
          "m",
        );
      expect(synced.stdout).toMatch(/^NODE +TYPE +STATE +VERSION +LAST ACK +CLIENT +ADDRESS\n/);
      for (const type of ["clusters", "listeners"]) expect(synced.stdout).toMatch(line(type));

      const dump = `${url}/config_dump?node=edge-1`;
      expect(await xdsHere("diff", "--node", "edge-1", "--admin", url)).toMatchObject({ code: 0 });
      const acked = (await (await fetch(dump)).json()) as Dump;
      expect(versions(acked)).toEqual(
        variant === "delta" ? versions(JSON.parse(await envoy.admin("/config_dump")) as Dump) : expect.anything(),
      );

      await write(config("203.0.113.1", port)); // an address that this machine does not have
      await eventually(async () => expect((await status()).stdout).toMatch(/listeners +ERROR/));
      const failing = await status();
      expect(failing.code).toBe(1);
      expect(failing.stdout).toMatch(/clusters +SYNCED/);
      expect(failing.stdout).toMatch(/\n\n1 node has refused a response; `xds status edge-1` shows why\n$/);
      const detail = await status("edge-1");
      expect(detail.code).toBe(1);
      expect(detail.stdout).toMatch(/^node: +edge-1\n/);
      expect(detail.stdout).toMatch(new RegExp(`^variant: +${variant}$`, "m"));
      expect(detail.stdout).toMatch(
        /^listeners refused (now|\d+s ago): version [0-9a-f]+, nonce \d+, with front; sent again (now|in \d+s)\n {2}.*cannot bind '203\.0\.113\.1:\d+'/m,
      );
      const { stdout } = await status("edge-1", "-o", "json");
      expect(JSON.parse(stdout)).toMatchObject({
        id: "edge-1",
        agent: "envoy",
        state: "ERROR",
        types: [
          { type: "clusters", state: "SYNCED" },
          { type: "listeners", state: "ERROR", nacked: { names: ["front"] } },
        ],
      });
      const difference = await xdsHere("diff", "--node", "edge-1", "--admin", url);
      expect(difference.code).toBe(1);
      expect(difference.stdout).toContain("203.0.113.1");
    });
});

/** A delta client of clusters and listeners; it refuses what `refuses` gives a reason for. */
function connect(grpc: number, refuses: (names: string[]) => string | undefined = () => undefined): XdsClient {
  const onResponse = ({ resources }: ClientResponse) => refuses(resources.map(({ name }) => name));
  const variant = "delta";
  const address = `127.0.0.1:${grpc}`;
  const client = new XdsClient({ address, variant, node: { id: "edge-1" }, callbacks: { onResponse } });
  onTestFinished(() => client.close());
  client.subscribe(clusterType);
  client.subscribe(listenerType);
  return client;
}

describe("xds status of a client that refuses one of several resources", () => {
  const refuses = (names: string[]) => (names.includes("bad") ? "there is something bad" : undefined);

  it("names the one that is refused alone, and says when it is sent again", async () => {
    const { grpc, status } = await start(`resources:${cluster("a")}${cluster("bad")}${cluster("c")}`);
    connect(grpc, refuses);
    await eventually(async () => expect((await status()).stdout).toMatch(/clusters +ERROR/));
    const { code, stdout } = await status("edge-1");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^clusters refused (now|\ds ago): version [0-9a-f]{16}, nonce \d+, with bad; sent again in \d+s\n {2}there is something bad$/m,
    );
  });

  it("says nothing of another offer with --retry-refused off", async () => {
    const { grpc, status } = await start(`resources:${cluster("bad")}`, "--retry-refused", "off");
    connect(grpc, refuses);
    await eventually(async () => expect((await status()).stdout).toMatch(/clusters +ERROR/));
    expect((await status("edge-1")).stdout).toMatch(/nonce \d+, with bad\n {2}there is something bad$/m);
  });
});

describe("xds serve", () => {
  it("keeps what a replaced listener refers to for --envoy-drain-time, and xds status says DRAINING", async () => {
    const before = `resources:${cluster("back")}${listener("127.0.0.1", 1)}`;
    const { grpc, status, url, write } = await start(before, "--envoy-drain-time", "5s");
    const client = connect(grpc);
    await eventually(async () => expect((await status()).stdout).toMatch(/clusters +SYNCED[\s\S]*listeners +SYNCED/));
    await write(before.replaceAll("back", "other"));
    await eventually(async () => expect((await status()).stdout).toMatch(/clusters +DRAINING[\s\S]*listeners +SYNCED/));
    expect([...client.resources(clusterType).keys()].sort()).toEqual(["back", "other"]);
    expect((await status()).code, "is no fault").toBe(0);
    expect((await status("edge-1")).stdout).toMatch(
      /^waiting clusters:\n {2}back: it is removed when the old listeners that may use it have drained; checked again (now|in \d+s)$/m,
    );
    expect(await xdsHere("diff", "--node", "edge-1", "--admin", url)).toEqual({
      code: 0,
      stdout: "no difference\n",
      stderr:
        "xds: no difference, because old listeners of the node may still use it; it is removed when they have drained: " +
        'clusters "back"\n',
    });
    await eventually(async () => expect((await status()).stdout).toMatch(/clusters +SYNCED[\s\S]*listeners +SYNCED/));
    expect([...client.resources(clusterType).keys()]).toEqual(["other"]);
  });

  it("divides a delta response that is larger than --max-response-bytes", async () => {
    const text = "x".repeat(3_000);
    const { grpc, status } = await start(
      `resources:${cluster("a", text)}${cluster("b", text)}`,
      "--max-response-bytes",
      "4KiB",
    );
    const client = connect(grpc);
    await eventually(async () => expect((await status()).stdout).toMatch(/clusters +SYNCED/));
    expect([...client.resources(clusterType).keys()].sort()).toEqual(["a", "b"]);
    const { counters } = JSON.parse((await status("-o", "json")).stdout);
    const responses = counters.traffic.find(({ typeUrl }: { typeUrl: string }) => typeUrl === clusterType);
    expect(responses).toMatchObject({ responses: 2, acks: 2 });
  });
});

describeWithEnvoy("xds status of a real Envoy that polls over REST", () => {
  it("shows what it says it has, and that it has not taken something", async () => {
    const port = await freePort();
    const { rest: restPort, write, status, url } = await start(config("127.0.0.1", port));
    const envoy = startEnvoy({ mode: rest, xdsPort: restPort, id: "edge-1" });
    await envoy.ready();
    await eventually(async () => expect((await status()).stdout).toMatch(/clusters +SYNCED[\s\S]*listeners +SYNCED/));
    for (const type of ["clusters", "listeners"])
      expect((await status()).stdout).toMatch(
        new RegExp(`^edge-1  ${type} +SYNCED  [0-9a-f]{16}  (\\d+s ago|now) +envoy \\S+  127\\.0\\.0\\.1:\\d+$`, "m"),
      );
    await write(config("203.0.113.1", port)); // an address that this machine does not have
    await eventually(async () => expect((await status()).stdout).toMatch(/listeners +ERROR/));
    const detail = await status("edge-1");
    expect(detail.code).toBe(1);
    expect(detail.stdout).toMatch(/^variant: +rest$/m);
    expect(detail.stdout).toMatch(
      /^listeners refused (now|\d+s ago): version [0-9a-f]{16}\n {2}the node still requests with its previous version/m,
    );
    expect(await (await fetch(`${url}/clients`)).json()).toMatchObject([{ id: "edge-1", variants: ["rest"] }]);
    await write(config("127.0.0.1", port));
    await eventually(async () => expect((await status()).stdout).toMatch(/listeners +SYNCED/));
    expect((await status()).code).toBe(0);
  });
});

interface Dump {
  readonly configs: readonly Readonly<Record<string, unknown>>[];
}

/** The versions of the dynamic clusters and listeners of a dump. */
function versions({ configs }: Dump): string[] {
  const entries = configs.flatMap(({ dynamic_active_clusters: clusters = [], dynamic_listeners: listeners = [] }) => [
    ...(clusters as { version_info: string }[]),
    ...(listeners as { active_state: { version_info: string } }[]).map(({ active_state }) => active_state),
  ]);
  return entries.map(({ version_info }) => version_info).sort();
}
