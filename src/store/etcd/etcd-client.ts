import { setTimeout as sleep } from "node:timers/promises";
import { type Client, Metadata, status } from "@grpc/grpc-js";
import { messageOf, XdsError } from "../../errors.js";
import { BackOff } from "../../grpc-client/back-off.js";
import type { EndStatus } from "../../grpc-client/end-status.js";
import { toBuffer, toBytes } from "../../grpc-client/message-bytes.js";
import type { Logger } from "../../logger.js";
import { EtcdFailure } from "./etcd-failure.js";
import { type DialOptions, type Member, Members } from "./members.js";
import { decode, type EtcdInit, type EtcdMessage, encode } from "./messages.js";

/** Options of an {@link EtcdClient}. */
export interface EtcdClientOptions extends DialOptions {
  /** `host:port` of each member. */
  readonly endpoints: readonly string[];
  /** Reads the user and the password. It returns undefined for an etcd without users. */
  readonly login: () => Promise<{ readonly user: string; readonly password: string } | undefined>;
  /** The longest time of a call with all its tries, in milliseconds. */
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/**
 * The calls with one request and one response. LeaseKeepAlive is a stream in etcd's API. On the wire, one request and
 * the end of the stream look like a unary call.
 */
const methods = {
  Range: { path: "/etcdserverpb.KV/Range", request: "RangeRequest", response: "RangeResponse" },
  Txn: { path: "/etcdserverpb.KV/Txn", request: "TxnRequest", response: "TxnResponse" },
  LeaseGrant: {
    path: "/etcdserverpb.Lease/LeaseGrant",
    request: "LeaseGrantRequest",
    response: "LeaseGrantResponse",
  },
  LeaseKeepAlive: {
    path: "/etcdserverpb.Lease/LeaseKeepAlive",
    request: "LeaseKeepAliveRequest",
    response: "LeaseKeepAliveResponse",
  },
  LeaseRevoke: {
    path: "/etcdserverpb.Lease/LeaseRevoke",
    request: "LeaseRevokeRequest",
    response: "LeaseRevokeResponse",
  },
} as const;
type Methods = typeof methods;

const watchPath = "/etcdserverpb.Watch/Watch";
const authenticatePath = "/etcdserverpb.Auth/Authenticate";

/** The most calls at the same time, and the most calls that wait for their turn. */
const mostCalls = 32;
const mostWaiting = 10_000;
/** The number of unanswered tries for which a call has time. */
const silentTries = 3;
/** How many new tokens one call may get. */
const mostLogins = 2;
const backOffOptions = { initialMs: 50, maxMs: 1_000, factor: 2, jitter: 0.5 };

/** The token of the user, once the login has succeeded. `undefined` without a user. */
type Token = Promise<string | undefined>;

/** Receives the messages of a watch. `ended` is called last, and once. */
export interface WatchReceiver {
  message(response: EtcdMessage<"WatchResponse">): void;
  ended(failure: EtcdFailure): void;
}

/**
 * A client of etcd's API v3. Each call has a deadline. Until then it is tried at one member after the other. So a
 * change may be made twice. Callers must make only changes that have the same result when they are made twice.
 */
export class EtcdClient {
  private readonly members: Members;
  private readonly closing = new AbortController();
  private readonly active = new Set<{ cancel(): void }>();
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private token: Token | undefined;
  private clusterId: bigint | undefined;

  constructor(private readonly options: EtcdClientOptions) {
    this.members = new Members(options.endpoints, options);
  }

  private get attemptMs(): number {
    return this.options.timeoutMs / silentTries;
  }

  /** The members, for messages. */
  get addresses(): string {
    return this.members.addresses;
  }

  /**
   * Makes a call.
   * @throws XdsError STORE_AWAY if etcd does not answer in time; STORE_FAILED if it refuses the call; WRONG_STATE after
   * `close()`
   */
  async call<Name extends keyof Methods>(
    name: Name,
    init: EtcdInit<Methods[Name]["request"]>,
    timeoutMs = this.options.timeoutMs,
  ): Promise<EtcdMessage<Methods[Name]["response"]>> {
    const { path, request, response } = methods[name];
    await this.turn();
    try {
      const { member, bytes } = await this.tried(path, encode(request, init), timeoutMs);
      return this.read(response, bytes, member) as EtcdMessage<Methods[Name]["response"]>;
    } finally {
      this.leave();
    }
  }

