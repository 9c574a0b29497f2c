/** What an admin port reports about revisions. Times are in milliseconds since 1970. */
export interface RevisionFacts {
  /** The number of the revision that nodes outside of a rollout have. 0 if there is none. */
  readonly stable: number;
  /** Set where the revisions are in a store that several servers share. `away`: since when it has not answered. */
  readonly store?: { readonly away?: { readonly since: number; readonly error: string } };
  /** The rollout that is going on. */
  readonly rollout?: {
    readonly revision: number;
    /** 0: the first node. */
    readonly wave: number;
    /** The share of the other nodes that have the revision. */
    readonly share: number;
    readonly state: string;
    readonly waitsFor?: string;
    readonly paused?: string;
  };
  /** A change that waits for somebody's approval. */
  readonly held?: { readonly content: string; readonly reasons: readonly string[]; readonly at: number };
  readonly frozen?: { readonly by: string; readonly why: string };
  /** How many contents were rolled back or undone, and are not served again. */
  readonly barred: number;
  /** How many rollouts have ended since the start, by result. */
  readonly ended: { readonly done: number; readonly rolledBack: number };
}

/** Describes a held change, a freeze, and a store that is away or empty, a line for each. */
export function* waitingLines({ held, frozen, store, stable }: RevisionFacts): Iterable<string> {
  const isServing = stable > 0;
  if (store?.away) {
    const what = isServing ? `revision ${stable} stays served` : "nothing is served until it answers";
    yield `the store is away since ${new Date(store.away.since).toISOString()}, and ${what}: ${store.away.error}`;
  } else if (store && !isServing) yield "nothing is published in the store yet; `xds publish` publishes files";
  if (held) {
    const remedy = frozen
      ? "it waits for the end of the freeze"
      : `\`xds approve ${held.content.slice(0, 12)}\` serves it`;
    yield `a change is held since ${new Date(held.at).toISOString()}: ${held.reasons.join("; ")}; ${remedy}`;
  }
  if (frozen) yield `changes are frozen by ${frozen.by}: ${frozen.why}; \`xds unfreeze\` ends that`;
}
