import { describe, expect, it } from "vitest";
import { LogBook } from "../../../test/protocol/harness.js";
import { XdsError } from "../../errors.js";
import { StatusError, status } from "../../grpc/status.js";
import { RationedLog } from "../../rationed-log.js";
import { LimitCounts } from "./limits.js";
import { RefusalLog } from "./refusal-log.js";

const limit = new XdsError("LIMIT_EXCEEDED", "too many");
const peer = { peer: "10.0.0.1:1" };

describe("the log of refusals", () => {
  it("has a ration for each limit, and none that a client can choose", () => {
    const book = new LogBook();
    const log = new RefusalLog(new RationedLog(book));
    const counts = new LimitCounts({});
    for (let i = 0; i < 30; i++) {
      log.tell("stream", counts.exceeded("names", "many"), peer);
      log.tell("stream", counts.exceeded("streams", "many"), peer);
      log.tell("request", new XdsError("INVALID_REQUEST", `not of a limit x${i} is 5`), peer);
    }
    expect(book.entries).toHaveLength(30);
  });

  it("warns of what an operator has to look at, and calls what is no XdsError a failure", () => {
    const book = new LogBook();
    const log = new RefusalLog(new RationedLog(book));
    log.tell("stream", limit, peer);
    log.tell("request", new XdsError("INVALID_REQUEST", "no type URL"), peer);
    log.tell("request", new Error("a callback"), peer);
    log.tell("stream", new XdsError("DRAINING", "shutting down"), peer);
    log.tell("stream", new StatusError(status.INTERNAL, "no message of gRPC"), peer);
    expect(book.entries.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      "warn: a stream is ended",
      "info: a request is refused",
      "error: a request fails",
      "debug: a stream is ended",
      "info: a stream is ended",
    ]);
  });
});
