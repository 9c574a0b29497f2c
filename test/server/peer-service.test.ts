import { setMaxListeners } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { NetworkPeer } from "../../src/fleet/network/network-peer.js";
import { mostAnswerBytes, mostRequestBytes } from "../../src/fleet/network/peer-request.js";
import type { PeerQuestion } from "../../src/fleet/peer.js";
import type { TlsOptions } from "../../src/server/access/tls.js";
import type { TokenPeerHost } from "../../src/server/peers/peer-service.js";
import { XdsServer } from "../../src/server/xds-server.js";
import { selfSigned } from "../e2e/certificate.js";
import { TestServer } from "../protocol/harness.js";

const token = "t".repeat(43);

/** A server that answers peers, and a way to ask it. */
async function scene(answer: TokenPeerHost["answer"], tls?: TlsOptions) {
  const asked: PeerQuestion[] = [];
  const peers: TokenPeerHost = {
    token,
    answer: (question, signal) => {
      asked.push(question);
      return answer(question, signal);
    },
  };
  const server = new XdsServer(new SnapshotCache(), tls ? { tls } : {});
  onTestFinished(() => server.close());
  server.peers = peers;
  const { port } = (await server.listen({ port: 0 })).grpc;
  const peer = (own?: { cert: string; key: string }, record: { token?: string; certificate?: string } = {}) => {
    const made = new NetworkPeer("other", { address: `127.0.0.1:${port}`, token, ...record }, own);
    onTestFinished(() => made.close());
    return made;
  };
  return { peer, asked };
}

const text = (answer: string) => async () => new Uint8Array(Buffer.from(answer));
const patience = () => AbortSignal.timeout(5_000);

it("a peer with the token gets the answer, and its question arrives as it is", async () => {
  const { peer, asked } = await scene(text("yes"));
  const question: PeerQuestion = { ask: "status", node: "é 🎉" };
  expect(Buffer.from(await peer().ask(question, patience())).toString()).toBe("yes");
  expect(asked).toEqual([question]);
});

it("another token gets nothing", async () => {
  const { peer, asked } = await scene(text("yes"));
  for (const wrong of ["", "u".repeat(43), token.slice(1), `${token}t`])
    await expect(peer(undefined, { token: wrong }).ask({ ask: "load" }, patience())).rejects.toThrow(
      /another process has|is not a JSON object/,
    );
  expect(asked).toEqual([]);
});

it("with mTLS, exactly the announced certificate is trusted, and the own one is shown", async () => {
  const [theirs, ours, other] = [selfSigned({ dnsNames: ["a"] }), selfSigned({ dnsNames: ["b"] }), selfSigned()];
  const { peer } = await scene(text("yes"), { ...theirs, clientCa: ours.cert });
  const ask = (own: typeof ours | undefined, certificate: string) =>
    peer(own, { certificate }).ask({ ask: "load" }, patience());
  expect(Buffer.from(await ask(ours, theirs.cert)).toString()).toBe("yes");
  await expect(ask(ours, other.cert)).rejects.toMatchObject({ code: "STREAM_ENDED" });
  await expect(ask(other, theirs.cert)).rejects.toMatchObject({ code: "STREAM_ENDED" });
  await expect(ask(undefined, theirs.cert)).rejects.toMatchObject({ code: "STREAM_ENDED" });
});

it("questions and answers have a largest size, and many questions at once are refused", async () => {
  const { peer, asked } = await scene(async () => new Uint8Array(mostAnswerBytes + 1));
  await expect(peer().ask({ ask: "load" }, patience())).rejects.toThrow(`a peer takes ${mostAnswerBytes}`);
  const long = { ask: "status", node: "x".repeat(mostRequestBytes) } as const;
  await expect(peer().ask(long, patience())).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  expect(asked).toEqual([{ ask: "load" }]);
  const busy = await scene(() => new Promise(() => {}));
  const one = busy.peer();
  const over = new AbortController();
  setMaxListeners(64, over.signal);
  const waiting = Array.from({ length: 64 }, () => one.ask({ ask: "load" }, over.signal));
  for (const each of waiting) each.catch(() => {});
  await expect.poll(() => busy.asked.length).toBe(64);
  await expect(one.ask({ ask: "load" }, patience())).rejects.toThrow("64 questions of peers are being answered");
  over.abort(new Error("enough"));
  for (const each of waiting) await expect(each).rejects.toThrow("enough");
});

it("an aborted question is given up at both ends", async () => {
  let given: AbortSignal | undefined;
  const { peer } = await scene((_, signal) => {
    given = signal;
    return new Promise(() => {});
  });
  const over = new AbortController();
  const asked = peer().ask({ ask: "load" }, over.signal);
  asked.catch(() => {});
  await expect.poll(() => given).toBeDefined();
  over.abort(new Error("enough"));
  await expect(asked).rejects.toThrow("enough");
  await expect.poll(() => given?.aborted).toBe(true);
});

it("a server without peers answers no questions", async () => {
  const server = await TestServer.start(new SnapshotCache());
  const peer = new NetworkPeer("other", { address: `127.0.0.1:${server.port}`, token }, undefined);
  onTestFinished(() => peer.close());
  await expect(peer.ask({ ask: "load" }, patience())).rejects.toThrow("answers no questions of replicas");
});
