import { XdsError } from "../errors.js";
import type { Caller } from "../protocol/caller.js";
import type { Seat } from "./admission.js";

/** Where a connection is told to go away, as a part of the age at which its streams are ended: surely before. */
const goAwayAt = 0.8;
/** The part of the age by which it varies, so that those that came together do not go together. grpc-js takes the same for its GOAWAY. */
const jitter = 0.1;
/** How long, in milliseconds, a connection may go on when its streams should have ended, before it is cut. */
const graceMs = 10_000;
/** The longest time that a timer takes, and grpc-js's word for "never". */
const longest = 2 ** 31 - 1;

/**
 * Ends connections of a certain age, so that clients spread over the servers that there are. The transport tells a client to open
 * no more streams (GOAWAY); soon after, all streams of its connection are ended at once, and it opens them on a new one.
 */
export class ConnectionAge {
  private readonly connections = new Map<string, { readonly endsAt: number; streams: number }>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * The age in milliseconds.
   * @throws XdsError INVALID_OPTION
   */
  constructor(private readonly ageMs: number) {
    if (!(ageMs >= 1 && ageMs * 2 <= longest))
      throw new XdsError("INVALID_OPTION", `maxConnectionAgeMs is from 1 to ${longest / 2}, not ${ageMs}`);
  }

  /** What the gRPC server is told. */
  get channelOptions() {
    return {
      "grpc.max_connection_age_ms": this.ageMs * goAwayAt,
      "grpc.max_connection_age_grace_ms": this.ageMs * (1 + jitter) + graceMs,
    };
  }

  /** Begins to end what is too old. */
  start(seats: Iterable<Seat>): void {
    const tooOld = new XdsError(
      "CONNECTION_TOO_OLD",
      "this connection has reached the server's maxConnectionAge; connect again",
    );
    const look = () => {
      const now = performance.now();
      for (const seat of [...seats]) if (seat.endsAt <= now) seat.guest.fail(tooOld);
    };
    this.timer = setInterval(look, Math.min(1_000, Math.ceil(this.ageMs / 20))).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** A stream opens; tells when its connection is too old, as of `performance.now()`. */
  enter({ peer }: Caller): number {
    const known = this.connections.get(peer);
    const age = this.ageMs * (1 + jitter * (2 * Math.random() - 1));
    const connection = known ?? { endsAt: performance.now() + age, streams: 0 };
    connection.streams++;
    this.connections.set(peer, connection);
    return connection.endsAt;
  }

  /** A stream has ended. */
  leave({ peer }: Caller): void {
    const connection = this.connections.get(peer);
    if (connection && --connection.streams === 0) this.connections.delete(peer);
  }
}
