import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { silentLogger } from "../../src/logger.js";
import { EtcdStore, type EtcdStoreOptions } from "../../src/store/etcd/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { base64, describeWithEtcd, type Etcd, eventually, newConfiguration, openStore, startEtcd } from "./etcd.js";

/** Files by name, in a new folder. Returns their paths. */
function files<Name extends string>(contents: Readonly<Record<Name, string>>): Record<Name, string> {
  const folder = mkdtempSync(join(tmpdir(), "etcd-access-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const paths = Object.entries<string>(contents).map(([name, content]) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return [name, path];
  });
  return Object.fromEntries(paths) as Record<Name, string>;
}

const refuses = async (options: EtcdStoreOptions, pattern: RegExp, code = "STORE_FAILED") => {
  const opening = EtcdStore.open(options);
  await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(pattern) });
};

/** Switches authentication on: `root`, and `xds`, who may use the keys of one configuration. */
async function withUsers(etcd: Etcd, configuration: string, permType = "READWRITE"): Promise<void> {
  const prefix = `/xds/v1/${configuration}/`;
  const perm = { permType, key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) };
  await etcd.json("auth/user/add", { name: "root", password: "root" });
  await etcd.json("auth/user/grant", { user: "root", role: "root" });
  await etcd.json("auth/role/add", { name: "publisher" });
  await etcd.json("auth/role/grant", { name: "publisher", perm });
  await etcd.json("auth/user/add", { name: "xds", password: "pass word" });
  await etcd.json("auth/user/grant", { user: "xds", role: "publisher" });
  await etcd.json("auth/enable", {});
}

describeWithEtcd("an etcd with users", () => {
  it("lets in who has the right password, and says what is wrong to others", async () => {
    const etcd = await startEtcd();
    const configuration = newConfiguration();
    await withUsers(etcd, configuration);
    const options = { endpoints: [etcd.endpoint], configuration, timeoutMs: 3_000 };
    await refuses(options, /user name is empty; it requires a user and a password/);
    await refuses(
      { ...options, login: { user: "xds", password: "wrong" } },
      /invalid user ID or password; correct the user or the password/,
    );
    await refuses({ ...options, login: { user: "nobody", password: "x" } }, /correct the user or the password/);
    const login = { user: "xds", password: "pass word" };
    await refuses({ ...options, login, configuration: "other" }, /permission denied; grant a role of the user access/);

    const [store, other] = [await openStore({ ...options, login }), await openStore({ ...options, login })];
    let heard = 0;
    other.onMove(({ version }) => {
      heard = version;
    });
    await store.moveHead(0, { head: 1, put: { "k/1": 1 }, audit: { at: 1, by: "me", what: "publish" } });
    await store.putBlobs([Buffer.from("a")]);
    expect(await store.lease("leader")).toBeDefined();
    expect(await store.collect(new Set())).toBe(0);
    await eventually(() => heard === 1, "the move is heard");
  });

  it("lets a reader follow, and change nothing", async () => {
    const etcd = await startEtcd();
    const configuration = newConfiguration();
    await withUsers(etcd, configuration, "READ");
    const options = { endpoints: [etcd.endpoint], configuration, timeoutMs: 3_000 };
    const reader = await openStore({ ...options, login: { user: "xds", password: "pass word" } });
    const publisher = await openStore({ ...options, login: { user: "root", password: "root" } });
    let heard = 0;
    reader.onMove(({ version }) => {
      heard = version;
    });
    const [hash] = (await publisher.putBlobs([Buffer.from("a")])) as [string];
    await publisher.moveHead(0, { head: 1, put: { "k/1": 1 } });
    await eventually(() => heard === 1, "the move is heard");
    expect(Buffer.from(await reader.readBlob(hash)).toString()).toBe("a");
    expect(await reader.readRecord("k/1")).toBe(1);
    const isDenied = { code: "STORE_FAILED", message: expect.stringMatching(/permission denied/) };
    await expect(reader.moveHead(1, { head: 2 })).rejects.toMatchObject(isDenied);
    await expect(reader.putBlobs([Buffer.from("b")])).rejects.toMatchObject(isDenied);
  });

  it("gives a new token when the old one is of no use any more", async () => {
    const etcd = await startEtcd();
    const configuration = newConfiguration();
    await withUsers(etcd, configuration);
    const { password } = files({ password: "wrong\n" });
    process.env.XDS_TEST_ETCD_USER = "xds";
    onTestFinished(() => {
      delete process.env.XDS_TEST_ETCD_USER;
    });
    const login = { user: { variable: "XDS_TEST_ETCD_USER" }, password: { file: password } };
    const options = { endpoints: [etcd.endpoint], configuration, timeoutMs: 5_000, login };
    await refuses(options, /correct the user or the password/);
    writeFileSync(password, "pass word\n");
    const store = await openStore(options);
    let heard = 0;
    store.onMove(({ version }) => {
      heard = version;
    });
    await etcd.kill(); // it forgets its tokens
    etcd.start();
    await etcd.serves(2);
    expect(await store.moveHead(0, { head: 1 })).toBe(1);
    const other = await openStore(options);
    expect(await other.moveHead(1, { head: 2 })).toBe(2);
    await eventually(() => heard === 2, "the watch goes on");
  });

  it("says where the user or the password cannot be read", async () => {
    const options = { endpoints: ["127.0.0.1:1"], timeoutMs: 1_000 };
    const noFile = { ...options, login: { user: "a", password: { file: "/nowhere/password" } } };
    await refuses(
      noFile,
      /the password for etcd \(login.password, --store-password-file\) cannot be read from \/nowhere\/password: ENOENT/,
    );
    const noVariable = { ...options, login: { user: { variable: "XDS_TEST_NOT_SET" }, password: "a" } };
    await refuses(
      noVariable,
      /the user of etcd \(login.user, --store-user\) is the variable XDS_TEST_NOT_SET, which is not set/,
    );
  });

  it("is warned of where etcd has authentication switched off", async () => {
    const etcd = await startEtcd();
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
    const login = { user: "xds", password: "a" };
    const store = await openStore({ endpoints: [etcd.endpoint], configuration: newConfiguration(), login, logger });
    expect(await store.moveHead(0, { head: 1 })).toBe(1);
    expect(warnings).toEqual([expect.stringMatching(/authentication switched off/)]);
  });
});

