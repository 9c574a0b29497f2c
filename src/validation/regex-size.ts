import { RE2JS } from "re2js";

// This file reads private fields of re2js 2.10.0, so package.json pins that version.

/** An instruction of a program. `to` and `other` are the instructions that may follow. */
type Instruction =
  | { readonly op: "either"; to: number; other: number }
  | { readonly op: "byte" | "step" | "nothing"; to: number }
  | { readonly op: "match" | "fail" };

/** An instruction of re2js. */
interface Re2jsInstruction {
  readonly op: number;
  readonly out: number;
  /** For an alternative, the second branch; for an assertion, its kind. */
  readonly arg: number;
  /** Pairs of first and last characters, or a single character. */
  readonly runes: ArrayLike<number>;
}

/** The numbers that re2js uses for kinds of instructions and of assertions. */
const ops = { either: 1, eitherMatch: 2, capture: 3, assertion: 4, fail: 5, match: 6, nothing: 7 };
const [beginText, endText] = [4, 8];

/**
 * Returns how many instructions RE2 makes of an expression in Envoy, which limits this number.
 *
 * Envoy's RE2 matches bytes (Latin-1). The count follows RE2's compile.cc and prog.cc. It differs if RE2 simplifies an
 * expression more than re2js does.
 * @throws Error for an invalid expression
 */
export function programSize(pattern: string): number {
  const bytes = Buffer.from(pattern).toString("latin1");
  const { re2Input } = RE2JS.compile(bytes);
  const { prog } = re2Input as unknown as { prog: { inst: readonly Re2jsInstruction[]; start: number } };
  return new Program(prog.inst, prog.start, bytes).size();
}

class Program {
  private readonly all: Instruction[];
  private readonly start: number;
  /** The instruction with which the search for the beginning of a match starts. */
  private readonly searchStart: number;

  constructor(
    private readonly given: readonly Re2jsInstruction[],
    start: number,
    pattern: string,
  ) {
    this.all = given.map(() => ({ op: "fail" }));
    for (const [index, one] of given.entries()) this.all[index] = this.converted(one);
    const afterAnchor = this.afterAnchor(start);
    const afterPrefix = afterAnchor === undefined ? undefined : this.afterPrefix(afterAnchor, pattern);
    this.dropEndAnchor();
    for (const one of this.all) {
      if ("to" in one) one.to = this.resolved(one.to);
      if (one.op === "either") one.other = this.resolved(one.other);
    }
    this.start = this.resolved(afterPrefix ?? afterAnchor ?? start);
    this.searchStart = this.start;
    if (afterAnchor !== undefined && afterPrefix === undefined) return;
    this.searchStart = this.all.length;
    this.all.push({ op: "either", to: this.start, other: this.searchStart + 1 }, { op: "byte", to: this.searchStart });
  }

  private converted({ op, out, arg, runes }: Re2jsInstruction): Instruction {
    if (op === ops.either || op === ops.eitherMatch) return { op: "either", to: out, other: arg };
    if (op === ops.capture || op === ops.assertion) return { op: "step", to: out };
    if (op === ops.fail) return { op: "fail" };
    if (op === ops.match) return { op: "match" };
    if (op === ops.nothing) return { op: "nothing", to: out };
    let last: Instruction | undefined;
    for (let count = runes.length === 1 ? 1 : rangesIn(runes); count > 0; count--) {
      if (last) this.all.push(last);
      const before = this.all.length - 1;
      this.all.push({ op: "byte", to: out });
      last = last ? { op: "either", to: before, other: this.all.length - 1 } : this.all.pop();
    }
    return last ?? { op: "fail" };
  }

  /** Returns the instruction after a leading `^`. In RE2 the `^` is a property of the program, not an instruction. */
  private afterAnchor(start: number): number | undefined {
    let at = start;
    while (this.given[at]?.op === ops.capture || this.given[at]?.op === ops.nothing) at = this.given[at]?.out ?? 0;
    let first = this.given[at];
    if (first?.op !== ops.assertion || first.arg !== beginText) return undefined;
    this.all[at] = { op: "nothing", to: first.out };
    if (at !== start) return start;
    while (first?.op === ops.assertion && first.arg === beginText) {
      at = first.out;
      first = this.given[at];
    }
    return at;
  }

