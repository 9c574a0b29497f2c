import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";

type Call = ServerDuplexStream<Buffer, Buffer>;

/**
 * An aggregated server that says what the test says, whoever asks: for what our own does not say. Ends with the test.
 */
export class ScriptedServer {
  private call: Call | undefined;
  private readonly asked: (() => void)[] = [];

  private constructor(
    private readonly server: Server,
    readonly address: string,
  ) {}

  static async start(): Promise<ScriptedServer> {
    const server = new Server();
    const same = (bytes: Buffer) => bytes;
    const service = "envoy.service.discovery.v3.AggregatedDiscoveryService";
    const method = (name: string) => ({
      path: `/${service}/${name}`,
      requestStream: true,
      responseStream: true,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    });
    const handle = (call: Call) => {
      scripted.call = call;
      call.on("data", () => {
        for (const tell of scripted.asked.splice(0)) tell();
      });
      call.on("error", () => {});
      call.on("end", () => call.end());
    };
    server.addService(
      { sotw: method("StreamAggregatedResources"), delta: method("DeltaAggregatedResources") },
      { sotw: handle, delta: handle },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const scripted = new ScriptedServer(server, `127.0.0.1:${port}`);
    onTestFinished(() => scripted.server.forceShutdown());
    return scripted;
  }

  /** Resolves at the next request. */
  request(): Promise<void> {
    return new Promise((resolve) => this.asked.push(resolve));
  }

  sotw(response: MessageInitShape<typeof DiscoveryResponseSchema>): void {
    this.send(toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, response)));
  }

  delta(response: MessageInitShape<typeof DeltaDiscoveryResponseSchema>): void {
    this.send(toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, response)));
  }

  send(bytes: Uint8Array): void {
    this.call?.write(Buffer.from(bytes));
  }
}
