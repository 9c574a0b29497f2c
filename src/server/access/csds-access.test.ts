import { describe, expect, it } from "vitest";
import type { ClientIdentity } from "./authorize.js";
import { loopbackOrSan } from "./csds-access.js";

const client = (peer: string, ...certificateNames: string[]): ClientIdentity => ({
  peer,
  certificateNames,
  node: undefined,
  service: "csds",
});

describe("loopbackOrSan()", () => {
  it("lets in clients on this machine", () => {
    for (const peer of ["127.0.0.1:1", "127.8.9.1:80", "::1:65535", "::ffff:127.0.0.1:7"])
      expect([peer, loopbackOrSan()(client(peer))]).toEqual([peer, true]);
    for (const peer of ["10.0.0.1:1", "::ffff:10.0.0.1:1", "2001:db8::1:1", "1.127.0.0:1", "undefined:undefined"])
      expect(loopbackOrSan()(client(peer, "spiffe://td/ops")), peer).toMatch(
        /on this machine; other clients need .* --tls-csds-san allows/,
      );
  });

  it.each([
    ["spiffe://*/ns/ops/sa/*", "spiffe://td/ns/ops/sa/grafana", true],
    ["spiffe://*/ns/ops/sa/*", "spiffe://td/ns/web/sa/grafana", false],
    ["spiffe://*/ns/ops/sa/*", "spiffe://td/ns/ops/sa/a/b", false],
    ["spiffe://*/ns/ops/sa/*", "spiffe:///ns/ops/sa/a", false],
    ["*.ops.example", "a.ops.example", true],
    ["*.ops.example", "a.ops-example", false],
    ["ops", "ops", true],
    ["ops", "devops", false],
  ])("%s lets in a certificate of %s from elsewhere: %s", (pattern, name, allowed) => {
    const verdict = loopbackOrSan(pattern)(client("10.0.0.1:1", "other", name));
    expect(verdict).toEqual(allowed || expect.stringContaining(`a name that matches ${pattern}`));
    expect(loopbackOrSan(pattern)(client("127.0.0.1:1"))).toBe(true);
  });

  it("takes only patterns that say something, and nothing of a node", () => {
    for (const pattern of ["", "{id}", "spiffe://td/{cluster}"])
      expect(() => loopbackOrSan(pattern)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });
});
