import { checkConfiguration } from "../source/check-configuration.js";
import { Locator } from "../source/locator.js";
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
  ) {}

  /** From now on lets through by this. */
  use(validation: GateOptions["validation"]): void {
    this.options = { ...this.options, validation };
  }

  check(reading: Reading): Checked {
    if ("problems" in reading) return { problems: inOrder(reading.problems.map((problem) => fromProblem(problem))) };
    const { validation, servesOthers } = this.options;
    const strict = validation === "strict";
    const findings = validation === "off" ? [] : checkConfiguration(reading.configuration, { strict, servesOthers });
    const locator = new Locator();
    const errors = findings.filter(({ severity }) => severity === "error");
    if (errors.length > 0) return { problems: inOrder(errors.map((error) => fromFinding(error, reading, locator))) };
    const warnings = findings.filter(({ severity }) => severity === "warning");
    const told = [
      ...warnings.map((warning) => ({
        key: [warning.code, warning.typeUrl, warning.resource, warning.path, warning.message].join("\0"),
        entry: () => fromFinding(warning, reading, locator),
      })),
      ...reading.notes.map((note) => ({
        key: [note.file, note.path, note.message].join("\0"),
        entry: () => fromProblem(note, "NOT_SERVED"),
      })),
    ];
    const added = told.filter(({ key }) => !this.said.has(key));
    this.said = new Set(told.map(({ key }) => key));
    if (added.length > 0)
      this.tell(inOrder(added.slice(0, mostLines).map(({ entry }) => entry())), Math.max(0, added.length - mostLines));
    return reading;
  }
}
