import { mkdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect } from "vitest";
import type { HistoryReport, RolloutReport } from "../../src/control/reports.js";
import { eventually as until } from "../e2e/eventually.js";
import { xdsHere } from "./in-process.js";
import { type Program, xds } from "./program.js";
import { Folder } from "./serving.js";

export { until };

/** `xds serve` over a folder, with a state directory of its own. It can be killed and started again on its port. */
export class StatefulServer {
  readonly folder = new Folder();
  readonly state = join(this.folder.path, "state");
  readonly config = join(this.folder.path, "config");
  program!: Program;
  port!: number;
  admin!: number;

  constructor() {
    mkdirSync(this.config);
  }

  /** Puts a file into the configuration, whole. */
  write(name: string, text: string): void {
    const path = join("config", name);
    const hidden = this.folder.write(join(dirname(path), `.${basename(path)}`), text);
    renameSync(hidden, join(this.folder.path, path));
  }

  async start(...args: string[]): Promise<void> {
    const ports = ["--port", String(this.port ?? 0), "--rest-port", "off"];
    const paths = args.includes("--config") ? [] : [this.config];
    this.program = xds.start("serve", ...paths, "--state-dir", this.state, ...ports, ...args);
    await until(() => expect(this.program.stdout, this.program.stderr).toMatch(/gRPC +\S+:\d+\n/));
    this.port = Number(/gRPC +\S+:(\d+)\n/.exec(this.program.stdout)?.[1]);
    this.admin = Number(/Admin port +\S+:(\d+)\n/.exec(this.program.stdout)?.[1]);
  }

  async kill(): Promise<void> {
    this.program.signal("SIGKILL");
    await this.program.end();
  }

  /** Runs a command for this server; gives what it prints. */
  async order(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await xdsHere(...args, "--state-dir", this.state);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  async rollout(): Promise<RolloutReport> {
    return JSON.parse(await this.order("rollout", "status", "-o", "json")) as RolloutReport;
  }

  async history(): Promise<HistoryReport> {
    return JSON.parse(await this.order("history", "-o", "json")) as HistoryReport;
  }
}
