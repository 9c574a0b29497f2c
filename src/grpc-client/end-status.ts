/** The gRPC status of an ended stream (https://grpc.io/docs/guides/status-codes/). */
export interface EndStatus {
  readonly code: number;
  readonly details: string;
}

/** Shortens the details of a status on one line: without OpenSSL's internals, and without an empty resolution note. */
export const onOneLine = (details: string) =>
  details
    .replace(/\b[0-9A-F]+:error:[0-9A-F]+:([^:]+):[^:]*:([^:]+):\S+?:\d+:(SSL alert number \d+)?/, "$1: $2")
    .replace(/\.?\s*Resolution note:\s*$/, "")
    .replaceAll(/\s+/g, " ")
    .trim();
