import { chmodSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AdminServer } from "../../src/admin/index.js";
import { defaultStateDirectory } from "../../src/cli/settings/state-directory.js";
import { Control } from "../../src/control/control.js";
import { ControlPort } from "../../src/control/control-port.js";
import { TokenFile } from "../../src/control/token-file.js";
import { SnapshotCache, XdsServer } from "../../src/index.js";
import type { Resource } from "../../src/resource/resource.js";
import { Revisions } from "../../src/revisions/revisions.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import { gradually, me, OneHeld, revisionsInRollout, startControl } from "../control/harness.js";
import { cluster, listener, secret } from "../protocol/resources.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder } from "./serving.js";

const held = { content: "0123456789abcdef".repeat(4), reasons: ["20 of 20 clusters would be removed"], at: 0 };

/** A server in whose state directory commands run. */
async function started(revisions: Revisions, options: Parameters<typeof startControl>[1] = {}) {
  const { folder } = await startControl(revisions, options);
  const call = (...args: string[]) => xdsHere.with({ XDS_STATE_DIR: folder }, ...args);
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await call(...args, "-o", "json");
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as unknown;
  };
  return { folder, call, json, revisions };
}

const user = `claimed uid ${process.getuid?.()} (`;

describe("xds history", () => {
  it("lists revisions and the change that is held, as a table and as data", async () => {
    const approvals = new OneHeld();
    approvals.change = held;
    const { call, json } = await started(await revisionsInRollout(), { approvals });
    const { code, stdout } = await call("history");
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\d+[dms] ago|now/g, "AGO").replaceAll(/ +/g, " ")).toBe(
      [
        "REVISION STATE WHEN BY RESOURCES MESSAGE\n",
        "0123456789ab held AGO - - 20 of 20 clusters would be removed\n",
        "@2 candidate AGO server 2 clusters second\n",
        "@1 stable AGO server 1 cluster first\n",
      ].join(""),
    );
    expect(await json("history")).toMatchObject({ held: { content: held.content }, revisions: [{ revision: 2 }, {}] });
    expect((await call("history", "-o", "yaml")).stdout).toMatch(/^revisions:\n {2}- revision: 2\n/);
  });

  it("has nothing before anything was published", async () => {
    const { call } = await started(await Revisions.open(new MemoryStore()));
    expect(await call("history")).toEqual({ code: 0, stdout: "nothing was published yet\n", stderr: "" });
  });

  it("prints what others wrote so that it is harmless", async () => {
    const revisions = await Revisions.open(new MemoryStore());
    await revisions.publish(new Map([["/", [cluster("a")]]]), { by: "me", message: "\u001b[2J\nxds: all is well" });
    const { call } = await started(revisions);
    expect((await call("history")).stdout).toContain("\\u001b[2J\\u000axds: all is well\n");
  });
});

