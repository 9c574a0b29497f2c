import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/rollout/rollout.js
import { hash } from "node:crypto";
var defaultPolicy = {
  waves: [0.05, 0.25, 1],
  bakeMs: [6e4, 3e5, 6e5],
  appliedWithinMs: 6e4,
  inconclusive: "hold",
  maxWaitMs: 18e5,
  fewNodes: 5,
  nackRetries: 0
};
function isIn({ id, first, share }, node) {
  return first.includes(node) || share > 0 && hashShare(id, node) < share;
}
var hashShare = (rollout, node) => hash("sha256", `${rollout} ${node}`, "buffer").readUInt32BE() / 2 ** 32;
function begin(revision, id, affected, now, before) {
  const first = before?.first.filter((node) => affected.includes(node)) ?? [];
  const chosen = first.length > 0 ? first : firstOf(affected);
  return { id, revision, startedAt: now, first: chosen, wave: 0, share: 0, state: "applying", since: now };
}
var firstOf = (nodes) => nodes.slice().sort().slice(0, 1);
function step(rollout, policy, evidence, now) {
  const { nodes } = evidence;
  const why = reasonToGoBack(evidence, policy, now);
  if (why !== void 0)
    return { end: "rolledBack", why };
  if (rollout.paused || evidence.isFrozen)
    return { next: rollout };
  if (rollout.wave === 0 && nodes.length === 0)
    return { next: withoutFirst(rollout, evidence.affected, now) };
  if (rollout.state === "applying" && rollout.waitsFor !== void 0)
    return { next: withoutWait(rollout) };
  const waiting = nodes.find(({ pendingSince }) => pendingSince !== void 0);
  if (waiting)
    return { next: rollout };
  if (rollout.state === "applying")
    return { next: { ...rollout, state: "baking", since: now } };
  if (rollout.state === "baking" && now - rollout.since < bakeMsOf(rollout, policy))
    return { next: rollout };
  const unsure = unsureOf(evidence);
  if (unsure === void 0)
    return forward(rollout, policy, evidence.affected, now);
  if (rollout.state === "baking")
    return hold(rollout, unsure, now);
  if (now - rollout.since < policy.maxWaitMs || policy.inconclusive === "hold")
    return rollout.waitsFor === unsure ? { next: rollout } : { next: { ...rollout, waitsFor: unsure } };
  if (policy.inconclusive === "continue")
    return forward(rollout, policy, evidence.affected, now);
  return { end: "rolledBack", why: `no evidence within ${policy.maxWaitMs / 1e3} s: ${unsure}` };
}
function withoutFirst(rollout, affected, now) {
  if (affected.length > 0)
    return { ...withoutWait(rollout), first: firstOf(affected), state: "applying", since: now };
  const waitsFor = "no affected node with an id is connected";
  if (rollout.state === "applying")
    return rollout.waitsFor === waitsFor ? rollout : { ...rollout, waitsFor };
  return { ...rollout, state: "applying", since: now, waitsFor };
}
var withoutWait = ({ waitsFor: _, ...rollout }) => rollout;
var bakeMsOf = ({ wave }, { bakeMs }) => bakeMs[Math.min(wave, bakeMs.length - 1)] ?? 0;
function reasonToGoBack({ nodes, gates }, { appliedWithinMs, nackRetries }, now) {
  for (const { id, refused, refusals = 1 } of nodes)
    if (refused !== void 0 && refusals > nackRetries)
      return `node ${JSON.stringify(id)} refuses ${refused}`;
  for (const { id, lost } of nodes)
    if (lost !== void 0)
      return `node ${JSON.stringify(id)} ${lost}`;
  for (const { gate, verdict, text } of gates)
    if (verdict === "fail")
      return `gate ${gate}: ${text}`;
  for (const { id, pendingSince } of nodes)
    if (pendingSince !== void 0 && now - pendingSince >= appliedWithinMs)
      return `node ${JSON.stringify(id)} has not applied the candidate within ${appliedWithinMs / 1e3} s`;
  return void 0;
}
function unsureOf({ gates }) {
  const gate = gates.find(({ verdict }) => verdict === "inconclusive");
  return gate && `gate ${gate.gate}: ${gate.text}`;
}
var hold = (rollout, waitsFor, now) => ({
  next: { ...rollout, state: "held", since: now, waitsFor }
});
function forward(rollout, policy, affected, now) {
  if (rollout.share >= 1)
    return { end: "done" };
  const last = policy.waves.length;
  const wave = affected.length < policy.fewNodes ? last : rollout.wave + 1;
  const share = wave >= last ? 1 : policy.waves[wave - 1] ?? 1;
  return { next: { ...withoutWait(rollout), wave, share, state: "applying", since: now } };
}

// dist/rollout/head.js
var mostBarred = 100;
var emptyHead = { next: 1, stable: 0, live: 0, barred: [] };
var isFrozen = ({ frozen }, now) => frozen !== void 0 && (frozen.until === void 0 || now < frozen.until);
var barredAs = ({ barred }, content) => barred.find((one) => one.content === content);
var atOnceOf = ({ atOnce }, now) => atOnce && now < atOnce.until ? atOnce : void 0;
function serveToAll(head, revision) {
  const { rollout: _, atOnce: __, ...rest } = head;
  return { ...rest, next: Math.max(head.next, revision + 1), stable: revision };
}
function rollOut(head, revision, id, affected, now) {
  const rollout = begin(revision, id, affected, now, head.rollout);
  return { ...head, next: Math.max(head.next, revision + 1), rollout };
}
function settle(head, outcome, content, now) {
  const { rollout, ...rest } = head;
  if (!rollout)
    return head;
  const isBack = "end" in outcome && outcome.end === "rolledBack";
  if (!isBack && isFrozen(head, now))
    return head;
  if ("next" in outcome) {
    const isOld = outcome.next.paused?.why !== rollout.paused?.why || outcome.next.paused?.by !== rollout.paused?.by;
    return isOld || outcome.next === rollout ? head : { ...rest, rollout: outcome.next };
  }
  if (!isBack)
    return rollout.paused ? head : { ...rest, stable: rollout.revision };
  return bar(rest, { content, revision: rollout.revision, why: outcome.why, at: now });
}
function revert({ rollout: _, ...rest }) {
  return rest;
}
function bar(head, barred) {
  const others = head.barred.filter(({ content }) => content !== barred.content);
  return { ...head, barred: [...others, barred].slice(-mostBarred) };
}
var unbar = (head, content) => ({
  ...head,
  barred: head.barred.filter((one) => one.content !== content)
});
var pause = (head, by, why) => head.rollout ? { ...head, rollout: { ...head.rollout, paused: { by, why } } } : head;
function resume(head) {
  if (!head.rollout)
    return head;
  const { paused: _, ...rollout } = head.rollout;
  return { ...head, rollout };
}
function freeze({ atOnce: _, ...head }, frozen) {
  return { ...head, frozen };
}
function unfreeze(head) {
  const { frozen: _, ...rest } = head;
  return rest;
}

export {
  defaultPolicy,
  isIn,
  step,
  bakeMsOf,
  emptyHead,
  isFrozen,
  barredAs,
  atOnceOf,
  serveToAll,
  rollOut,
  settle,
  revert,
  bar,
  unbar,
  pause,
  resume,
  freeze,
  unfreeze
};
