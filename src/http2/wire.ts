/** What a connection writes to: a socket, or a test. */
export interface Wire {
  /**
   * Sends buffers in order, at once. `done` is called once: when all of it has left for the kernel, or when the wire
   * has closed and it never will.
   */
  write(buffers: readonly Buffer[], done: () => void): void;
  /** Closes when what was written has left. Nothing is written afterwards. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}
