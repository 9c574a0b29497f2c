import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/grpc-client/back-off.js
var BackOff = class {
  options;
  random;
  full;
  constructor(options, random) {
    this.options = options;
    this.random = random;
    this.full = options.initialMs;
  }
  /** Returns the next wait, in milliseconds. */
  next() {
    const { maxMs, factor, jitter } = this.options;
    const full = Math.min(maxMs, this.full);
    this.full = Math.min(maxMs, this.full * factor);
    return full * (1 - jitter * this.random());
  }
  succeed() {
    this.full = this.options.initialMs;
  }
};

// dist/grpc-client/message-bytes.js
var toBuffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
var toBytes = (bytes) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// dist/grpc-client/end-status.js
var onOneLine = (details) => details.replace(/\b[0-9A-F]+:error:[0-9A-F]+:([^:]+):[^:]*:([^:]+):\S+?:\d+:(SSL alert number \d+)?/, "$1: $2").replace(/\.?\s*Resolution note:\s*$/, "").replaceAll(/\s+/g, " ").trim();

// dist/grpc-client/tls.js
import { ChannelCredentials } from "@grpc/grpc-js";
function credentialsOf(tls) {
  if (!tls)
    return ChannelCredentials.createInsecure();
  const [ca, key, cert] = [tls.ca, tls.key, tls.cert].map((pem) => pem === void 0 ? null : Buffer.from(pem));
  try {
    return ChannelCredentials.createSsl(ca, key, cert);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the TLS key or certificate cannot be used: ${messageOf(cause)}`, { cause });
  }
}
var tlsChannelOptions = ({ serverName } = {}) => serverName ? { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName } : {};

export {
  BackOff,
  toBuffer,
  toBytes,
  onOneLine,
  credentialsOf,
  tlsChannelOptions
};
