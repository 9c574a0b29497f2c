import { X509Certificate } from "node:crypto";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clusterType, secretType } from "../../src/index.js";
import { type Certificate, selfSigned } from "../e2e/certificate.js";
import { edge } from "../e2e/edge.js";
import { describeWithEnvoy, startEnvoyWith } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { get, startBackend } from "../e2e/http.js";
import { adsDelta, rest as restMode } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { post } from "../server/post.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { answers, Folder, fileOf, metric, shownCertificate } from "./serving.js";

const cluster = (name: string) => `resources: [{ "@type": "${clusterType}", name: ${name} }]\n`;
const day = 86_400_000;

/** `xds serve` with these certificates in the files of a folder. */
async function serve(own: Certificate, { clientCa, flags = [] }: { clientCa?: string; flags?: string[] } = {}) {
  const folder = new Folder();
  const config = folder.write("a.yaml", cluster("a"));
  const { cert, key } = folder.pair("server", own);
  const mtls = clientCa === undefined ? [] : ["--tls-client-ca", folder.write("client-ca.pem", clientCa)];
  const tls = ["--tls-cert", cert, "--tls-key", key, ...mtls];
  const server = xds.start("serve", config, "--port", "0", "--rest-port", "0", ...tls, ...flags);
  return { server, folder, cert, key, ports: await server.ports() };
}

/** `xds get clusters` of it. */
const getClusters = (port: number, ...flags: string[]) =>
  xdsHere("get", "clusters", "--server", `localhost:${port}`, "--timeout", "10s", ...flags);
/** The same with all that mTLS needs. */
function flagsOf(folder: Folder, trusted: string, own: Certificate): string[] {
  const { cert, key } = folder.pair("client", own);
  return ["--tls-ca", folder.write("ca.pem", trusted), "--tls-cert", cert, "--tls-key", key];
}

describe("xds serve with TLS", () => {
  const [own, client, stranger] = [selfSigned(), selfSigned(), selfSigned()];

  test("serves gRPC and REST to clients that trust its certificate, and nothing in plain text", async () => {
    const { server, folder, cert, ports } = await serve(own);
    expect(server.stdout).toContain(`xDS over REST  https://127.0.0.1:${ports.rest}/`);
    expect(server.stdout).toContain(`bootstrap --server 127.0.0.1:${ports.grpc} --tls-ca ca.pem > bootstrap.yaml\n`);
    await server.logged({ level: "info", msg: "TLS certificate", file: cert });
    expect(await getClusters(ports.grpc, "--tls-ca", folder.write("ca.pem", own.cert))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^clusters +a /m),
    });
    const request = { node: { id: "n" } };
    const over = (target: object) => post({ port: ports.rest, ...target }, "/v3/discovery:clusters", request);
    expect(await over({ ca: own.cert })).toMatchObject({ status: 200, body: { resources: [{ name: "a" }] } });

    const wrong = await getClusters(ports.grpc, "--tls-ca", folder.write("other.pem", stranger.cert));
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/self-signed certificate/) });
    expect((await getClusters(ports.grpc)).code).toBe(1);
    expect(await over({})).toBeUndefined();
    expect(await over({ ca: stranger.cert })).toBeUndefined();
  });

  test("asks clients for a certificate if it has --tls-client-ca, and takes those of that authority only", async () => {
    const { server, folder, ports } = await serve(own, { clientCa: client.cert });
    expect(server.stdout).toContain(
      " --tls-ca ca.pem --tls-cert client.pem --tls-key client-key.pem > bootstrap.yaml\n",
    );
    const request = { node: { id: "n" } };
    const over = (target: object) =>
      post({ port: ports.rest, ca: own.cert, ...target }, "/v3/discovery:clusters", request);
    expect(await getClusters(ports.grpc, ...flagsOf(folder, own.cert, client))).toMatchObject({ code: 0, stderr: "" });
    expect(await over(client)).toMatchObject({ status: 200 });
    expect((await getClusters(ports.grpc, ...flagsOf(folder, own.cert, stranger))).code).toBe(1);
    expect((await getClusters(ports.grpc, "--tls-ca", folder.write("ca.pem", own.cert))).code).toBe(1);
    expect(await over({})).toBeUndefined();
    expect(await over(stranger)).toBeUndefined();
    expect(await metric(ports.admin, 'xds_streams_opened_total{variant="delta",type="ads"}')).toBe(1);
  });

  test("refuses a client whose certificate is not that of its node, if it has --tls-node-san, and says so", async () => {
    const uri = "spiffe://cluster.local/ns/web/sa/edge-1";
    const edge1 = selfSigned({ uris: [uri], dnsNames: [] });
    const { server, folder, ports } = await serve(own, {
      clientCa: edge1.cert,
      flags: ["--tls-node-san", "spiffe://*/ns/{cluster}/sa/{id}"],
    });
    const flags = flagsOf(folder, own.cert, edge1);
    const as = (id: string) => getClusters(ports.grpc, ...flags, "--node-cluster", "web", "--node-id", id);
    expect(await as("edge-1")).toMatchObject({ code: 0, stderr: "" });
    const why =
      `node "edge-2" with a certificate of "${uri}" is refused (stream): ` +
      'its certificate needs the name "spiffe://*/ns/web/sa/edge-2" (rule: spiffe://*/ns/{cluster}/sa/{id})';
    expect(await as("edge-2")).toMatchObject({ code: 1, stderr: expect.stringContaining(why) });
    await server.logged({ level: "warn", msg: "a stream is ended", node: "edge-2", error: why });
    expect(await metric(ports.admin, 'xds_refusals_total{reason="authorize"}')).toBe(1);

    const rest = (node: object) =>
      post({ port: ports.rest, ca: own.cert, ...edge1 }, "/v3/discovery:clusters", { node });
    expect(await rest({ id: "edge-1", cluster: "web" })).toMatchObject({ status: 200 });
    expect(await rest({ id: "edge-1", cluster: "db" })).toMatchObject({
      status: 403,
      body: { code: "PERMISSION_DENIED", message: expect.stringContaining("is refused (rest)") },
    });
    await server.logged({ level: "warn", msg: "a request is refused" });
    expect(await metric(ports.admin, 'xds_refusals_total{reason="authorize"}')).toBe(2);
    const csds = post({ port: ports.rest, ca: own.cert, ...edge1 }, "/v3/discovery:client_status", {});
    expect(await csds, "from this machine").toMatchObject({ status: 200 });
  });
});

