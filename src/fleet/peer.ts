/**
 * A question to a peer. It is plain JSON.
 *
 * - `status`: which nodes are connected, or one of them, and what each has applied.
 * - `applied`: whether all nodes, or those of a group, have applied what is served. The peer first waits until it
 *   serves at least this stable revision and these live resources.
 * - `evidence`: what has changed about the nodes in a rollout since an earlier answer. `since` has the mark of the
 *   last answer of each source.
 * - `clients`: the answer of the client status service, see `ClientStatusQuestion`.
 * - `load`: how many streams are open, see {@link ReplicaLoad}.
 */
export type PeerQuestion =
  | { readonly ask: "status"; readonly node?: string }
  | {
      readonly ask: "applied";
      readonly group?: string;
      readonly stable: number;
      readonly live: number;
      readonly timeoutMs: number;
    }
  | { readonly ask: "evidence"; readonly rollout: string; readonly since: Readonly<Record<string, string>> }
  | { readonly ask: "clients"; readonly form: "protobuf" | "json"; readonly request: string }
  | { readonly ask: "load" };

/** The answer to the question `load`. */
export interface ReplicaLoad {
  /** How many streams are open, and how many may be. */
  readonly streams: number;
  readonly limit: number;
  /** Whether it serves a configuration, and takes new streams. */
  readonly accepts: boolean;
}

/**
 * Another process that serves the same configuration: a replica that is reached over the network, or a worker of this
 * host.
 */
export interface Peer {
  /** Another one for each process. */
  readonly id: string;
  /** Its name in reports and messages. Two replicas may have the same one, by mistake. */
  readonly name: string;
  /**
   * Asks the peer. An answer is a list: of JSON values, each with a line feed behind it, or of `packPieces()`. So the
   * answers of several peers are put together by putting their bytes behind each other.
   * @throws XdsError (as a rejection) LIMIT_EXCEEDED if the question is beyond a limit of the peer; another code, such
   * as STREAM_ENDED, if the peer does not answer it. An aborted `signal` ends the question with its reason.
   */
  ask(question: PeerQuestion, signal: AbortSignal): Promise<Uint8Array>;
}

/** The peers of this process. The list changes when processes come and go. */
export interface Peers {
  readonly others: readonly Peer[];
}

/** Answers the questions of peers, for this process. */
export interface PeerHost {
  /** As {@link Peer.ask}. */
  answer(question: PeerQuestion, signal: AbortSignal): Promise<Uint8Array>;
}
