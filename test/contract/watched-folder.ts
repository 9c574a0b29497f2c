import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { DirectorySource, type DirectorySourceOptions } from "../../src/source/directory.js";
import { formatProblem } from "../../src/source/files/problem.js";
import type { Reading } from "../../src/source/reading/source.js";
import { waiting } from "./source.js";

/** A folder for each test, and the source that reads it. */
export class WatchedFolder {
  path = "";
  /** What the source has told since it was opened first. */
  readings: Reading[] = [];
  private source: DirectorySource | undefined;

  constructor() {
    beforeEach(() => {
      this.path = mkdtempSync(join(tmpdir(), "xds-folder-"));
      this.readings = [];
    });
    afterEach(async () => {
      await this.close();
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  readonly at = (...names: string[]) => join(this.path, ...names);

  readonly write = (name: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), content);
  };

  /** A file with these resources, one a line, from the second on. */
  readonly writeResources = (name: string, ...resources: JsonObject[]): void =>
    this.write(name, `resources:\n${resources.map((resource) => `- ${JSON.stringify(resource)}\n`).join("")}`);

  /** Opens a source, by default of the folder. One that is open is closed. */
  readonly open = async (options: DirectorySourceOptions = {}, paths = [this.path]): Promise<Reading> => {
    await this.close();
    this.source = new DirectorySource(paths, options);
    return await this.source.open((reading) => this.readings.push(reading));
  };

  async close(): Promise<void> {
    await this.source?.close();
    this.source = undefined;
  }

  readonly told = (count: number) => vi.waitFor(() => expect(this.readings).toHaveLength(count), waiting);

  /** A line for each problem, where the folder is DIR. */
  readonly linesOf = (problems: readonly Parameters<typeof formatProblem>[0][]): string[] =>
    problems.map(formatProblem).map((line) => line.replaceAll(this.path, "DIR"));

  readonly problemsOf = (reading: Reading | undefined): string[] => {
    if (reading && "problems" in reading) return this.linesOf(reading.problems);
    throw new Error("no problems");
  };
}
