import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { TypedExtensionConfigSchema } from "../../gen/envoy/config/core/v3/extension_pb.js";
import { envoyRegistry } from "./default-api.js";
import { Resource } from "./resource.js";
import { resourceJson } from "./resource-json.js";

const inner = { typeUrl: "type.googleapis.com/foreign.v1.Thing", value: Uint8Array.of(8, 1) };

it("tells of an Any of an unknown type only the type, at any depth, and the type first", () => {
  const config = (name: string, typedConfig: object) => create(TypedExtensionConfigSchema, { name, typedConfig });
  const { type, body } = Resource.of(config("outer", anyPack(TypedExtensionConfigSchema, config("inner", inner))));
  const json = resourceJson(type.typeUrl, body, envoyRegistry());
  expect(JSON.stringify(json)).toBe(
    `{"@type":"${type.typeUrl}","name":"outer","typed_config":{"@type":"${type.typeUrl}","name":"inner",` +
      `"typed_config":{"@type":"${inner.typeUrl}"}}}`,
  );
});

it("refuses what it cannot show", () => {
  expect(() => resourceJson(inner.typeUrl, inner.value, envoyRegistry())).toThrow(
    /^no schema is known for .*Thing, so it cannot be shown$/,
  );
  expect(() =>
    resourceJson("type.googleapis.com/envoy.config.core.v3.Node", Uint8Array.of(10, 9), envoyRegistry()),
  ).toThrow(/^cannot be shown as type.googleapis.com\/envoy.config.core.v3.Node: /);
});
