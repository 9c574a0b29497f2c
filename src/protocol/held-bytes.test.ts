import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ExtensionSchema, NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import { Accounts } from "./account.js";
import { heldBytes, nodeBytes, payForShared } from "./held-bytes.js";

it("a node counts with its texts and its parts, but for the one that others pay for", () => {
  const small = nodeBytes(create(NodeSchema, { id: "n" }));
  expect(nodeBytes(create(NodeSchema, { id: "n".repeat(1_001) }))).toBe(small + 1_000);
  const extensions = Array.from({ length: 100 }, (_, i) => create(ExtensionSchema, { name: `extension ${i}` }));
  const large = create(NodeSchema, { id: "n", extensions });
  expect(nodeBytes(large)).toBeGreaterThan(small + 100 * 48);
  expect(nodeBytes(large, large.extensions)).toBe(small - 48);
  expect(nodeBytes(create(NodeSchema, { metadata: { a: [1, "x".repeat(500), null, { b: true }] } }))).toBeGreaterThan(
    small + 500,
  );
});

it("one address pays for a list that nodes share, for as long as one of them is there", () => {
  const accounts = new Accounts();
  const [a, b] = [accounts.open("a"), accounts.open("b")];
  const own = heldBytes.connection;
  const list = Object.freeze([create(ExtensionSchema, { name: "x".repeat(1_000) })]);
  const leaveA = payForShared(list, a);
  const leaveB = payForShared(list, b);
  expect(a.parent?.held).toBeGreaterThan(own + 1_000);
  expect(b.parent?.held).toBe(own);
  leaveA?.();
  expect(a.parent?.held).toBeGreaterThan(own + 1_000);
  leaveB?.();
  expect([a.parent?.held, b.parent?.held, accounts.all.held]).toEqual([own, own, 2 * own]);
  const again = payForShared(list, b);
  expect(b.parent?.held).toBeGreaterThan(own + 1_000);
  again?.();
  expect(payForShared([], a)).toBeUndefined();
});
