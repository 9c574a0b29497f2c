import type { Socket } from "node:net";
import type { Wire } from "./wire.js";

/** How many milliseconds a client has to read the last bytes and close. */
const closingMs = 1_000;
/** Buffers with fewer bytes in all are joined. For more, copying costs more than writing several buffers. */
const joinedBelow = 32_768;

/** A socket, plain or TLS, as a connection's wire. */
export class SocketWire implements Wire {
  constructor(private readonly socket: Socket) {}

  write(buffers: readonly Buffer[], done: () => void): void {
    const { socket } = this;
    let bytes = 0;
    for (const buffer of buffers) bytes += buffer.length;
    if (buffers.length === 1) socket.write(buffers[0] as Buffer, done);
    else if (bytes < joinedBelow) socket.write(Buffer.concat(buffers, bytes), done);
    else {
      const last = buffers.length - 1;
      socket.cork(); // so that they leave by one writev
      for (let i = 0; i < last; i++) socket.write(buffers[i] as Buffer);
      socket.write(buffers[last] as Buffer, done);
      socket.uncork();
    }
  }

  end(): void {
    const { socket } = this;
    socket.end();
    // Until then, bytes that still come are read and dropped. Closing a socket with unread bytes would lose what was
    // written last.
    const timer = setTimeout(() => socket.destroy(), closingMs).unref();
    socket.once("close", () => clearTimeout(timer));
  }

  destroy(): void {
    this.socket.destroy();
  }
}
