import type { EnvoyRule } from "./envoy-rule.js";
import { compileRegex } from "./regex.js";
import { programSize } from "./regex-size.js";
import type { WireMessage } from "./wire-message.js";

/** Folds a domain as Envoy compares domains: ASCII letters in any case are equal. A port is part of the domain. */
const folded = (domain: string) => domain.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Checks that no domain occurs in two virtual hosts of a route configuration. */
const domains: EnvoyRule = (message, { report }) => {
  const seen = new Map<string, WireMessage>();
  for (const host of message.messages("virtualHosts"))
    for (const [index, domain] of host.texts("domains").entries()) {
      const key = folded(domain);
      const other = seen.get(key);
      if (!other) seen.set(key, host);
      // A domain that occurs twice in one host is reported by the host's own rule.
      else if (other !== host) {
        const name = JSON.stringify(other.text("name"));
        report(
          "DUPLICATE_DOMAIN",
          `is the domain ${JSON.stringify(domain)}, which virtual host ${name} has too`,
          host.path("domains", index),
        );
      }
    }
};

const domainsOfOne: EnvoyRule = (host, { report }) => {
  const seen = new Set<string>();
  for (const [index, domain] of host.texts("domains").entries()) {
    const key = folded(domain);
    if (seen.has(key))
      report(
        "DUPLICATE_DOMAIN",
        `is the domain ${JSON.stringify(domain)} again; remove it`,
        host.path("domains", index),
      );
    seen.add(key);
  }
};

/** The most instructions that Envoy allows in an expression, unless its runtime configuration has another limit. */
const envoysMost = 100;

/**
 * Matches expressions with only literals, dots, alternatives, groups, simple classes and simple repetitions.
 *
 * RE2 accepts such an expression if V8 does, and V8 checks it in a thousandth of the time that re2js needs. Short ones
 * are not too large.
 */
const plain =
  /^(?:[\w\s/,:;=@!~"'%&<>#-]|\\[dDwWsSbB.\\/*+?()[\]{}|^$]|\[\^?[\w./,:;=@!~%+*-]+\]|\.|\||\^|\$|\((?:\?:|(?!\?))|\)|[*+?]\??)*$/;
const longestPlain = 36;

function isPlain(pattern: string): boolean {
  if (pattern.length > longestPlain || !plain.test(pattern)) return false;
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}

/**
 * Errors of re2js for expressions that RE2 accepts: two groups with one name, `\C`, and a count too large to be a
 * count.
 */
const onlyHere = /duplicate capture group name|invalid escape sequence: `\\C`|invalid repeat count: `\{\d{9}/;

/** Matches `\x{100}` and above. */
const beyondBytes = /(?<!\\)(?:\\\\)*\\x\{0*[1-9a-f][0-9a-f]{2,}\}/i;

const regex: EnvoyRule = (message, { hidesValues, report }) => {
  const pattern = message.text("regex");
  if (isPlain(pattern)) return;
  const compiled = compileRegex(pattern);
  const at = message.path("regex");
  if ("program" in compiled) {
    if (beyondBytes.test(pattern))
      report("BAD_REGEX", "has a character above \\xFF, but Envoy's RE2 matches bytes", at);
    else {
      const size = programSize(pattern);
      if (size > envoysMost) report("LARGE_REGEX", tooLarge(`has about ${size} instructions in Envoy's RE2`), at);
    }
  } else if (compiled.isTooLarge) report("LARGE_REGEX", tooLarge("is too large to be counted here"), at);
  else if (!onlyHere.test(compiled.why))
    report("BAD_REGEX", hidesValues ? "is not a valid RE2 regular expression" : compiled.why, at);
};

const tooLarge = (size: string) =>
  `${size}; Envoy refuses more than ${envoysMost} instructions, unless re2.max_program_size.error_level in its runtime is higher`;

/** The rules for routes and regular expressions, by the full name of the message. */
export const routeRules: readonly (readonly [string, EnvoyRule])[] = [
  ["envoy.config.route.v3.RouteConfiguration", domains],
  ["envoy.config.route.v3.VirtualHost", domainsOfOne],
  ["envoy.type.matcher.v3.RegexMatcher", regex],
  ["xds.type.matcher.v3.RegexMatcher", regex],
];