describe("orders", () => {
  it("steer a rollout", async () => {
    const { call, revisions } = await started(await revisionsInRollout());
    const done = async (...args: string[]) => {
      const { code, stdout, stderr } = await call(...args);
      expect([code, stderr]).toEqual([0, ""]);
      return stdout;
    };
    expect(await done("rollout", "status")).toMatch(
      /^stable: {4}@1\ncandidate: @2, started .*\nwave: {6}0: n1\nstate: {5}applying, .*\n$/,
    );
    expect(await done("rollout", "pause", "--why", "lunch")).toBe("the rollout of @2 is paused\n");
    expect(await done("rollout", "status")).toContain(`paused:    by ${user}`);
    expect(await done("rollout", "resume", "--why", "back")).toBe("the rollout of @2 goes on\n");
    expect(await done("freeze", "--why", "sale", "--until", "2h")).toMatch(
      /^frozen until 20\S+Z \(in 2h\): changes are held, and no rollout/,
    );
    expect(await done("rollout", "status")).toMatch(/frozen: {4}\S+ by claimed .*, ends in 2h: sale\n/);
    expect(await call("rollout", "promote", "--why", "urgent")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^xds: claimed .* has frozen changes: sale; end the freeze with `xds unfreeze`, then promote/,
      ),
    });
    expect(await done("unfreeze", "--why", "over")).toBe("the freeze is over: changes and rollouts go on\n");
    expect(await done("rollout", "abort", "--why", "no")).toBe("the rollout is aborted; all nodes are served @1\n");
    expect(await done("rollout", "status")).toMatch(/\nbarred:\n {2}@2 [0-9a-f]{12}: aborted by .*: no\n$/);
    expect(await done("rollout", "again", "@2", "--why", "yes")).toBe("the content of @2 may be served again\n");
    await revisions.publish(new Map([["/", [cluster("c"), listener("l")]]]), me);
    expect(await done("undo", "--why", "oh")).toBe(
      "@4, which has the content of @1, is served to all nodes (1 cluster)\n",
    );
    expect(await done("undo", "--to", "@3", "--why", "no")).toBe(
      "@5, which has the content of @3, is served to all nodes (1 cluster, 1 listener)\n",
    );
    expect(await call("undo", "--to", "77", "--why", "no")).toMatchObject({ code: 1, stdout: "" });
    const audit = await done("audit", "--limit", "3");
    expect(audit).toMatch(/^TIME +BY +WHAT +DETAILS +WHY\n/);
    expect(audit).toMatch(/Z {2}claimed .*\) {2}undo +to 3, revision 5 +no\n/);
    expect(audit.split("\n")).toHaveLength(5);
  });

  it("take no revision for a path, and no path that does not lead to the server", async () => {
    const { call, folder, revisions } = await started(await revisionsInRollout());
    const refused = async (...args: string[]) => {
      const { code, stdout, stderr } = await call(...args);
      expect([code, stdout]).toEqual([2, ""]);
      return stderr;
    };
    expect(await refused("undo", "@1", "--why", "no")).toBe(
      "xds: @1 is a revision; expected paths that `xds serve` was given; write --to @1\n",
    );
    expect(await refused("rollout", "abort", "@2", "--why", "no")).toMatch(/^xds: @2 is a revision; expected paths/);
    expect(await refused("freeze", "black friday", "--why", "no")).toMatch(
      /^xds: "black friday" is no path that there is/,
    );
    expect(await refused("history", folder, "--state-dir", folder)).toMatch(
      /but --state-dir names it; leave one of them out/,
    );
    expect(revisions.head).toMatchObject({ stable: 1, rollout: { revision: 2 } });
  });

  it("need no settings file in order where --state-dir names the server", async () => {
    const { folder } = await started(await revisionsInRollout());
    const own = new Folder();
    own.write("xds.yaml", "portt: 3\n");
    const call = (...args: string[]) => xdsHere.in(own.path, "rollout", "status", ...args);
    expect(await call("--state-dir", folder)).toMatchObject({ code: 0, stderr: "" });
    expect((await call()).stderr).toMatch(/xds\.yaml:1:1: portt: no such setting; did you mean port\?/);
  });

  it("serve the next change to all nodes at once", async () => {
    const { call, revisions } = await started(await revisionsInRollout());
    expect((await call("rollout", "promote", "--next", "--why", "outage")).stdout).toMatch(
      /^the next change is served to all nodes at once, if it comes before 20\S+Z \(in \d+m\)\n$/,
    );
    expect((await call("rollout", "status")).stdout).toMatch(
      /\nat once: {3}the next change, by order of claimed .*, which ends in \d+m: outage\n/,
    );
    expect(revisions.head.stable, "the candidate is no change that comes").toBe(1);
    await revisions.publish(new Map([["/", [cluster("c")]]]), gradually);
    expect((await call("rollout", "status")).stdout).toBe("stable:    @3\ncandidate: -\n");
    expect((await call("audit", "--limit", "1")).stdout).toMatch(/ publish {2}.*, at once claimed .*: outage {2}-\n/);
    expect(await call("rollout", "pause", "--next", "--why", "no")).toMatchObject({ code: 2 });
  });

  it("show what is known of the wave", async () => {
    const gates = [{ gate: "load", verdict: "pass" as const, text: "0 of 900 failed" }];
    const evidence = () => ({ affected: 40, candidates: 2, pending: ["n7"], gates });
    const { call } = await started(await revisionsInRollout(), { evidence });
    expect((await call("rollout", "status")).stdout).toMatch(
      /\nnodes: {5}2 of 40 affected nodes have it\npending: {3}n7\ngate: {6}load: pass, 0 of 900 failed\n/,
    );
  });

  it("approve a change that is held, by its hash", async () => {
    const approvals = new OneHeld();
    const { call } = await started(await revisionsInRollout(), { approvals });
    expect(await call("approve", "0123456789ab")).toMatchObject({
      code: 1,
      stderr: "xds: no change is held, so there is nothing to approve\n",
    });
    approvals.change = held;
    expect((await call("rollout", "status")).stdout).toMatch(
      /a change is held, since \d+d ago:\n {2}20 of 20 clusters would be removed\n`xds approve 0123456789ab` publishes it\n/,
    );
    expect(await call("approve", "0123456789AB")).toMatchObject({ code: 0, stdout: "0123456789ab is approved\n" });
    approvals.change = held;
    await call("approve", "0123456789ab", "--why", "a move");
    expect(approvals.approved).toEqual([
      expect.stringContaining(`${held.content} by ${user}`),
      expect.stringMatching(/\): a move$/),
    ]);
  });

  it.each([
    [["undo"], "required option '--why <text>'"],
    [["undo", "--why", "x", "--to", "@x"], "expected a revision such as @12"],
    [["freeze", "--why", "x", "--until", "yesterday"], "expected a time in the future"],
    [["freeze", "--why", "x", "--until", "2000-01-01T00:00:00Z"], "expected a time in the future"],
    [["rollout", "again", "--why", "x"], "missing required argument 'revision'"],
    [["audit", "--limit", "0"], "expected a whole number from 1"],
    [["get", "clusters", "--at", "12"], "--at is a revision such as @12"],
    [["get", "--at", "@12"], "which type?"],
    [["history", "--admin", "http://127.0.0.1:1"], "give --token-file too"],
    [["history", "--state-dir", "x", "--token-file", "y"], "two ways to the server"],
  ])("%j is wrong usage", async (args, why) => {
    const { call } = await started(await revisionsInRollout());
    expect(await call(...args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(why) });
  });
});

