import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { Node } from "../schema/node.js";
import type { Request } from "../wire/messages.js";
import type { ReceivedResponse } from "../wire/response-decoding.js";
import type { ResourceChange } from "./resource.js";
import { ClientResponse, readResponse } from "./response.js";
import type { ClientSubscription } from "./subscription.js";
import type { ClientVariant } from "./variant.js";

/**
 * A handler's decision about a response: undefined accepts it; a string or an error, returned or thrown, refuses it.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing accepts everything
export type Verdict = void | undefined | string | Error;

/** The part of its client that a stream needs. */
export interface StreamHost {
  readonly node: Node;
  readonly registry: SchemaRegistry;
  readonly logger: Logger;
  /** Whether the caller answers responses itself, at any time. */
  readonly manual: boolean;
  now(): number;
  decide(response: ClientResponse): Verdict | Promise<Verdict>;
  /** Called after a response has been ACKed and applied. */
  accepted(response: ClientResponse, changes: readonly ResourceChange[]): void;
  /** Called after a response has been NACKed. */
  refused(response: ClientResponse, message: string): void;
}

/** google.rpc.Code INVALID_ARGUMENT */
const refusalCode = 3;

/**
 * One stream without its socket: responses in, requests out.
 *
 * The connection calls `start` first, then `receive`, `flush` and `writable`, and `end` last. The stream has no queue:
 * changes wait in the subscriptions, and the next response is read only after the current one was handled.
 */
export class ClientStream<R extends Request> {
  private ended = false;
  private identified = false;
  private ready = true;

  constructor(
    private readonly variant: ClientVariant<R>,
    private readonly host: StreamHost,
    /** The subscriptions of the types on this stream, in the order of the table. */
    private readonly subscriptions: () => readonly ClientSubscription[],
    /** The type URL of the called service; "" for ADS. */
    private readonly serviceTypeUrl: string,
    /** Sends one request. After false, only answers are sent until {@link writable}. */
    private readonly send: (request: R) => boolean,
  ) {}

  /** Sends all subscriptions, referenced types first. */
  start(): void {
    for (const subscription of this.subscriptions()) subscription.begin();
    this.flush();
  }

  /** Sends changes of the subscriptions to the server, as far as that is possible now. */
  flush(): void {
    if (this.ended) return;
    for (const subscription of this.subscriptions()) {
      if (!this.ready) return;
      this.request(subscription);
    }
  }

  /** Called when the transport accepts requests again. */
  writable(): void {
    this.ready = true;
    this.flush();
  }

  /** Handles a response. While a returned promise is pending, no other response may be delivered. It never rejects. */
  receive(received: ReceivedResponse): void | Promise<void> {
    const typeUrl = received.typeUrl || this.serviceTypeUrl;
    const subscription = this.subscriptions().find((candidate) => candidate.typeUrl === typeUrl);
    if (this.ended || !subscription?.requested) {
      if (!this.ended)
        this.host.logger.warn({ typeUrl }, "the server sent a type that was not requested; the response is ignored");
      return;
    }
    subscription.receive(received.nonce);
    const { content, problem } = readResponse(subscription.type, received, this.host.registry);
    const response = ClientResponse.received(content, received, problem, (answered, refusal) =>
      this.answer(subscription, answered, refusal),
    );
    if (problem !== undefined) response.nack(problem);
    else return this.decide(response);
  }

  private decide(response: ClientResponse): void | Promise<void> {
    const fail = (error: unknown) => {
      this.host.logger.warn({ typeUrl: response.typeUrl, error: messageOf(error) }, "the response handler failed");
      response.nack(messageOf(error));
    };
    try {
      const verdict = this.host.decide(response);
      if (!isPromise(verdict)) return this.follow(response, verdict);
      return verdict.then((settled) => this.follow(response, settled)).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  private follow(response: ClientResponse, verdict: Verdict): void {
    if (typeof verdict === "string" || verdict instanceof Error) response.nack(messageOf(verdict));
    else if (!this.host.manual) response.ack();
  }

  /** Answers a response. Returns false if it is too late. */
  private answer(subscription: ClientSubscription, response: ClientResponse, refusal: string | undefined): boolean {
    if (this.ended) return false;
    const { nonce, version } = response;
    const changes = refusal === undefined ? this.variant.apply(subscription, response, this.host.now()) : [];
    if (refusal !== undefined) subscription.refuse(version, refusal);
    else {
      for (const { name, error } of response.errors) subscription.fail(name, error);
      subscription.accept(version);
    }
    if (nonce === subscription.nonce) subscription.unanswered = false;
    const error = refusal === undefined ? undefined : { code: refusalCode, message: refusal };
    this.request(subscription, { nonce, error });
    if (refusal === undefined) this.host.accepted(response, changes);
    else this.host.refused(response, refusal);
    return true;
  }

  private request(subscription: ClientSubscription, answer?: Parameters<ClientVariant<R>["requests"]>[1]): void {
    for (const request of this.variant.requests(subscription, answer)) {
      const node = this.identified ? undefined : this.host.node; // the node is sent once per stream (P1)
      this.identified = true;
      this.ready = this.send({ ...request, node });
    }
  }

  /** Ends the stream. Later answers to its responses have no effect. */
  end(): void {
    this.ended = true;
  }
}

const isPromise = (verdict: Verdict | Promise<Verdict>): verdict is Promise<Verdict> =>
  typeof verdict === "object" && "then" in verdict;
