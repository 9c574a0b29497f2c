/** Counts of one type in one variant since the server was made. */
export interface Traffic {
  /** ACKs and NACKs included. */
  requests: number;
  acks: number;
  nacks: number;
  responses: number;
  /** Resources in responses. Removals and heartbeats do not count. */
  resources: number;
  /** Bytes of responses, before compression and framing. */
  bytes: number;
}

/**
 * The traffic of one variant, by type URL. Only types in the table are counted, so clients cannot make the map grow.
 */
export class TrafficByType {
  private readonly byType = new Map<string, Traffic>();

  of(typeUrl: string): Traffic {
    let traffic = this.byType.get(typeUrl);
    if (!traffic) {
      traffic = { requests: 0, acks: 0, nacks: 0, responses: 0, resources: 0, bytes: 0 };
      this.byType.set(typeUrl, traffic);
    }
    return traffic;
  }

  all(): Iterable<[string, Traffic]> {
    return this.byType;
  }
}
