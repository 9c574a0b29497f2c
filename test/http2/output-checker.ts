import { clientPreface } from "../../src/http2/frames.js";
import { HpackDecoder } from "../../src/http2/hpack/decoder.js";

/** A stream as the client sees it. */
interface Seen {
  /** "none": no response yet; "open": its headers came; "ended": END_STREAM came; "reset": RST_STREAM came. */
  state: "none" | "open" | "ended" | "reset";
  /** DATA that came, and how much more than the initial window was granted. */
  bytes: number;
  granted: number;
  readonly body: Buffer[];
  /** The client's RST_STREAM was there before the turn of the event loop that is looked at. */
  isResetByClient: boolean;
}

/**
 * What a client of HTTP/2 may expect of a server, checked frame by frame. It shares nothing with the server but its
 * HPACK decoder.
 */
export class OutputChecker {
  readonly streams = new Map<number, Seen>();
  /** The code of the last GOAWAY. */
  goAwayCode: number | undefined;
  isEnded = false;
  /** The first rule that the server has broken. It is not thrown, as it would be lost in the server. */
  fault: string | undefined;
  private delivered = 0;
  private parsed = 0;
  private isStranger = false;
  private isUnreadable = false;
  private readonly pings: Buffer[] = [];
  private readonly settings: { window: number | undefined; isTableSmaller: boolean }[] = [];
  private tableBytes = 4_096;
  private mustResize = false;
  private initialWindow = 65_535;
  private connectionGranted = 65_535;
  private connectionBytes = 0;
  private lastId = 2 ** 31 - 1;
  private frames = 0;
  private block: { id: number; isEnd: boolean; parts: Buffer[] } | undefined;
  private readonly hpack = new HpackDecoder(4_096, 1e6);
  private partial: Buffer = Buffer.alloc(0);

  /** `input`: all that the client sends. */
  constructor(private readonly input: Buffer) {}

  /** So many bytes more are with the server. */
  deliver(bytes: number): void {
    this.delivered += bytes;
    const { input } = this;
    if (this.parsed === 0) {
      const length = Math.min(this.delivered, clientPreface.length);
      this.isStranger = !input.subarray(0, length).equals(clientPreface.subarray(0, length));
      if (this.isStranger || length < clientPreface.length) return;
      this.parsed = length;
    }
    while (!this.isStranger && !this.isUnreadable && this.delivered - this.parsed >= 9) {
      const length = input.readUIntBE(this.parsed, 3);
      const end = this.parsed + 9 + length;
      this.isUnreadable = length > 16_384;
      if (end > this.delivered) return;
      const id = input.readUInt32BE(this.parsed + 5) & 0x7fffffff;
      this.sent(
        input[this.parsed + 3] as number,
        input[this.parsed + 4] as number,
        id,
        input.subarray(end - length, end),
      );
      this.parsed = end;
    }
  }

