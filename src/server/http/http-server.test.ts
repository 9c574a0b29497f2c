import { once } from "node:events";
import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { XdsError } from "../../errors.js";
import { Accounts } from "../../protocol/account.js";
import { FlushQueue } from "../../protocol/flush-queue.js";
import { HttpServer } from "./http-server.js";

/** Milliseconds of work that the server does for each request. */
const requestMs = 2;

it("requests of many connections that come at once are divided among turns of the event loop", async () => {
  const accounts = new Accounts();
  const inTurns = new Map<number, number>();
  const error = () => new XdsError("INTERNAL", "not expected");
  const server = new HttpServer(
    { connections: 100, headersMs: 60_000, droppedBytes: 1_000 },
    {
      accounts,
      queue: new FlushQueue(accounts.all),
      handle: (_, response) => {
        for (const until = performance.now() + requestMs; performance.now() < until; );
        const { loopCount } = performance.nodeTiming.uvMetricsInfo;
        inTurns.set(loopCount, (inTurns.get(loopCount) ?? 0) + 1);
        response.end("ok");
      },
      headersTooLate: error,
      tooManyConnections: error,
      refused: () => {},
    },
  );
  onTestFinished(() => server.close());
  const port = await server.listen("127.0.0.1", 0, "test");
  const clients = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const client = connect({ port, host: "127.0.0.1" });
      await once(client, "connect");
      return client;
    }),
  );
  expect(accounts.size).toBe(1);
  const answers = clients.map((client) => once(client, "data"));
  for (const client of clients) client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await Promise.all(answers);
  expect([...inTurns.values()].reduce((sum, count) => sum + count, 0)).toBe(60);
  expect(Math.max(...inTurns.values())).toBeLessThan(6);
  for (const client of clients) client.destroy();
});
