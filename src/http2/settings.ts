import { ConnectionError, errorCode, flowControlError, frameSizeError, protocolError } from "./errors.js";
import { frame, frameType, largestWindow, maxPayload } from "./frames.js";

/** Settings of HTTP/2 (RFC 9113, section 6.5.2). */
export const setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

const bytesOfOne = 6;

/** The largest value of a setting. */
const largestValue = 2 ** 32 - 1;

/** A SETTINGS frame. A value that is too large for the protocol becomes the largest allowed one. */
export function settingsFrame(settings: Iterable<readonly [id: number, value: number]>): Buffer {
  const all = [...settings];
  const payload = Buffer.alloc(all.length * bytesOfOne);
  for (const [i, [id, value]] of all.entries()) {
    payload.writeUInt16BE(id, i * bytesOfOne);
    payload.writeUInt32BE(Math.min(value, largestValue), i * bytesOfOne + 2);
  }
  return frame(frameType.SETTINGS, 0, 0, payload);
}

/** What a client's SETTINGS frame changes. */
export interface SettingsChange {
  /** The new window of each stream for our DATA. Undefined: unchanged. */
  readonly sendWindow: number | undefined;
  /** The dynamic table for our header blocks must become smaller. */
  readonly isTableSmaller: boolean;
}

/**
 * Reads the settings of one client. Most do not matter: we send no pushes, use no dynamic table, and keep to the
 * smallest frame size that all clients take.
 */
export class ClientSettings {
  private tableBytes = 4_096;

  /** @throws ConnectionError for a value that is not allowed */
  read(payload: Buffer): SettingsChange {
    if (payload.length % bytesOfOne !== 0) throw frameSizeError(`SETTINGS of ${payload.length} bytes`);
    let sendWindow: number | undefined;
    let isTableSmaller = false;
    for (let at = 0; at < payload.length; at += bytesOfOne) {
      const id = payload.readUInt16BE(at);
      const value = payload.readUInt32BE(at + 2);
      check(id, value);
      if (id === setting.INITIAL_WINDOW_SIZE) sendWindow = value;
      if (id !== setting.HEADER_TABLE_SIZE) continue;
      isTableSmaller ||= value < this.tableBytes;
      this.tableBytes = value;
    }
    return { sendWindow, isTableSmaller };
  }
}

function check(id: number, value: number): void {
  if (id === setting.ENABLE_PUSH && value > 1) throw protocolError(`SETTINGS_ENABLE_PUSH is 0 or 1, not ${value}`);
  if (id === setting.MAX_FRAME_SIZE && (value < maxPayload || value >= 2 ** 24))
    throw protocolError(`SETTINGS_MAX_FRAME_SIZE is from ${maxPayload} to ${2 ** 24 - 1}, not ${value}`);
  if (id === setting.INITIAL_WINDOW_SIZE && value > largestWindow)
    throw flowControlError(`SETTINGS_INITIAL_WINDOW_SIZE is ${largestWindow} at most`);
}

/** @throws ConnectionError for an acknowledgement that has a payload */
export function checkSettingsAck(payload: Buffer): void {
  if (payload.length > 0) throw new ConnectionError(errorCode.FRAME_SIZE_ERROR, "a SETTINGS ACK has no payload");
}
