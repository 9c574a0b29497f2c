import type { ConnectionLimits } from "./connection-handler.js";
import { initialWindow, windowUpdate } from "./frames.js";
import { setting, settingsFrame } from "./settings.js";

/**
 * The connection's window for what clients send. Each stream has its own window, so this one need not hold anybody
 * back.
 */
export const receiveWindow = 1 << 20;

const greetings = new WeakMap<ConnectionLimits, Buffer>();

/** What a server sends first: its SETTINGS, and the connection's window. The same limits make the same bytes. */
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
