import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../errors.js";
import type { DirectorySource } from "../source/directory.js";
import type { Certificates } from "./certificates.js";
import { NoConfiguration, UsageError } from "./command.js";
import type { ConfigurationGate } from "./configuration-gate.js";
import type { LeveledLog } from "./log.js";
import type { GroupRule } from "./node-groups.js";
import { settings as rows, type Settings } from "./settings.js";

/** What the command line, the environment and `xds.yaml` come to. */
export interface Call {
  readonly paths: readonly string[];
  readonly settings: Settings;
  readonly groupRules: readonly GroupRule[];
}

/** The parts of the program that can change while it runs. */
interface Parts {
  readonly source: DirectorySource;
  readonly gate: ConfigurationGate;
  readonly certificates: Certificates | undefined;
  readonly log: LeveledLog;
}

type LiveSetting = "logLevel" | "validation" | "drainTime";
const liveSettings: ReadonlySet<string> = new Set<LiveSetting>(["logLevel", "validation", "drainTime"]);

/**
 * Reads everything again: `xds.yaml`, the certificates, and the configuration, also the files that seem not to have
 * changed. The log says of each what changed, or that nothing did.
 */
export class Rereading {
  /** The paths and settings in use. */
  private call: Call;
  private parts: Parts | undefined;
  private isAsked = false;
  private isAtWork = false;

  /** `read`: gives what the settings come to now. */
  constructor(
    call: Call,
    private readonly read: () => Promise<Call>,
  ) {
    this.call = call;
  }

  get settings(): Settings {
    return this.call.settings;
  }

  /** From now on what is asked for is done. */
  start(parts: Parts): void {
    this.parts = parts;
    if (this.isAsked) this.ask();
  }

  /** Asks for everything to be read again. During a reading this asks for one more. */
  ask(): void {
    this.isAsked = true;
    if (!this.isAtWork && this.parts) void this.work(this.parts);
  }

  private async work(parts: Parts): Promise<void> {
    this.isAtWork = true;
    while (this.isAsked) {
      this.isAsked = false;
      parts.log.info({}, "reading everything again: settings, certificates and configuration");
      await this.takeSettings(parts);
      await parts.certificates?.reread();
      await parts.source.reread(this.call.paths);
    }
    this.isAtWork = false;
  }

  private async takeSettings({ gate, log }: Parts): Promise<void> {
    let next: Call;
    try {
      next = await this.read();
    } catch (error) {
      const isExpected = error instanceof UsageError || error instanceof NoConfiguration;
      log.error({ error: isExpected ? messageOf(error) : String(error) }, "the settings of before stay in use");
      return;
    }
    const live: string[] = [];
    const others: string[] = [];
    for (const name of Object.keys(rows) as (keyof Settings)[])
      if (!isDeepStrictEqual(this.settings[name], next.settings[name]))
        (liveSettings.has(name) ? live : others).push(rows[name].key);
    if (!isDeepStrictEqual(this.call.paths, next.paths)) live.push("paths");
    if (!isDeepStrictEqual(this.call.groupRules, next.groupRules)) others.push("node_groups");
    const { logLevel, validation, drainTime } = next.settings;
    this.call = { ...this.call, paths: next.paths, settings: { ...this.settings, logLevel, validation, drainTime } };
    log.level = logLevel;
    gate.use(validation);
    if (live.length > 0) log.info({ settings: live }, "these settings changed, and are in use now");
    if (others.length > 0) log.warn({ settings: others }, "these settings changed; a restart takes them into use");
    if (live.length + others.length === 0) log.info({}, "settings read again; nothing changed");
  }
}
