import type { GrpcServer } from "../../grpc/server.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import { type MethodContext, messages } from "../grpc/grpc-methods.js";
import type { LoadReporting } from "./load-reporting.js";

const name = "envoy.service.load_stats.v3.LoadReportingService";

/** Adds the load reporting service (LRS). Returns the service's name. */
export function addLoadReportingService(
  server: GrpcServer<AccountedCaller>,
  loads: LoadReporting,
  context: MethodContext,
): string {
  server.add(
    `/${name}/StreamLoadStats`,
    messages(context, (caller) => loads.open(caller)),
  );
  return name;
}
