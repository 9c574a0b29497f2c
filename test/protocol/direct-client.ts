import { expect, onTestFinished, vi } from "vitest";
import type { ConfigWatcher } from "../../src/cache/config-watcher.js";
import { delta } from "../../src/protocol/delta.js";
import type { Response } from "../../src/protocol/response.js";
import { sotw } from "../../src/protocol/sotw.js";
import { Stream } from "../../src/protocol/stream.js";
import type { StreamContext } from "../../src/protocol/stream-context.js";
import type { Variant } from "../../src/protocol/variant.js";
import { envoyRegistry, resourceType } from "../../src/resource/default-api.js";
import type { Resource } from "../../src/resource/resource.js";
import { anonymousNode } from "../../src/schema/node.js";
import { type SyncState, syncState } from "../../src/server/status/status.js";
import type { XdsServerOptions } from "../../src/server/xds-server-options.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request } from "../../src/wire/messages.js";
import { ManualQueue } from "./manual-queue.js";
import { labelOf } from "./resources.js";
import { streamContext } from "./stream-context.js";

export type VariantName = "sotw" | "delta";

export interface OpenOptions {
  readonly node?: string;
  /** The type of a stream of its own service; by default it is ADS. */
  readonly own?: string;
  /** The connection. */
  readonly peer?: string;
  /** Called when the server sends. */
  readonly onSent?: (response: Response) => void;
}

/** The clock of streams without sockets. Call it in a file whose tests let time go by. */
export function useFakeTime(): void {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
}

/** What streams without sockets share. Needs {@link useFakeTime}. */
export class DirectServer {
  readonly queue = new ManualQueue();
  private readonly contexts = new Map<VariantName, StreamContext>();

  constructor(
    private readonly cache: ConfigWatcher,
    private readonly changes: Partial<StreamContext> = {},
    private readonly options: XdsServerOptions = {},
  ) {}

  open(variant: VariantName, options: OpenOptions = {}): DirectClient {
    const context =
      this.contexts.get(variant) ??
      streamContext(this.cache, variant, { queue: this.queue, ...this.shared(), ...this.changes }, this.options);
    this.contexts.set(variant, context);
    const client = new DirectClient(this, context, variant, options);
    onTestFinished(() => client.close());
    return client;
  }

  /** What both variants' streams share on a server. */
  private shared(): Partial<StreamContext> {
    const [known] = this.contexts.values();
    return known ? { nodeStreams: known.nodeStreams, openRefusals: known.openRefusals } : {};
  }

  /** So many milliseconds go by, and the streams do what they do meanwhile. */
  pass(ms: number): void {
    const step = Math.max(20, ms / 2_000);
    for (let passed = 0; passed < ms; passed += step) {
      vi.advanceTimersByTime(Math.min(step, ms - passed));
      this.queue.runNow();
    }
  }
}

/** A client without a socket, which does what the test says: several types on one stream. */
export class DirectClient {
  private readonly inbox: Response[] = [];
  private readonly stream: Stream<Request>;
  private readonly wanted = new Map<string, readonly string[]>();
  private readonly last = new Map<string, { version: string; nonce: string }>();
  private first = true;

  constructor(
    private readonly server: DirectServer,
    context: StreamContext,
    readonly variant: VariantName,
    private readonly options: OpenOptions,
  ) {
    const { own, peer = "connection", onSent } = options;
    const transport = {
      peer,
      send: (response: Response) => {
        onSent?.(response);
        return this.inbox.push(response) > 0;
      },
      end: (error: unknown) => {
        throw error;
      },
    };
    const protocol = (variant === "sotw" ? sotw : delta) as Variant<Request>;
    this.stream = new Stream(protocol, context, transport, own ? resourceType(own) : undefined);
    void this.stream.open();
  }

  want(typeUrl: string, ...names: string[]): void {
    this.wantWith(typeUrl, {}, ...names);
  }

  /** Subscribes to these names and no others. `versions`: what the client reports of an earlier stream. */
  wantWith(typeUrl: string, versions: Readonly<Record<string, string>>, ...names: string[]): void {
    const before = this.wanted.get(typeUrl) ?? [];
    this.wanted.set(typeUrl, names);
    this.send(typeUrl, {
      ...this.last.get(typeUrl),
      add: names.filter((name) => !before.includes(name)),
      drop: before.filter((name) => !names.includes(name)),
      versions,
    });
  }

