import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { selfSigned } from "../../test/e2e/certificate.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { silentLogger } from "../logger.js";
import { XdsServer } from "../server/xds-server.js";
import { ServerCertificates } from "./server-certificates.js";

afterEach(() => vi.useRealTimers());

test("the log has a warning on each of the last thirty days, and after the certificate has expired", async () => {
  const folder = mkdtempSync(join(tmpdir(), "xds-certificates-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { cert, key } = selfSigned();
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  const told: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => void told.push(message) };
  const certificates = await ServerCertificates.open({ certFile, keyFile }, new XdsServer(new SnapshotCache()), log);
  const day = 86_400_000;
  vi.advanceTimersByTime(59 * day);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(3 * day);
  expect(told.map((line) => /expires in (\d+) days/.exec(line)?.[1])).toEqual(["29", "28", "27"]);
  vi.advanceTimersByTime(29 * day);
  expect(told.at(-1)).toBe("the TLS certificate has expired; clients will refuse it");
  const { length } = told;
  await certificates.close();
  vi.advanceTimersByTime(5 * day);
  expect(told).toHaveLength(length);
});
