import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/cli/terminal/log-output.js
import { once } from "node:events";
import { constants, openSync } from "node:fs";
import { isatty } from "node:tty";
import sonicBoom, {} from "sonic-boom";
var maxLength = 1 << 20;
var output;
function openLogOutput(onLost) {
  const opened = new sonicBoom.SonicBoom({ fd: standardError(), maxLength, sync: false });
  let lost = 0;
  opened.on("error", () => {
  });
  opened.on("drop", () => {
    lost++;
    opened.write("");
  });
  opened.on("drain", () => {
    if (lost === 0)
      return;
    onLost(lost);
    lost = 0;
  });
  output = opened;
  return opened;
}
async function logWritten(timeoutMs) {
  const signal = AbortSignal.timeout(timeoutMs);
  for (let time = 0; output && time < 2; time++) {
    const drained = once(output, "drain", { signal }).catch(() => {
    });
    output.write("");
    await drained;
  }
}
function standardError() {
  if (!isatty(2))
    return 2;
  try {
    return openSync("/dev/fd/2", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return 2;
  }
}

export {
  openLogOutput,
  logWritten
};
