import { totalmem } from "node:os";
import { type ErrorCode, XdsError } from "../errors.js";
import { Heap } from "./heap.js";

/**
 * How much clients may ask for. What is beyond is refused with LIMIT_EXCEEDED, a request's size with
 * REQUEST_TOO_LARGE, its slowness with REQUEST_TOO_SLOW; all are RESOURCE_EXHAUSTED on gRPC. The defaults are for
 * fleets: thousands of Envoys behind one address, or all back at once after a restart, do not come near them.
 */
export interface Limits {
  /** Open streams: discovery, CSDS and LRS. Default 100,000. */
  readonly streams: number;
  /** Open streams of one IP address. Default 20,000. */
  readonly streamsPerPeer: number;
  /** New streams a second, unary calls and REST requests among them, in bursts of ten times as many. Default 5,000. */
  readonly newStreamsPerSecond: number;
  /**
   * Requests a second on one stream, in bursts of ten times as many; the answers to what it was sent are not counted. Default 1,000:
   * an Envoy that starts asks for hundreds of virtual hosts or clusters at once.
   */
  readonly requestsPerSecond: number;
  /** Bytes of one request, on gRPC and REST. Default 16 MiB: some 100,000 resource names. */
  readonly requestBytes: number;
  /** Bytes of a node, which is kept as long as its stream. Default 1 MiB: that of an Envoy 1.40 has some 60 kB. */
  readonly nodeBytes: number;
  /** Names in one subscription, or one fetch. Default 100,000. */
  readonly names: number;
  /**
   * Bytes of responses that are written and not sent yet, of all clients together. Half of it is kept for clients
   * that are known to read. Who has no room waits, and meanwhile who takes nothing for ten seconds is ended. Default
   * a quarter of the memory that the process may have: that of the machine, or of its container.
   */
  readonly responseBytes: number;
  /**
   * How much, in percent, of the heap that V8 may have (`--max-old-space-size`) is used when new streams and requests for more than
   * before are refused, so that those that are served go on being served. A request that may take more than is left of the heap is refused
   * as well. Default 75, for beyond 80 V8 may give up, however little is left to do; 100 turns off the first.
   */
  readonly heapPercent: number;
  /** Open gRPC connections, and as many of REST. Default 100,000. */
  readonly connections: number;
  /** Open gRPC connections of one IP address. Default Infinity: thousands of Envoys may share the address of a NAT. */
  readonly connectionsPerPeer: number;
  /**
   * Open streams of one gRPC connection, unary calls among them. Default 1,000: an Envoy may open one for the endpoints
   * of each cluster.
   */
  readonly streamsPerConnection: number;
  /** Bytes of the headers of a gRPC call, as SETTINGS_MAX_HEADER_LIST_SIZE counts them. Default 16 KiB. */
  readonly headerBytes: number;
  /** CONTINUATION frames for the headers of a gRPC call. Default 16. */
  readonly continuationFrames: number;
  /**
   * Frames a second that one gRPC connection may send without asking for anything, and ten times as many at once. These
   * are RST_STREAM of streams without an answer, SETTINGS, PRIORITY, empty DATA, and requests that are refused at once;
   * PING and WINDOW_UPDATE are counted apart. A connection that sends more is closed with ENHANCE_YOUR_CALM. Default
   * 200: a client may reset all its streams at once, and do so again.
   */
  readonly controlFrames: number;
  /** Milliseconds that a connection may take for its TLS handshake, on gRPC for its preface too. Default 10,000. */
  readonly handshakeMs: number;
  /**
   * Milliseconds that a gRPC message may take, from the start of its call or its own first byte. On REST: that a
   * request's headers may take, and then its body. Default 10,000.
   */
  readonly messageMs: number;
  /** Milliseconds that a gRPC connection may stay without streams. Default 300,000. */
  readonly idleConnectionMs: number;
  /**
   * Bytes of all requests, of gRPC and REST together, that have come in part, or wait to be handled. Default an eighth
   * of the memory that `responseBytes` has a quarter of.
   */
  readonly receivingBytes: number;
}

export type LimitName = keyof Limits;

// What has no bound is told as 0 by some versions of Node, and as more than there is by others.
const memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());

