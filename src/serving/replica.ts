import { randomBytes, X509Certificate } from "node:crypto";
import { isIPv6 } from "node:net";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { packageVersion } from "../../gen/built-in.js";
import { askPeers } from "../fleet/ask-peers.js";
import { Membership } from "../fleet/membership.js";
import type { PeerQuestion } from "../fleet/peer.js";
import type { ReplicaRecord, Served } from "../fleet/replica.js";
import type { Logger } from "../logger.js";
import { isLoopback } from "../server/access/loopback.js";
import type { TokenPeerHost } from "../server/peers/peer-service.js";
import type { XdsServer } from "../server/xds-server.js";
import type { Address } from "../server/xds-server-options.js";
import type { TlsFileContents } from "../source/secrets/tls-files.js";
import { Balancer } from "./balancer.js";
import { Fleet, type FleetOptions } from "./fleet.js";
import { ReplicaPeers } from "./replica-peers.js";
import type { ReplicaStore } from "./replica-store.js";
import { ServedProgress } from "./served-progress.js";

export interface ReplicaOptions {
  readonly server: () => XdsServer;
  readonly served: () => Served;
  /** The certificate of the server's port. undefined without TLS. */
  readonly certificate: () => TlsFileContents | undefined;
  readonly advertise: string | undefined;
  /** As {@link FleetOptions.evidence}. */
  readonly evidence: FleetOptions["evidence"];
  /** Whether nodes may be moved to other replicas now. undefined: they never are. */
  readonly mayMove: (() => boolean) | undefined;
  readonly logger: Logger;
}

/** A server as one of those that share a store: it announces itself there, knows the others, and asks them. */
export class Replica implements TokenPeerHost {
  readonly token = randomBytes(32).toString("base64url");
  readonly fleet: Fleet;
  readonly progress: ServedProgress;
  private readonly peers: ReplicaPeers;
  private readonly startedAt = Date.now();
  private readonly closing = new AbortController();
  private membership: Membership | undefined;
  private balancer: Balancer | undefined;
  private checking: Promise<void> | undefined;
  private listens: Address = { host: "127.0.0.1", port: 0 };

  constructor(
    private readonly store: ReplicaStore,
    private readonly options: ReplicaOptions,
  ) {
    const { server, served, evidence, logger } = options;
    this.peers = new ReplicaPeers(() => this.dialing());
    this.fleet = Fleet.of({ server, served, name: () => this.address, peers: this.peers, evidence, logger });
    this.progress = new ServedProgress(server, served);
  }

  /** Where others reach it. */
  get address(): string {
    return this.options.advertise ?? addressOf(this.listens);
  }

  answer(question: PeerQuestion, signal: AbortSignal): Promise<Uint8Array> {
    return this.fleet.answer(question, signal);
  }

  /** Announces this server, which listens on this address, and follows the others. */
  start(listens: Address): void {
    this.listens = listens;
    this.progress.look();
    this.membership = new Membership(this.store, {
      own: () => this.record(),
      onChange: () => this.peers.update(this.membership?.others ?? []),
      logger: this.options.logger,
    });
    this.checking = this.checkAddress();
    const { server, mayMove, logger } = this.options;
    if (!mayMove) return;
    this.balancer = new Balancer({
      ...{ balance: server().balance, streams: () => server().load.streams, loads: () => this.fleet.loads() },
      // While the store is away, the list of the others may be old.
      ...{ mayMove: () => !this.store.away && mayMove(), logger },
    });
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.balancer?.close();
    await this.progress.close();
    await this.membership?.close();
    await this.checking;
    this.peers.close();
  }

  private dialing() {
    const own = this.options.certificate();
    return { own, isInsecure: own === undefined && !isLoopback(this.listens.host) };
  }

  private record(): ReplicaRecord {
    const { options, address, token, startedAt, progress } = this;
    const contents = options.certificate();
    const { applied, lacking } = progress;
    return {
      ...{ address, token, version: packageVersion, startedAt },
      ...(contents && { certificate: new X509Certificate(contents.cert).toString() }),
      served: options.served(),
      ...(applied && { applied }),
      ...(lacking && { lacking }),
    };
  }

  /** Warns if the server does not reach itself at the address that it announces. */
  private async checkAddress(): Promise<void> {
    const { address, token } = this;
    const { signal } = this.closing;
    const self = new ReplicaPeers(() => this.dialing());
    try {
      let why: string | undefined;
      for (let tries = 0; tries < 2; tries++) {
        self.update([{ id: token, record: this.record() }]);
        [{ why } = { why: undefined }] = (await askPeers(self.others, { ask: "load" }, checkMs, signal)).silent;
        if (why === undefined) return;
        await sleep(checkMs, undefined, { signal, ref: false });
      }
      this.options.logger.warn(
        { address, error: why },
        "this replica does not reach itself at the address that it announces to other replicas; --advertise sets another one",
      );
    } catch {
      // The server is closed.
    } finally {
      self.close();
    }
  }
}

/** How long the answer of the own address may take, and how long the second try waits, in milliseconds. */
const checkMs = 3_000;

/** The address that others reach. A server that listens on every address is reached by the name of its host. */
function addressOf({ host, port }: Address): string {
  const name = host === "0.0.0.0" || host === "::" ? hostname() : host;
  return `${isIPv6(name) ? `[${name}]` : name}:${port}`;
}
