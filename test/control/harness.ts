import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Control, type ControlOptions } from "../../src/control/control.js";
import { ControlServer, type ControlServerOptions } from "../../src/control/control-server.js";
import type { HeldChange } from "../../src/control/reports.js";
import type { Resource } from "../../src/resource/resource.js";
import type { PublishOptions } from "../../src/revisions/revision.js";
import { Revisions } from "../../src/revisions/revisions.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import { cluster } from "../protocol/resources.js";

export const me = { by: "server" };
/** Publishes with a rollout that begins with node n1. */
export const gradually = { ...me, gradually: () => ["n1", "n2"] } satisfies PublishOptions;
/** The resources for nodes without a group. */
export const common = (...resources: Resource[]) => new Map([["/", resources]]);

/** Revisions in memory. Revision 1 is stable, and 2 is rolled out. */
export async function revisionsInRollout(now?: () => number): Promise<Revisions> {
  const revisions = await Revisions.open(new MemoryStore(), now && { now });
  await revisions.publish(common(cluster("a")), { ...me, message: "first" });
  await revisions.publish(common(cluster("a", 2), cluster("b")), { ...gradually, message: "second" });
  return revisions;
}

/** One held change, until it is approved. */
export class OneHeld {
  change: HeldChange | undefined;
  readonly approved: string[] = [];

  held(): HeldChange | undefined {
    return this.change;
  }

  async approve(content: string, { by, why }: { readonly by: string; readonly why?: string }): Promise<void> {
    this.approved.push(`${content} by ${by}${why === undefined ? "" : `: ${why}`}`);
    this.change = undefined;
  }
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "xds-state-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** A control server in a folder of its own. */
export async function startControl(
  revisions: Revisions,
  { folder, ...options }: ControlOptions & ControlServerOptions & { readonly folder?: string } = {},
): Promise<{ control: Control; server: ControlServer; folder: string }> {
  const own = folder ?? (await temporaryFolder());
  const control = new Control(revisions, options);
  const server = await ControlServer.start(control, own, options);
  onTestFinished(() => server.close());
  return { control, server, folder: own };
}
