// The messages of gRPC, with as little as can be done.

/** A message as it goes out. @param {Uint8Array} message */
export function prefixed(message) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return [prefix, message];
}

/** Cuts what comes into messages. */
export class Messages {
  /** @type {Buffer | undefined} */
  #rest;
  #take;

  /** @param {(message: Buffer) => void} take */
  constructor(take) {
    this.#take = take;
  }

  /** @param {Buffer} chunk */
  read(chunk) {
    let bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (bytes.length >= 5) {
      const end = 5 + bytes.readUInt32BE(1);
      if (bytes.length < end) break;
      this.#take(bytes.subarray(5, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes.length > 0 ? Buffer.from(bytes) : undefined;
  }
}
