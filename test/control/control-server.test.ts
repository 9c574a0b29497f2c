import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Control } from "../../src/control/control.js";
import { ControlClient } from "../../src/control/control-client.js";
import { ControlServer } from "../../src/control/control-server.js";
import { Revisions } from "../../src/revisions/revisions.js";
import { DirectoryStore } from "../../src/store/directory-store.js";
import { cluster, secret } from "../protocol/resources.js";
import { common, me, OneHeld, revisionsInRollout, startControl, temporaryFolder } from "./harness.js";

const modeOf = (path: string) => statSync(path).mode & 0o7777;

interface Reply {
  readonly status: number | undefined;
  readonly body: string;
}

/** Sends a request to a socket. */
function send(
  socketPath: string,
  method: string,
  path: string,
  body: string | undefined = undefined,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.on("data", (piece) => (text += String(piece)));
      response.on("end", () => resolve({ status: response.statusCode, body: text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const errorOf = ({ status, body }: Reply) => ({ status, ...(JSON.parse(body) as { error: object }).error });

/** Opens a connection, sends a text, and returns everything that comes back until the connection ends. */
async function raw(path: string, text: string): Promise<string> {
  const socket = connect(path);
  let answer = "";
  socket.on("data", (piece) => (answer += String(piece)));
  socket.write(text);
  await once(socket, "close");
  return answer;
}

describe("the socket of orders", () => {
  it("can be used by its owner only, and is removed when the server closes", async () => {
    const { server, folder } = await startControl(await revisionsInRollout());
    expect(server.path).toBe(join(folder, "control.sock"));
    expect(modeOf(server.path)).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["control.sock"]);
    await server.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("replaces the socket of a dead server", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "control.sock");
    await leaveSocket(path);
    const { server } = await startControl(await revisionsInRollout(), { folder });
    expect(server.path).toBe(path);
    expect((await new ControlClient({ stateDirectory: folder }).rollout()).stable).toBe(1);
  });

  it("does not replace the socket of a running server", async () => {
    const { folder, control } = await startControl(await revisionsInRollout());
    await expect(ControlServer.start(control, folder)).rejects.toMatchObject({
      code: "CANNOT_LISTEN",
      message: expect.stringContaining(`another server takes orders on ${folder}`),
    });
    expect((await new ControlClient({ stateDirectory: folder }).rollout()).stable).toBe(1);
  });

  it("stays when another server has replaced it", async () => {
    const { server, folder, control } = await startControl(await revisionsInRollout());
    const aside = join(folder, "aside");
    await rename(server.path, aside);
    const other = await ControlServer.start(control, folder);
    onTestFinished(() => other.close());
    await server.close();
    expect((await new ControlClient({ stateDirectory: folder }).rollout()).stable).toBe(1);
  });

  it("is in a folder of its own if the state directory's path is too long", async () => {
    const folder = join(await temporaryFolder(), "long".repeat(30));
    await mkdir(folder);
    const { server } = await startControl(await revisionsInRollout(), { folder });
    expect(Buffer.byteLength(server.path)).toBeLessThan(104);
    expect(readFileSync(join(folder, "control.path"), "utf8")).toBe(server.path);
    expect([modeOf(join(folder, "control.path")), modeOf(server.path), modeOf(dirname(server.path))]).toEqual([
      0o600, 0o600, 0o700,
    ]);
    const client = new ControlClient({ stateDirectory: folder });
    expect((await client.rollout()).stable).toBe(1);
    await expect(ControlServer.start(new Control(await revisionsInRollout()), folder)).rejects.toThrow(
      "another server takes orders",
    );
    expect((await client.rollout()).stable).toBe(1);
    await server.close();
    expect([existsSync(dirname(server.path)), readdirSync(folder)]).toEqual([false, []]);
  });

  it("removes the folder of a dead server, and no other folder", async () => {
    const folder = join(await temporaryFolder(), "long".repeat(30));
    await mkdir(folder);
    const first = await startControl(await revisionsInRollout(), { folder });
    const left = await readFile(join(folder, "control.path"), "utf8");
    await first.server.close();
    await mkdir(dirname(left), { mode: 0o700 });
    await writeFile(join(folder, "control.path"), left);
    const second = await startControl(await revisionsInRollout(), { folder });
    expect(existsSync(dirname(left))).toBe(false);
    await second.server.close();
    const other = await temporaryFolder();
    await writeFile(join(folder, "control.path"), join(other, "s"));
    await startControl(await revisionsInRollout(), { folder });
    expect(existsSync(other)).toBe(true);
  });

  it("cannot be made without a folder", async () => {
    const folder = join(await temporaryFolder(), "none");
    await expect(ControlServer.start(new Control(await revisionsInRollout()), folder)).rejects.toMatchObject({
      code: "CANNOT_LISTEN",
      message: expect.stringContaining(`cannot take orders in the state directory ${folder}`),
    });
  });
});

describe("a request on the socket", () => {
  it("is answered in JSON, even with an error", async () => {
    const { server, folder } = await startControl(await revisionsInRollout());
    const get = (path: string) => send(server.path, "GET", path);
    expect(await get("/control/rollout")).toMatchObject({ status: 200 });
    expect(errorOf(await get("/control/frob"))).toMatchObject({
      status: 404,
      code: "UNKNOWN_PATH",
      message: expect.stringContaining("the paths are /control/history,"),
    });
    expect(errorOf(await get("/control/constructor"))).toMatchObject({ status: 404 });
    expect(errorOf(await get("/control/revisions/9"))).toMatchObject({ status: 400, code: "INVALID_OPTION" });
    expect(errorOf(await get("/control/revisions/x"))).toMatchObject({ status: 400, code: "INVALID_REQUEST" });
    expect(errorOf(await get("/control/revisions/2/resources?layer=x"))).toMatchObject({ status: 400 });
    expect(errorOf(await get("/control/audit?most=0"))).toMatchObject({ status: 400 });
    expect(errorOf(await get("/control/audit?frob=0"))).toMatchObject({ status: 400 });
    expect(errorOf(await get("/control/undo"))).toMatchObject({ status: 405, code: "METHOD_NOT_ALLOWED" });
    expect(errorOf(await send(server.path, "POST", "/control/history", "{}"))).toMatchObject({ status: 405 });
    await new ControlClient({ stateDirectory: folder }).onRollout("abort", "no");
    expect(errorOf(await send(server.path, "POST", "/control/rollout/abort", '{"why":"again"}'))).toEqual({
      status: 409,
      code: "WRONG_STATE",
      message: "no rollout is going on",
    });
  });

  it.each([
    ["", "INVALID_JSON"],
    ["{", "INVALID_JSON"],
    ["[]", "INVALID_JSON"],
    ["null", "INVALID_JSON"],
    ['"why"', "INVALID_JSON"],
    ["{}", "INVALID_REQUEST"],
    ['{"why":""}', "INVALID_REQUEST"],
    ['{"why":" "}', "INVALID_REQUEST"],
    ['{"why":1}', "INVALID_REQUEST"],
    [JSON.stringify({ why: "x".repeat(1_001) }), "INVALID_REQUEST"],
    ['{"why":"x","reason":"y"}', "INVALID_REQUEST"],
    ['{"why":"x","to":0}', "INVALID_REQUEST"],
    ['{"why":"x","to":"1"}', "INVALID_REQUEST"],
    ['{"why":"x","to":1.5}', "INVALID_REQUEST"],
    ['{"why":"x","as":7}', "INVALID_REQUEST"],
  ])("is refused where its body is %s", async (body, code) => {
    const revisions = await revisionsInRollout();
    const { server } = await startControl(revisions);
    const { head } = revisions;
    expect(errorOf(await send(server.path, "POST", "/control/undo", body))).toMatchObject({ status: 400, code });
    expect(revisions.head).toBe(head);
  });

  it.each(["2000-01-01T00:00:00Z", "tomorrow", "2030", 12])("freezes nothing until %s", async (until) => {
    const revisions = await revisionsInRollout();
    const { server } = await startControl(revisions);
    const body = JSON.stringify({ why: "x", until });
    expect(errorOf(await send(server.path, "POST", "/control/freeze", body))).toMatchObject({ status: 400 });
    expect(revisions.head.frozen).toBeUndefined();
  });

  it("is refused if its body is too large, with or without a content-length, or its type is not JSON", async () => {
    const { server } = await startControl(await revisionsInRollout());
    const large = "x".repeat((64 << 10) + 1);
    expect(errorOf(await send(server.path, "POST", "/control/undo", large))).toMatchObject({ status: 413 });
    const chunked = { "content-type": "application/json", "transfer-encoding": "chunked" };
    expect(errorOf(await send(server.path, "POST", "/control/undo", large, chunked))).toMatchObject({ status: 413 });
    expect(errorOf(await send(server.path, "POST", "/control/undo", "{}", {}))).toMatchObject({
      status: 415,
      code: "UNSUPPORTED_MEDIA_TYPE",
    });
  });

  it("must be HTTP, and its head and body must arrive in time", async () => {
    const { server } = await startControl(await revisionsInRollout(), { requestMs: 300 });
    const head = "POST /control/undo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    const slow = [raw(server.path, head), raw(server.path, `${head}Content-Length: 10\r\n\r\n{`)];
    for (const answer of await Promise.all(slow)) {
      expect(answer).toMatch(/^HTTP\/1.1 408 /);
      expect(answer).toContain('{"error":{"code":"REQUEST_TOO_SLOW"');
    }
    expect(await raw(server.path, "frob\r\n\r\n")).toMatch(/^HTTP\/1.1 400 .*INVALID_REQUEST/s);
    expect((await send(server.path, "GET", "/control/rollout")).status).toBe(200);
  });

  it("is refused while sixteen other connections are open", async () => {
    const { server } = await startControl(await revisionsInRollout());
    const idle = await Promise.all(Array.from({ length: 16 }, () => connected(server.path)));
    await expect(send(server.path, "GET", "/control/rollout")).rejects.toThrow();
    idle[0]?.destroy();
    await expect.poll(() => send(server.path, "GET", "/control/rollout").catch(() => undefined)).toBeDefined();
    for (const socket of idle) socket.destroy();
  });

  it("can come together with others, and each order is done once", async () => {
    const revisions = await revisionsInRollout();
    const { folder } = await startControl(revisions);
    const clients = Array.from({ length: 8 }, (_, at) => new ControlClient({ stateDirectory: folder }, `user ${at}`));
    await Promise.all(clients.map((client) => client.freeze("all at once")));
    const { entries } = await new ControlClient({ stateDirectory: folder }).audit(8);
    expect(entries.map(({ by }) => by).sort()).toEqual(clients.map((_, at) => `claimed user ${at}`));
  });
});

describe("ControlClient", () => {
  it("gives every order, with who gives it", async () => {
    const approvals = new OneHeld();
    const revisions = await revisionsInRollout();
    const { folder } = await startControl(revisions, { approvals });
    const client = new ControlClient({ stateDirectory: folder }, "uid 7 (eve\nserver)");
    const by = "claimed uid 7 (eve\\u000aserver)";
    expect((await client.onRollout("pause", "lunch")).candidate?.paused).toEqual({ by, why: "lunch" });
    expect((await client.onRollout("resume", "back")).candidate).not.toHaveProperty("paused");
    expect((await client.freeze("sale", Date.now() + 60_000)).frozen).toMatchObject({ by, why: "sale" });
    expect(await client.unfreeze("over")).not.toHaveProperty("frozen");
    expect(await client.onRollout("abort", "no")).toMatchObject({ stable: 1, barred: [{ revision: 2 }] });
    expect(await client.again("@2", "yes")).toMatchObject({ revision: 2, at: expect.stringMatching(/Z$/) });
    await revisions.publish(common(cluster("c")), me);
    expect(await client.undo({ why: "oh" })).toMatchObject({ revision: 4, parent: 3, by });
    approvals.change = { content: "ab".repeat(32), reasons: ["too much"], at: 0 };
    expect(await client.approve("abababab")).toMatchObject({ reasons: ["too much"] });
    expect(approvals.approved).toEqual([`${"ab".repeat(32)} by ${by}`]);
    const entries = (await client.audit(100)).entries.filter((entry) => entry.by !== "server");
    expect(entries.map(({ what }) => what)).toEqual([
      ...["undo", "again", "abort", "unfreeze", "freeze", "resume", "pause"],
    ]);
    expect(new Set(entries.map((entry) => entry.by))).toEqual(new Set([by]));
  });

  it("reads revisions with their secrets, as the files have them", async () => {
    const state = await temporaryFolder();
    const revisions = await Revisions.open(await opened(state));
    const resources = [secret("key", 3), cluster("a")];
    await revisions.publish(common(...resources), me);
    const { folder, server } = await startControl(revisions, { folder: state, liveTypes: [] });
    const client = new ControlClient({ stateDirectory: folder });
    const read = await client.resources(1, "/");
    for (const resource of resources) {
      const one = read.find(({ resource: { name } }) => name === resource.name);
      expect(one?.resource.hasContentOf(resource)).toBe(true);
      expect([one?.resource.version, one?.isRedacted]).toEqual([resource.version, false]);
    }
    const shown = await send(server.path, "GET", "/control/revisions/1/resources");
    expect(JSON.parse(shown.body)).toEqual({
      resources: expect.arrayContaining([
        {
          "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
          name: "key",
          generic_secret: { secret: { inline_string: "[redacted]" } },
        },
        expect.objectContaining({ name: "a", per_connection_buffer_limit_bytes: 1 }),
      ]),
    });
    expect((await client.descriptors()).length).toBeGreaterThan(1_000);
  });

  it("reaches the next server of a state directory after the first one was killed", async () => {
    const stateDirectory = await temporaryFolder();
    const store = await DirectoryStore.open(stateDirectory);
    await (await Revisions.open(store)).publish(common(cluster("a")), me);
    await store.close();
    await leaveSocket(join(stateDirectory, "control.sock"));
    const revisions = await Revisions.open(await opened(stateDirectory));
    await startControl(revisions, { folder: stateDirectory });
    const client = new ControlClient({ stateDirectory });
    await client.freeze("after the crash");
    const { entries } = await client.audit(2);
    expect(entries.map(({ what }) => what)).toEqual(["freeze", "publish"]);
  });

  it("says what to do if there is no server", async () => {
    const stateDirectory = await temporaryFolder();
    const client = new ControlClient({ stateDirectory });
    await expect(client.rollout()).rejects.toThrow(`no server has the state directory ${stateDirectory}; start`);
    const long = join(stateDirectory, "long".repeat(30));
    await expect(new ControlClient({ stateDirectory: long }).rollout()).rejects.toThrow(`no server has`);
    await leaveSocket(join(stateDirectory, "control.sock"));
    await expect(client.rollout()).rejects.toThrow("is not running any more; start");
    const admin = new ControlClient({ admin: "http://127.0.0.1:1", token: "x" });
    await expect(admin.rollout()).rejects.toThrow("the admin port cannot be reached at http://127.0.0.1:1: ");
  });
});

async function opened(folder: string): Promise<DirectoryStore> {
  const store = await DirectoryStore.open(folder);
  onTestFinished(() => store.close());
  return store;
}

async function connected(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, "connect");
  return socket;
}

/** Leaves a socket on which nobody listens, as a killed server does. */
async function leaveSocket(path: string): Promise<void> {
  const other = `${path}.other`;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(other, resolve));
  await rename(other, path);
  await new Promise((resolve) => server.close(resolve));
}
