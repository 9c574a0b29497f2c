import { hash } from "node:crypto";
import type { LedgerEntry, NackEntry } from "../protocol/ledger.js";
import type { DiscoveryRequest, ErrorDetail, Response } from "../protocol/messages.js";
import type { ResourceType } from "../resource/types.js";
import { type Node, userAgentVersion } from "../schema/node.js";
import { type SyncState, type TypeStatus, together, worst } from "./status.js";

/** A node that polls over REST, as its last requests tell it. Times in milliseconds since 1970. */
export interface PollingNode {
  readonly id: string;
  readonly cluster: string;
  /** What it says it is, and of which version; "": nothing. */
  readonly agent: string;
  readonly version: string;
  /** Where its last request came from. */
  readonly peer: string;
  readonly firstPollAt: number;
  readonly lastPollAt: number;
  /** The worst of its types', as of its last request for each. */
  readonly state: SyncState;
  /** In the order in which a change goes out. */
  readonly types: readonly TypeStatus[];
}

type Seen = Omit<PollingNode, "state" | "types">;

/** One list of names of one type that a node asks for: what it was answered, and what it says it has. */
interface Poll {
  readonly nodeId: string;
  readonly type: ResourceType;
  /** When it was asked last, as of `performance.now()`. */
  readonly askedAt: number;
  readonly wildcard: boolean;
  readonly names: number;
  /** It was answered something that it had not said it has. */
  readonly isAnswered: boolean;
  readonly sent: LedgerEntry | undefined;
  readonly acked: LedgerEntry | undefined;
  readonly nacked: NackEntry | undefined;
}

/** For so long, in milliseconds, is known what is asked no more. */
const patienceMs = 600_000;
/** Whose id or version has more characters is not known; of other texts no more are. */
const longestText = 256;

const noWords = {
  code: 0,
  message: "it asks again with the version that it had before, so it has not taken this one; its own log tells why",
};

/**
 * The nodes that poll over REST. A request says which version the node has, and so whether it took the answer before. An Envoy that has
 * refused one tells no more: it asks with the old version again.
 */
export class PollingNodes {
  /** What was not asked for longest first. */
  private readonly polls = new Map<string, Poll>();
  /** Those that have polls, by id. */
  private readonly nodes = new Map<string, Seen & { polls: number }>();

  /** `mostPolls`: more are not known; what was not asked for longest goes. */
  constructor(private readonly mostPolls = 20_000) {}

  /** A node without an id cannot be told from others. `response` undefined: it has this version. */
  polled(
    type: ResourceType,
    node: Node,
    request: DiscoveryRequest,
    peer: string,
    response: Response | undefined,
  ): void {
    if (node.id === "" || Math.max(node.id.length, request.versionInfo.length) > longestText) return;
    const at = Date.now();
    // An Envoy asks for the endpoints of each cluster apart.
    const key = hash("sha1", JSON.stringify([node.id, type.typeUrl, request.resourceNames]), "base64");
    const before = this.polls.get(key);
    const { firstPollAt = at, polls = 0 } = this.nodes.get(node.id) ?? {};
    this.nodes.set(node.id, {
      id: node.id,
      cluster: cut(node.cluster),
      agent: cut(node.userAgentName),
      version: cut(userAgentVersion(node)),
      peer,
      firstPollAt,
      lastPollAt: at,
      polls: before ? polls : polls + 1,
    });
    this.polls.delete(key);
    const askedAt = performance.now();
    this.polls.set(key, { nodeId: node.id, type, askedAt, ...pollOf(request, response, before, at) });
    this.forget();
  }

  /** Each with the types that it asks for. */
  all(): PollingNode[] {
    this.forget();
    const typesOf = new Map<string, Map<ResourceType, TypeStatus>>();
    for (const poll of this.polls.values()) {
      const types = typesOf.get(poll.nodeId) ?? new Map<ResourceType, TypeStatus>();
      typesOf.set(poll.nodeId, types);
      const known = types.get(poll.type);
      types.set(poll.type, known ? together(known, typeStatus(poll)) : typeStatus(poll));
    }
    return Array.from(this.nodes, ([id, { polls: _, ...seen }]) => {
      const types = [...(typesOf.get(id) ?? [])].sort(([a], [b]) => a.order - b.order).map(([, status]) => status);
      return { ...seen, state: worst(types.map(({ state }) => state)), types };
    });
  }

  private forget(): void {
    const now = performance.now();
    for (const [key, { nodeId, askedAt }] of this.polls) {
      if (this.polls.size <= this.mostPolls && now - askedAt < patienceMs) return;
      this.polls.delete(key);
      const node = this.nodes.get(nodeId);
      if (node && --node.polls === 0) this.nodes.delete(nodeId);
    }
  }
}

function pollOf(
  { versionInfo, resourceNames, errorDetail }: DiscoveryRequest,
  response: Response | undefined,
  before: Poll | undefined,
  at: number,
): Omit<Poll, "nodeId" | "type" | "askedAt"> {
  const { sent, acked } = before ?? {};
  // It was given another version, and asks with what it had before that.
  const isRefused = sent !== undefined && sent.version !== versionInfo && (acked?.version ?? "") === versionInfo;
  const entry = (version: string) => ({ version, nonce: "", at });
  return {
    wildcard: resourceNames.length === 0 || resourceNames.includes("*"),
    names: resourceNames.filter((name) => name !== "*").length,
    isAnswered: response !== undefined,
    sent: response ? entry(response.versionInfo) : sent,
    acked: acked?.version === versionInfo ? acked : versionInfo === "" ? undefined : entry(versionInfo),
    ...(response && (errorDetail || isRefused)
      ? { nacked: { ...entry(sent?.version ?? ""), error: errorDetail ? inShort(errorDetail) : noWords, names: [] } }
      : { nacked: undefined }),
  };
}

function typeStatus({ type, isAnswered, wildcard, names, sent, acked, nacked }: Poll): TypeStatus {
  const state = nacked ? "ERROR" : isAnswered ? "STALE" : "SYNCED";
  return { typeUrl: type.typeUrl, state, wildcard, names, sent, acked, nacked, retryAt: undefined, waits: [] };
}

const inShort = ({ code, message }: ErrorDetail): ErrorDetail => ({ code, message: cut(message) });

/** Copied, for a part of a text keeps all of it. */
const cut = (text: string) => (text.length > longestText ? Buffer.from(text.slice(0, longestText)).toString() : text);
