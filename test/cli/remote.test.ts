import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { clusterType, LinearCache, Resource, Snapshot, SnapshotCache, secretType, XdsServer } from "../../src/index.js";
import { ScriptedServer } from "../client/scripted-server.js";
import { selfSigned } from "../e2e/certificate.js";
import { edge } from "../e2e/edge.js";
import { adsDelta } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-remote-"));
});
afterEach(() => rm(directory, { recursive: true }));

const cluster = (name: string, more: object = {}) => ({ "@type": clusterType, name, ...more });

async function file(name: string, ...resources: object[]): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, JSON.stringify({ resources }));
  return path;
}

/** A server of this configuration for every node, until the test ends. */
async function serverOf(snapshot: Snapshot, options: ConstructorParameters<typeof XdsServer>[1] = {}) {
  const cache = new SnapshotCache({ nodeGroup: () => "all" });
  cache.set("all", snapshot);
  const server = new XdsServer(cache, options);
  const { grpc } = await server.listen({ port: 0 });
  onTestFinished(() => server.close());
  return { cache, server, address: `127.0.0.1:${grpc.port}` };
}

const secret = create(SecretSchema, {
  name: "server-cert",
  type: {
    case: "tlsCertificate",
    value: { privateKey: { specifier: { case: "inlineString", value: "the private key" } } },
  },
});
/** An edge with two backends, and a secret that nothing refers to. */
const whole = () =>
  edge({ mode: adsDelta, port: 10_000, backends: { a: 10_001, b: 10_002 }, routeTo: "a" }).with(secretType, [secret]);

