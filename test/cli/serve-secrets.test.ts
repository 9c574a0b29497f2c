import { X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, onTestFinished, test } from "vitest";
import { secretType } from "../../src/index.js";
import { type Certificate, selfSigned } from "../e2e/certificate.js";
import { edge } from "../e2e/edge.js";
import { describeWithEnvoy, startEnvoy } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { startBackend } from "../e2e/http.js";
import { adsDelta, adsSotw, type Mode } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder, fileOf } from "./serving.js";

const [first, second] = [selfSigned(), selfSigned()];

/** A request to 127.0.0.1 by TLS on a connection of its own; gives the certificate that was shown. */
function request(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false });
    let answer = "";
    let shown: Buffer | undefined;
    socket.setTimeout(10_000, () => socket.destroy(new Error("no answer")));
    socket.on("secureConnect", () => {
      shown = socket.getPeerCertificate().raw;
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    });
    socket.on("data", (part) => {
      answer += String(part);
    });
    socket.on("error", reject);
    socket.on("close", () =>
      shown && answer.startsWith("HTTP/1.1 200 ") ? resolve(shown) : reject(new Error(`answered ${answer}`)),
    );
  });
}

/** Requests from four clients, of each one after the other, until stopped. */
class Load {
  readonly failures: string[] = [];
  /** How often each certificate was shown, by its serial number. */
  readonly shown = new Map<string, number>();
  private isStopped = false;
  private readonly done: Promise<unknown>;

  constructor(port: number) {
    this.done = Promise.all([1, 2, 3, 4].map(() => this.run(port)));
    onTestFinished(() => this.stop());
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
  }

  private async run(port: number): Promise<void> {
    while (!this.isStopped)
      await request(port).then(
        (raw) => {
          const serial = new X509Certificate(raw).serialNumber;
          this.shown.set(serial, (this.shown.get(serial) ?? 0) + 1);
        },
        (error: Error) => this.failures.push(error.message),
      );
  }
}

/** A listener with TLS, whose certificate comes by SDS, and a backend. */
async function tlsEdge(mode: Mode, port: number): Promise<string> {
  const snapshot = edge({ mode, port, backends: { a: await startBackend("a") }, routeTo: "a" });
  const { resources } = JSON.parse(fileOf(snapshot)) as { resources: JsonObject[] };
  const sds_config = { ads: {}, resource_api_version: "V3" };
  const typed_config = {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    common_tls_context: { tls_certificate_sds_secret_configs: [{ name: "server", sds_config }] },
  };
  for (const { filter_chains: chains } of resources)
    for (const chain of (chains ?? []) as JsonObject[]) chain.transport_socket = { name: "tls", typed_config };
  return JSON.stringify({ resources });
}

const secret = `resources:
- "@type": ${secretType}
  name: server
  tls_certificate:
    certificate_chain: { filename: tls.crt }
    private_key: { filename: tls.key }
`;

const changed = (server: ReturnType<typeof xds.start>) =>
  server.log().filter(({ msg }) => msg === "serving the changed configuration").length;

const serialOf = ({ cert }: Certificate) => new X509Certificate(cert).serialNumber;

