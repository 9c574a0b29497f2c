import { messageOf } from "../errors.js";
import { packageVersion } from "./version.js";

/** A span of OpenTelemetry's; nothing where that is not installed. */
export interface Traced {
  /** Whether anyone will see it, so that making its attributes is worth the time. */
  readonly isRecording: boolean;
  set(attributes: Readonly<Record<string, string | number>>): void;
  child(name: string): Traced;
  /** With an error, the span has failed. */
  end(error?: unknown): void;
}

export type StartSpan = (name: string) => Traced;

const untraced: Traced = { isRecording: false, set: () => {}, child: () => untraced, end: () => {} };

/**
 * Starts spans with the tracer provider that the process has registered by then, before or after this call. Without the package
 * `@opentelemetry/api` it starts none.
 */
export async function loadTracing(): Promise<StartSpan> {
  const api = await import("@opentelemetry/api").catch(() => undefined);
  if (!api) return () => untraced;
  const { context, SpanStatusCode, trace } = api;
  const tracer = trace.getTracer("ts-control-plane", packageVersion());
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
