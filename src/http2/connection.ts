import type { ConnectionHandler } from "./connection-handler.js";
import type { ConnectionLimits } from "./connection-limits.js";
import { Departure } from "./departure.js";
import { ConnectionError, errorCode, frameSizeError, protocolError, StreamError } from "./errors.js";
import { FrameBudget } from "./frame-budget.js";
import { FrameReader } from "./frame-reader.js";
import { clientPreface, flag, frameType, goAway, ping, pingAck, settingsAck, windowUpdate } from "./frames.js";
import { greetingOf, receiveWindow } from "./greeting.js";
import { withoutPadding } from "./header-block.js";
import { HeaderFrames } from "./header-frames.js";
import { Outbox } from "./outbox.js";
import { http1Answer, type OtherProtocol, readPreface } from "./preface.js";
import { ClientSettings, checkSettingsAck } from "./settings.js";
import { StreamTable } from "./stream-table.js";
import type { Wire } from "./wire.js";

const keepalivePing = Buffer.from("keepaliv", "latin1");

/**
 * The server's side of one HTTP/2 connection (RFC 9113). It does not use sockets: bytes come in through {@link receive}
 * and go out to a {@link Wire}.
 */
export class Connection {
  readonly streams: StreamTable;
  /** How often bytes have come. */
  received = 0;
  /** How many frames have come, CONTINUATION frames not counted. */
  frames = 0;
  /** Since when no stream is open, as `performance.now()`. Undefined: some are open. */
  idleSince: number | undefined = performance.now();
  /** The client's preface and its first SETTINGS have come. */
  isReady = false;
  /** Why HTTP/2 is not served on this connection. Undefined: it is served. */
  refusal: string | undefined;
  private readonly outbox: Outbox;
  private readonly reader = new FrameReader(this);
  private readonly headers: HeaderFrames;
  private readonly budget: FrameBudget;
  private readonly departure: Departure;
  private readonly clientSettings = new ClientSettings();
  /** The beginning of the preface, until the whole preface has come. */
  private preface: Buffer | undefined = nothing;
  private window = receiveWindow;
  /** Our SETTINGS are sent. They must be the first frame. */
  private hasGreeted = false;
  private isOver = false;

  constructor(
    private readonly wire: Wire,
    private readonly handler: ConnectionHandler,
    private readonly limits: ConnectionLimits,
  ) {
    this.budget = new FrameBudget(limits.controlFrames, handler);
    this.outbox = new Outbox(wire, this.budget);
    this.streams = new StreamTable(this.outbox, this, limits.streams);
    this.departure = new Departure(this.outbox, this);
    this.headers = new HeaderFrames(this.streams, handler, limits, this.budget, this.departure);
  }