  /** What the client may count on after what it has sent. */
  private sent(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === 1 && !this.streams.has(id)) this.streams.set(id, newlySeen());
    if (type === 3) this.resets.push(id);
    if (type === 4 && !(flags & 1)) this.settings.push(this.settingsOf(payload));
    if (type === 6 && !(flags & 1)) this.pings.push(payload);
    if (type !== 8 || payload.length !== 4) return;
    const bytes = payload.readUInt32BE(0) & 0x7fffffff;
    const stream = this.streams.get(id);
    if (id === 0) this.connectionGranted += bytes;
    else if (stream) stream.granted += bytes;
  }

  private resets: number[] = [];

  private settingsOf(payload: Buffer) {
    let window: number | undefined;
    let isTableSmaller = false;
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      if (payload.readUInt16BE(at) === 4) window = value;
      if (payload.readUInt16BE(at) !== 1) continue;
      isTableSmaller ||= value < this.tableBytes;
      this.tableBytes = value;
    }
    return { window, isTableSmaller };
  }

  /** All that the server wrote for what it has is here. */
  turn(): void {
    for (const id of this.resets) {
      const stream = this.streams.get(id);
      if (stream) stream.isResetByClient = true;
    }
    this.resets = [];
  }

  /** The server has written. */
  output(bytes: Buffer): void {
    this.must(!this.isEnded, "nothing is written after the end");
    if (this.isStranger) {
      this.partial = Buffer.concat([this.partial, bytes]);
      this.must(this.partial.length < 1_000, "a stranger gets a short answer");
      return;
    }
    let all = this.partial.length > 0 ? Buffer.concat([this.partial, bytes]) : bytes;
    while (all.length >= 9) {
      const length = all.readUIntBE(0, 3);
      this.must(length <= 16_384, "no frame is larger than SETTINGS_MAX_FRAME_SIZE");
      if (all.length < 9 + length) break;
      this.frame(all[3] as number, all[4] as number, all.readUInt32BE(5), all.subarray(9, 9 + length));
      all = all.subarray(9 + length);
    }
    this.partial = all;
  }

  /** The server has ended its side. */
  end(): void {
    this.must(!this.isEnded, "the end comes once");
    this.isEnded = true;
    this.must(this.isStranger || this.partial.length === 0, "the last frame is whole");
    this.must(this.block === undefined, "the last header block is whole");
  }

  private frame(type: number, flags: number, id: number, payload: Buffer): void {
    this.must(this.goAwayCode === undefined || this.goAwayCode === 0, "nothing comes after GOAWAY with an error");
    this.must(this.frames++ > 0 || (type === 4 && flags === 0), "SETTINGS come first");
    this.must(this.block === undefined || (type === 9 && id === this.block.id), "nothing comes between header frames");
    switch (type) {
      case 0:
        this.data(flags, id, payload);
        break;
      case 1:
        this.must((flags & ~0x5) === 0, "HEADERS have no padding and no priority");
        this.block = { id, isEnd: (flags & 1) !== 0, parts: [payload] };
        if (flags & 4) this.headers();
        break;
      case 9:
        this.must(this.block !== undefined, "CONTINUATION comes after HEADERS");
        this.block?.parts.push(payload);
        if (flags & 4) this.headers();
        break;
      case 3:
        this.must(payload.length === 4, "RST_STREAM has four bytes");
        this.stream(id, "RST_STREAM").state = "reset";
        break;
      case 4:
        if (flags & 1) this.acknowledged(payload);
        else this.must(this.frames === 1 && id === 0, "SETTINGS come once");
        break;
      case 6:
        this.must(id === 0 && payload.length === 8, "PING is well-formed");
        if (flags & 1)
          this.must(this.pings.shift()?.equals(payload) === true, "PING is answered in order, with its payload");
        break;
      case 7: {
        const lastId = payload.readUInt32BE(0);
        this.must(id === 0 && lastId <= this.lastId, "the last stream of GOAWAY does not grow");
        this.lastId = lastId;
        this.goAwayCode = payload.readUInt32BE(4);
        break;
      }
      case 8:
        this.must(payload.length === 4 && payload.readUInt32BE(0) > 0, "WINDOW_UPDATE is more than 0");
        if (id !== 0) this.stream(id, "WINDOW_UPDATE");
        break;
      default:
        this.must(false, `a server does not send frames of type ${type}`);
    }
  }

  private acknowledged(payload: Buffer): void {
    const settings = this.settings.shift();
    this.must(settings !== undefined && payload.length === 0, "SETTINGS are acknowledged once");
    this.initialWindow = settings?.window ?? this.initialWindow;
    this.mustResize ||= settings?.isTableSmaller === true;
  }

  private data(flags: number, id: number, payload: Buffer): void {
    const stream = this.stream(id, "DATA");
    this.must((flags & ~1) === 0, "DATA has no padding");
    this.must(stream.state === "open", "DATA comes between HEADERS and the end");
    stream.bytes += payload.length;
    this.connectionBytes += payload.length;
    stream.body.push(payload);
    this.must(
      payload.length === 0 || stream.bytes <= this.initialWindow + stream.granted,
      "DATA is within its stream's window",
    );
    this.must(this.connectionBytes <= this.connectionGranted, "DATA is within the connection's window");
    if (flags & 1) stream.state = "ended";
  }

  private headers(): void {
    const { id, isEnd, parts } = this.block as { id: number; isEnd: boolean; parts: Buffer[] };
    this.block = undefined;
    const block = Buffer.concat(parts);
    const stream = this.stream(id, "HEADERS");
    this.must(stream.state === "none" || (stream.state === "open" && isEnd), "HEADERS begin or end a response");
    this.must(
      !this.mustResize || ((block[0] ?? 0) & 0xe0) === 0x20,
      "a smaller table is acknowledged in the next block",
    );
    this.mustResize = false;
    const fields = this.hpack.decode(block) ?? [];
    this.must((fields[0] === ":status") === (stream.state === "none"), "a response begins with its status");
    stream.state = isEnd ? "ended" : "open";
  }

  private stream(id: number, what: string): Seen {
    const stream = this.streams.get(id) ?? newlySeen();
    this.must(this.streams.has(id), `${what} is for a stream that the client has opened`);
    const { state, isResetByClient } = stream;
    this.must(state !== "reset" && !isResetByClient, `${what} is not for a stream that was reset`);
    this.must(
      state !== "ended" || what === "RST_STREAM" || what === "WINDOW_UPDATE",
      `${what} does not come after the end`,
    );
    return stream;
  }

  private must(is: boolean, rule: string): void {
    if (!is) this.fault ??= rule;
  }
}

const newlySeen = (): Seen => ({ state: "none", bytes: 0, granted: 0, body: [], isResetByClient: false });
