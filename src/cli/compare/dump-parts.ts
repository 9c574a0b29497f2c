import { findResourceType } from "../../resource/default-api.js";
import { referrerTypes } from "../../resource/references/table.js";
import { dumpForms } from "../../server/csds/config-dumps.js";
import type { DumpFacts } from "../../source/documents/dump-facts.js";
import type { ResourceFinding } from "../../source/reading/check-configuration.js";
import type { Reading } from "../../source/reading/source.js";
import { ownCodes, type ReportEntry } from "../report/report.js";
import { tells } from "./compared-configuration.js";

/** The references that cannot be checked, because some of the files are only parts of config dumps. */
export class DumpParts {
  /** File → the type URLs of the references that it leaves open. */
  private readonly open = new Map<string, Set<string>>();

  constructor(private readonly reading: Reading) {}

  /**
   * Whether a finding could be wrong because the dump is only a part: the finding is about references to or from types
   * that the dump does not contain.
   */
  leavesOpen({ of, code, target, targetName }: ResourceFinding): boolean {
    const [file, dump] = this.dumpOf(of);
    if (!dump || (target === undefined && code !== "UNREFERENCED")) return false;
    // No dump has a place for types such as virtual hosts. They are inside other resources.
    const types =
      target === undefined ? (referrerTypes[of.type.typeUrl] ?? []).filter((type) => dumpForms[type]) : [target];
    const absent = types.filter((typeUrl) => !tells({ dump }, typeUrl, targetName));
    const known = this.open.get(file) ?? new Set();
    this.open.set(file, known);
    for (const typeUrl of absent) known.add(typeUrl);
    return absent.length > 0;
  }

  /** An entry for each file, with the types that were left open. */
  entries(): ReportEntry[] {
    return [...this.open].flatMap(([file, types]) => {
      const names = Array.from(types, (typeUrl) => findResourceType(typeUrl)?.name ?? typeUrl);
      const message = `the dump may lack ${names.join(", ")}; references to and from them were not checked (--strict checks them)`;
      return names.length > 0
        ? [{ file, severity: ownCodes.NOT_CHECKED, code: "NOT_CHECKED" as const, path: "", message }]
        : [];
    });
  }

  private dumpOf(of: ResourceFinding["of"]): [file: string, dump: DumpFacts | undefined] {
    const { places, dumps } = "problems" in this.reading ? {} : this.reading;
    const file = places?.get(of)?.file ?? "";
    return [file, dumps?.get(file)];
  }
}