  /**
   * Opens a watch. etcd must answer within the time of a try. The returned function ends the watch; after that, `ended`
   * is not called.
   * @throws XdsError as `call` does
   */
  async watch(init: EtcdInit<"WatchRequest">, { message, ended }: WatchReceiver): Promise<() => void> {
    this.checkOpen();
    const member = this.members.current;
    let client: Client | undefined;
    let token: Token | undefined;
    try {
      client = await member.open();
      token = this.currentToken(member, client, this.attemptMs);
      const metadata = await metadataWith(token);
      this.checkOpen();
      // A member that has lost its leader ends the stream, instead of being silent.
      metadata.set("hasleader", "true");
      const call = client.makeBidiStreamRequest(watchPath, toBuffer, toBytes, metadata);
      this.active.add(call);
      const late = setTimeout(() => {
        const details = `${member.address} did not begin a watch within ${Math.round(this.attemptMs)} ms`;
        end(new EtcdFailure({ code: status.DEADLINE_EXCEEDED, details }));
      }, this.attemptMs);
      let isOver = false;
      const end = (failure?: EtcdFailure) => {
        if (isOver) return;
        isOver = true;
        clearTimeout(late);
        this.active.delete(call);
        call.cancel();
        if (!failure) return;
        this.failed(failure, member, client, token);
        ended(failure);
      };
      call.on("data", (bytes: Uint8Array) => {
        if (isOver) return;
        clearTimeout(late);
        try {
          message(this.read("WatchResponse", bytes, member));
        } catch (error) {
          end(new EtcdFailure({ code: status.INTERNAL, details: messageOf(error) }));
        }
      });
      call.on("error", () => {}); // the status has the same information
      call.on("status", ({ code = status.INTERNAL, details = "" }: Partial<EndStatus>) =>
        end(new EtcdFailure({ code, details })),
      );
      call.write(encode("WatchRequest", init));
      return () => end();
    } catch (error) {
      if (!(error instanceof EtcdFailure)) throw error;
      this.failed(error, member, client, token);
      throw error.toError(member.address);
    }
  }

  /** Ends all calls. Further ones reject with WRONG_STATE. */
  close(): void {
    this.closing.abort();
    for (const call of [...this.active]) call.cancel();
    for (const begin of this.waiting.splice(0)) begin();
    this.members.close();
  }

  /** Waits until a call may begin. */
  private async turn(): Promise<void> {
    this.checkOpen();
    if (this.waiting.length >= mostWaiting)
      throw new XdsError("STORE_FAILED", `${mostWaiting} calls wait for etcd at ${this.addresses}; no more can`);
    if (this.running >= mostCalls) await new Promise<void>((begin) => this.waiting.push(begin));
    else this.running++;
  }

  /** The next call that waits takes this one's place. */
  private leave(): void {
    const begin = this.waiting.shift();
    if (begin) begin();
    else this.running--;
  }

  private async tried(path: string, request: Uint8Array, timeoutMs: number) {
    const until = performance.now() + timeoutMs;
    const backOff = new BackOff(backOffOptions, Math.random);
    let logins = 0;
    let reason: string | undefined;
    for (let tries = 1; ; tries++) {
      this.checkOpen();
      const left = until - performance.now();
      if (left <= 0)
        throw new XdsError(
          "STORE_AWAY",
          `etcd at ${this.addresses} gave no answer within ${Math.round(timeoutMs)} ms${reason ? `: ${reason}` : ""}`,
        );
      const member = this.members.current;
      let client: Client | undefined;
      let token: Token | undefined;
      try {
        const attemptMs = Math.min(left, this.attemptMs);
        client = await member.open();
        token = this.currentToken(member, client, attemptMs);
        return { member, bytes: await this.unary(client, path, await metadataWith(token), request, attemptMs) };
      } catch (failure) {
        this.checkOpen();
        if (!(failure instanceof EtcdFailure)) throw failure;
        this.failed(failure, member, client, token);
        const isHopeless = failure.isCertificate && tries >= this.members.count;
        if (failure.kind === "final" || isHopeless || (failure.kind === "login" && ++logins > mostLogins))
          throw failure.toError(member.address);
        // The reason of an earlier try says more than "the time is over".
        if (failure.code !== status.DEADLINE_EXCEEDED) reason = failure.text;
      }
      if (tries % this.members.count === 0) await this.sleep(Math.min(backOff.next(), until - performance.now()));
    }
  }

