import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type Any, anyPack, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { lazyRegistry } from "../../src/schema/lazy-registry.js";
import { builtInSet, newerApi } from "./newer-api.js";

const newer = newerApi();
const NewerClusterSchema = lazyRegistry(newer).getMessage(ClusterSchema.typeName) as GenMessage<Message>;
const newerCluster = (init: object) => create(NewerClusterSchema, { name: "a", ...init } as object);

// The API is the whole process's, and can be chosen once: each test has a package of its own.
let xds: typeof import("../../src/index.js");
beforeEach(async () => {
  vi.resetModules();
  xds = await import("../../src/index.js");
});

describe("useEnvoyApi()", () => {
  test("puts another API in the place of the built-in one", () => {
    const registry = xds.useEnvoyApi(newer);
    expect(xds.envoyRegistry()).toBe(registry);
    const resource = xds.Resource.of(newerCluster({ newerText: "there", newerList: ["x"] }));
    expect(resource.message()).toMatchObject({ newerText: "there", newerList: ["x"] });
  });

  test("has what the server's own services need, though no Envoy has it", () => {
    const csds = "envoy/service/status/v3/csds.proto";
    const { file } = fromBinary(FileDescriptorSetSchema, newer);
    const others = file.filter(({ name }) => name !== csds);
    const bytes = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: others }));
    const registry = xds.useEnvoyApi(bytes);
    expect(registry.fileOf("envoy.service.status.v3.ClientConfig")).toBe(csds);
    const locality = registry.getMessage("envoy.service.status.v3.ClientConfig")?.field.node?.message?.field.locality;
    expect(locality?.message?.field.newerList?.number).toBe(901);
  });

  test("its field rules are those that validation goes by", () => {
    xds.useEnvoyApi(newer);
    const [finding, ...others] = xds.validateResource(newerCluster({ newerText: "ab" }));
    expect(finding).toMatchObject({ code: "FIELD_RULE", path: "newer_text" });
    expect(finding?.message).toBe("must have at least 3 characters, has 2");
    expect(others).toEqual([]);
  });

  test("is refused once an API is in use, be it the built-in one", () => {
    xds.envoyRegistry();
    expect(() => xds.useEnvoyApi(newer)).toThrow(expect.objectContaining({ code: "WRONG_STATE" }));
  });

  test("is not hindered by an API of its own that something has, and does not change it", () => {
    const own = new xds.XdsApi();
    expect(xds.Resource.of(create(ClusterSchema, { name: "a" }), { api: own }).message()).toMatchObject({ name: "a" });
    const registry = xds.useEnvoyApi(newer);
    expect(xds.XdsApi.default.registry).toBe(registry);
    expect(registry.getMessage(ClusterSchema.typeName)?.field.newerText).toBeDefined();
    expect(own.registry.getMessage(ClusterSchema.typeName)?.field.newerText).toBeUndefined();
  });

  test("is refused the second time", () => {
    const registry = xds.useEnvoyApi(newer);
    expect(() => xds.useEnvoyApi(newer)).toThrow(expect.objectContaining({ code: "WRONG_STATE" }));
    expect(xds.envoyRegistry()).toBe(registry);
  });

  test("refuses descriptors without what the package needs, tells what they lack, and goes on with the built-in API", () => {
    const set = builtInSet();
    const without = set.file.filter((file) => !file.name.startsWith("envoy/service/"));
    const bytes = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: without }));
    expect(() => xds.useEnvoyApi(bytes)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringMatching(
          /^these descriptors are not a complete Envoy API: they lack envoy\.service\.discovery\.v3\.DiscoveryRequest, .*Resource; extractDescriptors\(\)/,
        ),
      }),
    );
    expect(() => xds.useEnvoyApi(new TextEncoder().encode("text"))).toThrow(/^not a serialized FileDescriptorSet/);
    expect(xds.envoyRegistry().getMessage(ClusterSchema.typeName)?.field.newerText).toBeUndefined();
  });
});

describe("a message of another version of the API than the one in use", () => {
  test("is encoded, at any depth, where it is of an older one", () => {
    xds.useEnvoyApi(newer);
    const older = create(ClusterSchema, {
      name: "a",
      loadAssignment: { clusterName: "a", endpoints: [{ locality: { region: "eu" } }] },
    });
    const copy = structuredClone(older);
    const resource = xds.Resource.of(older);
    expect(fromBinary(ClusterSchema, resource.body)).toEqual(older);
    expect(older).toEqual(copy);
    expect(resource.message()).toMatchObject({ newerList: [], newerMap: {}, newerFlag: false, newerText: "" });
    expect(xds.validateResource(older)).toEqual([]);
  });

  test("is encoded in the older one where it has nothing that this lacks", () => {
    const cluster = newerCluster({ clusterDiscoveryType: { case: "type", value: 0 }, newerList: [], newerText: "" });
    expect(fromBinary(ClusterSchema, xds.Resource.of(cluster).body)).toEqual(
      create(ClusterSchema, { name: "a", clusterDiscoveryType: { case: "type", value: 0 } }),
    );
  });

  test.each([
    ["newerText", { newerText: "x" }],
    ["newerList", { newerList: ["x"] }],
    ["newerMap", { newerMap: { x: "y" } }],
    ["newerFlag", { newerFlag: true }],
    ["newerType", { clusterDiscoveryType: { case: "newerType", value: "" } }],
  ])("is refused in the older one where it has what would be lost: %s", (field, init) => {
    expect(() => xds.Resource.of(newerCluster(init))).toThrow(
      expect.objectContaining({
        code: "INVALID_RESOURCE",
        message: expect.stringContaining(
          `envoy.config.cluster.v3.Cluster has no field ${field} in the Envoy API in use`,
        ),
      }),
    );
  });

  test("is refused for what would be lost deep in it", () => {
    const assignment = lazyRegistry(newer).getMessage(ClusterLoadAssignmentSchema.typeName) as GenMessage<Message>;
    const endpoints = [{ locality: { newerList: ["x"] } }];
    const message = create(assignment, { clusterName: "a", endpoints } as object);
    expect(() => xds.Resource.of(message)).toThrow("envoy.config.core.v3.Locality has no field newerList");
  });

  test("is served as it is where it comes encoded, in an Any", () => {
    const any = anyPack(NewerClusterSchema, newerCluster({ newerText: "kept" })) as Any;
    const resource = xds.Resource.of(any);
    expect(fromBinary(NewerClusterSchema, resource.body)).toMatchObject({ name: "a", newerText: "kept" });
    expect(xds.validateResource(resource)).toMatchObject([{ code: "UNKNOWN_FIELD" }]);
  });
});
