/** Where a connection writes its bytes: a socket, or a test. */
export interface Wire {
  /**
   * Sends buffers in order, at once. `done` is called once: when all of them have left for the kernel, or when the wire
   * has closed first.
   */
  write(buffers: readonly Buffer[], done: () => void): void;
  /** Closes when everything that was written has left. Nothing may be written afterwards. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}
