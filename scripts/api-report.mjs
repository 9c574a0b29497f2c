// Usage: node scripts/api-report.mjs [--update]
//
// Compares the public API of the built package with the reports in etc/api/, one for each entry point. It fails when
// they differ; with --update it writes them anew. Build first.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const reports = join(root, "etc/api");
const temporary = join(root, "node_modules/.cache/api-report");
const entryPoints = {
  index: "",
  admin: "admin/",
  client: "client/",
  etcd: "store/etcd/",
  serving: "serving/",
  source: "source/",
};
const update = process.argv.includes("--update");

for (const directory of [reports, temporary]) mkdirSync(directory, { recursive: true });
let differ = false;
for (const [name, directory] of Object.entries(entryPoints)) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, "package.json"),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, "dist", directory, "index.d.ts"),
      compiler: { tsconfigFilePath: join(root, "tsconfig.json") },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: reports,
        reportTempFolder: temporary,
        includeForgottenExports: false,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        // Comments are typedoc's to check; a type that is used and not exported, too (typedoc.json).
        extractorMessageReporting: { default: { logLevel: "none" } },
        tsdocMessageReporting: { default: { logLevel: "none" } },
        compilerMessageReporting: { default: { logLevel: "error" } },
      },
    },
  });
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      // Its own notes, such as the one that its TypeScript is another.
      if (message.logLevel !== "error") message.handled = true;
    },
  });
  if (errorCount > 0 || (apiReportChanged && !update)) differ = true;
  if (apiReportChanged) console.log(`etc/api/${name}.api.md ${update ? "is updated" : "differs from the API"}`);
}
if (differ) {
  console.error("the public API has changed; look at it, then: npm run api:update");
  process.exitCode = 1;
}
