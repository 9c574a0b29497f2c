import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, inject, onTestFinished, vi } from "vitest";
import { loadConfiguration } from "../../src/cli/report/load-configuration.js";
import { SetHash } from "../../src/resource/resource-set.js";
import { viewOf } from "../../src/source/reading/layers.js";
import { freePort } from "../e2e/ports.js";
import { outerEnvironment } from "./program.js";

// Runs the blocks of a page, in their order, in an empty folder, as a reader would type them.
//
//   ```yaml FILE   is written into the file.
//   ```diff FILE   changes it: the lines without `+` must be in it, once; those without `-` take their place.
//   ```sh          is run by bash. A line that ends in `# stays` goes on running beside; one that ends in
//                  `# exits with N` ends its block with N, all others with 0.
//   ```text        is what the block before printed, all of it; the block is run again until it does, as long as the
//                  reader is patient.
//                  A block without one prints nothing.
//   ```text NAME   is what the command that stays and begins with NAME has printed since the last such block, all of
//                  it; where it begins with a line `…`, the end of that.
//
// Only ports are others: those of the page are replaced, in files and commands, by free ones, and those that the page
// leaves to defaults are set in the environment. So are versions, which are hashes of content: each that is printed is
// taken for the one that the page's own file, with its own ports, has in the same place, and that is what has to stand
// on the page. Times, the user, hashes of 12 digits, the Envoy's version and the port that it calls from, and how many
// spaces are between columns may be others.

/** What a command prints beyond what the page has comes right behind that. */
const settleMs = 300;

/** A fenced block: what kind it is, and what stands behind that. */
export interface Block {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
}

/** The blocks of a page, or of a part of it. */
export function blocksOf(markdown: string): Block[] {
  const blocks = markdown.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm);
  return Array.from(blocks, ([, kind = "", name = "", text = ""]) => ({ kind, name, text }));
}

/** The ports of the page, and those that are used in their place. */
class Ports {
  private constructor(private readonly free: ReadonlyMap<string, number>) {}

  static async of(...ports: string[]): Promise<Ports> {
    const free = new Map<string, number>();
    for (const port of ports) {
      let other = await freePort();
      while ([...free.values()].includes(other)) other = await freePort();
      free.set(port, other);
    }
    return new Ports(free);
  }

  get(port: string): number {
    return this.free.get(port) as number;
  }

  /** Of the page, as it is run. */
  replaced(text: string): string {
    return text.replace(/\b\d{4,5}\b/g, (number) => String(this.free.get(number) ?? number));
  }

  /** Of what is run, as the page has it. */
  restored(text: string): string {
    const back = new Map(Array.from(this.free, ([port, other]) => [String(other), port]));
    return text.replace(/\b\d{4,5}\b/g, (number) => back.get(number) ?? number);
  }

  /** Of what is printed, with the page's ports, or of the page: only what is to be the same. */
  comparable(text: string): string {
    return text
      .replace(/127\.0\.0\.1:(\d{5})\b/g, (address, port) => (this.free.has(port) ? address : "ADDRESS"))
      .replace(/\b(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d\.\d{3}Z?\b/g, "TIME")
      .replace(/\bnow\b|\b\d+[smh] ago\b|\bin \d+[smh]\b/g, "AGO")
      .replace(/\bclaimed uid \d+ \([^)]*\)/g, "claimed USER")
      .replace(/\b[0-9a-f]{12}\b/g, "HASH")
      .replace(/envoy \d+\.\d+\.\d+/g, "envoy N")
      .replace(/ +/g, " ")
      .replace(/ $/gm, "")
      .trimEnd();
  }
}

/** Of each version of what is run, which it is with the page's own files. */
class Versions {
  private readonly ofPage = new Map<string, string>();

  constructor(private readonly ports: Ports) {}

