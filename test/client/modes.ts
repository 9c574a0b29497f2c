import { create } from "@bufbuild/protobuf";
import { onTestFinished } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { XdsClient, type XdsClientOptions } from "../../src/client/index.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { XdsServer } from "../../src/server/xds-server.js";
import type { XdsServerOptions } from "../../src/server/xds-server-options.js";

/** Every way in which a client can ask. */
export const modes = (["sotw", "delta"] as const).flatMap((variant) =>
  (["ads", "separate"] as const).map((service) => ({ name: `${variant}, ${service}`, variant, service })),
);

export const cluster = (name: string, content = 1): Resource =>
  Resource.of(create(ClusterSchema, { name, perConnectionBufferLimitBytes: content }));

export const endpoints = (clusterName: string, overprovisioningFactor = 100): Resource =>
  Resource.of(create(ClusterLoadAssignmentSchema, { clusterName, policy: { overprovisioningFactor } }));

/** A server that serves node "n" a snapshot; it ends with the test. */
export async function serve(resources: readonly Resource[], options: XdsServerOptions = {}, port = 0) {
  const cache = new SnapshotCache();
  const set = (next: readonly Resource[]) => cache.set("n", Snapshot.of(next));
  set(resources);
  const server = new XdsServer(cache, options);
  onTestFinished(() => server.close());
  const { grpc } = await server.listen({ port });
  return { server, set, port: grpc.port, address: `127.0.0.1:${grpc.port}` };
}

/** A client that is node "n", connects again at once, and ends with the test. `name`: of one of the {@link modes}. */
export function connect({ name: _, ...options }: XdsClientOptions & { readonly name?: string }): XdsClient {
  const reconnect = { initialMs: 5, maxMs: 50 };
  const client = new XdsClient({ node: { id: "n" }, reconnect, ...options });
  onTestFinished(() => client.close());
  return client;
}
