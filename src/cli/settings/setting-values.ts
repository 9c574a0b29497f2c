import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { InvalidArgumentError } from "commander";
import { messageOf } from "../../errors.js";

// Each function here reads the text of a setting. It throws InvalidArgumentError with what was expected.

/** Marks what also reads a list of `xds.yaml`. */
const takesList = true;

/** Any text but an empty one. */
export const text = (value: string) => {
  if (value !== "") return value;
  throw new InvalidArgumentError("expected a value, got an empty one");
};
/** One of these words. */
export const oneOf = <T extends string>(...choices: readonly T[]) =>
  Object.assign(
    (value: string): T => {
      const choice = choices.find((known) => known === value);
      if (choice !== undefined) return choice;
      throw new InvalidArgumentError(`expected one of ${choices.join(", ")}`);
    },
    { choices },
  );
/** `true` or `false`, also as `1` or `0`. */
export const onOff = (value: string) => oneOf("true", "false", "1", "0")(value).match(/true|1/) !== null;
/** What `parse` reads, or `off`. */
export const orOff =
  <T>(parse: (text: string) => T) =>
  (value: string): T | "off" => {
    if (value === "off") return "off";
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(`${error.message}, or "off"`);
    }
  };

/** A whole number from 0. */
export function countFromZero(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new InvalidArgumentError("expected a whole number from 0");
}

/** The most workers. Each one is a process. */
const mostWorkers = 256;

/** A number of workers, or `auto` for one on each core. */
export const countOrAuto = (value: string): number => {
  if (value === "auto") return availableParallelism();
  const number = /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (number >= 1 && number <= mostWorkers) return number;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${mostWorkers}, or auto`);
};

/** What `parse` reads, if it is at least `least`, which the program needs to work. */
export const atLeast =
  (parse: (text: string) => number, least: string) =>
  (value: string): number => {
    const number = parse(value);
    if (number >= parse(least)) return number;
    throw new InvalidArgumentError(`expected at least ${least}`);
  };

/** A pattern that `rule` accepts. */
export const sanPattern = (rule: (pattern: string) => unknown) => (value: string) => {
  try {
    rule(value);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return value;
};

/** `host:port`. An IPv6 address is in brackets. */
export function hostAndPort(value: string): string {
  const [, host = "", port = ""] = /^(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(value) ?? [];
  if (host !== "" && Number(port) >= 1 && Number(port) <= 65_535) return value;
  throw new InvalidArgumentError("expected host:port, such as xds-1.example:18000 or [2001:db8::1]:18000");
}

/** Host names, separated by commas. */
export const hostNames = Object.assign(
  (value: string): readonly string[] => {
    const names = value.split(",").map((name) => name.trim());
    const wrong = names.find((name) => isIP(name) === 0 && !/^[\w.-]+$/.test(name));
    if (wrong === undefined) return names;
    throw new InvalidArgumentError(
      `expected host names separated by commas, such as xds.example, without a scheme or a port, got ${JSON.stringify(wrong)}`,
    );
  },
  { takesList },
);

/** Values that `parse` reads, separated by commas. */
export const listOf = <T>(parse: (text: string) => T) =>
  Object.assign((value: string): readonly T[] => value.split(",").map((one) => parse(one.trim())), { takesList });

/** A share such as 5% or 0.05, from 0 to 1. */
export const share = (value: string): number => {
  const [, number = "", percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(value) ?? [];
  const found = number === "" ? Number.NaN : Number(number) / (percent ? 100 : 1);
  if (found >= 0 && found <= 1) return found;
  throw new InvalidArgumentError("expected a share such as 5% or 0.05");
};

/** The shares of nodes in the waves of a rollout: they grow, and the last one is all. */
export const waves = Object.assign(
  (value: string): readonly number[] => {
    const shares = listOf(share)(value);
    if (shares.at(-1) === 1 && shares.every((one, at) => one > (shares[at - 1] ?? 0))) return shares;
    throw new InvalidArgumentError("expected shares that grow up to 100%, such as 5%,25%,100%");
  },
  { takesList },
);

/** A URL of HTTP. */
export const httpUrl = (value: string): string => {
  if (/^https?:\/\/./.test(value) && URL.canParse(value)) return value;
  throw new InvalidArgumentError("expected a URL such as http://127.0.0.1:8080/path");
};

/** The fields of a node that can name its group, in addition to `metadata.<path>`. */
export const nodeFields = ["id", "cluster", "locality.region", "locality.zone", "locality.sub_zone"];
/** A field of a node that names its group. */
export const nodeField = Object.assign(
  (value: string) => {
    if (nodeFields.includes(value) || /^metadata\..+$/.test(value)) return value;
    throw new InvalidArgumentError(`expected one of ${nodeFields.join(", ")}, metadata.<path>`);
  },
  { choices: nodeFields },
);
