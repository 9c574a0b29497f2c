import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const e2eSetup = "test/e2e/global-setup.ts"; // fetches an Envoy where there is none

const isSoak = process.env.XDS_SOAK === "1"; // `npm run test:soak` sets it

/**
 * Attacks on the installed program, and how long others wait meanwhile: one at a time, on a machine that does nothing
 * else.
 */
const attacks = {
  test: {
    name: "soak",
    include: ["test/soak/**/*.test.ts"],
    globalSetup: [e2eSetup, "test/cli/installed.ts", "test/etcd/global-setup.ts"],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    sequence: { groupOrder: 5 },
  },
};

/** Tests in `unit`, `long`, `e2e` and `cli` share processes. These files have one each. */
const alone = [
  // They change what is process-wide: the registered types, the API, a module of Node.
  "src/resource/resource-reader.test.ts",
  "src/server/http/listen-on.test.ts",
  "src/source/documents/served-resources.test.ts",
  "src/source/reading/resource-file.test.ts",
  "src/source/yaml/syntax.test.ts",
  "test/admin/config-dump.test.ts",
  "test/e2e/references.test.ts",
  "test/protocol/services.test.ts",
  "test/protocol/subscriptions-sotw.test.ts",
  "test/schema/use-envoy-api.test.ts",
  // They measure the memory of the process, or count its operations and timers.
  "src/grpc/message-reader.test.ts",
  "src/serving/layer-memory.test.ts",
  "test/protocol/leaves-nothing.test.ts",
  "test/protocol/unhappy-cost.test.ts",
  "test/protocol/unhappy-memory.test.ts",
  "test/server/memory.test.ts",
];

/** These files take seconds: large input, many clients, random sequences, times that pass. */
const long = [
  "src/revisions/revisions.test.ts",
  "src/serving/revision-publisher.test.ts",
  "src/source/directory.test.ts",
  "src/source/thread/reading-thread.test.ts",
  "test/client/subscriptions.test.ts",
  "test/http2/fuzz.test.ts",
  "test/protocol/convergence.test.ts",
  "test/protocol/drain.test.ts",
  "test/protocol/drains-hold.test.ts",
  "test/protocol/many-names.test.ts",
  "test/protocol/references-hold.test.ts",
  "test/protocol/refused-in-parts.test.ts",
  "test/protocol/response-size.test.ts",
  "test/protocol/separate-streams.test.ts",
  "test/protocol/ttl.test.ts",
  "test/server/connection-age.test.ts",
  "test/server/csds-limits.test.ts",
  "test/server/grpc-answers.test.ts",
  "test/server/grpc-connections.test.ts",
  "test/server/grpc-leaks.test.ts",
  "test/server/grpc-limits.test.ts",
  "test/server/limits.test.ts",
  "test/server/rest-requests.test.ts",
];

/**
 * These files take a minute or more, though some are small. They begin first, so that none runs alone at the end. By
 * default, Vitest begins with the largest files on a machine that has not run them.
 */
const slow = [
  "replicas",
  "replicas-as-one",
  "rollouts",
  "rollouts-page",
  "serve",
  "workers",
  "fleet",
  "kill-9",
  "serve-limits",
  "secrets-hidden",
  "validate-envoy",
  "library-guide",
  "older-api",
  "rollout-killed",
].map((name) => `test/cli/${name}.test.ts`);

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => slow.some((file) => moduleId.endsWith(`/${file}`));
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

for (const file of [...alone, ...long, ...slow])
  if (!existsSync(file)) throw new Error(`vitest.config.ts names ${file}, which does not exist`);

const notUnit = ["e2e", "cli", "bench", "conformance", "etcd", "soak"].map((folder) => `test/${folder}/**`);

export default defineConfig({
  test: {
    environment: "node",
    maxWorkers: 3, // many tests wait
    sequence: { sequencer: SlowFirst },
    experimental: { fsModuleCache: true }, // in node_modules/; a file that has not changed is not compiled again
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...notUnit, ...alone, ...long],
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 20_000,
        },
      },
      { test: { name: "long", include: long, isolate: false, testTimeout: 60_000, hookTimeout: 20_000 } },
      {
        test: {
          name: "alone",
          include: alone,
          globalSetup: [e2eSetup],
          testTimeout: 60_000,
          hookTimeout: 20_000,
        },
      },
      {
        // Real Envoys.
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: alone,
          globalSetup: [e2eSetup],
          isolate: false,
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // The program, installed from the packed package; some of it with real Envoys.
        test: {
          name: "cli",
          include: ["test/cli/**/*.test.ts"],
          globalSetup: [e2eSetup, "test/cli/installed.ts", "test/etcd/global-setup.ts"],
          isolate: false,
          maxWorkers: 4, // a test waits while its programs start
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // They wait more than they work, and their leases must be renewed in time.
        test: {
          name: "etcd",
          include: ["test/etcd/**/*.test.ts"],
          globalSetup: ["test/etcd/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // The benchmark and h2spec need the whole machine: they run after the rest, one file at a time.
        test: {
          name: "bench",
          include: ["bench", "conformance"].map((folder) => `test/${folder}/**/*.test.ts`),
          globalSetup: ["test/conformance/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
      ...(isSoak ? [attacks] : []),
    ],
  },
});
