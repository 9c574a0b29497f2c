import { Resource } from "../resource/resource.js";
import type { Difference } from "./diff.js";
import type { NackEntry } from "./ledger.js";

/** What the client is known to have of a name; `version` undefined: nothing. A {@link Resource} is one. */
export interface Held {
  readonly version: string | undefined;
}

/** A name that the client still asks for, and perhaps still uses, although it was told that the resource is gone. */
export class Gone implements Held {
  readonly version = undefined;
  constructor(readonly inUse: readonly Resource[]) {}
}

/** A name whose last response was refused. `version` is what the client still has, "" where that cannot be known. */
export class Refusal implements Held {
  constructor(
    readonly version: string | undefined,
    /** What was refused; undefined: its removal. */
    readonly refused: Resource | undefined,
    /** When, and why. */
    readonly nack: NackEntry,
    /** Refused together; when one of them changes, all go again. */
    readonly response: Sent,
    /** What the client had when it refused. */
    readonly had: Resource | undefined,
    /** What the client may be using, for all that we know. */
    readonly inUse: readonly Resource[],
  ) {}
}

/** The resource that a client has, or had last, of a name. */
export function resourceOf(has: Held | undefined): Resource | undefined {
  if (has instanceof Resource) return has;
  return has instanceof Refusal ? has.had : undefined;
}

/** Every resource of a name that a client may be using, for all that is written down here. */
export function inUse(has: Held | undefined): readonly Resource[] {
  if (has instanceof Resource) return [has];
  return has instanceof Gone || has instanceof Refusal ? has.inUse : [];
}

/** What to repeat of a name that has to stay on the client: what it had for sure, else what it may have taken of what it refused. */
export function repeatable(has: Held): Resource | undefined {
  return resourceOf(has) ?? inUse(has).at(-1);
}

/** A response on its way, until it is ACKed or NACKed. */
export interface Sent extends Difference {
  readonly nonce: string;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** It answers what was asked for, and nothing else that has changed. */
  readonly partial: boolean;
}
