import { onTestFinished } from "vitest";
import { type ResourceInput, Snapshot, SnapshotCache, XdsServer, type XdsServerOptions } from "../../src/index.js";

/** The group that every Envoy of these tests is in. */
export const group = "test-node";

/** A server's options, with those that not every version of the server has. */
export type ServerOptions = XdsServerOptions & {
  readonly drainTimeMs?: number;
  readonly retryRefused?: boolean;
  readonly maxResponseBytes?: number;
};

/** A server of the group {@link group}. */
export interface Serving {
  readonly server: XdsServer;
  readonly xdsPort: number;
  /** Replaces all that the group is served. */
  serve(resources: readonly ResourceInput[]): void;
}

/** A server that serves these, on a free port or on `port`. It ends with the test, if not before. */
export async function startServing(
  resources: readonly ResourceInput[],
  { port = 0, ...options }: ServerOptions & { readonly port?: number } = {},
): Promise<Serving> {
  const cache = new SnapshotCache();
  const serve: Serving["serve"] = (inputs) => cache.set(group, Snapshot.of([...inputs]));
  serve(resources);
  const server = new XdsServer(cache, options);
  onTestFinished(() => server.close());
  const { grpc } = await server.listen({ port });
  return { server, xdsPort: grpc.port, serve };
}
