import { XdsError } from "../errors.js";
import type { Node } from "../schema/node.js";

/** What of a node a certificate can prove. */
export type ProvenField = "id" | "cluster";

/** `{id}`, `{cluster}` or `*` in a pattern. */
interface Variable {
  readonly text: string;
  /** undefined: `*`, which proves nothing. */
  readonly field: ProvenField | undefined;
  /** The characters that its value cannot have. */
  readonly excluded: string;
}

/**
 * A pattern of certificate names, such as `spiffe://*\/ns/{cluster}/sa/{id}`. A name can be read in one way only, so
 * no two nodes have the same name. No variable matches a slash, or nothing. Where a segment has several variables,
 * none of them matches the first character of a text between two of them: in `{id}.{cluster}.example` neither has a
 * dot. Case counts, and `%2F` is no slash.
 */
export class SanPattern {
  /** What of a node a name that matches proves. */
  readonly proves: ReadonlySet<ProvenField>;
  private readonly variables: readonly Variable[];
  private readonly expression: RegExp;

  /** @throws XdsError INVALID_OPTION for another placeholder, for none, and for two that nothing separates */
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
          "without it nobody can tell where one ends",
      );
    const groups = this.variables.map(({ excluded }) => `([^${escaped(excluded)}]+)`);
    this.expression = new RegExp(
      `^${literals.map((literal, index) => escaped(literal) + (groups[index] ?? "")).join("")}$`,
    );
  }

  /** Whether this name is that of the node. */
  matches(name: string, node: Node): boolean {
    const values = this.expression.exec(name)?.slice(1);
    return values !== undefined && this.variables.every(({ field }, index) => !field || node[field] === values[index]);
  }

  /** Why no name can be that of the node; undefined: one can. */
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

/** The literal at `index` stands before this variable, the next one after it. */
function variable(text: string, index: number, literals: readonly string[]): Variable {
  const field = text === "{id}" ? "id" : text === "{cluster}" ? "cluster" : undefined;
  return { text, field, excluded: `/${separators(index, literals)}` };
}

/** The first characters of the texts between the variables of one segment. */
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