describe("xds serve, when its certificate is replaced", () => {
  const [first, second] = [selfSigned(), selfSigned({ to: Date.now() + 2 * day })];
  const reloads = (port: number, result: string) => metric(port, `xds_tls_reloads_total{result="${result}"}`);
  const expiry = (port: number) => metric(port, "xds_tls_certificate_expiry_timestamp_seconds");
  const expiryOf = ({ cert }: Certificate) => Date.parse(new X509Certificate(cert).validTo) / 1_000;
  const der = ({ cert }: Certificate) => new X509Certificate(cert).raw;

  test("shows new clients the new one, and keeps the one it has while a new one cannot be used", async () => {
    const { server, cert, key, ports } = await serve(first);
    expect(await expiry(ports.admin)).toBe(expiryOf(first));
    writeFileSync(cert, second.cert);
    await server.logged({ level: "error", msg: "the new certificates cannot be used; still serving the old ones" });
    expect(server.log().at(-1)).toMatchObject({
      error: "the TLS key does not match the certificate; use a matching pair",
    });
    expect(await shownCertificate(ports.grpc)).toEqual(der(first));
    expect(await shownCertificate(ports.rest)).toEqual(der(first));
    const { body } = await get(`http://127.0.0.1:${ports.admin}/ready`);
    expect(body).toMatch(
      /^LIVE\nstill serving the old certificates, since \d{4}-.*Z: the TLS key does not match the certificate/,
    );
    const status = await xdsHere("status", "--admin", `http://127.0.0.1:${ports.admin}`);
    expect(status.stdout).toMatch(
      /^still serving the old certificates; the new ones cannot be used since .*:\n {2}the TLS key/,
    );
    writeFileSync(key, second.key);
    await server.logged({ level: "info", msg: "serving the changed certificates" });
    expect((await get(`http://127.0.0.1:${ports.admin}/ready`)).body).toBe("LIVE\n");
    expect(await shownCertificate(ports.grpc)).toEqual(der(second));
    expect(await shownCertificate(ports.rest)).toEqual(der(second));
    expect(await Promise.all([reloads(ports.admin, "success"), reloads(ports.admin, "failure")])).toEqual([1, 1]);
    expect(await expiry(ports.admin)).toBe(expiryOf(second));

    rmSync(cert);
    await server.logged({ error: expect.stringMatching(/server\.pem cannot be read: ENOENT/) });
    writeFileSync(cert, "not a certificate");
    await server.logged({ error: 'the TLS certificate has no line "-----BEGIN CERTIFICATE-----"; it must be PEM' });
    expect(await shownCertificate(ports.grpc)).toEqual(der(second));
    server.signal("SIGTERM");
    expect(await server.end()).toBe(0);
  });

  test("warns of one that expires within thirty days", async () => {
    const { server, cert } = await serve(selfSigned({ to: Date.now() + 9.5 * day }));
    const msg = "the TLS certificate expires in 9 days; replace its file, which needs no restart";
    await server.logged({ level: "warn", msg, file: cert });
  });

  test("warns of one that has expired, or is not valid yet, with its dates, and serves", async () => {
    const expired = selfSigned({ from: Date.UTC(2020, 0, 1), to: Date.UTC(2020, 11, 31, 23, 59, 59) });
    const early = selfSigned({ from: Date.UTC(2048, 0, 1), to: Date.UTC(2048, 11, 31) });
    const { server, cert, key, ports } = await serve(expired);
    await server.logged({
      level: "warn",
      msg: "the TLS certificate has expired; clients will refuse it",
      file: cert,
      expires: "2020-12-31T23:59:59.000Z",
    });
    expect(await shownCertificate(ports.grpc)).toEqual(der(expired));
    for (const [path, text] of [
      [cert, early.cert],
      [key, early.key],
    ] as const)
      writeFileSync(path, text);
    await server.logged({
      level: "warn",
      msg: "the TLS certificate is not valid yet; clients will refuse it",
      from: "2048-01-01T00:00:00.000Z",
    });
  });
});

