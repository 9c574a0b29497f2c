/** Certificates of a server, in PEM. */
export interface TlsOptions {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** Certificate authorities that clients' certificates must come from; with it every client needs one (mTLS). */
  readonly clientCa?: string | Uint8Array;
}
