import { expect, it, vi } from "vitest";
import { AdminServer } from "../src/admin/index.js";
import { XdsClient } from "../src/client/index.js";
import { SnapshotCache, TlsFiles, XdsServer } from "../src/index.js";
import { DirectorySource } from "../src/source/index.js";

const server = new XdsServer(new SnapshotCache());

it.each<[name: string, make: () => Promise<AsyncDisposable & { close(): Promise<void> }>]>([
  ["XdsServer", async () => server],
  ["AdminServer", () => AdminServer.start(server, { port: 0 })],
  ["TlsFiles", async () => new TlsFiles({ certFile: "cert.pem", keyFile: "key.pem" })],
  ["DirectorySource", async () => new DirectorySource([])],
  ["XdsClient", async () => new XdsClient({ address: "127.0.0.1:1" })],
])("await using closes %s at the end of its block", async (_name, make) => {
  const made = await make();
  const close = vi.spyOn(made, "close");
  {
    await using _closed = made;
    expect(close).not.toHaveBeenCalled();
  }
  expect(close).toHaveBeenCalledOnce();
});
