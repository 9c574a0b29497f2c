import type { Server, ServerDuplexStream } from "@grpc/grpc-js";
import { type Companion, MessageStreams, passThrough } from "./grpc-methods.js";
import type { LoadReporting } from "./load-reporting.js";

const name = "envoy.service.load_stats.v3.LoadReportingService";

/** The load reporting service (LRS). */
export function addLoadReportingService(server: Server, loads: LoadReporting): Companion {
  const streams = new MessageStreams();
  server.addService(
    { StreamLoadStats: passThrough(`/${name}/StreamLoadStats`, true) },
    {
      StreamLoadStats: (call: ServerDuplexStream<Buffer, Buffer>) => streams.serve(call, loads.open(call.getPeer())),
    },
  );
  return { name, stop: () => streams.stop() };
}
