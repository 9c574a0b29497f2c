import { chmod, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Control } from "../../src/control/control.js";
import { ControlClient } from "../../src/control/control-client.js";
import { ControlPort } from "../../src/control/control-port.js";
import { TokenFile } from "../../src/control/token-file.js";
import { Revisions } from "../../src/revisions/revisions.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import { ask, startBoth } from "../admin/harness.js";
import { cacheOf } from "../protocol/harness.js";
import { cluster, secret } from "../protocol/resources.js";
import { common, me, revisionsInRollout, temporaryFolder } from "./harness.js";

const token = "0123456789abcdef";
const other = "fedcba9876543210";

async function tokenFile(text: string, mode = 0o600): Promise<string> {
  const path = join(await temporaryFolder(), "tokens");
  await writeFile(path, text, { mode });
  await chmod(path, mode);
  return path;
}

async function start(revisions: Revisions, file: string | undefined) {
  const tokens = file === undefined ? undefined : await TokenFile.open(file);
  const lines: string[] = [];
  const log = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { debug: log, info: log, warn: log, error: log };
  const control = new ControlPort(new Control(revisions, { liveTypes: [] }), tokens, logger);
  const { admin } = await startBoth(cacheOf(cluster("a")), { control });
  const url = `http://127.0.0.1:${admin.address.port}`;
  return { admin, url, lines };
}

describe("orders on the admin port", () => {
  it("are refused without a token file, and the error says how to allow them", async () => {
    const { admin } = await start(await revisionsInRollout(), undefined);
    for (const authorization of [undefined, `Bearer ${token}`]) {
      const { status, body } = await ask(
        admin,
        "/control/rollout",
        authorization ? { headers: { authorization } } : {},
      );
      expect(status).toBe(403);
      expect(body).toContain("its server has no token file (`xds serve --admin-token-file`)");
    }
    expect((await ask(admin, "/ready")).status).toBe(200);
    expect((await ask(admin, "/control")).status).toBe(404);
  });

  it("have no path on an admin port without orders", async () => {
    const { admin } = await startBoth(cacheOf(cluster("a")));
    expect((await ask(admin, "/control/rollout")).status).toBe(404);
  });

  it("need a token of the file, and the audit log has the token's name", async () => {
    const revisions = await revisionsInRollout();
    const { admin, url, lines } = await start(revisions, await tokenFile(`# who may\n\nci:${token}\nops: ${other}\n`));
    for (const authorization of ["", `Bearer ${token}x`, `Bearer ${token.slice(1)}`, `Basic ${token}`, "Bearer "]) {
      const { status, headers, body } = await ask(admin, "/control/rollout", { headers: { authorization } });
      expect([status, headers["www-authenticate"]], authorization).toEqual([401, "Bearer"]);
      expect(JSON.parse(body), authorization).toMatchObject({ error: { code: "PERMISSION_DENIED" } });
    }
    expect(lines.filter((line) => line.startsWith("an order with an unknown token is refused"))).toHaveLength(2);
    expect(lines.join()).not.toContain(token.slice(1));
    await expect(new ControlClient({ admin: url, token: "x".repeat(16) }).rollout()).rejects.toThrow("need a token");
    const client = new ControlClient({ admin: `${url}/`, token: other }, "server");
    expect((await client.rollout()).stable).toBe(1);
    await client.freeze("sale");
    expect(revisions.head.frozen).toMatchObject({ by: "token ops", why: "sale" });
  });

  it("are refused from web pages of other sites, and as forms", async () => {
    const { admin } = await start(await revisionsInRollout(), await tokenFile(`ci:${token}`));
    const authorization = `Bearer ${token}`;
    const status = async (headers: Record<string, string>) =>
      (await ask(admin, "/control/freeze", { method: "POST", headers: { authorization, ...headers } })).status;
    expect(await status({ origin: "http://evil.example" })).toBe(403);
    expect(await status({ host: "evil.example" })).toBe(403);
    expect(await status({ "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await status({ "content-type": "application/x-www-form-urlencoded" })).toBe(415);
    expect(await status({ "content-type": "application/json" })).toBe(400);
  });

  it("show no secrets", async () => {
    const revisions = await Revisions.open(new MemoryStore());
    await revisions.publish(common(secret("key", 3), cluster("a")), me);
    const { admin, url } = await start(revisions, await tokenFile(`ci:${token}`));
    const headers = { authorization: `Bearer ${token}` };
    expect((await ask(admin, "/control/revisions/1/resources?secrets=true", { headers })).status).toBe(403);
    const read = await new ControlClient({ admin: url, token }).resources(1, "/");
    const redacted = read.map(({ resource, isRedacted }) => [resource.name, isRedacted]);
    expect(redacted.sort()).toEqual([
      ["a", false],
      ["key", true],
    ]);
    const key = read.find(({ isRedacted }) => isRedacted)?.resource;
    expect(key?.version).toBe(secret("key", 3).version);
    expect(Buffer.from(key?.body ?? []).toString("latin1")).not.toContain("3");
  });

  it("are refused while the file cannot be used, and taken again after it is corrected", async () => {
    const file = await tokenFile(`ci:${token}`);
    const { url, lines } = await start(await revisionsInRollout(), file);
    const client = new ControlClient({ admin: url, token });
    await client.rollout();
    await chmod(file, 0o644);
    await expect(client.rollout()).rejects.toThrow("the server's token file cannot be used now");
    expect(lines.join()).toContain("other users can read or write it (mode 0644); run chmod 600");
    await chmod(file, 0o600);
    await client.rollout();
  });
});

describe("a token file", () => {
  it("is read again when it has changed", async () => {
    const file = await tokenFile(`ci:${token}`);
    const tokens = await TokenFile.open(file);
    expect([await tokens.nameOf(token), await tokens.nameOf(other)]).toEqual(["ci", undefined]);
    await writeFile(file, `ops:${other}`);
    expect([await tokens.nameOf(token), await tokens.nameOf(other)]).toEqual([undefined, "ops"]);
    await rename(file, `${file}.old`);
    await expect(tokens.nameOf(other)).rejects.toThrow("ENOENT");
    await rename(`${file}.old`, file);
    expect(await tokens.nameOf(other)).toBe("ops");
  });

  it.each([
    ["", "it has no token"],
    ["# nothing\n", "it has no token"],
    [token, "line 1 is not <name>:<token>"],
    [`:${token}`, "line 1 is not <name>:<token>"],
    [`a b:${token}`, "line 1 is not <name>:<token>"],
    [`a:${token} x`, "line 1 is not <name>:<token>"],
    [`a:${token.slice(1)}`, "line 1: a token has at least 16 characters"],
    [`a:${token}\n\na:${other}`, "line 3: an earlier token has the same name"],
  ])("cannot be %j", async (text, why) => {
    const file = await tokenFile(text);
    await expect(TokenFile.open(file)).rejects.toThrow(`the token file ${file} cannot be used: ${why}`);
  });

  it.each([0o604, 0o640, 0o620, 0o666])("cannot have mode %o", async (mode) => {
    const file = await tokenFile(`ci:${token}`, mode);
    await expect(TokenFile.open(file)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining("chmod 600"),
    });
  });
});
