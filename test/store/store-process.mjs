// A process that has a store in memory, and lets its parent use it.
import { Calls } from "../../dist/ipc/calls.js";
import { processChannel } from "../../dist/ipc/channel.js";
import { serveStore } from "../../dist/store/ipc/served-store.js";
import { MemoryStore } from "../../dist/store/memory-store.js";

const calls = new Calls(processChannel(process), "the test");
let store;
const fresh = () => {
  store = new MemoryStore();
  serveStore(store, calls);
};
fresh();
calls.serve({ fresh, leases: async () => (await store.lease("leader")) !== undefined });
