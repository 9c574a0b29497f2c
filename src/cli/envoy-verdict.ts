import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import { resourceJson } from "../resource/resource-json.js";
import { clusterType } from "../resource/types.js";
import type { Configuration } from "../source/source.js";
import { inStaticOrder, type Parts, placeStatically, serviceClustersOf, staticBootstrap } from "./static-bootstrap.js";

/** Something that is said of a resource. */
export interface Remark {
  readonly of: Resource;
  readonly message: string;
}

/** What an Envoy's `--mode validate` says of a configuration. */
export interface EnvoyVerdict {
  /** Such as `1.40.0`. */
  readonly version: string;
  /** What it refuses, in its own words. */
  readonly refused: readonly Remark[];
  /** What it could not be asked about, and why. */
  readonly notTried: readonly Remark[];
  /** It refused so much that it was not asked about the rest. */
  readonly isPartial: boolean;
}

/** Envoy tells only the first thing that it refuses; it is asked again without that, so many times. */
export const mostRefused = 20;
const timeoutMs = 60_000;
const maxOutputBytes = 64 << 20;

/** An Envoy's binary that runs. */
export class EnvoyValidator {
  private constructor(
    private readonly binary: string,
    readonly version: string,
  ) {}

  /**
   * Tries the binary: a path, or a command that the PATH has.
   * @throws XdsError INVALID_OPTION when it does not run, or is no Envoy
   */
  static async find(binary: string): Promise<EnvoyValidator> {
    const { output, code } = await run(binary, ["--version"]);
    const version = /\bversion: \w+\/(\d+\.\d+\.\d+[^/\s]*)\//.exec(output)?.[1];
    if (code === 0 && version !== undefined) return new EnvoyValidator(binary, version);
    const got = output.trim().split("\n")[0]?.slice(0, 200);
    throw unusable(binary, `expected Envoy's version from ${binary} --version, got exit code ${code} and "${got}"`);
  }

  /**
   * What this Envoy refuses of a configuration, group by group as the nodes are served it.
   * @throws XdsError INVALID_OPTION when it does not run
   */
  async ask({ common, groups }: Configuration): Promise<EnvoyVerdict> {
    const directory = await mkdtemp(join(tmpdir(), "xds-validate-"));
    // There may be private keys in it, so it does not stay when the program is ended meanwhile.
    const remove = () => rmSync(directory, { recursive: true, force: true });
    const stopHandling = onInterrupt(remove);
    try {
      const asking = new Asking(this.binary, join(directory, "bootstrap.json"));
      await asking.tryEmpty();
      await asking.view(common, "");
      for (const [group, own] of groups) await asking.view([...common, ...own], ` (for nodes of group ${group})`);
      return { version: this.version, ...asking.result() };
    } finally {
      stopHandling();
      remove();
    }
  }
}

/** Has this done before a signal ends the process; returns what ends that. */
function onInterrupt(act: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const handle = (signal: NodeJS.Signals) => {
    act();
    stop();
    process.kill(process.pid, signal);
  };
  const stop = () => {
    for (const signal of signals) process.off(signal, handle);
  };
  for (const signal of signals) process.on(signal, handle);
  return stop;
}

/** A resource that can stand in a bootstrap file. */
interface Candidate {
  readonly of: Resource;
  readonly json: JsonObject;
  readonly parts: Parts;
}

class Asking {
  private readonly candidates = new Map<Resource, Candidate>();
  private readonly refused = new Map<Resource, string>();
  private readonly notTried = new Map<Resource, string>();
  private isPartial = false;

  constructor(
    private readonly binary: string,
    private readonly file: string,
  ) {}

  result(): Omit<EnvoyVerdict, "version"> {
    const remarks = (of: Map<Resource, string>) => Array.from(of, ([resource, message]) => ({ of: resource, message }));
    return { refused: remarks(this.refused), notTried: remarks(this.notTried), isPartial: this.isPartial };
  }

  /** What it refuses without any resource is not the resources' fault. */
  async tryEmpty(): Promise<void> {
    const why = await this.refusal(staticBootstrap([]));
    if (why !== undefined) throw unusable(this.binary, `it refuses a bootstrap without any resources: ${why}`);
  }

