import { expect, it } from "vitest";
import type { Callbacks } from "../server/callbacks.js";
import { CountingCallbacks } from "../server/counting-callbacks.js";
import { joinedCallbacks } from "./joined-callbacks.js";

it("calls both, even methods of a class, and has no callback that neither has", async () => {
  const own = new CountingCallbacks();
  let acks = 0;
  const watching: Callbacks = { onStreamAck: () => void acks++, onStreamClosed: () => void acks++ };
  const joined = joinedCallbacks(watching, own);
  void joined.onStreamAck?.({} as never);
  void joined.onStreamClosed?.({} as never);
  void joined.onStreamRequest?.({} as never, {} as never);
  expect([acks, own.requests, joined.onClientStatusRequest]).toEqual([2, 1, undefined]);
  await own.firstRequest;
  expect(joinedCallbacks(watching, undefined)).toBe(watching);
});

it("returns and throws what the own callback does", async () => {
  const joined = joinedCallbacks({}, { onStreamAck: () => Promise.reject(new Error("mine")) });
  await expect(joined.onStreamAck?.({} as never)).rejects.toThrow("mine");
});
