import { hash } from "node:crypto";
import { cutText } from "../../cut-text.js";
import type { LedgerEntry, NackEntry } from "../../protocol/ledger.js";
import type { Response } from "../../protocol/response.js";
import type { ResourceType } from "../../resource/xds-api.js";
import { type Node, userAgentVersion } from "../../schema/node.js";
import type { DiscoveryRequest, ErrorDetail } from "../../wire/messages.js";
import { mergedStatus, type SyncState, type TypeStatus, worstState } from "./status.js";

/** The status of a node that polls over REST, from its last requests. Times are in milliseconds since 1970. */
export interface PollingNode {
  readonly id: string;
  readonly cluster: string;
  /** The client's `user_agent_name` and its version. "" if its requests have none. */
  readonly agent: string;
  readonly version: string;
  /** The address of its last request. */
  readonly peer: string;
  readonly firstPollAt: number;
  readonly lastPollAt: number;
  /** The worst state of its types, each from its last request. */
  readonly state: SyncState;
  /** Its types, in the order in which a change is sent. */
  readonly types: readonly TypeStatus[];
}

type KnownNode = Omit<PollingNode, "state" | "types">;

/** The last answer to one list of names of one type that a node polls, and the version that the node has. */
interface Poll {
  readonly nodeId: string;
  readonly type: ResourceType;
  /** When the node polled it last, as of `performance.now()`. */
  readonly polledAt: number;
  readonly wildcard: boolean;
  readonly names: number;
  /** Whether the last answer had a version that the node did not have yet. */
  readonly isAnswered: boolean;
  readonly sent: LedgerEntry | undefined;
  readonly acked: LedgerEntry | undefined;
  readonly nacked: NackEntry | undefined;
}

/** After this many milliseconds without a request, a poll is forgotten. */
const forgetAfterMs = 600_000;
/** A node whose id or version has more characters is ignored. Other texts are cut to this length. */
const longestText = 256;

const unexplainedNack = {
  code: 0,
  message: "the node still requests with its previous version, so it has not taken this one; its own log says why",
};

/**
 * The nodes that poll over REST. A request has the version that the node has now, which shows whether it took the
 * previous answer. An Envoy that has refused an answer sends no reason: its next request has the old version again.
 */
export class PollingNodes {
  /** The polls, the least recent first. */
  private readonly polls = new Map<string, Poll>();
  /** The nodes that have polls, by id. */
  private readonly nodes = new Map<string, KnownNode & { polls: number }>();

  /** `mostPolls` is the most polls that are kept. Above it, the least recent are forgotten. */
  constructor(private readonly mostPolls = 20_000) {}

  /**
   * Records a request. `response` is undefined if the node already has the served version. A node without an id is
   * ignored, because nothing distinguishes it from others.
   */
  polled(
    type: ResourceType,
    node: Node,
    request: DiscoveryRequest,
    peer: string,
    response: Response | undefined,
  ): void {
    if (node.id === "" || Math.max(node.id.length, request.versionInfo.length) > longestText) return;
    const at = Date.now();
    // The names are part of the key: an Envoy polls the endpoints of each cluster separately.
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
    const polledAt = performance.now();
    this.polls.set(key, { nodeId: node.id, type, polledAt, ...pollOf(request, response, before, at) });
    this.forget();
  }

  /** All known nodes, each with the types that it polls. */
  all(): PollingNode[] {
    this.forget();
    const typesOf = new Map<string, Map<ResourceType, TypeStatus>>();
    for (const poll of this.polls.values()) {
      const types = typesOf.get(poll.nodeId) ?? new Map<ResourceType, TypeStatus>();
      typesOf.set(poll.nodeId, types);
      const known = types.get(poll.type);
      types.set(poll.type, known ? mergedStatus(known, typeStatus(poll)) : typeStatus(poll));
    }
    return Array.from(this.nodes, ([id, { polls: _, ...node }]) => {
      const types = [...(typesOf.get(id) ?? [])].sort(([a], [b]) => a.order - b.order).map(([, status]) => status);
      return { ...node, state: worstState(types.map(({ state }) => state)), types };
    });
  }

  private forget(): void {
    const now = performance.now();
    for (const [key, { nodeId, polledAt }] of this.polls) {
      if (this.polls.size <= this.mostPolls && now - polledAt < forgetAfterMs) return;
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
): Omit<Poll, "nodeId" | "type" | "polledAt"> {
  const { sent, acked } = before ?? {};
  // The node was sent another version, and still requests with the version from before.
  const isRefused = sent !== undefined && sent.version !== versionInfo && (acked?.version ?? "") === versionInfo;
  const entry = (version: string) => ({ version, nonce: "", at });
  return {
    wildcard: resourceNames.length === 0 || resourceNames.includes("*"),
    names: resourceNames.filter((name) => name !== "*").length,
    isAnswered: response !== undefined,
    sent: response ? entry(response.versionInfo) : sent,
    acked: acked?.version === versionInfo ? acked : versionInfo === "" ? undefined : entry(versionInfo),
    ...(response && (errorDetail || isRefused)
      ? {
          nacked: {
            ...entry(sent?.version ?? ""),
            error: errorDetail ? shortened(errorDetail) : unexplainedNack,
            names: [],
          },
        }
      : { nacked: undefined }),
  };
}

function typeStatus({ type, isAnswered, wildcard, names, sent, acked, nacked }: Poll): TypeStatus {
  const state = nacked ? "ERROR" : isAnswered ? "STALE" : "SYNCED";
  return { typeUrl: type.typeUrl, state, wildcard, names, sent, acked, nacked, retryAt: undefined, waits: [] };
}

const shortened = ({ code, message }: ErrorDetail): ErrorDetail => ({ code, message: cut(message) });

const cut = (text: string) => cutText(text, longestText);
