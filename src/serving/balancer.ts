import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors.js";
import type { ReplicaLoad } from "../fleet/peer.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Balance } from "../server/admission/balance.js";

export interface BalancerOptions {
  readonly balance: Pick<Balance, "mostStreams" | "mayMove" | "shed">;
  /** How many streams this server has. */
  readonly streams: () => number;
  /** The loads of the other servers that answer now. */
  readonly loads: () => Promise<readonly ReplicaLoad[]>;
  /** Whether nodes may be moved now. */
  readonly mayMove: () => boolean;
  readonly logger?: Logger;
  /** How often the others are asked, in milliseconds. Default 1,000. */
  readonly everyMs?: number;
}

/** A server has too many streams above this multiple of the mean, and {@link marginStreams} more. */
const tooMany = 1.1;
const marginStreams = 50;
/** So many looks in a row must find too many: while many nodes connect, the others' numbers are a second old. */
const looksBefore = 5;
/** Nodes are moved until the server has at most this multiple of the mean. */
const enough = 1.02;
/** The surplus is moved in about this many seconds, but at 1 to 10 streams a second: many come back at first. */
const moveSeconds = 3;
const mostPerSecond = 10;

/**
 * Keeps the streams of servers of the same configuration about equal: a server that has many more than the mean refuses
 * new ones, and moves a few each second, as long as another one has room.
 */
export class Balancer {
  private readonly closing = new AbortController();
  private readonly logger: Logger;
  private isMoving = false;
  /** How many looks in a row have found too many streams. */
  private looksAbove = 0;

  constructor(private readonly options: BalancerOptions) {
    this.logger = options.logger ?? silentLogger;
    options.balance.mayMove = options.mayMove;
    void this.run(this.closing.signal);
  }

  close(): void {
    this.closing.abort();
    this.options.balance.mostStreams = Number.POSITIVE_INFINITY;
  }

  private async run(signal: AbortSignal): Promise<void> {
    const { everyMs = 1_000 } = this.options;
    while (!signal.aborted) {
      try {
        const loads = await this.options.loads();
        if (signal.aborted) return;
        this.look(loads, everyMs / 1_000);
      } catch (error) {
        this.logger.warn({ error: messageOf(error) }, "the loads of the replicas could not be compared");
      }
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  private look(others: readonly ReplicaLoad[], seconds: number): void {
    const { balance, streams, mayMove } = this.options;
    const own = streams();
    const open = others.filter(({ accepts }) => accepts);
    const mean = open.reduce((sum, one) => sum + one.streams, own) / (open.length + 1);
    const hasRoom = open.some((one) => one.streams < mean && one.streams < one.limit);
    const wasMoving = this.isMoving;
    const most = wasMoving ? enough * mean : tooMany * mean + marginStreams;
    this.looksAbove = hasRoom && mayMove() && own > most ? this.looksAbove + 1 : 0;
    this.isMoving = this.looksAbove >= looksBefore;
    balance.mostStreams = this.isMoving ? enough * mean : Number.POSITIVE_INFINITY;
    const fields = { streams: own, mean: Math.round(mean) };
    if (this.isMoving && !wasMoving)
      this.logger.info(fields, "this replica has more streams than others; some of its nodes are moved");
    if (!this.isMoving && wasMoving) this.logger.info(fields, "no more nodes are moved to other replicas");
    if (!this.isMoving) return;
    const perSecond = Math.min(mostPerSecond, Math.max(1, (own - mean) / moveSeconds));
    balance.shed(Math.ceil(perSecond * seconds));
  }
}
