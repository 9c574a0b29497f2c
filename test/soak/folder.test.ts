import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clusterType } from "../../src/index.js";
import { get } from "../e2e/http.js";
import { Scene } from "./scene.js";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const lines = (count: number, line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i)).join("");
const list = (count: number, line: (i: number) => string) => `resources:\n${lines(count, line)}`;
const metadata = (value: string) =>
  `resources: [{ "@type": ${clusterType}, name: x, metadata: { filter_metadata: { a: ${value} } } }]`;
const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;

/** What may come into a folder. Until it is gone again, edits beside it wait: what was served stays. */
const faults: Record<string, (path: string) => void> = {
  "a pipe": (path) => void execFileSync("mkfifo", [path]),
  "a link to /dev/zero": (path) => symlinkSync("/dev/zero", path),
  "a link to itself": (path) => symlinkSync("x.yaml", path),
  "a link to nothing": (path) => symlinkSync("/no/such", path),
  "a folder": (path) => mkdirSync(path),
  "a sparse file of 1 TiB": (path) => void execFileSync("truncate", ["-s", "1T", path]),
  "NUL bytes": (path) => writeFileSync(path, Buffer.alloc(1_000)),
  "UTF-16": (path) => writeFileSync(path, Buffer.from("resources: []", "utf16le")),
  nothing: (path) => writeFileSync(path, ""),
};

/** Files that are hard to read. Edits beside them wait, but clients are answered. */
const hard: Record<string, () => string> = {
  "aliases, nine of nine each": () =>
    `a0: &a0 [${"x,".repeat(9)}]\n${lines(9, (i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]\n`)}resources: [*a9]`,
  "800 aliases of a megabyte": () => metadata(`{ t: &a ${"x".repeat(1_000_000)}, l: [${"*a,".repeat(800)}] }`),
  "500,000 lists in each other": () => "[".repeat(500_000),
  "a list of 4,000 lines of ---, not closed": () => `[\n${"---a,\n".repeat(4_000)}`,
  "a list of 12,000 lines of ---, not closed": () => `[\n${"---a,\n".repeat(12_000)}`,
  "30,000 types that nobody knows": () =>
    list(30_000, (i) => `- { "@type": type.googleapis.com/envoy.config.clusterr.v${i}.Clustr, name: a }\n`),
  "100,000 fields that nobody knows": () =>
    `resources:\n- "@type": ${clusterType}\n  name: x\n${lines(100_000, (i) => `  nmae${i}: y\n`)}`,
  "a million documents": () => "---\n".repeat(1_000_000),
  "16 MiB of empty lists": () => `resources: [${"[],".repeat(5_500_000)}]`,
  "20 MiB of small maps": () => `a: {${"a: b, ".repeat(3_400_000)}}`,
  "a Struct of 235 levels": () => metadata(nested("{a: ", "}", 235)),
};

const mistake = (scene: Scene, name: string) => join(scene.folder.path, name);

for (const [name, make] of Object.entries(faults))
  test(`a fault in the folder: ${name}`, async () => {
    const scene = await Scene.start();
    make(mistake(scene, "x.yaml"));
    await wait(2_000);
    rmSync(mistake(scene, "x.yaml"), { recursive: true });
    await scene.isRight({ withinMs: 10_000 });
  });

for (const [name, text] of Object.entries(hard))
  test(`a file that is hard to read: ${name}`, async () => {
    const scene = await Scene.start({ megabytes: 512 });
    scene.write("x.yaml", text());
    await wait(2_000);
    const at = performance.now();
    expect((await get(`http://127.0.0.1:${scene.ports.admin}/healthz`)).status).toBe(200);
    expect(performance.now() - at).toBeLessThan(1_000);
    rmSync(mistake(scene, "x.yaml"));
    await scene.isRight({ withinMs: 60_000 });
  });

test("rights that come and go", async () => {
  const scene = await Scene.start({ files: { "x.yaml": "resources: []" } });
  for (let i = 0; i < 200; i++) {
    chmodSync(mistake(scene, "x.yaml"), i % 2 ? 0o644 : 0);
    await wait(10);
  }
  await scene.isRight({ withinMs: 10_000 });
});
