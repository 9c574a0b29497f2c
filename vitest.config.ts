import { defineConfig } from "vitest/config";

const e2eSetup = "test/e2e/global-setup.ts"; // fetches an Envoy where there is none

export default defineConfig({
  test: {
    environment: "node",
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/cli/**", "test/bench/**", "test/conformance/**"],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        // Real Envoys, h2spec and the benchmark need the whole machine: they run after the rest, one file at a time.
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/bench/**/*.test.ts", "test/conformance/**/*.test.ts"],
          globalSetup: [e2eSetup, "test/conformance/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // The program, installed from the packed package; some of it with real Envoys.
        test: {
          name: "cli",
          include: ["test/cli/**/*.test.ts"],
          globalSetup: [e2eSetup, "test/cli/installed.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
