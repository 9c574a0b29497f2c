/** Messages between two processes, in both directions and in order. */
export interface Channel {
  /** Sends a message. A message that can no longer arrive is dropped, and {@link Channel.onClose} reports why. */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when the other process is gone or has closed the channel. */
  onClose(listener: () => void): void;
}

/** The parts of `process`, and of a child process, that a channel needs. */
interface Endpoint {
  send?(message: unknown, handle: undefined, options: undefined, sent: (error: Error | null) => void): boolean;
  readonly connected?: boolean;
  on(event: "message", listener: (message: unknown) => void): unknown;
  once(event: "disconnect", listener: () => void): unknown;
}

/**
 * The channel to a child process, or of this process to its parent. The child was started with `serialization:
 * "advanced"`.
 */
export const processChannel = (endpoint: Endpoint): Channel => ({
  send: (message) => {
    if (endpoint.connected) endpoint.send?.(message, undefined, undefined, () => {}); // "disconnect" reports a failure
  },
  onMessage: (listener) => void endpoint.on("message", listener),
  onClose: (listener) => void endpoint.once("disconnect", listener),
});
