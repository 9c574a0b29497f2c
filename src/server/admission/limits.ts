import { totalmem } from "node:os";
import { type ErrorCode, XdsError } from "../../errors.js";
import { checkOptions } from "../../options.js";
import type { Account } from "../../protocol/account.js";
import type { RequestBounds } from "../../wire/request-bounds.js";
import { garbageCollector } from "./garbage-collector.js";
import { Heap } from "./heap.js";
import { shareOfFree } from "./share-of-free.js";

/**
 * Limits on what clients may use. Above a limit, a client is refused with LIMIT_EXCEEDED; a request that is too large
 * with REQUEST_TOO_LARGE; a request that arrives too slowly with REQUEST_TOO_SLOW. On gRPC all three are
 * RESOURCE_EXHAUSTED. The defaults suit large fleets: thousands of Envoys behind one address, or all clients
 * reconnecting at once after a restart, stay far below them.
 */
export interface Limits {
  /** Open streams of discovery, CSDS and LRS together. Default 100,000. */
  readonly streams: number;
  /** Open streams from one IP address (IPv6: from one /64). Default 20,000. */
  readonly streamsPerPeer: number;
  /** New streams, unary calls and REST requests per second. A burst may be ten times as large. Default 5,000. */
  readonly newStreamsPerSecond: number;
  /**
   * Requests per second on one stream. A burst may be ten times as large. Answers to responses (ACKs and NACKs) do not
   * count. Default 1,000: an Envoy that starts asks for hundreds of virtual hosts or clusters at once.
   */
  readonly requestsPerSecond: number;
  /** Bytes of one request, on gRPC and REST. Default 16 MiB, which holds about 100,000 resource names. */
  readonly requestBytes: number;
  /**
   * Bytes of a request's `node`, which is kept as long as its stream. Default 256 KiB. The node of an Envoy 1.40 has
   * about 60 kB.
   */
  readonly nodeBytes: number;
  /** Resource names in one subscription or one fetch. Default 100,000. */
  readonly names: number;
  /**
   * Total bytes of responses buffered for all clients. Half is reserved for clients that are known to read. Above the
   * limit, sends wait; while they wait, a client that has read nothing for 10 s is disconnected. Default: a quarter of
   * the memory of the machine, or of its container.
   */
  readonly responseBytes: number;
  /**
   * Above this use of V8's heap, in percent of its maximum (`--max-old-space-size`), the server refuses new streams and
   * requests that subscribe to more than before. Existing streams are still served. One IP address (IPv6: one /64) is
   * refused these as soon as it holds three quarters of what clients may have below this use. Default 75, because V8
   * may end the process above 80; 100 turns both checks off. Independently of this option, a request is refused if
   * reading it may need more than the heap that is left.
   */
  readonly heapPercent: number;
  /** Open gRPC connections. REST may have as many again. Default 100,000. */
  readonly connections: number;
  /**
   * Open gRPC connections from one IP address (IPv6: from one /64). Default Infinity: thousands of Envoys may share the
   * address of a NAT.
   */
  readonly connectionsPerPeer: number;
  /**
   * Open streams and unary calls of one gRPC connection. Default 1,000: an Envoy may open one stream per cluster for
   * its endpoints.
   */
  readonly streamsPerConnection: number;
  /** Bytes of the headers of a gRPC call, as SETTINGS_MAX_HEADER_LIST_SIZE counts them. Default 16 KiB. */
  readonly headerBytes: number;
  /** CONTINUATION frames that the headers of one gRPC call may have. Default 16. */
  readonly continuationFrames: number;
  /**
   * Frames per second that ask for nothing, from one gRPC connection. A burst may be ten times as large. Such frames
   * are RST_STREAM of streams without an answer, SETTINGS, PRIORITY, empty DATA, and requests that are refused at once.
   * PING and WINDOW_UPDATE have counts of their own. A connection that sends more is closed with ENHANCE_YOUR_CALM.
   * Default 200: a client may reset all its streams at once, and do so again.
   */
  readonly controlFrames: number;
  /** Milliseconds for a connection's TLS handshake, and on gRPC also for its HTTP/2 preface. Default 10,000. */
  readonly handshakeMs: number;
  /**
   * Milliseconds for a gRPC message to arrive, from the start of its call or from its own first byte. On REST, the
   * headers of a request have this time, and then its body has it again. Default 10,000.
   */
  readonly messageMs: number;
  /** Milliseconds that a gRPC connection may stay open without streams. Default 300,000. */
  readonly idleConnectionMs: number;
  /**
   * Total bytes of the gRPC and REST requests that have arrived in part or wait to be handled. Default: an eighth of
   * the memory of the machine, or of its container.
   */
  readonly receivingBytes: number;
}

/** The name of a limit. */
export type LimitName = keyof Limits;

// Without a container limit, some versions of Node return 0, and others more than the machine has.
const memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());

/** The limits that are not given. */
export const defaultLimits: Limits = {
  streams: 100_000,
  streamsPerPeer: 20_000,
  newStreamsPerSecond: 5_000,
  requestsPerSecond: 1_000,
  requestBytes: 16 << 20,
  nodeBytes: 256 << 10,
  names: 100_000,
  responseBytes: Math.floor(memory / 4),
  heapPercent: 75,
  connections: 100_000,
  connectionsPerPeer: Number.POSITIVE_INFINITY,
  streamsPerConnection: 1_000,
  headerBytes: 16 << 10,
  continuationFrames: 16,
  controlFrames: 200,
  handshakeMs: 10_000,
  messageMs: 10_000,
  idleConnectionMs: 300_000,
  receivingBytes: Math.floor(memory / 8),
};

