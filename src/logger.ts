/** What the library logs to. A pino logger fits without an adapter. */
export interface Logger {
  /** Details that help to find a mistake. */
  debug(fields: object, message: string): void;
  /** What happens in normal operation. */
  info(fields: object, message: string): void;
  /** Something that a person should look at. */
  warn(fields: object, message: string): void;
  /** Something that failed. */
  error(fields: object, message: string): void;
}

const nothing = () => {};

/** The default logger. It discards all lines. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
