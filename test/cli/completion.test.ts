import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { xdsHere } from "./in-process.js";

const run = promisify(execFile);
const hasZsh = await run("zsh", ["--version"]).then(
  () => true,
  () => false,
);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-completion-"));
  await writeFile(join(directory, "a b.yaml"), "");
});
afterEach(() => rm(directory, { recursive: true }));

describe("xds completion bash", () => {
  async function completed(...words: string[]): Promise<string[]> {
    const { stdout: script } = await xdsHere("completion", "bash");
    const ask = `COMP_WORDS=(xds ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _xds_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run("bash", ["-c", `${script}\n${ask}`], { cwd: directory });
    return stdout.trim().split("\n");
  }

  test("gives commands, options, choices and files", async () => {
    expect(await completed("se")).toEqual(["serve"]);
    expect(await completed("serve", "--drain")).toEqual(["--drain-time"]);
    expect(await completed("serve", "")).toEqual(["a b.yaml"]);
    expect(await completed("diff", "x", "-o", "")).toEqual(["table", "json", "yaml"]);
    expect(await completed("completion", "z")).toEqual(["zsh"]);
    expect(await completed("serve", "--validation", "")).toEqual(["on", "strict", "off"]);
    expect(await completed("serve", "--log-level", "w")).toEqual(["warn"]);
    expect(await completed("get", "clu")).toEqual(["clusters"]);
    expect(await completed("watch", "clusters", "li")).toEqual(["listeners"]);
    expect(await completed("schema", "show", "clu")).toEqual(["clusters"]);
  });

  test("gives nothing for names that it cannot know, and after an option only what that takes", async () => {
    expect(await completed("get", "clusters", "")).toEqual([""]);
    expect(await completed("get", "-o", "json", "--node-id", "x", "clu")).toEqual(["clusters"]);
    expect(await completed("get", "--tls", "clusters", "--all", "")).toEqual([""]);
    expect(await completed("get", "--tls-ca", "")).toEqual(["a b.yaml"]);
    expect(await completed("get", "--server", "127.0.0.1", ":", "18000", "clu")).toEqual(["clusters"]); // as bash splits it
    expect(await completed("get", "--server", "=", "[", "::", "1]", ":", "18000", "clu")).toEqual(["clusters"]);
    expect(await completed("serve", "--node-group", "cl")).toEqual(["cluster"]);
    expect(await completed("serve", "--validation", "=", "st")).toEqual(["strict"]); // as bash splits --validation=st
    expect(await completed("serve", "--validation", "=")).toEqual(["on", "strict", "off"]);
    expect(await completed("schema", "show", "show", "")).toEqual(["a b.yaml"]);
    expect(await completed("-")).toEqual(["--version", "--help"]);
  });
});

describe.skipIf(!hasZsh)(`xds completion zsh${hasZsh ? "" : " (skipped: there is no zsh)"}`, () => {
  /** The lines that a zsh on a terminal makes of others, each typed and Tab pressed at its end. */
  async function completed(lines: readonly string[], setUp: string): Promise<string[]> {
    // What it has on its line is told by a key that writes it into a file, for on the terminal it is among control
    // sequences.
    const tell = "tell() { print -r -- $BUFFER >> .zsh/told; BUFFER= }; zle -N tell; bindkey '^T' tell";
    const started = `autoload -U compinit; compinit -u -D; ${setUp}; ${tell}; : > .zsh/told`;
    await writeFile(join(directory, ".zsh/started"), started);
    const script = `
      zmodload zsh/zpty
      wait_until() { for _ in {1..200}; do eval $1 && return; sleep 0.05; done; print -u2 "not so: $1"; exit 1 }
      zpty shell zsh -f -i
      zpty -w shell 'fpath=("$PWD/.zsh" $fpath); source .zsh/started'
      wait_until '[[ -e .zsh/told ]]'
      told=0
      for line in ${lines.map((line) => `'${line}'`).join(" ")}; do
        zpty -n -w shell "$line"$'\\t\\C-t'
        wait_until '(( $(wc -l < .zsh/told) > told ))'
        (( told += 1 ))
      done
      cat .zsh/told`;
    const { stdout } = await run("zsh", ["-f", "-c", script], { cwd: directory, timeout: 50_000 });
    return stdout.split("\n").slice(0, -1);
  }

  beforeEach(async () => {
    await mkdir(join(directory, ".zsh"));
    await writeFile(join(directory, ".zsh/_xds"), (await xdsHere("completion", "zsh")).stdout);
  });

  test.each([
    ["found in $fpath", ":"],
    ["sourced", "unfunction _xds; source .zsh/_xds"],
  ])("gives commands, options, choices and files, %s", async (_, setUp) => {
    const typed = [
      "xds se",
      "xds serve --drain",
      "xds serve a",
      "xds diff x -o j",
      "xds get clusters a",
      "xds serve --validation=st",
      "xds completion z",
    ];
    expect(await completed(typed, setUp)).toEqual([
      "xds serve ",
      "xds serve --drain-time ",
      "xds serve a\\ b.yaml ",
      "xds diff x -o json ",
      "xds get clusters a",
      "xds serve --validation=strict ",
      "xds completion zsh ",
    ]);
  });
});
