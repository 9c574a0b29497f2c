import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../../errors.js";
import type { Resource } from "../../resource/resource.js";
import { resourceJson } from "../../resource/resource-json.js";
import { clusterType } from "../../resource/types.js";
import { viewOf } from "../../source/reading/layers.js";
import type { Configuration } from "../../source/reading/source.js";
import { isHandled } from "../terminal/signals.js";
import { envoyBinary } from "./binary.js";
import {
  type BootstrapLists,
  inStaticOrder,
  placeStatically,
  serviceClustersOf,
  staticBootstrap,
} from "./static-bootstrap.js";

/** A message about a resource. */
export interface Remark {
  readonly of: Resource;
  readonly message: string;
}

/** The result of an Envoy's `--mode validate` for a configuration. */
export interface EnvoyVerdict {
  /** Such as `1.40.0`. */
  readonly version: string;
  /** The refused resources, with Envoy's own messages. */
  readonly refused: readonly Remark[];
  /** The resources that could not be tried, with the reasons, and those that crashed it. */
  readonly notTried: readonly Remark[];
  /** Those of `notTried` that crashed it. A crash does not mean that Envoy refuses the resource when it runs. */
  readonly crashed: readonly Remark[];
  /** Why the rest was not tried: the Envoy refused {@link mostRefused} resources, or did not answer in time. */
  readonly partly?: string;
}

/** The most refused resources. Envoy reports only the first problem, so it runs again without that resource. */
const mostRefused = 20;
const timeoutMs = 60_000;
const maxOutputBytes = 64 << 20;

/** An Envoy binary that runs. */
export class EnvoyValidator {
  private constructor(
    private readonly binary: string,
    readonly version: string,
  ) {}

  /**
   * Runs the binary that {@link envoyBinary} finds.
   * @throws XdsError INVALID_OPTION if it does not run, or is no Envoy
   */
  static async find(name: string): Promise<EnvoyValidator> {
    const binary = envoyBinary(name);
    const { output, code } = await inDirectory((directory) => run(binary, ["--version"], directory));
    const version = /\bversion: \w+\/(\d+\.\d+\.\d+[^/\s]*)\//.exec(output)?.[1];
    if (code === 0 && version !== undefined) return new EnvoyValidator(binary, version);
    const got = output.trim().split("\n")[0]?.slice(0, 200);
    throw unusable(binary, `expected Envoy's version from ${binary} --version, got exit code ${code} and "${got}"`);
  }

  /**
   * Finds the resources of a configuration that this Envoy refuses. Each group is tried as its nodes are served.
   * @throws XdsError INVALID_OPTION if the Envoy does not run, or not in time, before it has refused something
   */
  async ask(configuration: Configuration): Promise<EnvoyVerdict> {
    return inDirectory(async (directory) => {
      const asking = new Asking(this.binary, directory);
      await asking.tryEmpty();
      try {
        await asking.view(viewOf(configuration, undefined), "");
        for (const group of configuration.groups.keys())
          await asking.view(viewOf(configuration, group), ` (for nodes of group ${group})`);
      } catch (error) {
        if (!asking.hasRefused) throw error;
        asking.partly = `the other resources could not be tried: ${messageOf(error)}`; // the refusals count all the same
      }
      return { version: this.version, ...asking.result() };
    });
  }
}

/** Calls `act` with a private directory. The directory is removed afterwards, also when the process ends before. */
async function inDirectory<Result>(act: (directory: string) => Promise<Result>): Promise<Result> {
  // The directory may have private keys, so it must not stay when the program ends. The handler is installed before the
  // directory is made, so that no signal comes in between.
  let directory: string | undefined;
  // A file may just be created in the directory. Then the removal fails at first, and is tried again.
  const remove = () => directory && rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
  const stopHandling = onEnd(remove);
  try {
    directory = mkdtempSync(join(tmpdir(), "xds-validate-"));
    return await act(directory);
  } finally {
    stopHandling();
    remove();
  }
}

/**
 * Calls `act` before the process ends, also if a signal ends it. A signal that the command handles itself does not end
 * the process, so the work goes on then. Returns a function that stops this.
 */