  /** Takes bytes from the client. Never throws. */
  receive(chunk: Buffer): void {
    this.received++;
    if (this.isOver) return;
    try {
      if (this.preface) this.begin(chunk, this.preface);
      else this.reader.read(chunk);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The wire has closed. */
  closed(): void {
    this.isOver = true;
    this.reader.stop();
    this.departure.stop();
    this.outbox.closed();
    this.streams.close("reset by client");
  }

  /** A frame or a header block has begun and is not complete. */
  get isInMiddle(): boolean {
    return this.reader.isInMiddle || this.headers.openStreamId !== undefined;
  }

  /** How often bytes have left for the kernel. */
  get writesDone(): number {
    return this.outbox.writesDone;
  }

  get isSending(): boolean {
    return this.outbox.unsent > 0;
  }

  /**
   * Counts a request that is refused before any other limit counts it.
   * @throws ConnectionError ENHANCE_YOUR_CALM if there were too many
   */
  charge(): void {
    this.budget.takeControl();
  }

  /** Sends a PING, which the client must answer. */
  ping(): void {
    if (this.isReady) this.outbox.put(ping(keepalivePing));
  }

  /** Asks the client to open no more streams, and ends the connection after the last one (RFC 9113, section 6.8). */
  goAway(): void {
    if (this.isOver) return;
    if (this.isReady) this.departure.announce();
    else this.end();
  }

  /** Ends the connection and its streams once all written bytes have left. */
  end(code: number = errorCode.NO_ERROR, reason = ""): void {
    if (this.isOver) return;
    this.greet();
    this.outbox.put(goAway(Math.min(this.streams.lastId, this.departure.lastId), code, reason));
    this.finish();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.wire.destroy();
  }

  private finish(): void {
    this.isOver = true;
    this.reader.stop();
    this.departure.stop();
    this.outbox.end();
    this.streams.close("reset by us");
  }

  private begin(chunk: Buffer, before: Buffer): void {
    const bytes = before.length > 0 ? Buffer.concat([before, chunk]) : chunk;
    const found = readPreface(bytes);
    if (found === "more") {
      this.preface = Buffer.from(bytes);
      return;
    }
    this.preface = undefined;
    if (found !== "preface") {
      this.refuse(found);
      return;
    }
    if (this.refusal !== undefined) {
      this.fail(new ConnectionError(errorCode.INADEQUATE_SECURITY, this.refusal));
      return;
    }
    this.greet();
    this.reader.read(bytes.subarray(clientPreface.length));
  }

  private greet(): void {
    if (!this.hasGreeted) this.outbox.put(greetingOf(this.limits));
    this.hasGreeted = true;
  }

  private refuse(protocol: OtherProtocol): void {
    const reason = this.handler.otherProtocol(protocol);
    if (protocol === "HTTP/1.1") this.outbox.put(http1Answer(reason));
    else this.outbox.put(goAway(0, errorCode.PROTOCOL_ERROR, reason));
    this.finish();
  }

  /** @internal */
  fail(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.handler.failed(error);
    if (error instanceof ConnectionError) this.end(error.code, error.message);
    else this.end(errorCode.INTERNAL_ERROR);
  }

  /** @internal */
  idle(isIdle: boolean): void {
    this.idleSince = isIdle ? performance.now() : undefined;
    if (isIdle && this.departure.isRefusing) this.departure.whenSent();
  }

  /** @internal */
  frame(type: number, flags: number, id: number, payload: Buffer): void {
    const { openStreamId } = this.headers;
    if (openStreamId !== undefined && (type !== frameType.CONTINUATION || id !== openStreamId))
      throw protocolError("another frame in the middle of a header block");
    if (!this.isReady && (type !== frameType.SETTINGS || flags & flag.ACK))
      throw protocolError("the first frame is not SETTINGS");
    this.isReady = true;
    if (type !== frameType.CONTINUATION) this.frames++;
    try {
      this.take(type, flags, id, payload);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      const stream = this.streams.get(error.streamId);
      if (!stream) throw new ConnectionError(error.code, error.message);
      this.budget.takeControl();
      stream.reset(error.code);
    }
  }

  private take(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case frameType.DATA:
        this.data(flags, id, payload);
        break;
      case frameType.HEADERS:
        this.headers.headers(id, flags, payload);
        break;
      case frameType.CONTINUATION:
        this.headers.continuation(id, flags, payload);
        break;
      case frameType.PRIORITY:
        this.priority(id, payload);
        break;
      case frameType.RST_STREAM:
        this.rstStream(id, payload);
        break;
      case frameType.SETTINGS:
        this.settings(flags, id, payload);
        break;
      case frameType.PING:
        this.pinged(flags, id, payload);
        break;
      case frameType.GOAWAY:
        if (id !== 0) throw protocolError("GOAWAY belongs to the connection, not to a stream");
        if (payload.length < 8) throw frameSizeError("GOAWAY has eight bytes or more");
        break;
      case frameType.WINDOW_UPDATE:
        this.windowUpdate(id, payload);
        break;
      case frameType.PUSH_PROMISE:
        throw protocolError("a client sends no PUSH_PROMISE");
      default: // unknown types are ignored (RFC 9113, section 5.5)
    }
  }

  private data(flags: number, id: number, payload: Buffer): void {
    this.window -= payload.length;
    if (this.window < 0) throw new ConnectionError(errorCode.FLOW_CONTROL_ERROR, "more DATA than the window allows");
    if (this.window < receiveWindow / 2) {
      this.outbox.put(windowUpdate(0, receiveWindow - this.window));
      this.window = receiveWindow;
    }
    const stream = this.streams.get(id);
    const content = withoutPadding(payload, flags);
    if (content.length === 0 && !(flags & flag.END_STREAM)) this.budget.takeControl();
    if (!stream) {
      this.streams.late(id, "DATA");
      return;
    }
    stream.receive(content, payload.length);
    if (flags & flag.END_STREAM) stream.endRemote();
  }

  private priority(id: number, payload: Buffer): void {
    this.budget.takeControl();
    this.streams.get(id);
    if (payload.length !== 5) throw new StreamError(id, errorCode.FRAME_SIZE_ERROR, "PRIORITY has five bytes");
    if ((payload.readUInt32BE(0) & 0x7fffffff) === id)
      throw new StreamError(id, errorCode.PROTOCOL_ERROR, "a stream depends on itself");
  }

  private rstStream(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw frameSizeError("RST_STREAM has four bytes");
    const stream = this.streams.get(id);
    this.streams.mustBeKnown(id, "RST_STREAM");
    // An answered stream has cost the client a wait, so its reset is free. Envoy may reset a thousand streams at once,
    // and grpc-go resets each stream that we have ended.
    if (stream ? !stream.isAnswered : !this.streams.resetLate(id)) this.budget.takeControl();
    stream?.close("reset by client");
  }

  private settings(flags: number, id: number, payload: Buffer): void {
    this.budget.takeControl();
    if (id !== 0) throw protocolError("SETTINGS belongs to the connection, not to a stream");
    if (flags & flag.ACK) {
      checkSettingsAck(payload);
      return;
    }
    const { sendWindow, isTableSmaller } = this.clientSettings.read(payload);
    this.outbox.put(settingsAck); // before the DATA that a larger window lets through
    if (isTableSmaller) this.outbox.resizeTable();
    if (sendWindow !== undefined) this.streams.setSendWindow(sendWindow);
  }

  private pinged(flags: number, id: number, payload: Buffer): void {
    this.budget.takeAnswer();
    if (id !== 0) throw protocolError("PING belongs to the connection, not to a stream");
    if (payload.length !== 8) throw frameSizeError("PING has eight bytes");
    if (!(flags & flag.ACK)) this.outbox.put(pingAck(payload));
    else this.departure.pinged(payload);
  }

  private windowUpdate(id: number, payload: Buffer): void {
    this.budget.takeAnswer();
    if (payload.length !== 4) throw frameSizeError("WINDOW_UPDATE has four bytes");
    const bytes = payload.readUInt32BE(0) & 0x7fffffff;
    if (id === 0) {
      if (bytes === 0) throw protocolError("a WINDOW_UPDATE of 0");
      this.outbox.widen(bytes);
      return;
    }
    const stream = this.streams.get(id);
    this.streams.mustBeKnown(id, "WINDOW_UPDATE");
    if (stream && bytes === 0) throw new StreamError(id, errorCode.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0");
    stream?.widen(bytes);
  }
}

const nothing = Buffer.alloc(0);
