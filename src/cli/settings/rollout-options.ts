import type { Gate } from "../../rollout/gate.js";
import { PromqlGate } from "../../rollout/gates/promql-gate.js";
import { WebhookGate } from "../../rollout/gates/webhook-gate.js";
import type { RolloutPolicy } from "../../rollout/rollout.js";
import type { RolloutsOptions } from "../../serving/rollouts.js";
import { UsageError } from "../terminal/command.js";
import type { Settings } from "./settings.js";

/**
 * Makes the options of gradual rollouts from these settings. Returns undefined if all nodes get a change at once.
 * @throws UsageError for settings that do not go together
 */
export function rolloutOptions(settings: Settings): RolloutsOptions | undefined {
  const { rolloutStrategy, rolloutGateUrl, rolloutPromqlUrl, rolloutPromqlQuery, rolloutWebhook } = settings;
  const policy: Partial<RolloutPolicy> = {
    ...(settings.rolloutWaves && { waves: settings.rolloutWaves }),
    ...(settings.rolloutBake && { bakeMs: settings.rolloutBake }),
    ...(settings.rolloutAppliedWithin !== undefined && { appliedWithinMs: settings.rolloutAppliedWithin }),
    ...(settings.rolloutFewNodes !== undefined && { fewNodes: settings.rolloutFewNodes }),
    ...(settings.rolloutNackRetries !== undefined && { nackRetries: settings.rolloutNackRetries }),
    ...(settings.rolloutInconclusive && { inconclusive: settings.rolloutInconclusive }),
    ...(settings.rolloutMaxWait !== undefined && { maxWaitMs: settings.rolloutMaxWait }),
  };
  if ((rolloutPromqlUrl === undefined) !== (rolloutPromqlQuery === undefined))
    throw new UsageError("--rollout-promql-url and --rollout-promql-query belong together; give both");
  if ((settings.rolloutNackRetries ?? 0) > 0 && settings.retryRefused === "off")
    throw new UsageError("--rollout-nack-retries needs --retry-refused on: nothing that was refused is sent again");
  const gates: Gate[] = [
    ...(rolloutGateUrl === undefined ? [] : [new WebhookGate({ url: rolloutGateUrl })]),
    ...(rolloutPromqlUrl !== undefined && rolloutPromqlQuery !== undefined
      ? [new PromqlGate({ url: rolloutPromqlUrl, query: rolloutPromqlQuery })]
      : []),
  ];
  const isSet = Object.keys(policy).length + gates.length > 0 || rolloutWebhook !== undefined;
  if (rolloutStrategy === "all_at_once" && isSet)
    throw new UsageError("rollout.strategy is all_at_once, so no other rollout setting has an effect; leave them out");
  if (rolloutStrategy !== "gradual" && !isSet) return undefined;
  return { policy, gates, ...(rolloutWebhook !== undefined && { webhook: { url: rolloutWebhook } }) };
}