  /** Takes up a file that has been changed, unless it is a mistake. */
  async learn(file: string): Promise<void> {
    const own = await mkdtemp(join(tmpdir(), "xds-page-own-"));
    onTestFinished(() => rm(own, { recursive: true }));
    await writeFile(join(own, basename(file)), this.ports.restored(await readFile(file, "utf8")));
    const [run, onPage] = [await versionsOf(file), await versionsOf(join(own, basename(file)))];
    expect([...run.keys()]).toEqual([...onPage.keys()]);
    for (const [place, version] of run) this.ofPage.set(version, onPage.get(place) as string);
  }

  /** Of what is printed, as with the page's own files. */
  restored(text: string): string {
    return text.replace(/\b[0-9a-f]{16}\b/g, (version) => this.ofPage.get(version) ?? ofNothing(version));
  }
}

/** The version of no resources at all is the same everywhere. */
const ofNothing = (version: string) => (version === "0".repeat(16) ? version : `${version}, of nothing there`);

/** The versions of the resources of a file, and of all of a type. */
async function versionsOf(file: string): Promise<Map<string, string>> {
  const reading = await loadConfiguration([file]);
  const versions = new Map<string, string>();
  const types = new Map<string, SetHash>();
  for (const resource of "problems" in reading ? [] : viewOf(reading.configuration, undefined)) {
    const { type, name, version } = resource;
    versions.set(`${type.name}/${name}`, version);
    types.set(type.name, (types.get(type.name) ?? new SetHash()).add(resource));
  }
  for (const [type, hash] of types) versions.set(type, String(hash));
  return versions;
}

/** A command in the folder, and all that it has printed. */
class Shell {
  printed = "";
  exitCode: number | undefined;
  /** How much of it the page has told. */
  told = 0;
  readonly ended: Promise<void>;
  private readonly process;