describe.each([
  ["delta", "ads"],
  ["sotw", "ads"],
  ["delta", "separate"],
  ["sotw", "separate"],
])("xds get, %s, %s", (variant, service) => {
  const mode = ["--variant", variant, "--service", service];

  test("prints what a node is served, with all that it refers to, as a file that `xds serve` takes", async () => {
    const snapshot = whole();
    const { address, cache } = await serverOf(snapshot);
    const got = await xdsHere("get", "--all", "-o", "yaml", "--server", address, ...mode);
    expect(got).toMatchObject({ code: 0, stderr: "" });
    const path = join(directory, "got.yaml");
    await writeFile(path, got.stdout);
    // Nothing refers to the secret, so it is not among what is got.
    const { stdout } = await xdsHere("diff", path, address);
    expect(stdout).toBe("+ secrets server-cert\n");
    expect(cache.status("all")).toEqual([]);
  });

  test("prints resources by name, in whatever order they come", async () => {
    const { address } = await serverOf(Snapshot.of(["c", "a", "b"].map((name) => create(ClusterSchema, { name }))));
    const get = async (...args: string[]) =>
      (await xdsHere("get", "clusters", "--server", address, ...mode, ...args)).stdout;
    const { resources } = JSON.parse(await get("-o", "json")) as { resources: { name: string }[] };
    expect(resources.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(await get()).toMatch(/^TYPE .*\nclusters +a .*\nclusters +b .*\nclusters +c .*\n$/);
  });

  test("tells names that are not there, prints the others, and exits with 1", async () => {
    const { address } = await serverOf(Snapshot.of([Resource.fromBytes(clusterType, Buffer.from("0a0161", "hex"))]));
    const got = await xdsHere("get", "cluster", "a", "nope", "--server", address, ...mode, "--timeout", "2s");
    expect(got.code).toBe(1);
    expect(got.stdout).toMatch(/^TYPE +NAME +VERSION +REFERS TO\nclusters +a +[0-9a-f]+\n$/);
    expect(got.stderr).toBe('xds: clusters "nope": the server has no resource of this name\n');
  });
});

describe("xds get", () => {
  test("asks as the node that it is told to be", async () => {
    const { server, address } = await serverOf(Snapshot.empty, {
      callbacks: {
        onStreamDeltaRequest: ({ node }) => {
          if (node) nodes.push(`${node.id} ${node.cluster} ${JSON.stringify(node.metadata)}`);
        },
      },
    });
    const nodes: string[] = [];
    const identity = [
      "--node-id",
      "edge-1",
      "--node-cluster",
      "edge",
      "--node-metadata",
      "a=b",
      "--node-metadata",
      "c=",
    ];
    const got = await xdsHere("get", "clusters", "--server", address, ...identity);
    expect(got).toMatchObject({ code: 0, stdout: `${address} has no such resources for node "edge-1"\n` });
    expect(new Set(nodes)).toEqual(new Set(['edge-1 edge {"a":"b","c":""}']));
    expect(server.report().streams).toEqual([]);
  });

  test("does not say that there is nothing where no answer came, and why that may be", async () => {
    const cache = new SnapshotCache();
    cache.set("another node", Snapshot.empty);
    const server = new XdsServer(cache);
    const { grpc } = await server.listen({ port: 0 });
    onTestFinished(() => server.close());
    const got = await xdsHere("get", "clusters", "--server", `127.0.0.1:${grpc.port}`, "--timeout", "300ms");
    expect(got).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "xds: clusters: no answer within 0.3 s; some servers do not answer a node for which they have nothing (--node-id, --node-cluster)\n",
    });
  });

  test("shows no private key unless it is asked to", async () => {
    const { address } = await serverOf(whole());
    const redacted = await xdsHere("get", "secrets", "-o", "json", "--server", address);
    expect(redacted.stdout).toContain("[redacted]");
    expect(redacted.stdout).not.toContain("the private key");
    expect(redacted.stderr).toMatch(
      /^xds: secrets "server-cert" has secrets, which are printed as \[redacted\].*--show-secrets/,
    );
    await writeFile(join(directory, "got.json"), redacted.stdout);
    const validated = await xdsHere("validate", join(directory, "got.json"));
    expect(validated).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/ error INVALID .*this is "\[redacted\]", not a secret/),
    });
    const shown = await xdsHere("get", "secrets", "-o", "json", "--server", address, "--show-secrets");
    expect(shown).toMatchObject({ stderr: "", stdout: expect.stringContaining("the private key") });
  });

  test("speaks TLS, and shows its own certificate", async () => {
    const [own, client] = [selfSigned(), selfSigned()];
    const { address } = await serverOf(whole(), { tls: { ...own, clientCa: client.cert } });
    const files = { ca: own.cert, cert: client.cert, key: client.key };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    const tls = ["--tls-ca", "ca", "--tls-server-name", "localhost"];
    const mutual = [...tls, "--tls-cert", "cert", "--tls-key", "key"];
    const ask = (...flags: string[]) => xdsHere.in(directory, "get", "clusters", "--server", address, ...flags);
    expect((await ask(...mutual)).code).toBe(0);
    expect(await ask(...tls)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^xds: the aggregated stream at/),
    });
    expect(await ask("--tls-ca", "none")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/--tls-ca none cannot/),
    });
    expect(await ask("--tls-ca", "key")).toEqual({
      code: 1,
      stdout: "",
      stderr: 'xds: --tls-ca key has no line "-----BEGIN CERTIFICATE-----"; it must be PEM\n',
    });
    expect((await ask("--tls-cert", "ca", "--tls-key", "key")).stderr).toMatch(
      /^xds: --tls-key key does not match the certificate; use a matching pair\n$/,
    );
    expect((await ask("--tls-cert", "cert")).stderr).toMatch(/go together; give both/);
  });

  test("tells a server that is not there, a type that is not known, and how it is called", async () => {
    const nobody = await xdsHere("get", "clusters", "--server", "127.0.0.1:1");
    expect(nobody).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^xds: .*127\.0\.0\.1:1 .*ECONNREFUSED 127\.0\.0\.1:1; nothing listens there; .*\n$/,
      ),
    });
    expect(await xdsHere("get", "clusters", "--server", "http://127.0.0.1:1")).toMatchObject({
      code: 2,
      stderr: 'xds: --server "http://127.0.0.1:1" is a URL; give host:port, without http://\n',
    });
    expect(await xdsHere("get", "clusters", "--server", "nobody")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^xds: address must be host:port, /),
    });
    const wrong = await xdsHere("get", "cluterss");
    expect(wrong).toMatchObject({
      code: 2,
      stderr: 'xds: no resource type is called "cluterss"; did you mean clusters?\n',
    });
    expect(await xdsHere("get")).toMatchObject({ code: 2, stderr: expect.stringMatching(/no type given/) });
    expect((await xdsHere("get", "clusters", "--timeout", "5")).stderr).toMatch(/expected a time such as/);
  });
});

