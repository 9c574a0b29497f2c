import { lookup } from "node:dns/promises";
import { createServer, type Server } from "node:net";
import { messageOf, XdsError } from "../../errors.js";

/** Error codes for an address, or a kind of address, that this machine does not have. */
const missingCodes = new Set<string | undefined>(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/**
 * Makes a server listen on every address of a host name that this machine has. All addresses get the same port, which
 * is returned. `what` names the server in error messages.
 * @throws XdsError CANNOT_LISTEN
 */
export async function listenOn(server: Server, host: string, port: number, what: string): Promise<number> {
  let bound: number | undefined;
  let missing: unknown;
  try {
    const addresses = new Set((await lookup(host, { all: true })).map(({ address }) => address));
    for (const address of addresses)
      try {
        bound = await listen(bound === undefined ? server : secondServer(server), address, bound ?? port, server);
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

/** A second server that passes its connections to this one, because a Node server listens on one address only. */
function secondServer(server: Server): Server {
  const helper = createServer((socket) => {
    if (server.listening) server.emit("connection", socket);
    else socket.destroy();
  });
  server.once("close", () => helper.close());
  return helper;
}

/** Listens and returns the port. Rejects, and stops listening, if `main` is closed meanwhile. */
function listen(server: Server, address: string, port: number, main: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error("the server was closed before it listened"));
    server.once("error", reject);
    server.once("close", closed); // after a close between binding and "listening", "listening" is never emitted
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
