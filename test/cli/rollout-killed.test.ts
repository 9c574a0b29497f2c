import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { XdsClient } from "../../src/client/index.js";
import type { CandidateReport } from "../../src/control/reports.js";
import { clusterType } from "../../src/resource/types.js";
import { StatefulServer, until } from "./stateful-server.js";

const clusters = (seconds: number, count = 1) =>
  `resources:\n${Array.from({ length: count }, (_, at) => `- { "@type": ${clusterType}, name: c${at}, connect_timeout: ${seconds}s }\n`).join("")}`;

type Answer = "ack" | "nack" | "none";

/** A node that connects again when the server is back. */
class Returning {
  /** The timeouts of cluster c0 that it was sent, in order. */
  readonly sent: number[] = [];
  /** How it answers a timeout of more than one second. */
  answer: Answer = "ack";
  onNack: () => void = () => {};
  private readonly client: XdsClient;

  constructor(
    port: number,
    readonly id: string,
    variant: "sotw" | "delta",
  ) {
    this.client = new XdsClient({
      address: `127.0.0.1:${port}`,
      node: { id },
      variant,
      reconnect: { initialMs: 50, maxMs: 200 },
      callbacks: {
        onResponse: async ({ resources }) => {
          const seconds = resources.map((resource) => Number(resource.as(ClusterSchema).connectTimeout?.seconds));
          this.sent.push(...seconds);
          if (this.answer === "ack" || seconds.every((one) => one <= 1)) return undefined;
          if (this.answer === "none") return new Promise(() => {});
          return "too long";
        },
        onNack: () => this.onNack(),
      },
    });
    this.client.subscribe(clusterType);
    onTestFinished(() => this.client.close());
  }

  get seconds(): number | undefined {
    const cluster = this.client.resources(clusterType).get("c0")?.as(ClusterSchema);
    return cluster && Number(cluster.connectTimeout?.seconds);
  }
}

/** A server that rolls out timeouts of cluster c0 to nodes n0, n1 and so on, of which n0 is the first. */
class Scene {
  readonly nodes: Returning[] = [];

  private constructor(
    readonly server: StatefulServer,
    private readonly flags: readonly string[],
  ) {}

  static async start(flags: readonly string[], nodeCount = 4): Promise<Scene> {
    const server = new StatefulServer();
    server.write("a.yaml", clusters(1));
    await server.start(...flags);
    const scene = new Scene(server, flags);
    for (let at = 0; at < nodeCount; at++)
      scene.nodes.push(new Returning(server.port, `n${at}`, at % 2 === 0 ? "delta" : "sotw"));
    await until(() => expect(scene.seconds).toEqual(new Array(nodeCount).fill(1)));
    return scene;
  }

  get seconds(): (number | undefined)[] {
    return this.nodes.map((node) => node.seconds);
  }

  get first(): Returning {
    return this.nodes[0] as Returning;
  }

  /** Kills the server in this state of the rollout. After the start everything is as it was. */
  async killIn(state: Partial<CandidateReport>): Promise<void> {
    const candidate = async () => (await this.server.rollout()).candidate;
    await until(async () => expect(await candidate()).toMatchObject(state));
    const { evidence: _, ...before } = (await candidate()) as CandidateReport;
    const secondsBefore = this.seconds;
    const stayedStable = this.nodes.filter(({ sent }) => !sent.includes(2));
    await this.server.kill();
    await this.server.start(...this.flags);
    const affected = this.nodes.length;
    await until(async () => expect((await candidate())?.evidence).toMatchObject({ affected }));
    await sleep(500); // for what must not happen
    expect(await candidate()).toMatchObject(before);
    expect(this.seconds).toEqual(secondsBefore);
    expect(stayedStable.filter(({ sent }) => sent.includes(2))).toEqual([]);
  }

  /** After a restart nodes have 30 s to come back before it goes forward. */
  async goesOn(): Promise<void> {
    const all = new Array(this.nodes.length).fill(2);
    await expect.poll(() => this.seconds, { timeout: 80_000, interval: 100 }).toEqual(all);
    await until(async () => expect(await this.server.rollout()).toMatchObject({ stable: 2, barred: [] }));
  }
}

const gradual = (bake: string, ...more: string[]) => [
  ...["--rollout-strategy", "gradual", "--rollout-bake", bake, "--rollout-applied-within", "60s", ...more],
];

