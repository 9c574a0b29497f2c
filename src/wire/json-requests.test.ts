import { afterEach, describe, expect, it, vi } from "vitest";
import { envoyRegistry } from "../resource/default-api.js";
import { decodeJsonRequest } from "./json-requests.js";
import type { RequestBounds } from "./request-bounds.js";

afterEach(() => void vi.restoreAllMocks());

const decode = (json: unknown, bounds?: RequestBounds) =>
  decodeJsonRequest(Buffer.from(typeof json === "string" ? json : JSON.stringify(json)), envoyRegistry(), bounds);

describe("a DiscoveryRequest in JSON", () => {
  const all = {
    node: { id: "n", cluster: "c", metadata: { a: [1, "x"] } },
    typeUrl: "t",
    versionInfo: "1",
    responseNonce: "2",
    resourceNames: ["a", "ü"],
    resourceLocators: [{ name: "b", dynamicParameters: { x: "y" } }],
    errorDetail: { code: 3, message: "bad", details: [] },
    unknown: [{}],
  };

  it("is read with its names in JSON, and with those of the API", () => {
    const snake = Object.fromEntries(
      Object.entries(all).map(([name, value]) => [name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value]),
    );
    const expected = {
      node: { id: "n", cluster: "c", metadata: all.node.metadata },
      typeUrl: "t",
      versionInfo: "1",
      responseNonce: "2",
      resourceNames: ["a", "ü", "b"],
      errorDetail: { code: 3, message: "bad" },
    };
    expect(decode(all)).toMatchObject(expected);
    expect(decode(snake)).toMatchObject(expected);
  });

  it("may lack everything, as by null", () => {
    const none = { node: undefined, typeUrl: "", responseNonce: "", errorDetail: undefined, versionInfo: "" };
    expect(decode({})).toEqual({ ...none, resourceNames: [] });
    const nulls = Object.fromEntries(Object.keys(all).map((name) => [name, null]));
    expect(decode(nulls)).toEqual({ ...none, resourceNames: [] });
  });

  it.each([
    ["{", /JSON/],
    ["[]", /the body is not an object/],
    [{ resourceNames: "a" }, /resource_names is not a list/],
    [{ resource_names: ["a", 1] }, /resource_names\[1\] is not a string/],
    [{ resourceLocators: ["a"] }, /resource_locators\[0\] is not an object/],
    [{ typeUrl: 1 }, /type_url is not a string/],
    [{ errorDetail: { code: "x" } }, /code of error_detail is not an integer/],
    [{ node: { id: 7 } }, /envoy.config.core.v3.Node/],
    [{ node: [] }, /envoy.config.core.v3.Node/],
  ])("is refused where it is something else: %j", (json, message) => {
    expect(() => decode(json)).toThrow(expect.objectContaining({ code: "INVALID_JSON" }));
    expect(() => decode(json)).toThrow(message);
  });
});

describe("the bounds of a request in JSON", () => {
  const seen: number[] = [];
  const bounds: RequestBounds = {
    mostNames: 100,
    mostNodeBytes: 1_000,
    tooManyValues: (most) => new Error(`more than ${most}`),
    checkNode: (bytes) => {
      seen.push(bytes);
      if (bytes > 1_000) throw new Error("node too large");
    },
  };
  const names = (count: number) => Array.from({ length: count }, () => "");
  const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [i, 0]));

  it.each([
    ["names", { resource_names: names(10_000) }],
    ["values in a node", { node: { metadata: { a: Array(10_000).fill(0) } } }],
    ["objects in a node", { node: { metadata: { a: Array(10_000).fill({}) } } }],
    ["members of a node", { node: { metadata: members(10_000) } }],
    ["unknown fields", members(10_000)],
    ["lists in lists", `${"[".repeat(10_000)}${"]".repeat(10_000)}`],
    ["values after a text that looks like its end", `{"a":"\\\\\\"","b":[${"0,".repeat(10_000)}0]}`],
  ])("hold before it is parsed: %s", (_, json) => {
    const text = typeof json === "string" ? json : JSON.stringify(json);
    const parse = vi.spyOn(JSON, "parse");
    expect(() => decode(text, bounds)).toThrow(/more than \d+$/);
    expect(parse).not.toHaveBeenCalled();
  });

  it("leave as many names as there may be, and what is in their texts", () => {
    const many = names(100).map((_, i) => `${i}[{,:\\"`);
    expect(decode({ resource_names: many }, bounds).resourceNames).toEqual(many);
  });

  it("hold before a node is read: it is measured as far as it may go", () => {
    for (const node of [{ id: "x".repeat(5_000) }, { metadata: { ["k".repeat(5_000)]: 0 } }]) {
      seen.length = 0;
      expect(() => decode({ node }, bounds)).toThrow("node too large");
      expect(seen).toHaveLength(1);
    }
    seen.length = 0;
    decode({ node: { id: "n", metadata: { a: [0, true, null, "x"], b: {} } } }, bounds);
    // {"id":"n","metadata":{"a":[0,true,null,"x"],"b":{}}}
    expect(seen[0]).toBeGreaterThan(30);
    expect(seen[0]).toBeLessThan(60);
  });

  it("hold before a node is read: its objects and lists are counted", () => {
    const read = (extensions: object[]) =>
      decode({ node: { extensions } }, { ...bounds, mostNodeBytes: 2 ** 18, checkNode: () => {} });
    expect(() => read(Array(25_000).fill({}))).toThrow("a node with more than 20000 objects and lists");
    expect(read(Array(1_000).fill({})).node?.extensions).toHaveLength(1_000);
  });
});
