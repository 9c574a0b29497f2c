type Maybe = void | Promise<void>;

/** Keeps the steps of a stream in order, although some of them wait for a user's asynchronous callback. */
export class Turns {
  private last: Promise<void> | undefined;

  constructor(
    /** Called when a step throws. */
    private readonly failed: (error: unknown) => void,
    /** Called when no promise is pending any more. */
    private readonly free: () => void,
  ) {}

  /** Whether a promise is pending. */
  get busy(): boolean {
    return this.last !== undefined;
  }

  /** Runs a step at once, or after the pending promise. */
  run(step: () => Maybe): Maybe {
    if (this.last) return this.hold(this.last.then(step));
    try {
      const waiting = step();
      if (waiting) return this.hold(waiting);
    } catch (error) {
      this.failed(error);
    }
  }

  /** Makes all later steps wait for a promise. */
  hold(waiting: Promise<void>): Promise<void> {
    const turn: Promise<void> = waiting
      .catch((error: unknown) => this.failed(error))
      .then(() => {
        if (this.last !== turn) return;
        this.last = undefined;
        this.free();
      });
    this.last = turn;
    return turn;
  }
}
