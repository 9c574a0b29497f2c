/** The limits of one connection. */
export interface ConnectionLimits {
  /** How many streams may be open at once. */
  readonly streams: number;
  /** Bytes of a request's header list, as SETTINGS_MAX_HEADER_LIST_SIZE counts them. */
  readonly headerBytes: number;
  /** CONTINUATION frames in one header block. */
  readonly continuations: number;
  /** Frames per second that cost the client nothing (see FrameBudget). A burst may have ten times as many. */
  readonly controlFrames: number;
}

/** Called when a limit is exceeded. */
export interface LimitHandler {
  limitHit(limit: keyof ConnectionLimits): void;
}
