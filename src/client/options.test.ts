import { expect, it } from "vitest";
import { readOptions } from "./options.js";

it("by default a client pings no more often than gRPC servers take by default: once in 5 minutes", () => {
  expect(readOptions({ address: "127.0.0.1:18000" }).keepaliveMs).toBeGreaterThan(5 * 60_000);
});
