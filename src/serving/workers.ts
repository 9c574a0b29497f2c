import type { WorkerFacts } from "../admin/worker-facts.js";
import type { DrainOptions } from "../server/admission/drain.js";
import type { Address, ListenOptions } from "../server/xds-server-options.js";

/** The processes that serve clients in place of the process that has the source and the store. */
export interface Workers extends WorkerFacts {
  /** Starts the workers. Resolves with their common addresses when all of them serve. */
  listen(options: ListenOptions): Promise<{ grpc: Address; rest?: Address }>;
  /** Drains all workers at the same time, as `XdsServer.drain()` does. Resolves when they have ended. */
  drain(options: DrainOptions): Promise<void>;
  /** Ends all workers at once. */
  close(): Promise<void>;
}
