import type { Socket } from "node:net";
import { heavyWork, lightMs } from "../heavy-work.js";

/** Milliseconds in one turn of the event loop that reading may take, for all connections together. */
const slice = 5;

/**
 * Makes connections that send much take turns. When reading has used its slice in a turn of the event loop, connections
 * with heavy pieces are paused. Each later turn resumes one of them, after the pause of {@link heavyWork}. So other
 * work is never delayed by more than one piece, however many connections send as fast as they can.
 */
export class ReadingTurns {
  private left = slice;
  private readonly waiting = new Set<Socket>();
  private isScheduled = false;

  /** A piece of a connection's bytes was handled, and took `ms` milliseconds. */
  worked(socket: Socket, ms: number): void {
    this.left -= ms;
    if (this.left < 0 && ms > lightMs && !socket.destroyed) {
      socket.pause();
      this.waiting.add(socket);
      heavyWork.took(ms);
    }
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    heavyWork.next(this.next);
  }

  private readonly next = () => {
    this.isScheduled = false;
    this.left = slice;
    for (const socket of this.waiting) {
      this.waiting.delete(socket);
      socket.resume();
      break;
    }
    if (this.waiting.size > 0) this.schedule();
  };
}
