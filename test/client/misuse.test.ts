import { describe, expect, it } from "vitest";
import { type ErrorCode, XdsClient, type XdsClientOptions, XdsError } from "../../src/client/index.js";
import { clusterType, virtualHostType } from "../../src/resource/types.js";
import { cluster, connect, serve } from "./modes.js";

const address = "127.0.0.1:1";
const refused = (code: ErrorCode, message: string) =>
  expect.objectContaining({ constructor: XdsError, code, message: expect.stringContaining(message) });

/** What is thrown. */
function thrown(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("bad use of a client", () => {
  it.each<[string, unknown, string]>([
    ["no address", {}, "address must be host:port, or another gRPC target such as unix:/run/xds.sock, is missing"],
    ["an address without a port", { address: "localhost" }, 'gRPC target such as unix:/run/xds.sock, is "localhost"'],
    ["an unknown variant", { address, variant: "incremental" }, 'variant must be sotw or delta, is "incremental"'],
    ["an unknown service", { address, service: "CDS" }, 'service must be ads or separate, is "CDS"'],
    [
      "a time-out that is no number",
      { address, connectTimeoutMs: "1s" },
      'connectTimeoutMs must be a number, 1 or more, is "1s"',
    ],
    [
      "a back-off that shrinks",
      { address, reconnect: { factor: 0.5 } },
      "reconnect.factor must be a number, 1 or more, is 0.5",
    ],
    [
      "a jitter of more than all",
      { address, reconnect: { jitter: 2 } },
      "reconnect.jitter must be a number from 0 to 1, is 2",
    ],
    ["a certificate without its key", { address, tls: { cert: "x" } }, "needs both"],
    ["a certificate that is none", { address, tls: { cert: "x", key: "x" } }, "TLS key or certificate cannot be used"],
    ["a node that is none", { address, node: { locality: 5 } }, "the node is not a valid envoy.config.core.v3.Node"],
  ])("is refused by name: %s", (_, options, message) => {
    expect(thrown(() => new XdsClient(options as XdsClientOptions))).toEqual(refused("INVALID_OPTION", message));
  });

  it("is refused: a type that is not in the table, and a type without the service asked for", () => {
    const unknown = "type.googleapis.com/x.Y";
    expect(thrown(() => connect({ address }).subscribe(unknown))).toEqual(refused("UNKNOWN_TYPE", unknown));
    const own = connect({ address, service: "separate" });
    expect(thrown(() => own.subscribe(virtualHostType))).toEqual(refused("INVALID_OPTION", 'service: "ads"'));
  });

  it("is refused: names that are none", () => {
    const client = connect({ address });
    expect(thrown(() => client.subscribe(clusterType, "a"))).toEqual(refused("INVALID_OPTION", 'write ["a"]'));
    expect(thrown(() => client.subscribe(clusterType, [""]))).toEqual(refused("INVALID_OPTION", "not empty"));
  });

  it("is refused: anything of a type that is not subscribed", async () => {
    const client = connect({ address });
    const notYet = refused("WRONG_STATE", "call subscribe() first");
    expect(thrown(() => client.unsubscribe(clusterType))).toEqual(notYet);
    expect(thrown(() => client.state(clusterType))).toEqual(notYet);
    expect(thrown(() => client.changes(clusterType))).toEqual(notYet);
    await expect(client.synced(clusterType)).rejects.toEqual(notYet);
    expect(client.resources(clusterType).size).toBe(0);
  });

  it("is refused: anything after close, which also ends what waits, and may be called again", async () => {
    const { address } = await serve([]);
    const client = connect({ address });
    client.subscribe(clusterType, ["never"]);
    const waiting = client.synced(clusterType, () => false);
    const closing = client.close();
    await expect(waiting).rejects.toEqual(refused("WRONG_STATE", "the client was closed"));
    await closing;
    await client.close();
    expect(thrown(() => client.subscribe(clusterType))).toEqual(refused("WRONG_STATE", "make a new one"));
    await expect(client.synced(clusterType)).rejects.toEqual(refused("WRONG_STATE", "make a new one"));
  });

  it("is refused: a subscription from a callback that closing calls", async () => {
    const seen: unknown[] = [];
    const onStreamClosed = () => void seen.push(thrown(() => client.subscribe(clusterType)));
    const client = connect({ address, callbacks: { onStreamClosed } });
    client.subscribe(clusterType);
    await client.close();
    expect(seen).toEqual([refused("WRONG_STATE", "make a new one")]);
  });

  it("passes on what a predicate throws", async () => {
    const { address } = await serve([cluster("a")]);
    const client = connect({ address });
    client.subscribe(clusterType);
    const fail = ({ accepted }: { accepted: number }) => {
      if (accepted > 0) throw new Error("unexpected");
      return false;
    };
    await expect(client.synced(clusterType, fail)).rejects.toThrow("unexpected");
  });

  it("goes on when a callback throws", async () => {
    const { address } = await serve([cluster("a")]);
    const logged: object[] = [];
    const fail = () => {
      throw new Error("oops");
    };
    const none = () => {};
    const logger = { debug: none, info: none, warn: none, error: (fields: object) => void logged.push(fields) };
    const callbacks = { onStreamOpen: fail, onChange: fail, onStreamClosed: fail };
    const client = connect({ address, logger, callbacks });
    client.subscribe(clusterType);
    await client.synced(clusterType);
    await client.close();
    expect(logged).toEqual(
      ["onStreamOpen", "onChange", "onStreamClosed"].map((callback) => ({ callback, error: "oops" })),
    );
  });
});
