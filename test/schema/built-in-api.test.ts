import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { apiOrigin } from "../../gen/built-in.js";
import { pinned } from "../../scripts/envoy-wheel.mjs";
import { envoyRegistry } from "../../src/resource/default-api.js";

describe("the built-in API", () => {
  const typesOf = (name: string) => readFileSync(new URL(`../../gen/${name}_pb.d.ts`, import.meta.url), "utf8");

  test("is that of the pinned Envoy", () => {
    expect(apiOrigin).toBe(`Envoy ${pinned.version}`);
    for (const name of [
      "envoy.extensions.clusters.dns.v3.DnsCluster",
      "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
      "envoy.service.metrics.v3.StreamMetricsMessage",
      "envoy.config.listener.v3.Listener.FcdsConfig",
    ])
      expect(envoyRegistry().getMessage(name)?.typeName).toBe(name);
  });

  test("has what an Envoy does not use itself: CSDS, what gRPC clients read, and files that only collect others", () => {
    for (const name of [
      "envoy.service.status.v3.ClientConfig",
      "envoy.extensions.load_balancing_policies.pick_first.v3.PickFirst",
      "envoy.extensions.rbac.audit_loggers.stream.v3.StdoutAuditLog",
      "grpc.health.v1.HealthCheckRequest",
    ])
      expect(envoyRegistry().getMessage(name)?.typeName).toBe(name);
    expect([...envoyRegistry().files()]).toContain("envoy/config/trace/v3/trace.proto");
  });

  test("its types have the comments of the npm protos, those of the same full name", () => {
    const types = typesOf("envoy/config/cluster/v3/cluster");
    const commentOf = (field: string) =>
      new RegExp(`/\\*\\*((?:(?!\\*/)[^])*?)@generated from field: \\S+ ${field} = `).exec(types)?.[1];
    expect(commentOf("connect_timeout")).toMatch(/The timeout for new network connections to hosts in the cluster/);
    expect(commentOf("close_connections_on_host_health_failure")).toMatch(
      /immediately close all connections to the failed host/,
    );
    expect(commentOf("stats_matcher")).toMatch(/^[\s*]*$/); // newer than those protos
  });

  test("names no file that it does not have", () => {
    const registry = envoyRegistry();
    const all = [...registry]; // builds each file, and so finds the types of all fields
    expect(all.filter(({ kind }) => kind === "message").length).toBeGreaterThan(1_500);
  });
});
