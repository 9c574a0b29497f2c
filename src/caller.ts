/** The client at the other end of a connection. */
export interface Caller {
  /** The address, `<IP address>:<port>`. */
  readonly peer: string;
  /**
   * The names in its client certificate, if that was verified: the SANs that are URIs (a SPIFFE ID), then those that
   * are DNS names. The subject's common name is not among them. Without such a certificate none.
   */
  readonly certificateNames: readonly string[];
}

/** A caller as users see it, without what else is known of it. */
export const callerOf = ({ peer, certificateNames }: Caller): Caller => ({ peer, certificateNames });
