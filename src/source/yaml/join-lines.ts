/**
 * Joins the lines of each flow collection and each quoted text in a YAML text. The parser refuses such lines if they
 * are not indented or have tabs; Envoy's parser accepts them. Line breaks, tabs and comments become spaces, so every
 * other character keeps its place. The value of a scalar must be taken from the original text. If a bracket or a quote
 * is never closed, the text after it stays unchanged.
 */
export const joinLines = (text: string): string => new LineJoiner(text).join();

const whiteSpace = " \t\r\n";
const lineBreaks = "\r\n";
const flowIndicators = ",[]{}";

class LineJoiner {
  /** The result, in UTF-16. */
  private readonly joined: Buffer;
  private at = 0;
  private lineStart = 0;
  /** The column of the key or the dash that the next node belongs to. */
  private parent = -1;
  /** The column of the node that begins on this line, or -1. */
  private node = -1;

  constructor(private readonly text: string) {
    this.joined = Buffer.from(text, "utf16le");
  }

  join(): string {
    while (this.at < this.text.length) {
      const start = this.at;
      if (this.token()) continue;
      this.joined.write(this.text.slice(start), 2 * start, "utf16le");
      break;
    }
    return this.joined.toString("utf16le");
  }

  /** Reads a token outside of flow collections. Returns false if a bracket or a quote is never closed. */
  private token(): boolean {
    const char = this.text.charAt(this.at);
    if (this.isAtMarker()) {
      this.at += 3;
      this.parent = -1;
    } else if (whiteSpace.includes(char)) this.space();
    else if (char === "#") this.comment();
    else if (this.at === this.lineStart && char === "%") this.at = this.endOfLine(this.at);
    else if ("-?:".includes(char) && this.isSpaceAt(this.at + 1)) {
      this.parent = char === ":" && this.node >= 0 ? this.node : this.at - this.lineStart;
      this.node = -1;
      this.at++;
    } else {
      if (this.node < 0) this.node = this.at - this.lineStart;
      if ("&!*".includes(char)) this.word(whiteSpace);
      else if ("\"'[{".includes(char)) {
        const { lineStart } = this;
        if (!("[{".includes(char) ? this.flow() : this.quoted())) return false;
        return lineStart === this.lineStart || !this.isAtColon(); // a key cannot have several lines
      } else if ("|>".includes(char)) this.block();
      else this.plain();
    }
    return true;
  }

  private flow(): boolean {
    let depth = 0;
    /** Whether the previous token is an unquoted text, and whether a comment ends that text. */
    let [isPlain, isEnded] = [false, false];
    do {
      const char = this.text.charAt(this.at);
      if (char === "" || this.isAtMarker()) return false;
      if (whiteSpace.includes(char)) {
        this.blank();
        this.space();
      } else if (char === "#") {
        isEnded = isPlain;
        const end = this.endOfLine(this.at);
        while (this.at < end) this.blank(this.at++);
      } else if (",:]}".includes(char) || !isEnded) {
        isPlain = false;
        if ("[{".includes(char)) depth++;
        if ("]}".includes(char)) depth--;
        if (`${flowIndicators}:`.includes(char)) this.at++;
        else if ("\"'".includes(char)) {
          if (!this.quoted()) return false;
        } else if ("&!*".includes(char)) this.word(whiteSpace + flowIndicators);
        else {
          if (!this.plainInFlow()) return false;
          isPlain = true;
        }
        isEnded = false;
      } else return false; // joined, the text before the comment would continue behind it
    } while (depth > 0);
    return true;
  }

  private quoted(): boolean {
    const quote = this.text.charAt(this.at++);
    for (; this.at < this.text.length; this.at++) {
      const char = this.text.charAt(this.at);
      const next = this.text.charAt(this.at + 1);
      if (this.isAtMarker()) return false;
      if (whiteSpace.includes(char)) {
        this.blank();
        if (lineBreaks.includes(char)) this.lineStart = this.at + 1;
      } else if (char === "\\" && quote === '"') {
        if (next === "'") this.blank(); // an escape that the parser does not know
        if (!whiteSpace.includes(next)) this.at++;
      } else if (char === quote) {
        this.at++;
        if (quote === '"' || next !== quote) return true;
      }
    }
    return false;
  }

