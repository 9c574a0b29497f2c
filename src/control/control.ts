import { setImmediate as nextTurn } from "node:timers/promises";
import { XdsError } from "../errors.js";
import { sliceMs } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import { endpointType, secretType } from "../resource/types.js";
import type { CheckRevision, Revision } from "../revisions/revision.js";
import type { Revisions } from "../revisions/revisions.js";
import type { Barred } from "../rollout/head.js";
import type { Hash } from "../store/store.js";
import {
  type AuditReport,
  type HeldChange,
  type HistoryReport,
  heldReport,
  isoTime,
  type RevisionReport,
  type RolloutReport,
  revisionReport,
  rolloutReport,
  type WaveReport,
} from "./reports.js";

/** Who gives an order. */
export interface Who {
  /** The name in the audit log, such as `token deploy`. */
  readonly by: string;
}

/** Changes that wait for approval. */
export interface Approvals {
  /** The change that is held now, if there is one. */
  held(): HeldChange | undefined;
  /** Publishes the held change if it has this content, and writes the audit entry. */
  approve(content: Hash, order: Who & { readonly why?: string }): Promise<void>;
}

export interface ControlOptions {
  /** Without it, no change is held. */
  readonly approvals?: Approvals;
  /** Throws if a revision cannot be served again. By default every revision can. */
  readonly checkUndo?: CheckRevision;
  /** The types, by URL, whose resources belong to no revision. Default: endpoints and secrets. */
  readonly liveTypes?: readonly string[];
  /** Whether changes are rolled out gradually. Default true. */
  readonly isGradual?: boolean;
  /** What is known of the wave of the present rollout. */
  readonly evidence?: () => WaveReport | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The fewest hexadecimal digits of a hash that are enough to name it. */
export const fewestDigits = 8;

/** How long an order about the next change waits for that change, in milliseconds. */
const atOnceMs = 600_000;

/** The most readers of resources at the same time. The number is small because each has a revision in memory. */
const mostReaders = 4;

/**
 * The state of a running server, and the orders that it takes. The audit log has each order, with who gave it and why.
 */
export class Control {
  private readonly live: readonly string[];
  private readonly now: () => number;
  private readers = 0;

  constructor(
    private readonly revisions: Revisions,
    private readonly options: ControlOptions = {},
  ) {
    this.live = options.liveTypes ?? [endpointType, secretType];
    this.now = options.now ?? Date.now;
  }

  /** The present time, in milliseconds since 1970. */
  get time(): number {
    return this.now();
  }

  /** The revisions that are kept, and the change that is held. */
  async history(): Promise<HistoryReport> {
    const revisions = await this.revisions.list();
    const held = this.options.approvals?.held();
    return { revisions: revisions.map((one) => this.reportOf(one)), ...(held && { held: heldReport(held) }) };
  }

  /** A revision. @throws XdsError INVALID_OPTION if there is no such revision, or it is no longer kept */
  async revision(number: number): Promise<RevisionReport> {
    return this.reportOf(await this.revisions.read(number));
  }

  /**
   * The resources of a layer in a revision, without live resources. The generator lets other work of the event loop run
   * from time to time. So the caller can do some work for each resource.
   * @throws XdsError INVALID_OPTION if there is no such revision or layer; LIMIT_EXCEEDED if there are too many readers
   */
  async *resources(number: number, layer: string): AsyncGenerator<Resource> {
    const { groups } = await this.revisions.read(number);
    const manifest = Object.hasOwn(groups, layer) ? groups[layer] : undefined;
    if (manifest === undefined)
      throw new XdsError(
        "INVALID_OPTION",
        `revision ${number} has no layer ${JSON.stringify(layer)}; its layers: ${Object.keys(groups)
          .map((name) => JSON.stringify(name))
          .join(", ")}`,
      );
    if (this.readers >= mostReaders)
      throw new XdsError("LIMIT_EXCEEDED", `${mostReaders} other requests are reading revisions now; try again`);
    this.readers++;
    try {
      const read = await this.revisions.groupsOf({ groups: { [layer]: manifest } });
      let until = performance.now() + sliceMs;
      for (const resource of read.get(layer) ?? []) {
        yield resource;
        if (performance.now() < until) continue;
        await nextTurn();
        until = performance.now() + sliceMs;
      }
    } finally {
      this.readers--;
    }
  }

  /** What is served and rolled out, and what holds changes. */
  async rollout(): Promise<RolloutReport> {
    const { head } = this.revisions;
    const { rollout } = head;
    const held = this.options.approvals?.held();
    if (!rollout) return rolloutReport(head, this.now(), { held });
    const { content } = await this.revisions.read(rollout.revision);
    return rolloutReport(head, this.now(), { content, held, evidence: this.options.evidence?.() });
  }

  /** The entries of the audit log, newest first, at most `most`. */
  async audit(most: number): Promise<AuditReport> {
    const entries = await this.revisions.readAudit(most);
    return { entries: entries.map((entry) => ({ ...entry, at: isoTime(entry.at) })) };
  }

