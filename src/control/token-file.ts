import { createHash, timingSafeEqual } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { messageOf, XdsError } from "../errors.js";
import { readWholeFile } from "../source/files/whole-file.js";

/** The most bytes of a token file. */
const mostBytes = 64 << 10;
/** The fewest characters of a token. A shorter token can be guessed. */
const shortestToken = 16;

interface Token {
  readonly name: string;
  /** The SHA-256 of the token. Hashes have the same length, so they can be compared in constant time. */
  readonly hash: Buffer;
}

/**
 * A file of tokens, with a line `name:token` for each. Empty lines and lines that begin with `#` are ignored. The file
 * is refused if others than its owner can read it or write to it. It is read again when it has changed.
 */
export class TokenFile {
  private tokens: readonly Token[] = [];
  private signature = "";

  private constructor(private readonly path: string) {}

  /** Reads a token file. @throws XdsError INVALID_OPTION if the file cannot be used */
  static async open(path: string): Promise<TokenFile> {
    const file = new TokenFile(path);
    await file.refresh();
    return file;
  }

  /**
   * The name of a token. undefined if the file does not have the token. The time that this takes does not show whether
   * the beginning of a wrong token is right.
   * @throws XdsError INVALID_OPTION if the file can no longer be used
   */
  async nameOf(token: string): Promise<string | undefined> {
    await this.refresh();
    const hash = hashOf(token);
    let found: string | undefined;
    for (const known of this.tokens) if (timingSafeEqual(known.hash, hash)) found = known.name;
    return found;
  }

  private async refresh(): Promise<void> {
    try {
      const now = signatureOf(await stat(this.path, { bigint: true }));
      if (now === this.signature) return;
      let opened = "";
      const bytes = await readWholeFile(this.path, {
        maxBytes: mostBytes,
        opened: (stats) => {
          checkMode(stats);
          opened = signatureOf(stats);
        },
      });
      this.tokens = parse(bytes.toString());
      this.signature = opened;
    } catch (cause) {
      this.tokens = [];
      this.signature = "";
      throw new XdsError("INVALID_OPTION", `the token file ${this.path} cannot be used: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

const hashOf = (token: string) => createHash("sha256").update(token).digest();

const signatureOf = ({ dev, ino, size, mtimeNs, ctimeNs, mode }: BigIntStats) =>
  [dev, ino, size, mtimeNs, ctimeNs, mode].join(":");

function checkMode({ mode }: BigIntStats): void {
  if (process.platform === "win32" || (mode & 0o077n) === 0n) return;
  const octal = (mode & 0o777n).toString(8).padStart(4, "0");
  throw new Error(`other users can read or write it (mode ${octal}); run chmod 600 on it`);
}

function parse(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, token = ""] = /^\s*([\w.@-]{1,64}):\s*([^\s:]+)\s*$/.exec(line) ?? [];
    const where = `line ${index + 1}`;
    if (name === undefined)
      throw new Error(`${where} is not <name>:<token>, with a name of letters, digits and . _ - @`);
    if (token.length < shortestToken) throw new Error(`${where}: a token has at least ${shortestToken} characters`);
    if (tokens.some((known) => known.name === name)) throw new Error(`${where}: an earlier token has the same name`);
    tokens.push({ name, hash: hashOf(token) });
  }
  if (tokens.length === 0) throw new Error("it has no token");
  return tokens;
}
