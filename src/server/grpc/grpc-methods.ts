import type { Caller } from "../../caller.js";
import { messageOf, XdsError } from "../../errors.js";
import type { Call } from "../../grpc/call.js";
import type { Method } from "../../grpc/server.js";
import { type Status, status } from "../../grpc/status.js";
import type { Account } from "../../protocol/account.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import type { Admission } from "../admission/admission.js";
import type { LimitCounts, RequestForm } from "../admission/limits.js";
import type { RefusalLog } from "../admission/refusal-log.js";
import type { UnsentResponse, UnsentResponses } from "../admission/unsent.js";

/**
 * The gRPC status for an error: by the table of errors for an {@link XdsError}, else the error's own numeric `code`,
 * else INTERNAL.
 */
export function statusOf(error: unknown): Status {
  if (error instanceof XdsError) return { code: error.grpcStatus, details: error.message };
  const { code, details } = Object(error) as { code?: unknown; details?: unknown };
  const hasStatus = typeof code === "number" && code > status.OK && code <= status.UNAUTHENTICATED;
  return {
    code: hasStatus ? code : status.INTERNAL,
    details: typeof details === "string" ? details : messageOf(error),
  };
}

/** Handles the messages of one stream. */
export interface MessageHandler {
  /**
   * Handles a message and resolves with the answer, if any. The next message follows then. A rejection ends the stream.
   */
  message(bytes: Buffer): Promise<Buffer | undefined>;
  /** Called once, when the stream has ended. */
  closed?(): void;
}

/** The part of their server that gRPC methods need: it admits calls, counts their bytes, and logs refused ones. */
export interface MethodContext {
  readonly admission: Admission;
  readonly refused: RefusalLog;
  readonly unsent: UnsentResponses;
}

/** Also bounds the requests of unary methods. */
export interface UnaryContext extends MethodContext {
  readonly limits: Pick<LimitCounts, "checkRequest">;
}

export const ok: Status = { code: status.OK, details: "" };

/**
 * Returns the counter for a call's unsent responses. If the client reads nothing for too long, its connection is
 * closed.
 */
export const unsentOf = ({ unsent }: Pick<MethodContext, "unsent">, call: Call, account: Account): UnsentResponse =>
  unsent.of((error) => {
    call.fail(error);
    call.cut();
  }, account);

/** Sends a response. Its bytes count as unsent until it has left; `sent` is called then. */
export function sendCounted(call: Call, response: UnsentResponse, parts: readonly Uint8Array[], sent?: () => void) {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  response.written(bytes);
  call.send(parts, () => {
    response.sent();
    sent?.();
  });
}

/** Runs `enter`, which admits a call, and logs if it throws. */
function admitted<T>(
  { refused }: Pick<MethodContext, "refused">,
  what: "stream" | "request",
  { peer }: Caller,
  enter: () => T,
): T {
  try {
    return enter();
  } catch (error) {
    refused.tell(what, error, { peer });
    throw error;
  }
}

/**
 * A unary method: one request, one answer. `answer` must do long work in the turns of the caller's account. Its
 * `signal` aborts when the call is over. `maxBytes`: as in {@link messages}.
 */
export function unary(
  context: UnaryContext,
  form: RequestForm,
  answer: (request: Buffer, caller: AccountedCaller, signal: AbortSignal) => Promise<readonly Uint8Array[]>,
  maxBytes = Number.POSITIVE_INFINITY,
): Method<AccountedCaller> {
  return (call, caller) => {
    const leave = admitted(context, "request", caller, () => context.admission.enterCall(caller));
    const response = unsentOf(context, call, caller.account);
    const over = new AbortController();
    let request: Buffer;
    return {
      isUnary: true,
      maxBytes,
      message: (bytes) => {
        context.limits.checkRequest(bytes.length, form);
        request = bytes;
      },
      end: () => {
        answer(request, caller, over.signal).then(
          (parts) => {
            sendCounted(call, response, parts);
            call.end(ok);
          },
          (error: unknown) => call.fail(error),
        );
      },
      failed: (error) => context.refused.tell("request", error, { peer: caller.peer }),
      closed: () => over.abort(),
      finished: leave,
    };
  };
}

/**
 * A streaming method that handles one message at a time. So a stream costs at most one message, one answer and a slot.
 * `open` must not throw. `maxBytes`: the largest message, in bytes, if that is less than for all methods.
 */
export function messages(
  context: MethodContext,
  open: (caller: AccountedCaller) => MessageHandler,
  maxBytes = Number.POSITIVE_INFINITY,
): Method<AccountedCaller> {
  return (call, caller) => {
    const { admission, refused } = context;
    const stream = { answered: true, fail: (error: unknown) => call.fail(error) };
    const slot = admitted(context, "stream", caller, () => admission.enter(caller, stream));
    const response = unsentOf(context, call, caller.account);
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
      maxBytes,
      message: (bytes) => {
        slot.request(bytes.length, "protobuf");
        if (isFirst) slot.firstRequest(bytes.length);
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
      finished: () => slot.leave(),
    };
  };
}
