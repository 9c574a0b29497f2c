import { create, type DescMessage, fromBinary, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { TypedExtensionConfigSchema } from "../../../gen/envoy/config/core/v3/extension_pb.js";
import { RouteConfigurationSchema } from "../../../gen/envoy/config/route/v3/route_pb.js";
import { BasicAuthSchema } from "../../../gen/envoy/extensions/filters/http/basic_auth/v3/basic_auth_pb.js";
import { SecretSchema } from "../../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { UpstreamTlsContextSchema } from "../../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { TypedStructSchema } from "../../../gen/xds/type/v3/typed_struct_pb.js";
import { Resource, rateLimitConfigType, secretType } from "../../index.js";
import { envoyRegistry } from "../../resource/default-api.js";
import { redacted } from "./redact.js";

const inline = (value: string) => ({ specifier: { case: "inlineString" as const, value } });

/** The redacted message, as JSON. */
function shown<S extends DescMessage>(schema: S, init: MessageInitShape<S>, options = {}) {
  const { typeUrl, value } = redacted(Resource.of(create(schema, init), options), envoyRegistry());
  const read = envoyRegistry().getMessage(typeUrl.replace(/.*\//, "")) as DescMessage;
  return toJson(read, fromBinary(read, value), { registry: envoyRegistry() });
}

describe("redacted()", () => {
  it("hides private keys and passwords, and shows certificates", () => {
    const value = { certificateChain: inline("chain"), privateKey: inline("key"), password: inline("word") };
    expect(shown(SecretSchema, { name: "s", type: { case: "tlsCertificate", value } })).toEqual({
      name: "s",
      tlsCertificate: {
        certificateChain: { inlineString: "chain" },
        privateKey: { inlineString: "[redacted]" },
        password: { inlineString: "[redacted]" },
      },
    });
    const keys = [inline("first"), inline("second")];
    expect(shown(SecretSchema, { name: "t", type: { case: "sessionTicketKeys", value: { keys } } })).toEqual({
      name: "t",
      sessionTicketKeys: { keys: [{ inlineString: "[redacted]" }, { inlineString: "[redacted]" }] },
    });
  });

  it("looks into every Any", () => {
    const commonTlsContext = { tlsCertificates: [{ privateKey: inline("key") }] };
    const tls = anyPack(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema, { sni: "s", commonTlsContext }));
    const configType = { case: "typedConfig" as const, value: tls };
    expect(shown(ClusterSchema, { name: "c", transportSocket: { name: "tls", configType } })).toMatchObject({
      transportSocket: {
        typedConfig: {
          sni: "s",
          commonTlsContext: { tlsCertificates: [{ privateKey: { inlineString: "[redacted]" } }] },
        },
      },
    });
  });

  it("reads a TypedStruct as what it stands for, and shows none that it cannot read", () => {
    const typed = (typeUrl: string, value: MessageInitShape<typeof TypedStructSchema>["value"]) => {
      const typedConfig = anyPack(TypedStructSchema, create(TypedStructSchema, { typeUrl, value }));
      return shown(TypedExtensionConfigSchema, { name: "e", typedConfig });
    };
    expect(typed(`type.googleapis.com/${BasicAuthSchema.typeName}`, { users: { inline_string: "u:p" } })).toMatchObject(
      {
        typedConfig: { value: { users: { inlineString: "[redacted]" } } },
      },
    );
    expect(JSON.stringify(typed("type.googleapis.com/of.Newer", { password: "p" }))).not.toContain("password");
    const unread = typed(`type.googleapis.com/${BasicAuthSchema.typeName}`, { newer_password: "p" });
    expect(JSON.stringify(unread)).not.toContain("newer_password");
  });

  it("shows but the type of what it does not know, and drops unknown fields beside secrets", () => {
    const unknown = Resource.fromBytes(rateLimitConfigType, Buffer.of(8, 1), { name: "r" });
    expect(redacted(unknown, envoyRegistry())).toEqual({ typeUrl: rateLimitConfigType, value: new Uint8Array() });
    // generic_secret: a secret "q", and beside it a field 100: "p"
    const bytes = [0x0a, 1, 0x73, 0x2a, 9, 0x0a, 3, 0x1a, 1, 0x71, 0xa2, 6, 1, 0x70];
    const secret = Resource.fromBytes(secretType, Uint8Array.from(bytes));
    expect(Buffer.from(redacted(secret, envoyRegistry()).value).toString("latin1")).not.toMatch(/[pq]/);
  });

  it("hides a private key in PEM wherever it is, in texts, bytes and lists", () => {
    const pem = "-----BEGIN EC PRIVATE KEY-----\nk\n-----END EC PRIVATE KEY-----\n";
    const chain = { specifier: { case: "inlineBytes" as const, value: Buffer.from(`cert\n${pem}`) } };
    const value = { certificateChain: chain, privateKey: inline("key") };
    expect(shown(SecretSchema, { name: "s", type: { case: "tlsCertificate", value } })).toMatchObject({
      tlsCertificate: { certificateChain: { inlineBytes: Buffer.from("[redacted]").toString("base64") } },
    });
    const altStatName = `a ${pem}`;
    const edsClusterConfig = { serviceName: "s" };
    expect(shown(ClusterSchema, { name: "c", altStatName, edsClusterConfig })).toEqual({
      name: "c",
      altStatName: "[redacted]",
      edsClusterConfig: { serviceName: "s" },
    });
    const domains = ["a", pem, "b"];
    expect(shown(RouteConfigurationSchema, { name: "r", virtualHosts: [{ name: "v", domains }] })).toMatchObject({
      virtualHosts: [{ domains: ["a", "[redacted]", "b"] }],
    });
  });

  it("leaves a resource without secrets as it is, to the byte", () => {
    const cluster = Resource.of(create(ClusterSchema, { name: "c", altStatName: "a" }));
    expect(redacted(cluster, envoyRegistry()).value).toBe(redacted(cluster, envoyRegistry()).value);
    expect(Buffer.from(redacted(cluster, envoyRegistry()).value)).toEqual(Buffer.from(cluster.body));
  });
});