describe("the server that is asked", () => {
  it("is that of the state directory for the same paths that were given, or else for the settings file", async () => {
    const home = new Folder();
    const config = new Folder();
    config.write("a.yaml", "resources: []\n");
    config.write("xds.yaml", "paths: [a.yaml]\n");
    const XDG_STATE_HOME = home.path;
    const file = join(config.path, "a.yaml");
    const settings = join(config.path, "xds.yaml");
    const [state, ofSettings] = [file, settings].map((path) => defaultStateDirectory([path], { XDG_STATE_HOME }));
    expect(state).toMatch(/\/ts-control-plane\/[0-9a-f]{12}$/);
    const ask = (args: string[], variables: NodeJS.ProcessEnv = {}) =>
      xdsHere.with({ XDG_STATE_HOME, XDS_STATE_DIR: "", ...variables }, "history", ...args);
    const missingAt = (directory: string | undefined) => ({
      code: 1,
      stderr: expect.stringContaining(`no server has the state directory ${directory}; start`),
    });
    const missing = missingAt(state);
    expect(await ask([file])).toMatchObject(missing);
    expect(await ask([], { XDS_PATHS: file })).toMatchObject(missing);
    expect(await ask([file, "--config", settings])).toMatchObject(missing);
    expect(await ask(["--config", settings])).toMatchObject(missingAt(ofSettings));
    config.write("xds.yaml", "paths: [a.yaml]\ngroups: [{name: g, match: {id: a}, layers: [a.yaml]}]\n");
    expect(await ask(["--config", settings]), "a group is added").toMatchObject(missingAt(ofSettings));
    const other = config.write("other.yaml", "state_dir: state\n");
    expect(await ask(["--config", other])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`no server has the state directory ${join(config.path, "state")}; start`),
    });
    expect(await ask([], { XDS_STATE_DIR: "memory" })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("a server with its state in memory has no socket"),
    });
    expect(await ask([])).toMatchObject({ code: 2, stderr: expect.stringContaining("which server?") });
  });

  it("has another default directory for other paths, and the same for another order", () => {
    const at = (...paths: string[]) => defaultStateDirectory(paths, {});
    expect(at("/a", "/b")).toBe(at("/b", "/a"));
    expect(at("/a", "/b")).not.toBe(at("/a"));
    expect(at("a")).toBe(at(join(process.cwd(), "a")));
    expect(at("/a")).toMatch(new RegExp(`^${homedir()}/.local/state/ts-control-plane/[0-9a-f]{12}$`));
    expect(defaultStateDirectory(["/a"], { XDG_STATE_HOME: "relative" })).toBe(at("/a"));
  });

  it("may be one on an admin port, with a token", async () => {
    const folder = new Folder();
    const tokens = folder.write("tokens", "ci:0123456789abcdef\n");
    const mine = folder.write("mine", "0123456789abcdef\n");
    for (const file of [tokens, mine]) chmodSync(file, 0o600);
    const revisions = await revisionsInRollout();
    const server = new XdsServer(new SnapshotCache());
    const control = new ControlPort(new Control(revisions), await TokenFile.open(tokens));
    const admin = await AdminServer.start(server, { port: 0, control });
    onTestFinished(() => admin.close());
    const url = `http://127.0.0.1:${admin.address.port}`;
    const call = (...args: string[]) => xdsHere(...args, "--admin", url);
    for (const file of [mine, tokens])
      expect(await call("freeze", "--why", "sale", "--token-file", file)).toMatchObject({ code: 0, stderr: "" });
    expect(revisions.head.frozen?.by).toBe("token ci");
    const wrong = folder.write("wrong", "x".repeat(16));
    expect(await call("history", "--token-file", wrong)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("orders need a token"),
    });
    expect(await call("history", "--token-file", join(folder.path, "none"))).toMatchObject({ code: 1 });
    expect(await call("get", "clusters", "--at", "@1", "--token-file", mine)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^TYPE +NAME +VERSION +REFERS TO\nclusters +a /),
    });
    const { code, stderr } = await call("get", "clusters", "--at", "@1", "--show-secrets", "--token-file", mine);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--show-secrets needs the socket")]);
  });
});