  /** Subscribes to these names, and reports what it has of an earlier stream, if anything. */
  comeBackWith(
    typeUrl: string,
    has: { readonly version: string; readonly resources: readonly Resource[] } | undefined,
    ...names: string[]
  ): void {
    if (has && this.variant === "sotw") this.last.set(typeUrl, { version: has.version, nonce: "" });
    const versions = has?.resources.map(({ name, version }) => [name, version]) ?? [];
    this.wantWith(typeUrl, Object.fromEntries(versions), ...names);
  }

  /** The next response is of this type and has just this. */
  expect(typeUrl: string, has: readonly string[], removed: readonly string[] = []): Response {
    this.server.queue.runNow();
    const [response] = this.inbox;
    expect(response && said(response)).toEqual({
      typeUrl,
      has: [...has].sort(),
      removed: this.variant === "sotw" ? [] : [...removed].sort(),
    });
    this.inbox.shift();
    return response as Response;
  }

  /** Expects, and ACKs. */
  take(typeUrl: string, has: readonly string[], removed: readonly string[] = []): Response {
    const response = this.expect(typeUrl, has, removed);
    this.ack(response);
    return response;
  }

  /** The next response of those that were sent already. */
  read(): Response | undefined {
    return this.inbox.shift();
  }

  /** The next response, if there is one. */
  next(): Response | undefined {
    this.server.queue.runNow();
    return this.inbox.shift();
  }

  ack(response: Response): void {
    this.last.set(response.typeUrl, { version: response.versionInfo, nonce: response.nonce });
    this.send(response.typeUrl, { version: response.versionInfo, nonce: response.nonce });
  }

  nack(response: Response, message = "refused"): void {
    const version = this.last.get(response.typeUrl)?.version ?? "";
    this.last.set(response.typeUrl, { version, nonce: response.nonce });
    this.send(response.typeUrl, { version, nonce: response.nonce, message });
  }

  /** SotW: ACKs a response with these names, which the client's later requests do not repeat. */
  answerWith({ typeUrl, versionInfo, nonce }: Response, ...names: string[]): void {
    const wanted = this.wanted.get(typeUrl) ?? [];
    this.wanted.set(typeUrl, names);
    this.send(typeUrl, { version: versionInfo, nonce });
    this.wanted.set(typeUrl, wanted);
  }

  /** Nothing comes for all that was done so far. */
  quiet(): void {
    this.server.queue.runNow();
    expect(this.inbox.map(said), "expected nothing to come").toEqual([]);
  }

  /** Nothing comes for so many milliseconds. */
  quietFor(ms: number): void {
    this.server.pass(ms);
    this.quiet();
  }

  /** What the status has of a type. */
  state(typeUrl: string): SyncState | undefined {
    const subscription = this.stream.subscriptions.get(typeUrl);
    return subscription && syncState(subscription);
  }

  close(): void {
    this.stream.close();
  }

  private send(
    typeUrl: string,
    {
      version = "",
      nonce = "",
      message,
      add = [],
      drop = [],
      versions = {},
    }: {
      version?: string;
      nonce?: string;
      message?: string;
      add?: readonly string[];
      drop?: readonly string[];
      versions?: Readonly<Record<string, string>>;
    },
  ): void {
    const request: DiscoveryRequest & DeltaDiscoveryRequest = {
      node: this.first ? { ...anonymousNode(envoyRegistry()), id: this.options.node ?? "n" } : undefined,
      typeUrl,
      versionInfo: version,
      responseNonce: nonce,
      errorDetail: message === undefined ? undefined : { code: 13, message },
      resourceNames: [...(this.wanted.get(typeUrl) ?? [])],
      resourceNamesSubscribe: add,
      resourceNamesUnsubscribe: drop,
      initialResourceVersions: new Map(Object.entries(versions)),
    };
    this.first = false;
    void this.stream.receive(request);
  }
}

/** A response as the tests write it. */
export const said = ({ typeUrl, resources, removedResources, unresolved }: Response) => ({
  typeUrl,
  has: resources
    .map(({ type, body, name }) => labelOf({ typeUrl: type.typeUrl, value: body }) ?? `${name} (unknown content)`)
    .sort(),
  removed: [...removedResources, ...unresolved].sort(),
});
