import { messageOf, XdsError } from "../errors.js";
import { type InSteps, inTurns } from "../in-turns.js";
import { versionInUse } from "../resource/version-in-use.js";
import type { Revision } from "../revisions/revision.js";
import type { Revisions } from "../revisions/revisions.js";
import type { HeadFollower } from "./head-follower.js";
import type { Views } from "./head-snapshots.js";
import type { ServedHead } from "./served-head.js";
import { configurationIn, viewing } from "./stored-configuration.js";

/**
 * Checks that an older revision can be served in place of what a follower shows. A resource that has a version of its
 * user's must not have other content under the same version now, because clients compare versions.
 * @throws XdsError VERSION_IN_USE; as the store's calls do
 */
export async function checkUndo(revision: Revision, revisions: Revisions, follower: HeadFollower): Promise<void> {
  await follower.applied().catch(() => {}); // what keeps the cache from showing the head is in the log
  const layers = await revisions.groupsOf(revision);
  const views = await inTurns(viewing(configurationIn(layers, revision.rules)));
  try {
    await inTurns(checkingVersions(views, follower.served));
  } catch (cause) {
    const what = `@${revision.number} cannot be served again as it was: ${messageOf(cause)}`;
    throw new XdsError("VERSION_IN_USE", `${what}. To go back, put the old content into the files`, { cause });
  }
}

/** @throws XdsError VERSION_IN_USE if a resource has other content than the served one with the same version */
export function* checkingVersions(views: Views, served: ServedHead | undefined): InSteps<void> {
  if (!served) return;
  for (const [group, view] of views)
    for (const snapshots of [served.stable, served.candidates])
      for (const resource of view) {
        yield;
        const old = snapshots.get(group)?.resources(resource.type.typeUrl).get(resource.key);
        const error = versionInUse(old, resource);
        if (error) throw error;
      }
}
