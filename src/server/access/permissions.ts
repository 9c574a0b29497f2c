import type { Caller } from "../../caller.js";
import type { Node } from "../../schema/node.js";
import { type Authorize, authorizeClient, type ClientIdentity } from "./authorize.js";

/** Applies a server's rule for clients, and counts its refusals. */
export class Permissions {
  /** How often a rule has refused. */
  refusals = 0;

  /** Without a rule every client is allowed. */
  constructor(readonly rule: Authorize | undefined) {}

  /** Rejects if the rule refuses. Returns undefined if there is no rule. */
  permit(
    service: ClientIdentity["service"],
    { peer, certificateNames }: Caller,
    node: Node | undefined,
    rule = this.rule,
  ): Promise<void> | undefined {
    if (!rule) return undefined;
    return authorizeClient(rule, { peer, certificateNames, node, service }).catch((error: unknown) => {
      this.refusals++;
      throw error;
    });
  }
}
