import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { encodeHeaders } from "../../src/http2/hpack/encoder.js";
import { Http2Server } from "../../src/http2/server.js";
import { SnapshotCache, XdsServer } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";

/** How many cases h2spec has. Fewer would say that it did not run as a whole. */
const allCases = 145;
/** Seconds that a case may take. One that passes needs no waiting, so this only costs where a case fails. */
const caseSeconds = 10;

interface Report {
  /** The cases that ran, whether they passed or not. */
  readonly cases: number;
  /** The names of those that failed or were skipped. */
  readonly notPassed: readonly string[];
  /** The last line that h2spec prints. */
  readonly summary: string;
}

const found = inject("h2spec");
const testCase =
  /<testcase package="(?<section>[^"]*)" classname="(?<name>[^"]*)"[^>]*?(?:\/>|>(?<rest>.*?)<\/testcase>)/gs;

/** Runs h2spec against a port of 127.0.0.1. */
async function h2spec(port: number, ...args: string[]): Promise<Report> {
  if (!("binary" in found)) throw new Error(found.missing);
  const folder = mkdtempSync(join(tmpdir(), "h2spec-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const report = join(folder, "report.xml");
  const flags = ["-h", "127.0.0.1", "-p", String(port), "-o", String(caseSeconds), "-j", report];
  const output = await new Promise<string>((resolve) => {
    const options = { timeout: 240_000, maxBuffer: 64 << 20 };
    execFile(found.binary, [...flags, ...args], options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  const cases = Array.from(readFileSync(report, "utf8").matchAll(testCase), ({ groups = {} }) => groups);
  return {
    cases: cases.length,
    notPassed: cases.filter(({ rest }) => rest?.trim()).map(({ section, name }) => `${section}: ${name}`),
    summary: output.trim().split("\n").at(-1) ?? "",
  };
}

const allPass: Report = {
  cases: allCases,
  notPassed: [],
  summary: `${allCases} tests, ${allCases} passed, 0 skipped, 0 failed`,
};

const limits = {
  streams: 100,
  headerBytes: 16_384,
  continuations: 16,
  controlFrames: 1_000,
  connections: 1_000,
  connectionsPerPeer: Number.POSITIVE_INFINITY,
  handshakeMs: 10_000,
  idleMs: 300_000,
  frameMs: 1_000_000,
};
const head = encodeHeaders([[":status", "200"]]);
const body = Buffer.from("a body that is long enough for windows of a few bytes");

/** Listens with `src/http2/` alone: each request is answered with DATA when it has ended. */
async function listenPlain(tls: { cert: string; key: string } | undefined): Promise<number> {
  const server = new Http2Server(
    { tls, limits, keepaliveMs: 30_000, keepaliveTimeoutMs: 10_000 },
    {
      opened: () => ({
        request: (stream) => ({
          data: () => stream.allow(65_535),
          ended: () => {
            stream.respond(head);
            stream.end(undefined, [body]);
          },
          closed: () => {},
        }),
        failed: () => {},
        otherProtocol: (what) => what,
        closed: () => {},
      }),
      limitHit: () => {},
      handshakeFailed: () => {},
    },
  );
  onTestFinished(() => server.close());
  await new Promise<void>((resolve) => server.listener.listen(0, "127.0.0.1", resolve));
  return (server.listener.address() as AddressInfo).port;
}

/** Listens with the management server. h2spec sends GET, which it refuses with an HTTP status and a text. */
async function listenXds(tls: { cert: string; key: string } | undefined): Promise<number> {
  const server = new XdsServer(new SnapshotCache(), tls && { tls });
  onTestFinished(() => server.close());
  return (await server.listen({ port: 0 })).grpc.port;
}

function describeWithH2spec(name: string, tests: () => void): void {
  if ("binary" in found) describe(name, tests);
  else if (process.env.XDS_REQUIRE_H2SPEC === "1")
    describe(name, () => {
      it("has an h2spec", () => {
        throw new Error(found.missing);
      });
    });
  else describe.skip(`${name} (skipped: ${found.missing})`, tests);
}

describeWithH2spec("h2spec", () => {
  const timeout = 300_000;

  for (const [what, listen] of [
    ["src/http2/ alone", listenPlain],
    ["the management server", listenXds],
  ] as const) {
    it(`passes all cases against ${what}, in plain text`, { timeout }, async () => {
      expect(await h2spec(await listen(undefined))).toEqual(allPass);
    });

    it(`passes all cases against ${what}, with TLS`, { timeout }, async () => {
      expect(await h2spec(await listen(selfSigned()), "-t", "-k")).toEqual(allPass);
    });
  }

  it("reports what does not pass, here of a server of HTTP/1.1", { timeout }, async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    expect(await h2spec((server.address() as AddressInfo).port, "http2/3.5")).toEqual({
      cases: 2,
      notPassed: ["http2/3.5: Sends client connection preface", "http2/3.5: Sends invalid connection preface"],
      summary: "2 tests, 0 passed, 0 skipped, 2 failed",
    });
  });
});
