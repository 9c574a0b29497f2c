import { compressionError } from "../errors.js";

/**
 * The length in bits of each symbol's code (RFC 7541, appendix B); the last one is EOS. The code is canonical: symbols
 * in the order of length, then of value, have consecutive codes. So the lengths say all.
 */
// biome-ignore format: a table
export const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const eos = 256;

/** A node of the code's tree: the node or symbol after a 0, and after a 1. */
type TreeNode = [TreeNode | number, TreeNode | number];

function codeTree(): TreeNode {
  const root: TreeNode = [-1, -1];
  const order = codeLengths.map((_, symbol) => symbol).sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  let code = 0;
  let bits = 0;
  for (const symbol of order) {
    code *= 2 ** (lengthOf(symbol) - bits);
    bits = lengthOf(symbol);
    let node = root;
    for (let bit = bits - 1; bit > 0; bit--) {
      const side = (code >>> bit) & 1;
      const next = node[side];
      if (typeof next === "object") node = next;
      else {
        const made: TreeNode = [-1, -1];
        node[side] = made;
        node = made;
      }
    }
    node[code & 1] = symbol;
    code++;
  }
  return root;
}

const lengthOf = (symbol: number) => codeLengths[symbol] ?? 0;

/** A table that decodes four bits at a time. A state is a node of the tree; state 0 is between two symbols. */
interface Machine {
  /** The next state, by state * 16 + bits. -1: the bits are an error. */
  readonly next: Int16Array;
  /** The symbol that the bits complete, at most one. -1: none. */
  readonly symbol: Int16Array;
  /** Whether a string may end in a state: after at most seven 1s, the beginning of EOS. */
  readonly mayEnd: Uint8Array;
}

function buildMachine(): Machine {
  const root = codeTree();
  const nodes: TreeNode[] = [root];
  for (const node of nodes) for (const next of node) if (typeof next === "object") nodes.push(next);
  const stateOf = new Map(nodes.map((node, state) => [node, state]));
  const machine = {
    next: new Int16Array(nodes.length * 16),
    symbol: new Int16Array(nodes.length * 16).fill(-1),
    mayEnd: new Uint8Array(nodes.length),
  };
  for (const [state, start] of nodes.entries())
    for (let bits = 0; bits < 16; bits++) {
      const at = state * 16 + bits;
      let node = start;
      for (let bit = 3; bit >= 0; bit--) {
        const next = node[(bits >>> bit) & 1] as TreeNode | number;
        if (typeof next === "object") node = next;
        else {
          node = root;
          machine.symbol[at] = next;
        }
      }
      machine.next[at] = machine.symbol[at] === eos ? -1 : (stateOf.get(node) ?? 0);
    }
  let padding: TreeNode | number = root;
  for (let ones = 0; ones <= 7 && typeof padding === "object"; ones++) {
    machine.mayEnd[stateOf.get(padding) ?? 0] = 1;
    padding = padding[1];
  }
  return machine;
}

let machine: Machine | undefined;

/**
 * Decodes a string.
 * @throws ConnectionError COMPRESSION_ERROR for EOS, and for a padding that is too long or not the beginning of EOS
 * (5.2)
 */
export function decodeHuffman(bytes: Uint8Array): string {
  machine ??= buildMachine();
  const { next, symbol, mayEnd } = machine;
  const out = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5)); // the shortest code has five bits
  let length = 0;
  let state = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const at = state * 16 + ((byte >>> shift) & 15);
      state = next[at] as number;
      if (state < 0) throw compressionError("a Huffman code has EOS in it");
      const found = symbol[at] as number;
      if (found >= 0) out[length++] = found;
    }
  }
  if (mayEnd[state] === 0) throw compressionError("a Huffman code ends in the middle of a symbol");
  return out.toString("latin1", 0, length);
}
