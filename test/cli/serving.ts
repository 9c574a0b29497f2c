import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, type StatusObject } from "@grpc/grpc-js";
import { expect, onTestFinished } from "vitest";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { clusterType, type Snapshot } from "../../src/index.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { resourceJson } from "../../src/resource/resource-json.js";
import type { Certificate } from "../e2e/certificate.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";
import { streamPath } from "../protocol/harness.js";

/** A folder of files that goes with the test. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "xds-serving-"));

  constructor() {
    onTestFinished(() => rmSync(this.path, { recursive: true }));
  }

  /** Writes a file; gives its path. */
  write(name: string, content: string): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  /** Writes a certificate and its key; gives their paths. */
  pair(name: string, { cert, key }: Certificate): { cert: string; key: string } {
    return { cert: this.write(`${name}.pem`, cert), key: this.write(`${name}-key.pem`, key) };
  }
}

/** The resources of a snapshot as a file that `xds serve` takes. */
export function fileOf(snapshot: Snapshot): string {
  const resources = [...snapshot.typeUrls()].flatMap((typeUrl) =>
    Array.from(snapshot.resources(typeUrl).values(), ({ body }) => resourceJson(typeUrl, body, envoyRegistry())),
  );
  return JSON.stringify({ resources });
}

/** The value of one series of `/metrics`, such as `xds_refusals_total{reason="names"}`. */
export async function metric(adminPort: number, series: string): Promise<number> {
  const { body } = await get(`http://127.0.0.1:${adminPort}/metrics`);
  const line = body.split("\n").find((text) => text.startsWith(`${series} `));
  if (line === undefined) throw new Error(`there is no ${series} in\n${body}`);
  return Number(line.slice(series.length));
}

/** The certificate that a server shows now, in DER. */
export function shownCertificate(port: number, { cert, key }: Partial<Certificate> = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["h2", "http/1.1"],
      cert,
      key,
    });
    socket.on("error", reject);
    socket.on("secureConnect", () => {
      resolve(socket.getPeerCertificate().raw);
      socket.destroy();
    });
  });
}

/** Waits until an edge's listener routes to the backend of this name. */
export const answers = (port: number, name: string) =>
  eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe(name));

type Fields = Exclude<MessageInitShape<typeof DeltaDiscoveryRequestSchema>, { $typeName: string }>;

/** A stream that a test speaks for, on a connection of its own. */
export interface TestStream {
  /** Ends its connection. */
  close(): void;
  send(request: Fields): void;
  /** How many responses have come; each is answered. */
  readonly responses: number;
  /** What it ends with. */
  readonly ended: Promise<StatusObject>;
}

/** A delta ADS stream of a node, which takes what comes, or refuses it with these words; it ends with the test. */
export function openStream(port: number, id = "n", refusal?: string): TestStream {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  onTestFinished(() => client.close());
  const same = (bytes: Buffer) => bytes;
  const call = client.makeBidiStreamRequest(streamPath({ variant: "delta", kind: "ADS" }, ""), same, same);
  const send: TestStream["send"] = (request) => {
    const message = create(DeltaDiscoveryRequestSchema, { node: { id }, typeUrl: clusterType, ...request });
    call.write(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message)));
  };
  let responses = 0;
  call.on("data", (bytes: Buffer) => {
    responses++;
    const { nonce, typeUrl } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
    const errorDetail = refusal === undefined ? undefined : { code: 3, message: refusal };
    send({ responseNonce: nonce, typeUrl, ...(errorDetail && { errorDetail }) });
  });
  call.on("error", () => {});
  return {
    close: () => client.close(),
    send,
    get responses() {
      return responses;
    },
    ended: new Promise((resolve) => call.on("status", resolve)),
  };
}
