import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { redactions } from "../schema/sensitive.js";
import { spellings } from "./document-kinds.js";
import { isSettling, reasons, signatureOf } from "./file-tree.js";
import type { Rewrite, Rewrites, Tell } from "./message-json.js";
import { type Password, type PemLabel, whyNotKey, whyNotPem } from "./pem.js";
import { quote } from "./scalar-json.js";

/** Which files the secrets in a file may have in themselves. */
export interface SecretFilesOptions {
  /** The directories that they have to be below; links in them may lead elsewhere. */
  readonly roots: readonly string[];
  /** How many bytes all of them may have together, each as often as it is used. */
  readonly maxBytes: number;
}

/** A file that a resource has in itself, as it was. */
export interface InlinedFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Empty where it may have changed since without another one. */
  readonly signature: string;
}

/** What was found where a file was looked for. */
type Found = { readonly bytes: Buffer } | { readonly wrong: string };

const tls = "envoy.extensions.transport_sockets.tls.v3";

/**
 * Puts into the secrets of a file the files that they name: each `filename` that is a relative path, from the file's directory on.
 * What has an absolute one is left for the Envoy to read on its own machine. Certificates and keys that are here, inline or of a file,
 * are looked at, as Envoy does when it gets them. Whatever is wrong, the content is never told, nor the
 * name where the API marks the field as sensitive, for somebody may have written the secret there.
 */
export class SecretFiles {
  /** Of all that was looked for: path → what the file system said of it, as `FileTree.referred` has it. */
  readonly signatures = new Map<string, string>();
  /** What makes a Secret that has its files in itself. */
  readonly rewrites: Rewrites = new Map<string, Rewrite>([
    ["envoy.config.core.v3.DataSource", (json, tell, isSecret) => this.dataSource(json, tell, isSecret)],
    [`${tls}.TlsCertificate`, (json, tell) => this.tlsCertificate(json, tell)],
    [`${tls}.CertificateValidationContext`, (json, tell) => this.validationContext(json, tell)],
  ]);
  private readonly directory: string;
  private readonly roots: readonly string[];
  private readonly found = new Map<string, Found>();
  /** What stands in the place of a `filename` → the content. */
  private readonly contents = new WeakMap<JsonObject, Buffer>();
  private bytesLeft: number;
  private used: InlinedFile[] = [];

  /** `file`: the one that names them. `takesRedacted`: of "[redacted]" no certificate is expected. */
  constructor(
    file: string,
    private readonly options: SecretFilesOptions,
    private readonly takesRedacted: boolean,
  ) {
    this.directory = dirname(file);
    this.roots = options.roots.map((root) => resolve(root));
    this.bytesLeft = options.maxBytes;
  }

  /** The files that were inlined since this was last called. */
  takeUsed(): readonly InlinedFile[] {
    const { used } = this;
    this.used = [];
    return used;
  }

  /** Whether files that were inlined before are what they were; then they count as inlined again. */
  areSame(files: readonly InlinedFile[]): boolean {
    const size = files.reduce((sum, file) => sum + file.size, 0);
    if (size > this.bytesLeft || files.some(({ path, signature }) => signature !== signatureAt(path))) return false;
    this.bytesLeft -= size;
    for (const { path, signature } of files) this.signatures.set(path, signature);
    return true;
  }

  private dataSource(json: JsonObject, tell: Tell, isSecret: boolean): JsonObject {
    const { filename, watchedDirectory, ...rest } = json;
    if (typeof filename !== "string" || filename === "" || isAbsolute(filename)) return json;
    const found = this.inline(join(this.directory, filename));
    if ("wrong" in found) {
      tell("fault", "filename", `${isSecret ? "the file" : quote(filename)} ${found.wrong}`);
      return json;
    }
    if (watchedDirectory !== undefined) tell("note", "watched_directory", watchedHere);
    const inlined = { ...rest, inlineBytes: found.bytes.toString("base64") };
    this.contents.set(inlined, found.bytes);
    return inlined;
  }

  private tlsCertificate(json: JsonObject, tell: Tell): JsonObject {
    const { certificateChain, privateKey, password } = json;
    this.check(json, "certificate_chain", "CERTIFICATE", tell);
    const [chain, key] = [this.contentOf(certificateChain), this.contentOf(privateKey)];
    const why = key && whyNotKey(key, chain, this.passwordOf(password));
    if (why !== undefined) tell("fault", "private_key", `the private key ${why}`);
    return this.watchedHere(json, tell);
  }