  /** Finds what is refused of what some nodes are served. `where` is told with what all nodes are served. */
  async view(resources: readonly Resource[], where: string): Promise<void> {
    const isKnown = new Set(this.candidates.keys());
    let candidates = inStaticOrder(
      resources.flatMap((resource) => this.candidate(resource) ?? []),
      ({ json }) => json,
    );
    const tried = new Set(candidates.flatMap(({ of }) => clusterName(of)));
    const expected = candidates.flatMap(({ json }) => serviceClustersOf(json)).filter((name) => !tried.has(name));
    // What refers to a refused cluster is not to be refused for that.
    const standIns = new Set([...expected, ...resources.filter((of) => this.refused.has(of)).flatMap(clusterName)]);
    const refusalOf = (count: number) =>
      this.refusal(
        staticBootstrap(
          candidates.slice(0, count).map(({ parts }) => parts),
          standIns,
        ),
      );
    // All before this one are known to be taken together.
    let taken = 0;
    for (;;) {
      let why = await refusalOf(candidates.length);
      if (why === undefined) return;
      if (this.refused.size >= mostRefused) {
        this.isPartial = true;
        return;
      }
      let refused = candidates.length;
      while (refused - taken > 1) {
        const middle = (taken + refused) >> 1;
        const found = await refusalOf(middle);
        if (found === undefined) taken = middle;
        else [refused, why] = [middle, found];
      }
      const culprit = candidates[taken];
      if (!culprit) throw unusable(this.binary, `it takes and refuses the same bootstrap: ${why}`);
      this.refused.set(culprit.of, isKnown.has(culprit.of) ? why + where : why);
      candidates = candidates.filter((one) => one !== culprit);
      for (const name of clusterName(culprit.of)) standIns.add(name);
    }
  }

  private candidate(of: Resource): Candidate | undefined {
    if (this.refused.has(of) || this.notTried.has(of)) return undefined;
    const known = this.candidates.get(of);
    if (known) return known;
    try {
      const json = resourceJson(of.type.typeUrl, of.body);
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

  /** Why Envoy refuses a bootstrap; undefined: it takes it. */
  private async refusal(bootstrap: JsonObject): Promise<string | undefined> {
    await writeFile(this.file, JSON.stringify(bootstrap), { mode: 0o600 });
    const { code, output } = await run(this.binary, ["--mode", "validate", "-l", "critical", "-c", this.file]);
    if (code === 0) return undefined;
    return typeof code === "string" ? `Envoy ended with ${code}` : wordsIn(output, this.file);
  }
}

const clusterName = ({ type, name }: Resource): string[] => (type.typeUrl === clusterType ? [name] : []);

interface Ended {
  /** Or the signal that ended it. */
  readonly code: number | string;
  readonly output: string;
}

/** @throws XdsError INVALID_OPTION for what does not run or does not end */
function run(binary: string, args: readonly string[]): Promise<Ended> {
  const options = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: maxOutputBytes } as const;
  return new Promise((resolve, reject) => {
    execFile(binary, args, options, (error, stdout, stderr) => {
      const output = stdout + stderr;
      if (!error) resolve({ code: 0, output });
      else if (typeof error.code === "number") resolve({ code: error.code, output });
      else if (error.killed)
        reject(unusable(binary, `it was ended because it had not by itself in ${timeoutMs / 1_000} s`));
      else if (error.signal) resolve({ code: error.signal, output });
      else reject(unusable(binary, error.code === "ENOENT" ? "no such program" : `it cannot be run (${error.code})`));
    });
  });
}

const unusable = (binary: string, why: string) =>
  new XdsError(
    "INVALID_OPTION",
    `${binary} cannot be asked: ${why}; --envoy takes the path of an Envoy that runs here`,
  );

const longestWords = 2_000;
/** How each of our bootstraps begins. */
const bootstrapStart = '{"node":';
/** Where in the bootstrap it is, which is not where the user has it. */
const outerSteps =
  /(?:(?:Bootstrap|StaticResources)ValidationError\.\w+(?:\[\d+\])?: embedded message failed validation \| caused by )+/;

/**
 * Envoy's reason, of what it printed. It prints the whole message that breaks a rule before the rule, and all of JSON that it
 * cannot read behind why, with the private keys that are in them: both are left out.
 */
export function wordsIn(output: string, file: string): string {
  const [, printed = output.trim()] = output.split(`error initializing configuration '${file}': `);
  const afterMessage = printed.lastIndexOf("\n: ");
  const [line = ""] = (afterMessage < 0 ? printed : printed.slice(afterMessage + 3)).trimStart().split("\n");
  const [words = ""] = line.split(bootstrapStart);
  return words.replace(outerSteps, "").replace(/:? $/, "").slice(0, longestWords) || "it does not say why";
}
