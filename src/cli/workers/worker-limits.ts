import { defaultLimits, type Limits } from "../../server/admission/limits.js";

/**
 * The limits on what all clients together, or all clients of one address, may use of a server. All other limits are
 * about one connection, stream or request.
 */
const shared = [
  "streams",
  "streamsPerPeer",
  "newStreamsPerSecond",
  "responseBytes",
  "connections",
  "connectionsPerPeer",
  "receivingBytes",
] as const;

/**
 * The limits of each of several workers, so that all of them together have the limits of one server: those that clients
 * share are divided, and rounded up. Connections are dealt out in turn, so each worker gets about as many.
 */
export const limitsOfWorker = (limits: Partial<Limits>, workers: number): Partial<Limits> => ({
  ...limits,
  ...Object.fromEntries(shared.map((name) => [name, Math.ceil((limits[name] ?? defaultLimits[name]) / workers)])),
});
