/** The bytes of all requests that have come in part, or wait to be taken. One server has one. */
export interface Receiving {
  /**
   * Counts bytes more, or less.
   * @throws if that exceeds the limit
   */
  add(bytes: number): void;
}
