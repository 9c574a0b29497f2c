import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { XdsClient } from "../../src/client/index.js";
import type { RolloutReport } from "../../src/control/reports.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { get } from "../e2e/http.js";
import { freePort } from "../e2e/ports.js";
import { type Etcd, newConfiguration } from "../etcd/etcd.js";
import { xdsHere } from "./in-process.js";
import { type Ended, type Program, xds } from "./program.js";
import { Folder } from "./serving.js";
import { until } from "./stateful-server.js";

export const clusters = (seconds: number, count = 1) =>
  `resources:\n${Array.from({ length: count }, (_, at) => `- { "@type": ${clusterType}, name: c${at}, connect_timeout: ${seconds}s }\n`).join("")}`;
export const endpoints = `- { "@type": ${endpointType}, cluster_name: c0 }\n`;

/** A configuration in an etcd, and a folder with files for it. */
export class Scene {
  readonly folder = new Folder();
  readonly config = join(this.folder.path, "config");
  readonly store: string;

  constructor(
    readonly etcd: Etcd,
    readonly name = newConfiguration(),
  ) {
    this.store = `etcd://${etcd.endpoint}/${name}`;
    mkdirSync(this.config);
  }

  write(text: string): void {
    this.folder.write("config/a.yaml", text);
  }

  /** Runs a command on the store. */
  run(command: string, ...args: string[]): Promise<Ended> {
    return xdsHere(...command.split(" "), ...args, "--store", this.store);
  }

  /** Publishes the files, or this text. */
  async publish(text?: string, ...args: string[]): Promise<Ended> {
    if (text !== undefined) this.write(text);
    return this.run("publish", this.config, ...args);
  }

  async published(text?: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.publish(text, ...args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  async asked<T>(command: string, ...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(command, ...args, "-o", "json");
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return JSON.parse(stdout) as T;
  }

  rollout(): Promise<RolloutReport> {
    return this.asked("rollout status");
  }

  /** Starts a server of this store. `state` is its state directory. */
  server(state?: string, ...args: string[]): Promise<Server> {
    return Server.start(this.store, state ?? join(this.folder.path, `state-${serverCount++}`), args);
  }

  /** The state directory of a server. */
  stateOf({ start }: Server): string {
    return start[start.indexOf("--state-dir") + 1] as string;
  }
}

let serverCount = 0;

/** A server of a store. */
export class Server {
  private constructor(
    readonly start: readonly string[],
    public program: Program,
    readonly port: number,
    readonly admin: number,
  ) {}

  static async start(store: string, state: string, args: readonly string[]): Promise<Server> {
    const [port, admin] = [await freePort(), await freePort()];
    const start = ["serve", "--store", store, "--state-dir", state, "--rest-port", "off", ...args];
    const all = [...start, "--port", String(port), "--admin-port", String(admin)];
    const server = new Server(all, xds.start(...all), port, admin);
    await server.program.ports();
    return server;
  }

  async kill(): Promise<void> {
    this.program.signal("SIGKILL");
    await this.program.end();
  }

  async restart(): Promise<void> {
    await this.kill();
    this.program = xds.start(...this.start);
    await this.program.ports();
  }

  /** Ends it, which drains its streams, and starts it again. */
  async roll(): Promise<void> {
    this.program.signal("SIGTERM");
    await this.program.end();
    this.program = xds.start(...this.start);
    await this.program.ports();
  }

  ready() {
    return get(`http://127.0.0.1:${this.admin}/ready`);
  }
}

/** A node of a server. It refuses timeouts of so many seconds. */
export class TestNode {
  readonly client: XdsClient;

  constructor({ port }: Server, id: string, variant: "sotw" | "delta" = "delta", refused = 0) {
    this.client = new XdsClient({
      address: `127.0.0.1:${port}`,
      node: { id },
      variant,
      reconnect: { initialMs: 50, maxMs: 200 },
      callbacks: {
        onResponse: ({ typeUrl, resources }) =>
          refused > 0 &&
          typeUrl === clusterType &&
          resources.some((one) => Number(one.as(ClusterSchema).connectTimeout?.seconds) === refused)
            ? "too long"
            : undefined,
      },
    });
    this.client.subscribe(clusterType);
    onTestFinished(() => this.client.close());
  }

  get seconds(): number | undefined {
    const cluster = this.client.resources(clusterType).get("c0")?.as(ClusterSchema);
    return cluster && Number(cluster.connectTimeout?.seconds);
  }

  has(seconds: number): Promise<unknown> {
    return until(() => expect(this.seconds).toBe(seconds));
  }
}

/** A rollout in a second. */
export const gradual = ["--rollout-bake", "300ms", "--rollout-applied-within", "20s"];
