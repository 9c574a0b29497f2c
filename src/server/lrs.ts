import type { GrpcServer } from "../grpc/server.js";
import { type Door, type GrpcCaller, messages } from "./grpc-methods.js";
import type { LoadReporting } from "./load-reporting.js";

const name = "envoy.service.load_stats.v3.LoadReportingService";

/** The load reporting service (LRS). Returns its name. */
export function addLoadReportingService(server: GrpcServer<GrpcCaller>, loads: LoadReporting, door: Door): string {
  server.add(
    `/${name}/StreamLoadStats`,
    messages(door, (caller) => loads.open(caller)),
  );
  return name;
}
