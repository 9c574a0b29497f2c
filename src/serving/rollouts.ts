import type { StartSpan } from "../admin/tracing.js";
import type { SnapshotCache } from "../cache/snapshot-cache.js";
import type { Logger } from "../logger.js";
import type { Revisions } from "../revisions/revisions.js";
import type { Gate } from "../rollout/gate.js";
import { LoadReportGate, type LoadSource } from "../rollout/gates/load-report-gate.js";
import { sumOf } from "../rollout/gates/two-proportions.js";
import { bakeMsOf, defaultPolicy, type GateVerdict, type Rollout, type RolloutPolicy } from "../rollout/rollout.js";
import type { Callbacks } from "../server/callbacks.js";
import type { XdsServer } from "../server/xds-server.js";
import type { Store } from "../store/store.js";
import type { HeadFollower } from "./head-follower.js";
import { Leadership } from "./leadership.js";
import { type AsksOthers, type EvidenceLine, OtherEvidence } from "./other-evidence.js";
import { RolloutDriver, type RolloutObserver } from "./rollout-driver.js";
import { type Observed, RolloutEvidence } from "./rollout-evidence.js";
import { RolloutNotices } from "./rollout-notices.js";
import type { WebhookOptions } from "./webhook-queue.js";

/** How changes are rolled out. */
export interface RolloutsOptions {
  /** The parts of {@link defaultPolicy} that differ. */
  readonly policy?: Partial<RolloutPolicy>;
  /**
   * The checks of each wave in addition to the fixed ones: nodes must apply the change, refuse nothing, and stay
   * connected.
   */
  readonly gates?: readonly Gate[];
  /** Gets a POST when a rollout is held, is rolled back, or is done. By default there is none. */
  readonly webhook?: WebhookOptions;
  readonly startSpan?: StartSpan;
  /** @internal The servers that share the store. */
  readonly fleet?: AsksOthers | undefined;
  /** @internal How often these servers are asked, in milliseconds. */
  readonly askEveryMs?: number;
  /** @internal Whether another process decides. Then the nodes are only watched here, for that process. */
  readonly isDriven?: boolean;
}

/** Runs the rollouts of one server: it watches the nodes, asks the gates, and goes forward or back. */
export class Rollouts {
  private readonly evidence: RolloutEvidence;
  private readonly others: OtherEvidence | undefined;
  private readonly notices: RolloutNotices;
  private policy: RolloutPolicy;
  private driver: RolloutDriver | undefined;
  private follower: HeadFollower | undefined;
  /** @internal Starts the span of each wave. Set it before {@link Rollouts.open}. */
  startSpan: StartSpan | undefined;
  private leadership: Leadership | undefined;
  private stopFollowing: () => void = () => {};

  /** `server` returns the server, which is made later, because it needs {@link Rollouts.callbacks}. */
  constructor(
    cache: SnapshotCache,
    private readonly server: () => XdsServer,
    private readonly logger: Logger,
    private readonly options: RolloutsOptions,
  ) {
    const { policy, webhook, startSpan } = options;
    this.policy = { ...defaultPolicy, ...policy };
    const { fleet, askEveryMs } = options;
    this.others = fleet && new OtherEvidence(fleet, askEveryMs);
    this.evidence = new RolloutEvidence(cache, {
      served: () => this.follower?.served,
      nodes: (selector) => server().nodes(selector),
      loads: () => server().nodeLoads,
      ...(this.others && { elsewhere: (rollout: Rollout) => (this.others as OtherEvidence).view(rollout) }),
    });
    this.startSpan = startSpan;
    this.notices = new RolloutNotices({
      ...{ logger, startSpan: (name) => this.startSpan?.(name) },
      ...(webhook && { webhook }),
    });
  }

  /** The server whose nodes are watched must call these. */
  get callbacks(): Callbacks {
    return this.evidence.callbacks;
  }

  /**
   * Starts with the present rollout of a store, and follows later ones. `follower` shows them in the cache. `shared` is
   * the store, if other servers have it too: one of them leads.
   */
  open(revisions: Revisions, follower: HeadFollower, shared?: Store): void {
    const { nodeLoads } = this.server();
    this.follower = follower;
    if (this.options.isDriven) return;
    const onGained = () => {
      this.driver?.takeOver();
      this.driver?.wake();
    };
    this.leadership = shared && new Leadership(shared, { logger: this.logger, onGained });
    this.driver = new RolloutDriver(revisions, {
      policy: this.policy,
      evidence: this.evidence,
      gates: [...(nodeLoads ? [new LoadReportGate(this.loadsOf(nodeLoads))] : []), ...(this.options.gates ?? [])],
      observer: this.observed(),
      ...(this.leadership && { leadership: this.leadership }),
      logger: this.logger,
    });
    const { driver, others } = this;
    if (others) {
      others.onChange = () => driver.wake();
      this.stopFollowing = revisions.onMove(({ rollout }) => others.follow(rollout?.id));
      others.follow(revisions.head.rollout?.id);
    }
    driver.open();
  }

  /** @internal What has changed about the nodes of this server since a mark, for other servers. */
  changesSince(rollout: string, mark: string | undefined): Omit<EvidenceLine, "by"> {
    return this.evidence.changesSince(rollout, mark);
  }

  /** The loads that nodes have reported, to this server and to others. */
  private loadsOf(own: LoadSource): LoadSource {
    return {
      get: (node) => {
        const rollout = this.follower?.served?.head.rollout;
        const theirs = (rollout && this.others?.view(rollout).facts) ?? [];
        const all = [own.get(node), ...theirs.map((facts) => facts.get(node)?.load)].filter(
          (load) => load !== undefined,
        );
        if (all.length < 2) return all[0];
        return { total: sumOf(all.map(({ total }) => total)), recent: sumOf(all.map(({ recent }) => recent)) };
      },
    };
  }

  /** How many rollouts were done, and how many were rolled back. Each is counted by one of the servers of a store. */
  readonly ended = { done: 0, rolledBack: 0 };

  private observed(): RolloutObserver {
    const { notices, ended } = this;
    return {
      began: (rollout) => notices.began(rollout),
      decided: (decision) => {
        if ("end" in decision.outcome && decision.by !== "other server") ended[decision.outcome.end]++;
        notices.decided(decision);
      },
      replaced: (rollout) => notices.replaced?.(rollout),
    };
  }

  /** Call it when the cache shows another head. */
  wake(): void {
    this.driver?.wake();
  }

  /** Applies another policy from now on. */
  use(policy: Partial<RolloutPolicy>): void {
    this.policy = { ...defaultPolicy, ...policy };
    this.driver?.use(this.policy);
  }

  /**
   * The evidence of the nodes now, and the gates' last verdicts. `bakeEndsAt` is the end of the bake by the present
   * policy, in milliseconds since 1970. Without a bake it is absent.
   */
  report(): Observed & { readonly gates: readonly GateVerdict[]; readonly bakeEndsAt?: number } {
    const rollout = this.follower?.served?.head.rollout;
    return {
      ...this.evidence.observe(),
      gates: this.driver?.verdicts ?? [],
      ...(rollout?.state === "baking" && { bakeEndsAt: rollout.since + bakeMsOf(rollout, this.policy) }),
    };
  }

  /** Stops. Resolves when a step that has begun is stored, and no notice is being sent. */
  async close(): Promise<void> {
    this.stopFollowing();
    this.others?.close();
    await this.driver?.close();
    await this.leadership?.close();
    await this.notices.close();
  }
}
