import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  heldReport,
  isoTime,
  revisionReport,
  rolloutReport
} from "./chunk-RZ4DQXNT.js";
import {
  sliceMs
} from "./chunk-IDIDKZNG.js";
import {
  endpointType,
  secretType
} from "./chunk-ZTJUYVIA.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/control/control.js
import { setImmediate as nextTurn } from "node:timers/promises";
var fewestDigits = 8;
var atOnceMs = 6e5;
var mostReaders = 4;
var Control = class {
  revisions;
  options;
  live;
  now;
  readers = 0;
  constructor(revisions, options = {}) {
    this.revisions = revisions;
    this.options = options;
    this.live = options.liveTypes ?? [endpointType, secretType];
    this.now = options.now ?? Date.now;
  }
  /** The present time, in milliseconds since 1970. */
  get time() {
    return this.now();
  }
  /** The revisions that are kept, and the change that is held. */
  async history() {
    const revisions = await this.revisions.list();
    const held = this.options.approvals?.held();
    return { revisions: revisions.map((one) => this.reportOf(one)), ...held && { held: heldReport(held) } };
  }
  /** A revision. @throws XdsError INVALID_OPTION if there is no such revision, or it is no longer kept */
  async revision(number) {
    return this.reportOf(await this.revisions.read(number));
  }
  /**
   * The resources of a layer in a revision, without live resources. The generator lets other work of the event loop run
   * from time to time. So the caller can do some work for each resource.
   * @throws XdsError INVALID_OPTION if there is no such revision or layer; LIMIT_EXCEEDED if there are too many readers
   */
  async *resources(number, layer) {
    const { groups } = await this.revisions.read(number);
    const manifest = Object.hasOwn(groups, layer) ? groups[layer] : void 0;
    if (manifest === void 0)
      throw new XdsError("INVALID_OPTION", `revision ${number} has no layer ${JSON.stringify(layer)}; its layers: ${Object.keys(groups).map((name) => JSON.stringify(name)).join(", ")}`);
    if (this.readers >= mostReaders)
      throw new XdsError("LIMIT_EXCEEDED", `${mostReaders} other requests are reading revisions now; try again`);
    this.readers++;
    try {
      const read = await this.revisions.groupsOf({ groups: { [layer]: manifest } });
      let until = performance.now() + sliceMs;
      for (const resource of read.get(layer) ?? []) {
        yield resource;
        if (performance.now() < until)
          continue;
        await nextTurn();
        until = performance.now() + sliceMs;
      }
    } finally {
      this.readers--;
    }
  }
  /** What is served and rolled out, and what holds changes. */
  async rollout() {
    const { head } = this.revisions;
    const { rollout } = head;
    const held = this.options.approvals?.held();
    if (!rollout)
      return rolloutReport(head, this.now(), { held });
    const { content } = await this.revisions.read(rollout.revision);
    return rolloutReport(head, this.now(), { content, held, evidence: this.options.evidence?.() });
  }
  /** The entries of the audit log, newest first, at most `most`. */
  async audit(most) {
    const entries = await this.revisions.readAudit(most);
    return { entries: entries.map((entry) => ({ ...entry, at: isoTime(entry.at) })) };
  }
  /**
   * Serves the content of an older revision as a new one. Without `to`, that is the revision before the stable one.
   * @throws XdsError INVALID_OPTION if there is no such revision, or it is stable already; WRONG_STATE without `to` if
   * the stable revision is an undo; VERSION_IN_USE if the user has since given the version of one of its resources to
   * other content
   */
  async undo(order, { by }) {
    const { to, ...words } = order;
    const { checkUndo: check } = this.options;
    return this.reportOf(await this.revisions.undo(to, { by, ...words, ...check && { check } }));
  }
  /** @throws XdsError WRONG_STATE without a rollout; so do the next three orders */
  pause(why, { by }) {
    return this.revisions.pause({ by, why });
  }
  resume(why, { by }) {
    return this.revisions.resume({ by, why });
  }
  /** Serves the candidate to all nodes from now on. @throws XdsError WRONG_STATE also during a freeze */
  promote(why, { by }) {
    return this.revisions.promote({ by, why });
  }
  /**
   * Serves the next change to all nodes at once, if it comes within ten minutes. Checks and guards still apply.
   * @throws XdsError WRONG_STATE during a freeze, and if changes are not rolled out gradually
   */
  async promoteNext(why, { by }) {
    if (!(this.options.isGradual ?? true))
      throw new XdsError("WRONG_STATE", "this server rolls nothing out gradually (`rollout` in xds.yaml): all nodes have each change at once already");
    await this.revisions.promoteNext({ by, why }, this.now() + atOnceMs);
  }
  /** Rolls back to the stable revision, and bars the candidate. */
  abort(why, { by }) {
    return this.revisions.abort({ by, why });
  }
  /**
   * Allows a barred content to be published again, and returns it. `of` is the number of its revision, such as `12` or
   * `@12`, or at least the first 8 digits of its hash.
   * @throws XdsError INVALID_OPTION if no barred content matches, or several do
   */
  async again(of, why, { by }) {
    const { barred } = this.revisions.head;
    const number = /^@?(\d{1,7})$/.exec(of)?.[1];
    const found = number === void 0 ? barred.filter(({ content }) => isPrefix(of) && content.startsWith(of)) : barred.filter(({ revision }) => revision === Number(number));
    const [one] = found;
    if (!one || found.length > 1) {
      const known = barred.map(({ revision, content }) => `@${revision} (${content.slice(0, fewestDigits)})`);
      throw new XdsError("INVALID_OPTION", `${one ? "several barred contents match" : "no barred content matches"} ${JSON.stringify(of)}; barred: ${known.join(", ") || "none"}`);
    }
    await this.revisions.again(one.content, { by, why });
    return one;
  }
  /**
   * Holds changes and rollouts, but not live resources. It ends with {@link Control.unfreeze} or at `until`, in
   * milliseconds since 1970.
   */
  freeze({ why, until }, { by }) {
    return this.revisions.freeze({ by, why }, until);
  }
  /** Ends a freeze. @throws XdsError WRONG_STATE if nothing is frozen */
  async unfreeze(why, { by }) {
    if (!this.revisions.isFrozen)
      throw new XdsError("WRONG_STATE", "nothing is frozen");
    await this.revisions.unfreeze({ by, why });
  }
  /**
   * Publishes the held change. `hash` is the hash of its content, or at least the first 8 digits of it. A reason is
   * optional.
   * @throws XdsError WRONG_STATE if no change with this content is held
   */
  async approve({ hash, why }, { by }) {
    const { approvals } = this.options;
    const held = approvals?.held();
    if (!approvals || !held)
      throw new XdsError("WRONG_STATE", "no change is held, so there is nothing to approve");
    if (!isPrefix(hash) || !held.content.startsWith(hash))
      throw new XdsError("WRONG_STATE", `the change that is held now is ${held.content.slice(0, 12)}, not ${JSON.stringify(hash)}: ${held.reasons.join("; ")}`);
    await approvals.approve(held.content, { by, ...why !== void 0 && { why } });
    return held;
  }
  reportOf(revision) {
    return revisionReport(revision, this.revisions.head, this.live);
  }
};
var isPrefix = (hash) => hash.length >= fewestDigits && /^[0-9a-f]{8,64}$/.test(hash);

export {
  Control
};
