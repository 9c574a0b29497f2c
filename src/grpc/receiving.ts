/** Counts the bytes of a connection's requests that came in part or wait to be handled. */
export interface Receiving {
  /**
   * Adds `bytes`, which may be negative.
   * @throws if the sum exceeds the limit
   */
  add(bytes: number): void;
}
