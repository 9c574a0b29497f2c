import { expect, test } from "vitest";
import { networkOf } from "./network.js";

test.each([
  ["192.0.2.1:50000", "192.0.2.1"],
  ["::ffff:192.0.2.1:50000", "192.0.2.1"],
  ["2001:db8:0:1:2:3:4:5:50000", "2001:db8:0:1::/64"],
  ["2001:db8::1:50000", "2001:db8:0:0::/64"],
  ["2001:db8:a:b::50000", "2001:db8:a:b::/64"],
  ["2001::b:c:d:e:f:50000", "2001:0:0:b::/64"],
  ["::1:50000", "0:0:0:0::/64"],
  ["fe80::1%eth0:50000", "fe80:0:0:0::/64"],
])("the peer %s is of the network %s", (peer, network) => {
  expect(networkOf(peer)).toBe(network);
});

test("an IPv6 client has one network, whichever of its addresses it takes", () => {
  const of = (address: string) => networkOf(`${address}:1234`);
  expect(of("2001:db8:1:2:ffff:ffff:ffff:ffff")).toBe(of("2001:db8:1:2::"));
  expect(of("2001:db8:1:3::")).not.toBe(of("2001:db8:1:2::"));
});
