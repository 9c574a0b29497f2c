import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, inject, it } from "vitest";
import { describeWithEnvoy } from "../e2e/envoy.js";
import { freePort } from "../e2e/ports.js";
import { describeWithEtcd } from "../etcd/etcd.js";
import { environmentWith } from "./program.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const binaryOf = (found: object) => ("binary" in found ? String(found.binary) : "");

describeWithEtcd("examples/replicas", () =>
  describeWithEnvoy("with an Envoy", () => {
    it("runs to its end: no request fails when the Envoy's replica is killed", async () => {
      const programs = { ETCD: binaryOf(inject("etcd")), ENVOY: binaryOf(inject("envoy")) };
      const env = { ...environmentWith(programs), PORTS: String(await freePort(8)) };
      delete (env as NodeJS.ProcessEnv).XDS_ADMIN_PORT; // the script has its own
      const { stdout } = await promisify(execFile)("examples/replicas/run.sh", { cwd: root, env });
      expect(stdout).toContain("\n0 of 200 requests failed\n");
      const [, first, second] = /connected to replica (.)\n[\s\S]*connected to replica (.)\n/.exec(stdout) ?? [];
      expect([first, second].sort()).toEqual(["a", "b"]);
      expect(stdout).toMatch(/\n@2 {8}stable [\s\S]*\n@1 /);
    });
  }),
);
