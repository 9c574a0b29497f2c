type Maybe = void | Promise<void>;

/** Keeps the steps of a stream in their order although some of them, callbacks of the user's, are async. */
export class Turns {
  private last: Promise<void> | undefined;

  constructor(
    /** A step threw. */
    private readonly failed: (error: unknown) => void,
    /** What was waited for is done. */
    private readonly free: () => void,
  ) {}

  /** Something async is waited for. */
  get busy(): boolean {
    return this.last !== undefined;
  }

  /** Runs a step at once or, while something is waited for, after it. */
  run(step: () => Maybe): Maybe {
    if (this.last) return this.hold(this.last.then(step));
    try {
      const waiting = step();
      if (waiting) return this.hold(waiting);
    } catch (error) {
      this.failed(error);
    }
  }

  /** Nothing goes on before this is settled. */
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