  /**
   * Serves the content of an older revision as a new one. Without `to`, that is the revision before the stable one.
   * @throws XdsError INVALID_OPTION if there is no such revision, or it is stable already; WRONG_STATE without `to` if
   * the stable revision is an undo; VERSION_IN_USE if the user has since given the version of one of its resources to
   * other content
   */
  async undo(order: { to?: number; why: string; message?: string }, { by }: Who): Promise<RevisionReport> {
    const { to, ...words } = order;
    const { checkUndo: check } = this.options;
    return this.reportOf(await this.revisions.undo(to, { by, ...words, ...(check && { check }) }));
  }

  /** @throws XdsError WRONG_STATE without a rollout; so do the next three orders */
  pause(why: string, { by }: Who): Promise<void> {
    return this.revisions.pause({ by, why });
  }

  resume(why: string, { by }: Who): Promise<void> {
    return this.revisions.resume({ by, why });
  }

  /** Serves the candidate to all nodes from now on. @throws XdsError WRONG_STATE also during a freeze */
  promote(why: string, { by }: Who): Promise<void> {
    return this.revisions.promote({ by, why });
  }

  /**
   * Serves the next change to all nodes at once, if it comes within ten minutes. Checks and guards still apply.
   * @throws XdsError WRONG_STATE during a freeze, and if changes are not rolled out gradually
   */
  async promoteNext(why: string, { by }: Who): Promise<void> {
    if (!(this.options.isGradual ?? true))
      throw new XdsError(
        "WRONG_STATE",
        "this server rolls nothing out gradually (`rollout` in xds.yaml): all nodes have each change at once already",
      );
    await this.revisions.promoteNext({ by, why }, this.now() + atOnceMs);
  }

  /** Rolls back to the stable revision, and bars the candidate. */
  abort(why: string, { by }: Who): Promise<void> {
    return this.revisions.abort({ by, why });
  }

  /**
   * Allows a barred content to be published again, and returns it. `of` is the number of its revision, such as `12` or
   * `@12`, or at least the first 8 digits of its hash.
   * @throws XdsError INVALID_OPTION if no barred content matches, or several do
   */
  async again(of: string, why: string, { by }: Who): Promise<Barred> {
    const { barred } = this.revisions.head;
    const number = /^@?(\d{1,7})$/.exec(of)?.[1];
    const found =
      number === undefined
        ? barred.filter(({ content }) => isPrefix(of) && content.startsWith(of))
        : barred.filter(({ revision }) => revision === Number(number));
    const [one] = found;
    if (!one || found.length > 1) {
      const known = barred.map(({ revision, content }) => `@${revision} (${content.slice(0, fewestDigits)})`);
      throw new XdsError(
        "INVALID_OPTION",
        `${one ? "several barred contents match" : "no barred content matches"} ${JSON.stringify(of)}; barred: ${known.join(", ") || "none"}`,
      );
    }
    await this.revisions.again(one.content, { by, why });
    return one;
  }

  /**
   * Holds changes and rollouts, but not live resources. It ends with {@link Control.unfreeze} or at `until`, in
   * milliseconds since 1970.
   */
  freeze({ why, until }: { why: string; until?: number }, { by }: Who): Promise<void> {
    return this.revisions.freeze({ by, why }, until);
  }

  /** Ends a freeze. @throws XdsError WRONG_STATE if nothing is frozen */
  async unfreeze(why: string, { by }: Who): Promise<void> {
    if (!this.revisions.isFrozen) throw new XdsError("WRONG_STATE", "nothing is frozen");
    await this.revisions.unfreeze({ by, why });
  }

  /**
   * Publishes the held change. `hash` is the hash of its content, or at least the first 8 digits of it. A reason is
   * optional.
   * @throws XdsError WRONG_STATE if no change with this content is held
   */
  async approve({ hash, why }: { hash: string; why?: string }, { by }: Who): Promise<HeldChange> {
    const { approvals } = this.options;
    if (!approvals)
      throw new XdsError(
        "WRONG_STATE",
        "only a server that reads files holds changes; ask that one, or approve with `xds publish … --approve <hash>`",
      );
    const held = approvals.held();
    if (!held) throw new XdsError("WRONG_STATE", "no change is held, so there is nothing to approve");
    if (!isPrefix(hash) || !held.content.startsWith(hash))
      throw new XdsError(
        "WRONG_STATE",
        `the change that is held now is ${held.content.slice(0, 12)}, not ${JSON.stringify(hash)}${isPrefix(hash) ? "" : ` (at least ${fewestDigits} digits, 0-9 and a-f)`}: ${held.reasons.join("; ")}`,
      );
    await approvals.approve(held.content, { by, ...(why !== undefined && { why }) });
    return held;
  }

  private reportOf(revision: Revision): RevisionReport {
    return revisionReport(revision, this.revisions.head, this.live);
  }
}

const isPrefix = (hash: string) => hash.length >= fewestDigits && /^[0-9a-f]{8,64}$/.test(hash);
