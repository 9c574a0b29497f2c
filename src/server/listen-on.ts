import type { Server } from "node:net";
import { messageOf, XdsError } from "../errors.js";

/**
 * Returns the port that it listens on.
 * @throws XdsError CANNOT_LISTEN
 */
export function listenOn(server: Server, host: string, port: number, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `cannot listen for ${what} on ${host}:${port}: ${messageOf(cause)}`;
      reject(new XdsError("CANNOT_LISTEN", message, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}
