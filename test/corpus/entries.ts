import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { JsonObject } from "@bufbuild/protobuf";
import { load } from "js-yaml";
import { placeStatically, staticBootstrap } from "../../src/cli/envoy/static-bootstrap.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { readResourceFile } from "../../src/source/reading/resource-file.js";
import { validate, validateResource } from "../../src/validation/validate.js";
import { frames } from "./frames.js";
import { messageFrom, messageOf, readCorpus } from "./resources.js";
import { readTogether } from "./together.js";

/** One small bootstrap file. */
export interface Entry {
  /** Unique; `<file>: <name>`. */
  readonly id: string;
  readonly text: string;
  /** What the text is, and how the name of its file ends. */
  readonly format: "json" | "yaml";
  /** Of the text. */
  readonly hash: string;
  /** What is wrong with it to us; nothing: we accept it. */
  readonly ours: () => string[];
  /** What is in Envoy's words when it refuses it; undefined: anything. */
  readonly says?: string | undefined;
}

/** Envoy's verdict on an entry as it was when it was asked. */
export interface Verdict {
  readonly hash: string;
  readonly accepts: boolean;
}

export const verdictsFile = new URL("verdicts.json", import.meta.url);
export const readVerdicts = () => JSON.parse(readFileSync(verdictsFile, "utf8")) as Record<string, Verdict>;
/** Why only Envoy refuses an entry, by its id: those of `files/` by reason, those of `resources/` as they have them. */
export function readDifferences(): Readonly<Record<string, string>> {
  const text = readFileSync(new URL("differences.yaml", import.meta.url), "utf8");
  const { onlyEnvoyRefuses } = load(text) as { onlyEnvoyRefuses: Record<string, string[]> };
  const files = Object.entries(onlyEnvoyRefuses).flatMap(([why, ids]) => ids.map((id) => [id, why]));
  const resources = readCorpus().flatMap(({ case: name, envoy, why }) =>
    envoy === "refuses" ? [[`resources: ${name}`, why]] : [],
  );
  return Object.fromEntries([...files, ...resources]);
}

const entry = (id: string, file: unknown, ours: (text: string) => string[], says?: string): Entry => {
  const text = JSON.stringify(file);
  return { id, text, format: "json", hash: hashOf(text), ours: () => ours(text), says };
};

const hashOf = (text: string) => createHash("sha256").update(text).digest("base64url").slice(0, 12);

/** The files of `layouts.txt`, byte by byte as it describes them. */
function readLayouts(): Entry[] {
  const [, ...all] = readFileSync(new URL("layouts.txt", import.meta.url), "utf8").split(/^### /m);
  return all.map((one) => {
    const [name = ""] = one.split("\n", 1);
    const marks: Readonly<Record<string, string>> = { "→": "\t", "␍": "\r", "⟦BOM⟧": "\u{feff}" };
    const text = one.slice(name.length + 1).replace(/→|␍|⟦BOM⟧|\n⟦END⟧\n/g, (mark) => marks[mark] ?? "");
    return {
      id: `layouts: ${name}`,
      text,
      format: "yaml",
      hash: hashOf(text),
      ours: () => mistakesInFile(text, "entry.yaml"),
    };
  });
}

/**
 * The whole corpus: the files of `files/` in their frames, the resources of `resources/` and those that stand
 * together, in a bootstrap each, and the files of `layouts.txt`.
 */
export function readEntries(): Entry[] {
  const directory = new URL("files/", import.meta.url);
  const files = readdirSync(directory).flatMap((name) => {
    const kind = name.replace(".yaml", "");
    const frame = frames[kind];
    if (!frame) throw new Error(`no frame for ${name}`);
    const entries = load(readFileSync(new URL(name, directory), "utf8")) as Record<string, JsonObject>;
    return Object.entries(entries).map(([id, content]) =>
      entry(`${kind}: ${id}`, frame(content), (text) => mistakesInFile(text)),
    );
  });
  const resources = readCorpus().map((one) => {
    const parts = placeStatically(one.resource, 0);
    if ("leftOut" in parts) throw new Error(`${one.case}: ${parts.leftOut}`);
    const ours = () => errorsOf(messageOf(one)).map(({ code, path }) => `${code} ${path}`);
    return entry(`resources: ${one.case}`, staticBootstrap([parts], ["static"]), ours, one.says);
  });
  const together = readTogether().map(({ case: name, listeners, refused }) => {
    const file = staticBootstrap([{ listeners: listeners.map(({ "@type": _, ...fields }) => fields) }], ["static"]);
    const says = refused && `'${refused}' has duplicate address`;
    return entry(`together: ${name}`, file, () => errorsTogether(listeners), says);
  });
  return [...files, ...resources, ...together, ...readLayouts()];
}

const errorsTogether = (resources: readonly JsonObject[]) =>
  validate(Snapshot.of(resources.map(messageFrom)))
    .filter(({ severity }) => severity === "error")
    .map(({ code, resource }) => `${code} ${resource}`);

const errorsOf = (resource: Parameters<typeof validateResource>[0]) =>
  validateResource(resource).filter(({ severity }) => severity === "error");

/** What is told of an entry's parts that are not served, which is never an error. */
export const toldOfUnserved = ({ text, format }: Entry): string[] =>
  readResourceFile(`entry.${format}`, Buffer.from(text))
    .notes.filter(({ code }) => code === "BOOTSTRAP")
    .map(({ path, message }) => `${path}: ${message}`);

function mistakesInFile(text: string, file = "entry.json"): string[] {
  const { problems, resources } = readResourceFile(file, Buffer.from(text));
  if (problems.length > 0) return problems.map(({ path, message }) => `${path}: ${message}`);
  return resources.flatMap(({ resource }) => errorsOf(resource).map(({ code, path }) => `${code} ${path}`));
}
