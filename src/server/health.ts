import type { Server } from "@grpc/grpc-js";

export interface Health {
  /** Says NOT_SERVING from now on. */
  stop(): void;
}

/** The standard health service (grpc.health.v1): SERVING for the whole ("") and for each service. */
export async function addHealthService(server: Server, services: readonly string[]): Promise<Health> {
  // Loaded here: it is slow to load, and only a server that listens needs it.
  const { HealthImplementation } = await import("grpc-health-check");
  const all = ["", ...services];
  const health = new HealthImplementation(Object.fromEntries(all.map((service) => [service, "SERVING"])));
  health.addToServer(server);
  return {
    stop: () => {
      for (const service of all) health.setStatus(service, "NOT_SERVING");
    },
  };
}
