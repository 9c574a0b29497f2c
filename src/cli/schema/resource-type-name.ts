import { Argument, InvalidArgumentError, Option } from "commander";
import { messageOf } from "../../errors.js";
import { nearest } from "../../nearest.js";
import { resourceTypes } from "../../resource/default-api.js";
import { findTypeNamed, spellingsOf } from "../../resource/type-spellings.js";
import { type ResourceType, XdsApi } from "../../resource/xds-api.js";
import { completedWith, UsageError } from "../terminal/command.js";

/** An argument that {@link typeNamed} takes. */
export const typeArgument = (name: string, help: string): Argument =>
  completedWith(new Argument(name, help), typeNames());

/**
 * Like {@link findTypeNamed}.
 * @throws UsageError
 */
export function typeNamed(text: string): ResourceType {
  const found = findTypeNamed(text, XdsApi.default);
  if (found) return found;
  const types = resourceTypes();
  const meant = nearest(text, types.flatMap(spellingsOf));
  throw new UsageError(
    `no resource type is called ${JSON.stringify(text)}; ${meant ? `did you mean ${meant}?` : `the types are ${types.map(({ name }) => name).join(", ")}`}`,
  );
}

const typeNames = () => resourceTypes().map((type) => type.name);

/** The type URL of the type that a user names, for an option or a setting. */
export const parseType = Object.assign(
  (text: string): string => {
    try {
      return typeNamed(text).typeUrl;
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
  },
  { choices: typeNames() },
);

export const typeHelp =
  'the type of resources without "@type" in files, such as clusters; by default their fields decide it, if only one type has them';

/** `--type`, of a command that reads files. */
export const typeOption = (): Option =>
  completedWith(new Option("--type <type>", typeHelp).env("XDS_TYPE").argParser(parseType), parseType.choices);
