import { XdsError } from "../../errors.js";
import type { Node } from "../../schema/node.js";

/** A field of a node that a certificate can prove. */
export type ProvenField = "id" | "cluster";

/** `{id}`, `{cluster}` or `*` in a pattern. */
interface Variable {
  readonly text: string;
  /** The field that this variable proves. undefined for `*`, which proves nothing. */
  readonly field: ProvenField | undefined;
  /** The characters that the variable does not match. */
  readonly excluded: string;
}

/**
 * A pattern of certificate names, such as `spiffe://*\/ns/{cluster}/sa/{id}`. A name matches in one way only, so no two
 * nodes have the same name. A variable matches at least one character, and no slash. If a segment has several
 * variables, none of them matches the first character of a text that stands between two of them. Example: in
 * `{id}.{cluster}.example` neither variable matches a dot. Case counts, and `%2F` is not a slash.
 */
export class SanPattern {
  /** The fields of a node that a matching name proves. */
  readonly proves: ReadonlySet<ProvenField>;
  private readonly variables: readonly Variable[];
  private readonly expression: RegExp;

  /**
   * @throws XdsError INVALID_OPTION for a pattern with an unknown placeholder, without a placeholder, or with two
   * placeholders that no text separates
   */
  constructor(readonly text: string) {
    const parts = text.split(/(\{id\}|\{cluster\}|\*)/);
    const literals = parts.filter((_, index) => index % 2 === 0);
    this.variables = parts.filter((_, index) => index % 2 === 1).map((part, index) => variable(part, index, literals));
    this.proves = new Set(this.variables.flatMap(({ field }) => field ?? []));
    if (this.proves.size === 0 || literals.some((literal) => /[{}]/.test(literal)))
      throw this.invalid("expected {id} or {cluster} or both, and no other placeholder");
    const touching = this.variables.findIndex((_, index) => index > 0 && literals[index] === "");
    if (touching > 0)
      throw this.invalid(
        `put a text such as "/" between ${this.variables[touching - 1]?.text} and ${this.variables[touching]?.text}; ` +
          "without it the end of the first is ambiguous",
      );
    const groups = this.variables.map(({ excluded }) => `([^${escaped(excluded)}]+)`);
    this.expression = new RegExp(
      `^${literals.map((literal, index) => escaped(literal) + (groups[index] ?? "")).join("")}$`,
    );
  }

  /** Whether this certificate name is a name of the node. */
  matches(name: string, node: Node): boolean {
    const values = this.expression.exec(name)?.slice(1);
    return values !== undefined && this.variables.every(({ field }, index) => !field || node[field] === values[index]);
  }

  /** The name that this node's certificate needs. `*` is left in it. */
  nameOf(node: Node): string {
    return this.text.replace(/\{(id|cluster)\}/g, (_, field: ProvenField) => node[field]);
  }

  /** The reason why no name can match the node. undefined if a name can. */
  excludes(node: Node): string | undefined {
    for (const { text, field, excluded } of this.variables) {
      if (!field) continue;
      if (node[field] === "") return `its ${field} is empty; expected ${this.text}`;
      const character = [...excluded].find((one) => node[field].includes(one));
      if (character) return `its ${field} has a "${character}", which ${text} in ${this.text} does not match`;
    }
    return undefined;
  }

  private invalid(why: string): XdsError {
    return new XdsError("INVALID_OPTION", `${JSON.stringify(this.text)}: ${why}`);
  }
}

/** The variable between the literals at `index` and `index + 1`. */
function variable(text: string, index: number, literals: readonly string[]): Variable {
  const field = text === "{id}" ? "id" : text === "{cluster}" ? "cluster" : undefined;
  return { text, field, excluded: `/${separators(index, literals)}` };
}

/** The first characters of the texts between the variables of the segment that has this variable. */
function separators(index: number, literals: readonly string[]): string {
  const inSegment = (at: number) => at > 0 && at < literals.length - 1 && !literals[at]?.includes("/");
  let first = index;
  while (inSegment(first)) first--;
  let last = index + 1;
  while (inSegment(last)) last++;
  const between = literals.slice(first + 1, last);
  return [...new Set(between.map((literal) => literal[0] ?? ""))].join("");
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
