import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../../errors.js";
import type { SourceServer } from "../../serving/source-server.js";
import type { DirectorySource } from "../../source/directory.js";
import { type Call, groupField } from "../settings/call.js";
import { checkGroups } from "../settings/server-options.js";
import { settings as rows, type Settings } from "../settings/settings.js";
import { NoConfiguration, UsageError } from "../terminal/command.js";
import type { LeveledLog } from "../terminal/log.js";
import type { WorkerPool } from "../workers/worker-pool.js";

/** The parts of the program that can change while it runs. */
interface RunningProgram {
  readonly source: DirectorySource | undefined;
  readonly serving: SourceServer;
  readonly workers: WorkerPool | undefined;
  readonly log: LeveledLog;
}

type LiveSetting = "logLevel" | "validation" | "drainTime";
const liveSettings: ReadonlySet<string> = new Set<LiveSetting>(["logLevel", "validation", "drainTime"]);

/**
 * Reads everything again: `xds.yaml`, the certificates, and all files of the configuration, even those that seem
 * unchanged. For each of these three, the log says what changed, or that nothing did.
 */
export class Rereading {
  /** The paths and settings in use. */
  private call: Call;
  private program: RunningProgram | undefined;
  private isAsked = false;
  private isAtWork = false;

  /** `read` resolves the paths and settings again. */
  constructor(
    call: Call,
    private readonly read: () => Promise<Call>,
  ) {
    this.call = call;
  }

  get settings(): Settings {
    return this.call.settings;
  }

  /** Starts to act on {@link ask}, also on a call that came before. */
  start(program: RunningProgram): void {
    this.program = program;
    if (this.isAsked) this.ask();
  }

  /** Requests that everything is read again. A request during a reading makes one more reading follow. */
  ask(): void {
    this.isAsked = true;
    if (!this.isAtWork && this.program) void this.work(this.program);
  }

  private async work(program: RunningProgram): Promise<void> {
    this.isAtWork = true;
    while (this.isAsked) {
      this.isAsked = false;
      program.log.info({}, "reading everything again: settings, certificates and configuration");
      try {
        await this.takeSettings(program);
        await program.serving.certificates?.reread();
        program.workers?.reread();
        const { paths, layered, groupRules } = this.call;
        const rules = { rules: groupRules, field: groupField(this.call) };
        // A reading of the old layers must not be served with the new rules.
        await program.source?.reread(paths, layered, () => program.serving.use({ rules }));
      } catch (error) {
        program.log.error({ error: messageOf(error) }, "not everything could be read again");
      }
    }
    this.isAtWork = false;
  }

  private async takeSettings({ source, serving, workers, log }: RunningProgram): Promise<void> {
    let next: Call;
    try {
      next = await this.read();
      if (source) this.checkGroups(next); // a replica has its groups from the store
    } catch (error) {
      const isExpected = error instanceof UsageError || error instanceof NoConfiguration;
      const message = isExpected ? messageOf(error) : String(error);
      serving.settingsFailed(message);
      log.error({ error: message }, "the new settings cannot be used; the old ones stay in use");
      return;
    }
    serving.settingsFailed(undefined);
    const live: string[] = [];
    const others: string[] = [];
    for (const name of Object.keys(rows) as (keyof Settings)[])
      if (!isDeepStrictEqual(this.settings[name], next.settings[name]))
        (liveSettings.has(name) ? live : others).push(rows[name].key);
    if (!isDeepStrictEqual(this.call.paths, next.paths)) live.push("paths");
    const groupsOf = ({ groupRules, layered }: Call) => ({ groupRules, layered });
    if (!isDeepStrictEqual(groupsOf(this.call), groupsOf(next)))
      live.push(next.layered.length > 0 ? "groups" : "node_groups");
    const { logLevel, validation, drainTime } = next.settings;
    const { paths, groupRules, layered } = next;
    const settings = { ...this.settings, logLevel, validation, drainTime };
    this.call = { ...this.call, paths, groupRules, layered, settings };
    log.level = logLevel;
    workers?.useSettings({ logLevel });
    serving.use({ validation });
    if (live.length > 0) log.info({ settings: live }, "these settings changed and are in use now");
    if (others.length > 0) log.warn({ settings: others }, "these settings changed; restart the program to use them");
    if (live.length + others.length === 0) log.info({}, "settings read again; nothing changed");
  }

  /**
   * Checks new groups against the certificates' rule in use. New groups are used at once, a new rule only after a
   * restart.
   * @throws UsageError if the rule does not prove what the new groups are computed from
   */
  private checkGroups({ groupRules, layered }: Call): void {
    try {
      checkGroups({ settings: this.settings, groupRules, layered });
    } catch (error) {
      throw new UsageError(
        `${messageOf(error)}; until a restart, the certificate's rule is the one that the program was started with`,
      );
    }
  }
}
