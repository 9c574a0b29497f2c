import { status } from "@grpc/grpc-js";
import { XdsError } from "../../errors.js";
import { type EndStatus, onOneLine } from "../../grpc-client/end-status.js";

/**
 * What follows from a failed call:
 * - `connection`: the connection is given up, and the next member is asked.
 * - `member`: the connection is good; the next member is asked.
 * - `login`: the token is not valid any more.
 * - `final`: every member would give the same answer.
 */
export type FailureKind = "connection" | "member" | "login" | "final";

/** The status with which a call to a member of etcd ended. */
export class EtcdFailure extends Error {
  readonly code: number;

  constructor({ code, details }: EndStatus) {
    super(onOneLine(details).replace(grpcPrefix, "") || `status ${code}`);
    this.code = code;
  }

  get kind(): FailureKind {
    const { code, message } = this;
    if (code === status.UNAUTHENTICATED || isLogin.test(message)) return "login";
    if (/^etcdserver: (not leader|too many requests)/.test(message)) return "member";
    if (code === status.UNAVAILABLE && message.startsWith("etcdserver:")) return "member";
    return connectionCodes.has(code) ? "connection" : "final";
  }

  /** Whether one side does not accept the other side's certificate. Another try would fail in the same way. */
  get isCertificate(): boolean {
    return this.kind === "connection" && /certificate|altnames|unknown ca/i.test(this.message);
  }

  /** What is wrong, and what can be done about it. */
  get text(): string {
    const remedy = remedies.find(([pattern]) => pattern.test(this.message))?.[1];
    return remedy ? `${this.message}; ${remedy}` : this.message;
  }

  /** The error for the caller. */
  toError(member: string): XdsError {
    const what = this.kind === "connection" ? "cannot be reached" : "refuses the call";
    return new XdsError("STORE_FAILED", `etcd at ${member} ${what}: ${this.text}`, { cause: this });
  }
}

const grpcPrefix = /^No connection established\. Last error: (Error: )?/;

// etcd's errors after a token has expired, etcd was restarted, users were changed, or authentication was switched on.
const isLogin = /invalid auth token|auth store is old|user name is empty/;

const connectionCodes: ReadonlySet<number> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.INTERNAL,
  status.UNKNOWN,
]);

/** The remedies by the text of the error. The first one that matches is used. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /database space exceeded/,
    "its quota is used up: compact and defragment it and end the alarm (etcdctl alarm disarm), or raise --quota-backend-bytes",
  ],
  [/invalid user ID or password/, "correct the user or the password (login, --store-user)"],
  [/user name is empty/, "it requires a user and a password (login, --store-user)"],
  [/permission denied/, "grant a role of the user access to the keys of the configuration (docs/replicas.md)"],
  [/request is too large/, "raise its --max-request-bytes"],
  [
    /alert (bad certificate|certificate required|unknown ca)/,
    "it accepts no client without a certificate that it trusts: correct tls.cert and tls.key (--store-tls-cert and --store-tls-key)",
  ],
  [/altnames/, "correct the endpoint, or give the name of its certificate as tls.serverName (--store-tls-server-name)"],
  [/certificate/, "give the authority of its certificate as tls.ca (--store-tls-ca)"],
  [
    /wrong version number|before secure TLS connection/,
    "does it have TLS? Plain text is etcd://, without tls (--store-tls-…)",
  ],
  [/Failed to connect/, "if it has TLS, the option tls is missing (etcds://)"],
];
