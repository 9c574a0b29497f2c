import { clientPreface } from "./frames.js";

/** What a client has sent in place of the HTTP/2 preface. */
export type OtherProtocol = "HTTP/1.1" | "TLS" | "something else";

/**
 * Looks at the first bytes of a connection (RFC 9113, section 3.4). Returns "preface" if they are all of it, "more" if
 * they are its beginning or that of an HTTP/1.1 request, and else what they seem to be.
 */
export function readPreface(bytes: Buffer): "preface" | "more" | OtherProtocol {
  const length = Math.min(bytes.length, clientPreface.length);
  if (bytes.subarray(0, length).equals(clientPreface.subarray(0, length)))
    return length === clientPreface.length ? "preface" : "more";
  if (bytes[0] === 0x16 && (bytes[1] ?? 0x03) === 0x03) return "TLS"; // a handshake record
  if (bytes.length < longestLine && /^[A-Z]{1,20}( [^\r\n]*)?\r?$/.test(bytes.toString("latin1"))) return "more";
  return /^[A-Z]+ \S+ HTTP\/1\.[01]\r?$/m.test(bytes.subarray(0, longestLine).toString("latin1"))
    ? "HTTP/1.1"
    : "something else";
}

/** How many bytes are searched for an HTTP/1.1 request line. */
const longestLine = 8_192;

/** An HTTP/1.1 response with this text. */
export function http1Answer(text: string): Buffer {
  const body = `${text}\n`;
  const head = [
    "HTTP/1.1 505 HTTP Version Not Supported",
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`, "utf8");
}
