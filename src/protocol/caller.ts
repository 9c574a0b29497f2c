/** Who called: the other end of a connection. */
export interface Caller {
  /** Its address, `<IP address>:<port>`. */
  readonly peer: string;
  /**
   * The names in its client certificate, if that was verified: the SANs that are URIs (a SPIFFE ID), then those that
   * are DNS names. The subject's common name is not among them. Without such a certificate none.
   */
  readonly certificateNames: readonly string[];
}
