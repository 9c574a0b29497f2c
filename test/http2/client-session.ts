import { clientPreface, flag, frameType } from "../../src/http2/frames.js";
import { setting } from "../../src/http2/settings.js";
import {
  data,
  frame,
  padded,
  ping,
  priority,
  requestFields,
  rstStream,
  settings,
  windowUpdate,
} from "./client-frames.js";
import { ClientHpack, type Form } from "./hpack-encoder.js";
import type { Random } from "./random.js";

/** What the server does with a request, by its path. */
export const paths = ["/echo", "/paced", "/early", "/large", "/bare", "/silent"] as const;

/** One request of a session. */
export interface ClientStream {
  readonly id: number;
  readonly path: string;
  /** The whole body: messages of gRPC. */
  readonly body: Buffer;
  /** How the client ends it. */
  readonly ending: "data" | "empty data" | "trailers" | "reset" | "none";
}

/** All that one client sends, frame by frame. The preface counts as a frame. */
export interface ClientSession {
  readonly frames: Buffer[];
  readonly streams: readonly ClientStream[];
}

/** A message of gRPC. */
export function message(body: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

const windows = [0, 1, 100, 65_535, 65_535, 65_535, 100_000];

/** The most of DATA that a stream sends: it has no more window before the server widens it. */
const mostBody = 60_000;

/** A session as real clients have them, in an order of chance. Nothing in it is an error. */
export function validSession(random: Random): ClientSession {
  const frames = [clientPreface, firstSettings(random)];
  const hpack = new ClientHpack();
  const streams: ClientStream[] = [];
  const running: Buffer[][] = [];
  let toOpen = 1 + random.below(4);
  let nextId = 1;
  if (random.chance(0.5)) frames.push(windowUpdate(0, 1 + random.below(1e6)));
  while (toOpen > 0 || running.length > 0) {
    if (toOpen > 0 && (running.length === 0 || random.chance(0.3))) {
      toOpen--;
      const stream = newStream(random, nextId);
      nextId += random.chance(0.8) ? 2 : 2 + 2 * random.below(50);
      streams.push(stream);
      const [first, ...rest] = streamFrames(random, stream, hpack);
      frames.push(first as Buffer);
      if (rest.length > 0) running.push(rest);
    } else {
      const one = random.pick(running);
      frames.push(one.shift() as Buffer);
      if (one.length === 0) running.splice(running.indexOf(one), 1);
    }
    if (random.chance(0.2)) frames.push(other(random, streams));
  }
  return { frames, streams };
}

function firstSettings(random: Random): Buffer {
  const all: [number, number][] = [];
  if (random.chance(0.4)) all.push([setting.INITIAL_WINDOW_SIZE, random.pick(windows)]);
  if (random.chance(0.2)) all.push([setting.HEADER_TABLE_SIZE, random.pick([0, 100, 4_096, 65_536])]);
  if (random.chance(0.2)) all.push([setting.MAX_FRAME_SIZE, 1 << 20]);
  if (random.chance(0.2)) all.push([setting.ENABLE_PUSH, 0]);
  return settings(all);
}

function newStream(random: Random, id: number): ClientStream {
  const messages: Buffer[] = [];
  const count = random.below(4);
  for (let i = 0; i < count; i++) {
    const most = random.chance(0.05) ? mostBody / 4 : 60;
    messages.push(message(Buffer.alloc(random.below(most), random.below(256))));
  }
  const path = random.chance(0.7) ? "/echo" : random.pick(paths);
  const ending = random.pick(["data", "data", "empty data", "empty data", "trailers", "reset", "none"] as const);
  return { id, path, body: Buffer.concat(messages), ending };
}

/** The frames of a stream. A header block of several frames counts as one: nothing may come between them. */
function streamFrames(random: Random, { id, path, body, ending }: ClientStream, hpack: ClientHpack): Buffer[] {
  const fields = requestFields.map(([name, value]) => [name, name === ":path" ? path : value] as [string, string]);
  if (random.chance(0.3)) fields.push(["te", "trailers"], ["user-agent", "test/1.0"]);
  if (random.chance(0.1)) fields.push(["grpc-timeout", random.pick(["5S", "1M", "1m"])]);
  if (random.chance(0.1)) fields.push(["x-bin", random.bytes(random.below(30)).toString("base64")]);
  if (random.chance(0.1) && ending.includes("data")) fields.push(["content-length", String(body.length)]);
  const endsAtOnce = body.length === 0 && ending === "data";
  const frames = [headerBlock(random, id, block(random, fields, hpack), endsAtOnce)];
  for (let at = 0; at < body.length; ) {
    const end = Math.min(body.length, at + 1 + random.below(random.chance(0.5) ? 16_000 : 30));
    const isLast = end === body.length && ending === "data";
    const part = body.subarray(at, end);
    frames.push(random.chance(0.1) ? padded(id, part, random.below(20), isLast) : data(id, part, isLast));
    at = end;
  }
  if (ending === "empty data")
    frames.push(random.chance(0.1) ? padded(id, "", random.below(9), true) : data(id, "", true));
  if (ending === "reset") frames.push(rstStream(id, random.below(14)));
  // The trailers' block goes without the dynamic table: it is not known what is encoded before it is sent.
  if (ending === "trailers")
    frames.push(headerBlock(random, id, new ClientHpack().field("x-end", "1", "plain", true), true));
  return frames;
}

function block(random: Random, fields: readonly [string, string][], hpack: ClientHpack): Buffer {
  const form = random.pick<Form>(["indexed", "indexed", "plain", "never"]);
  const isHuffman = random.chance(0.7);
  const resize = random.chance(0.05) ? [hpack.resize(random.below(4_097))] : [];
  return Buffer.concat([...resize, ...fields.map(([name, value]) => hpack.field(name, value, form, isHuffman))]);
}

/** HEADERS, with CONTINUATION frames, padding and priority by chance. */
function headerBlock(random: Random, id: number, block: Buffer, isEnd: boolean): Buffer {
  let flags = isEnd ? flag.END_STREAM : 0;
  const parts = random.chance(0.2) ? 1 + random.below(4) : 1;
  const cuts = Array.from({ length: parts - 1 }, () => random.below(block.length + 1)).sort((a, b) => a - b);
  const pieces = [0, ...cuts].map((from, i) => block.subarray(from, cuts[i]));
  let first = pieces.shift() as Buffer;
  if (random.chance(0.1)) {
    flags |= flag.PRIORITY;
    first = Buffer.concat([Buffer.of(0x80, 0, 0, 0, 15), first]);
  }
  if (random.chance(0.1)) {
    flags |= flag.PADDED;
    const padding = random.below(10);
    first = Buffer.concat([Buffer.of(padding), first, Buffer.alloc(padding)]);
  }
  if (pieces.length === 0) flags |= flag.END_HEADERS;
  const frames = [frame(frameType.HEADERS, flags, id, first)];
  for (const [i, piece] of pieces.entries())
    frames.push(frame(frameType.CONTINUATION, i === pieces.length - 1 ? flag.END_HEADERS : 0, id, piece));
  return Buffer.concat(frames);
}

/** A frame that may come at any time. */
function other(random: Random, streams: readonly ClientStream[]): Buffer {
  const { id } = random.pick(streams);
  switch (random.below(9)) {
    case 0:
      return ping(random.bytes(8));
    case 1:
      return windowUpdate(0, 1 + random.below(1e5));
    case 2:
      return priority(id, id + 2);
    case 3:
      return frame(0x20 + random.below(200), random.below(256), random.below(50), random.bytes(random.below(20)));
    case 4:
      return settings([[setting.INITIAL_WINDOW_SIZE, random.pick(windows)]]);
    case 5:
      return frame(frameType.SETTINGS, flag.ACK, 0, Buffer.alloc(0));
    case 6:
      return settings([[setting.HEADER_TABLE_SIZE, random.pick([0, 4_096])]]);
    case 7:
      return frame(frameType.PING, flag.ACK, 0, Buffer.from("shutdown"));
    default:
      return windowUpdate(id, 1 + random.below(1e5));
  }
}

/** What lets a server send all that it has. */
export const openWindows = (streams: readonly ClientStream[]): Buffer =>
  Buffer.concat([
    settings([[setting.INITIAL_WINDOW_SIZE, 1e6]]),
    windowUpdate(0, 1e8),
    ...streams.map(({ id }) => windowUpdate(id, 1e6)),
  ]);