describe("xds watch", () => {
  test("prints what changes, field by field, and goes on when the server comes again", async () => {
    const cache = new LinearCache(clusterType);
    const clusterOf = (name: string, seconds: number) =>
      Resource.fromBytes(clusterType, Buffer.from(`0a01${Buffer.from(name).toString("hex")}220208${seconds}`, "hex"));
    cache.set(clusterOf("a", 10));
    const first = new XdsServer(cache);
    const { port } = (await first.listen({ port: 0 })).grpc;
    onTestFinished(() => first.close());
    const watch = xds.start("watch", "clusters", "--server", `127.0.0.1:${port}`);
    await watch.printed(/clusters version \S+\n\+ clusters a\n/);
    cache.set(clusterOf("a", 11));
    await watch.printed(/~ clusters a\n {4}connect_timeout: "16s" → "17s"\n/);
    await first.close();
    await vi.waitFor(() => expect(watch.stderr).toMatch(/trying again in/), 10_000);
    cache.delete("a");
    const second = new XdsServer(cache);
    await second.listen({ port });
    onTestFinished(() => second.close());
    await watch.printed(/- clusters a\n$/);
    watch.signal("SIGINT");
    expect(await watch.end()).toBe(0);
  });

  test("ends when what it prints is read no more, as after `| head`", async () => {
    const { address, cache } = await serverOf(Snapshot.of([]));
    const watch = xds.start("watch", "clusters", "--server", address);
    cache.set("all", whole());
    await watch.printed(/\+ clusters b\n/);
    watch.closeStdout();
    cache.set("all", Snapshot.of([]));
    expect(await watch.end()).toBe(0);
    expect(watch.stderr).toBe("");
  });

  test("prints an object a line for programs", async () => {
    const { address, cache } = await serverOf(Snapshot.of([]));
    const watch = xds.start("watch", "clusters", "secrets", "-o", "json", "--server", address);
    await vi.waitFor(() => expect(cache.status("all")).toMatchObject([{ typeUrls: { length: 2 } }]), 10_000);
    cache.set("all", whole());
    await watch.printed(/"type":"secrets"/);
    const events = watch.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      {
        type: "clusters",
        changes: [
          { change: "added", name: "a" },
          { change: "added", name: "b" },
        ],
      },
      { type: "secrets", changes: [{ change: "added", name: "server-cert" }] },
    ]);
    expect(watch.stdout).not.toContain("the private key");
  });
});

describe("xds diff", () => {
  test("compares files, type by type and field by field; lists of named things by name", async () => {
    const policy = (name: string, timeout: string) => ({
      name,
      typed_config: { "@type": clusterType, name, connect_timeout: timeout },
    });
    const filters = (...list: object[]) => ({ filters: list });
    const before = await file("a.json", cluster("x", filters(policy("p", "1s"), policy("q", "1s"))), cluster("gone"));
    const after = await file(
      "b.json",
      cluster("x", { ...filters(policy("q", "2s"), policy("p", "1s")), alt_stat_name: "s" }),
      cluster("new"),
    );
    const { code, stdout } = await xdsHere("diff", before, after);
    expect(code).toBe(1);
    expect(stdout).toBe(
      "- clusters gone\n+ clusters new\n~ clusters x\n" +
        '    filters.q.typed_config.connect_timeout: "1s" → "2s"\n    alt_stat_name: + "s"\n',
    );
    expect(await xdsHere("diff", before, before)).toMatchObject({ code: 0, stdout: "no difference\n" });
  });

  test("compares a directory's groups apart, or one group's whole", async () => {
    for (const side of ["a", "b"]) await mkdir(join(directory, side, "groups/edge"), { recursive: true });
    await file("a/all.json", cluster("x"));
    await writeFile(join(directory, "a/groups/edge/none.yaml"), "resources: []\n");
    await file("b/groups/edge/own.json", cluster("x"));
    const apart = await xdsHere.in(directory, "diff", "a", "b");
    expect(apart.stdout).toBe("- clusters x\ngroup edge: + clusters x\n");
    const whole = await xdsHere.in(directory, "diff", "a", "b", "--group", "edge");
    expect(whole).toMatchObject({ code: 0, stdout: "no difference\n" });
  });

  test("says how to compare a directory that has groups with what one node is served", async () => {
    const { address } = await serverOf(Snapshot.of([]));
    await mkdir(join(directory, "groups", "edge"), { recursive: true });
    await file("groups/edge/more.yaml", cluster("more"));
    const hint =
      "xds: one side has node groups, and the other is what one node has; name that node's group with --group\n";
    const apart = await xdsHere("diff", directory, address);
    expect(apart).toEqual({ code: 1, stdout: "group edge: - clusters more\n", stderr: hint });
    expect((await xdsHere("diff", directory, address, "--group", "edge")).stderr).toBe("");
    expect((await xdsHere("diff", directory, directory)).stderr).toBe("");
  });

  test("tells files that have problems, and what is nothing of all that it takes", async () => {
    const path = join(directory, "bad.yaml");
    await writeFile(path, "resources:\n- name: x\n");
    const bad = await xdsHere("diff", path, path);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(
      /^xds: .*bad\.yaml:2:3: resources\[0\]: this resource has no "@type", and name is a field of clusters, /,
    );
    expect(await xdsHere("diff", "no such", path)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/"no such" does not exist/),
    });
    expect(await xdsHere("diff", path)).toMatchObject({ code: 2 });
    const dump = await xdsHere("diff", `http://127.0.0.1:${await freePort()}/config_dump`, path);
    expect(dump).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/config_dump cannot be fetched: .*ECONNREFUSED/),
    });
  });
});

