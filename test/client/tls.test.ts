import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterType } from "../../src/resource/types.js";
import { cluster, connect, modes, serve } from "./modes.js";

const folder = mkdtempSync(join(tmpdir(), "xds-client-tls-"));
const read = (name: string) => readFileSync(join(folder, name));
const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });

/** A certificate `<name>.pem` with its key `<name>.key`, signed by `ca`, for the host name xds.test. */
function certificate(name: string, ca: string): void {
  openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`,
    "-out", `${name}.csr`, "-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:xds.test"); // biome-ignore format: a command line
  openssl("x509", "-req", "-in", `${name}.csr`, "-CA", `${ca}.pem`, "-CAkey", `${ca}.key`, "-out", `${name}.pem`,
    "-days", "2", "-copy_extensions", "copy"); // biome-ignore format: a command line
}

function authority(name: string): void {
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`,
    "-out", `${name}.pem`, "-subj", `/CN=${name}`, "-days", "2"); // biome-ignore format: a command line
}

beforeAll(() => {
  authority("ca");
  authority("stranger");
  certificate("server", "ca");
  certificate("client", "ca");
});
afterAll(() => rmSync(folder, { recursive: true }));

const serverName = "xds.test";

describe.each(modes)("a client with TLS ($name)", (mode) => {
  it("trusts the authority given", async () => {
    const { address } = await serve([cluster("a")], { tls: { cert: read("server.pem"), key: read("server.key") } });
    const client = connect({ address, ...mode, tls: { ca: read("ca.pem"), serverName } });
    client.subscribe(clusterType);
    expect((await client.synced(clusterType)).resources.size).toBe(1);
  });

  it("shows its own certificate to a server that asks for one", async () => {
    const tls = { cert: read("server.pem"), key: read("server.key"), clientCa: read("ca.pem") };
    const { address } = await serve([cluster("a")], { tls });
    const own = { cert: read("client.pem"), key: read("client.key").toString() };
    const client = connect({ address, ...mode, tls: { ca: read("ca.pem"), serverName, ...own } });
    client.subscribe(clusterType);
    expect((await client.synced(clusterType)).resources.size).toBe(1);

    const without = connect({ address, ...mode, reconnect: false, tls: { ca: read("ca.pem"), serverName } });
    without.subscribe(clusterType);
    await expect(without.synced(clusterType)).rejects.toMatchObject({ code: "STREAM_ENDED" });
  });
});

describe("a client with TLS", () => {
  it("refuses a server of another authority, and one of another name", async () => {
    const { address } = await serve([cluster("a")], { tls: { cert: read("server.pem"), key: read("server.key") } });
    const { port } = new URL(`http://${address}`);
    for (const tls of [{ ca: read("stranger.pem"), serverName }, { ca: read("ca.pem") }]) {
      const client = connect({ address: `localhost:${port}`, reconnect: false, tls });
      client.subscribe(clusterType);
      await expect(client.synced(clusterType)).rejects.toMatchObject({
        code: "STREAM_ENDED",
        message: expect.stringMatching(/certificate|altnames/),
      });
    }
  });
});
