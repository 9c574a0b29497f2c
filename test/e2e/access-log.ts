import { create } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { AccessLogSchema, ComparisonFilter_Op } from "../../gen/envoy/config/accesslog/v3/accesslog_pb.js";
import type { Listener } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { StderrAccessLogSchema } from "../../gen/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { TcpProxySchema } from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { pack } from "./edge.js";

const mark = "failed-request";
const format = [
  mark,
  "%START_TIME(%H:%M:%S.%3f)%",
  "%REQ(:PATH)%",
  "%RESPONSE_CODE%",
  "%RESPONSE_FLAGS%",
  "%RESPONSE_CODE_DETAILS%",
  "route=%ROUTE_NAME%",
  "cluster=%UPSTREAM_CLUSTER%",
  "connection=%CONNECTION_ID%",
  "took=%DURATION%",
].join(" ");

const accessLog = create(AccessLogSchema, {
  name: "stderr",
  configType: {
    case: "typedConfig",
    value: pack(StderrAccessLogSchema, {
      accessLogFormat: {
        case: "logFormat",
        value: {
          format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: `${format}\n` } } },
        },
      },
    }),
  },
  filter: {
    filterSpecifier: {
      case: "orFilter",
      value: {
        filters: [
          {
            filterSpecifier: {
              case: "statusCodeFilter",
              value: {
                comparison: { op: ComparisonFilter_Op.GE, value: { defaultValue: 400, runtimeKey: "not.set" } },
              },
            },
          },
          { filterSpecifier: { case: "responseFlagFilter", value: {} } },
        ],
      },
    },
  },
});

/** The listener, with a line in Envoy's log for each request or TCP connection that fails. Changes the listener. */
export function loggingFailures(listener: Listener): Listener {
  for (const { filters } of listener.filterChains)
    for (const { configType } of filters) {
      if (configType.case !== "typedConfig") continue;
      for (const schema of [HttpConnectionManagerSchema, TcpProxySchema]) {
        const proxy = anyUnpack(configType.value, schema);
        if (!proxy) continue;
        proxy.accessLog = [accessLog];
        configType.value = anyPack(schema, proxy);
      }
    }
  return listener;
}

/** The lines in an Envoy's log about what failed. */
export const failuresIn = (log: string): string[] => log.split("\n").filter((line) => line.startsWith(mark));
