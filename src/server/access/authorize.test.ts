import { describe, expect, it } from "vitest";
import { envoyRegistry } from "../../resource/default-api.js";
import { anonymousNode } from "../../schema/node.js";
import { type ClientIdentity, sanMatchesNode } from "./authorize.js";

const client = (id: string, cluster: string, ...certificateNames: string[]): ClientIdentity => ({
  peer: "test",
  certificateNames,
  node: { ...anonymousNode(envoyRegistry()), id, cluster },
  service: "stream",
});

describe("sanMatchesNode()", () => {
  it("without a pattern wants a name that is the node's id", () => {
    const rule = sanMatchesNode();
    expect(rule(client("a.example", "c", "b.example", "a.example"))).toBe(true);
    for (const none of [client("a", "c", "spiffe://td/a"), client("a", "c"), client("", "c", "")])
      expect(rule(none)).toEqual(expect.any(String));
  });

  it.each([
    ["spiffe://*/ns/{cluster}/sa/{id}", "web", "prod", "spiffe://td/ns/prod/sa/web", true],
    ["spiffe://*/ns/{cluster}/sa/{id}", "web", "prod", "spiffe://td/ns/test/sa/web", false],
    ["spiffe://*/ns/{cluster}/sa/{id}", "web", "prod", "spiffe://td/ns/prod/sa/web2", false],
    ["spiffe://*/{id}", "web", "prod", "spiffe://td/other/web", false],
    ["spiffe://*/{id}", "web", "prod", "spiffe:///web", false],
    ["{id}.mesh.example", "web", "prod", "web.mesh.example", true],
    ["{id}.mesh.example", "web", "prod", "web-mesh-example", false],
    ["{id}.mesh.example", "", "prod", ".mesh.example", false],
    ["spiffe://td/{id}", "*", "prod", "spiffe://td/web", false],
    ["spiffe://td/{id}", ".*", "prod", "spiffe://td/web", false],
    ["spiffe://td/{id}", "{cluster}", "web", "spiffe://td/web", false],
    ["spiffe://td/constructor/{id}", "web", "", "spiffe://td/constructor/web", true],
  ])("%s, node %s of %s, certificate of %s: %s", (pattern, id, cluster, name, allowed) => {
    expect(sanMatchesNode(pattern)(client(id, cluster, name)) === true).toBe(allowed);
  });

  it("says why, where no certificate could help", () => {
    const rule = sanMatchesNode("spiffe://td/{id}");
    expect(rule(client("a/b", "c", "spiffe://td/a/b"))).toBe(
      'its id has a "/", which {id} in spiffe://td/{id} does not match',
    );
    expect(rule(client("a", "c", "spiffe://td/b"))).toBe(
      'its certificate needs the name "spiffe://td/a" (rule: spiffe://td/{id})',
    );
  });

  it("takes all of a pair from one name", () => {
    const rule = sanMatchesNode("spiffe://td/{cluster}/{id}");
    const names = ["spiffe://td/edge/a", "spiffe://td/core/b"];
    expect([client("a", "edge", ...names), client("b", "core", ...names)].map(rule)).toEqual([true, true]);
    for (const mixed of [client("b", "edge", ...names), client("a", "core", ...names)])
      expect(rule(mixed)).toEqual(expect.any(String));
  });

  it("refuses CSDS, and whoever names no node", () => {
    const rule = sanMatchesNode();
    expect(rule({ ...client("a", "c", "a"), service: "csds" })).toEqual(expect.any(String));
    expect(rule({ ...client("a", "c", "a"), node: undefined })).toEqual(expect.any(String));
  });
});
