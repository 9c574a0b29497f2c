import { describe, expect, it } from "vitest";
import { envoyRegistry } from "../../resource/default-api.js";
import { anonymousNode } from "../../schema/node.js";
import { SanPattern } from "./san-pattern.js";

const node = (id: string, cluster: string) => ({ ...anonymousNode(envoyRegistry()), id, cluster });

describe("a pattern of certificate names", () => {
  it.each([
    // A slash separates segments. No value contains one.
    ["spiffe://td/{cluster}/{id}", "spiffe://td/edge/a", "a", "edge", true],
    ["spiffe://td/{cluster}/{id}", "spiffe://td/ns/x/sa/b", "b", "ns/x/sa", false],
    ["spiffe://td/{cluster}/{id}", "spiffe://td/ns/x/sa/b", "x/sa/b", "ns", false],
    ["spiffe://td/*/{id}", "spiffe://td/x/a/b", "a/b", "x", false],
    ["spiffe://td/*/{id}", "spiffe://td/x/../b", "b", "x", false],
    ["spiffe://td/{id}", "spiffe://td/a/b", "a/b", "", false],
    ["{id}", "spiffe://td/a", "spiffe://td/a", "", false],
    ["{id}", "a.example", "a.example", "", true],
    // Escapes are not decoded, and case counts.
    ["spiffe://td/{id}", "spiffe://td/a%2Fb", "a/b", "", false],
    ["spiffe://td/{id}", "spiffe://td/a%2Fb", "a%2Fb", "", true],
    ["spiffe://td/{id}", "spiffe://td/%62", "b", "", false],
    ["spiffe://td/{id}", "spiffe://td/B", "b", "", false],
    ["spiffe://td/{id}", "SPIFFE://TD/b", "b", "", false],
    ["{id}.example", "B.example", "b", "", false],
    // No value is empty.
    ["spiffe://td/{cluster}/{id}", "spiffe://td//b", "b", "", false],
    ["{id}.example", ".example", "", "", false],
    ["spiffe://*/{id}", "spiffe:///b", "b", "", false],
    // A wildcard certificate is not valid for other nodes, and an id is not a pattern.
    ["{id}.example", "*.example", "b", "", false],
    ["{id}.example", "b.example", "*", "", false],
    ["spiffe://td/{id}", "spiffe://td/b", ".*", "", false],
    ["spiffe://td/{id}", "spiffe://td/b", "b\n", "", false],
    ["spiffe://td/{id}", "spiffe://td/b", "{cluster}", "b", false],
    ["spiffe://td/{id}/{id}", "spiffe://td/b/b", "b", "", true],
    ["spiffe://td/{id}/{id}", "spiffe://td/a/b", "b", "", false],
    // The other characters of a pattern match literally.
    ["{id}.mesh.example", "b-mesh-example", "b", "", false],
    ["spiffe://td/[ab]+/{id}", "spiffe://td/ab/b", "b", "", false],
    // Several variables in one segment: none matches the text that separates them.
    ["{id}.{cluster}.example", "a.edge.example", "a", "edge", true],
    ["{id}.{cluster}.example", "a.b.c.example", "a.b", "c", false],
    ["{id}.{cluster}.example", "a.b.c.example", "a", "b.c", false],
    ["spiffe://td/{cluster}-{id}", "spiffe://td/web-prod-1", "1", "web-prod", false],
    ["spiffe://td/{cluster}-{id}", "spiffe://td/web-prod-1", "prod-1", "web", false],
    ["spiffe://td/{cluster}-at-{id}", "spiffe://td/web-at-1", "1", "web", true],
    ["spiffe://td/{cluster}-at-{id}", "spiffe://td/a-at-b-at-c", "b-at-c", "a", false],
    ["*-{id}.example", "x-a-b.example", "b", "", false],
    ["*-{id}.example", "x-a-b.example", "a-b", "", false],
    ["*-{id}.example", "x-b.example", "b", "", true],
    ["spiffe://{cluster}.td-1/{id}", "spiffe://a.b.td-1/x-1.y", "x-1.y", "a.b", true],
  ])("%s: %s is the name of node %j of cluster %j: %s", (pattern, name, id, cluster, matches) => {
    expect(new SanPattern(pattern).matches(name, node(id, cluster))).toBe(matches);
  });

  it("fits no two nodes with one name", () => {
    const values = ["a", "b", "-", ".", "/", "%", "*", "a-b", "a.b", "a/b", "b-a", "-a", "a.", ""];
    const nodes = values.flatMap((id) => values.map((cluster) => node(id, cluster)));
    let matched = 0;
    for (const text of [
      "{cluster}/{id}",
      "{cluster}-{id}",
      "{id}.{cluster}.b",
      "a-{id}-b-{cluster}/a",
      "x:{id}/-/{cluster}",
    ]) {
      const pattern = new SanPattern(text);
      const names = new Set(
        nodes.map(({ id, cluster }) => text.replace("{id}", () => id).replace("{cluster}", () => cluster)),
      );
      for (const name of names) {
        const fitting = nodes.filter((one) => pattern.matches(name, one));
        expect(fitting.length, `${text}: ${name}`).toBeLessThanOrEqual(1);
        matched += fitting.length;
      }
    }
    expect(matched).toBeGreaterThan(100);
  });

  it("tells what it proves", () => {
    const proven = (pattern: string) => [...new SanPattern(pattern).proves].sort();
    expect(proven("spiffe://*/{id}")).toEqual(["id"]);
    expect(proven("spiffe://td/{cluster}/*")).toEqual(["cluster"]);
    expect(proven("{id}.{cluster}.example")).toEqual(["cluster", "id"]);
  });

  it("tells why no name can be that of a node", () => {
    const why = (pattern: string, id: string, cluster: string) => new SanPattern(pattern).excludes(node(id, cluster));
    expect(why("td:{id}", "a/b", "c/d")).toBe('its id has a "/", which {id} in td:{id} does not match');
    expect(why("{id}.{cluster}", "a", "b.c")).toBe(
      'its cluster has a ".", which {cluster} in {id}.{cluster} does not match',
    );
    expect(why("{id}.{cluster}", "a", "")).toBe("its cluster is empty; expected {id}.{cluster}");
    expect(why("td:{id}", "a", "")).toBeUndefined();
  });

  it.each([
    ["spiffe://td/*", "expected {id} or {cluster} or both, and no other placeholder"],
    ["", "expected {id} or {cluster} or both, and no other placeholder"],
    ["{id}/{namespace}", "expected {id} or {cluster} or both, and no other placeholder"],
    ["{id}/{ID}", "expected {id} or {cluster} or both, and no other placeholder"],
    ["{id}/{cluster", "expected {id} or {cluster} or both, and no other placeholder"],
    [
      "td/{cluster}{id}",
      'put a text such as "/" between {cluster} and {id}; without it the end of the first is ambiguous',
    ],
    ["td/*{id}", 'put a text such as "/" between * and {id}; without it the end of the first is ambiguous'],
  ])("cannot be %j", (pattern, why) => {
    const error = { code: "INVALID_OPTION", message: expect.stringContaining(`${JSON.stringify(pattern)}: ${why}`) };
    expect(() => new SanPattern(pattern)).toThrow(expect.objectContaining(error));
  });
});