describe("revisions as configurations", () => {
  const before = [cluster("a"), cluster("b"), listener("l")];
  const after = [cluster("a", 2), cluster("c"), listener("l")];
  const publish = async (...all: ReadonlyMap<string, readonly Resource[]>[]) => {
    const revisions = await Revisions.open(new MemoryStore());
    for (const groups of all) await revisions.publish(groups, me);
    return started(revisions);
  };

  it("are compared with each other", async () => {
    const { call } = await publish(new Map([["/", before]]), new Map([["/", after]]));
    expect(await call("diff", "@1", "@2")).toEqual({
      code: 1,
      stdout: "~ clusters a\n    per_connection_buffer_limit_bytes: 1 → 2\n- clusters b\n+ clusters c\n",
      stderr: "",
    });
    expect(await call("diff", "@2", "@2")).toEqual({ code: 0, stdout: "no difference\n", stderr: "" });
    expect(await call("diff", "@1", "@7")).toMatchObject({
      code: 1,
      stderr: "xds: there is no revision 7; `xds history` lists those that are kept\n",
    });
  });

  it("are compared with files; what is in no revision is not compared, and a note says so", async () => {
    const { call } = await publish(new Map([["/", before]]));
    const folder = new Folder();
    const shown = await call("get", "--at", "@1", "--all", "-o", "yaml");
    expect(shown.stderr).toBe(
      "xds: endpoints and secrets are not in revisions: they are the same whatever is served\n",
    );
    const file = folder.write("a.yaml", shown.stdout);
    expect(await call("diff", "@1", file)).toEqual({ code: 0, stdout: "no difference\n", stderr: "" });
    folder.write(
      "b.yaml",
      "resources:\n- '@type': type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment\n  cluster_name: a\n",
    );
    const note = "xds: a revision has no endpoints, because live resources belong to no revision; not compared\n";
    expect(await call("diff", "@1", folder.path)).toEqual({
      code: 0,
      stdout: "no difference in what was compared\n",
      stderr: note,
    });
    expect(await call("diff", folder.path, "@1")).toMatchObject({ code: 0, stderr: note });
  });

  it("have layers, and groups that are served some of them", async () => {
    const revisions = await Revisions.open(new MemoryStore());
    const rules = { groups: { edge: ["/", "edge"] } };
    const layers = (common: readonly Resource[], edge: Resource) =>
      new Map<string, readonly Resource[]>([
        ["/", common],
        ["edge", [edge]],
      ]);
    await revisions.publish(layers(before, cluster("e")), { ...me, rules });
    await revisions.publish(layers(after, cluster("e", 2)), { ...me, rules });
    const otherRules = { ...rules, match: [["edge", { id: "edge-*" }]] };
    await revisions.publish(layers(after, cluster("e", 2)), { ...me, rules: otherRules });
    const { call } = await started(revisions);
    expect(await call("diff", "@1", "@2")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/\n\+ clusters c\ngroup edge: ~ clusters e\n.*1 → 2\n$/),
      stderr: "",
    });
    expect(await call("diff", "@2", "@3")).toEqual({
      code: 1,
      stdout: "no difference\n",
      stderr: "xds: which node is in which group, or which layers a group has, is different too\n",
    });
    expect((await call("diff", "@1", "@2", "--group", "edge")).stdout).toMatch(
      /~ clusters a\n.*\n.*\n.*\n~ clusters e\n/,
    );
    expect(await call("diff", "@1", "@2", "--group", "none")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the groups are edge"),
    });
    const named = async (...args: string[]) => {
      const { stdout } = await call("get", "clusters", "--at", "@1", ...args, "-o", "json");
      return (JSON.parse(stdout) as { resources: { name: string }[] }).resources.map(({ name }) => name);
    };
    expect(await named()).toEqual(["a", "b"]);
    expect(await named("--group", "edge")).toEqual(["a", "b", "e"]);
    expect(await call("get", "clusters", "--at", "@1", "--group", "none")).toMatchObject({ code: 2 });
    expect(await named("--node", "other")).toEqual(["a", "b"]);
    expect((await call("get", "clusters", "--at", "@3", "--node", "edge-1")).stdout).toContain("\nclusters  e ");
    expect(await call("get", "clusters", "--at", "@3", "--node-id", "edge-1")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("with --at, give --node or --group"),
    });
    expect(await call("get", "clusters", "b", "x", "--at", "@1")).toMatchObject({
      code: 1,
      stderr: 'xds: clusters "x": @1 has none of this name\n',
    });
  });

  it("hide secrets unless they are asked for, and differ where these do", async () => {
    const revisions = await Revisions.open(new MemoryStore());
    for (const content of [31, 32] as const) await revisions.publish(new Map([["/", [secret("key", content)]]]), me);
    const { call } = await started(revisions, { liveTypes: [] });
    expect(await call("diff", "@1", "@2")).toMatchObject({
      code: 1,
      stdout: "~ secrets key\n    only parts that are not shown, such as secrets, are different\n",
    });
    expect((await call("diff", "@1", "@2", "--show-secrets")).stdout).toContain('"31" → "32"');
    expect((await call("get", "secrets", "--at", "@1", "-o", "json")).stdout).toContain("[redacted]");
    expect((await call("get", "secrets", "--at", "@1", "-o", "json", "--show-secrets")).stdout).toContain('"31"');
  });
});

it("the program itself asks a socket, and ends", async () => {
  const { folder } = await startControl(await revisionsInRollout());
  const { code, stdout, stderr } = await xds("rollout", "status", "--state-dir", folder);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("candidate: @2");
});
