import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished, vi } from "vitest";
import { LogBook } from "../../test/protocol/harness.js";
import type { Traced } from "../admin/tracing.js";
import { begin, type Outcome, type Rollout } from "../rollout/rollout.js";
import { RolloutNotices } from "./rollout-notices.js";

async function receiver(answer: (response: ServerResponse, count: number) => void = (response) => response.end()) {
  const got: unknown[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    got.push(JSON.parse(body));
    answer(response, got.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { got, webhook: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` } };
}

const first: Rollout = begin(7, "r", ["n1"], 0);
const decision = (rollout: Rollout, outcome: Outcome) => ({
  ...{ rollout, outcome, by: "this server" as const, affected: 9, candidates: 1, at: 5 },
  gates: [{ gate: "g", verdict: "pass" as const, text: "" }],
});
const baking: Rollout = { ...first, state: "baking" };
const held: Rollout = { ...baking, state: "held", waitsFor: "gate g: 3 requests" };

it("posts a notice when a rollout is held, rolled back or done, and no other notices", async () => {
  const { got, webhook } = await receiver();
  const notices = new RolloutNotices({ webhook });
  onTestFinished(() => notices.close());
  notices.began(first);
  notices.decided(decision(first, { next: baking }));
  notices.decided(decision(baking, { next: held }));
  notices.decided(decision(held, { next: { ...held, waitsFor: "other" } }));
  notices.decided(decision(held, { next: { ...first, wave: 1, share: 0.05 } }));
  notices.decided(decision(held, { end: "rolledBack", why: "red" }));
  notices.decided(decision(held, { end: "done" }));
  await vi.waitFor(() => expect(got).toHaveLength(3));
  const common = { rollout: "r", revision: 7, wave: 0, affected: 9, candidates: 1, at: 5 };
  expect(got).toMatchObject([
    { event: "held", why: "gate g: 3 requests", ...common, gates: [{ gate: "g", verdict: "pass" }] },
    { event: "rolled_back", why: "red", ...common },
    { event: "done", ...common },
  ]);
});

it("sends nothing of an end that another server has reported", async () => {
  const { got, webhook } = await receiver();
  const log = new LogBook();
  const notices = new RolloutNotices({ webhook, logger: log });
  onTestFinished(() => notices.close());
  notices.decided({ ...decision(held, { end: "rolledBack", why: "red" }), by: "other server" });
  notices.decided(decision(held, { end: "done" }));
  await vi.waitFor(() => expect(got).toMatchObject([{ event: "done" }]));
  expect(log.entries.map(({ level }) => level)).toEqual(["error", "info"]);
});

it("tries a notice twice, and then sends the next one", async () => {
  const { got, webhook } = await receiver((response, count) => response.writeHead(count <= 2 ? 500 : 200).end());
  const log = new LogBook();
  const notices = new RolloutNotices({ webhook, logger: log });
  onTestFinished(() => notices.close());
  notices.decided(decision(held, { end: "rolledBack", why: "red" }));
  notices.decided(decision(held, { end: "done" }));
  await vi.waitFor(() => expect(got).toHaveLength(3), 5_000);
  expect(got).toMatchObject([{ event: "rolled_back" }, { event: "rolled_back" }, { event: "done" }]);
  expect(log.entries.filter(({ level }) => level === "warn")).toMatchObject([
    { fields: { error: "the server answers 500" } },
  ]);
});

it("keeps a bounded queue for a receiver that does not answer, and closes without waiting for it", async () => {
  const { webhook } = await receiver(() => {});
  const log = new LogBook();
  const notices = new RolloutNotices({ webhook, logger: log });
  for (let count = 0; count < 150; count++) notices.decided(decision(held, { end: "done" }));
  expect(log.entries.filter(({ message }) => /was dropped/.test(message))).toHaveLength(49);
  await notices.close();
});

it("has a span for each wave, and a line for each step", () => {
  const spans: string[] = [];
  const log = new LogBook();
  const startSpan = (name: string): Traced => ({
    isRecording: true,
    set: (attributes) => spans.push(`${name} ${attributes["xds.rollout.wave"]}`),
    child: () => expect.fail("no child"),
    end: (error) => spans.push(`end ${error ?? ""}`.trim()),
  });
  const notices = new RolloutNotices({ startSpan, logger: log });
  notices.began(first);
  notices.decided(decision(first, { next: baking }));
  notices.decided(decision(baking, { next: { ...first, wave: 1, share: 0.05 } }));
  notices.decided(decision(baking, { end: "rolledBack", why: "red" }));
  expect(spans).toEqual(["xds.rollout.wave 0", "end", "xds.rollout.wave 1", "end red"]);
  notices.began(first);
  notices.replaced(first);
  expect(spans.slice(4)).toEqual(["xds.rollout.wave 0", "end"]);
  expect(log.entries.map(({ level }) => level)).toEqual(["info", "info", "info", "error", "info", "info"]);
});
