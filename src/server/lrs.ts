import type { Server, ServerDuplexStream } from "@grpc/grpc-js";
import type { Admission } from "./admission.js";
import { passThrough, serveMessages } from "./grpc-methods.js";
import type { LoadReporting } from "./load-reporting.js";

const name = "envoy.service.load_stats.v3.LoadReportingService";

/** The load reporting service (LRS). Returns its name. */
export function addLoadReportingService(server: Server, loads: LoadReporting, admission: Admission): string {
  server.addService(
    { StreamLoadStats: passThrough(`/${name}/StreamLoadStats`, true) },
    {
      StreamLoadStats: (call: ServerDuplexStream<Buffer, Buffer>) =>
        serveMessages(call, admission, (caller) => loads.open(caller)),
    },
  );
  return name;
}