const defaults: Limits = {
  streams: 100_000,
  streamsPerPeer: 20_000,
  newStreamsPerSecond: 5_000,
  requestsPerSecond: 1_000,
  requestBytes: 16 << 20,
  nodeBytes: 1 << 20,
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
 * How many bytes of heap one byte of a request may take while it is read, at the worst that was found, which is many empty messages,
 * short names, or numbers: of what we read ourselves, of what protobuf-es reads (nodes too), of JSON.
 */
const heapPerByte = { discovery: 32, protobuf: 128, json: 300 };

/** What takes so many bytes of heap at most is read however full it is: a served client's ACKs are. */
const alwaysHeld = 4 << 20;

/** How a request is read. */
export type RequestForm = keyof typeof heapPerByte;

const codes: Partial<Record<LimitName, ErrorCode>> = {
  requestBytes: "REQUEST_TOO_LARGE",
  messageMs: "REQUEST_TOO_SLOW",
};

/** A client would go beyond a limit. */
export class LimitError extends XdsError {
  constructor(
    readonly limit: LimitName,
    message: string,
  ) {
    super(codes[limit] ?? "LIMIT_EXCEEDED", message);
  }
}

/** A server's limits, and how often each was hit. */
export class LimitCounts {
  readonly limits: Limits;
  readonly hits = Object.fromEntries(Object.keys(defaults).map((name) => [name, 0])) as Record<LimitName, number>;
  private readonly heap = new Heap();

  /** @throws XdsError INVALID_OPTION */
  constructor(limits: Partial<Limits>) {
    this.limits = { ...defaults, ...limits };
    for (const [name, limit] of Object.entries(this.limits)) {
      if (!(name in defaults))
        throw new XdsError(
          "INVALID_OPTION",
          `limits: there is no ${name}; there are ${Object.keys(defaults).join(", ")}`,
        );
      if (name === "heapPercent" && limit > 100)
        throw new XdsError("INVALID_OPTION", `limits: ${name} is at most 100, not ${limit}`);
      if (!(limit > 0)) throw new XdsError("INVALID_OPTION", `limits: ${name} is more than 0, not ${limit}`);
    }
  }

  /** The error of one who would go beyond a limit, counted. */
  exceeded(name: LimitName, what: string): LimitError {
    this.hits[name]++;
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // a client can cause many of these, and the stack is most of what one costs
    const error = new LimitError(name, `${what}; the server's limit ${name} is ${this.limits[name]}`);
    Error.stackTraceLimit = stackTraceLimit;
    return error;
  }

  /**
   * Whether a request may be read.
   * @throws XdsError REQUEST_TOO_LARGE, LIMIT_EXCEEDED
   */
  checkRequest(bytes: number, form: RequestForm): void {
    if (bytes > this.limits.requestBytes) throw this.exceeded("requestBytes", `a request of ${bytes} bytes`);
    this.checkRoom(bytes, form, "a request");
  }

  /** @throws XdsError LIMIT_EXCEEDED */
  readonly checkNode = (bytes: number): void => {
    if (bytes > this.limits.nodeBytes) throw this.exceeded("nodeBytes", `a node of ${bytes} bytes`);
    this.checkRoom(bytes, "protobuf", "a node");
  };

  /**
   * Something that a client brings is to be kept; `grows` is asked where there is no room.
   * @throws XdsError LIMIT_EXCEEDED
   */
  checkGrowth(grows: () => boolean = () => true): void {
    const { heapPercent } = this.limits;
    if (heapPercent >= 100 || this.heap.holds(0, heapPercent / 100) || !grows()) return;
    throw this.exceeded("heapPercent", "memory is short, and no more is taken on; try again later");
  }

  private checkRoom(bytes: number, form: RequestForm, what: string): void {
    const most = bytes * heapPerByte[form];
    if (most <= alwaysHeld || this.heap.holds(most, 1)) return;
    const room = `${Math.max(0, Math.floor(this.heap.room(1) / 2 ** 20))} MiB`;
    throw this.exceeded(
      "heapPercent",
      `${what} of ${bytes} bytes may take more than the ${room} of heap that are left`,
    );
  }

  /** @throws XdsError LIMIT_EXCEEDED */
  checkNames(names: number, typeUrl: string): void {
    if (names > this.limits.names) throw this.exceeded("names", `${names} names in one subscription of ${typeUrl}`);
  }
}
