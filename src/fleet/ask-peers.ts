import { setMaxListeners } from "node:events";
import { messageOf, XdsError } from "../errors.js";
import type { Peer, PeerQuestion } from "./peer.js";

/** A peer that has not answered, and why, as reports name it. */
export interface Silent {
  readonly name: string;
  readonly why: string;
}

/** What came back from all peers. */
export interface Answers {
  readonly answers: readonly { readonly peer: Peer; readonly bytes: Uint8Array }[];
  /** The peers that have not answered in time, or with an error. */
  readonly silent: readonly { readonly peer: Peer; readonly why: string; readonly error: unknown }[];
}

/** How many peers are asked at the same time. The others follow. */
const atOnce = 16;

/**
 * Asks all peers. A peer without an answer after `timeoutMs` milliseconds is in `silent`, so a slow peer does not delay
 * the others' answers for longer. It never rejects, except that it ends with the reason of an aborted `signal`.
 */
export async function askPeers(
  peers: readonly Peer[],
  question: PeerQuestion,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Answers> {
  const answers: { peer: Peer; bytes: Uint8Array }[] = [];
  const silent: { peer: Peer; why: string; error: unknown }[] = [];
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${timeoutMs / 1_000} s`)), timeoutMs);
  const either = signal ? AbortSignal.any([late.signal, signal]) : late.signal;
  setMaxListeners(2 * peers.length, either);
  const left = [...peers];
  const askNext = async () => {
    for (let peer = left.shift(); peer; peer = left.shift())
      try {
        either.throwIfAborted();
        answers.push({ peer, bytes: await within(peer.ask(question, either), either) });
      } catch (error) {
        silent.push({ peer, why: messageOf(error), error });
      }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, left.length) }, askNext));
  } finally {
    clearTimeout(timer);
  }
  signal?.throwIfAborted();
  return { answers, silent };
}

/** A promise, or the reason of an abort that comes first. */
function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason as Error);
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

/**
 * Asks all peers one after the other, and joins their answers. A peer without an answer after `timeoutMs` milliseconds
 * is left out. So are peers whose turn has not come after three times as long.
 * @throws XdsError LIMIT_EXCEEDED if the answers have together more than `mostBytes`, or a peer refuses the question
 * for a limit; the reason of an aborted `signal`
 */
export async function askInTurn(
  peers: readonly Peer[],
  question: PeerQuestion,
  { timeoutMs, mostBytes }: { readonly timeoutMs: number; readonly mostBytes: number },
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  let left = mostBytes;
  const until = performance.now() + 3 * timeoutMs;
  for (const peer of peers) {
    if (performance.now() > until) return found;
    const { answers, silent } = await askPeers([peer], question, timeoutMs, signal);
    for (const { error } of silent) if (error instanceof XdsError && error.code === "LIMIT_EXCEEDED") throw error;
    for (const { bytes } of answers) {
      left -= bytes.length;
      if (left < 0) throw new XdsError("LIMIT_EXCEEDED", `the answers have together more than ${mostBytes} bytes`);
      found.push(bytes);
    }
  }
  return found;
}
