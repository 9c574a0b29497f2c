#!/usr/bin/env node
import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  endOnSignals,
  holdHangups
} from "../chunk-3HUGTRVO.js";

// dist/cli/main.js
endOnSignals();
if (process.argv[2] === "serve")
  holdHangups();
var { run } = await import("../run-QB36QC7O.js");
process.exit(await run(process.argv.slice(2)));
