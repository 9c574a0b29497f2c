import { resolve } from "node:path";
import type { FileTree, Home, TreeFile } from "../files/file-tree.js";
import { sizeOf } from "../files/inlined-files.js";
import type { Problem } from "../files/problem.js";
import type { ResourceFile } from "./resource-file.js";

/** A file that was read: its signature at that time, and its content. */
export interface KnownFile {
  /** Empty if the file may have changed since then with the same signature. */
  readonly signature: string;
  readonly hash: string;
  readonly content: ResourceFile;
  /** Set if the thread ended at this file. It is read again when it changes, on request, or at this time. */
  readonly givenUp?: {
    /** A time of `performance.now()`, or Infinity if another try is useless. */
    readonly until: number;
    readonly waitMs: number;
    /** Whether the heap had no room for it. Then another try can succeed after any other change. */
    readonly lacksRoom: boolean;
  };
}

/** Whether a reading tries files again that were given up. */
export const isTriedAgain = (file: KnownFile): boolean => isDue(file) || file.givenUp?.lacksRoom === true;

/** Whether it is time to try a file again that was given up. */
export const isDue = ({ givenUp }: KnownFile): boolean => givenUp !== undefined && performance.now() >= givenUp.until;

/** Whether a file, and the files that it names, are unchanged since it was read. */
export const isSame = ({ signature, content }: KnownFile, file: TreeFile, referred: FileTree["referred"]): boolean =>
  signature === file.signature && [...content.referred].every(([path, was]) => referred.get(path) === was);

/**
 * Finds the files that are no configuration, but data that a resource in another file names, such as a key set that
 * ends in `.json`. A file with valid configuration is never one.
 */
export function isDataIn(known: ReadonlyMap<string, KnownFile>): (path: string, file: KnownFile) => boolean {
  const named = new Set(
    [...known.values()].flatMap(({ content }) => [...content.referred.keys()].map((path) => resolve(path))),
  );
  return (path, { content }) => content.problems.length > 0 && named.has(resolve(path));
}

/** The number of bytes of other files that are inlined into the resources of these files. */
export function inlinedBytes(files: Iterable<KnownFile | undefined>): number {
  let bytes = 0;
  for (const file of files) if (file) bytes += sizeOf(file.content.inlined);
  return bytes;
}

/** The mistake of a configuration with too many bytes of inlined files. */
export const tooMuchInlined = (paths: readonly string[], maxBytes: number): Problem => ({
  file: paths.join(", "),
  path: "",
  message: `more than ${maxBytes} bytes of other files, the limit, are inlined into resources; ${lessInlined}`,
});
const lessInlined = "name large files by absolute paths, which the Envoys read on their own machines";

/** The mistake of a missing directory `groups` whose groups are served. */
export const groupsGone = (path: string): Problem => ({ file: path, path: "", message: noGroups });
const noGroups =
  'no such directory, and its node groups are still served; put it back, with "resources: []" in each group without ' +
  "resources of its own, or restart to serve no groups";

/** The mistake of a node group's directory where groups have layers. */
export const unusedGroup = ({ path, kind }: Home): Problem[] =>
  kind === "group" ? [{ file: path, path: "", message: onlyLayers }] : [];
const onlyLayers =
  "is a node group's directory, but the groups have layers (`groups:` in xds.yaml); name it as a layer of its group, and move it out of groups/";

/** The mistake of a path or a node group that has no configuration. */
export const nothingIn = ({ path, kind }: Home): Problem => ({
  file: path,
  path: "",
  message: { path: noFiles, group: noGroup, layer: noLayer }[kind],
});
/** The mistake of an Envoy's own file or dump that replaces resources. */
export const nothingServed = (path: string): Problem => ({ file: path, path: "", message: onlyOwn });
const onlyOwn =
  "no resource in it can be served: it has only parts of an Envoy's own file, like a file from `xds bootstrap`; " +
  'put the file with the resources there, or one with "resources: []" to serve nothing';
const noFiles =
  'holds no configuration; put its files (.yaml, .yml, .json) there, or one with "resources: []" to serve nothing';
const noLayer =
  'this layer\'s directory holds no configuration; put its files there, or one with "resources: []" if the layer is to have nothing';
const noGroup =
  'this node group\'s directory holds no configuration; put its files there, or one with "resources: []" if the group has no resources of its own, or remove the directory';
