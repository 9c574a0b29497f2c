import { expect, it, onTestFinished } from "vitest";
import { CountingCallbacks, listenerType, SnapshotCache, silentLogger, XdsServer } from "../../src/index.js";
import { type EdgeOptions, edge, edgeName } from "./edge.js";
import { describeWithEnvoy, type Envoy, initFetchTimeouts, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend, Traffic } from "./http.js";
import { grpcModes, type Mode, rest } from "./modes.js";
import { freePort } from "./ports.js";

const group = "test-node";

/** A management server, an Envoy that gets all from it, and two backends, "a" and "b". */
class Scene {
  readonly callbacks = new CountingCallbacks(silentLogger);
  cache = new SnapshotCache();
  server = this.newServer();
  envoy!: Envoy;
  /** From Envoy's start to its first proxied 200, in milliseconds. */
  firstAnswerMs = 0;
  private options!: EdgeOptions;

  private constructor(
    readonly mode: Mode,
    private readonly xdsPort: number,
  ) {}

  static async start(mode: Mode): Promise<Scene> {
    const scene = new Scene(mode, await freePort());
    const backends = { a: await startBackend("a"), b: await startBackend("b") };
    scene.options = { mode, port: await freePort(), backends, routeTo: "a" };
    scene.serve({});
    await scene.listen();
    onTestFinished(() => scene.server.close());
    scene.envoy = startEnvoy({ mode, xdsPort: scene.xdsPort, id: group });
    await scene.answersFrom("a");
    scene.firstAnswerMs = performance.now() - scene.envoy.startedAt;
    return scene;
  }

  get url(): string {
    return `http://127.0.0.1:${this.options.port}/`;
  }

  /** Serves what was served before, but for this. */
  serve(change: Partial<EdgeOptions>): void {
    this.options = { ...this.options, ...change };
    this.cache.set(group, edge(this.options));
  }

  /** Waits until requests are answered by a backend. */
  async answersFrom(backend: string): Promise<void> {
    await eventually(async () => expect(await get(this.url)).toMatchObject({ status: 200, body: backend }));
  }

  /** Ends the server as a crash does, and starts another with the same configuration, which it computes anew. */
  async restartServer(whileDown: () => Promise<void>): Promise<void> {
    await this.server.close();
    await whileDown();
    this.cache = new SnapshotCache();
    this.server = this.newServer();
    this.serve({});
    await this.listen();
  }

  /** What the server knows of the listeners, of the one Envoy that is connected. */
  listeners() {
    const ofType = this.server
      .report()
      .streams.flatMap(({ types }) => types.filter(({ typeUrl }) => typeUrl === listenerType));
    expect(ofType).toHaveLength(1);
    return ofType[0];
  }

  private newServer(): XdsServer {
    return new XdsServer(this.cache, { callbacks: this.callbacks });
  }

  private async listen(): Promise<void> {
    await this.server.listen(this.mode === rest ? { port: 0, restPort: this.xdsPort } : { port: this.xdsPort });
  }
}

/** What Envoy counts, by its names. */
const taken = /.*\.(update_success|config_reload|cluster_(added|modified|removed)|listener_(added|modified|removed))/;
const updated = /(cluster\.[ab]|.*\.(cds|lds|rds\..*))\.update_success/;
const refused = /.*\.update_rejected/;
const failed = /.*\.update_failure/;
const connected = /(.*\.)?control_plane\.connected_state/;
const route = `http.${edgeName}.rds.${edgeName}`;
const listenersRefused = "listener_manager.lds.update_rejected";

/** By how much counters have grown, those that have. */
function growth(before: Map<string, number>, after: Map<string, number>): Record<string, number> {
  const grown = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, by]) => by !== 0));
}