  private unary(client: Client, path: string, metadata: Metadata, request: Uint8Array, ms: number) {
    this.checkOpen();
    return new Promise<Uint8Array>((resolve, reject) => {
      const options = { deadline: Date.now() + ms };
      const call = client.makeUnaryRequest(path, toBuffer, toBytes, request, metadata, options, (error, response) => {
        this.active.delete(call);
        if (response) resolve(response);
        else reject(new EtcdFailure(error ?? { code: status.INTERNAL, details: "no response came" }));
      });
      this.active.add(call);
    });
  }

  /** Prepares the next try after a failure: forgets the token, or changes the connection or the member. */
  private failed({ kind }: EtcdFailure, member: Member, client: Client | undefined, token: Token | undefined): void {
    if (kind === "login" && this.token === token) this.token = undefined; // another call may have a newer one
    if (kind === "connection") member.drop(client);
    if (kind === "connection" || kind === "member") this.members.leave(member);
  }

  private currentToken(member: Member, client: Client, ms: number): Token {
    if (this.token) return this.token;
    const token = this.authenticate(member, client, ms);
    this.token = token;
    token.catch(() => {
      if (this.token === token) this.token = undefined;
    });
    return token;
  }

  private async authenticate(member: Member, client: Client, ms: number): Promise<string | undefined> {
    const login = await this.options.login();
    if (!login) return undefined;
    const { user: name, password } = login;
    const request = encode("AuthenticateRequest", { name, password });
    try {
      const bytes = await this.unary(client, authenticatePath, new Metadata(), request, ms);
      return this.read("AuthenticateResponse", bytes, member).token;
    } catch (error) {
      if (!messageOf(error).includes("authentication is not enabled")) throw error;
      const text = "etcd has authentication switched off, so everybody who reaches it can change the configuration";
      this.options.logger.warn({ etcd: this.addresses, user: name }, text);
      return undefined;
    }
  }

  /** @throws XdsError INVALID_RESPONSE; STORE_FAILED if the members belong to different clusters */
  private read<Name extends "AuthenticateResponse" | "WatchResponse" | Methods[keyof Methods]["response"]>(
    name: Name,
    bytes: Uint8Array,
    member: Member,
  ): EtcdMessage<Name> {
    const { address } = member;
    let message: EtcdMessage<Name>;
    try {
      message = decode(name, bytes);
    } catch (cause) {
      throw new XdsError("INVALID_RESPONSE", `the answer of ${address} is not one of etcd: ${messageOf(cause)}`, {
        cause,
      });
    }
    const { clusterId } = (message as EtcdMessage<"RangeResponse">).header ?? {};
    if (clusterId === undefined) throw new XdsError("INVALID_RESPONSE", `${address} sends responses without a header`);
    this.clusterId ??= clusterId;
    if (clusterId === this.clusterId) return message;
    this.members.leave(member);
    throw new XdsError(
      "STORE_FAILED",
      `etcd at ${address} is of another cluster than the one that answered before, of ${this.addresses}; give members of one cluster, and after a restore start again`,
    );
  }

  private async sleep(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: this.closing.signal }).catch(() => this.checkOpen());
  }

  private checkOpen(): void {
    if (this.closing.signal.aborted) throw new XdsError("WRONG_STATE", "the store is closed");
  }
}

async function metadataWith(token: Token): Promise<Metadata> {
  const metadata = new Metadata();
  const text = await token;
  if (text !== undefined) metadata.set("token", text);
  return metadata;
}
