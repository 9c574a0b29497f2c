import type { ListenOptions } from "../../server/xds-server-options.js";
import type { Settings } from "../settings/settings.js";

/** What a worker gets from the main process at its start. */
export interface WorkerStart {
  /** Its number, from 1. */
  readonly worker: number;
  /** How many workers there are. */
  readonly workers: number;
  /** The settings in use. */
  readonly settings: Settings;
  /** The Envoy API, if it is not the built-in one. */
  readonly descriptors: Uint8Array | undefined;
  /** Where it listens. */
  readonly listen: ListenOptions;
}

/** Settings that are used at once when they change. */
export type WorkerUse = Pick<Settings, "logLevel">;
