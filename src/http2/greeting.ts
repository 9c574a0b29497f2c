import type { ConnectionLimits } from "./connection-limits.js";
import { initialWindow, windowUpdate } from "./frames.js";
import { setting, settingsFrame } from "./settings.js";

/** The connection's window for a client's DATA. Each stream has its own smaller window, so this one rarely limits. */
export const receiveWindow = 1 << 20;

const greetings = new WeakMap<ConnectionLimits, Buffer>();

/**
 * The first bytes that a server sends: its SETTINGS and the connection's window. The same limits give the same buffer.
 */
export function greetingOf(limits: ConnectionLimits): Buffer {
  const known = greetings.get(limits);
  if (known) return known;
  const settings = settingsFrame([
    [setting.MAX_CONCURRENT_STREAMS, limits.streams],
    [setting.MAX_HEADER_LIST_SIZE, limits.headerBytes],
  ]);
  const greeting = Buffer.concat([settings, windowUpdate(0, receiveWindow - initialWindow)]);
  greetings.set(limits, greeting);
  return greeting;
}
