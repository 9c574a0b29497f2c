import { type Reference, referencesOf } from "../resource/references.js";
import { Resource } from "../resource/resource.js";
import { type ResourceType, secretType } from "../resource/types.js";
import { knowProblems, problemsOf } from "../resource/validate.js";
import type { ApiInUse } from "../schema/registry.js";
import type { Place, Problem } from "./problem.js";
import { type PreviousFile, type ResourceFile, readResourceFile } from "./resource-file.js";
import type { InlinedFile, SecretFilesOptions } from "./secret-files.js";

/** What a worker needs before it can read: the API, as the thread that asks has it. */
export interface WorkerStart {
  readonly api: ApiInUse;
}

/** A file to read, as a worker is given it. */
export interface ReadJob {
  readonly kind: "read";
  readonly path: string;
  readonly bytes: Uint8Array;
  /**
   * Of each resource that the file had before: the hash of its text, what it has in itself of other files, whether it
   * is a secret.
   */
  readonly previous: readonly (readonly [
    source: string,
    inlined: readonly InlinedFile[] | undefined,
    isSecret: boolean,
  ])[];
  readonly secretFiles: SecretFilesOptions;
  readonly takesRedacted: boolean;
  /** Whether to look for what Envoy would refuse. */
  readonly checks: boolean;
  /** Resource types that the table has besides those of this package. */
  readonly types: readonly ResourceType[];
}

/** Fields to find in a file, each of the resource that was read at a place. */
export interface LocateJob {
  readonly kind: "locate";
  readonly asked: readonly { readonly resource: Place; readonly path: string }[];
}

export type Job = ReadJob | LocateJob;

/** The first that a worker says: what its heap may take, in bytes. */
export interface Greeting {
  readonly heapLimit: number;
}

/** What a job comes to; `heapBytes`: what the worker's heap takes after it. */
export type Answer<T> = { readonly heapBytes: number } & ({ readonly result: T } | { readonly error: string });

type Problems = ReturnType<typeof problemsOf>;

/** What a worker has read of a resource. */
interface ReadResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  readonly ttlMs: number | undefined;
  readonly aliases: readonly string[];
  readonly references: readonly Reference[];
  /** undefined: not looked for. */
  readonly problems: Problems | undefined;
  /** How many bytes it has in `bodies`. */
  readonly size: number;
}

/** A file as a worker hands it over. Resources are told by their positions in the list. */
export interface HandedFile {
  /** A number is the position, among the resources that the file had before, of one whose text is the same. */
  readonly resources: readonly (ReadResource | number)[];
  readonly places: readonly (readonly [line: number, column: number])[];
  /** The encoded messages, one after the other. */
  readonly bodies: Uint8Array<ArrayBuffer>;
  readonly bySource: readonly (readonly [source: string, position: number])[];
  readonly inlined: readonly (readonly [position: number, files: readonly InlinedFile[]])[];
  readonly problems: readonly Problem[];
  readonly notes: readonly Problem[];
  readonly isBlank: boolean;
  readonly referred: ReadonlyMap<string, string>;
}

/** In the asking thread: what to ask for a file. */
export const previousOf = (file: ResourceFile | undefined): ReadJob["previous"] =>
  Array.from(
    file?.bySource ?? [],
    ([source, resource]) => [source, file?.inlined.get(resource), resource.type.typeUrl === secretType] as const,
  );

/** In the worker: reads a file, and makes what is handed over. */
export function readForHandingOver({ path, bytes, previous, checks, ...options }: ReadJob): HandedFile {
  const known: PreviousFile<number> = {
    bySource: new Map(previous.map(([source], position) => [source, position])),
    inlined: new Map(previous.flatMap(([, files], position) => (files ? [[position, files] as const] : []))),
    secrets: new Set(previous.flatMap(([, , isSecret], position) => (isSecret ? [position] : []))),
  };
  const file = readResourceFile<number>(path, bytes, { previous: known, ...options });
  const bodies: Uint8Array[] = [];
  const positions = new Map<number | Resource, number>();
  const resources = file.resources.map(({ resource }, position) => {
    positions.set(resource, position);
    if (typeof resource === "number") return resource;
    const { body } = resource;
    bodies.push(body);
    return read(resource, body.length, checks);
  });
  const positionOf = (resource: number | Resource) => positions.get(resource) as number;
  return {
    resources,
    places: file.resources.map(({ line, column }) => [line, column]),
    bodies: joined(bodies),
    bySource: Array.from(file.bySource, ([source, resource]) => [source, positionOf(resource)]),
    inlined: Array.from(file.inlined, ([resource, files]) => [positionOf(resource), files]),
    problems: file.problems,
    notes: file.notes,
    isBlank: file.isBlank,
    referred: file.referred,
  };
}

function read(resource: Resource, size: number, checks: boolean): ReadResource {
  const { type, name, version, ttlMs, aliases } = resource;
  const problems = checks ? problemsOf(resource) : undefined;
  return { typeUrl: type.typeUrl, name, version, ttlMs, aliases, references: referencesOf(resource), problems, size };
}

/** In the asking thread: the file that was handed over. What did not change since `previous` are the same objects. */
export function takeOver(file: string, handed: HandedFile, previous: ResourceFile | undefined): ResourceFile {
  const before = [...(previous?.bySource.values() ?? [])];
  let start = 0;
  const resources = handed.resources.map((one) => {
    if (typeof one === "number") return before[one] as Resource;
    const { typeUrl, name, version, ttlMs, aliases, references, problems, size } = one;
    const body = handed.bodies.subarray(start, start + size);
    start += size;
    const ttl = ttlMs === undefined ? {} : { ttlMs };
    const resource = Resource.fromBytes(typeUrl, body, { name, version, aliases, ...ttl });
    resource.references = references;
    if (problems) knowProblems(resource, problems);
    return resource;
  });
  const at = (position: number) => resources[position] as Resource;
  const { places, problems, notes, isBlank, referred } = handed;
  return {
    resources: resources.map((resource, position) => {
      const [line, column] = places[position] as readonly [number, number];
      return { resource, file, line, column };
    }),
    problems,
    notes,
    isBlank,
    bySource: new Map(handed.bySource.map(([source, position]) => [source, at(position)])),
    inlined: new Map(handed.inlined.map(([position, files]) => [at(position), files])),
    referred,
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    all.set(part, start);
    start += part.length;
  }
  return all;
}
