import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/in-turns.js
import { setImmediate as nextTurn } from "node:timers/promises";
var sliceMs = 5;
function* inOneStep(work) {
  return work();
}
function allAtOnce(work) {
  for (; ; ) {
    const step = work.next();
    if (step.done)
      return step.value;
  }
}
function doSlice(work, ms = sliceMs, now = () => performance.now()) {
  const until = now() + ms;
  for (; ; ) {
    const step = work.next();
    if (step.done || now() > until)
      return step;
  }
}
async function inTurns(work, signal, slice = doSlice) {
  for (; ; ) {
    signal?.throwIfAborted();
    const step = slice(work);
    if (step.done)
      return step.value;
    await nextTurn();
  }
}

export {
  sliceMs,
  inOneStep,
  allAtOnce,
  doSlice,
  inTurns
};
