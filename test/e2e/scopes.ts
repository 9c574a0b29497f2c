import { create } from "@bufbuild/protobuf";
import {
  ScopedRouteConfiguration_Key_FragmentSchema as FragmentSchema,
  ScopedRouteConfigurationSchema,
} from "../../gen/envoy/config/route/v3/scoped_route_pb.js";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { pack } from "./edge.js";
import { configSource, type Mode } from "./modes.js";

/** A scope: requests with this value of the header `scope` are routed by this route configuration. */
export const scope = (name: string, key: string, routeConfigurationName: string) =>
  create(ScopedRouteConfigurationSchema, {
    name,
    routeConfigurationName,
    key: { fragments: [create(FragmentSchema, { type: { case: "stringKey", value: key } })] },
  });

/** HTTP whose routes depend on the header `scope`, looked up in scopes by SRDS. */
export function scopedHttpFilterChain({ mode, statPrefix }: { mode: Mode; statPrefix: string }) {
  const manager = pack(HttpConnectionManagerSchema, {
    statPrefix,
    routeSpecifier: {
      case: "scopedRoutes",
      value: {
        name: "scopes",
        scopeKeyBuilder: {
          fragments: [
            {
              type: {
                case: "headerValueExtractor",
                value: { name: "scope", extractType: { case: "index", value: 0 } },
              },
            },
          ],
        },
        rdsConfigSource: configSource(mode),
        configSpecifier: { case: "scopedRds", value: { scopedRdsConfigSource: configSource(mode) } },
      },
    },
    httpFilters: [{ name: "router", configType: { case: "typedConfig", value: pack(RouterSchema, {}) } }],
  });
  return { filters: [{ name: "http", configType: { case: "typedConfig" as const, value: manager } }] };
}
