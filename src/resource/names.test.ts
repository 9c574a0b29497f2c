import { expect, it } from "vitest";
import { canonicalName, collectionOf, isGlob } from "./names.js";

const base = "xdstp://authority/envoy.config.cluster.v3.Cluster";

it("P64 gives equal xdstp names one spelling, whatever the order of their context parameters", () => {
  expect(canonicalName(`${base}/a?y=2&x=1`)).toBe(`${base}/a?x=1&y=2`);
  expect(canonicalName(`${base}/a?x=1&y=2`)).toBe(`${base}/a?x=1&y=2`);
  expect(canonicalName(`${base}/a`)).toBe(`${base}/a`);
  expect(canonicalName("plain?y=2&x=1")).toBe("plain?y=2&x=1");
});

it("P63 finds the glob collection of a name, by exact context parameters", () => {
  expect(collectionOf(`${base}/foo/a?x=1`)).toBe(`${base}/foo/*?x=1`);
  expect(collectionOf(`${base}/foo/a`)).toBe(`${base}/foo/*`);
  expect(collectionOf(`${base}/foo/bar/a`)).toBe(`${base}/foo/bar/*`);
  expect(collectionOf("foo/a")).toBeUndefined();
  expect(isGlob(`${base}/foo/*?x=1`)).toBe(true);
  expect(isGlob(`${base}/foo/a`)).toBe(false);
  expect(isGlob("foo/*")).toBe(false);
});