function onEnd(act: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const handle = (signal: NodeJS.Signals) => {
    if (isHandled(signal)) return;
    act();
    stop();
    process.kill(process.pid, signal);
  };
  const stop = () => {
    process.off("exit", act);
    for (const signal of signals) process.off(signal, handle);
  };
  process.on("exit", act);
  for (const signal of signals) process.on(signal, handle);
  return stop;
}

/** A resource that can be in a bootstrap file. */
interface StaticResource {
  readonly of: Resource;
  readonly json: JsonObject;
  readonly parts: BootstrapLists;
}

class Asking {
  private readonly candidates = new Map<Resource, StaticResource>();
  private readonly refused = new Map<Resource, string>();
  private readonly notTried = new Map<Resource, string>();
  /** How many resources Envoy did not accept, with those that crashed it. */
  private culprits = 0;
  /** The resources that crashed it. */
  private readonly crashed = new Set<Resource>();
  /** As {@link EnvoyVerdict.partly}. */
  partly: string | undefined;
  private readonly file: string;

  constructor(
    private readonly binary: string,
    private readonly directory: string,
  ) {
    this.file = join(directory, "bootstrap.json");
  }

  result(): Omit<EnvoyVerdict, "version"> {
    const remarks = (of: Map<Resource, string>) => Array.from(of, ([resource, message]) => ({ of: resource, message }));
    const notTried = remarks(this.notTried);
    return {
      ...{ refused: remarks(this.refused), notTried, crashed: notTried.filter(({ of }) => this.crashed.has(of)) },
      ...(this.partly !== undefined && { partly: this.partly }),
    };
  }

  get hasRefused(): boolean {
    return this.refused.size > 0;
  }

  /** Checks that Envoy accepts a bootstrap without resources, so that later errors are about the resources. */
  async tryEmpty(): Promise<void> {
    const why = await this.refusal(staticBootstrap([]));
    if (why) throw unusable(this.binary, `it refuses even a bootstrap without resources: ${why.words}`);
  }

  /**
   * Finds refused resources among those of some nodes. `where` is appended to messages about resources of all nodes.
   */
  async view(resources: readonly Resource[], where: string): Promise<void> {
    const isKnown = new Set(this.candidates.keys());
    let candidates = inStaticOrder(
      resources.flatMap((resource) => this.candidate(resource) ?? []),
      ({ json }) => json,
    );
    const tried = new Set(candidates.flatMap(({ of }) => clusterName(of)));
    const expected = candidates.flatMap(({ json }) => serviceClustersOf(json)).filter((name) => !tried.has(name));
    // A resource must not be refused only because it refers to a refused cluster.
    const standIns = new Set([...expected, ...resources.filter((of) => this.refused.has(of)).flatMap(clusterName)]);
    const refusalOf = (count: number) =>
      this.refusal(
        staticBootstrap(
          candidates.slice(0, count).map(({ parts }) => parts),
          standIns,
        ),
      );
    // The resources before this position are accepted together.
    let taken = 0;
    for (;;) {
      let why = await refusalOf(candidates.length);
      if (why === undefined) return;
      if (this.culprits >= mostRefused) {
        this.partly = `Envoy refused ${mostRefused} resources, and the others were not tried; correct these first`;
        return;
      }
      let refused = candidates.length;
      while (refused - taken > 1) {
        const middle = (taken + refused) >> 1;
        const other = await refusalOf(middle);
        if (other === undefined) taken = middle;
        else [refused, why] = [middle, other];
      }
      const culprit = candidates[taken];
      if (!culprit) throw unusable(this.binary, `it accepts and refuses the same bootstrap: ${why.words}`);
      const remarks = why.isCrash ? this.notTried : this.refused;
      if (why.isCrash) this.crashed.add(culprit.of);
      remarks.set(culprit.of, isKnown.has(culprit.of) ? why.words + where : why.words);
      this.culprits++;
      candidates = candidates.filter((one) => one !== culprit);
      for (const name of clusterName(culprit.of)) standIns.add(name);
    }
  }

