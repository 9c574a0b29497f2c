import { packageVersion } from "../../gen/built-in.js";
import { messageOf } from "../errors.js";

/** An OpenTelemetry span. Does nothing if OpenTelemetry is not installed. */
export interface Traced {
  /** Whether the span is recorded. If not, its attributes need not be computed. */
  readonly isRecording: boolean;
  /** Sets attributes of the span. */
  set(attributes: Readonly<Record<string, string | number>>): void;
  /** Starts a span below this one. */
  child(name: string): Traced;
  /** Ends the span. With an error, the span's status is ERROR. */
  end(error?: unknown): void;
}

/** Starts a span. */
export type StartSpan = (name: string) => Traced;

const untraced: Traced = { isRecording: false, set: () => {}, child: () => untraced, end: () => {} };

/**
 * Returns a function that starts spans with the process's tracer provider. The provider may be registered before or
 * after this call. Without the package `@opentelemetry/api`, the function starts no spans.
 */
export async function loadTracing(): Promise<StartSpan> {
  const api = await import("@opentelemetry/api").catch(() => undefined);
  if (!api) return () => untraced;
  const { context, SpanStatusCode, trace } = api;
  const tracer = trace.getTracer("ts-control-plane", packageVersion);
  const start = (name: string, parent = context.active()): Traced => {
    const span = tracer.startSpan(name, {}, parent);
    return {
      isRecording: span.isRecording(),
      set: (attributes) => span.setAttributes(attributes),
      child: (childName) => start(childName, trace.setSpan(parent, span)),
      end: (error) => {
        if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
        span.end();
      },
    };
  };
  return (name) => start(name);
}
