import { describe, expect, it } from "vitest";
import {
  allWords,
  data,
  frame,
  headers,
  priority,
  rstStream,
  trailers,
  windowUpdate,
} from "../../test/http2/client-frames.js";
import { TestConnection } from "../../test/http2/test-wire.js";
import { errorCode } from "./errors.js";
import { flag, frameType } from "./frames.js";
import { encodeHeaders } from "./hpack/encoder.js";

const ready = TestConnection.ready;
const ok = encodeHeaders([[":status", "200"]]);
const bytes = (length: number) => [Buffer.alloc(length)];

/**
 * The tests send each frame in each state of stream 1. "-" expects no answer, `S5` expects RST_STREAM with code 5, and
 * `C5` expects GOAWAY with code 5.
 */
describe("the states of a stream (RFC 9113, section 5.1)", () => {
  const states: Record<string, (test: TestConnection) => void> = {
    idle: () => {},
    open: (test) => test.open(1),
    "half closed (remote)": (test) => test.open(1, true),
    "half closed (local)": (test) => test.open(1).stream.end(undefined, bytes(70_000)), // its end waits for the window
    "closed by both": (test) => test.open(1, true).stream.respond(ok, true),
    "reset by the client": (test) => {
      test.open(1);
      test.send(rstStream(1, 8));
    },
    "reset by us": (test) => test.open(1).stream.reset(errorCode.CANCEL),
    "never opened": (test) => test.open(3),
  };
  const frames: Record<string, Buffer> = {
    DATA: data(1, "a"),
    "DATA END": data(1, "a", true),
    HEADERS: headers(1),
    "HEADERS END": trailers(1),
    PRIORITY: priority(1, 3),
    "PRIORITY on itself": priority(1, 1),
    RST_STREAM: rstStream(1, 8),
    WINDOW_UPDATE: windowUpdate(1, 5),
    "WINDOW_UPDATE of 0": windowUpdate(1, 0),
    "WINDOW_UPDATE too large": windowUpdate(1, 2 ** 31 - 1),
    CONTINUATION: frame(frameType.CONTINUATION, flag.END_HEADERS, 1, ok),
    PUSH_PROMISE: frame(frameType.PUSH_PROMISE, flag.END_HEADERS, 1, Buffer.alloc(4)),
    unknown: frame(0xee, 0xff, 1, Buffer.alloc(3)),
  };
  const columns = Object.keys(states);
  const rows: Record<string, string> = {
    //                         idle open h/rem h/loc both client us never
    DATA: /*               */ "C1   -    S5    -     C5   C5     -  C5",
    "DATA END": /*         */ "C1   -    S5    -     C5   C5     -  C5",
    HEADERS: /*            */ "-    S1   S5    S1    C5   C5     -  C1",
    "HEADERS END": /*      */ "S1   -    S5    -     C5   C5     -  C1",
    PRIORITY: /*           */ "-    -    -     -     -    -      -  -",
    "PRIORITY on itself": /**/ "C1  S1   S1    S1    C1   C1     C1 C1",
    RST_STREAM: /*         */ "C1   -    -     -     -    -      -  -",
    WINDOW_UPDATE: /*      */ "C1   -    -     -     -    -      -  -",
    "WINDOW_UPDATE of 0": /**/ "C1  S1   S1    S1    -    -      -  -",
    "WINDOW_UPDATE too large": "C1  S3   S3    -     -    -      -  -",
    CONTINUATION: /*       */ "C1   C1   C1    C1    C1   C1     C1 C1",
    PUSH_PROMISE: /*       */ "C1   C1   C1    C1    C1   C1     C1 C1",
    unknown: /*            */ "-    -    -     -     -    -      -  -",
  };
  for (const [name, row] of Object.entries(rows))
    it(`${name}: ${row.replace(/\s+/g, " ")}`, async () => {
      const found: string[] = [];
      for (const state of columns) {
        const test = await ready();
        states[state]?.(test);
        await test.answer();
        const answers = allWords(await test.answer(frames[name] as Buffer));
        const [error] = answers.filter((text) => /^(RST_STREAM|GOAWAY)/.test(text));
        found.push(error ? error.replace(/RST_STREAM 1 code /, "S").replace(/GOAWAY last \d+ code /, "C") : "-");
      }
      expect(found).toEqual(row.trim().split(/\s+/));
    });
});
