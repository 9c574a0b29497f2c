import type { Changes } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import type { OpenChange } from "./open-change.js";

/** A version that the client reported when it connected. Its content is known only if the version is served. */
export class ReportedVersion {
  constructor(readonly version: string) {}
}

/** What a client has of a name. Undefined: nothing. */
export type ClientCopy = Resource | ReportedVersion | undefined;

/** A response that the client has not answered yet. */
export interface Delivery {
  /** What is new in the response. Shared between streams. */
  readonly changes: Changes;
  /** The part of `changes` that was not offered before. A full state also repeats what was refused. */
  readonly fresh: Changes;
  readonly nonce: string;
  readonly version: string;
  /** When it was sent, as `performance.now()`. */
  readonly at: number;
  /** Under a wildcard, the position that the client reaches with this response. */
  to: number | undefined;
  /** The response does not have all changes. It answers requested names, or is a piece of a change. */
  readonly partial: boolean;
  /** The response is a full state. A name that is not in it does not exist. Refused content in it is offered again. */
  readonly whole: boolean;
  /** The change of which the response is a piece. */
  readonly piece: OpenChange | undefined;
  /** What a full state repeats as the client has it, although something else or nothing is served. */
  readonly repeated: Changes;
  /** A retained position that shows what the client had before. Set if a later response was answered first. */
  before: number | undefined;
  /** Names that are also in a later response, which was answered first. True: that response was ACKed. */
  newer: Map<string, boolean> | undefined;
}
