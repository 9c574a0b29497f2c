import type { IncomingMessage, ServerResponse } from "node:http";

/** Answers all requests below a path of the admin port, with any method. */
export interface AdminHandler {
  /** Where its paths begin, such as `/control/`. */
  readonly path: string;
  /** Answers a request, which no web page of another site has sent. Never rejects. `peer` is the client's address. */
  handle(request: IncomingMessage, response: ServerResponse, peer: string): Promise<void>;
}
