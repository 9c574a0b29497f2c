import { describe, expect, it } from "vitest";
import { refuseWebPages } from "./web-pages.js";

const onLoopback = {
  what: "REST",
  host: "127.0.0.1",
  address: "127.0.0.1",
  allowedHosts: [] as string[],
  plainNames: false,
};
const everywhere = { ...onLoopback, host: "0.0.0.0", address: "0.0.0.0" };

/** The error code of a refused request. undefined if the request is accepted. */
function codeOf(headers: Record<string, string>, rule: Partial<typeof onLoopback> = {}): string | undefined {
  try {
    refuseWebPages(headers, { ...onLoopback, ...rule });
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("Host, on loopback", () => {
  it.each(["127.0.0.1:18001", "localhost", "LOCALHOST:1", "[::1]:18001", "127.8.9.1"])("may be %j", (host) => {
    expect(codeOf({ host })).toBeUndefined();
  });

  it.each([
    "evil.example",
    "127.0.0.1.evil.example:18001",
    "localhost.evil.example",
    "192.168.0.1",
    "[fe80::1]",
    "xds",
    "",
  ])("may not be %j", (host) => {
    expect(codeOf({ host })).toBe("FORBIDDEN_HOST");
  });

  it("may be missing, which no browser does", () => {
    expect(codeOf({})).toBeUndefined();
  });

  it("may be a name of allowedHosts, or what is listened on", () => {
    const allowedHosts = ["XDS.example", "10.0.0.1"];
    for (const host of ["xds.example:18001", "XDS.EXAMPLE", "10.0.0.1", "localhost"])
      expect(codeOf({ host }, { allowedHosts }), host).toBeUndefined();
    expect(codeOf({ host: "xds.example.evil" }, { allowedHosts })).toBe("FORBIDDEN_HOST");
    const own = { host: "My-Machine", address: "127.0.1.1" };
    expect(codeOf({ host: "my-machine:18001" }, own)).toBeUndefined();
    expect(codeOf({ host: "other" }, own)).toBe("FORBIDDEN_HOST");
  });

  it("may be a name without a dot where Envoys poll, which send their cluster's name, and no page's browser", () => {
    const plainNames = { plainNames: true };
    for (const host of ["xds", "xds_cluster:18001", "0xds", "1a"]) {
      expect(codeOf({ host }, plainNames), host).toBeUndefined();
      expect(codeOf({ host, origin: `http://${host}` }, plainNames), host).toBe("FORBIDDEN_ORIGIN");
    }
    for (const host of ["xds.example", "[fe80::1]", "2130706433", "2130706433:18001", "017700000001", "0x7F000001", ""])
      expect(codeOf({ host }, plainNames), host).toBe("FORBIDDEN_HOST");
  });
});

describe("Host, beyond loopback", () => {
  it("may be any name, unless allowedHosts has some", () => {
    expect(codeOf({ host: "xds.example" }, everywhere)).toBeUndefined();
    const allowed = { ...everywhere, allowedHosts: ["xds.example"] };
    expect(codeOf({ host: "xds.example" }, allowed)).toBeUndefined();
    expect(codeOf({ host: "evil.example" }, allowed)).toBe("FORBIDDEN_HOST");
  });
});

describe("Origin", () => {
  it("may be ours, under a known name", () => {
    expect(codeOf({ host: "127.0.0.1:18001", origin: "http://127.0.0.1:18001" })).toBeUndefined();
    const allowed = { ...everywhere, allowedHosts: ["xds.example"] };
    expect(codeOf({ host: "xds.example", origin: "https://xds.example" }, allowed)).toBeUndefined();
  });

  it.each([
    ["another site", "127.0.0.1:18001", "http://evil.example"],
    ["another port", "127.0.0.1:18001", "http://127.0.0.1:8080"],
    ["a sandboxed page", "127.0.0.1:18001", "null"],
    ["a site with our address", "evil.example:18001", "http://evil.example:18001"],
  ])("may not be %s's", (_, host, origin) => {
    for (const rule of [onLoopback, everywhere]) expect(codeOf({ host, origin }, rule)).toBe("FORBIDDEN_ORIGIN");
  });
});

describe("Sec-Fetch-Site", () => {
  it.each(["cross-site", "same-site", "anything"])("may not be %s, for which an image needs no Origin", (site) => {
    const headers = { host: "127.0.0.1:18001", "sec-fetch-site": site };
    for (const rule of [onLoopback, everywhere]) expect(codeOf(headers, rule)).toBe("FORBIDDEN_ORIGIN");
    expect(codeOf({ ...headers, origin: "http://127.0.0.1:18001" })).toBe("FORBIDDEN_ORIGIN");
  });

  it.each(["none", "same-origin"])("may be %s", (site) => {
    expect(codeOf({ host: "127.0.0.1:18001", "sec-fetch-site": site })).toBeUndefined();
  });
});
