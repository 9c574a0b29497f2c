import { flag, frame, frameType, ping, rstStream, windowUpdate } from "../../src/http2/frames.js";
import { encodeHeaders } from "../../src/http2/hpack/encoder.js";
import { settingsFrame } from "../../src/http2/settings.js";

/** A frame as it was sent. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** Cuts bytes into frames. The last one must be whole. */
export function parseFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) throw new Error("the last frame is cut off");
    frames.push({
      type: bytes[at + 3] as number,
      flags: bytes[at + 4] as number,
      id: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}

const typeNames = Object.fromEntries(Object.entries(frameType).map(([name, type]) => [type, name]));

/** A frame in a few words: `DATA 1 3 END`, `RST_STREAM 1 code 0`, `GOAWAY last 5 code 1`, `SETTINGS ACK`, … */
export function words({ type, flags, id, payload }: Frame): string {
  const name = typeNames[type] ?? `type ${type}`;
  switch (type) {
    case frameType.DATA:
      return `DATA ${id} ${payload.length}${flags & flag.END_STREAM ? " END" : ""}`;
    case frameType.HEADERS:
      return `HEADERS ${id}${flags & flag.END_STREAM ? " END" : ""}`;
    case frameType.RST_STREAM:
      return `RST_STREAM ${id} code ${payload.readUInt32BE(0)}`;
    case frameType.GOAWAY:
      return `GOAWAY last ${payload.readUInt32BE(0)} code ${payload.readUInt32BE(4)}`;
    case frameType.WINDOW_UPDATE:
      return `WINDOW_UPDATE ${id} ${payload.readUInt32BE(0)}`;
    default:
      return `${name}${flags & flag.ACK ? " ACK" : ""}`;
  }
}

export const allWords = (frames: readonly Frame[]) => frames.map(words);

export const requestFields = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/test"],
  [":authority", "here"],
  ["content-type", "application/grpc"],
] as const;

type ClientFields = readonly (readonly [name: string, value: string])[];

/** The header block of a request, with further fields. */
export const requestBlock = (more: ClientFields = []) => encodeHeaders([...requestFields, ...more]);

export const headers = (id: number, isEnd = false, more: ClientFields = []) =>
  frame(frameType.HEADERS, flag.END_HEADERS | (isEnd ? flag.END_STREAM : 0), id, requestBlock(more));

export const trailers = (id: number, fields: ClientFields = [["x-end", "1"]]) =>
  frame(frameType.HEADERS, flag.END_HEADERS | flag.END_STREAM, id, encodeHeaders(fields));

export const data = (id: number, body: string | Uint8Array, isEnd = false) =>
  frame(frameType.DATA, isEnd ? flag.END_STREAM : 0, id, Buffer.from(body));

/** DATA with padding, which counts one byte more than its length. */
export const padded = (id: number, body: string | Uint8Array, padding: number, isEnd = false) =>
  frame(
    frameType.DATA,
    flag.PADDED | (isEnd ? flag.END_STREAM : 0),
    id,
    Buffer.concat([Buffer.of(padding), Buffer.from(body), Buffer.alloc(padding)]),
  );

export const priority = (id: number, on: number) =>
  frame(frameType.PRIORITY, 0, id, Buffer.of(on >>> 24, on >>> 16, on >>> 8, on, 15));

export const settings = (all: readonly (readonly [number, number])[] = []) => settingsFrame(all);
export const settingsAck = frame(frameType.SETTINGS, flag.ACK, 0, Buffer.alloc(0));
export { frame, ping, rstStream, windowUpdate };