  constructor(
    readonly command: string,
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ) {
    // One pipe, so that what is printed is in order.
    this.process = spawn("bash", ["-c", `exec 2>&1\n${command}`], {
      ...options,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.process.stdout.on("data", (chunk) => (this.printed += String(chunk)));
    this.ended = new Promise((resolve) =>
      this.process.once("close", (code) => {
        this.exitCode = code ?? -1;
        resolve();
      }),
    );
  }

  /** Ends it, and what it started. */
  async end(): Promise<void> {
    if (this.exitCode === undefined && this.process.pid) process.kill(-this.process.pid, "SIGKILL");
    await this.ended;
  }
}

/** The reader, in a folder of their own. */
class Reader {
  private readonly staying: Shell[] = [];
  private readonly versions: Versions;
  private readonly patience;

  constructor(
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly ports: Ports,
    timeout: number,
  ) {
    this.versions = new Versions(ports);
    this.patience = { timeout, interval: 100 };
  }

  async follow({ kind, name, text }: Block, next: Block | undefined): Promise<void> {
    if (kind === "yaml") await this.write(name, this.ports.replaced(text));
    else if (kind === "diff") await this.change(name, this.ports.replaced(text));
    else if (kind === "sh") await this.type(text, next?.kind === "text" && next.name === "" ? next.text : "");
    else if (kind === "text" && name !== "") await this.seeNext(name, text);
    else if (kind !== "text") throw new Error(`a block of another kind: ${kind}`);
    if (kind === "yaml" || kind === "diff") await this.versions.learn(join(this.folder, name));
  }

  /** Fails if one of the commands that stay has not. */
  async end(): Promise<void> {
    const ended = this.staying.filter(({ exitCode }) => exitCode !== undefined);
    for (const shell of this.staying) await shell.end();
    expect(ended.map(({ command, printed }) => `${command}: ${printed}`)).toEqual([]);
  }

  private async write(name: string, text: string): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  private async change(file: string, diff: string): Promise<void> {
    const path = join(this.folder, file);
    const lines = diff.split("\n").slice(0, -1);
    const side = (sign: string) => lines.flatMap((line) => (line[0] === sign ? [] : [`${line.slice(1)}\n`])).join("");
    const parts = (await readFile(path, "utf8")).split(side("+"));
    expect(parts, `how often ${file} has\n${side("+")}`).toHaveLength(2);
    await writeFile(path, parts.join(side("-")));
  }

  /** Only what is to be the same. */
  private comparable(printed: string): string {
    return this.ports.comparable(this.versions.restored(this.ports.restored(printed)));
  }

  private async type(text: string, expected: string): Promise<void> {
    const lines = this.ports.replaced(text).trim().split("\n");
    const stays = lines.filter((line) => line.endsWith("# stays"));
    const script = lines.filter((line) => !line.endsWith("# stays")).join("\n");
    const exitCode = Number(/# exits with (\d)/.exec(script)?.[1] ?? 0);
    await vi.waitFor(async () => {
      const shell = new Shell(script, { cwd: this.folder, env: this.env });
      await shell.ended;
      const printed = this.comparable(shell.printed);
      const wanted = this.ports.comparable(expected);
      expect({ script, printed, exitCode: shell.exitCode }).toEqual({ script, printed: wanted, exitCode });
    }, this.patience);
    for (const line of stays) this.staying.push(new Shell(`exec ${line}`, { cwd: this.folder, env: this.env }));
  }

  private async seeNext(name: string, text: string): Promise<void> {
    const shell = this.staying.find(({ command }) => command.startsWith(`exec ${name}`));
    if (!shell) throw new Error(`no command that stays begins with ${name}`);
    const isEnd = text.startsWith("…\n");
    const expected = this.ports.comparable(isEnd ? text.slice(2) : text).split("\n");
    const look = () => {
      const printed = this.comparable(shell.printed.slice(shell.told)).split("\n");
      expect(isEnd ? printed.slice(-expected.length) : printed, shell.command).toEqual(expected);
    };
    await vi.waitFor(look, this.patience);
    await setTimeout(settleMs);
    look();
    shell.told = shell.printed.length;
  }
}

/** How a page is read. */
export interface ReadingOptions {
  /** The ports of the page. Those of `xds serve` are always among them. */
  readonly ports: readonly string[];
  /** What the `envoy` of the page is given besides. */
  readonly envoyFlags: string;
  /** How long a block is run again until it prints what the page has, in milliseconds. Default 15,000. */
  readonly patienceMs?: number;
}

/** Does what these blocks say, with the packed program and a real Envoy. Ends with the test. */
export async function follow(blocks: readonly Block[], options: ReadingOptions): Promise<void> {
  const found = inject("envoy");
  if (!("binary" in found)) throw new Error(found.missing);
  const home = await mkdtemp(join(tmpdir(), "xds-page-"));
  onTestFinished(() => rm(home, { recursive: true }));
  const [folder, bin] = [join(home, "folder"), join(home, "bin")];
  for (const path of [folder, bin]) await mkdir(path);
  await writeFile(join(bin, "envoy"), `#!/bin/sh\nexec '${found.binary}' ${options.envoyFlags} "$@"\n`);
  await chmod(join(bin, "envoy"), 0o755);
  const ports = await Ports.of(...options.ports, "18000", "18001", "18002");
  const env = {
    ...outerEnvironment(),
    PATH: `${bin}:${dirname(inject("xds"))}:${process.env.PATH}`,
    XDS_PORT: String(ports.get("18000")),
    XDS_REST_PORT: String(ports.get("18001")),
    XDS_ADMIN_PORT: String(ports.get("18002")),
    XDS_SERVER: `127.0.0.1:${ports.get("18000")}`,
    XDS_ADMIN: `http://127.0.0.1:${ports.get("18002")}`,
    XDS_LOG_FORMAT: "pretty", // as on a terminal
    npm_command: undefined, // of these tests, where `npx` runs them
  };
  const reader = new Reader(folder, env, ports, options.patienceMs ?? 15_000);
  onTestFinished(() => reader.end());
  for (const [index, block] of blocks.entries()) await reader.follow(block, blocks[index + 1]);
}
