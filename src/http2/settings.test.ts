import { describe, expect, it } from "vitest";
import { parseFrames } from "../../test/http2/client-frames.js";
import { ClientSettings, checkSettingsAck, setting, settingsFrame } from "./settings.js";

const payloadOf = (...all: [number, number][]) => parseFrames(settingsFrame(all))[0]?.payload as Buffer;
const read = (...all: [number, number][]) => new ClientSettings().read(payloadOf(...all));
const errorOf = (code: number) => expect.objectContaining({ name: "ConnectionError", code });
const nothing = { sendWindow: undefined, isTableSmaller: false };

describe("settings of a client", () => {
  it("are a number of 16 bits and one of 32 bits each", () => {
    expect(settingsFrame([[setting.MAX_CONCURRENT_STREAMS, 1_000]]).toString("hex")).toBe(
      "000006040000000000" + "0003000003e8",
    );
  });

  it.each([
    ["nothing", []],
    ["a setting that does not matter", [[setting.MAX_CONCURRENT_STREAMS, 0]]],
    ["an unknown setting", [[0xabcd, 2 ** 32 - 1]]],
    ["the smallest frame size", [[setting.MAX_FRAME_SIZE, 16_384]]],
    ["the largest frame size", [[setting.MAX_FRAME_SIZE, 2 ** 24 - 1]]],
    ["ENABLE_PUSH", [[setting.ENABLE_PUSH, 1]]],
    ["the header table as it is", [[setting.HEADER_TABLE_SIZE, 4_096]]],
    ["a larger header table", [[setting.HEADER_TABLE_SIZE, 2 ** 32 - 1]]],
  ] as [string, [number, number][]][])("change nothing: %s", (_, all) => {
    expect(read(...all)).toEqual(nothing);
  });

  it("can change the initial window; the last value counts", () => {
    expect(read([setting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1])).toEqual({ ...nothing, sendWindow: 2 ** 31 - 1 });
    expect(read([setting.INITIAL_WINDOW_SIZE, 5], [setting.INITIAL_WINDOW_SIZE, 0])).toMatchObject({ sendWindow: 0 });
  });

  it("can make the header table smaller, also for a moment", () => {
    const settings = new ClientSettings();
    const sizes = (...all: number[]) =>
      settings.read(payloadOf(...all.map((bytes) => [setting.HEADER_TABLE_SIZE, bytes] as [number, number])));
    expect(
      [[4_095], [4_095], [65_536], [4_096], [0, 4_096], [8_192]].map((all) => sizes(...all).isTableSmaller),
    ).toEqual([true, false, false, true, true, false]);
  });

  it.each([
    ["a window that is too large", 3, [setting.INITIAL_WINDOW_SIZE, 2 ** 31]],
    ["a frame size that is too small", 1, [setting.MAX_FRAME_SIZE, 16_383]],
    ["a frame size that is too large", 1, [setting.MAX_FRAME_SIZE, 2 ** 24]],
    ["ENABLE_PUSH of 2", 1, [setting.ENABLE_PUSH, 2]],
  ] as [string, number, [number, number]][])("with %s end the connection", (_, code, one) => {
    expect(() => read([setting.INITIAL_WINDOW_SIZE, 1], one)).toThrow(errorOf(code));
  });

  it.each([1, 5, 7, 11])("of %i bytes end the connection", (bytes) => {
    expect(() => new ClientSettings().read(Buffer.alloc(bytes))).toThrow(errorOf(6));
  });

  it("have no payload in an ACK", () => {
    expect(() => checkSettingsAck(Buffer.alloc(0))).not.toThrow();
    expect(() => checkSettingsAck(Buffer.alloc(6))).toThrow(errorOf(6));
  });
});
