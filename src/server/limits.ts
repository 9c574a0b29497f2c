import { XdsError } from "../errors.js";

/**
 * How much clients may ask for. What is beyond is refused with LIMIT_EXCEEDED, a request's size with REQUEST_TOO_LARGE; both are
 * RESOURCE_EXHAUSTED on gRPC. The defaults are for fleets: thousands of Envoys behind one address, or all back at once after a
 * restart, do not come near them. They count things, not bytes: what streams may keep in memory together has no bound but theirs.
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
  /** Names in one subscription, or one fetch. Default 100,000. */
  readonly names: number;
}

export type LimitName = keyof Limits;

const defaults: Limits = {
  streams: 100_000,
  streamsPerPeer: 20_000,
  newStreamsPerSecond: 5_000,
  requestsPerSecond: 1_000,
  requestBytes: 16 << 20,
  names: 100_000,
};

/** A server's limits, and how often each was hit. */
export class LimitCounts {
  readonly limits: Limits;
  readonly hits: Record<LimitName, number> = {
    streams: 0,
    streamsPerPeer: 0,
    newStreamsPerSecond: 0,
    requestsPerSecond: 0,
    requestBytes: 0,
    names: 0,
  };

  /** @throws XdsError INVALID_OPTION */
  constructor(limits: Partial<Limits>) {
    this.limits = { ...defaults, ...limits };
    for (const [name, limit] of Object.entries(this.limits)) {
      if (!(name in defaults))
        throw new XdsError(
          "INVALID_OPTION",
          `limits: there is no ${name}; there are ${Object.keys(defaults).join(", ")}`,
        );
      if (!(limit > 0)) throw new XdsError("INVALID_OPTION", `limits: ${name} is more than 0, not ${limit}`);
    }
  }

  /** The error of one who would go beyond a limit, counted. */
  exceeded(name: LimitName, what: string): XdsError {
    this.hits[name]++;
    const code = name === "requestBytes" ? "REQUEST_TOO_LARGE" : "LIMIT_EXCEEDED";
    return new XdsError(code, `${what}; the server's limit ${name} is ${this.limits[name]}`);
  }

  /** @throws XdsError REQUEST_TOO_LARGE */
  checkBytes(bytes: number): void {
    if (bytes > this.limits.requestBytes) throw this.exceeded("requestBytes", `a request of ${bytes} bytes`);
  }

  /** @throws XdsError LIMIT_EXCEEDED */
  checkNames(names: number, typeUrl: string): void {
    if (names > this.limits.names) throw this.exceeded("names", `${names} names in one subscription of ${typeUrl}`);
  }
}

/** So many times what a second allows may come at once, after a time of rest. */
const burst = 10;

/** Allows so many a second, in bursts. It needs no timer: what has come back meanwhile is reckoned when it is asked. */
export class TokenBucket {
  private tokens: number;
  private at: number;

  /** Times in milliseconds. */
  constructor(
    private readonly perSecond: number,
    now = performance.now(),
  ) {
    this.tokens = this.capacity;
    this.at = now;
  }

  private get capacity(): number {
    return Math.max(1, this.perSecond * burst);
  }

  /** Whether there is one more; it is taken. */
  take(now = performance.now()): boolean {
    this.tokens = Math.min(this.capacity, this.tokens + ((now - this.at) * this.perSecond) / 1_000);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** One more may come. */
  give(): void {
    this.tokens++;
  }
}
