/** Frame types of HTTP/2 (RFC 9113, section 6). */
export const frameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

export const flag = { ACK: 0x1, END_STREAM: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

/** The bytes before a frame's payload. */
export const frameHeaderBytes = 9;
/** The largest payload that either side may send. Both sides leave SETTINGS_MAX_FRAME_SIZE at its default. */
export const maxPayload = 16_384;
/** The initial flow-control window of a connection and of each stream (RFC 9113, section 6.9.2). */
export const initialWindow = 65_535;
/** The largest flow-control window. */
export const largestWindow = 2 ** 31 - 1;
/** What a client sends first (RFC 9113, section 3.4). */
export const clientPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Writes the header of a frame. */
export function putFrameHeader(
  out: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  out[at + 5] = streamId >>> 24;
  out[at + 6] = streamId >>> 16;
  out[at + 7] = streamId >>> 8;
  out[at + 8] = streamId;
}

/** A whole frame. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  putFrameHeader(out, 0, payload.length, type, flags, streamId);
  out.set(payload, frameHeaderBytes);
  return out;
}

/** A frame whose payload is one number of 32 bits. */
function numberFrame(type: number, streamId: number, value: number): Buffer {
  const out = Buffer.allocUnsafe(frameHeaderBytes + 4);
  putFrameHeader(out, 0, 4, type, 0, streamId);
  out.writeUInt32BE(value, frameHeaderBytes);
  return out;
}

export const rstStream = (streamId: number, code: number) => numberFrame(frameType.RST_STREAM, streamId, code);

export const windowUpdate = (streamId: number, increment: number) =>
  numberFrame(frameType.WINDOW_UPDATE, streamId, increment);

export const settingsAck = frame(frameType.SETTINGS, flag.ACK, 0, Buffer.alloc(0));

export const ping = (payload: Uint8Array) => frame(frameType.PING, 0, 0, payload);
export const pingAck = (payload: Uint8Array) => frame(frameType.PING, flag.ACK, 0, payload);

/** A GOAWAY frame. Streams with ids above `lastStreamId` were not served, and may be retried elsewhere. */
export function goAway(lastStreamId: number, code: number, debug = ""): Buffer {
  const text = Buffer.from(debug, "utf8");
  const payload = Buffer.allocUnsafe(8 + text.length);
  payload.writeUInt32BE(lastStreamId, 0);
  payload.writeUInt32BE(code, 4);
  payload.set(text, 8);
  return frame(frameType.GOAWAY, 0, 0, payload);
}

/** A header block, in a HEADERS frame and as many CONTINUATION frames as it needs. */
export function headerFrames(streamId: number, block: Buffer, isEnd: boolean): Buffer {
  const end = isEnd ? flag.END_STREAM : 0;
  if (block.length <= maxPayload) return frame(frameType.HEADERS, end | flag.END_HEADERS, streamId, block);
  const frames = [frame(frameType.HEADERS, end, streamId, block.subarray(0, maxPayload))];
  for (let at = maxPayload; at < block.length; at += maxPayload) {
    const isLast = at + maxPayload >= block.length;
    const part = block.subarray(at, at + maxPayload);
    frames.push(frame(frameType.CONTINUATION, isLast ? flag.END_HEADERS : 0, streamId, part));
  }
  return Buffer.concat(frames);
}
