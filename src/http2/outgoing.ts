/** A message that is being sent, or the end of a stream. */
export interface Outgoing {
  /** Its bytes. Nobody changes them any more. */
  readonly parts: readonly Uint8Array[];
  /** How many of its bytes are not in a frame yet. */
  left: number;
  /** Where the next frame begins: the index of the part, and the offset in the part. */
  part: number;
  at: number;
  /** Ends our side of the stream after the bytes. */
  readonly isEnd: boolean;
  /** The header block after the bytes, if any. */
  readonly trailers: Buffer | undefined;
  /** Called once, when all of the message has left for the kernel, or when it never will. */
  readonly done: (() => void) | undefined;
}

export function outgoing(
  parts: readonly Uint8Array[],
  isEnd: boolean,
  trailers: Buffer | undefined,
  done: (() => void) | undefined,
): Outgoing {
  let left = 0;
  for (const part of parts) left += part.length;
  return { parts, left, part: 0, at: 0, isEnd, trailers, done };
}

/** Pieces below this many bytes are copied behind the frame header. Longer ones are sent without a copy. */
const copiedBelow = 4_096;

/**
 * Adds the next `count` bytes of a message to `buffers`. `out` has the frame's header up to `filled`, and room for all
 * that is copied (see {@link copiedBytes}).
 */
export function putBytes(message: Outgoing, count: number, out: Buffer, filled: number, buffers: Buffer[]): void {
  let wanted = count;
  while (wanted > 0) {
    const part = message.parts[message.part] as Uint8Array;
    const length = Math.min(part.length - message.at, wanted);
    if (length < copiedBelow) {
      out.set(length === part.length ? part : part.subarray(message.at, message.at + length), filled);
      filled += length;
    } else {
      if (filled > 0) buffers.push(out.subarray(0, filled));
      out = out.subarray(filled);
      filled = 0;
      buffers.push(Buffer.from(part.buffer, part.byteOffset + message.at, length));
    }
    message.at += length;
    wanted -= length;
    if (message.at === part.length) {
      message.part++;
      message.at = 0;
    }
  }
  message.left -= count;
  if (filled > 0) buffers.push(out); // it is full
}

/** How many of the next `count` bytes are in pieces that are copied. */
export function copiedBytes({ parts, part, at }: Outgoing, count: number): number {
  let bytes = 0;
  let from = at;
  for (let i = part; count > 0; i++) {
    const length = Math.min((parts[i] as Uint8Array).length - from, count);
    if (length < copiedBelow) bytes += length;
    count -= length;
    from = 0;
  }
  return bytes;
}
