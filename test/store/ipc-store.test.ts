import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Calls } from "../../src/ipc/calls.js";
import { processChannel } from "../../src/ipc/channel.js";
import { IpcStore } from "../../src/store/ipc/ipc-store.js";
import { storeContract } from "../contract/store.js";

interface Started {
  readonly child: ChildProcess;
  readonly calls: Calls;
}

/** Starts a process that has a store. */
function newProcess(): Started {
  const file = fileURLToPath(new URL("store-process.mjs", import.meta.url));
  const child = fork(file, { serialization: "advanced", execArgv: [] });
  return { child, calls: new Calls(processChannel(child), "the store's process") };
}

async function killed({ child }: Started): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "close");
}

/** As {@link newProcess}; it ends with the test. */
function startProcess(): Started {
  const started = newProcess();
  onTestFinished(() => killed(started));
  return started;
}

describe("IpcStore keeps the store contract", () => {
  let started: Started;
  beforeAll(() => {
    started = newProcess();
  });
  afterAll(() => killed(started));
  storeContract(async () => {
    await started.calls.call("fresh");
    return IpcStore.open(started.calls);
  });
});

test("when the process that has the store is gone, calls reject, leases are lost, and the store says since when", async () => {
  const started = startProcess();
  const store = await IpcStore.open(started.calls);
  const lease = await store.lease("leader");
  await store.moveHead(0, { head: 1 });
  expect([lease?.lost.aborted, store.away]).toEqual([false, undefined]);
  const before = Date.now();
  started.child.kill("SIGSTOP"); // so that it cannot answer any more
  const waiting = [store.readHead(), store.putRecords({ "a/b": 1 })].map((call) =>
    call.catch((error: unknown) => error),
  );
  await killed(started);
  const gone = { code: "STORE_AWAY", message: "the store's process is gone" };
  expect(await Promise.all(waiting)).toMatchObject([gone, gone]);
  await expect(store.readHead()).rejects.toMatchObject(gone);
  await expect(store.moveHead(1, { head: 2 })).rejects.toMatchObject(gone);
  await expect(store.lease("other")).rejects.toMatchObject(gone);
  expect(lease?.lost.aborted).toBe(true);
  expect(store.away).toEqual({ since: expect.any(Number), error: expect.stringContaining("is gone") });
  expect(store.away?.since).toBeGreaterThanOrEqual(before);
  await lease?.release();
  await store.close();
});

test("a store cannot be opened when its process is gone", async () => {
  const started = startProcess();
  await killed(started);
  await expect(IpcStore.open(started.calls)).rejects.toMatchObject({ code: "STORE_AWAY" });
});

test("closing the store here releases its leases there, and leaves that store open", async () => {
  const { calls } = startProcess();
  const store = await IpcStore.open(calls);
  await store.lease("leader");
  expect(await calls.call("leases")).toBe(false);
  await store.close();
  expect(await calls.call("leases")).toBe(true);
});

test("a call ends when its signal aborts", async () => {
  const { child, calls } = startProcess();
  await calls.call("store.readHead");
  child.kill("SIGSTOP");
  const late = new AbortController();
  const call = calls.call("store.readHead", [], late.signal);
  late.abort();
  await expect(call).rejects.toMatchObject({ code: "TIMED_OUT" });
  await expect(calls.call("store.readHead", [], late.signal)).rejects.toMatchObject({ code: "TIMED_OUT" });
});

test("a head that moves while it is read is not missed, also if both messages come together", async () => {
  let receive: (message: unknown) => void = () => {};
  let id = 0;
  const channel = {
    send: (message: unknown) => {
      ({ id } = message as { id: number });
    },
    onMessage: (listener: (message: unknown) => void) => {
      receive = listener;
    },
    onClose: () => {},
  };
  const result = (value: unknown) => receive({ kind: "result", id, value });
  const opening = IpcStore.open(new Calls(channel, "the store"));
  result(undefined);
  const reading = (await opening).readHead();
  result({ version: 1, head: "old" });
  receive({ kind: "event", method: "store.moved", args: [{ version: 2, head: "new" }] });
  expect(await reading).toEqual({ version: 2, head: "new" });
});