  /**
   * Returns the instruction after a literal text that follows the `^`. RE2 compares such a text without instructions.
   */
  private afterPrefix(start: number, pattern: string): number | undefined {
    const [, text = ""] = /^(?:\(\?[ims]+\))?(?:\^|\\A)+((?:[^\\^$.|?*+()[\]{}]|\\[^\w\s])*)/.exec(pattern) ?? [];
    const isRepeated = /^[*+?{]/.test(pattern.slice(pattern.indexOf(text) + text.length));
    let left = text.replace(/\\./gs, "x").length - (isRepeated ? 1 : 0);
    let at = start;
    for (; left > 0 && this.given[at]?.runes.length === 1; left--) at = this.given[at]?.out ?? 0;
    return at === start ? undefined : at;
  }

  /** Removes a trailing `$` if nothing else leads to the end. */
  private dropEndAnchor(): void {
    let end = this.given.findIndex(({ op }) => op === ops.match);
    for (;;) {
      const [only = -1, ...others] = this.given.flatMap(({ op, out, arg }, index) =>
        op !== ops.match && op !== ops.fail && (out === end || (op <= ops.eitherMatch && arg === end)) ? [index] : [],
      );
      const before = this.given[only];
      if (!before || others.length > 0) return;
      if (before.op === ops.assertion && before.arg === endText) this.all[only] = { op: "nothing", to: before.out };
      if (before.op !== ops.capture && before.op !== ops.nothing) return;
      end = only;
    }
  }

  private resolved(id: number): number {
    let at = id;
    for (let one = this.all[at]; one?.op === "nothing"; one = this.all[at]) at = one.to;
    return at;
  }

  /**
   * Returns the size after RE2's flattening: each place gets a list of the instructions that may be next.
   *
   * An instruction in several lists gets its own list.
   */
  size(): number {
    const places = new Set([this.searchStart, this.start]);
    const before = new Map<number, number[]>();
    for (const id of this.reached()) {
      const one = this.all[id];
      if (one?.op === "either") for (const next of [one.to, one.other]) push(before, next, id);
      else if (one && "to" in one) places.add(one.to);
    }
    for (const place of [...places]) {
      if (place === this.start || place === this.searchStart) continue;
      const { all } = this.listAt(place, places);
      for (const id of all) if (before.get(id)?.some((other) => !all.has(other))) places.add(id);
    }
    const failInstruction = 1;
    return [...places].reduce((size, place) => size + this.listAt(place, places).length, failInstruction);
  }

  private reached(): ReadonlySet<number> {
    const found = new Set([this.searchStart]);
    for (const id of found) {
      const one = this.all[id];
      if (one && "to" in one) found.add(one.to);
      if (one?.op === "either") found.add(one.other);
    }
    return found;
  }

  /** Returns the instructions that may be next at a place, and the length of the place's list. */
  private listAt(place: number, places: ReadonlySet<number>): { all: ReadonlySet<number>; length: number } {
    const all = new Set([place]);
    let length = 0;
    for (const id of all) {
      const one = this.all[id];
      if (one?.op !== "either" || (id !== place && places.has(id))) length++;
      else all.add(one.to).add(one.other);
    }
    return { all, length };
  }
}

/** Returns how many byte ranges a class has. If the class has both cases of each letter, one range stands for both. */
function rangesIn(runes: ArrayLike<number>): number {
  const ranges = Array.from(
    { length: runes.length / 2 },
    (_, at) => [runes[2 * at] ?? 0, runes[2 * at + 1] ?? 0] as const,
  );
  const has = (byte: number) => ranges.some(([low, high]) => low <= byte && byte <= high);
  const isAnyCase = Array.from({ length: 26 }, (_, at) => at + 65).every((letter) => has(letter) === has(letter + 32));
  return ranges.filter(([low, high]) => low <= 255 && !(isAnyCase && low >= 65 && high <= 90)).length;
}

function push(map: Map<number, number[]>, key: number, value: number): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}
