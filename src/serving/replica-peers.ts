import { XdsError } from "../errors.js";
import type { Member } from "../fleet/membership.js";
import { NetworkPeer, type OwnCertificate } from "../fleet/network/network-peer.js";
import type { Peer, Peers } from "../fleet/peer.js";
import type { ReplicaRecord } from "../fleet/replica.js";
import { isLoopback } from "../server/access/loopback.js";

/** How this replica reaches others. */
export interface Dialing {
  /** The certificate of this replica. undefined without TLS. */
  readonly own: OwnCertificate | undefined;
  /** Whether this replica itself listens beyond loopback without TLS. */
  readonly isInsecure: boolean;
}

/** The other replicas, by their connections. A connection is opened when a replica is asked for the first time. */
export class ReplicaPeers implements Peers {
  private readonly peers = new Map<string, { readonly key: string; readonly peer: Peer; close?(): void }>();

  constructor(private readonly dialing: () => Dialing) {}

  get others(): readonly Peer[] {
    return Array.from(this.peers.values(), ({ peer }) => peer);
  }

  /** Takes the members that are present now. Connections to others are closed. */
  update(members: readonly Member[]): void {
    const present = new Set(members.map(({ id }) => id));
    for (const id of [...this.peers.keys()]) if (!present.has(id)) this.drop(id);
    const dialing = this.dialing();
    for (const { id, record } of members) {
      const { address, token, certificate } = record ?? {};
      const own = dialing.own && Buffer.from(dialing.own.cert as Uint8Array).toString("base64");
      const key = JSON.stringify([address, token, certificate, own, dialing.isInsecure]);
      if (this.peers.get(id)?.key === key) continue;
      this.drop(id);
      const why = record ? whyNot(record, dialing) : "its entry in the store cannot be read";
      const network = record && why === undefined ? new NetworkPeer(id, record, dialing.own) : undefined;
      const peer = network ?? silentPeer(id, record?.address ?? `replica ${id}`, why ?? "");
      this.peers.set(id, { key, peer, ...(network && { close: () => network.close() }) });
    }
  }

  close(): void {
    for (const id of [...this.peers.keys()]) this.drop(id);
  }

  private drop(id: string): void {
    this.peers.get(id)?.close?.();
    this.peers.delete(id);
  }
}

/** Why a replica must not be asked: its token would travel unprotected. */
export function whyNot({ address, certificate }: ReplicaRecord, { own, isInsecure }: Dialing): string | undefined {
  if (certificate !== undefined) return undefined;
  if (own) return "it has no TLS, and this replica has; give all of them certificates";
  const host = address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  if (isLoopback(host) || isInsecure) return undefined;
  return "it is on another machine and has no TLS; only a replica that listens beyond loopback without TLS itself (--insecure) asks it";
}

const silentPeer = (id: string, name: string, why: string): Peer => ({
  ...{ id, name },
  ask: () => Promise.reject(new XdsError("STREAM_ENDED", why)),
});
