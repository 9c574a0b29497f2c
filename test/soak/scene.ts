import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { renameSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { clusterType } from "../../src/index.js";
import { type Program, xds } from "../cli/program.js";
import { Folder, metric } from "../cli/serving.js";
import { eventually } from "../e2e/eventually.js";

const mib = 2 ** 20;
const fileBeside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const cluster = (name: string, seconds: number) =>
  `- { "@type": ${clusterType}, name: "${name}", type: STATIC, connect_timeout: ${seconds}s }\n`;

/** A file of so many clusters, each with so many bytes more in its name. */
export const clusters = (count: number, bytes = 0, seconds = 1): string =>
  `resources:\n${Array.from({ length: count }, (_, i) => cluster(`c${i}-${"p".repeat(bytes)}`, seconds)).join("")}`;

export interface SceneOptions {
  /** Besides the canary's, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  /** Of the server's heap. */
  readonly megabytes?: number;
  /** The certificate that the server shows. */
  readonly ca?: string;
}

/** What the canary says next. Throws when it has ended, or says nothing for two minutes. */
async function saidBy(canary: ChildProcess) {
  const ended = new AbortController();
  canary.once("exit", () => ended.abort(new Error("the canary has ended")));
  const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(120_000)]);
  const [said] = await once(canary, "message", { signal });
  return said;
}

/** `xds serve` that is attacked, and beside the attack a client that does nothing wrong: the canary. */
export class Scene {
  private before = { bytes: 0, log: 0 };

  private constructor(
    readonly folder: Folder,
    readonly server: Program,
    readonly ports: { readonly grpc: number; readonly rest: number; readonly admin: number },
    private readonly canary: ChildProcess,
  ) {}

  static async start({ files = {}, flags = [], megabytes = 768, ca = "" }: SceneOptions = {}): Promise<Scene> {
    const folder = new Folder();
    for (const [name, text] of Object.entries(files)) folder.write(name, text);
    folder.write("canary.yaml", `resources:\n${cluster("canary", 1)}`);
    const variables = { NODE_OPTIONS: `--max-old-space-size=${megabytes} --import ${fileBeside("collect.mjs")}` };
    const server = xds.startWith(variables, "serve", folder.path, "--port", "0", "--rest-port", "0", ...flags);
    const ports = await server.ports();
    const canary = fork(fileBeside("canary.mjs"), [folder.path, String(ports.grpc), String(server.pid), ca]);
    onTestFinished(async () => {
      if (canary.exitCode !== null) return;
      canary.kill("SIGKILL");
      await once(canary, "exit");
    });
    expect(await saidBy(canary)).toBe("started");
    canary.send("measure");
    const scene = new Scene(folder, server, ports, canary);
    scene.before = { bytes: await scene.liveBytes(), log: server.stderr.length };
    return scene;
  }

  /** Puts a file into the folder, whole. */
  write(name: string, text: string): void {
    renameSync(this.folder.write(`.${name}.new`, text), `${this.folder.path}/${name}`);
  }

  /**
   * The server lives, each edit has reached the canary in time, nothing of it stays in memory, and the log is short.
   */
  async isRight({ withinMs = 1_000 } = {}): Promise<void> {
    this.canary.send("end");
    const measured = await saidBy(this.canary);
    const log = this.server.stderr.length - this.before.log;
    console.log(`${expect.getState().currentTestName}: ${JSON.stringify(measured)}; ${log} bytes of log`);
    expect(measured).toMatchObject({ lost: 0 });
    expect(measured.worst).toBeLessThan(withinMs);
    expect(log).toBeLessThan(mib);
    await eventually(async () => expect((await this.liveBytes()) - this.before.bytes).toBeLessThan(100 * mib));
    this.server.signal("SIGTERM");
    expect(await this.server.end()).toBe(0);
  }

  /** What is in use of the server's memory, without garbage. Throws when the server has ended. */
  private async liveBytes(): Promise<number> {
    this.server.signal("SIGUSR2");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const of = (name: string) => metric(this.ports.admin, `nodejs_${name}_bytes`);
    return (await of("heap_size_used")) + (await of("external_memory"));
  }
}
