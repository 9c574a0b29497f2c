/** Error codes of HTTP/2 (RFC 9113, section 7). */
export const errorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

export type ErrorCode = (typeof errorCode)[keyof typeof errorCode];

/** Ends the connection with a GOAWAY of this code (RFC 9113, section 5.4.1). The message is its debug data. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";

  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Ends one stream with a RST_STREAM of this code (RFC 9113, section 5.4.2). */
export class StreamError extends Error {
  override readonly name = "StreamError";

  constructor(
    readonly streamId: number,
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

export const protocolError = (message: string) => new ConnectionError(errorCode.PROTOCOL_ERROR, message);
export const frameSizeError = (message: string) => new ConnectionError(errorCode.FRAME_SIZE_ERROR, message);
export const flowControlError = (message: string) => new ConnectionError(errorCode.FLOW_CONTROL_ERROR, message);
export const compressionError = (message: string) => new ConnectionError(errorCode.COMPRESSION_ERROR, message);