describe("a server's silence is not taken for having nothing", () => {
  const check = 'check that the address is the gRPC port of an xDS server, and that it serves node "xds-cli" .*\\n$';
  const ask = (address: string, ...more: string[]) => [
    xdsHere("diff", join(directory, "a.json"), address, "--timeout", "1s", ...more),
    xdsHere("explain", "web", address, "--timeout", "1s", ...more),
  ];

  test.each([
    ["delta", "ads"],
    ["sotw", "separate"],
  ])("where it has nothing for the node, %s, %s", async (variant, service) => {
    await file("a.json", cluster("web"));
    const cache = new SnapshotCache();
    cache.set("another node", Snapshot.empty);
    const server = new XdsServer(cache);
    const { port } = (await server.listen({ port: 0 })).grpc;
    onTestFinished(() => server.close());
    for (const { code, stdout, stderr } of await Promise.all(
      ask(`127.0.0.1:${port}`, "--variant", variant, "--service", service),
    )) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(
        new RegExp(`^xds: 127\\.0\\.0\\.1:${port} did not answer for any type: no answer within 1 s; ${check}`),
      );
    }
  });

  test.each([
    ["at once", 0],
    ["after the client has ended its request, as an Envoy's admin port does", 1],
  ])("where it is another server, which answers 404 %s", async (_, atEnd) => {
    await file("a.json", cluster("web"));
    const server = createHttp2Server().listen(0, "127.0.0.1");
    server.on("stream", (stream) => {
      const refuse = () => stream.respond({ ":status": 404 }, { endStream: true });
      stream.on("error", () => {});
      if (atEnd) stream.resume().on("end", refuse);
      else refuse();
    });
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const { code, stdout, stderr } of await Promise.all(ask(address))) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(
        new RegExp(`^xds: ${address} did not answer for any type: .*ended .*with status 12: .*404.*; ${check}`),
      );
    }
    const got = await xdsHere("get", "clusters", "--server", address, "--timeout", "1s");
    expect(got).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/with status 12: .*404/) });
  });

  test("where it answers for some types: those that it does not answer for are not compared", async () => {
    const path = await file("a.json", cluster("web"), { "@type": secretType, name: "pair" });
    const answering = async () => {
      const server = await ScriptedServer.start();
      void server.request().then(() => {
        const body = { typeUrl: clusterType, value: Buffer.from("0a03776562", "hex") };
        server.delta({ typeUrl: clusterType, nonce: "1", resources: [{ name: "web", version: "1", resource: body }] });
      });
      return server.address;
    };
    const silent = "endpoints, listeners, .*secrets, .*\\(no answer within 1 s\\); ";
    const diff = await xdsHere("diff", path, await answering(), "--timeout", "1s");
    expect(diff).toMatchObject({ code: 0, stdout: "no difference in what was compared\n" });
    expect(diff.stderr).toMatch(new RegExp(`^xds: 127\\S+ did not answer for ${silent}not compared\n$`));
    const explain = await xdsHere("explain", "web", await answering(), "--timeout", "1s");
    expect(explain).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing in what the server sent") });
    expect(explain.stderr).toMatch(new RegExp(`^xds: 127\\S+ did not answer for ${silent}their references are`));
  });

  test("by xds watch, which says so once", async () => {
    const server = await ScriptedServer.start();
    const watch = xds.start("watch", "clusters", "routes", "--server", server.address, "--timeout", "1500ms");
    await vi.waitFor(() => expect(watch.stderr).not.toBe(""), 30_000);
    await setTimeout(3_100);
    expect(watch.stderr).toMatch(
      /^xds: \S+ has not answered for clusters, routes within 1\.5 s; check that the address .*; still waiting\n$/,
    );
  });
});
