import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import { expect } from "vitest";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  type Resource,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import type { Way } from "./harness.js";
import { labelOf } from "./resources.js";

/** A response of either variant. */
export interface Answer {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  /** The resources, `<name>@<content>`, sorted. */
  readonly has: readonly string[];
  /** `removed_resources`, sorted; none in SotW. */
  readonly removed: readonly string[];
  /** The messages of the resources. */
  readonly anys: readonly Any[];
  /** Delta: the resources with names and versions. */
  readonly resources: readonly Resource[];
  /** All of it, for what the schemas do not have. */
  readonly bytes: Uint8Array;
}

type SotwFields = MessageInitShape<typeof DiscoveryRequestSchema>;
type DeltaFields = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;
export type Fields = Omit<SotwFields, "$typeName"> & Omit<DeltaFields, "$typeName">;

/** How long, in milliseconds, a response that has to come may take. */
const patience = 15_000;

/**
 * A client that does what the test says, on one stream. It speaks for its first type itself, for others through `of`.
 */
export class ScriptedStream {
  /** Resolves with the status that the stream ends with. */
  readonly ended: Promise<StatusObject>;
  private readonly inbox: Answer[] = [];
  private arrived: (() => void) | undefined;
  private over: StatusObject | undefined;
  private first = true;
  private readonly types = new Map<string, ScriptedType>();

  constructor(
    private readonly call: ClientDuplexStream<Buffer, Buffer>,
    readonly way: Way,
    readonly typeUrl: string,
    private readonly node: string | undefined,
    private readonly barrier: () => Promise<void>,
  ) {
    this.ended = new Promise((resolve) =>
      call.on("status", (status: StatusObject) => {
        this.over = status;
        this.arrived?.();
        resolve(status);
      }),
    );
    call.on("error", () => {}); // the status says it
    this.read();
  }

  /** Begins to read, or goes on. */
  read(): void {
    this.call.on("data", (bytes: Buffer) => {
      this.inbox.push(this.way.variant === "sotw" ? sotwAnswer(bytes) : deltaAnswer(bytes));
      this.arrived?.();
    });
  }

  of(typeUrl: string): ScriptedType {
    const type = this.types.get(typeUrl) ?? new ScriptedType(this, typeUrl);
    this.types.set(typeUrl, type);
    return type;
  }

  want(...names: string[]): void {
    this.of(this.typeUrl).want(...names);
  }
  take(has: readonly string[], removed: readonly string[] = []): Promise<Answer> {
    return this.of(this.typeUrl).take(has, removed);
  }
  expect(has: readonly string[], removed: readonly string[] = []): Promise<Answer> {
    return this.of(this.typeUrl).expect(has, removed);
  }
  ack(answer: Answer): void {
    this.of(answer.typeUrl).ack(answer);
  }
  nack(answer: Answer, message?: string): void {
    this.of(answer.typeUrl).nack(answer, message);
  }

  /** Sends a request with just these fields. */
  send(fields: Fields): void {
    this.first = false;
    this.sendBytes(
      this.way.variant === "sotw"
        ? toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, fields as SotwFields))
        : toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, fields as DeltaFields)),
    );
  }

  sendBytes(bytes: Uint8Array): void {
    this.call.write(Buffer.from(bytes));
  }

  /** Sends a request of a type, with the node in the stream's first. */
  request(typeUrl: string, fields: Fields): void {
    const node = this.first && this.node !== undefined ? { node: { id: this.node, cluster: "test" } } : {};
    this.send({ ...node, typeUrl, ...fields });
  }

  /** The next response. */
  async next(): Promise<Answer> {
    const limit = Date.now() + patience;
    for (;;) {
      const answer = this.inbox.shift();
      if (answer) return answer;
      if (this.over) throw new Error(`expected a response; the stream ended: ${this.over.code} ${this.over.details}`);
      if (Date.now() >= limit) throw new Error(`no response within ${patience} ms`);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.arrived = resolve;
        timer = setTimeout(resolve, patience);
      });
      clearTimeout(timer);
    }
  }

  /** Nothing comes for all that was done so far, and the stream is open. */
  async quiet(): Promise<void> {
    await this.barrier();
    const said = this.inbox.map(({ typeUrl, has, removed }) => ({ typeUrl, has, removed }));
    expect(said, "expected nothing to come").toEqual([]);
    expect(this.over, "expected the stream to stay open").toBeUndefined();
  }

  /** The client says that it has no more requests. */
  async end(): Promise<StatusObject> {
    this.call.end();
    return this.ended;
  }

  /** The client goes away. */
  async cancel(): Promise<void> {
    this.call.cancel();
    await this.ended;
  }
}

