import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  waitsOf,
  waitsShown
} from "./chunk-4AEHITBM.js";
import {
  isOwnCommand
} from "./chunk-BXRIZRRP.js";
import {
  Resource
} from "./chunk-ZCNRJYSX.js";
import {
  isGlob
} from "./chunk-7P7SAT7Z.js";

// dist/server/status/status.js
function streamStatus(stream, subscriptions) {
  const { id, variant, typeUrl, peer, certificateNames, node, openedAt } = stream;
  const types = [...subscriptions].map(typeStatus);
  return { id, variant, typeUrl, peer, certificateNames, node, openedAt, types };
}
function streamsByNode(streams) {
  const nodes = /* @__PURE__ */ new Map();
  for (const stream of streams) {
    const { node, caller } = stream;
    if (!node)
      continue;
    const known = nodes.get(node.id);
    const isBetter = known && isOwnCommand(known.node) && !isOwnCommand(node);
    known?.streams.push(stream);
    if (isBetter)
      nodes.set(node.id, { node, caller, streams: known.streams });
    if (!known)
      nodes.set(node.id || stream, { node, caller, streams: [stream] });
  }
  return [...nodes.values()];
}
function nodeStates(streams) {
  const counts = { SYNCED: 0, DRAINING: 0, NOT_SENT: 0, STALE: 0, ERROR: 0 };
  for (const { streams: own } of streamsByNode(streams)) {
    const all = own.flatMap(({ subscriptions }) => [...subscriptions.values()]);
    counts[worstState(all.map(syncState))]++;
  }
  return counts;
}
function subscriptionsByType(streams) {
  const byType = /* @__PURE__ */ new Map();
  const all = streams.flatMap(({ subscriptions }) => [...subscriptions.values()]);
  for (const subscription of all.sort((a, b) => a.type.order - b.type.order)) {
    const { typeUrl } = subscription.type;
    const known = byType.get(typeUrl);
    if (known)
      known.push(subscription);
    else
      byType.set(typeUrl, [subscription]);
  }
  return byType;
}
var states = ["SYNCED", "DRAINING", "NOT_SENT", "STALE", "ERROR"];
var rankOf = (state) => states.indexOf(state);
function worstState(several) {
  let rank = 0;
  for (const state of several)
    rank = Math.max(rank, rankOf(state));
  return states[rank];
}
function mergedStatus(a, b) {
  return {
    typeUrl: a.typeUrl,
    state: worstState([a.state, b.state]),
    wildcard: a.wildcard || b.wildcard,
    names: a.names + b.names,
    sent: laterEntry(a.sent, b.sent),
    acked: laterEntry(a.acked, b.acked),
    nacked: laterEntry(a.nacked, b.nacked),
    retryAt: a.retryAt !== void 0 && b.retryAt !== void 0 ? Math.min(a.retryAt, b.retryAt) : a.retryAt ?? b.retryAt,
    waits: [...a.waits, ...b.waits].slice(0, waitsShown)
  };
}
function laterEntry(a, b) {
  return a && b ? a.at > b.at ? a : b : a ?? b;
}
function typeStatus(subscription) {
  const { type, wildcard, names, ledger } = subscription;
  const { sent, acked, nacked } = ledger;
  let retryAt;
  for (const [, at] of subscription.retries())
    retryAt = Math.min(at, retryAt ?? at);
  return {
    typeUrl: type.typeUrl,
    state: syncState(subscription),
    wildcard,
    names: names.size,
    sent,
    acked,
    nacked,
    retryAt: retryAt === void 0 ? void 0 : Math.round(performance.timeOrigin + retryAt),
    waits: waitsOf(subscription)
  };
}
function syncState(subscription) {
  const { ledger, state, upToDate, view, waiting, wildcard, names } = subscription;
  if (ledger.nacked)
    return "ERROR";
  if (state.inFlight.length > 0)
    return "STALE";
  const wantsNothing = !wildcard && names.size === 0 && subscription.hasNamed;
  if (!ledger.sent && !(upToDate && (state.hasAnything || wantsNothing)))
    return "NOT_SENT";
  if (!upToDate && view.serving)
    return "STALE";
  return waiting.size > 0 ? "DRAINING" : "SYNCED";
}

// dist/protocol/name-state.js
function* nameStatesOf(subscription) {
  const { view, wildcard, state, names, waiting } = subscription;
  const all = /* @__PURE__ */ new Set();
  if (wildcard)
    for (const { key } of view.all())
      all.add(key);
  for (const name of names)
    if (isGlob(name))
      for (const member of view.members(name))
        all.add(member.key);
    else if (!wildcard || !view.get(name))
      all.add(name);
  if (wildcard)
    for (const name of view.since(state.position).removed)
      all.add(name);
  for (const known of [state.exceptions, state.refused, waiting])
    for (const name of known.keys())
      all.add(name);
  for (const change of state.open)
    for (const name of change.names())
      all.add(name);
  for (const name of all) {
    const last = state.lastCertain(name);
    const now = view.get(name);
    const change = state.openWith(name);
    const nack = change?.blames(name) ? change.nack : void 0;
    const refused = state.refused.get(name) ?? (nack && { resource: change?.content(name), nack });
    yield {
      name,
      served: now,
      has: last instanceof Resource ? last : last && last.version === now?.version ? now : void 0,
      version: last?.version,
      isMoving: state.coming(name) !== void 0 || change?.isPending(name) === true,
      refused,
      waits: waiting.get(name)
    };
  }
}

export {
  nameStatesOf,
  streamStatus,
  streamsByNode,
  nodeStates,
  subscriptionsByType,
  rankOf,
  worstState,
  mergedStatus,
  laterEntry,
  typeStatus,
  syncState
};
