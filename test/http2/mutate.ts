import { frame } from "./client-frames.js";
import type { Random } from "./random.js";

type Mutation = (frames: Buffer[], at: number, random: Random) => void;

/** Changes one frame. Most changes leave the frames after it readable. */
const changed =
  (change: (bytes: Buffer, random: Random) => Buffer): Mutation =>
  (frames, at, random) => {
    frames[at] = change(Buffer.from(frames[at] as Buffer), random);
  };

const mutations: readonly Mutation[] = [
  changed((bytes, random) => flipped(bytes, random.below(bytes.length), random)),
  changed((bytes, random) => flipped(bytes, random.below(Math.min(9, bytes.length)), random)), // of its header
  changed((bytes, random) => put(bytes, 3, random.below(12))), // the type
  changed((bytes, random) => put(bytes, 4, random.below(256))), // the flags
  changed((bytes, random) => put(bytes, 8, random.below(12))), // the id
  changed((bytes, random) => put(put(bytes, 5, random.below(256)), 6, random.below(256))), // a high id
  changed((bytes, random) => put(bytes, 2, random.below(256))), // the length, without the payload
  changed((bytes, random) => withPayload(bytes, bytes.subarray(9, 9 + random.below(bytes.length)))),
  changed((bytes, random) => withPayload(bytes, Buffer.concat([bytes.subarray(9), random.bytes(random.below(10))]))),
  changed((bytes, random) => withPayload(bytes, random.bytes(random.below(30)))),
  changed((bytes, random) => bytes.subarray(0, random.below(bytes.length))), // cut off
  (frames, at, random) => {
    const other = random.below(frames.length);
    [frames[at], frames[other]] = [frames[other] as Buffer, frames[at] as Buffer];
  },
  (frames, at, random) => {
    const copies = random.chance(0.1) ? 60 : 1; // beyond what a low limit of control frames allows
    frames.splice(random.below(frames.length + 1), 0, ...Array<Buffer>(copies).fill(frames[at] as Buffer));
  },
  (frames, at) => {
    if (frames.length > 1) frames.splice(at, 1);
  },
  (frames, at, random) => {
    frames.splice(at, 0, randomFrame(random));
  },
  (frames, at, random) => {
    for (let i = random.below(20); i >= 0; i--) frames.splice(at, 0, randomFrame(random));
  },
  (frames, at, random) => {
    frames.splice(at, 0, random.bytes(random.below(40)));
  },
];

/** Makes a session wrong in a few places; some of what comes out is still valid. */
export function mutate(valid: readonly Buffer[], random: Random): Buffer[] {
  const frames = [...valid];
  for (let i = 1 + random.below(4); i > 0; i--) {
    // The preface and the first SETTINGS are spared most of the time, for otherwise nothing after them counts.
    const from = frames.length > 2 && random.chance(0.95) ? 2 : 0;
    random.pick(mutations)(frames, from + random.below(frames.length - from), random);
  }
  return frames;
}

export function randomFrame(random: Random): Buffer {
  const id = random.chance(0.2) ? 0 : random.chance(0.05) ? random.below(2 ** 31) : random.below(12);
  const lengths = [0, 4, 5, 6, 8, random.below(40)];
  const payload = random.chance(0.3) ? Buffer.alloc(random.pick(lengths)) : random.bytes(random.pick(lengths));
  return frame(random.below(11), random.chance(0.3) ? random.below(256) : random.pick([0, 1, 4, 5]), id, payload);
}

function flipped(bytes: Buffer, at: number, random: Random): Buffer {
  if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
}

function put(bytes: Buffer, at: number, value: number): Buffer {
  if (at < bytes.length) bytes[at] = value;
  return bytes;
}

/** The frame with another payload, and its length put right. */
function withPayload(bytes: Buffer, payload: Buffer): Buffer {
  if (bytes.length < 9) return bytes;
  const whole = Buffer.concat([bytes.subarray(0, 9), payload]);
  whole.writeUIntBE(payload.length, 0, 3);
  return whole;
}
