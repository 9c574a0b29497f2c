import type { WorkerFacts } from "../admin/worker-facts.js";
import type { NodeStatus } from "../cache/snapshot-cache.js";
import type { Peers } from "../fleet/peer.js";
import type { DrainOptions } from "../server/admission/drain.js";
import type { Address, ListenOptions } from "../server/xds-server-options.js";

/** The processes that serve clients in place of the process that has the source and the store. */
export interface Workers extends WorkerFacts, Peers {
  /** Starts the workers. Resolves with their common addresses when all of them serve. */
  listen(options: ListenOptions): Promise<{ grpc: Address; rest?: Address }>;
  /** The nodes of all workers at the last {@link Workers.lookAtNodes}. */
  readonly nodes: readonly NodeStatus[];
  /** Whether a node was connected to a worker at some look. */
  readonly hadNodes: boolean;
  /** Asks all workers for their nodes. A worker that does not answer in time keeps those of the last look. */
  lookAtNodes(): Promise<void>;
  /** Drains all workers at the same time, as `XdsServer.drain()` does. Resolves when they have ended. */
  drain(options: DrainOptions): Promise<void>;
  /** Ends all workers at once. */
  close(): Promise<void>;
}
