import type { Server, ServerDuplexStream } from "@grpc/grpc-js";
import { type Door, passThrough, serveMessages } from "./grpc-methods.js";
import type { LoadReporting } from "./load-reporting.js";

const name = "envoy.service.load_stats.v3.LoadReportingService";

/** The load reporting service (LRS). Returns its name. */
export function addLoadReportingService(server: Server, loads: LoadReporting, door: Door): string {
  server.addService(
    { StreamLoadStats: passThrough(`/${name}/StreamLoadStats`, true) },
    {
      StreamLoadStats: (call: ServerDuplexStream<Buffer, Buffer>) =>
        serveMessages(call, door, (caller) => loads.open(caller)),
    },
  );
  return name;
}
