// Usage: node scripts/generate.mjs [--require-envoy]
//
// Generates the Envoy v3 API into gen/ (git-ignored, published), anew: a JavaScript module and its types for every
// proto file, and gen/built-in.js, which has the serialized FileDescriptorSet of all of them and, for reflection, of
// the health service. The API is that of the Envoy that envoy-wheel.json names; comments, and files that an Envoy does
// not use, come from the protos in @grpc/grpc-js-xds and grpc-health-check. Where that Envoy cannot be fetched, these
// older protos are all of it, which one line says; with --require-envoy that is a failure.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { apiKey, envoyDescriptors } from "./envoy-descriptors.mjs";
import { pinned } from "./envoy-wheel.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const gen = join(root, "gen");
const stampFile = join(gen, "stamp.json");
const require = createRequire(import.meta.url);
const scripts = ["generate.mjs", "api-files.mjs", "stage-protos.mjs", "compile-protos.mjs", "merge-apis.mjs"];
const packages = ["@grpc/grpc-js-xds", "grpc-health-check", "@bufbuild/buf", "@bufbuild/protoc-gen-es"];
const versionOf = (name) => require(`${name}/package.json`).version;
const packageVersion = versionOf("..");

/** Where protos lie in the packages that have them: each folder is one import root. */
const importRoots = {
  "@grpc/grpc-js-xds": ["deps/envoy-api", "deps/xds", "deps/googleapis", "deps/protoc-gen-validate"],
  "grpc-health-check": ["proto"],
};

const newest = `Envoy ${pinned.version}`;
const older = `@grpc/grpc-js-xds ${versionOf("@grpc/grpc-js-xds")}`;

/**
 * Generates gen/ when it is absent or was made of other versions, or `force`. `requireEnvoy`: fails where only the
 * older API can be had, and does not take one that is there.
 */
export async function generate({ force = false, requireEnvoy = false } = {}) {
  const found = !force && existsSync(stampFile) && readFileSync(stampFile, "utf8");
  if (found === stampOf(newest)) return;
  if (found === stampOf(older) && !requireEnvoy) {
    console.log(`gen/ has the older API of ${older}; npm run generate tries to get that of ${newest}`);
    return;
  }
  console.log(`generating gen/, the API of ${newest}: takes some seconds, once`);
  const descriptors = await envoyDescriptors().catch((error) => {
    const why = `the API of ${newest} cannot be had: ${error.message}`;
    if (requireEnvoy) throw new Error(why, { cause: error });
    console.log(`  ${why}; gen/ gets the older one of ${older}`);
  });
  const { apiFiles } = await import("./api-files.mjs"); // loads much, and a build that changes nothing does not need it
  const roots = Object.entries(importRoots).flatMap(([name, folders]) =>
    folders.map((folder) => join(dirname(require.resolve(`${name}/package.json`)), folder)),
  );
  const apiOrigin = descriptors ? newest : older;
  const files = apiFiles(roots, descriptors, { packageVersion, apiOrigin });
  rmSync(stampFile, { force: true });
  writeTree(gen, files);
  writeFileSync(stampFile, stampOf(apiOrigin));
  console.log(`  ${files.size} files`);
}

/** What gen/ is made from and by. */
function stampOf(apiOrigin) {
  const versions = Object.fromEntries(packages.map((name) => [name, versionOf(name)]));
  const hash = createHash("sha256");
  for (const script of scripts) hash.update(readFileSync(join(root, "scripts", script)));
  const stamp = { apiOrigin, apiKey, packageVersion, ...versions, scripts: hash.digest("hex") };
  return `${JSON.stringify(stamp, null, 2)}\n`;
}

/**
 * Makes a directory hold exactly these files, touching only those that differ: whoever reads them meanwhile goes on.
 */
function writeTree(directory, files) {
  for (const [name, content] of files) {
    const path = join(directory, name);
    if (existsSync(path) && content.equals(readFileSync(path))) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !files.has(path.slice(directory.length + 1).replaceAll(sep, "/"))) rmSync(path);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await generate({ force: true, requireEnvoy: process.argv.includes("--require-envoy") });
  } catch (error) {
    console.error(`generate: ${error.message}`);
    process.exitCode = 1;
  }
}
