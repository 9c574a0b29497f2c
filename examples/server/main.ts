// An xDS management server for one Envoy, and a service for that Envoy to pass requests on to. See README.md.
import { once } from "node:events";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { CountingCallbacks, SnapshotCache, XdsServer } from "ts-control-plane";
import { makeSnapshot } from "./resources.js";
import { startUpstream } from "./upstream.js";

const logger = pino();

try {
  await run();
} catch (error) {
  logger.fatal(error);
  process.exit(1); // whatever else is open
}

async function run(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      /** Where this server listens, for gRPC. */
      port: { type: "string", default: "18000" },
      /** The Envoy that is served: `node.id` of its bootstrap. */
      "node-id": { type: "string", default: "test-id" },
      /** Where the Envoy is told to listen. */
      "listener-port": { type: "string", default: "10000" },
      /** Where the service behind it listens. */
      "upstream-port": { type: "string", default: "18080" },
      /** Logs streams as they open and close. */
      debug: { type: "boolean", default: false },
    },
  });
  const port = toPort(flags.port);
  const ports = { listener: toPort(flags["listener-port"]), upstream: toPort(flags["upstream-port"]) };

  // A cache holds what is served: here a snapshot for each node id.
  const cache = new SnapshotCache();
  cache.set(flags["node-id"], makeSnapshot(ports));

  // A server offers it, at the aggregated service and at that of each type of resource.
  const callbacks = new CountingCallbacks(logger, flags.debug);
  const server = new XdsServer(cache, { callbacks, logger });

  const signal = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  const service = await startUpstream(ports.upstream);
  const { grpc } = await server.listen({ port });
  logger.info({ ...grpc, nodeId: flags["node-id"] }, "management server listening");
  void callbacks.firstRequest.then(() => logger.info({ listener: ports.listener }, "an Envoy has come"));

  await signal;
  logger.info("shutting down");
  await server.drain();
  service.close();
  service.closeAllConnections();
  callbacks.report();
}

function toPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${JSON.stringify(text)} is not a port`);
  return port;
}
