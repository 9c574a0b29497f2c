import type { MessagePort } from "node:worker_threads";
import type { Reference } from "../../resource/reference.js";
import { referencesOf } from "../../resource/references/references.js";
import { Resource } from "../../resource/resource.js";
import { listenerType, type ResourceTypeRow } from "../../resource/types.js";
import type { PostedApi } from "../../schema/registry.js";
import { type AddressClaim, claimsOf, knowClaims } from "../../validation/listener-addresses.js";
import { knowProblems, problemsOf } from "../../validation/validate.js";
import type { DumpFacts } from "../documents/dump-facts.js";
import type { Unserved } from "../documents/unserved.js";
import type { InlinedFile, InliningOptions } from "../files/inlined-files.js";
import type { Place, Problem } from "../files/problem.js";
import { needs } from "../reading/heap-needs.js";
import type { RemovedResource } from "../reading/layers.js";
import {
  type LocatedResource,
  type PreviousFile,
  type ResourceFile,
  readResourceFile,
} from "../reading/resource-file.js";

/** What a worker receives at its start. */
export interface WorkerStart {
  /** The API of the asking thread. */
  readonly api: PostedApi;
  /** The port to which the worker sends the parts of a file, except the last. They are received one at a time. */
  readonly parts: MessagePort;
}

/** The previous resources of a file. Positions are those in `sources`. */
interface PreviousResources {
  /** The hash of each resource's text. */
  readonly sources: readonly string[];
  /** The files that are inlined into some of the resources. */
  readonly inlined: readonly (readonly [position: number, files: readonly InlinedFile[]])[];
  /** The resources that may have secrets. */
  readonly secrets: readonly number[];
}

/** A job for a worker: read a file. */
export interface ReadJob {
  readonly kind: "read";
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly previous: PreviousResources;
  readonly inlining: InliningOptions;
  readonly takesRedacted: boolean;
  readonly resourceType?: string | undefined;
  /** Whether to check for what Envoy would refuse. */
  readonly checks: boolean;
  /** The registered resource types, in addition to those of this package. */
  readonly types: readonly ResourceTypeRow[];
}

/** A job for a worker: find the places of fields. Each resource is identified by its place. */
export interface LocateJob {
  readonly kind: "locate";
  readonly asked: readonly { readonly resource: Place; readonly path: string }[];
}

export type Job = ReadJob | LocateJob;

/** The first message of a worker, when it can read. It has the limit of its heap for old objects, in bytes. */
export interface Greeting {
  readonly heapLimit: number;
}

/** The result of a job. `heapBytes` is the size of the worker's heap after the job. */
export type Answer<T> = { readonly heapBytes: number } & ({ readonly result: T } | { readonly error: string });

type Problems = ReturnType<typeof problemsOf>;

/** A resource that a worker has read. */
interface ReadResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  readonly ttlMs: number | undefined;
  readonly aliases: readonly string[];
  readonly references: readonly Reference[];
  /** The problems, or undefined if the resource was not checked. */
  readonly problems: Problems | undefined;
  /** The addresses of a listener, or undefined if it was not checked. */
  readonly claims: readonly AddressClaim[] | undefined;
  /** The size of its message in `bodies`, in bytes. */
  readonly size: number;
}

/** Some of a file's resources, as a worker sends them. The asking thread needs about 5 ms for one part. */
export interface HandedPart {
  /** A number stands for a resource with unchanged text: its position among the previous resources of the file. */
  readonly resources: readonly (ReadResource | number)[];
  readonly places: readonly (readonly [line: number, column: number])[];
  /** The encoded messages, one after the other. */
  readonly bodies: Uint8Array<ArrayBuffer>;
  /** Hash of a resource's text, and the resource's position in this part. */
  readonly bySource: readonly (readonly [source: string, position: number])[];
  readonly inlined: readonly (readonly [position: number, files: readonly InlinedFile[]])[];
  /** Positions of the resources that may have secrets. */
  readonly secrets: readonly number[];
}