  private validationContext(json: JsonObject, tell: Tell): JsonObject {
    this.check(json, "trusted_ca", "CERTIFICATE", tell);
    // A blank one is none, as in what templates make.
    if (this.contentOf(json.crl)?.toString("latin1").trim()) this.check(json, "crl", "X509 CRL", tell);
    return this.watchedHere(json, tell);
  }

  private check(json: JsonObject, field: string, label: PemLabel, tell: Tell): void {
    const source = json[spellings(field)[1]];
    const content = this.contentOf(source);
    const why = content && whyNotPem(content, label);
    if (why !== undefined) tell("fault", field, `the ${this.isInlined(source) ? "file" : "inline text"} ${why}`);
  }

  /** Without a directory to watch, if there is no file left that the Envoy reads itself. */
  private watchedHere(json: JsonObject, tell: Tell): JsonObject {
    const { watchedDirectory, ...rest } = json;
    const sources = Object.values(rest);
    const isLeft = sources.some((source) => isObject(source) && source.filename !== undefined);
    if (watchedDirectory === undefined || isLeft || !sources.some((source) => this.isInlined(source))) return json;
    tell("note", "watched_directory", watchedHere);
    return rest;
  }

  private isInlined(source: JsonValue | undefined): boolean {
    return isObject(source) && this.contents.has(source);
  }

  /** Of a DataSource, what of it is here. */
  private contentOf(source: JsonValue | undefined): Buffer | undefined {
    if (!isObject(source)) return undefined;
    const { inlineString, inlineBytes } = source;
    if (this.takesRedacted && redactions.has(inlineString ?? inlineBytes)) return undefined;
    if (typeof inlineString === "string") return Buffer.from(inlineString);
    return (
      this.contents.get(source) ?? (typeof inlineBytes === "string" ? Buffer.from(inlineBytes, "base64") : undefined)
    );
  }

  private passwordOf(source: JsonValue | undefined): Password {
    return isObject(source) ? (this.contentOf(source) ?? "elsewhere") : undefined;
  }

  /** Counts a file as inlined, if it can be. */
  private inline(path: string): Found {
    let found = this.found.get(path);
    if (!found) {
      found = this.isWithin(path) ? this.read(path) : { wrong: outside };
      this.found.set(path, found);
    }
    if ("wrong" in found) return found;
    this.bytesLeft -= found.bytes.length;
    if (this.bytesLeft < 0) return { wrong: this.tooLarge() };
    this.used.push({ path, size: found.bytes.length, signature: this.signatures.get(path) ?? "" });
    return found;
  }

  private isWithin(path: string): boolean {
    const absolute = resolve(path);
    return this.roots.some((root) => !`${relative(root, absolute)}${sep}`.startsWith(`..${sep}`));
  }

  private read(path: string): Found {
    this.signatures.set(path, signatureAt(path));
    let file: number | undefined;
    try {
      file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe would be waited for
      const stats = fstatSync(file, { bigint: true });
      this.signatures.set(path, isSettling(stats.mtimeNs) ? "" : signatureOf(stats));
      if (!stats.isFile()) return { wrong: "is no regular file; name one" };
      if (stats.size > this.options.maxBytes) return { wrong: this.tooLarge() };
      const bytes = readFileSync(file);
      if (bytes.length === 0) return { wrong: "is empty; write it, or remove the field" };
      return { bytes };
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      return { wrong: code === "ENOENT" || code === "ENOTDIR" ? absent : `cannot be read: ${reasons[code] ?? code}` };
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  private tooLarge(): string {
    return `is too large: ${this.options.maxBytes} bytes are the most that the files of one file may have together; split it`;
  }
}

const watchedHere = "left out: the secret has the file in itself, and the file is watched here";
const outside = "lies outside of the directories that are read; have its directory read too, or move it";
const absent =
  "is not there; a relative path is one from this file's directory on, and an absolute one the Envoy reads on its own machine; put the file there, or write another path";

function signatureAt(path: string): string {
  try {
    return signatureOf(statSync(path, { bigint: true }));
  } catch {
    return signatureOf(undefined);
  }
}

const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);
