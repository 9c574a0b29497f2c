import { describe, expect, it } from "vitest";
import { LogBook } from "../../test/protocol/harness.js";
import { XdsError } from "../errors.js";
import { StatusError, status } from "../grpc/status.js";
import { LimitCounts } from "./limits.js";
import { RefusalLog } from "./refusal-log.js";

const limit = new XdsError("LIMIT_EXCEEDED", "too many");
const denied = new XdsError("PERMISSION_DENIED", "not you");

describe("the log of refusals", () => {
  it("has twenty lines a minute of each code, and then how many were left out", () => {
    const book = new LogBook();
    const log = new RefusalLog(book);
    for (let at = 0; at < 60_000; at += 10) log.tell("stream", limit, { at }, at);
    log.tell("stream", denied, {}, 59_999);
    expect(book.entries).toHaveLength(21);
    expect(book.entries.filter(({ fields }) => "unlogged" in fields)).toEqual([]);
    book.entries.length = 0;
    for (let at = 60_000; at < 60_003; at++) log.tell("stream", limit, { at }, at);
    expect(book.entries.map(({ fields }) => fields)).toEqual([
      { at: 60_000, error: "too many", unlogged: 5_980 },
      { at: 60_001, error: "too many" },
      { at: 60_002, error: "too many" },
    ]);
  });

  it("has a ration for each limit, and none that a client can choose", () => {
    const book = new LogBook();
    const log = new RefusalLog(book);
    const counts = new LimitCounts({});
    for (let i = 0; i < 30; i++) {
      log.tell("stream", counts.exceeded("names", "many"), {}, 0);
      log.tell("stream", counts.exceeded("streams", "many"), {}, 0);
      log.tell("request", new XdsError("INVALID_REQUEST", `not of a limit x${i} is 5`), {}, 0);
    }
    expect(book.entries).toHaveLength(60);
  });

  it("warns of what an operator has to look at, and calls what is no XdsError a failure", () => {
    const book = new LogBook();
    const log = new RefusalLog(book);
    log.tell("stream", limit, {});
    log.tell("request", new XdsError("INVALID_REQUEST", "no type URL"), {});
    log.tell("request", new Error("a callback"), {});
    log.tell("stream", new XdsError("DRAINING", "shutting down"), {});
    log.tell("stream", new StatusError(status.INTERNAL, "no message of gRPC"), {});
    expect(book.entries.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      "warn: a stream is ended",
      "info: a request is refused",
      "error: a request fails",
      "debug: a stream is ended",
      "info: a stream is ended",
    ]);
  });
});
