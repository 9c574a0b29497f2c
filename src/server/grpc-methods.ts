import {
  type MethodDefinition,
  ResponderBuilder,
  type ServerDuplexStream,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  ServerListenerBuilder,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { messageOf, XdsError } from "../errors.js";
import type { Caller } from "../protocol/caller.js";
import type { Admission, Seat } from "./admission.js";
import { certificateNames } from "./certificate-names.js";
import type { GrpcFront } from "./grpc-front.js";
import type { LimitCounts, RequestForm } from "./limits.js";
import type { RefusalLog } from "./refusal-log.js";
import type { UnsentResponse, UnsentResponses } from "./unsent.js";

/** A method whose messages are bytes on both sides. */
export function passThrough(path: string, streaming: boolean): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream: streaming,
    responseStream: streaming,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

/** The status that a call ends with: the table's, that of an error with a gRPC code of its own, or INTERNAL. */
export function statusOf(error: unknown): { code: number; details: string } {
  if (error instanceof XdsError) return { code: error.grpcStatus, details: error.message };
  const { code, details } = Object(error) as { code?: unknown; details?: unknown };
  const own = typeof code === "number" && code > status.OK && code <= status.UNAUTHENTICATED;
  return { code: own ? code : status.INTERNAL, details: typeof details === "string" ? details : messageOf(error) };
}

/** Who has made a call. */
export function callerOf(call: ServerDuplexStream<Buffer, Buffer> | ServerUnaryCall<Buffer, Buffer>): Caller {
  return { peer: call.getPeer(), certificateNames: certificateNames(call.getAuthContext().sslPeerCertificate) };
}

/** What a stream does with its messages. */
export interface MessageHandler {
  /** Takes one; what it gives is sent. The next one comes when it is done, and a throw ends the stream. */
  message(bytes: Buffer): Promise<Buffer | undefined>;
  /** The stream has ended; called once. */
  closed?(): void;
}

/** Who lets calls in, and hears of those that are refused. */
export interface Door {
  readonly admission: Admission;
  readonly limits: LimitCounts;
  readonly refused: RefusalLog;
  readonly unsent: UnsentResponses;
  readonly connections: Pick<GrpcFront, "cut" | "whenGone">;
}

/** What counts the responses of one call. If they are left where they are for too long, `fail` is called and the connection is cut. */
const unsentOf = ({ unsent, connections }: Door, peer: string, fail: (error: XdsError) => void): UnsentResponse =>
  unsent.of((error) => {
    fail(error);
    connections.cut(peer);
  });

/**
 * What goes out on a stream, counted until it is sent. What a client has not taken, grpc-js keeps when the stream has got its status, too;
 * so it is the end of the writing that counts, which comes with that of the stream or the connection as well. Where grpc-js has
 * written nothing, for the stream was ending, it tells of no end: then it is the connection's.
 */
export class Outlet {
  private readonly response: UnsentResponse;
  private isEnding = false;
  private hasFailed = false;
  /** Waits no more for the end of the connection. */
  private forget: () => void = () => {};

  /** `fail` is called for one who takes nothing. */
  constructor(
    private readonly call: ServerDuplexStream<Buffer, Buffer>,
    door: Door,
    peer: string,
    fail: (error: XdsError) => void,
  ) {
    this.response = unsentOf(door, peer, fail);
    call.on("cancelled", () => {
      if (this.response.bytes > 0) this.forget = door.connections.whenGone(peer, () => this.response.sent());
    });
  }

  /** `written` is called when the client has taken it, and the stream goes on. */
  write(bytes: Buffer, written: () => void): void {
    this.response.written(bytes.length);
    this.call.write(bytes, () => {
      this.response.sent();
      this.forget();
      if (this.isEnding) this.call.end();
      else written();
    });
  }

  /** The client has said all: so have we, when what is written is sent. Who has failed has had its status. */
  end(): void {
    if (this.hasFailed) return;
    if (this.response.bytes > 0) this.isEnding = true;
    else this.call.end();
  }

  fail(error: unknown): void {
    this.hasFailed = true;
    this.call.emit("error", statusOf(error));
  }
}

/** Counts a unary call's answer until the call has ended, which grpc-js tells nowhere else. */
export function countUnaryAnswer(call: ServerInterceptingCallInterface, door: Door): ServerInterceptingCall {
  const peer = call.getPeer();
  const answer = unsentOf(door, peer, (error) => door.refused.tell("request", error, { peer }));
  let hasEnded = false;
  const listener = new ServerListenerBuilder().withOnCancel(() => {
    hasEnded = true;
    answer.sent();
  });
  const responder = new ResponderBuilder()
    .withStart((next) => next(listener.build()))
    .withSendMessage((message: Buffer | object, next) => {
      if (message instanceof Buffer && !hasEnded) answer.written(message.length);
      next(message);
    });
  return new ServerInterceptingCall(call, responder.build());
}

/** Answers a unary call. */
export function serveOne(
  call: ServerUnaryCall<Buffer, Buffer>,
  reply: sendUnaryData<Buffer>,
  { admission, limits, refused }: Door,
  form: RequestForm,
  answer: (caller: Caller) => Promise<Buffer>,
): void {
  const caller = callerOf(call);
  const admitted = async () => {
    admission.enterOnce();
    limits.checkRequest(call.request.length, form);
    return answer(caller);
  };
  admitted().then(
    (bytes) => reply(null, bytes),
    (error: unknown) => {
      refused.tell("request", error, { peer: caller.peer });
      reply(statusOf(error));
    },
  );
}

/** Serves a stream message by message, so that it costs one message and one answer at most, and a seat. */
export function serveMessages(
  call: ServerDuplexStream<Buffer, Buffer>,
  door: Door,
  open: (caller: Caller) => MessageHandler,
): void {
  const { admission, refused } = door;
  const caller = callerOf(call);
  let isOpen = true;
  const end = (error: unknown) => {
    refused.tell("stream", error, { peer: caller.peer });
    outlet.fail(error);
  };
  const fail = (error: unknown) => {
    if (!isOpen) return;
    close();
    end(error);
  };
  const outlet = new Outlet(call, door, caller.peer, fail);
  let seat: Seat;
  try {
    seat = admission.enter(caller, { answered: true, fail });
  } catch (error) {
    end(error);
    return;
  }
  const handler = open(caller);
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    seat.leave();
    handler.closed?.();
  };
  let turn = Promise.resolve();
  let isFirst = true;
  const handle = async (bytes: Buffer) => {
    if (!isOpen) return;
    seat.request(bytes.length, "protobuf");
    if (isFirst) seat.introduction(bytes.length);
    isFirst = false;
    const answer = await handler.message(bytes);
    if (!isOpen) return;
    if (answer) outlet.write(answer, () => call.resume());
    else call.resume();
  };
  call.on("data", (bytes: Buffer) => {
    call.pause();
    turn = turn.then(() => handle(bytes)).catch(fail);
  });
  call.on("end", () => {
    void turn.then(() => {
      close();
      outlet.end();
    });
  });
  call.on("cancelled", close);
  call.on("close", close);
}
