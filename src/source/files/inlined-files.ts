import { type BigIntStats, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { messageOf } from "../../errors.js";
import { isSettling, reasons, signatureOf } from "./file-tree.js";
import { FileNotRead, readWholeFileSync } from "./whole-file.js";

/** Which files may be inlined into the resources of a file of configuration. */
export interface InliningOptions {
  /** The directories that must contain them. Links in these directories may lead elsewhere. */
  readonly roots: readonly string[];
  /**
   * The most bytes of all these files together. In resources, where a file can be several times, it is 8 times that.
   */
  readonly maxBytes: number;
}

/** A file that was inlined into a resource, as it was then. */
export interface InlinedFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Empty if the file may have changed since then with the same signature. */
  readonly signature: string;
}

/** The number of bytes of inlined files. */
export const sizeOf = (inlined: ReadonlyMap<unknown, readonly InlinedFile[]>): number =>
  [...inlined.values()].flat().reduce((sum, { size }) => sum + size, 0);

/**
 * The content of a file, or why it cannot be inlined. `wrong` continues a sentence that begins with the file's name.
 */
export type FoundFile = { readonly bytes: Buffer } | { readonly wrong: string };

/** Whether a file of this name is inlined. The Envoy reads all others on its own machine. */
export const isRelative = (filename: unknown): filename is string =>
  typeof filename === "string" && filename !== "" && !isAbsolute(filename);

/**
 * Reads the files that the resources of one file of configuration name by paths relative to that file's directory. It
 * opens only files below the given directories, and only up to a total number of bytes.
 */
export class InlinedFiles {
  /** All files that were looked for: path → signature, as in `FileTree.referred`. */
  readonly signatures = new Map<string, string>();
  private readonly directory: string;
  private readonly roots: readonly string[];
  private readonly found = new Map<string, FoundFile>();
  /** The files that are already counted. */
  private readonly counted = new Set<string>();
  private bytesLeft: number;
  /** The bytes in resources. */
  private copiesLeft: number;
  private used: InlinedFile[] = [];

  /** `file` is the file that names them. */
  constructor(
    file: string,
    private readonly options: InliningOptions,
  ) {
    this.directory = dirname(file);
    this.roots = options.roots.map((root) => resolve(root));
    this.bytesLeft = options.maxBytes;
    this.copiesLeft = options.maxBytes * mostCopies;
  }

  /** The files that were inlined since the last call. */
  takeUsed(): readonly InlinedFile[] {
    const { used } = this;
    this.used = [];
    return used;
  }

  /** Whether files that were inlined before are unchanged. Then they count as inlined again. */
  areSame(files: readonly InlinedFile[]): boolean {
    if (files.some(({ path, signature }) => signature !== signatureAt(path)) || !this.count(files)) return false;
    for (const { path, signature } of files) this.signatures.set(path, signature);
    return true;
  }

  /** Counts a file as inlined, if it can be inlined. */
  inline(filename: string): FoundFile {
    const path = join(this.directory, filename);
    let found = this.found.get(path);
    if (!found) {
      found = this.isWithin(path) ? this.read(path) : { wrong: outside };
      this.found.set(path, found);
    }
    if ("wrong" in found) return found;
    if (!this.count([{ path, size: found.bytes.length }])) return { wrong: this.tooLarge(found.bytes.length) };
    this.used.push({ path, size: found.bytes.length, signature: this.signatures.get(path) ?? "" });
    return found;
  }

  /** Counts files as used once more. Returns false, and counts nothing, if that would be too many bytes. */
  private count(files: readonly Pick<InlinedFile, "path" | "size">[]): boolean {
    const sum = (sizes: Iterable<number>) => [...sizes].reduce((sum, size) => sum + size, 0);
    const copies = sum(files.map(({ size }) => size));
    const fresh = new Map(files.flatMap(({ path, size }) => (this.counted.has(path) ? [] : [[path, size] as const])));
    const bytes = sum(fresh.values());
    if (copies > this.copiesLeft || bytes > this.bytesLeft) return false;
    this.copiesLeft -= copies;
    this.bytesLeft -= bytes;
    for (const path of fresh.keys()) this.counted.add(path);
    return true;
  }

  private isWithin(path: string): boolean {
    const absolute = resolve(path);
    return this.roots.some((root) => !`${relative(root, absolute)}${sep}`.startsWith(`..${sep}`));
  }

  private read(path: string): FoundFile {
    this.signatures.set(path, signatureAt(path));
    const opened = (stats: BigIntStats) =>
      this.signatures.set(path, isSettling(stats.mtimeNs) ? "" : signatureOf(stats));
    try {
      const bytes = readWholeFileSync(path, { maxBytes: this.options.maxBytes, opened });
      return bytes.length > 0 ? { bytes } : { wrong: "is empty; write it, or remove the field" };
    } catch (error) {
      if (error instanceof FileNotRead && error.why === "kind") return { wrong: "is no regular file; name one" };
      if (error instanceof FileNotRead && error.why === "size") return { wrong: this.tooLarge() };
      const { code = "" } = error as NodeJS.ErrnoException;
      return {
        wrong:
          code === "ENOENT" || code === "ENOTDIR"
            ? absent
            : `cannot be read: ${reasons[code] ?? (code || messageOf(error))}`,
      };
    }
  }

  private tooLarge(size = 0): string {
    const { maxBytes } = this.options;
    const most =
      size > this.copiesLeft
        ? `at most ${maxBytes * mostCopies} bytes of other files can be inlined into the resources of this file`
        : `the files that this file names can have at most ${maxBytes} bytes together`;
    return `is too large: ${most}; name it by an absolute path, which the Envoy reads on its own machine, or split this file`;
  }
}

/** The limit of bytes in resources, as a multiple of the limit of bytes of files. */
const mostCopies = 8;

const outside = "is outside of the directories that are read; add its directory to them, or move the file";
const absent =
  "does not exist; a relative path begins at this file's directory, and an absolute one is for a file on the Envoy's own machine; add the file, or correct the path";

function signatureAt(path: string): string {
  try {
    return signatureOf(statSync(path, { bigint: true }));
  } catch {
    return signatureOf(undefined);
  }
}
