import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DiscoveryResponseSchema } from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { BackOff } from "../grpc-client/back-off.js";
import { silentLogger } from "../logger.js";
import { envoyRegistry, resourceType } from "../resource/default-api.js";
import { clusterType } from "../resource/types.js";
import { anonymousNode } from "../schema/node.js";
import { type ClosedClientStream, Connection, type ConnectionHost } from "./connection.js";
import type { Call, Receiver } from "./grpc.js";
import { protocols } from "./protocol.js";
import { ClientSubscription } from "./subscription.js";
import { Timers } from "./timers.js";

/** A connection over a transport and a clock that do only what the test says. */
function open(reconnecting = true) {
  const calls: (Call & { receiver: Receiver; log: string[] })[] = [];
  const closed: ClosedClientStream[] = [];
  const timers: { run: () => void; ms: number }[] = [];
  const clock = {
    now: () => 0,
    random: () => 0,
    setTimeout: (run: () => void, ms: number) => {
      const timer = { run, ms };
      timers.push(timer);
      return timer;
    },
    clearTimeout: (handle: unknown) => void timers.splice(timers.indexOf(handle as (typeof timers)[number]), 1),
  };
  const host: ConnectionHost = {
    address: "there:1",
    protocol: protocols.sotw,
    timers: new Timers(clock),
    node: anonymousNode(envoyRegistry()),
    registry: envoyRegistry(),
    logger: silentLogger,
    manual: false,
    now: clock.now,
    decide: () => {},
    accepted: () => {},
    refused: () => {},
    opened: () => {},
    closed: (stream) => void closed.push(stream),
    transport: {
      open: (_, receiver) => {
        const log: string[] = [];
        const cancel = (details: string) => {
          log.push("cancel");
          receiver.ended({ code: 1, details });
        };
        const call = { receiver, log, cancel, finish: () => void log.push("finish"), send: () => log.push("send") > 0 };
        calls.push(call);
        return call;
      },
    },
  };
  const subscription = new ClientSubscription(resourceType(clusterType));
  subscription.add(["*"]);
  const options = { initialMs: 100, maxMs: 1_000, factor: 2, jitter: 0 };
  const backOff = reconnecting ? new BackOff(options, clock.random) : undefined;
  const connection = new Connection(host, "/path", "", () => [subscription], backOff);
  connection.open();
  const last = () => calls.at(-1) as (typeof calls)[number];
  /** Runs the only timer there is. */
  const elapse = () => {
    expect(timers).toHaveLength(1);
    const [timer] = timers.splice(0);
    timer?.run();
    return timer?.ms;
  };
  const fail = () => last().receiver.ended({ code: 14, details: "gone" });
  return { connection, calls, closed, timers, last, elapse, fail };
}

const response = toBinary(
  DiscoveryResponseSchema,
  create(DiscoveryResponseSchema, { typeUrl: clusterType, versionInfo: "v", nonce: "1" }),
);

describe("a connection", () => {
  it("opens a stream again after each end, later each time, and sooner once it has been sent something", () => {
    const { calls, closed, elapse, fail, last } = open();
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 5; i++) {
      if (i % 2 === 0) last().receiver.opened(); // an open stream is no success yet
      fail();
      waits.push(elapse());
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_000]);
    last().receiver.opened();
    void last().receiver.message(response);
    fail();
    expect(elapse()).toBe(100);
    expect(calls).toHaveLength(7);
    expect(closed.map(({ retryInMs }) => retryInMs)).toEqual([100, 200, 400, 800, 1_000, 100]);
    expect(closed[0]?.error).toMatchObject({
      code: "STREAM_ENDED",
      message: "the aggregated stream at there:1 ended with status 14: gone",
      cause: { code: 14, details: "gone" },
    });
  });

  it("asks only once it is connected", () => {
    const { last, connection } = open();
    connection.flush();
    expect(last().log).toEqual([]);
    last().receiver.opened();
    expect(last().log).toEqual(["send"]);
  });

  it("stays down when it is not to reconnect", () => {
    const { closed, timers, fail } = open(false);
    fail();
    expect(closed).toMatchObject([{ error: { code: "STREAM_ENDED" }, retryInMs: undefined }]);
    expect(timers).toEqual([]);
  });

  it("ends a stream that brings what is no response, and says so", () => {
    const { closed, last, timers } = open();
    last().receiver.opened();
    void last().receiver.message(Buffer.of(0x0a, 0x7f));
    expect(last().log).toEqual(["send", "cancel"]);
    expect(closed).toMatchObject([{ error: { code: "INVALID_RESPONSE" }, retryInMs: 100 }]);
    expect(timers).toHaveLength(1);
  });

  it("is closed by the server's end of the stream, and leaves no timer", async () => {
    const { connection, last, timers, closed } = open();
    last().receiver.opened();
    const closing = connection.close();
    expect(last().log).toEqual(["send", "finish"]);
    expect(timers).toHaveLength(1);
    last().receiver.ended({ code: 0, details: "OK" });
    await closing;
    expect(timers).toEqual([]);
    expect(closed).toMatchObject([{ error: undefined, retryInMs: undefined }]);
  });

  it("is closed by force when the server does not end the stream", async () => {
    const { connection, last, elapse } = open();
    last().receiver.opened();
    const closing = connection.close();
    expect(elapse()).toBe(1_000);
    await closing;
    expect(last().log).toEqual(["send", "finish", "cancel"]);
  });

  it("is closed at once while it connects, and while it waits to", async () => {
    const connecting = open();
    await connecting.connection.close();
    expect(connecting.last().log).toEqual(["cancel"]);
    const waiting = open();
    waiting.fail();
    await waiting.connection.close();
    expect(waiting.timers).toEqual([]);
    expect(waiting.calls).toHaveLength(1);
    for (const { timers } of [connecting, waiting]) expect(timers).toEqual([]);
  });
});
