import { describe, expect, it, vi } from "vitest";
import type { ClientCallbacks, ClientResponse, SubscriptionState } from "../../src/client/index.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { cluster, connect, endpoints, modes, serve } from "./modes.js";

const content = ({ resources }: SubscriptionState) =>
  [...resources.values()].map(({ message }) => Object(message).perConnectionBufferLimitBytes);

describe.each(modes)("what a client answers ($name)", (mode) => {
  const open = async (onResponse: ClientCallbacks["onResponse"], manual = false) => {
    const refused: string[] = [];
    const served = await serve([cluster("a")]);
    const callbacks: ClientCallbacks = {
      ...(onResponse && { onResponse }),
      onNack: (_, message) => void refused.push(message),
    };
    const client = connect({ address: served.address, ...mode, manual, callbacks });
    client.subscribe(clusterType);
    const status = () => served.server.report().streams[0]?.types[0];
    return { ...served, client, refused, status };
  };

  it("is an ACK by default", async () => {
    const { client, status } = await open(undefined);
    await client.synced(clusterType);
    await vi.waitFor(() => expect(status()?.state).toBe("SYNCED"));
  });

  it.each([
    ["a text that it returns", () => "no thanks"],
    ["a promise of a text", () => Promise.resolve("no thanks")],
    ["an error that it returns", () => new Error("no thanks")],
    [
      "an error that it throws",
      () => {
        throw new Error("no thanks");
      },
    ],
    ["a promise that rejects", () => Promise.reject(new Error("no thanks"))],
  ])("is a NACK with %s", async (_, onResponse) => {
    const { client, status, refused } = await open(onResponse);
    const state = await client.synced(clusterType, ({ nacked }) => nacked !== undefined);
    expect(state).toMatchObject({ accepted: 0, refused: 1, nacked: { message: "no thanks" } });
    expect(refused).toEqual(["no thanks"]);
    expect(state.resources.size).toBe(0);
    await vi.waitFor(() => expect(status()?.state).toBe("ERROR"));
    expect(status()?.nacked).toMatchObject({ error: { code: 3, message: "no thanks" }, names: ["a"] });
  });

  it("keeps what it had through a NACK, and takes what comes after it", async () => {
    let verdict: string | undefined;
    const { client, set, status } = await open(() => verdict);
    const state = await client.synced(clusterType);
    verdict = "not that";
    set([cluster("a", 2), cluster("b", 2)]);
    await client.synced(clusterType, ({ nacked }) => nacked !== undefined);
    expect(content(state)).toEqual([1]);
    verdict = undefined;
    set([cluster("a", 3), cluster("b", 3)]);
    await client.synced(clusterType, ({ accepted }) => accepted === 2);
    expect(content(state)).toEqual([3, 3]);
    expect(state.nacked).toBeUndefined();
    await vi.waitFor(() => expect(status()?.state).toBe("SYNCED"));
    expect(status()?.nacked).toBeUndefined();
  });

  it("is the caller's, whenever it likes, in manual mode", async () => {
    const responses: ClientResponse[] = [];
    const { client, set, status } = await open((response) => void responses.push(response), true);
    await vi.waitFor(() => expect(responses).toHaveLength(1));
    expect(responses[0]).toMatchObject({ typeUrl: clusterType, answered: false, problem: undefined });
    expect(status()?.state).toBe("STALE");
    expect(client.resources(clusterType).size).toBe(0);
    expect(responses[0]?.ack()).toBe(true);
    expect(responses[0]?.answered).toBe(true);
    expect([...client.resources(clusterType).keys()]).toEqual(["a"]);
    expect(responses[0]?.nack("too late")).toBe(false);
    await vi.waitFor(() => expect(status()?.state).toBe("SYNCED"));
    set([cluster("b")]);
    await vi.waitFor(() => expect(responses).toHaveLength(2));
    expect(responses[1]?.nack("no b")).toBe(true);
    if (mode.name === "delta, separate") {
      // The response had the removal of a too: each is offered alone, the removal last (P17).
      await vi.waitFor(() => expect(responses).toHaveLength(3));
      expect(status()?.state, "nothing is known to be refused yet").toBe("STALE");
      expect(responses[2]?.nack("still no b")).toBe(true);
      await vi.waitFor(() => expect(responses).toHaveLength(4));
      expect(status()?.nacked).toMatchObject({ names: ["b"], error: { message: "still no b" } });
      expect(responses[3]?.nack("a stays")).toBe(true);
      await vi.waitFor(() => expect(status()?.nacked).toMatchObject({ names: ["a", "b"] }));
    } else await vi.waitFor(() => expect(status()?.nacked).toMatchObject({ names: ["b"], error: { message: "no b" } }));
    expect([...client.resources(clusterType).keys()]).toEqual(["a"]);
    expect(status()?.state).toBe("ERROR");
  });

  it("leaves other types alone while one is not answered", async () => {
    const { address } = await serve([cluster("a"), endpoints("a")]);
    const responses: ClientResponse[] = [];
    const onResponse = (response: ClientResponse) => void responses.push(response);
    const client = connect({ address, ...mode, manual: true, callbacks: { onResponse } });
    client.subscribe(endpointType, ["a"]);
    await vi.waitFor(() => expect(responses).toHaveLength(1));
    client.subscribe(clusterType);
    await vi.waitFor(() => expect(responses).toHaveLength(2));
    for (const response of responses) response.ack();
    await client.synced(clusterType);
    await client.synced(endpointType);
  });

  it("comes too late once the stream has ended", async () => {
    const responses: ClientResponse[] = [];
    const { client } = await open((response) => void responses.push(response), true);
    await vi.waitFor(() => expect(responses).toHaveLength(1));
    await client.close();
    expect(responses[0]?.ack()).toBe(false);
    expect(client.resources(clusterType).size).toBe(0);
  });

  it("reaches the server when the client closes right after it", async () => {
    const acks: string[] = [];
    const { address } = await serve([cluster("a")], {
      callbacks: { onStreamAck: ({ version }) => void acks.push(version) },
    });
    const client = connect({ address, ...mode });
    client.subscribe(clusterType);
    await client.synced(clusterType);
    await client.close();
    expect(acks).toHaveLength(1);
  });

  it("carries the names that were subscribed meanwhile", async () => {
    const { address } = await serve([endpoints("a"), endpoints("b")]);
    const client = connect({
      address,
      ...mode,
      callbacks: { onResponse: () => client.subscribe(endpointType, ["b"]) },
    });
    client.subscribe(endpointType, ["a"]);
    await client.synced(endpointType, ({ resources }) => resources.size === 2);
  });
});
