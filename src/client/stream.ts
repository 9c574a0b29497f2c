import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import type { Request } from "../protocol/messages.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { Node } from "../schema/node.js";
import type { ReceivedResponse } from "../wire/response-decoding.js";
import type { ResourceChange } from "./resource.js";
import { ClientResponse, readResponse } from "./response.js";
import type { ClientSubscription } from "./subscription.js";
import type { ClientVariant } from "./variant.js";

/** What a handler says to a response: nothing takes it, a text or an error (also one that is thrown) refuses it. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is one that takes everything
export type Verdict = void | undefined | string | Error;

/** What a stream asks of the client that it belongs to, and tells it. */
export interface StreamHost {
  readonly node: Node;
  readonly registry: SchemaRegistry;
  readonly logger: Logger;
  /** The handler's verdict does not answer; the caller does, whenever it likes. */
  readonly manual: boolean;
  now(): number;
  decide(response: ClientResponse): Verdict | Promise<Verdict>;
  /** A response has been ACKed, and is applied. */
  accepted(response: ClientResponse, changes: readonly ResourceChange[]): void;
  /** A response has been NACKed. */
  refused(response: ClientResponse, message: string): void;
}

/** google.rpc.Code INVALID_ARGUMENT */
const refusalCode = 3;

/**
 * One stream, without its socket: responses in, requests out. The connection calls `start`, then `receive`, `flush` and `writable`,
 * and `end` last. Nothing is queued: what is wanted waits in the subscriptions, and no second response is read while one is
 * looked at.
 */
export class ClientStream<R extends Request> {
  private ended = false;
  private identified = false;
  private ready = true;

  constructor(
    private readonly variant: ClientVariant<R>,
    private readonly host: StreamHost,
    /** The types that this stream carries, in the order of the table. */
    private readonly subscriptions: () => readonly ClientSubscription[],
    /** The type of the service that was called; "": ADS. */
    private readonly serviceTypeUrl: string,
    /** Takes one request. False: no more than answers until {@link writable}. */
    private readonly send: (request: R) => boolean,
  ) {}

  /** Asks for all that is wanted, what is referred to first. */
  start(): void {
    for (const subscription of this.subscriptions()) subscription.begin();
    this.flush();
  }

  /** Tells the server what has changed in the subscriptions, if it can be told now. */
  flush(): void {
    if (this.ended) return;
    for (const subscription of this.subscriptions()) {
      if (!this.ready) return;
      this.request(subscription);
    }
  }

  /** The transport takes requests again. */
  writable(): void {
    this.ready = true;
    this.flush();
  }

  /** Takes a response. A promise means: bring no other before it is settled; it does not reject. */
  receive(received: ReceivedResponse): void | Promise<void> {
    const typeUrl = received.typeUrl || this.serviceTypeUrl;
    const subscription = this.subscriptions().find((candidate) => candidate.typeUrl === typeUrl);
    if (this.ended || !subscription?.told) {
      if (!this.ended) this.host.logger.warn({ typeUrl }, "the server sent a type that was not asked for; passed over");
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

  /** False: it is too late. */
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
      const node = this.identified ? undefined : this.host.node; // once a stream is enough (P1)
      this.identified = true;
      this.ready = this.send({ ...request, node });
    }
  }

  /** The stream is over; answers to its responses are void. */
  end(): void {
    this.ended = true;
  }
}

const isPromise = (verdict: Verdict | Promise<Verdict>): verdict is Promise<Verdict> =>
  typeof verdict === "object" && "then" in verdict;
