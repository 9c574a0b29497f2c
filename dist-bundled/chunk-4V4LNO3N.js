import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  isLoopback
} from "./chunk-UYRQJDKN.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/server/access/csds-access.js
function loopbackOrSan(pattern) {
  if (pattern !== void 0 && (pattern === "" || /[{}]/.test(pattern)))
    throw new XdsError("INVALID_OPTION", `${JSON.stringify(pattern)}: expected a certificate name in which * is the only placeholder`);
  const expression = pattern === void 0 ? void 0 : new RegExp(`^${pattern.split("*").map(escaped).join("[^/]+")}$`);
  const others = pattern === void 0 ? "other clients need a certificate that --tls-csds-san allows (in the library: the option csds)" : `other clients need a certificate with a name that matches ${pattern}`;
  return ({ peer, certificateNames }) => isLocal(peer) || certificateNames.some((name) => expression?.test(name)) || `the client status service is for clients on this machine; ${others}`;
}
var isLocal = (peer) => isLoopback(peer.replace(/:\d+$/, "").replace(/^::ffff:/i, ""));
var escaped = (text) => text.replace(/[.+?^${}()|[\]\\/-]/g, "\\$&");

// dist/server/access/san-pattern.js
var SanPattern = class {
  text;
  /** The fields of a node that a matching name proves. */
  proves;
  variables;
  expression;
  /**
   * @throws XdsError INVALID_OPTION for a pattern with an unknown placeholder, without a placeholder, or with two
   * placeholders that no text separates
   */
  constructor(text) {
    this.text = text;
    const parts = text.split(/(\{id\}|\{cluster\}|\*)/);
    const literals = parts.filter((_, index) => index % 2 === 0);
    this.variables = parts.filter((_, index) => index % 2 === 1).map((part, index) => variable(part, index, literals));
    this.proves = new Set(this.variables.flatMap(({ field }) => field ?? []));
    if (this.proves.size === 0 || literals.some((literal) => /[{}]/.test(literal)))
      throw this.invalid("expected {id} or {cluster} or both, and no other placeholder");
    const touching = this.variables.findIndex((_, index) => index > 0 && literals[index] === "");
    if (touching > 0)
      throw this.invalid(`put a text such as "/" between ${this.variables[touching - 1]?.text} and ${this.variables[touching]?.text}; without it the end of the first is ambiguous`);
    const groups = this.variables.map(({ excluded }) => `([^${escaped2(excluded)}]+)`);
    this.expression = new RegExp(`^${literals.map((literal, index) => escaped2(literal) + (groups[index] ?? "")).join("")}$`);
  }
  /** Whether this certificate name is a name of the node. */
  matches(name, node) {
    const values = this.expression.exec(name)?.slice(1);
    return values !== void 0 && this.variables.every(({ field }, index) => !field || node[field] === values[index]);
  }
  /** The name that this node's certificate needs. `*` is left in it. */
  nameOf(node) {
    return this.text.replace(/\{(id|cluster)\}/g, (_, field) => node[field]);
  }
  /** The reason why no name can match the node. undefined if a name can. */
  excludes(node) {
    for (const { text, field, excluded } of this.variables) {
      if (!field)
        continue;
      if (node[field] === "")
        return `its ${field} is empty; expected ${this.text}`;
      const character = [...excluded].find((one) => node[field].includes(one));
      if (character)
        return `its ${field} has a "${character}", which ${text} in ${this.text} does not match`;
    }
    return void 0;
  }
  invalid(why) {
    return new XdsError("INVALID_OPTION", `${JSON.stringify(this.text)}: ${why}`);
  }
};
function variable(text, index, literals) {
  const field = text === "{id}" ? "id" : text === "{cluster}" ? "cluster" : void 0;
  return { text, field, excluded: `/${separators(index, literals)}` };
}
function separators(index, literals) {
  const inSegment = (at) => at > 0 && at < literals.length - 1 && !literals[at]?.includes("/");
  let first = index;
  while (inSegment(first))
    first--;
  let last = index + 1;
  while (inSegment(last))
    last++;
  const between = literals.slice(first + 1, last);
  return [...new Set(between.map((literal) => literal[0] ?? ""))].join("");
}
var escaped2 = (text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");

export {
  loopbackOrSan,
  SanPattern
};
