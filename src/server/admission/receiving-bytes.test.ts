import { expect, it } from "vitest";
import { Accounts } from "../../protocol/account.js";
import { LimitCounts } from "./limits.js";
import { ReceivingBytes } from "./receiving-bytes.js";

/** Sends pieces of one byte on the connections of an address, in turn. Returns how many are accepted. */
function most(receiving: ReceivingBytes, accounts: Accounts, address: string): number {
  const connections = Array.from({ length: 10 }, () => receiving.of(accounts.open(address)));
  for (let taken = 0; ; taken++) {
    const connection = connections[taken % connections.length];
    try {
      connection?.add(1);
    } catch {
      connection?.add(-1); // the bytes of the refused call are freed
      return taken;
    }
  }
}

it("one address has three quarters at most, however many its connections; each that comes has as much of the rest", () => {
  const limits = new LimitCounts({ receivingBytes: 1_024 });
  const receiving = new ReceivingBytes(limits);
  const accounts = new Accounts();
  expect(["a", "b", "c", "d"].map((address) => most(receiving, accounts, address))).toEqual([768, 192, 48, 12]);
  expect([receiving.bytes, limits.hits.receivingBytes]).toEqual([1_020, 4]);
});

it("what an address gives back is for all", () => {
  const receiving = new ReceivingBytes(new LimitCounts({ receivingBytes: 1_024 }));
  const accounts = new Accounts();
  const first = receiving.of(accounts.open("a"));
  first.add(700);
  first.add(-700);
  expect(most(receiving, accounts, "b")).toBe(768);
});
