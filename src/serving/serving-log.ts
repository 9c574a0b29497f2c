import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import type { Published } from "../revisions/revision.js";
import type { Configuration } from "../source/reading/source.js";
import { mostLines, type OnFindings } from "./configuration-gate.js";
import { type ConfigurationFinding, lineOf } from "./findings.js";
import type { PublishedChange } from "./revision-publisher.js";

/** Logs one line for each event of a configuration. */
export class ServingLog {
  constructor(private readonly logger: Logger) {}

  /** Logs warnings and notes on a configuration that passed. */
  readonly findings: OnFindings = (findings, more) => {
    for (const finding of findings) {
      const { severity, code } = finding;
      if (severity === "warning") this.logger.warn({ code }, lineOf(finding));
      else this.logger.info({ code }, lineOf(finding));
    }
    if (more > 0) this.logger.warn({ more }, "more findings; xds validate prints all");
  };

  /** Logs that a configuration did not pass. */
  refused(problems: readonly ConfigurationFinding[]): void {
    for (const problem of problems.slice(0, mostLines)) this.logger.error({ code: problem.code }, lineOf(problem));
    this.logger.error({ problems: problems.length }, stillServed);
  }

  /** Logs that a configuration passed, but could not be served. */
  failed(error: unknown): void {
    this.logger.error({ error: messageOf(error) }, stillServed);
  }

  /** Logs the result of publishing a configuration. */
  published({ configuration, published, counts, hasOtherRules, emptied, groupsBefore }: PublishedChange): void {
    const { logger } = this;
    if (published.result === "held") return; // the publisher logs why
    for (const [directory, resources] of [...emptied].slice(0, mostLines))
      logger.warn({ directory, resources }, directoryEmptied);
    for (const group of groupsBefore) if (!configuration.groups.has(group)) logger.warn({ group }, groupGone);
    const isSame = counts.added + counts.changed + counts.removed === 0;
    const fields = { ...counts, ...(isSame && hasOtherRules && { rules: "changed" }) };
    if (published.result === "barred") this.revision(published);
    else if (published.result === "started")
      logger.info({ ...fields, revision: published.revision.number }, "rolling out the changed configuration");
    else
      logger.info(
        { ...fields, revision: published.revision.number },
        isSame && !hasOtherRules ? "configuration read again; nothing changed" : "serving the changed configuration",
      );
    if (!isSame && isEmpty(configuration)) logger.warn({}, nothingServed);
  }

  /** Logs why a configuration is barred, if it is. */
  revision(published: Published): void {
    if (published.result !== "barred") return;
    const { revision, why } = published.barred;
    this.logger.error(
      { revision, why },
      "this configuration is barred: it was rolled back or undone before; edit it, or allow it with `xds rollout again`",
    );
  }
}

const stillServed = "still serving the last good configuration";
const groupGone = "this node group's directory is gone; its nodes are served like nodes without a group";
const directoryEmptied = "this directory has no resources any more; its resources are removed";
/** The warning about a configuration that {@link isEmpty}. */
export const nothingServed = "the files hold no resources; nothing is served until they do";

/** Whether a configuration has no resources for any node. */
export const isEmpty = ({ layers }: Configuration): boolean =>
  [...layers.values()].every(({ resources }) => resources.length === 0);
