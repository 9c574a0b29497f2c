import { encodeHeaders } from "../http2/hpack/encoder.js";

/** Status codes of gRPC. */
export const status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** How a call ends. */
export interface Status {
  readonly code: number;
  readonly details: string;
}

/** Ends a call with this status. */
export class StatusError extends Error {
  override readonly name = "StatusError";

  constructor(
    readonly code: number,
    readonly details: string,
  ) {
    super(details);
  }
}

const responseFields = [
  [":status", "200"],
  ["content-type", "application/grpc"],
  ["grpc-accept-encoding", "identity"],
] as const;

/** The header block before the first message. */
export const responseHeaders = encodeHeaders(responseFields);

const okFields = [["grpc-status", "0"]] as const;
const okTrailers = encodeHeaders(okFields);

/**
 * The longest status message, in bytes. The rest is cut. Clients refuse long headers, and would lose the status with
 * them.
 */
const mostMessageBytes = 4_096;

const statusFields = ({ code, details }: Status) =>
  [["grpc-status", String(code)] as const, ["grpc-message", percentEncoded(details)] as const] as const;

/** The header block after the last message. */
export const trailers = (status: Status): Buffer =>
  status.code === 0 ? okTrailers : encodeHeaders(statusFields(status));

/** The header block of an answer without messages. */
export const trailersOnly = (status: Status): Buffer => encodeHeaders([...responseFields, ...statusFields(status)]);

/** The header block of an answer to a request that is not gRPC: only an HTTP status. */
export const httpStatus = (code: number): Buffer => encodeHeaders([[":status", String(code)]]);

/**
 * The form of `grpc-message`: printable ASCII but for "%" as it is, each other byte of UTF-8 as "%" and two digits. A
 * long one is cut, between two characters.
 */
function percentEncoded(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text.slice(0, mostMessageBytes);
  const bytes = Buffer.from(text.slice(0, mostMessageBytes));
  const out = Buffer.allocUnsafe(3 * bytes.length);
  let length = 0;
  let end = 0; // of the last whole character
  for (const byte of bytes) {
    if ((byte & 0xc0) !== 0x80) {
      if (length > mostMessageBytes) break;
      end = length;
    }
    if (byte >= 0x20 && byte <= 0x7e && byte !== percent) out[length++] = byte;
    else {
      out[length++] = percent;
      out[length++] = hex.charCodeAt(byte >>> 4);
      out[length++] = hex.charCodeAt(byte & 15);
    }
  }
  return out.toString("latin1", 0, length > mostMessageBytes ? end : length);
}

const percent = 0x25;
const hex = "0123456789ABCDEF";