describeWithEnvoy("xds serve with mTLS, and an Envoy from xds bootstrap", () => {
  /** A configuration that routes to backend "a", and certificates that a `..data` symlink leads to. */
  async function start(own: Certificate, client: Certificate, trusted: string) {
    const folder = new Folder();
    const port = await freePort();
    const backend = await startBackend("a");
    const config = (mode = adsDelta, routeTo = "a") =>
      folder.write("config.json", fileOf(edge({ mode, port, backends: { a: backend, b: backendB }, routeTo })));
    const backendB = await startBackend("b");
    const swap = ({ cert, key }: Certificate, name: string) => {
      mkdirSync(join(folder.path, name));
      writeFileSync(join(folder.path, name, "tls.crt"), cert);
      writeFileSync(join(folder.path, name, "tls.key"), key);
      symlinkSync(name, join(folder.path, "..new"));
      renameSync(join(folder.path, "..new"), join(folder.path, "..data"));
    };
    swap(own, "..1");
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(folder.path, name));
    const [cert, key] = ["tls.crt", "tls.key"].map((name) => join(folder.path, name)) as [string, string];
    const clientCa = folder.write("client-ca.pem", client.cert);
    const tls = ["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", clientCa];
    const serve = (mode = adsDelta) => xds.start("serve", config(mode), "--port", "0", "--rest-port", "0", ...tls);
    const flags = [...flagsOf(folder, trusted, client), "--tls-server-name", "localhost", "--admin-port", "0"];
    const bootstrap = async (xdsPort: number, ...more: string[]) =>
      (await xdsHere("bootstrap", "--server", `127.0.0.1:${xdsPort}`, ...flags, ...more)).stdout;
    return { folder, port, config, swap, serve, bootstrap };
  }

  // An Envoy tells authorities apart by their names.
  const [first, second, client] = [selfSigned({ commonName: "1" }), selfSigned({ commonName: "2" }), selfSigned()];

  test("serves it, keeps its connection while the certificate is swapped, and the next Envoy sees the new one", async () => {
    const { port, config, swap, serve, bootstrap } = await start(first, client, first.cert + second.cert);
    const server = serve();
    const { grpc, admin } = await server.ports();
    const envoy = startEnvoyWith(await bootstrap(grpc));
    await answers(port, "a");
    swap(second, "..2");
    await server.logged({ msg: "serving the changed certificates" });
    expect(await shownCertificate(grpc, client)).toEqual(new X509Certificate(second.cert).raw);
    config(adsDelta, "b");
    await answers(port, "b");
    expect(await envoy.stat("cluster.xds.upstream_cx_total")).toBe(1);
    expect(await metric(admin, 'xds_tls_reloads_total{result="success"}')).toBe(1);
    expect(await metric(admin, 'xds_tls_reloads_total{result="failure"}')).toBe(0);

    const later = startEnvoyWith(await bootstrap(grpc, "--node-id", "later"));
    await eventually(async () => expect(await later.stat("cluster_manager.cds.update_success")).toBeGreaterThan(0));
    await server.logged({ msg: "stream opened", node: "later" });
  });

  test("serves one over REST", async () => {
    const { port, serve, bootstrap } = await start(first, client, first.cert);
    const { rest } = await serve(restMode).ports();
    startEnvoyWith(await bootstrap(rest, "--service", "rest"));
    await answers(port, "a");
  });

  test("does not serve one without a certificate, nor in plain text", async () => {
    const { folder, serve } = await start(first, client, first.cert);
    const { grpc, admin } = await serve().ports();
    const ca = folder.write("ca.pem", first.cert);
    for (const flags of [[], ["--tls-ca", ca, "--tls-server-name", "localhost"]]) {
      const { stdout } = await xdsHere("bootstrap", "--server", `127.0.0.1:${grpc}`, "--admin-port", "0", ...flags);
      const refused = startEnvoyWith(stdout);
      await eventually(async () => expect(await refused.stat("cluster_manager.cds.update_failure")).toBeGreaterThan(0));
      expect(await refused.stat("cluster_manager.cds.update_success")).toBe(0);
    }
    await expect(metric(admin, 'xds_streams_opened_total{variant="delta",type="ads"}')).rejects.toThrow("there is no");
  });
});

