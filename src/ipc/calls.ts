import { type ErrorCode, messageOf, XdsError } from "../errors.js";
import type { Channel } from "./channel.js";

/** The methods that the other process can call, by name. Arguments and results can be cloned by `structuredClone`. */
export type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

type Message =
  | { readonly kind: "call"; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "event"; readonly method: string; readonly args: readonly unknown[] };

interface Waiting {
  resolve(value: unknown): void;
  reject(error: XdsError): void;
}

/**
 * Calls between two processes over a channel, in both directions. Each side has methods. A call gets the result of the
 * method, or its error with the same code and message. Results and events arrive in the order in which they were sent.
 */
export class Calls {
  /** Aborted when the other process is gone. */
  readonly gone: AbortSignal;
  private readonly methods = new Map<string, (...args: never[]) => unknown>();
  private readonly waiting = new Map<number, Waiting>();
  /** The calls of the other process that are being answered. */
  private readonly running = new Map<number, AbortController>();
  private last = 0;

  /** `other` names the other process in errors. */
  constructor(
    private readonly channel: Channel,
    private readonly other: string,
  ) {
    const gone = new AbortController();
    this.gone = gone.signal;
    channel.onMessage((message) => this.take(message as Message));
    channel.onClose(() => {
      gone.abort();
      for (const { reject } of this.waiting.values()) reject(this.goneError());
      for (const call of this.running.values()) call.abort();
      this.waiting.clear();
    });
  }

  /** Adds methods for the other process. A method is called with its arguments, and with a signal as the last one. */
  serve(methods: Methods): void {
    for (const [name, method] of Object.entries(methods)) this.methods.set(name, method);
  }

  /**
   * Calls a method of the other process.
   * @throws XdsError (as a rejection) of the method; STORE_AWAY if the other process is gone; TIMED_OUT if the signal
   * aborts first, which also aborts the signal that the method got
   */
  call<T>(method: string, args: readonly unknown[] = [], signal?: AbortSignal): Promise<T> {
    if (this.gone.aborted) return Promise.reject(this.goneError());
    if (signal?.aborted) return Promise.reject(this.lateError(method));
    const id = ++this.last;
    return new Promise<T>((resolve, reject) => {
      const cancel = () => {
        this.waiting.delete(id);
        this.post({ kind: "cancel", id });
        reject(this.lateError(method));
      };
      const ended =
        <A>(end: (value: A) => void) =>
        (value: A) => {
          signal?.removeEventListener("abort", cancel);
          end(value);
        };
      this.waiting.set(id, { resolve: ended(resolve as (value: unknown) => void), reject: ended(reject) });
      signal?.addEventListener("abort", cancel, { once: true });
      this.post({ kind: "call", id, method, args });
    });
  }

  /** Calls a method of the other process without waiting for a result. */
  tell(method: string, ...args: readonly unknown[]): void {
    this.post({ kind: "event", method, args });
  }

  private post(message: Message): void {
    this.channel.send(message);
  }

  private take(message: Message): void {
    switch (message.kind) {
      case "call":
        void this.answer(message.id, message.method, message.args);
        return;
      case "event":
        (this.methods.get(message.method) as ((...args: readonly unknown[]) => unknown) | undefined)?.(...message.args);
        return;
      case "cancel":
        this.running.get(message.id)?.abort();
        return;
      case "result":
        this.settle(message.id, ({ resolve }) => resolve(message.value));
        return;
      case "error":
        this.settle(message.id, ({ reject }) => reject(new XdsError(message.code, message.message)));
    }
  }

  private settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (waiting) how(waiting);
  }

  private async answer(id: number, name: string, args: readonly unknown[]): Promise<void> {
    const running = new AbortController();
    this.running.set(id, running);
    try {
      const method = this.methods.get(name) as ((...args: readonly unknown[]) => unknown) | undefined;
      if (!method) throw new XdsError("INTERNAL", `this process has no method ${name}`);
      this.post({ kind: "result", id, value: await method(...args, running.signal) });
    } catch (error) {
      const code = error instanceof XdsError ? error.code : "INTERNAL";
      this.post({ kind: "error", id, code, message: messageOf(error) });
    } finally {
      this.running.delete(id);
    }
  }

  private readonly goneError = () => new XdsError("STORE_AWAY", `${this.other} is gone`);
  private readonly lateError = (method: string) =>
    new XdsError("TIMED_OUT", `${this.other} has not answered ${method} in time`);
}
