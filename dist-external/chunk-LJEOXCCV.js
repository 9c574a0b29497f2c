import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  atOnceOf,
  barredAs,
  isFrozen
} from "./chunk-U7CKKRTO.js";
import {
  resourceType
} from "./chunk-C24J2H5X.js";

// dist/control/reports.js
var isoTime = (ms) => new Date(ms).toISOString();
function revisionReport(revision, head, live) {
  const { number, parent, at, by, message, source, content, counts, groups, rules } = revision;
  const barred = barredAs(head, content);
  const state = number === head.stable ? "stable" : number === head.rollout?.revision ? "candidate" : barred && "barred";
  return {
    revision: number,
    parent,
    at: isoTime(at),
    by,
    ...message !== void 0 && { message },
    ...source !== void 0 && { source },
    content,
    ...state && { state },
    ...state === "barred" && barred && { why: barred.why },
    counts: Object.fromEntries(Object.entries(counts).map(([typeUrl, count]) => [resourceType(typeUrl).name, count])),
    layers: Object.keys(groups),
    ...rules !== void 0 && { rules },
    live: live.map((typeUrl) => resourceType(typeUrl).name)
  };
}
var heldReport = ({ content, reasons, at }) => ({
  content,
  at: isoTime(at),
  reasons
});
var barredReport = ({ at, ...barred }) => ({ ...barred, at: isoTime(at) });
function rolloutReport(head, now, { content, held, evidence }) {
  const { rollout, frozen } = head;
  const atOnce = atOnceOf(head, now);
  return {
    stable: head.stable,
    ...rollout && content !== void 0 && { candidate: candidateReport(rollout, content, evidence) },
    ...frozen && isFrozen(head, now) && { frozen: freezeReport(frozen) },
    ...atOnce && { atOnce: { ...atOnce, until: isoTime(atOnce.until) } },
    ...held && { held: heldReport(held) },
    barred: head.barred.map(barredReport)
  };
}
function candidateReport({ revision, startedAt, wave, share, first, state, since, waitsFor, paused }, content, evidence) {
  return {
    ...{ revision, content, startedAt: isoTime(startedAt), wave, share, first, state, since: isoTime(since) },
    ...waitsFor !== void 0 && { waitsFor },
    ...paused && { paused },
    ...evidence !== void 0 && { evidence }
  };
}
var freezeReport = ({ by, why, at, until }) => ({
  ...{ by, why, at: isoTime(at) },
  ...until !== void 0 && { until: isoTime(until) }
});

export {
  isoTime,
  revisionReport,
  heldReport,
  barredReport,
  rolloutReport
};