/** A file, as a worker sends it. */
export interface HandedFile {
  /** The number of parts before the last one. */
  readonly before: number;
  /** The number of resources. */
  readonly count: number;
  /** The number of resources that are new or changed. */
  readonly newCount: number;
  /** The bytes of heap for new resources (see {@link needs}), without the needs of serving. */
  readonly heapBytes: number;
  readonly last: HandedPart;
  readonly removes: readonly RemovedResource[];
  readonly problems: readonly Problem[];
  readonly notes: readonly Problem[];
  readonly isBlank: boolean;
  readonly isUnserved: boolean;
  readonly unserved: Unserved | undefined;
  readonly referred: ReadonlyMap<string, string>;
  /** The facts of a dump. A number is the position of a resource in the file. */
  readonly dump: HandedDump | undefined;
}

interface HandedDump extends Omit<DumpFacts, "versions" | "redacted" | "cut"> {
  readonly versions: readonly (readonly [position: number, version: string])[];
  readonly redacted: readonly number[];
  readonly cut: readonly number[];
}

/** The number of resources in one part. */
const resourcesAtOnce = 500;

/** In the asking thread: the previous content of a file, for a job. */
export function previousOf(file: ResourceFile | undefined): ReadJob["previous"] {
  const inlined: [number, readonly InlinedFile[]][] = [];
  const secrets: number[] = [];
  const resources = [...(file?.bySource.values() ?? [])];
  for (const [position, resource] of resources.entries()) {
    const files = file?.inlined.get(resource);
    if (files) inlined.push([position, files]);
    if (file?.secrets.has(resource)) secrets.push(position);
  }
  return { sources: [...(file?.bySource.keys() ?? [])], inlined, secrets };
}

/** In the worker: reads a file. `handOver` receives all parts except the last, which is in the result. */
export function readForHandingOver(job: ReadJob, handOver: (part: HandedPart) => void): HandedFile {
  const { path, bytes, previous, checks, ...options } = job;
  const known: PreviousFile<number> = {
    bySource: new Map(previous.sources.map((source, position) => [source, position])),
    inlined: new Map(previous.inlined),
    secrets: new Set(previous.secrets),
  };
  const file = readResourceFile<number>(path, bytes, { previous: known, ...options });
  const sources = new Map(Array.from(file.bySource, ([source, resource]) => [resource, source]));
  const ends = endsOfParts(file.resources);
  const before = ends.length - 1;
  let heapBytes = 0;
  let newCount = 0;
  const partAt = (index: number): HandedPart => {
    const of = file.resources.slice(ends[index - 1] ?? 0, ends[index]);
    const bodies: Uint8Array[] = [];
    const bySource: [string, number][] = [];
    const inlined: [number, readonly InlinedFile[]][] = [];
    const secrets: number[] = [];
    const resources = of.map(({ resource }, position) => {
      const source = sources.get(resource);
      if (source !== undefined) bySource.push([source, position]);
      const files = file.inlined.get(resource);
      if (files) inlined.push([position, files]);
      if (file.secrets.has(resource)) secrets.push(position);
      if (typeof resource === "number") return resource;
      const { body } = resource;
      bodies.push(body);
      const one = read(resource, body.length, checks);
      heapBytes += heapOf(one);
      newCount++;
      return one;
    });
    const places = of.map(({ line, column }) => [line, column] as const);
    return { resources, places, bodies: joined(bodies), bySource, inlined, secrets };
  };
  for (let index = 0; index < before; index++) handOver(partAt(index));
  const last = partAt(before);
  const { removes, problems, notes, isBlank, isUnserved, unserved, referred, resources } = file;
  const count = resources.length;
  const dump = handedDump(file);
  const said = { removes, problems, notes, isBlank, isUnserved, unserved, referred, dump };
  return { before, count, newCount, heapBytes, last, ...said };
}

/** The bytes of heap of a resource while it is served. */
const heapOf = ({ name, size, references, problems = [], claims = [] }: ReadResource): number =>
  needs.resource + size + name.length + needs.finding * (references.length + problems.length + claims.length);

