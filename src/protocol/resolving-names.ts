/** The names of one subscription that a resolver was asked for, each with a limit of time (P62). */
export class ResolvingNames {
  /** The timer of each wait. "done": the wait is over, and the name is to be answered with what exists now. */
  private readonly waits = new Map<string, NodeJS.Timeout | "done">();

  /**
   * Says what to do about a requested name that does not exist: ask the resolver, wait for the resolver, or answer that
   * the name does not exist. "ask" starts a wait of `timeoutMs` milliseconds, after which `onTimeout` is called.
   */
  next(name: string, timeoutMs: number, onTimeout: () => void): "ask" | "wait" | "answer" {
    const wait = this.waits.get(name);
    if (wait === "done") {
      this.waits.delete(name);
      return "answer";
    }
    if (wait !== undefined) return "wait";
    this.waits.set(name, setTimeout(onTimeout, timeoutMs));
    return "ask";
  }

  /** Ends the wait for a name. Returns whether the client must be answered that the name does not exist. */
  end(name: string, exists: boolean): boolean {
    const wait = this.waits.get(name);
    if (wait === undefined || wait === "done") return false;
    this.stop(name);
    if (!exists) this.waits.set(name, "done");
    return !exists;
  }

  /** Forgets a name. */
  stop(name: string): void {
    const wait = this.waits.get(name);
    if (wait !== "done") clearTimeout(wait);
    this.waits.delete(name);
  }

  /** Forgets all names. */
  close(): void {
    for (const name of this.waits.keys()) this.stop(name);
  }
}
