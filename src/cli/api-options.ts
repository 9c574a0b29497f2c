import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Command, Option } from "commander";
import { messageOf, XdsError } from "../errors.js";
import { extractDescriptors } from "../schema/extract-descriptors.js";
import { useEnvoyApi } from "../schema/registry.js";
import { UsageError } from "./command.js";

/** Which Envoy's API a command goes by; neither: the built-in one. */
export interface ApiOptions {
  readonly descriptors?: string | undefined;
  readonly envoy?: string | undefined;
}

/** Adds `--descriptors` and `--envoy` to a command that parses, validates or prints resources; it begins with {@link useApi}. */
export function addApiOptions(command: Command): Command {
  return command.addOption(descriptorsOption()).addOption(envoyOption());
}

const descriptorsOption = () =>
  new Option("--descriptors <file>", "go by the API in this file, as `xds schema extract` or protoc writes it").env(
    "XDS_DESCRIPTORS",
  );

export const envoyOption = () =>
  new Option("--envoy <binary>", "go by the API of this Envoy, which is read out of it").env("XDS_ENVOY");

/**
 * Goes by the API of these options from now on: to be called before anything else is done.
 * @throws UsageError, XdsError INVALID_OPTION naming the file
 */
export async function useApi({ descriptors, envoy }: ApiOptions): Promise<void> {
  if (descriptors !== undefined && envoy !== undefined)
    throw new UsageError("--descriptors and --envoy both say which API to go by; leave one of them out");
  if (envoy !== undefined) useEnvoyApi(await extractDescriptors(binaryNamed(envoy)));
  if (descriptors !== undefined) await useDescriptors(descriptors);
}

async function useDescriptors(file: string): Promise<void> {
  try {
    useEnvoyApi(await readFile(file));
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${file}: ${messageOf(cause)}`, { cause });
  }
}

/** A path, or a command that the PATH has. */
export function binaryNamed(name: string): string {
  if (name.includes("/") || existsSync(name)) return name;
  const paths = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return paths.map((directory) => join(directory, name)).find(existsSync) ?? name;
}
