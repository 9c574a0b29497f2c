import { readFileSync } from "node:fs";
import {
  create,
  createFileRegistry,
  equals,
  fromBinary,
  fromJson,
  getOption,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { anyPack, anyUnpack, FieldOptionsSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, onTestFinished, test } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { rules } from "../../gen/validate/validate_pb.js";
import { XdsError } from "../errors.js";
import { envoyRegistry } from "../resource/default-api.js";
import { lazyRegistry } from "./lazy-registry.js";

const bytes = readFileSync(new URL("../../gen/envoy.binpb", import.meta.url));
const set = fromBinary(FileDescriptorSetSchema, bytes);
const hcm = HttpConnectionManagerSchema.typeName;

const listener: JsonValue = {
  name: "ingress",
  address: { socketAddress: { address: "127.0.0.1", portValue: 10000 } },
  filterChains: [
    {
      filters: [
        {
          name: "hcm",
          typedConfig: {
            "@type": `type.googleapis.com/${hcm}`,
            statPrefix: "ingress",
            streamIdleTimeout: "1.500s",
            httpFilters: [
              {
                name: "router",
                typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
              },
            ],
            routeConfig: {
              name: "local",
              virtualHosts: [
                {
                  name: "all",
                  domains: ["*"],
                  typedPerFilterConfig: {
                    any: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" },
                    struct: {
                      "@type": "type.googleapis.com/google.protobuf.Struct",
                      value: { a: [1, "b", null], c: { d: true } },
                    },
                    typed: {
                      "@type": "type.googleapis.com/xds.type.v3.TypedStruct",
                      typeUrl: "type.googleapis.com/x.Y",
                      value: { key: 1 },
                    },
                    wrapper: { "@type": "type.googleapis.com/google.protobuf.UInt32Value", value: 7 },
                    nested: {
                      "@type": "type.googleapis.com/google.protobuf.Any",
                      value: { "@type": "type.googleapis.com/google.protobuf.Empty" },
                    },
                  },
                },
              ],
            },
          },
        },
      ],
    },
  ],
};

describe("lazyRegistry", () => {
  test("resolves every type that a full registry resolves, in whichever order they are asked for", () => {
    const full = [...createFileRegistry(set)];
    const lazy = lazyRegistry(bytes);
    for (const type of full.reverse()) {
      const found = lazy.get(type.typeName);
      expect(found?.toString(), type.typeName).toBe(type.toString());
      if (type.kind === "extension") {
        expect(lazy.getExtensionFor(type.extendee, type.number)).toBe(found);
      }
    }
    expect(names(lazy)).toEqual(names(full));
    expect(names(lazyRegistry(bytes))).toEqual(names(full));
    expect(full.length).toBeGreaterThan(1300);
  });

  test("has one descriptor for a type, however it is reached", () => {
    const lazy = lazyRegistry(bytes);
    const cluster = lazy.getMessage(ClusterSchema.typeName);
    for (const type of lazy) {
      if (type.kind !== "message") continue;
      for (const field of type.fields) {
        const wanted = field.message ?? field.enum;
        if (wanted) expect(lazy.get(wanted.typeName), `${type.typeName}.${field.name}`).toBe(wanted);
      }
    }
    expect(lazy.getMessage(ClusterSchema.typeName)).toBe(cluster);
  });

  test("knows a type by its kind, and nothing by a name that no file declares", () => {
    const lazy = lazyRegistry(bytes);
    expect(lazy.getEnum("envoy.config.cluster.v3.Cluster.LbPolicy")?.value[0]?.name).toBe("ROUND_ROBIN");
    expect(lazy.getMessage("envoy.config.cluster.v3.Cluster.LbPolicy")).toBeUndefined();
    expect(lazy.getService("envoy.service.discovery.v3.AggregatedDiscoveryService")?.methods).toHaveLength(2);
    for (const name of ["", ".", "envoy", "envoy.config.cluster.v3.Cluster.Nope", "x.Y", "constructor"]) {
      expect(lazy.get(name), name).toBeUndefined();
    }
  });

  test("round-trips nested typed configs and well-known types in Any through JSON and binary", () => {
    const registry = envoyRegistry();
    const message = fromJson(ListenerSchema, listener, { registry });
    expect(toJson(ListenerSchema, message, { registry })).toEqual(listener);
    const manager = anyUnpack(typedConfig(message), HttpConnectionManagerSchema);
    expect(manager?.streamIdleTimeout).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
    const decoded = fromBinary(ListenerSchema, toBinary(ListenerSchema, message));
    expect(toJson(ListenerSchema, decoded, { registry })).toEqual(listener);
  });

  test("names the type that an Any's JSON refers to in vain", () => {
    const json = { filterChains: [{ filters: [{ typedConfig: { "@type": "type.googleapis.com/no.Such" } }] }] };
    expect(() => fromJson(ListenerSchema, json, { registry: envoyRegistry() })).toThrow("no.Such");
  });

  test("its descriptors and the generated schemas take each other's messages", () => {
    const registry = envoyRegistry();
    const desc = registry.getMessage(ListenerSchema.typeName);
    if (!desc) throw new Error("no Listener");
    const generated = fromJson(ListenerSchema, listener, { registry });
    const reflected = fromJson(desc, listener, { registry });
    expect(toBinary(desc, generated)).toEqual(toBinary(ListenerSchema, reflected as typeof generated));
    expect(equals(ListenerSchema, generated, reflected as typeof generated)).toBe(true);
    expect(toJson(desc, generated, { registry })).toEqual(listener);
    const packed = anyPack(ClusterSchema, create(ClusterSchema, { name: "backend" }));
    expect(anyUnpack(packed, registry)).toMatchObject({ $typeName: ClusterSchema.typeName, name: "backend" });
  });

  test("keeps the API's field rules", () => {
    const name = envoyRegistry().getMessage(ClusterSchema.typeName)?.field.name;
    if (!name) throw new Error("no Cluster.name");
    expect(getOption(name, rules).type).toMatchObject({ case: "string", value: { minLen: 1n } });
    expect(envoyRegistry().getExtensionFor(FieldOptionsSchema, rules.number)?.typeName).toBe(rules.typeName);
  });

  test("gives the bytes of each file, and the file of each type, method and field", () => {
    const lazy = lazyRegistry(bytes);
    expect([...lazy.files()]).toEqual(set.file.map((file) => file.name));
    expect([...lazy.files()]).toContain("google/protobuf/any.proto");
    const rebuilt = fromBinary(FileDescriptorSetSchema, joined([...lazy.files()].map((name) => lazy.fileBytes(name))));
    expect(rebuilt.file.map((file) => file.name)).toEqual(set.file.map((file) => file.name));
    expect(lazy.fileBytes("no/such.proto")).toBeUndefined();
    expect(lazy.fileOf("envoy.config.cluster.v3.Cluster.LbPolicy")).toBe("envoy/config/cluster/v3/cluster.proto");
    expect(lazy.fileOf("envoy.service.cluster.v3.ClusterDiscoveryService.FetchClusters")).toBe(
      "envoy/service/cluster/v3/cds.proto",
    );
    expect(lazy.fileOf("validate.rules")).toBe("validate/validate.proto");
    expect(lazy.fileOf("x.Y")).toBeUndefined();
  });

  test("refuses what is no descriptor set, and a set that lacks an import", () => {
    expect(() => lazyRegistry(new TextEncoder().encode("not a descriptor set"))).toThrow(XdsError);
    const partial = create(FileDescriptorSetSchema, {
      file: set.file.filter((f) => f.name !== "xds/core/v3/authority.proto"),
    });
    expect(() => lazyRegistry(toBinary(FileDescriptorSetSchema, partial))).toThrow(
      /^the descriptor set lacks xds\/core\/v3\/authority\.proto, which .*\.proto imports; make it with its imports/,
    );
  });

  test("indexes the whole API and reads few of the fields that decoding reads", () => {
    const read = BinaryReader.prototype.tag;
    let count = 0;
    onTestFinished(() => {
      BinaryReader.prototype.tag = read;
    });
    BinaryReader.prototype.tag = function () {
      count++;
      return read.call(this);
    };
    const fieldsRead = (work: () => void) => {
      count = 0;
      work();
      return count;
    };
    const indexed = fieldsRead(() => lazyRegistry(bytes));
    expect(indexed).toBeLessThan(fieldsRead(() => fromBinary(FileDescriptorSetSchema, bytes)) / 3);
  });
});

function names(types: Iterable<{ kind: string; typeName: string }>): string[] {
  return Array.from(types, (type) => `${type.kind} ${type.typeName}`).sort();
}

function typedConfig(message: ReturnType<typeof fromJson<typeof ListenerSchema>>) {
  const config = message.filterChains[0]?.filters[0]?.configType;
  if (config?.case !== "typedConfig") throw new Error("no typed config");
  return config.value;
}

/** Serialized FileDescriptorProtos as a serialized FileDescriptorSet. */
function joined(files: (Uint8Array | undefined)[]): Uint8Array {
  const chunks = files.map((file) => {
    if (!file) throw new Error("a file without bytes");
    const length = [];
    let rest = file.length;
    for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
    return Buffer.concat([Uint8Array.of(10, ...length, rest), file]);
  });
  return Buffer.concat(chunks);
}
