import { expect, it } from "vitest";
import { XdsError } from "../errors.js";
import { askInTurn, askPeers } from "./ask-peers.js";
import type { Peer, PeerQuestion } from "./peer.js";

const named = (name: string) => ({ id: name, name });
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const answering = (name: string): Peer => ({ ...named(name), ask: async ({ ask }) => bytes(`${name} ${ask}`) });
const failing = (name: string): Peer => ({ ...named(name), ask: () => Promise.reject(new Error("cannot be reached")) });
/** It does not even notice that it is aborted. */
const silent = (name: string): Peer => ({ ...named(name), ask: () => new Promise(() => {}) });
const question: PeerQuestion = { ask: "load" };

it("has the answers of those that answer, and names the others", async () => {
  const peers = [answering("a"), failing("b"), silent("c"), answering("d")];
  const { answers, silent: others } = await askPeers(peers, question, 20);
  expect(answers.map((one) => Buffer.from(one.bytes).toString())).toEqual(["a load", "d load"]);
  expect(others.map(({ peer: { name }, why }) => ({ name, why }))).toEqual([
    { name: "b", why: "cannot be reached" },
    { name: "c", why: "no answer within 0.02 s" },
  ]);
});

it("asks a few at a time, and those whose turn does not come are named too", async () => {
  let open = 0;
  let most = 0;
  const slow = (name: string): Peer => ({
    ...named(name),
    ask: (_, signal) =>
      new Promise((_, reject) => {
        most = Math.max(most, ++open);
        signal.addEventListener("abort", () => {
          open--;
          reject(signal.reason);
        });
      }),
  });
  const peers = Array.from({ length: 50 }, (_, at) => slow(`p${at}`));
  const { silent: all } = await askPeers(peers, question, 20);
  expect(new Set(all.map(({ peer }) => peer.name)).size).toBe(50);
  expect([most, open]).toEqual([16, 0]);
});

it("ends with the reason of its caller", async () => {
  const controller = new AbortController();
  const asked = askPeers([silent("a")], question, 60_000, controller.signal);
  controller.abort(new Error("nobody waits"));
  await expect(asked).rejects.toThrow("nobody waits");
});

it("asks in turn until the answers are too large, or a peer refuses for a limit", async () => {
  const signal = AbortSignal.timeout(5_000);
  const asking = (peers: readonly Peer[], mostBytes: number) =>
    askInTurn(peers, question, { timeoutMs: 20, mostBytes }, signal);
  const peers = [answering("a"), failing("b"), silent("c"), answering("d")];
  expect((await asking(peers, 12)).map((one) => Buffer.from(one).toString())).toEqual(["a load", "d load"]);
  await expect(asking(peers, 11)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  const full: Peer = { ...named("full"), ask: () => Promise.reject(new XdsError("LIMIT_EXCEEDED", "too many")) };
  await expect(asking([answering("a"), full], 100)).rejects.toThrow("too many");
});

it("asks in turn for three times as long as it waits for one", async () => {
  const peers = Array.from({ length: 50 }, (_, at) => silent(`p${at}`));
  let asked = 0;
  const counted = peers.map(
    (peer): Peer => ({
      ...peer,
      ask: (...args) => {
        asked++;
        return peer.ask(...args);
      },
    }),
  );
  const limits = { timeoutMs: 20, mostBytes: 100 };
  expect(await askInTurn(counted, question, limits, AbortSignal.timeout(5_000))).toEqual([]);
  expect(asked).toBeLessThanOrEqual(4);
});
