/**
 * Estimates, in bytes of V8's heap, of what a server holds for a client. They decide how an address compares with what
 * is left of the heap, so an error of a factor of two changes little.
 */
export const heldBytes = {
  /** A connection without streams. */
  connection: 4_500,
  /** A stream without subscriptions. */
  stream: 4_500,
  /** A subscription without names. */
  subscription: 2_000,
  /**
   * A subscribed name besides its text. Measured with Node 20: 270 for names of one client only, 85 where ten clients
   * have the same.
   */
  name: 150,
  /** An entry for what the client has of a name, without the name's text. */
  entry: 50,
} as const;

const textBytes = 16;
const objectBytes = 48;
const memberBytes = 8;

/** Estimates how many bytes a node, or a part of one, takes without its part `except`. */
export function nodeBytes(node: object, except?: object): number {
  let bytes = 0;
  const open: object[] = [node];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    bytes += objectBytes;
    if (ArrayBuffer.isView(value)) {
      bytes += value.byteLength;
      continue;
    }
    for (const member of Object.values(value) as unknown[]) {
      bytes += memberBytes;
      if (typeof member === "string") bytes += textBytes + member.length;
      else if (typeof member === "object" && member !== null && member !== except) open.push(member);
    }
  }
  return bytes;
}

/** The account that pays for held bytes. */
interface Payer {
  hold(bytes: number): void;
}

/** Lists that nodes share. `users` is the number of streams with such a node. The address of the first one pays. */
const shared = new WeakMap<object, { readonly payer: Payer; readonly bytes: number; users: number }>();

/**
 * Counts a list in a stream's node. If the list is frozen, nodes share it, and the address of one of them pays for it.
 * Returns a function to call when the stream ends. Returns undefined if the list is not shared.
 */
export function payForShared(list: readonly object[], payer: Payer): (() => void) | undefined {
  if (!Object.isFrozen(list)) return undefined;
  let known = shared.get(list);
  if (!known) {
    known = { payer, bytes: nodeBytes(list), users: 0 };
    shared.set(list, known);
    payer.hold(known.bytes);
  }
  const cost = known;
  cost.users++;
  return () => {
    if (--cost.users > 0) return;
    cost.payer.hold(-cost.bytes);
    shared.delete(list);
  };
}