/**
 * How many bytes of heap one byte of a request may need while it is read. The factors are the worst that were measured,
 * with many empty messages, short names or numbers. `discovery` is for our own reader, `protobuf` for protobuf-es
 * (which also reads nodes), `json` for JSON.
 */
const heapPerByte = { discovery: 32, protobuf: 128, json: 300 };

/** A request that needs at most this many bytes of heap is always read, so that clients can always send their ACKs. */
const alwaysReadBytes = 4 << 20;

/** How a request is read. */
export type RequestForm = keyof typeof heapPerByte;

const codes: Partial<Record<LimitName, ErrorCode>> = {
  requestBytes: "REQUEST_TOO_LARGE",
  messageMs: "REQUEST_TOO_SLOW",
};

/** A client has exceeded a limit. */
export class LimitError extends XdsError {
  constructor(
    readonly limit: LimitName,
    message: string,
  ) {
    super(codes[limit] ?? "LIMIT_EXCEEDED", message);
  }
}

/** A server's limits, and how often each was exceeded. */
export class LimitCounts implements RequestBounds {
  readonly limits: Limits;
  readonly hits = Object.fromEntries(Object.keys(defaultLimits).map((name) => [name, 0])) as Record<LimitName, number>;
  private readonly heap: Pick<Heap, "holds" | "room" | "roomWithoutGarbage" | "isMeasured">;

  /**
   * `clients` is the account of all clients.
   * @throws XdsError INVALID_OPTION
   */
  constructor(limits: Partial<Limits>, clients?: Account, heap?: LimitCounts["heap"]) {
    this.heap = heap ?? new Heap(garbageCollector, () => clients?.held ?? 0);
    checkOptions("limits", limits, defaultLimits);
    this.limits = { ...defaultLimits, ...limits };
    for (const [name, limit] of Object.entries(this.limits)) {
      if (name === "heapPercent" && limit > 100)
        throw new XdsError("INVALID_OPTION", `limits: ${name} must be at most 100, is ${limit}`);
      if (!(limit > 0)) throw new XdsError("INVALID_OPTION", `limits: ${name} must be greater than 0, is ${limit}`);
    }
  }

  /** Counts one hit of a limit and returns the error for it. `what` says what exceeded the limit. */
  exceeded(name: LimitName, what: string): LimitError {
    this.hits[name]++;
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // clients can cause many of these errors, and the stack is most of their cost
    const error = new LimitError(name, `${what}; the server's limit ${name} is ${this.limits[name]}`);
    Error.stackTraceLimit = stackTraceLimit;
    return error;
  }

  /**
   * Checks that a request of this size may be read.
   * @throws XdsError REQUEST_TOO_LARGE, LIMIT_EXCEEDED
   */
  checkRequest(bytes: number, form: RequestForm): void {
    if (bytes > this.limits.requestBytes) throw this.exceeded("requestBytes", `a request of ${bytes} bytes`);
    this.checkRoom(bytes, form, "a request");
  }

  get mostNames(): number {
    return this.limits.names;
  }

  get mostNodeBytes(): number {
    return this.limits.nodeBytes;
  }

  tooManyValues(most: number, kind: string): LimitError {
    return this.exceeded("names", `a request with more than ${most} ${kind}`);
  }

  /** Checks that a node of this size may be read. @throws XdsError LIMIT_EXCEEDED */
  readonly checkNode = (bytes: number): void => {
    if (bytes > this.limits.nodeBytes) throw this.exceeded("nodeBytes", `a node of ${bytes} bytes`);
    this.checkRoom(bytes, "protobuf", "a node");
  };

  /**
   * Checks that the heap has room for something new that is kept for a client with this account. When it has none,
   * `grows` decides whether anything new would be kept; without growth nothing is refused.
   * @throws XdsError LIMIT_EXCEEDED
   */
  checkGrowth(account: Account, grows: () => boolean = () => true): void {
    const isFull = !this.hasRoom();
    if ((!isFull && this.hasShare(account)) || !grows()) return;
    throw this.exceeded(
      "heapPercent",
      isFull
        ? "memory is short, so nothing new is accepted; try again later"
        : "this address has three quarters of the memory for clients, so nothing new is accepted from it",
    );
  }

  /** Whether {@link checkGrowth} accepts something new. */
  mayGrow(account: Account): boolean {
    return this.hasRoom() && this.hasShare(account);
  }

  private hasRoom(): boolean {
    const { heapPercent } = this.limits;
    return heapPercent >= 100 || this.heap.holds(0, heapPercent / 100);
  }

  /**
   * Whether the account's address may have more of the heap. It may hold up to three times as much as is still free for
   * clients. So it takes at most three quarters, and a new address always finds some room.
   */
  private hasShare({ parent: address }: Account): boolean {
    const { heapPercent } = this.limits;
    if (heapPercent >= 100 || !address) return true;
    const share = heapPercent / 100;
    const held = address.held + address.coming;
    if (held <= shareOfFree * this.heap.room(share)) return true;
    if (held <= shareOfFree * this.heap.roomWithoutGarbage(share)) return true;
    return !this.heap.isMeasured();
  }

  private checkRoom(bytes: number, form: RequestForm, what: string): void {
    const most = bytes * heapPerByte[form];
    if (most <= alwaysReadBytes || this.heap.holds(most, 1)) return;
    const room = `${Math.max(0, Math.floor(this.heap.room(1) / 2 ** 20))} MiB`;
    throw this.exceeded("heapPercent", `${what} of ${bytes} bytes may need more than the ${room} of heap that is left`);
  }

  /** Checks the number of names in one subscription or fetch. @throws XdsError LIMIT_EXCEEDED */
  checkNames(names: number, typeUrl: string): void {
    if (names > this.limits.names) throw this.exceeded("names", `${names} names in one subscription of ${typeUrl}`);
  }
}
