import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";

/** The most notices that wait. When there are more, the oldest one is dropped. */
const mostWaiting = 100;
/** How long one try can take, in milliseconds. */
const timeoutMs = 5_000;
/** The pause before the second try, in milliseconds. */
const pauseMs = 1_000;

/** The HTTP server that gets notices. */
export interface WebhookOptions {
  readonly url: string;
  /** Headers of the request, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends notices to an HTTP server by POST, one after the other. A notice that fails is tried once more. */
export class WebhookQueue {
  private readonly waiting: object[] = [];
  private readonly url: URL;
  private readonly closed = new AbortController();
  private sending: Promise<void> | undefined;

  constructor(
    private readonly options: WebhookOptions,
    private readonly logger: Logger,
  ) {
    this.url = new URL(options.url);
  }

  /** Queues a notice, which is sent as JSON. Returns at once. */
  send(notice: object): void {
    if (this.closed.signal.aborted) return;
    if (this.waiting.length === mostWaiting) {
      this.waiting.shift();
      this.logger.warn({ host: this.url.host }, "a notice of a rollout was dropped, because too many notices wait");
    }
    this.waiting.push(notice);
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
    });
  }

  /** Drops the queue. Resolves when nothing is being sent. */
  async close(): Promise<void> {
    this.waiting.length = 0;
    this.closed.abort();
    await this.sending;
  }

  private async sendAll(): Promise<void> {
    for (let notice = this.waiting.shift(); notice; notice = this.waiting.shift()) {
      const body = JSON.stringify(notice);
      const error = (await this.failureOf(body)) && (await this.pause()) && (await this.failureOf(body));
      if (error && !this.closed.signal.aborted)
        this.logger.warn({ host: this.url.host, error }, "a notice of a rollout could not be delivered");
    }
  }

  /** Why a notice could not be delivered. */
  private async failureOf(body: string): Promise<string | undefined> {
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json", ...this.options.headers },
        body,
        redirect: "error",
        signal: AbortSignal.any([this.closed.signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.body?.cancel();
      return response.ok ? undefined : `the server answers ${response.status}`;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Waits before the second try. Resolves with false if the queue was closed meanwhile. */
  private pause(): Promise<boolean> {
    const { signal } = this.closed;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), pauseMs);
      const stop = () => {
        clearTimeout(timer);
        resolve(false);
      };
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
  }
}