describe("xds serve says what is wrong", () => {
  const [own, other] = [selfSigned(), selfSigned()];

  test("with its TLS flags, and exits with 2, and with the files, and exits with 1", async () => {
    const folder = new Folder();
    const config = folder.write("a.yaml", cluster("a"));
    const { cert, key } = folder.pair("own", own);
    const { key: otherKey } = folder.pair("other", other);
    const missing = join(folder.path, "missing.pem");
    const noPem = folder.write("no.pem", "certificate");
    const calls: typeof files = [
      [["--tls-cert", cert], "TLS needs a certificate and its key; give --tls-cert and --tls-key"],
      [["--tls-key", key], "TLS needs a certificate and its key; give --tls-cert and --tls-key"],
      [["--tls-client-ca", cert], "TLS needs a certificate and its key; give --tls-cert and --tls-key"],
      [
        ["--tls-cert", cert, "--tls-key", key, "--tls-node-san", "{id}"],
        "--tls-node-san needs clients' certificates; give their authorities with --tls-client-ca",
      ],
      [
        ["--tls-cert", cert, "--tls-key", key, "--tls-csds-san", "ops"],
        "--tls-csds-san needs clients' certificates; give their authorities with --tls-client-ca",
      ],
    ];
    const files: [flags: string[], why: string | RegExp][] = [
      [
        ["--tls-cert", missing, "--tls-key", key],
        new RegExp(`^xds: ${missing} cannot be read: ENOENT.*\n  --tls-cert ${missing}, --tls-key ${key}\n$`),
      ],
      [
        ["--tls-cert", noPem, "--tls-key", key],
        `the TLS certificate has no line "-----BEGIN CERTIFICATE-----"; it must be PEM\n  --tls-cert ${noPem}, --tls-key ${key}`,
      ],
      [
        ["--tls-cert", cert, "--tls-key", otherKey],
        `the TLS key does not match the certificate; use a matching pair\n  --tls-cert ${cert}, --tls-key ${otherKey}`,
      ],
      [
        ["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", noPem],
        `the TLS client CA has no line "-----BEGIN CERTIFICATE-----"; it must be PEM\n  --tls-cert ${cert}, --tls-key ${key}, --tls-client-ca ${noPem}`,
      ],
    ];
    for (const [flags, why] of [...calls, ...files]) {
      const isCall = calls.some(([one]) => one === flags);
      const { code, stderr } = await (isCall ? xdsHere : xds)("serve", config, ...flags);
      expect(stderr.replace(/^\{.*\}\n/gm, "")).toEqual(
        typeof why === "string" ? `xds: ${why}\n` : expect.stringMatching(why),
      );
      expect(code).toBe(isCall ? 2 : 1);
    }
    const pattern = await xdsHere("serve", config, "--tls-node-san", "spiffe://x/{name}");
    expect(pattern.code).toBe(2);
    expect(pattern.stderr).toContain(
      '"spiffe://x/{name}": expected {id} or {cluster} or both, and no other placeholder.',
    );
    const ofCsds = await xdsHere("serve", config, "--tls-csds-san", "spiffe://x/{id}");
    expect(ofCsds.code).toBe(2);
    expect(ofCsds.stderr).toContain(
      '"spiffe://x/{id}": expected a certificate name in which * is the only placeholder',
    );
  });

  test.each([
    ["--host", "0.0.0.0"],
    ["--host", "::"],
    ["--host", "192.0.2.1"],
    ["--admin-host", "::"],
  ])("with %s %s, where anyone may read the configuration, and exits with 2", async (flag, address) => {
    const folder = new Folder();
    const config = folder.write("a.yaml", cluster("a"));
    const refused = await xdsHere("serve", config, "--port", "0", "--rest-port", "0", flag, address);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`xds: ${flag} ${address} can be reached from other machines`);
    expect(refused.stderr).toContain(flag === "--host" ? "with --insecure" : "--admin-insecure allows it");
    const setting = flag === "--host" ? `host: "${address}"` : `admin: { host: "${address}" }`;
    const file = folder.write("xds.yaml", `${setting}\nport: 0\nrest_port: 0\n`);
    expect(await xdsHere("serve", config, "--config", file)).toMatchObject({ code: 2, stderr: refused.stderr });
  });

  test("and nothing where the address is this machine's own, has TLS, or --insecure allows it", async () => {
    const folder = new Folder();
    const { cert, key } = folder.pair("own", own);
    const config = folder.write("a.yaml", cluster("a"));
    const check = (...flags: string[]) => xdsHere("serve", config, "--check", ...flags);
    const tls = ["--tls-cert", cert, "--tls-key", key];
    for (const flags of [
      ["--host", "::1"],
      ["--host", "127.1.2.3", "--admin-host", "localhost"],
      ["--host", "0.0.0.0", ...tls],
      ["--host", "::", ...tls],
      ["--host", "::", "--insecure"],
      ["--admin-host", "::", "--admin-insecure"],
      ["--admin-host", "0.0.0.0", "--admin-port", "off"],
    ])
      expect(await check(...flags)).toMatchObject({ code: 0, stdout: "0 errors, 0 warnings, 0 infos in 1 resource\n" });
    const refused = await check("--host", "0.0.0.0", ...tls, "--admin-host", "0.0.0.0", "--insecure");
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("because it has no TLS; --admin-insecure allows it"),
    });
  });

  test("and warns where other machines can read secrets or groups without proof of who they are", async () => {
    const folder = new Folder();
    const { cert, key } = folder.pair("own", own);
    const ca = folder.write("ca.pem", own.cert);
    const secret = `resources: [{ "@type": ${secretType}, name: s, generic_secret: { secret: { inline_string: x } } }]\n`;
    const config = folder.write("a.yaml", secret);
    const check = async (...flags: string[]) =>
      (await xdsHere("serve", config, "--check", "--tls-cert", cert, "--tls-key", key, ...flags)).stderr;
    const beyond = ["--host", "0.0.0.0"];
    expect(await check(...beyond)).toContain("every client that can connect to 0.0.0.0 can read all that is served");
    expect(await check(...beyond, "--tls-client-ca", ca)).toContain("every client with a certificate can read all");
    expect(await check(...beyond, "--tls-client-ca", ca, "--tls-node-san", "spiffe://td/{id}")).not.toContain(
      "can read",
    );
    expect(await check()).not.toContain("can read");
    folder.write("a.yaml", cluster("a"));
    expect(await check(...beyond)).not.toContain("can read");
  });
});
