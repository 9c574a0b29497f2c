import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, it, onTestFinished, vi } from "vitest";
import { listenOn } from "./listen-on.js";

vi.mock("node:dns/promises", () => ({ lookup: vi.fn() }));
const resolvesTo = (...addresses: string[]) =>
  vi.mocked(lookup).mockResolvedValue(addresses.map((address) => ({ address, family: 4 })) as never);

/** The text that a client of this address receives. */
async function answerFrom(host: string, port: number): Promise<string> {
  const socket = connect(port, host);
  onTestFinished(() => void socket.destroy());
  try {
    const [text] = await once(socket, "data");
    return String(text);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code as string;
  }
}

const greeter = () => createServer((socket) => socket.end("hello"));

it("a server listens on every address of a host that this machine has, on one port, until it is closed", async () => {
  resolvesTo("203.0.113.1", "127.0.0.1", "127.0.0.2", "127.0.0.1"); // RFC 5737: no machine has the first
  const server = greeter();
  const port = await listenOn(server, "several.example", 0, "greetings");
  for (const host of ["127.0.0.1", "127.0.0.2"]) expect(await answerFrom(host, port)).toBe("hello");
  server.close();
  await once(server, "close");
  await new Promise((resolve) => setImmediate(resolve));
  for (const host of ["127.0.0.1", "127.0.0.2"]) expect(await answerFrom(host, port)).toBe("ECONNREFUSED");
});

it("a server that cannot have one of the addresses listens on none", async () => {
  resolvesTo("127.0.0.2");
  const other = greeter();
  const port = await listenOn(other, "other.example", 0, "greetings");
  onTestFinished(() => void other.close());
  resolvesTo("127.0.0.1", "127.0.0.2");
  await expect(listenOn(greeter(), "several.example", port, "greetings")).rejects.toMatchObject({
    code: "CANNOT_LISTEN",
    message: expect.stringMatching(`^cannot listen for greetings on several.example:${port}: .*EADDRINUSE`),
  });
  expect(await answerFrom("127.0.0.1", port)).toBe("ECONNREFUSED");
  resolvesTo("203.0.113.1");
  await expect(listenOn(greeter(), "nobody.example", 0, "greetings")).rejects.toMatchObject({
    code: "CANNOT_LISTEN",
    message: expect.stringMatching(/EADDRNOTAVAIL/),
  });
});

it("a server that is closed while it is about to listen listens on no address, and listenOn() rejects", async () => {
  resolvesTo("127.0.0.1", "127.0.0.2");
  let refused = 0;
  for (let turns = 0; turns < 12; turns++) {
    const probe = greeter();
    const port = await listenOn(probe, "several.example", 0, "greetings");
    probe.close();
    await once(probe, "close");
    const server = greeter();
    const listening = listenOn(server, "several.example", port, "greetings").catch((error: Error) => error);
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    const wasListening = server.listening;
    server.close();
    const outcome = await listening;
    if (outcome instanceof Error) {
      refused++;
      expect(outcome.message).toMatch(/closed before it listened/);
    } else if (!wasListening) server.close(); // the close came before it listened, so it is closed again
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    for (const host of ["127.0.0.1", "127.0.0.2"]) expect(await answerFrom(host, port)).toBe("ECONNREFUSED");
  }
  expect(refused).toBeGreaterThan(0);
});
