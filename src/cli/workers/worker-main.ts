// The program of a worker, which the main process starts (worker-pool.ts). It serves, and ends with the main process.
import { Calls } from "../../ipc/calls.js";
import { processChannel } from "../../ipc/channel.js";
import type { WorkerStart } from "./worker-start.js";

// A terminal, and some supervisors, send signals to all processes. Only the main process acts on them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.once("disconnect", () => process.exit(1)); // the main process is gone

const calls = new Calls(processChannel(process), "the main process");
calls.serve({
  serve: async (start: WorkerStart) => {
    const { serveAsWorker } = await import("./worker.js"); // the main process can reach this one while modules load
    return serveAsWorker(start, calls);
  },
});
calls.tell("started"); // messages that came before this were lost: node:cluster has taken them
