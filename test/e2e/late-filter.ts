import { create } from "@bufbuild/protobuf";
import { TypedExtensionConfigSchema } from "../../gen/envoy/config/core/v3/extension_pb.js";
import { LuaSchema } from "../../gen/envoy/extensions/filters/http/lua/v3/lua_pb.js";
import { pack } from "./edge.js";
import { configSource, type Mode } from "./modes.js";

const lua = pack(LuaSchema, {
  defaultSourceCode: { specifier: { case: "inlineString", value: "function envoy_on_request(handle) end" } },
});

/** What {@link lateFilter} waits for. */
export const lateConfig = create(TypedExtensionConfigSchema, { name: "late", typedConfig: lua });

/** A filter whose configuration comes by ECDS: what has it is not warm before that is there. */
export const lateFilter = (mode: Mode) => ({
  name: lateConfig.name,
  configType: {
    case: "configDiscovery" as const,
    value: { configSource: configSource(mode), typeUrls: [lua.typeUrl] },
  },
});
