#!/usr/bin/env node
import { endOnSignals, holdHangups } from "./terminal/signals.js";

// A signal may come while the other modules load.
endOnSignals();
if (process.argv[2] === "serve") holdHangups();
const { run } = await import("./run.js");
process.exit(await run(process.argv.slice(2)));