for (const mode of [...grpcModes, rest])
  describeWithEnvoy(`Envoy, ${mode.name}`, () => {
    it("boots to its first 200 without waiting for a timeout, and takes each resource once", async () => {
      const { envoy, firstAnswerMs } = await Scene.start(mode);
      console.log(`${mode.name}: ${Math.round(firstAnswerMs)} ms from Envoy's start to its first 200`);
      expect([...(await envoy.stats(initFetchTimeouts)).keys()]).toContain(`${route}.init_fetch_timeout`);
      expect(await envoy.total(initFetchTimeouts)).toBe(0);
      const updates = await envoy.stats(updated);
      expect([...updates.values()]).toEqual([1, 1, 1, 1, 1]); // clusters, listeners, the route, two clusters' endpoints
      expect(await envoy.total(refused)).toBe(0);
    });

    it("takes an edit, and nothing else", async () => {
      const scene = await Scene.start(mode);
      const before = await scene.envoy.stats(taken);
      scene.serve({ routeTo: "b" });
      await scene.answersFrom("b");
      expect(growth(before, await scene.envoy.stats(taken))).toEqual({
        [`${route}.update_success`]: 1,
        [`${route}.config_reload`]: 1,
      });
    });

    it("keeps serving while the server restarts, and takes edits of the new one", async () => {
      const scene = await Scene.start(mode);
      const { envoy } = scene;
      const before = await envoy.stats(taken);
      const streams = await envoy.total(connected);
      const traffic = new Traffic(scene.url);
      await scene.restartServer(() =>
        eventually(async () => {
          if (mode === rest) expect(await envoy.total(failed)).toBeGreaterThan(0);
          else expect(await envoy.total(connected)).toBe(0);
        }),
      );
      await eventually(async () => expect(await envoy.total(connected)).toBe(streams));
      scene.serve({ routeTo: "b" });
      await scene.answersFrom("b");
      await traffic.stop();
      expect(traffic.failures).toEqual([]);
      expect(traffic.sent).toBeGreaterThan(0);
      const { [`${route}.config_reload`]: reloads, ...others } = growth(before, await envoy.stats(taken));
      expect(reloads).toBe(1);
      for (const [name, by] of Object.entries(others)) {
        expect(name).toMatch(/update_success$/); // all that it had stays as it was
        expect(by).toBeLessThanOrEqual(name === `${route}.update_success` ? 2 : 1);
      }
    });
  });

for (const mode of grpcModes)
  describeWithEnvoy(`Envoy, ${mode.name}`, () => {
    it("refuses a bad listener once, serves on with the one before, and heals", async () => {
      const scene = await Scene.start(mode);
      const { envoy } = scene;
      const traffic = new Traffic(scene.url);
      scene.serve({ bad: true });
      await eventually(() => expect(scene.listeners()?.nacked).toBeDefined());
      const { state, nacked, acked } = scene.listeners() ?? {};
      expect(state).toBe("ERROR");
      expect(nacked?.names).toEqual([edgeName]);
      expect(nacked?.error.message).toMatch(/edge.*filter chain.*same matching rules/s);
      expect(nacked?.version).not.toBe(acked?.version);

      for (const routeTo of ["b", "a", "b"]) {
        scene.serve({ routeTo });
        await scene.answersFrom(routeTo);
      }
      expect(await envoy.stat(listenersRefused)).toBe(1); // it was not sent again
      expect(scene.listeners()).toMatchObject({ state: "ERROR", sent: { nonce: nacked?.nonce } });

      scene.serve({ bad: false }); // what Envoy still has
      await eventually(() => expect(scene.listeners()).toMatchObject({ state: "SYNCED", nacked: undefined }));
      expect(scene.listeners()?.sent?.nonce).toBe(nacked?.nonce);

      scene.serve({ bad: true });
      await eventually(() => expect(scene.listeners()?.nacked).toBeDefined());
      scene.serve({ bad: false, statPrefix: "healed" });
      await eventually(() => expect(scene.listeners()).toMatchObject({ state: "SYNCED", nacked: undefined }));
      await eventually(async () => expect(await envoy.stat("http.healed.downstream_rq_total")).toBeGreaterThan(0));
      expect(await envoy.stat(listenersRefused)).toBe(2);

      await traffic.stop();
      expect(traffic.failures).toEqual([]);
    });
  });

describeWithEnvoy(`Envoy, ${rest.name}`, () => {
  it("refuses a bad listener, serves on with the one before, and heals", async () => {
    const scene = await Scene.start(rest);
    const { envoy } = scene;
    const traffic = new Traffic(scene.url);
    scene.serve({ bad: true });
    // A poll carries no error, and asks for what is newer than the last version taken: so Envoy is given it again.
    await eventually(async () => expect(await envoy.stat(listenersRefused)).toBeGreaterThan(1));
    for (const routeTo of ["b", "a"]) {
      scene.serve({ routeTo });
      await scene.answersFrom(routeTo);
    }
    scene.serve({ bad: false, statPrefix: "healed" });
    await eventually(async () => expect(await envoy.stat("http.healed.downstream_rq_total")).toBeGreaterThan(0));
    const [refusals, polls] = [
      await envoy.stat(listenersRefused),
      await envoy.stat("listener_manager.lds.update_attempt"),
    ];
    await eventually(async () =>
      expect(await envoy.stat("listener_manager.lds.update_attempt")).toBeGreaterThan(polls + 2),
    );
    expect(await envoy.stat(listenersRefused)).toBe(refusals);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
  });
});
