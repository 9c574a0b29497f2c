import { checkConfiguration, type ResourceFinding } from "../source/check-configuration.js";
import { Locator } from "../source/locator.js";
import type { Place } from "../source/problem.js";
import type { GoodReading, Reading } from "../source/source.js";
import { fromFinding, fromProblem, inOrder, type ReportEntry } from "./report.js";

export interface GateOptions {
  /** `strict`: what leads out of the configuration, and what the API does not know, is an error too; `off`: all passes. */
  readonly validation: "on" | "strict" | "off";
  /** Whether nodes of no group are served what is for all nodes. */
  readonly servesOthers: boolean;
}

/** What may be served, or the errors that keep it from being. */
export type Checked = GoodReading | { readonly problems: readonly ReportEntry[] };

/** More lines than this at once help nobody. */
export const mostLines = 100;

/** Takes what is to be told of a configuration: the first, and how many there are more. */
export type Tell = (entries: readonly ReportEntry[], more: number) => void;

/** Finds fields of resources in their files, each of the resource that was read at a place. */
export type Locate = (
  asked: readonly { readonly resource: Place; readonly path: string }[],
) => Promise<readonly Place[]>;

const here: Locate = async (asked) => {
  const locator = new Locator();
  return asked.map(({ resource, path }) => locator.locate(resource, path));
};

/**
 * Lets through what Envoy would take. Of what it lets through, warnings and notes are told when they are new. What did not
 * change is not checked again.
 */
export class ConfigurationGate {
  /** What was to be said of the configuration that passed last. */
  private said: ReadonlySet<string> = new Set();

  constructor(
    private options: GateOptions,
    private readonly tell: Tell,
    private readonly locate: Locate = here,
  ) {}

  /** From now on lets through by this. */
  use(validation: GateOptions["validation"]): void {
    this.options = { ...this.options, validation };
  }

  async check(reading: Reading): Promise<Checked> {
    if ("problems" in reading) return { problems: inOrder(reading.problems.map((problem) => fromProblem(problem))) };
    const { validation, servesOthers } = this.options;
    const strict = validation === "strict";
    const findings = validation === "off" ? [] : checkConfiguration(reading.configuration, { strict, servesOthers });
    const entryOf = (finding: ResourceFinding) => fromFinding(finding, reading, resourcesOnly);
    const errors = findings.filter(({ severity }) => severity === "error");
    if (errors.length > 0) return { problems: await this.located(errors.map(entryOf)) };
    const warnings = findings.filter(({ severity }) => severity === "warning");
    const told = [
      ...warnings.map((warning) => ({
        key: [warning.code, warning.typeUrl, warning.resource, warning.path, warning.message].join("\0"),
        entry: () => entryOf(warning),
      })),
      ...reading.notes.map((note) => ({
        key: [note.file, note.path, note.message].join("\0"),
        entry: () => fromProblem(note, "NOT_SERVED"),
      })),
    ];
    const added = told.filter(({ key }) => !this.said.has(key));
    this.said = new Set(told.map(({ key }) => key));
    if (added.length > 0) {
      const first = added.slice(0, mostLines).map(({ entry }) => entry());
      this.tell(await this.located(first), Math.max(0, added.length - mostLines));
    }
    return reading;
  }

  /** In their order; the first ones with the places of their fields, in place of those of their resources. */
  private async located(entries: readonly ReportEntry[]): Promise<ReportEntry[]> {
    const [first, rest] = [inOrder(entries).slice(0, mostLines), inOrder(entries).slice(mostLines)];
    const asked = first.flatMap((entry) => {
      const { file, line, column, path, type } = entry;
      // What the source says itself has its place.
      if (type === undefined || line === undefined || column === undefined) return [];
      return [{ entry, resource: { file, line, column }, path }];
    });
    const places = await this.locate(asked.map(({ resource, path }) => ({ resource, path })));
    const found = new Map(asked.map(({ entry }, index) => [entry, places[index]]));
    return [...inOrder(first.map((entry) => ({ ...entry, ...found.get(entry) }))), ...rest];
  }
}

const resourcesOnly = { locate: (resource: Place) => resource };
