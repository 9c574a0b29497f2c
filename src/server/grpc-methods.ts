import { messageOf, XdsError } from "../errors.js";
import type { Call } from "../grpc/call.js";
import type { Method } from "../grpc/server.js";
import { type Status, status } from "../grpc/status.js";
import type { Account } from "../protocol/account.js";
import type { Caller } from "../protocol/caller.js";
import type { Admission } from "./admission.js";
import type { LimitCounts, RequestForm } from "./limits.js";
import type { RefusalLog } from "./refusal-log.js";
import type { UnsentResponse, UnsentResponses } from "./unsent.js";

/** The status that a call ends with: the table's, that of an error with a gRPC code of its own, or INTERNAL. */
export function statusOf(error: unknown): Status {
  if (error instanceof XdsError) return { code: error.grpcStatus, details: error.message };
  const { code, details } = Object(error) as { code?: unknown; details?: unknown };
  const own = typeof code === "number" && code > status.OK && code <= status.UNAUTHENTICATED;
  return { code: own ? code : status.INTERNAL, details: typeof details === "string" ? details : messageOf(error) };
}

/** Who called over gRPC. */
export interface GrpcCaller extends Caller {
  /** Whose work it is. */
  readonly account: Account;
}

/** What a stream does with its messages. */
export interface MessageHandler {
  /** Takes a message. What it returns is sent. The next one comes when it is done, and a throw ends the stream. */
  message(bytes: Buffer): Promise<Buffer | undefined>;
  /** The stream has ended; called once. */
  closed?(): void;
}

/** Lets calls in, and is told of those that are refused. */
export interface Door {
  readonly admission: Admission;
  readonly limits: LimitCounts;
  readonly refused: RefusalLog;
  readonly unsent: UnsentResponses;
}

export const ok: Status = { code: status.OK, details: "" };

/**
 * Counts the responses of a call until they have left. A call that takes none for too long fails, and its connection is
 * cut.
 */
export const unsentOf = ({ unsent }: Door, call: Call, account: Account): UnsentResponse =>
  unsent.of((error) => {
    call.fail(error);
    call.cut();
  }, account);

/** Sends a response, counted until it has left. */
export function sendCounted(call: Call, response: UnsentResponse, parts: readonly Uint8Array[], sent?: () => void) {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  response.written(bytes);
  call.send(parts, () => {
    response.sent();
    sent?.();
  });
}

/** A call that is refused is logged. */
function admitted<T>({ refused }: Door, what: "stream" | "request", { peer }: Caller, enter: () => T): T {
  try {
    return enter();
  } catch (error) {
    refused.tell(what, error, { peer });
    throw error;
  }
}

/** A unary method: one request, one answer. `gone` tells that the call is over, and that nobody wants the answer. */
export function unary(
  door: Door,
  form: RequestForm,
  answer: (request: Buffer, caller: Caller, gone: AbortSignal) => Promise<readonly Uint8Array[]>,
): Method<GrpcCaller> {
  return (call, caller) => {
    const leave = admitted(door, "request", caller, () => door.admission.enterCall(caller));
    const response = unsentOf(door, call, caller.account);
    const gone = new AbortController();
    let request: Buffer;
    return {
      isUnary: true,
      message: (bytes) => {
        door.limits.checkRequest(bytes.length, form);
        request = bytes;
      },
      end: () => {
        answer(request, caller, gone.signal).then(
          (parts) => {
            sendCounted(call, response, parts);
            call.end(ok);
          },
          (error: unknown) => call.fail(error),
        );
      },
      failed: (error) => door.refused.tell("request", error, { peer: caller.peer }),
      closed: () => gone.abort(),
      gone: leave,
    };
  };
}

/**
 * A streaming method that handles one message after the other. So a stream costs one message and one answer at most,
 * and a seat. `open` must not throw.
 */
export function messages(door: Door, open: (caller: Caller) => MessageHandler): Method<GrpcCaller> {
  return (call, caller) => {
    const { admission, refused } = door;
    const guest = { answered: true, fail: (error: unknown) => call.fail(error) };
    const seat = admitted(door, "stream", caller, () => admission.enter(caller, guest));
    const response = unsentOf(door, call, caller.account);
    const handler = open(caller);
    let isOpen = true;
    let isFirst = true;
    const handle = async (bytes: Buffer) => {
      const answer = await handler.message(bytes);
      if (!isOpen) return;
      if (answer) sendCounted(call, response, [answer], () => call.resume());
      else call.resume();
    };
    return {
      message: (bytes) => {
        seat.request(bytes.length, "protobuf");
        if (isFirst) seat.introduction(bytes.length);
        isFirst = false;
        call.pause();
        handle(bytes).catch((error: unknown) => call.fail(error));
      },
      end: () => call.end(ok),
      failed: (error) => refused.tell("stream", error, { peer: caller.peer }),
      closed: () => {
        isOpen = false;
        handler.closed?.();
      },
      gone: () => seat.leave(),
    };
  };
}
