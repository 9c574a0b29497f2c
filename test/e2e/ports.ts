import { createServer } from "node:net";

// Below what systems give to outgoing connections, so that none of those takes a port between its choice and its use.
const [first, last] = [20_000, 31_999];

/** A port of 127.0.0.1 that nobody listens on, nor on the ports after it, `count` in all. */
export async function freePort(count = 1): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = first + Math.floor(Math.random() * (last - first - count + 2));
    const free = await Promise.all(Array.from({ length: count }, (_, more) => isFree(port + more)));
    if (free.every(Boolean)) return port;
  }
  throw new Error(`no free port between ${first} and ${last}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
