import { once } from "node:events";
import { type ClientHttp2Stream, connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, runtimeType } from "../../src/resource/types.js";
import { allWays, cacheOf, on, ownWays, streamPath, TestServer, until, type Way } from "./harness.js";
import { endpoints, labelOf, listener, runtime } from "./resources.js";

/** So large that it fills every buffer between server and client. */
const large = (content: number) =>
  Resource.of(create(ClusterSchema, { name: "large", altStatName: `${content} ${"x".repeat(1 << 19)}` }));
/** A small one of the same name: what is never sent need not be large. */
const small = (content: number) => Resource.of(create(ClusterSchema, { name: "large", altStatName: `${content}` }));
const rest = (content: number) => [endpoints("e", content), listener("l", content), runtime("r", content)];
const restTypes = [endpointType, listenerType, runtimeType];

/** A client with nothing between the test and HTTP/2: it reads when it is told to, and not before. */
class HttpClient {
  readonly got: { typeUrl: string; nonce: string; labels: (string | undefined)[]; sizes: number[] }[] = [];
  private bytes = Buffer.alloc(0);

  private constructor(
    private readonly way: Way,
    private readonly stream: ClientHttp2Stream,
  ) {}

  static async open(server: TestServer, way: Way): Promise<HttpClient> {
    const session = connect(`http://127.0.0.1:${server.port}`);
    onTestFinished(() => session.destroy());
    await once(session, "connect");
    const path = streamPath(way, clusterType);
    const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    return new HttpClient(way, session.request(headers));
  }

  send(typeUrl: string, responseNonce = ""): void {
    const fields = { node: { id: "n" }, typeUrl, responseNonce };
    const message =
      this.way.variant === "sotw"
        ? toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, fields))
        : toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, fields));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    this.stream.write(Buffer.concat([head, message]));
  }

  /** Reads from now on, and ACKs. */
  read(): void {
    this.stream.on("data", (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      while (this.bytes.length >= 5) {
        const end = 5 + this.bytes.readUInt32BE(1);
        if (this.bytes.length < end) return;
        this.take(this.bytes.subarray(5, end));
        this.bytes = this.bytes.subarray(end);
      }
    });
  }

  private take(bytes: Uint8Array): void {
    const { typeUrl, nonce, resources } =
      this.way.variant === "sotw"
        ? fromBinary(DiscoveryResponseSchema, bytes)
        : fromBinary(DeltaDiscoveryResponseSchema, bytes);
    const anys = resources.flatMap((one) => (one.$typeName === "google.protobuf.Any" ? one : (one.resource ?? [])));
    this.got.push({ typeUrl, nonce, labels: anys.map(labelOf), sizes: anys.map(({ value }) => value.length) });
    this.send(typeUrl, nonce);
  }
}

describe("a client that never reads", () =>
  on(allWays, (way) => {
    it("P25 costs one response, and has the newest state once it reads on", async () => {
      let responses = 0;
      const onResponse = () => void responses++;
      const callbacks = { onStreamResponse: onResponse, onStreamDeltaResponse: onResponse };
      const cache = cacheOf(large(1), ...rest(1));
      // Types do not wait for each other, so that nothing but the transport holds them back.
      const server = await TestServer.start(cache, { callbacks, makeBeforeBreak: false });
      const client = await HttpClient.open(server, way);
      const types = ownWays.includes(way) ? [] : restTypes;
      client.send(clusterType);
      await until(() => responses === 1, "the first response");
      for (const typeUrl of types) client.send(typeUrl);
      const last = large(2);
      for (let content = 2; content <= 3_000; content++) {
        cache.set("n", Snapshot.of([content < 3_000 ? small(content) : last, ...rest(content)]));
        if (content % 500 === 0) await server.barrier();
      }
      expect(responses).toBe(1);

      client.read();
      const sizes = () => client.got.filter(({ typeUrl }) => typeUrl === clusterType).map((answer) => answer.sizes);
      await until(() => sizes().length === 2 && client.got.length === 2 + types.length, "the newest state");
      await server.barrier();
      expect(sizes()).toEqual([[large(1).body.length], [last.body.length]]);
      const labels = client.got.filter(({ typeUrl }) => typeUrl !== clusterType).flatMap((answer) => answer.labels);
      expect(labels.sort()).toEqual(types.length ? ["e@3000", "l@3000", "r@3000"] : []);
      expect(responses).toBe(client.got.length);
    });
  }));