/** One type on a stream: what is wanted, and the version and nonce that its requests carry. */
export class ScriptedType {
  private wanted: readonly string[] | undefined;
  private version = "";
  private nonce = "";

  constructor(
    private readonly stream: ScriptedStream,
    private readonly typeUrl: string,
  ) {}

  /** Subscribes to these names and no others; none at first: the legacy wildcard. Fields may be added. */
  want(...names: string[]): void {
    this.wantWith({}, ...names);
  }

  wantWith(fields: Fields, ...names: string[]): void {
    const before = this.wanted ?? [];
    this.wanted = names;
    this.stream.request(
      this.typeUrl,
      this.stream.way.variant === "sotw"
        ? { versionInfo: this.version, responseNonce: this.nonce, resourceNames: names, ...fields }
        : {
            resourceNamesSubscribe: names.filter((name) => !before.includes(name)),
            resourceNamesUnsubscribe: before.filter((name) => !names.includes(name)),
            ...fields,
          },
    );
  }

  /** The next response of the stream is of this type and has just this. */
  async expect(has: readonly string[], removed: readonly string[] = []): Promise<Answer> {
    const answer = await this.stream.next();
    expect({ typeUrl: answer.typeUrl, has: answer.has, removed: answer.removed }).toEqual({
      typeUrl: this.typeUrl,
      has: [...has].sort(),
      removed: this.stream.way.variant === "sotw" ? [] : [...removed].sort(),
    });
    return answer;
  }

  /** Expects, and ACKs. */
  async take(has: readonly string[], removed: readonly string[] = []): Promise<Answer> {
    const answer = await this.expect(has, removed);
    this.ack(answer);
    return answer;
  }

  ack(answer: Answer): void {
    this.version = answer.version;
    this.reply(answer, {});
  }

  nack(answer: Answer, message = "refused"): void {
    this.reply(answer, { errorDetail: { code: 13, message } });
  }

  private reply({ nonce }: Answer, fields: Fields): void {
    this.nonce = nonce;
    const state =
      this.stream.way.variant === "sotw" ? { versionInfo: this.version, resourceNames: [...(this.wanted ?? [])] } : {};
    this.stream.request(this.typeUrl, { ...state, responseNonce: nonce, ...fields });
  }
}

const label = (any: Any | undefined, name = "?") => (any && labelOf(any)) ?? `${name} (unknown content)`;

function sotwAnswer(bytes: Uint8Array): Answer {
  const { typeUrl, versionInfo, nonce, resources } = fromBinary(DiscoveryResponseSchema, bytes);
  const has = resources.map((any) => label(any)).sort();
  return { typeUrl, version: versionInfo, nonce, has, removed: [], anys: resources, resources: [], bytes };
}

function deltaAnswer(bytes: Uint8Array): Answer {
  const message = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const { typeUrl, systemVersionInfo, nonce, resources, removedResources } = message;
  return {
    typeUrl,
    version: systemVersionInfo,
    nonce,
    has: resources.map(({ resource, name }) => label(resource, name)).sort(),
    removed: [...removedResources].sort(),
    anys: resources.flatMap(({ resource }) => resource ?? []),
    resources,
    bytes,
  };
}