describeWithEtcd("an etcd with TLS", () => {
  const server = selfSigned();
  const client = selfSigned({ commonName: "client" });
  const stranger = selfSigned({ commonName: "stranger" });
  const named = { serverName: "localhost" };

  it("is trusted by its certificate, and trusts clients by theirs", async () => {
    const { cert, key, ca, clientCert, clientKey } = files({
      cert: server.cert,
      key: server.key,
      ca: client.cert,
      clientCert: client.cert,
      clientKey: client.key,
    });
    const flags = ["--cert-file", cert, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", ca];
    const etcd = await startEtcd({ flags, scheme: "https" });
    const options = { endpoints: [etcd.endpoint], configuration: newConfiguration(), timeoutMs: 3_000 };
    const good = { ...named, ca: { file: cert }, cert: { file: clientCert }, key: { file: clientKey } };
    const store = await openStore({ ...options, tls: good });
    expect(await store.moveHead(0, { head: 1 })).toBe(1);

    const refusesWith = (tls: EtcdStoreOptions["tls"], pattern: RegExp, code?: string) =>
      refuses({ ...options, ...(tls && { tls }) }, pattern, code);
    await refusesWith(
      { ...good, ca: stranger.cert },
      /cannot be reached: self-signed certificate; give .* tls\.ca \(--store-tls-ca\)$/,
    );
    const isNotTrusted =
      /cannot be reached: .*alert (bad certificate|certificate required|unknown ca).*; it accepts no client without .* tls\.cert and tls\.key \(--store-tls-cert and --store-tls-key\)$/;
    await refusesWith({ ...named, ca: server.cert }, isNotTrusted);
    await refusesWith({ ...good, cert: stranger.cert, key: stranger.key }, isNotTrusted);
    await refusesWith(
      { ...good, serverName: "other" },
      /Host: other.* give the name .* as tls\.serverName \(--store-tls-server-name\)$/,
    );
    await refusesWith(
      undefined,
      /gave no answer within 3000 ms: .*; if it has TLS, the option tls is missing \(etcds:\/\/\)$/,
      "STORE_AWAY",
    );
    for (const broken of [{ cert: "junk" }, { key: stranger.key }]) {
      const opening = EtcdStore.open({ ...options, tls: { ...good, ...broken } });
      const message = expect.stringMatching(/^the TLS key or certificate cannot be used/);
      await expect(opening).rejects.toMatchObject({ code: "INVALID_OPTION", message });
    }
    await refusesWith(
      { ...good, ca: { file: "/nowhere/ca" } },
      /\(tls\.ca, --store-tls-ca\) cannot be read from \/nowhere\/ca: ENOENT/,
    );
  });

  it("is connected to with the certificate that is in the file at that time", async () => {
    const paths = files({ cert: server.cert, key: server.key, ca: client.cert, own: client.cert, ownKey: client.key });
    const { cert, key, ca, own, ownKey } = paths;
    const flags = ["--cert-file", cert, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", ca];
    const etcd = await startEtcd({ flags, scheme: "https" });
    const tls = { ...named, ca: { file: cert }, cert: { file: own }, key: { file: ownKey } };
    const options = { endpoints: [etcd.endpoint], configuration: newConfiguration(), timeoutMs: 3_000 };
    const store = await openStore({ ...options, tls });
    writeFileSync(own, stranger.cert);
    writeFileSync(ownKey, stranger.key);
    expect(await store.moveHead(0, { head: 1 })).toBe(1); // a connection lasts
    await etcd.kill();
    etcd.start();
    await etcd.serves(2);
    const isNotTrusted = { code: "STORE_FAILED", message: expect.stringMatching(/tls\.cert and tls\.key/) };
    await expect(store.readHead()).rejects.toMatchObject(isNotTrusted);
    writeFileSync(own, client.cert);
    writeFileSync(ownKey, client.key);
    expect(await store.readHead()).toEqual({ version: 1, head: 1 });
  });

  it("cannot be reached by TLS where it has plain text", async () => {
    const etcd = await startEtcd();
    await refuses(
      { endpoints: [etcd.endpoint], timeoutMs: 1_000, tls: named },
      /; does it have TLS\? Plain text/,
      "STORE_AWAY",
    );
  });
});
