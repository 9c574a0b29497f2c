import type { ConnectionHandler } from "./connection-handler.js";
import { ConnectionError, errorCode, protocolError } from "./errors.js";
import { flag } from "./frames.js";

/** A whole header block, from a HEADERS frame and the CONTINUATION frames after it. */
export interface HeaderBlock {
  readonly streamId: number;
  readonly isEnd: boolean;
  /** The client makes the stream depend on itself, which is an error of the stream (RFC 7540, section 5.3.1). */
  readonly dependsOnItself: boolean;
  readonly fragments: Buffer[];
  bytes: number;
}

/**
 * Removes the padding of a DATA or HEADERS frame.
 * @throws ConnectionError PROTOCOL_ERROR if the padding is longer than the payload (RFC 9113, section 6.1)
 */
export function withoutPadding(payload: Buffer, flags: number): Buffer {
  if ((flags & flag.PADDED) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined || padding >= payload.length) throw protocolError("a frame has more padding than payload");
  return payload.subarray(1, payload.length - padding);
}

/**
 * Whether the priority in a payload makes the stream depend on itself.
 * @throws ConnectionError PROTOCOL_ERROR if the payload is too short
 */
function readPriority(payload: Buffer, streamId: number): boolean {
  if (payload.length < priorityBytes) throw protocolError("a HEADERS frame is too short for its priority");
  return (payload.readUInt32BE(0) & 0x7fffffff) === streamId;
}

const priorityBytes = 5;

/** Joins the fragments of header blocks (RFC 9113, sections 6.2 and 6.10). It keeps at most one unfinished block. */
export class HeaderBlockReader {
  private open: HeaderBlock | undefined;
  private continuations = 0;

  constructor(
    /** The largest block, in bytes. */
    private readonly maxBytes: number,
    private readonly maxContinuations: number,
    /** Called before the error for a block that exceeds a limit. */
    private readonly handler: Pick<ConnectionHandler, "limitHit">,
  ) {}

  /** The stream whose block is unfinished. No other frame may come before the block's end. */
  get openStreamId(): number | undefined {
    return this.open?.streamId;
  }

  /**
   * Takes a HEADERS frame. Returns the block if it is complete.
   * @throws ConnectionError for a frame that breaks a rule
   */
  headers(streamId: number, flags: number, payload: Buffer): HeaderBlock | undefined {
    let fragment = withoutPadding(payload, flags);
    let dependsOnItself = false;
    if (flags & flag.PRIORITY) {
      dependsOnItself = readPriority(fragment, streamId);
      fragment = fragment.subarray(priorityBytes);
    }
    const isEnd = (flags & flag.END_STREAM) !== 0;
    const block = { streamId, isEnd, dependsOnItself, fragments: [fragment], bytes: fragment.length };
    if (flags & flag.END_HEADERS) return block;
    block.fragments[0] = Buffer.from(fragment);
    this.open = block;
    this.continuations = 0;
    return undefined;
  }

  /**
   * Takes a CONTINUATION frame. Returns the block if it is complete.
   * @throws ConnectionError for a frame that breaks a rule or exceeds a limit
   */
  continuation(streamId: number, flags: number, payload: Buffer): HeaderBlock | undefined {
    const { open } = this;
    if (open?.streamId !== streamId) throw protocolError("a CONTINUATION frame without a HEADERS frame before it");
    if (++this.continuations > this.maxContinuations) {
      this.handler.limitHit("continuations");
      throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, "too many CONTINUATION frames in a header block");
    }
    open.bytes += payload.length;
    if (open.bytes > this.maxBytes) {
      this.handler.limitHit("headerBytes");
      throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, "a header block is too large");
    }
    open.fragments.push(Buffer.from(payload));
    if ((flags & flag.END_HEADERS) === 0) return undefined;
    this.open = undefined;
    return open;
  }
}
