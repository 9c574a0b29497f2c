/** What has passed of one type in one variant since the server was made; it only grows. */
export interface Traffic {
  /** ACKs and NACKs included. */
  requests: number;
  acks: number;
  nacks: number;
  responses: number;
  /** In the responses; what is removed and heartbeats are not counted. */
  resources: number;
  /** Of the responses, before compression and framing. */
  bytes: number;
}

/** The traffic of one variant, by type URL. Only types of the table come here, so that clients cannot make it grow. */
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