describeWithEnvoy("an Envoy whose certificate comes from PEM files beside the YAML", () => {
  for (const mode of [adsDelta, adsSotw])
    test(`shows the new one without a failed handshake when the files are written one after the other, ${mode.name}`, async () => {
      const folder = new Folder();
      const port = await freePort();
      folder.write("edge.json", await tlsEdge(mode, port));
      folder.write("secret.yaml", secret);
      const write = (name: "tls.crt" | "tls.key", content: string) => folder.write(name, content);
      write("tls.crt", first.cert);
      write("tls.key", first.key);
      const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "off");
      const envoy = startEnvoy({ mode, xdsPort: (await server.ports()).grpc });
      await eventually(async () => expect(await request(port)).toEqual(new X509Certificate(first.cert).raw));

      const load = new Load(port);
      const pairs = [second, first, second];
      for (const [index, { cert, key }] of pairs.entries()) {
        write("tls.crt", cert);
        // The last time so late that the one without the other is seen.
        if (index === pairs.length - 1)
          await server.logged({ level: "error", msg: "still serving the last good configuration" });
        write("tls.key", key);
        await eventually(async () => expect(await request(port)).toEqual(new X509Certificate(cert).raw));
      }
      await load.stop();
      expect(load.failures).toEqual([]);
      expect([...load.shown.keys()].sort()).toEqual([serialOf(first), serialOf(second)].sort());
      expect(changed(server)).toBe(pairs.length);
      expect(server.log()).toContainEqual(
        expect.objectContaining({
          level: "error",
          msg: expect.stringMatching(
            /secret\.yaml:6:18: .*tls_certificate\.private_key: the private key does not match the certificate; use a matching pair$/,
          ),
        }),
      );
      expect(await envoy.total(/.*sds\.server\.update_rejected/)).toBe(0);
      expect(await envoy.total(/listener\..*ssl\.connection_error/)).toBe(0);
    });

  test("shows the new one without a failed handshake when a Kubernetes volume is swapped, in one change with the YAML", async () => {
    const folder = new Folder();
    const port = await freePort();
    folder.write("edge.json", await tlsEdge(adsDelta, port));
    const pairs = [first, second];
    let version = 0;
    const swap = () => {
      version++;
      const name = `..v${version}`;
      const { cert, key } = pairs[version % 2] as Certificate;
      mkdirSync(join(folder.path, name));
      const files = { "secret.yaml": `# ${version}\n${secret}`, "tls.crt": cert, "tls.key": key };
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder.path, name, file), text);
      symlinkSync(name, join(folder.path, "..data_tmp"));
      renameSync(join(folder.path, "..data_tmp"), join(folder.path, "..data"));
      if (version > 1) rmSync(join(folder.path, `..v${version - 1}`), { recursive: true });
      else for (const file of Object.keys(files)) symlinkSync(join("..data", file), join(folder.path, file));
      return cert;
    };
    const shows = (cert: string) =>
      eventually(async () => expect(await request(port)).toEqual(new X509Certificate(cert).raw));
    const cert = swap();
    const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "off");
    const envoy = startEnvoy({ mode: adsDelta, xdsPort: (await server.ports()).grpc });
    await shows(cert);
    const load = new Load(port);
    for (let swaps = 1; swaps <= 6; swaps++) {
      await shows(swap());
      await eventually(async () => expect(changed(server)).toBe(swaps));
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect([...load.shown.keys()].sort()).toEqual([serialOf(first), serialOf(second)].sort());
    expect(server.log().filter(({ level }) => level === "error")).toEqual([]);
    expect(await envoy.total(/.*sds\.server\.update_rejected/)).toBe(0);
    expect(await envoy.total(/listener\..*ssl\.connection_error/)).toBe(0);
  });
});

describe("xds serve, with secrets in PEM files", () => {
  test("takes the example of docs/secrets.md", async () => {
    const page = readFileSync(new URL("../../docs/secrets.md", import.meta.url), "utf8");
    const [, example = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
    const folder = new Folder();
    folder.write("secrets.yaml", example);
    mkdirSync(join(folder.path, "tls"));
    const files = { "server.crt": first.cert, "server.key": first.key, "clients-ca.pem": second.cert };
    for (const [name, text] of Object.entries(files)) folder.write(join("tls", name), text);
    expect(await xdsHere("serve", folder.path, "--check")).toMatchObject({
      code: 0,
      stdout: "0 errors, 0 warnings, 0 infos in 2 resources\n",
    });
  });

  test("does not start without them, and says which", async () => {
    const folder = new Folder();
    folder.write("secret.yaml", secret);
    folder.write("tls.crt", first.cert);
    expect(await xds("serve", folder.path, "--port", "0", "--rest-port", "off")).toEqual({
      code: 1,
      stdout: "",
      stderr: `${join(folder.path, "secret.yaml")}:6:30 error INVALID resources[0].tls_certificate.private_key.filename: the file does not exist; a relative path begins at this file's directory, and an absolute one is for a file on the Envoy's own machine; add the file, or correct the path\nxds: 1 problem; nothing is served\n`,
    });
  });

  test("keeps the last good ones while they are away, and takes them when they are back", async () => {
    const folder = new Folder();
    folder.write("secret.yaml", secret);
    const { cert, key } = { cert: folder.write("tls.crt", first.cert), key: folder.write("tls.key", first.key) };
    const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "off");
    const { grpc } = await server.ports();
    const get = async () =>
      (await xdsHere("get", "secrets", "server", "-o", "json", "--show-secrets", "--server", `127.0.0.1:${grpc}`))
        .stdout;
    rmSync(cert);
    rmSync(key);
    await server.logged({ level: "error", msg: "still serving the last good configuration" });
    expect(await get()).toContain(JSON.stringify(first.key));
    folder.write("tls.crt", second.cert);
    await sleep(300);
    expect(await get()).toContain(JSON.stringify(first.key));
    folder.write("tls.key", second.key);
    await server.logged({ msg: "serving the changed configuration", changed: 1, added: 0, removed: 0 });
    expect(await get()).toContain(JSON.stringify(second.key));
  });
});
