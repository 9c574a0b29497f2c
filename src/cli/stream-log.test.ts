import { afterEach, expect, it, vi } from "vitest";
import type { StreamInfo } from "../protocol/stream-events.js";
import type { Log } from "./log.js";
import { streamLog } from "./stream-log.js";

afterEach(() => void vi.useRealTimers());

it("the log tells how long a stream was open, whatever was done to the machine's clock", () => {
  const lines: object[] = [];
  const callbacks = streamLog({ info: (fields: object) => void lines.push(fields) } as unknown as Log);
  const stream = { id: 1, openedAt: Date.now(), variant: "sotw", typeUrl: "", peer: "p" } as StreamInfo;
  void callbacks.onStreamRequest?.(stream, {} as never);
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 3_600_000);
  void callbacks.onStreamClosed?.(stream);
  expect(lines).toMatchObject([{ stream: 1 }, { stream: 1, seconds: 0 }]);
});