  private candidate(of: Resource): StaticResource | undefined {
    if (this.refused.has(of) || this.notTried.has(of)) return undefined;
    const known = this.candidates.get(of);
    if (known) return known;
    try {
      const json = resourceJson(of.type.typeUrl, of.body, of.registry);
      const placed = placeStatically(json, this.candidates.size);
      if (!("leftOut" in placed)) {
        const candidate = { of, json, parts: placed };
        this.candidates.set(of, candidate);
        return candidate;
      }
      this.notTried.set(of, placed.leftOut);
    } catch (error) {
      this.notTried.set(of, messageOf(error));
    }
    return undefined;
  }

  /** Why Envoy refuses a bootstrap, or undefined if Envoy accepts it. */
  private async refusal(bootstrap: JsonObject): Promise<EnvoyRefusal | undefined> {
    await writeFile(this.file, JSON.stringify(bootstrap), { mode: 0o600 });
    const args = ["--mode", "validate", "-l", "critical", "-c", this.file];
    const { code, output } = await run(this.binary, args, this.directory);
    if (code === 0) return undefined;
    if (typeof code === "number") return { words: wordsIn(output, this.file), isCrash: false };
    // Envoy may crash after its verdict.
    if (output.includes(`configuration '${this.file}' OK`)) return undefined;
    return { words: `Envoy crashed (${code}) on this in its --mode validate`, isCrash: true };
  }
}

interface EnvoyRefusal {
  readonly words: string;
  /** Whether Envoy crashed. A crash does not mean that Envoy refuses the resource when it runs. */
  readonly isCrash: boolean;
}

const clusterName = ({ type, name }: Resource): string[] => (type.typeUrl === clusterType ? [name] : []);

interface Ended {
  /** The exit code, or the signal that ended the program. */
  readonly code: number | string;
  readonly output: string;
}

/**
 * Runs a program. Its output goes into a file in the directory, because an Envoy cannot open a `/dev/stdout` that is a
 * socket, as Node makes it.
 * @throws XdsError INVALID_OPTION if the program does not run or does not end
 */
async function run(binary: string, args: readonly string[], directory: string): Promise<Ended> {
  const file = await open(join(directory, "output"), "w+", 0o600);
  try {
    const code = await endOf(binary, args, file.fd);
    const { size } = await file.stat();
    const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(size, maxOutputBytes)), { position: 0 });
    return { code, output: buffer.toString("utf8", 0, bytesRead) };
  } finally {
    await file.close();
  }
}

/** The code or the signal that a program ends with. */
function endOf(binary: string, args: readonly string[], output: number): Promise<number | string> {
  return new Promise((resolve, reject) => {
    // In a process group of its own, a signal to the group of this process does not end it.
    const child = spawn(binary, args, { stdio: ["ignore", output, output], detached: true });
    const stopHandling = onEnd(() => child.kill("SIGKILL"));
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.on("error", ({ code }: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      stopHandling();
      reject(unusable(binary, code === "ENOENT" ? "no such program" : `it cannot be run (${code})`));
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      stopHandling();
      if (!isLate) resolve(code ?? signal ?? "no exit code");
      else reject(unusable(binary, `it was killed because it did not end within ${timeoutMs / 1_000} s`));
    });
  });
}

const unusable = (binary: string, why: string) =>
  new XdsError(
    "INVALID_OPTION",
    `${binary} cannot check resources: ${why}; give the path of an Envoy that runs on this machine`,
  );

const longestWords = 2_000;
/** The start of each of our bootstraps. */
const bootstrapStart = '{"node":';
/** The place in our bootstrap, which means nothing to the user. */
const outerSteps =
  /(?:(?:Bootstrap|StaticResources)ValidationError\.\w+(?:\[\d+\])?: embedded message failed validation \| caused by )+/;

/**
 * Envoy's reason in its output. Envoy prints the whole message before the rule that it breaks, and the whole JSON text
 * after the reason why it cannot be read. Both can have private keys, so both are left out.
 */
export function wordsIn(output: string, file: string): string {
  const [, printed = output.trim()] = output.split(`error initializing configuration '${file}': `);
  const afterMessage = printed.lastIndexOf("\n: ");
  const [line = ""] = (afterMessage < 0 ? printed : printed.slice(afterMessage + 3)).trimStart().split("\n");
  const [words = ""] = line.split(bootstrapStart);
  return words.replace(outerSteps, "").replace(/:? $/, "").slice(0, longestWords) || "it does not say why";
}
