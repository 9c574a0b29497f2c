import { Client } from "@grpc/grpc-js";
import { type ClientTlsOptions, credentialsOf, tlsChannelOptions } from "../../grpc-client/tls.js";

/** Options of the connections to members. */
export interface DialOptions {
  /** Reads the TLS settings, which may have changed since the last connection. It returns undefined for plain text. */
  readonly tls: () => Promise<ClientTlsOptions | undefined>;
  /** The interval between pings, in milliseconds. */
  readonly keepaliveMs: number;
  /** How long the answer to a ping may take, in milliseconds. */
  readonly keepaliveTimeoutMs: number;
}

/** The largest response, in bytes. Requests already ask for less; this is the last bound. */
const responseBytes = 64 << 20;

/** A member of etcd, and the connection to it. */
export class Member {
  private opening: Promise<Client> | undefined;
  private client: Client | undefined;

  constructor(
    readonly address: string,
    private readonly options: DialOptions,
  ) {}

  /** Returns the connection. It may not be established yet; then a call waits. */
  open(): Promise<Client> {
    this.opening ??= this.dial();
    return this.opening;
  }

  /** Gives up a connection, so that the next call gets a new one. Calls on it go on. */
  drop(client: Client | undefined): void {
    client?.close();
    if (this.client !== client) return;
    this.client = undefined;
    this.opening = undefined;
  }

  /** Gives up the present connection, if there is one. */
  close(): void {
    this.drop(this.client);
  }

  private async dial(): Promise<Client> {
    try {
      const tls = await this.options.tls();
      this.client = this.connect(tls);
      return this.client;
    } catch (error) {
      this.opening = undefined;
      throw error;
    }
  }

  private connect(tls: ClientTlsOptions | undefined): Client {
    return new Client(this.address, credentialsOf(tls), {
      "grpc.max_receive_message_length": responseBytes,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": this.options.keepaliveMs,
      "grpc.keepalive_timeout_ms": this.options.keepaliveTimeoutMs,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      "grpc.service_config_disable_resolution": 1,
      ...tlsChannelOptions(tls),
    });
  }
}

/** The members of a cluster. One of them is asked until it fails. */
export class Members {
  private readonly members: readonly Member[];
  private at: number;

  constructor(addresses: readonly string[], options: DialOptions) {
    this.members = addresses.map((address) => new Member(address, options));
    // A random start spreads the clients over the members.
    this.at = Math.floor(Math.random() * addresses.length);
  }

  get current(): Member {
    return this.members[this.at] as Member;
  }

  get count(): number {
    return this.members.length;
  }

  get addresses(): string {
    return this.members.map(({ address }) => address).join(", ");
  }

  /** Changes to the next member, if this one is still the present one. */
  leave(member: Member): void {
    if (this.current === member) this.at = (this.at + 1) % this.members.length;
  }

  close(): void {
    for (const member of this.members) member.close();
  }
}
