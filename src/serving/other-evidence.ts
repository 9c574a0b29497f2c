import { setTimeout as sleep } from "node:timers/promises";
import type { Answers, Silent } from "../fleet/ask-peers.js";
import type { Peer, PeerQuestion } from "../fleet/peer.js";
import { linesOf } from "../fleet/replica-report.js";
import type { Rollout } from "../rollout/rollout.js";
import type { NodeLoad } from "../server/lrs/node-loads.js";
import type { TableChanges } from "./fact-table.js";
import { hasSameNodes } from "./served-head.js";

/** What a process knows of one node. Short names, because a process may have thousands of nodes. */
export interface NodeFact {
  /**
   * `other`: connected, and the candidate does not change it. `affected`: it changes it, and the node does not have it.
   * `pending`: the node is given the candidate. `taken`: the node has applied it. Absent: not connected here.
   */
  readonly is?: "other" | "affected" | "pending" | "taken";
  /** What the node has refused of the candidate, and how often. */
  readonly refused?: readonly [text: string, refusals: number];
  /** When its last streams ended here, in milliseconds since 1970. */
  readonly ends?: readonly number[];
  /** The load that it has reported here. */
  readonly load?: NodeLoad;
}

/** The answer of one process to the question `evidence`. */
export interface EvidenceLine extends TableChanges {
  /** The id of the process. */
  readonly by: string;
  /** The rollout that its cache shows. */
  readonly shows?: Pick<Rollout, "id" | "share" | "first">;
}

/** What other processes know of the nodes in a rollout. */
export interface Elsewhere {
  /** The facts of each process, by node id. */
  readonly facts: readonly ReadonlyMap<string, NodeFact>[];
  /** The processes whose nodes are not known well enough to go forward. */
  readonly silent: readonly Silent[];
}

/** Asks others, like `Fleet`. */
export interface AsksOthers {
  readonly peers: readonly Pick<Peer, "id" | "name">[];
  ask(question: PeerQuestion, timeoutMs?: number): Promise<Answers>;
}

interface Source {
  mark: string;
  readonly facts: Map<string, NodeFact>;
  shows: EvidenceLine["shows"];
}

interface Known {
  /** When the peer answered last, as `performance.now()`. */
  at: number;
  /** By the id of the process: a peer may answer for several. */
  sources: Map<string, Source>;
}

/** How old an answer may be, in milliseconds, so that a rollout goes forward by it. */
const freshMs = 5_000;
/** How long a peer has for its answer, in milliseconds. */
const patienceMs = 2_000;

/** Follows what the peers know of the nodes in a rollout. It asks them each second while there is one. */
export class OtherEvidence {
  /** Called when an answer has come. It must not throw. */
  onChange: () => void = () => {};
  /** By the id of the peer. */
  private readonly known = new Map<string, Known>();
  private rollout = "";
  private asking: AbortController | undefined;

  constructor(
    private readonly fleet: AsksOthers,
    private readonly everyMs = 1_000,
  ) {}

  /** Follows the nodes of this rollout from now on. Without one, nobody is asked. */
  follow(rollout: string | undefined): void {
    if (rollout === this.rollout || (rollout === undefined && !this.asking)) return;
    this.asking?.abort();
    this.asking = undefined;
    this.known.clear();
    this.rollout = rollout ?? "";
    if (rollout === undefined) return;
    this.asking = new AbortController();
    void this.run(rollout, this.asking.signal);
  }

  /** What is known now of the nodes in this state of the rollout. */
  view(rollout: Rollout): Elsewhere {
    const facts: Map<string, NodeFact>[] = [];
    const silent: Silent[] = [];
    const now = performance.now();
    for (const { id, name } of this.fleet.peers) {
      const known = this.known.get(id);
      for (const source of known?.sources.values() ?? []) facts.push(source.facts);
      if (!known || now - known.at > freshMs) silent.push({ name, why: "what its nodes have applied is not known" });
      else if (
        [...known.sources.values()].some(({ shows }) => !shows || !hasSameNodes({ ...rollout, ...shows }, rollout))
      )
        silent.push({ name, why: "it does not serve this wave yet" });
    }
    return { facts, silent };
  }

  close(): void {
    this.follow(undefined);
  }

  private async run(rollout: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const since: Record<string, string> = {};
      for (const { sources } of this.known.values()) for (const [by, { mark }] of sources) since[by] = mark;
      const { answers } = await this.fleet.ask({ ask: "evidence", rollout, since }, patienceMs);
      if (signal.aborted) return;
      for (const { peer, bytes } of answers) this.takeIfGood(peer.id, bytes);
      const present = new Set(this.fleet.peers.map(({ id }) => id));
      for (const id of [...this.known.keys()]) if (!present.has(id)) this.known.delete(id);
      this.onChange();
      await sleep(this.everyMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** An answer of another form, such as of another version, counts as none. */
  private takeIfGood(id: string, bytes: Uint8Array): void {
    try {
      this.take(id, bytes);
    } catch {
      this.known.delete(id);
    }
  }

  private take(id: string, bytes: Uint8Array): void {
    const before = this.known.get(id)?.sources;
    const sources = new Map<string, Source>();
    for (const line of linesOf(bytes)) {
      const { by, mark, isWhole, entries, shows } = JSON.parse(line) as EvidenceLine;
      if (shows && !Array.isArray(shows.first)) throw new TypeError("expected the ids of the first nodes");
      const facts = (isWhole ? undefined : before?.get(by)?.facts) ?? new Map<string, NodeFact>();
      for (const [id, value] of entries)
        if (value === undefined) facts.delete(id);
        else facts.set(id, JSON.parse(value) as NodeFact);
      sources.set(by, { mark, facts, shows });
    }
    this.known.set(id, { at: performance.now(), sources });
  }
}
