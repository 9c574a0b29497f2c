/** A worker that has lived for this long, in milliseconds, has worked: the next one starts at once. */
const longLifeMs = 60_000;
/** The wait before the second start in a row, in milliseconds. It doubles after each, up to 8 s. */
const firstWaitMs = 1_000;
/** A worker that has died this often in a row, each time after a short life, is not started again. */
const mostShortLives = 6;

/** When to start a worker again that has died. */
export class Restarts {
  private shortLives = 0;

  /**
   * `livedMs`: from its start to its end. Returns the wait in milliseconds, or undefined if it should not start again.
   */
  next(livedMs: number): number | undefined {
    this.shortLives = livedMs < longLifeMs ? this.shortLives + 1 : 0;
    if (this.shortLives >= mostShortLives) return undefined;
    return this.shortLives <= 1 ? 0 : firstWaitMs * 2 ** (this.shortLives - 2);
  }
}