function handedDump({ dump, resources }: ResourceFile<Resource | number>): HandedDump | undefined {
  if (!dump) return undefined;
  const positions = new Map(resources.map(({ resource }, position) => [resource, position]));
  const of = (all: Iterable<Resource>) => [...all].flatMap((resource) => positions.get(resource) ?? []);
  const versions = Array.from(dump.versions, ([resource, version]) => [of([resource]), version] as const);
  return {
    ...dump,
    versions: versions.flatMap(([found, version]) => found.map((position) => [position, version] as const)),
    redacted: of(dump.redacted),
    cut: of(dump.cut),
  };
}

/** The positions where parts end, at least one. Aliases and references take as much time as resources. */
function endsOfParts(resources: readonly LocatedResource<Resource | number>[]): number[] {
  const ends: number[] = [];
  let weight = 0;
  for (const [index, { resource }] of resources.entries()) {
    weight += typeof resource === "number" ? 1 : weightOf(resource);
    if (weight < resourcesAtOnce) continue;
    ends.push(index + 1);
    weight = 0;
  }
  return ends.at(-1) === resources.length ? ends : [...ends, resources.length];
}

function weightOf(resource: Resource): number {
  const { aliases } = resource;
  const characters = aliases.reduce((sum, alias) => sum + alias.length, resource.name.length);
  return 1 + aliases.length + Math.floor(characters / 64) + Math.floor(referencesOf(resource).length / 4);
}

function read(resource: Resource, size: number, checks: boolean): ReadResource {
  const { type, name, version, ttlMs, aliases } = resource;
  const { typeUrl } = type;
  const problems = checks ? problemsOf(resource) : undefined;
  const claims = checks && typeUrl === listenerType ? claimsOf(resource) : undefined;
  return { typeUrl, name, version, ttlMs, aliases, references: referencesOf(resource), problems, claims, size };
}

/** In the asking thread: receives a file, part by part. Resources unchanged since `previous` are the same objects. */
export class TakeOver {
  private readonly before: readonly Resource[];
  private readonly resources: { resource: Resource; file: string; line: number; column: number }[] = [];
  private readonly bySource = new Map<string, Resource>();
  private readonly inlined = new Map<Resource, readonly InlinedFile[]>();
  private readonly secrets = new Set<Resource>();

  constructor(
    private readonly file: string,
    previous: ResourceFile | undefined,
  ) {
    this.before = [...(previous?.bySource.values() ?? [])];
  }

  readonly take = ({ resources, places, bodies, bySource, inlined, secrets }: HandedPart): void => {
    const { file } = this;
    let start = 0;
    const taken = resources.map((one) => {
      if (typeof one === "number") return this.before[one] as Resource;
      const { typeUrl, name, version, ttlMs, aliases, references, problems, claims, size } = one;
      const body = bodies.subarray(start, start + size);
      start += size;
      const ttl = ttlMs === undefined ? {} : { ttlMs };
      const resource = Resource.fromBytes(typeUrl, body, { name, version, aliases, ...ttl });
      resource.references = references;
      if (problems) knowProblems(resource, problems);
      if (claims) knowClaims(resource, claims);
      return resource;
    });
    for (const [position, resource] of taken.entries()) {
      const [line, column] = places[position] as readonly [number, number];
      this.resources.push({ resource, file, line, column });
    }
    for (const [source, position] of bySource) this.bySource.set(source, taken[position] as Resource);
    for (const [position, files] of inlined) this.inlined.set(taken[position] as Resource, files);
    for (const position of secrets) this.secrets.add(taken[position] as Resource);
  };

  /** Finishes with the last part, when all others were received. */
  finish({ last, dump, unserved, ...handed }: HandedFile): ResourceFile {
    this.take(last);
    const { resources, bySource, inlined, secrets } = this;
    const { removes, problems, notes, isBlank, isUnserved, referred } = handed;
    const file = { resources, removes, problems, notes, isBlank, isUnserved, bySource, inlined, secrets, referred };
    return { ...file, ...(unserved && { unserved }), ...(dump && { dump: this.dumpOf(dump) }) };
  }

  private dumpOf({ versions, redacted, cut, ...dump }: HandedDump): DumpFacts {
    const at = (position: number) => this.resources[position]?.resource as Resource;
    return {
      ...dump,
      versions: new Map(versions.map(([position, version]) => [at(position), version])),
      redacted: new Set(redacted.map(at)),
      cut: new Set(cut.map(at)),
    };
  }
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
