import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import { expect, inject, test } from "vitest";
import { outerEnvironment } from "./program.js";
import { Folder } from "./serving.js";

interface Step {
  readonly id?: string;
  readonly shell: string;
  readonly env: Readonly<Record<string, string>>;
  readonly run: string;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly required?: boolean; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly [install: Step, check: Step] };
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const action = load(readFileSync(join(root, "action.yml"), "utf8")) as Action;
const [installStep, checkStep] = action.runs.steps;

/** A runner's job: its workspace, its folder for temporary files, and what a step has put out. */
class Job extends Folder {
  readonly workspace = join(this.path, "work space");
  readonly temporary = join(this.path, "temp");

  constructor() {
    super();
    for (const path of [this.workspace, this.temporary]) mkdirSync(path);
  }

  /** Puts the installed program where the first step would install it. */
  withProgram(): this {
    const bin = join(this.temporary, "xds-validate/node_modules/.bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(inject("xds"), join(bin, "xds"));
    return this;
  }

  /** Runs a step as a runner does: the script in bash, the expressions of `env` replaced. */
  async run({ env, run }: Step, inputs: Record<string, string>): Promise<{ code: unknown; text: string }> {
    const values: Record<string, string> = { "github.action_path": root };
    for (const [name, { default: value = "" }] of Object.entries(action.inputs)) values[`inputs.${name}`] = value;
    for (const [name, value] of Object.entries(inputs)) values[`inputs.${name}`] = value;
    const variables = Object.entries(env).map(([name, text]) => {
      const value = /^\$\{\{ (\S+) \}\}$/.exec(text)?.[1] ?? "";
      expect(values).toHaveProperty([value]);
      return [name, values[value]];
    });
    const output = this.write("output", "");
    const script = this.write("step.sh", run);
    const child = spawn("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", script], {
      cwd: this.workspace,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...outerEnvironment(),
        ...Object.fromEntries(variables),
        RUNNER_TEMP: this.temporary,
        GITHUB_OUTPUT: output,
      },
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        text += String(chunk);
      });
    const [code] = await once(child, "close");
    return { code, text };
  }

  get output(): string {
    return readFileSync(join(this.path, "output"), "utf8");
  }

  sarif(name = "xds.sarif"): { ruleId: string; level: string; locations: unknown[] }[] {
    const text = readFileSync(join(this.workspace, name), "utf8");
    const { version, runs } = JSON.parse(text) as { version: string; runs: [{ results: ReturnType<Job["sarif"]> }] };
    expect(version).toBe("2.1.0");
    return runs[0].results;
  }
}

const cluster = (fields: string) =>
  `resources:\n- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: c\n  ${fields}\n`;
const good = cluster("connect_timeout: 1s");
const bad = cluster("connect_timeout: 0s");

test("the action has the inputs of its page, and no expression in a script", () => {
  expect(action.runs.using).toBe("composite");
  const page = readFileSync(join(root, "docs/validation.md"), "utf8");
  for (const name of Object.keys(action.inputs)) expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\|`, "m"));
  for (const { run, shell } of action.runs.steps) {
    expect(run).not.toContain("${{");
    expect(shell).toBe("bash");
  }
  expect(action.outputs.sarif?.value).toBe(`\${{ steps.${checkStep.id}.outputs.sarif }}`);
});

test("the action's first step installs the version that is asked for", async () => {
  const job = new Job();
  expect(await job.run(installStep, { paths: ".", version: `file:${inject("tarball")}` })).toMatchObject({ code: 0 });
  job.write("work space/a.yaml", good);
  expect(await job.run(checkStep, { paths: "a.yaml" })).toMatchObject({ code: 0 });
});

test("the action succeeds on good configuration, with an empty list of findings", async () => {
  const job = new Job().withProgram();
  job.write("work space/a.yaml", good);
  const { code, text } = await job.run(checkStep, { paths: "a.yaml" });
  expect(code).toBe(0);
  expect(text).toContain("0 errors, 0 warnings, 0 infos in 1 resource");
  expect(job.sarif()).toEqual([]);
  expect(job.output).toBe("sarif=xds.sarif\n");
});

test("the action fails on bad configuration, with the findings in the file and in the log", async () => {
  const job = new Job().withProgram();
  mkdirSync(join(job.workspace, "two words"));
  job.write("work space/two words/a.yaml", bad);
  job.write("work space/b.yaml", good.replace("name: c", "name: d"));
  const { code, text } = await job.run(checkStep, { paths: "two words\n\n  \nb.yaml\n", sarif: "out.sarif" });
  expect(code).toBe(1);
  expect(text).toContain("two words/a.yaml:4:20 error FIELD_RULE clusters/c: connect_timeout must be more than 0s");
  const [stop, token] = /::stop-commands::(\S{20,})\n/.exec(text) ?? [];
  expect(stop).toBeDefined();
  expect(text.endsWith(`::${token}::\n`)).toBe(true);
  expect(job.sarif("out.sarif")).toContainEqual(
    expect.objectContaining({
      ruleId: "FIELD_RULE",
      level: "error",
      locations: [
        expect.objectContaining({
          physicalLocation: {
            artifactLocation: { uri: "two%20words/a.yaml" },
            region: { startLine: 4, startColumn: 20 },
          },
        }),
      ],
    }),
  );
  expect(job.output).toBe("sarif=out.sarif\n");
});

test("the action passes arguments on as they are, and runs none of what is in an input", async () => {
  const job = new Job().withProgram();
  job.write("work space/a.yaml", good);
  const strict = await job.run(checkStep, { paths: "a.yaml", args: "--strict\n--severity\nerror" });
  expect(strict).toMatchObject({ code: 0 });
  expect(job.sarif()).toEqual([]);
  const evil = '$(touch evil) `touch evil` "; touch evil; "';
  const { code, text } = await job.run(checkStep, { paths: `${evil}\n-o`, sarif: "evil $(touch evil).sarif" });
  expect(code).toBe(1);
  expect(text).toContain("no such file or directory");
  expect(existsSync(join(job.workspace, "evil"))).toBe(false);
  expect(job.sarif("evil $(touch evil).sarif")).toHaveLength(2);
});

test("the action fails without a file of findings where it is used wrongly", async () => {
  const job = new Job().withProgram();
  for (const inputs of [{ paths: "a.yaml", args: "--nonsense" }, { paths: "\n" }]) {
    expect(await job.run(checkStep, inputs)).toMatchObject({ code: 2, text: expect.stringMatching(/^xds: /m) });
    expect(existsSync(join(job.workspace, "xds.sarif"))).toBe(false);
    expect(job.output).toBe("");
  }
  job.write("work space/a.yaml", good);
  const { code } = await job.run(checkStep, { paths: "a.yaml", sarif: "missing/xds.sarif" });
  expect([code, job.output]).toEqual([1, ""]);
});