  private plainInFlow(): boolean {
    for (; this.at < this.text.length && !this.isAtMarker(); this.at++) {
      const char = this.text.charAt(this.at);
      if (flowIndicators.includes(char)) return true;
      if (char === ":" && (this.isSpaceAt(this.at + 1) || flowIndicators.includes(this.text.charAt(this.at + 1))))
        return true;
      if (char === "#" && this.isSpaceAt(this.at - 1)) return true;
      if (whiteSpace.includes(char)) {
        this.blank();
        if (lineBreaks.includes(char)) this.lineStart = this.at + 1;
      }
    }
    return false;
  }

  /**
   * Reads an unquoted text outside of flow collections. It continues on lines that are indented deeper than its parent.
   */
  private plain(): void {
    for (; this.at < this.text.length; this.at++) {
      this.at = this.find(/[:#\r\n]/g, this.at);
      const char = this.text.charAt(this.at);
      if (char === ":" && this.isSpaceAt(this.at + 1)) return;
      if (char === "#" && this.isSpaceAt(this.at - 1)) return;
      if (!lineBreaks.includes(char)) continue;
      const [line, first] = this.nextLine(this.at);
      if (first - line <= this.parent || this.isMarker(line)) return;
      this.lineStart = line;
      this.at = first - 1;
    }
  }

  private block(): void {
    this.at++;
    while (this.at < this.text.length && "-+0123456789".includes(this.text.charAt(this.at))) this.at++;
    if (this.text.charAt(this.at) === "#") this.comment();
    this.at = this.endOfLine(this.at);
    while (this.at < this.text.length) {
      const [line, first] = this.nextLine(this.at);
      if (first - line <= this.parent || this.isMarker(line)) return;
      this.at = this.endOfLine(first);
    }
  }

  /** Reads one character of white space. */
  private space(): void {
    if (!lineBreaks.includes(this.text.charAt(this.at++))) return;
    this.lineStart = this.at;
    this.node = -1;
  }

  /** To the parser, a character directly before it would make it no comment. */
  private comment(): void {
    const end = this.endOfLine(this.at);
    if (!this.isSpaceAt(this.at - 1)) for (let at = this.at; at < end; at++) this.blank(at);
    this.at = end;
  }

  private word(ends: string): void {
    do this.at++;
    while (!ends.includes(this.text.charAt(this.at)));
  }

  private blank(at = this.at): void {
    this.joined.writeUInt16LE(32, 2 * at);
  }

  /** The starts of the next line that is not empty, and of its text. */
  private nextLine(from: number): [line: number, first: number] {
    let line = from;
    let at = from;
    for (; at < this.text.length; at++) {
      const char = this.text.charAt(at);
      if (lineBreaks.includes(char)) line = at + 1;
      else if (char !== " ") break;
    }
    return [line, at];
  }

  private endOfLine(at: number): number {
    return this.find(/[\r\n]/g, at);
  }

  /** The next position of one of these characters, or the end of the text. */
  private find(characters: RegExp, from: number): number {
    characters.lastIndex = from;
    return characters.exec(this.text)?.index ?? this.text.length;
  }

  private isAtMarker(): boolean {
    return this.at === this.lineStart && this.isMarker(this.at);
  }

  /** Whether a separator of documents is here, at the start of a line. */
  private isMarker(at: number): boolean {
    return (this.text.startsWith("---", at) || this.text.startsWith("...", at)) && this.isSpaceAt(at + 3);
  }

  private isAtColon(): boolean {
    let { at } = this;
    while (this.text.charAt(at) === " ") at++;
    return this.text.charAt(at) === ":" && this.isSpaceAt(at + 1);
  }

  /** True also before the text and behind it. */
  private isSpaceAt(at: number): boolean {
    return whiteSpace.includes(this.text.charAt(at));
  }
}
