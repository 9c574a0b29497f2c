import type { Caller } from "../caller.js";
import type { Account } from "./account.js";

/** A caller with the account of its connection. */
export interface AccountedCaller extends Caller {
  /** Pays for the caller's work, and counts its unsent bytes. */
  readonly account: Account;
}
