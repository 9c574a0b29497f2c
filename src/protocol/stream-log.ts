import type { Node } from "../cache/config-watcher.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import { longestTypeUrl } from "./request-checks.js";
import type { StreamInfo } from "./stream-events.js";

/** How many unknown type URLs are remembered per stream, to log each once. */
const maxUnknownTypes = 16;

/** What one stream logs. A warning about the client or its configuration is logged once per stream. */
export class StreamLog {
  private readonly unknownTypes = new Set<string>();
  private readonly logged = new Set<string>();

  constructor(
    private readonly stream: StreamInfo,
    private readonly logger: Logger,
  ) {}

  /** Whether the client has asked for a type that is not served. */
  get hasUnknownTypes(): boolean {
    return this.unknownTypes.size > 0;
  }

  otherNode(node: Node, other: Node): void {
    this.once(
      { node: node.id, other: other.id },
      "a later request names another node; the stream stays the first one's",
    );
  }

  notConfigured({ id, cluster }: Node, typeUrl: string): void {
    this.once({ node: id, cluster, typeUrl }, "nothing is configured for this node; it waits until something is");
  }

  /** `isKnown`: there is a resource type with this type URL, but no cache serves it. Logged once per type URL. */
  unknownType(typeUrl: string, isKnown: boolean): void {
    if (typeUrl.length > longestTypeUrl || this.unknownTypes.has(typeUrl)) return;
    if (this.unknownTypes.size >= maxUnknownTypes) return;
    this.unknownTypes.add(typeUrl);
    const why = isKnown ? "no cache serves this type" : "no resource type has this type URL";
    this.warn({ node: this.stream.node?.id, typeUrl }, `${why}; the subscription stays silent`);
  }

  largeResponse(typeUrl: string, bytes: number, maxResponseBytes: number): void {
    this.once(
      { node: this.stream.node?.id, typeUrl, bytes, maxResponseBytes },
      "a response is larger than maxResponseBytes and cannot be divided; raise the client's limit of message size (gRPC: max_receive_message_length, 4 MiB by default), or use incremental xDS",
    );
  }

  leftoversForgotten(kept: number): void {
    this.once(
      { node: this.stream.node?.id, kept },
      "old listeners of this client refer to too many names; the oldest may be removed before the listeners have drained",
    );
  }

  callbackFailed(callback: string, error: unknown): void {
    const { id, peer } = this.stream;
    this.logger.error({ stream: id, peer, callback, error: messageOf(error) }, "a callback failed");
  }

  private once(fields: Record<string, unknown>, message: string): void {
    if (this.logged.has(message)) return;
    this.logged.add(message);
    this.warn(fields, message);
  }

  private warn(fields: Record<string, unknown>, message: string): void {
    const { id, peer } = this.stream;
    this.logger.warn({ stream: id, peer, ...fields }, message);
  }
}
