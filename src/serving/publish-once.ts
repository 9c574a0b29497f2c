import { SnapshotCache } from "../cache/snapshot-cache.js";
import type { HeldChange } from "../control/reports.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Authorship } from "../revisions/revision.js";
import type { Revisions } from "../revisions/revisions.js";
import type { Reading } from "../source/reading/source.js";
import type { Hash } from "../store/store.js";
import { ConfigurationGate, type GateOptions, type OnFindings } from "./configuration-gate.js";
import type { ConfigurationFinding, Locate } from "./findings.js";
import { HeadFollower } from "./head-follower.js";
import { commonGroup } from "./node-groups.js";
import { type PublishedChange, RevisionPublisher } from "./revision-publisher.js";
import { configurationIn, type NodeRules, nodeGroupIn, viewing } from "./stored-configuration.js";

/** How {@link publishOnce} checks and publishes. */
export interface PublishOnceOptions {
  readonly gate: GateOptions;
  readonly rules: NodeRules;
  readonly authorship: Authorship;
  /** The URLs of the live types. */
  readonly liveTypes: readonly string[];
  /** As `RevisionPublisherOptions.removalShare`. */
  readonly removalShare: number | undefined;
  readonly isGradual: boolean;
  /** The hash of a change that may be published although it removes much. Its first 8 digits are enough. */
  readonly approved?: Hash | undefined;
  /** Called with warnings and notes on the configuration. */
  readonly onFindings: OnFindings;
  readonly locate?: Locate | undefined;
  readonly logger?: Logger;
}

/** The problems of the configuration, or the result of publishing it. `held` is set where it is held. */
export type PublishedOnce =
  | { readonly problems: readonly ConfigurationFinding[] }
  | (PublishedChange & { readonly held?: HeldChange });

/**
 * Publishes one configuration to a store, with the checks and guards of a {@link SourceServer}. It serves nothing.
 * @throws XdsError WRONG_STATE if another publisher was faster; as the store's calls do
 */
export async function publishOnce(
  reading: Reading,
  revisions: Revisions,
  options: PublishOnceOptions,
): Promise<PublishedOnce> {
  const { gate, rules, authorship, liveTypes, removalShare, isGradual, approved, logger = silentLogger } = options;
  const { servesOthers } = gate;
  const after = revisions.head.next - 1;
  // Guards compare with what is served, and that is what a follower shows in a cache.
  const cache = new SnapshotCache(servesOthers ? { fallbackGroup: commonGroup } : {});
  const follower = new HeadFollower(revisions, cache, {
    viewing: (layers, stored) => viewing(configurationIn(layers, stored)),
    groupsOf: nodeGroupIn,
    ...(servesOthers && { fallbackGroup: commonGroup }),
  });
  const publisher = new RevisionPublisher(revisions, follower, {
    ...(authorship.source !== undefined && { source: authorship.source }),
    liveTypes: new Set(liveTypes),
    removalShare,
    isGradual: () => isGradual,
    nodes: () => [],
    servesOthers,
    hasRules: true,
    logger,
  });
  try {
    await publisher.open();
    await follower.applied();
    const checked = await new ConfigurationGate(gate, options.onFindings, options.locate).check(reading, () =>
      publisher.served(),
    );
    if ("problems" in checked) return { problems: checked.problems };
    const { configuration, places } = checked;
    const change = await publisher.publish(configuration, rules, places, { authorship, approved, after });
    const held = publisher.held();
    return { ...change, ...(held && { held }) };
  } finally {
    await publisher.close();
    follower.close();
  }
}
