import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Passes connections on to a port of 127.0.0.1, and disturbs them. */
export class TcpProxy {
  private readonly pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
  private isFrozen = false;
  private isRefusing = false;
  private isSwallowing = false;
  private cutEveryBytes = Number.POSITIVE_INFINITY;
  /** Bytes from the server until its connection is cut. */
  private bytesLeft = Number.POSITIVE_INFINITY;
  /** How many connections there were. */
  connections = 0;
  /** How often connections were cut because so many bytes had come. */
  cuts = 0;

  private constructor(
    private readonly listener: Server,
    private readonly target: number,
  ) {
    listener.on("connection", (client) => this.accept(client));
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(createServer(), target);
    await new Promise<void>((resolve) => proxy.listener.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      proxy.cut();
      proxy.listener.close();
    });
    return proxy;
  }

  get endpoint(): string {
    return `127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Ends all connections. */
  cut(): void {
    for (const { client, server } of this.pairs) {
      client.destroy();
      server.destroy();
    }
    this.pairs.clear();
  }

  /** Ends a connection each time that the server has sent so many more bytes. */
  cutEvery(bytes: number): void {
    this.cutEveryBytes = bytes;
    this.bytesLeft = bytes;
  }

  /** No byte goes in any direction; connections stay. */
  freeze(): void {
    this.isFrozen = true;
    for (const { client, server } of this.pairs) {
      client.pause();
      server.pause();
    }
  }

  thaw(): void {
    this.isFrozen = false;
    for (const { client, server } of this.pairs) {
      client.resume();
      server.resume();
    }
  }

  /** What the server sends is thrown away; what it is sent arrives. */
  swallow(isSwallowing: boolean): void {
    this.isSwallowing = isSwallowing;
  }

  /** New connections are ended at once. */
  refuse(isRefusing: boolean): void {
    this.isRefusing = isRefusing;
  }

  private accept(client: Socket): void {
    if (this.isRefusing) return void client.destroy();
    this.connections++;
    const server = connect(this.target, "127.0.0.1");
    const pair = { client, server };
    this.pairs.add(pair);
    const end = () => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.on("error", end);
      socket.on("close", end);
    }
    client.on("data", (bytes) => server.write(bytes));
    server.on("data", (bytes) => {
      if (this.isSwallowing) return;
      client.write(bytes);
      this.bytesLeft -= bytes.length;
      if (this.bytesLeft > 0) return;
      this.bytesLeft = this.cutEveryBytes;
      this.cuts++;
      // What was passed on arrives first.
      client.end();
      server.destroy();
    });
    if (this.isFrozen) {
      client.pause();
      server.pause();
    }
  }
}
