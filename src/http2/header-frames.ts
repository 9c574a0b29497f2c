import type { ConnectionHandler } from "./connection-handler.js";
import type { ConnectionLimits } from "./connection-limits.js";
import type { Departure } from "./departure.js";
import { errorCode, StreamError } from "./errors.js";
import type { FrameBudget } from "./frame-budget.js";
import { type HeaderBlock, HeaderBlockReader } from "./header-block.js";
import { type Fields, HpackDecoder } from "./hpack/decoder.js";
import { checkTrailers, MalformedRequest, type RequestHeaders, requestHeadersOf } from "./request-headers.js";
import type { ServerStream } from "./stream.js";
import type { StreamTable } from "./stream-table.js";

/** SETTINGS_HEADER_TABLE_SIZE. We leave it at its default. */
const tableBytes = 4_096;
/**
 * The largest header block, as a multiple of the largest header list. So a list that is a little too large still gets
 * an answer.
 */
const blockFactor = 4;

/** Turns the HEADERS and CONTINUATION frames of one connection into requests, and into the ends of requests. */
export class HeaderFrames {
  private readonly blocks: HeaderBlockReader;
  private readonly hpack: HpackDecoder;

  constructor(
    private readonly streams: StreamTable,
    private readonly handler: ConnectionHandler,
    private readonly limits: ConnectionLimits,
    private readonly budget: FrameBudget,
    private readonly departure: Departure,
  ) {
    this.hpack = new HpackDecoder(tableBytes, limits.headerBytes);
    this.blocks = new HeaderBlockReader(blockFactor * limits.headerBytes, limits.continuations, handler);
  }

  /** The stream whose header block is unfinished. No other frame may come before the block's end. */
  get openStreamId(): number | undefined {
    return this.blocks.openStreamId;
  }

  /** @throws ConnectionError, StreamError, and what the handler throws */
  headers(id: number, flags: number, payload: Buffer): void {
    this.streams.get(id); // the id is checked first
    this.block(this.blocks.headers(id, flags, payload));
  }

  /** @throws as {@link headers} */
  continuation(id: number, flags: number, payload: Buffer): void {
    this.block(this.blocks.continuation(id, flags, payload));
  }

  private block(block: HeaderBlock | undefined): void {
    if (!block) return;
    const { streamId, fragments } = block;
    // Every block is decoded, even one that is not used: later blocks depend on its table entries.
    const fields = this.hpack.decode(fragments.length === 1 ? (fragments[0] as Buffer) : Buffer.concat(fragments));
    const stream = this.streams.get(streamId);
    try {
      if (stream) this.trailers(stream, block, fields);
      else if (streamId <= this.streams.lastId) this.streams.late(streamId, "HEADERS");
      else this.open(block, fields && requestHeadersOf(fields));
    } catch (error) {
      if (!(error instanceof MalformedRequest)) throw error;
      this.budget.takeControl();
      this.streams.refuse(streamId, errorCode.PROTOCOL_ERROR);
    }
  }

  private trailers(stream: ServerStream, { isEnd, streamId }: HeaderBlock, fields: Fields | undefined): void {
    stream.mustReceive("HEADERS");
    if (!isEnd) throw new StreamError(streamId, errorCode.PROTOCOL_ERROR, "HEADERS in the middle of a request");
    if (fields) checkTrailers(fields);
    stream.endRemote();
  }

  private open({ streamId, isEnd, dependsOnItself }: HeaderBlock, headers: RequestHeaders | undefined): void {
    const { streams, handler } = this;
    if (dependsOnItself) throw new MalformedRequest("a stream depends on itself");
    if (isEnd && headers?.contentLength) throw new MalformedRequest("a request without a body has a content-length");
    const isFull = streams.size >= this.limits.streams;
    if (isFull) handler.limitHit("streams");
    if (isFull) this.budget.takeControl();
    if (isFull || this.departure.isRefusing) streams.refuse(streamId, errorCode.REFUSED_STREAM);
    else {
      if (!headers) handler.limitHit("headerBytes");
      const stream = streams.add(streamId, headers?.contentLength, isEnd);
      stream.start(handler.request(stream, headers));
    }
  }
}
