import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type ClientStream, openWindows, validSession } from "./client-session.js";
import { GrpcTarget, http2Target, Once, type Target } from "./fuzz-targets.js";
import { mutate, randomFrame } from "./mutate.js";
import { OutputChecker } from "./output-checker.js";
import { Random } from "./random.js";

const isSoak = process.env.XDS_SOAK === "1";
const given = Number(process.env.XDS_SEED) || undefined;
const sessions = Number(process.env.HTTP2_SESSIONS) || (isSoak ? 1_000_000 : 20_000);
const firstSeed = given ?? (isSoak ? Math.floor(Math.random() * 0x3fff_ffff) : 1);

let grpc: GrpcTarget;
beforeAll(() => {
  grpc = new GrpcTarget();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterAll(() => {
  vi.useRealTimers();
  grpc.close();
});

/** What the server has put in this turn of the event loop is with the wire. */
const turn = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** One client from its beginning to its end. Throws where the server does what no client may expect. */
async function run(seed: number): Promise<void> {
  const random = new Random(seed);
  const { frames: valid, streams } = validSession(random);
  const isValid = random.chance(0.25);
  const isStrict = !isValid && random.chance(0.3);
  const frames = isValid ? [...valid, openWindows(streams)] : mutated(valid, streams, random);
  const input = Buffer.concat(frames);
  const once = new Once();
  grpc.once = once;
  grpc.mostReceiving = isValid ? Number.POSITIVE_INFINITY : 10_000;
  const checker = new OutputChecker(input);
  const target = random.chance(0.5) ? http2Target(checker, once, isStrict) : grpc.connect(checker);
  await play(target, checker, input, frames, random, isValid);
  if (checker.fault) throw new Error(`the server does not obey: ${checker.fault}`);
  if (isValid) {
    for (let i = 0; i < 1_000 && !isAnswered(checker, streams); i++) {
      target.leave();
      await turn();
    }
    mustBeAnswered(checker, streams);
  }
  const ending = random.below(4);
  if (ending === 0) target.connection.end();
  if (ending === 1) target.connection.goAway();
  if (ending < 3) await turn();
  target.close();
  await turn();
  if (checker.fault) throw new Error(`the server does not obey: ${checker.fault}`);
  if (target.connection.streams.size > 0) throw new Error("streams are left");
  if (once.left > 0) throw new Error(`${once.left} calls did not come`);
  if (grpc.receiving !== 0) throw new Error(`${grpc.receiving} bytes are counted as being received`);
  if (vi.getTimerCount() > 0) throw new Error("timers are left");
}

function mutated(valid: readonly Buffer[], streams: readonly ClientStream[], random: Random): Buffer[] {
  if (random.chance(0.05)) return [random.bytes(random.below(200))];
  if (random.chance(0.05)) return [...valid.slice(0, 2), ...Array.from({ length: 30 }, () => randomFrame(random))];
  return mutate(random.chance(0.5) ? [...valid, openWindows(streams)] : valid, random);
}

/** Sends the input in chunks of one of several kinds, while what the server writes leaves at different times. */
async function play(
  target: Target,
  checker: OutputChecker,
  input: Buffer,
  frames: readonly Buffer[],
  random: Random,
  isValid: boolean,
): Promise<void> {
  const kind = random.pick(["whole", "frames", "any", "any", "small", input.length < 1_500 ? "bytes" : "any"] as const);
  const isSlow = random.chance(0.3);
  const breaksAt = !isValid && random.chance(0.05) ? random.below(20) : -1;
  let frame = 0;
  for (let at = 0, chunk = 0; at < input.length; chunk++) {
    let length = input.length - at;
    if (kind === "frames") length = (frames[frame++] as Buffer).length;
    else if (kind === "bytes") length = 1;
    else if (kind === "small") length = 1 + random.below(60);
    else if (kind === "any") length = 1 + random.below(random.chance(0.2) ? 70_000 : 600);
    const bytes = input.subarray(at, at + length);
    checker.deliver(bytes.length);
    target.receive(bytes);
    at += bytes.length;
    if (chunk === breaksAt) return;
    if (kind === "bytes" ? random.chance(0.1) : random.chance(0.5)) {
      await turn();
      checker.turn();
      if (!isSlow) target.leave(random.chance(0.8) ? undefined : 1);
    }
    if (!isValid && random.chance(0.01)) target.connection.goAway();
    if (!isValid && random.chance(0.01)) vi.advanceTimersByTime(1_000);
    if (random.chance(0.01)) target.connection.ping();
  }
  await turn();
  checker.turn();
}

/** Streams whose answer must come, as the client has ended its side. */
const answered = (streams: readonly ClientStream[]) =>
  streams.filter(({ ending, path }) => ending !== "reset" && ending !== "none" && path !== "/silent");

const isAnswered = (checker: OutputChecker, streams: readonly ClientStream[]) =>
  answered(streams).every(({ id }) => isOver(checker, id));

const isOver = (checker: OutputChecker, id: number) =>
  ["ended", "reset"].includes(checker.streams.get(id)?.state ?? "none");

function mustBeAnswered(checker: OutputChecker, streams: readonly ClientStream[]): void {
  if (checker.goAwayCode !== undefined) throw new Error(`a valid session got GOAWAY ${checker.goAwayCode}`);
  for (const { id, path, body } of answered(streams)) {
    if (!isOver(checker, id)) throw new Error(`stream ${id} (${path}) was not answered`);
    const got = Buffer.concat(checker.streams.get(id)?.body ?? []);
    if (["/echo", "/paced", "/bare"].includes(path) && !got.equals(body))
      throw new Error(
        `the answer of stream ${id} (${path}) has ${got.length} bytes, not the ${body.length} of its request`,
      );
  }
}

/** A request that every server must answer. */
async function nextClientIsServed(): Promise<void> {
  const body = Buffer.from("00000000026869", "hex");
  const stream: ClientStream = { id: 1, path: "/echo", body, ending: "data" };
  const checker = new OutputChecker(probe);
  grpc.once = new Once();
  const target = grpc.connect(checker);
  checker.deliver(probe.length);
  target.receive(probe);
  await turn();
  mustBeAnswered(checker, [stream]);
  target.close();
  if (grpc.connections > 0) throw new Error("connections are left");
}

const probe = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1"),
  // HEADERS: POST, http, /echo, content-type: application/grpc; DATA with a message of two bytes
  Buffer.from("00001b010400000001" + "8386" + "44052f6563686f" + "5f106170706c69636174696f6e2f67727063", "hex"),
  Buffer.from("000007000100000001" + "00000000026869", "hex"),
]);

it(`${sessions} clients, valid and mutated: the server obeys HTTP/2, keeps nothing, and serves the next one`, {
  timeout: Math.max(120_000, sessions * 10),
}, async () => {
  if (isSoak || given) console.log(`seeds from ${firstSeed}`);
  for (let i = 0; i < sessions; i++) {
    const seed = firstSeed + i;
    try {
      await run(seed);
      await nextClientIsServed();
    } catch (error) {
      throw new Error(`session ${seed}; to repeat it: XDS_SEED=${seed} HTTP2_SESSIONS=1`, { cause: error });
    }
  }
  expect(grpc.receiving).toBe(0);
});
