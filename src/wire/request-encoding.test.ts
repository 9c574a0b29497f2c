import { create, fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { envoyRegistry } from "../resource/default-api.js";
import { clusterType } from "../resource/types.js";
import { encodeDeltaDiscoveryRequest, encodeDiscoveryRequest } from "./request-encoding.js";
import { decodeDeltaDiscoveryRequest, decodeDiscoveryRequest } from "./requests.js";

const node = create(NodeSchema, { id: "n", cluster: "c", metadata: { region: "eu" }, clientFeatures: ["f"] });
const errorDetail = { code: 3, message: "nö" };

describe("encodeDiscoveryRequest", () => {
  const full = {
    node,
    typeUrl: clusterType,
    versionInfo: "v1",
    responseNonce: "7",
    errorDetail,
    resourceNames: ["a", "*"],
  };
  const empty = {
    node: undefined,
    typeUrl: "",
    versionInfo: "",
    responseNonce: "",
    errorDetail: undefined,
    resourceNames: [],
  };

  it("writes what the server reads", () => {
    expect(decodeDiscoveryRequest(encodeDiscoveryRequest(full, envoyRegistry()), envoyRegistry())).toEqual(full);
  });

  it("writes what the message's schema says", () => {
    expect(fromBinary(DiscoveryRequestSchema, encodeDiscoveryRequest(full, envoyRegistry()))).toMatchObject(full);
  });

  it("leaves out what is empty", () => {
    expect(encodeDiscoveryRequest(empty, envoyRegistry())).toHaveLength(0);
    expect(decodeDiscoveryRequest(encodeDiscoveryRequest(empty, envoyRegistry()), envoyRegistry())).toEqual(empty);
  });
});

describe("encodeDeltaDiscoveryRequest", () => {
  const full = {
    node,
    typeUrl: clusterType,
    responseNonce: "7",
    errorDetail,
    resourceNamesSubscribe: ["a", "b"],
    resourceNamesUnsubscribe: ["c"],
    initialResourceVersions: new Map([
      ["x", "1"],
      ["y", "2"],
    ]),
  };

  it("writes what the server reads", () => {
    expect(decodeDeltaDiscoveryRequest(encodeDeltaDiscoveryRequest(full, envoyRegistry()), envoyRegistry())).toEqual(
      full,
    );
  });

  it("writes what the message's schema says", () => {
    const decoded = fromBinary(DeltaDiscoveryRequestSchema, encodeDeltaDiscoveryRequest(full, envoyRegistry()));
    expect(decoded).toMatchObject({ ...full, initialResourceVersions: { x: "1", y: "2" } });
  });

  it("leaves out what is empty, but tells an error without a text from none", () => {
    const empty = {
      node: undefined,
      typeUrl: "",
      responseNonce: "",
      errorDetail: undefined,
      resourceNamesSubscribe: [],
      resourceNamesUnsubscribe: [],
      initialResourceVersions: new Map<string, string>(),
    };
    expect(encodeDeltaDiscoveryRequest(empty, envoyRegistry())).toHaveLength(0);
    const refused = { ...empty, errorDetail: { code: 0, message: "" } };
    expect(decodeDeltaDiscoveryRequest(encodeDeltaDiscoveryRequest(refused, envoyRegistry()), envoyRegistry())).toEqual(
      refused,
    );
  });
});
