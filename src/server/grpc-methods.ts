import { type MethodDefinition, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { messageOf, XdsError } from "../errors.js";

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

/** A service beside discovery. */
export interface Companion {
  /** Its full name. */
  readonly name: string;
  /** Ends its open streams: the server is shutting down. */
  stop(): void;
}

/** What a stream does with its messages. */
export interface MessageHandler {
  /** Takes one; what it gives is sent. The next one comes when it is done, and a throw ends the stream. */
  message(bytes: Buffer): Promise<Buffer | undefined>;
  /** The stream has ended; called once. */
  closed?(): void;
}

/** Open streams that are served message by message, so that each costs one message and one answer at most. */
export class MessageStreams {
  private readonly open = new Map<ServerDuplexStream<Buffer, Buffer>, (error: unknown) => void>();

  serve(call: ServerDuplexStream<Buffer, Buffer>, handler: MessageHandler): void {
    const close = () => {
      if (this.open.delete(call)) handler.closed?.();
    };
    const fail = (error: unknown) => {
      if (!this.open.has(call)) return;
      close();
      call.emit("error", statusOf(error));
    };
    this.open.set(call, fail);
    let turn = Promise.resolve();
    const handle = async (bytes: Buffer) => {
      if (!this.open.has(call)) return;
      const answer = await handler.message(bytes);
      if (!this.open.has(call)) return;
      if (answer && !call.write(answer)) call.once("drain", () => call.resume());
      else call.resume();
    };
    call.on("data", (bytes: Buffer) => {
      call.pause();
      turn = turn.then(() => handle(bytes)).catch(fail);
    });
    call.on("end", () => {
      void turn.then(() => {
        close();
        call.end();
      });
    });
    call.on("cancelled", close);
    call.on("close", close);
  }

  stop(): void {
    const error = new XdsError("DRAINING", "the server is shutting down; connect again, elsewhere if you can");
    for (const fail of [...this.open.values()]) fail(error);
  }
}
