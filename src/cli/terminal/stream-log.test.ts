import { afterEach, expect, it, vi } from "vitest";
import { LogBook } from "../../../test/protocol/harness.js";
import type { StreamInfo } from "../../protocol/stream-events.js";
import { RationedLog } from "../../rationed-log.js";
import { streamLog } from "./stream-log.js";

afterEach(() => void vi.useRealTimers());

it("the log tells how long a stream was open, whatever was done to the machine's clock", () => {
  const lines: object[] = [];
  const callbacks = streamLog({ info: (fields: object) => void lines.push(fields) } as unknown as RationedLog);
  const stream = { id: 1, openedAt: Date.now(), variant: "sotw", typeUrl: "", peer: "p" } as StreamInfo;
  void callbacks.onStreamRequest?.(stream, {} as never);
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 3_600_000);
  void callbacks.onStreamClosed?.(stream);
  expect(lines).toMatchObject([{ stream: 1 }, { stream: 1, seconds: 0 }]);
});

it("one client causes ten lines of a kind, of its words 256 characters each, and one line with the count of the others", () => {
  const book = new LogBook();
  const log = new RationedLog(book);
  const callbacks = streamLog(log);
  const words = "w".repeat(32 << 10);
  const node = { id: words, cluster: words };
  for (let id = 0; id < 1_000; id++) {
    const stream = { id, variant: "delta", typeUrl: words, peer: `10.0.0.1:${id}`, node } as unknown as StreamInfo;
    void callbacks.onStreamDeltaRequest?.(stream, {} as never);
    const resources = Array.from({ length: 1_000 }, () => ({ name: words })) as never;
    const answer = { typeUrl: words, version: words, nonce: words, resources, removedResources: [words] };
    void callbacks.onStreamNack?.({ stream, ...answer, error: { code: 3, message: words } });
    void callbacks.onDeltaStreamClosed?.(stream);
  }
  log.close();
  const lines = book.entries.map((entry) => JSON.stringify(entry));
  expect(lines).toHaveLength(33);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(12 * (256 + 60));
  expect(book.entries.slice(30).map(({ fields }) => fields)).toEqual(
    ["stream opened", "the client NACKed a response and keeps what it had", "stream closed"].map((kind) => ({
      kind,
      leftOut: 990,
      address: "10.0.0.1",
      ofAddress: 990,
    })),
  );
});