/** What happens in each state: until the server is killed, and after it. */
const states: Record<string, () => Promise<void>> = {
  "while the first node has not answered": async () => {
    const scene = await Scene.start(gradual("200ms"));
    scene.first.answer = "none";
    scene.server.write("a.yaml", clusters(2));
    await until(() => expect(scene.first.sent).toContain(2));
    await scene.killIn({ state: "applying", wave: 0, first: ["n0"] });
    scene.first.answer = "ack";
    await scene.server.kill(); // its stream is not read any more
    await scene.server.start(...gradual("200ms"));
    await scene.goesOn();
  },
  "while the first node is watched": async () => {
    const scene = await Scene.start(gradual("3s"));
    scene.server.write("a.yaml", clusters(2));
    await scene.killIn({ state: "baking", wave: 0, first: ["n0"] });
    await scene.goesOn();
  },
  "while some nodes have it": async () => {
    const scene = await Scene.start(gradual("200ms,10m", "--rollout-waves", "50%,100%", "--rollout-few-nodes", "1"), 8);
    scene.server.write("a.yaml", clusters(2));
    await scene.killIn({ state: "baking", wave: 1, share: 0.5 });
    await scene.server.order("rollout", "promote", "--why", "fine");
    await scene.goesOn();
  },
  "while it waits for evidence": async () => {
    let verdict = "inconclusive";
    const gate = createServer((request, response) => {
      request.resume();
      response.end(JSON.stringify({ verdict, text: "five requests" }));
    });
    onTestFinished(() => void gate.close().closeAllConnections());
    await new Promise<void>((resolve) => gate.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(gate.address() as AddressInfo).port}/`;
    const scene = await Scene.start(gradual("200ms", "--rollout-gate-url", url));
    scene.server.write("a.yaml", clusters(2));
    await scene.killIn({ state: "held", wave: 0, waitsFor: expect.stringContaining("five requests") });
    verdict = "pass";
    await scene.goesOn();
  },
  "while all nodes are watched": async () => {
    const scene = await Scene.start(gradual("200ms,10m"));
    scene.server.write("a.yaml", clusters(2));
    await scene.killIn({ state: "baking", share: 1 });
    expect(scene.seconds).toEqual([2, 2, 2, 2]);
    expect((await scene.server.rollout()).stable).toBe(1);
    await scene.server.order("rollout", "abort", "--why", "not fine");
    await until(() => expect(scene.seconds).toEqual([1, 1, 1, 1]));
  },
};

test("a server that is killed in the middle of a rollout goes on where it was", async () => {
  const all = Object.entries(states).map(async ([name, run]) => {
    await run().catch((error: unknown) => {
      throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
    });
  });
  await Promise.all(all);
}, 180_000);

test("a server that is killed while it goes back has gone back after the start; no other node was sent the change", async () => {
  const flags = gradual("10m");
  const scene = await Scene.start(flags);
  scene.first.answer = "nack";
  for (const [at, ms] of [0, 2, 10, 50].entries()) {
    const seconds = 10 + at;
    const refused = new Promise<void>((resolve) => {
      scene.first.onNack = resolve;
    });
    scene.server.write("a.yaml", clusters(seconds));
    await refused;
    await sleep(ms);
    await scene.server.kill();
    await scene.server.start(...flags);
    await until(async () => {
      const { stable, candidate, barred } = await scene.server.rollout();
      expect({ stable, candidate }).toEqual({ stable: 1, candidate: undefined });
      expect(barred).toHaveLength(at + 1);
      expect(barred.at(-1)?.why).toMatch(/node "n0" refuses clusters "c0": too long/);
    });
    await until(() => expect(scene.seconds).toEqual([1, 1, 1, 1]));
    expect(scene.nodes.slice(1).filter(({ sent }) => sent.includes(seconds))).toEqual([]);
  }
});

test("a change that is held is held after kill -9, too, until exactly it is approved", async () => {
  const server = new StatefulServer();
  server.write("a.yaml", clusters(1, 24));
  await server.start();
  server.write("a.yaml", clusters(1, 4));
  await until(async () => expect((await server.history()).held).toBeDefined());
  const { content, reasons } = (await server.history()).held ?? {};
  await server.kill();
  await server.start();
  await until(async () => expect((await server.history()).held).toMatchObject({ content, reasons }));
  const node = new Returning(server.port, "n", "delta");
  await until(() => expect(node.sent).toHaveLength(24));
  await server.order("approve", content ?? "");
  await until(async () => expect((await server.history()).revisions[0]).toMatchObject({ counts: { clusters: 4 } }));
});
