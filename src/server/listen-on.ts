import { lookup } from "node:dns/promises";
import { createServer, type Server } from "node:net";
import { messageOf, XdsError } from "../errors.js";

/** This machine does not have the address, or nothing of its kind. */
const missingCodes = new Set<string | undefined>(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/**
 * Makes a server listen on every address of a host that this machine has. Returns the port, which is one for all.
 * @throws XdsError CANNOT_LISTEN
 */
export async function listenOn(server: Server, host: string, port: number, what: string): Promise<number> {
  let bound: number | undefined;
  let missing: unknown;
  try {
    const addresses = new Set((await lookup(host, { all: true })).map(({ address }) => address));
    for (const address of addresses)
      try {
        bound = await listen(bound === undefined ? server : helperOf(server), address, bound ?? port, server);
      } catch (error) {
        if (!missingCodes.has((error as NodeJS.ErrnoException).code)) throw error;
        missing = error;
      }
    if (bound === undefined) throw missing;
    return bound;
  } catch (cause) {
    server.close();
    const message = `cannot listen for ${what} on ${host}:${port}: ${messageOf(cause)}`;
    throw new XdsError("CANNOT_LISTEN", message, { cause });
  }
}

/** A server listens on one address: this one listens on another for it, for as long as it does. */
function helperOf(server: Server): Server {
  const helper = createServer((socket) => {
    if (server.listening) server.emit("connection", socket);
    else socket.destroy();
  });
  server.once("close", () => helper.close());
  return helper;
}

/** Returns the port. Rejects, and listens on nothing, if `main` is closed meanwhile. */
function listen(server: Server, address: string, port: number, main: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error("it was closed while it was to listen"));
    server.once("error", reject);
    server.once("close", closed); // between binding and the event "listening" that one never comes
    server.listen(port, address, () => {
      server.off("error", reject);
      server.off("close", closed);
      if (!main.listening) {
        server.close();
        closed();
        return;
      }
      const bound = server.address();
      resolve(typeof bound === "object" && bound ? bound.port : port);
    });
  });
}
