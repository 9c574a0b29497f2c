import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Command, Option } from "commander";
import { messageOf, XdsError } from "../errors.js";
import { useEnvoyApi } from "../schema/registry.js";
import { UsageError } from "./command.js";

/** Which Envoy's API a command goes by; neither: the built-in one. */
export interface ApiOptions {
  readonly descriptors?: string | undefined;
  readonly envoy?: string | undefined;
}

/** How the options are explained, here and in the settings of `xds serve`. */
export const apiHelp = {
  descriptors: "go by the API in this file, which `xds schema extract` writes, in place of the built-in one",
  envoy: "go by the API that this Envoy was built with, read out of its binary",
} as const;

/** Adds `--descriptors` and `--envoy` to a command that parses, validates or prints resources; it begins with {@link useApi}. */
export function addApiOptions(command: Command, envoyHelp?: string): Command {
  return command.addOption(descriptorsOption()).addOption(envoyOption(envoyHelp));
}

const descriptorsOption = () => new Option("--descriptors <file>", apiHelp.descriptors).env("XDS_DESCRIPTORS");

export const envoyOption = (help: string = apiHelp.envoy) => new Option("--envoy <binary>", help).env("XDS_ENVOY");

/**
 * Goes by the API of these options from now on: to be called before anything else is done.
 * @throws UsageError, XdsError INVALID_OPTION naming the file
 */
export async function useApi({ descriptors, envoy }: ApiOptions): Promise<void> {
  if (descriptors !== undefined && envoy !== undefined)
    throw new UsageError(
      "--descriptors and --envoy (XDS_DESCRIPTORS and XDS_ENVOY) both say which API to go by; leave one of them out",
    );
  const file = descriptors ?? envoy;
  if (file === undefined) return;
  const bytes = descriptors === undefined ? await readApi(file) : await readDescriptors(file);
  try {
    useEnvoyApi(bytes);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${file}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The API of an Envoy, named by a path or as a command that the PATH has.
 * @throws XdsError INVALID_OPTION
 */
export async function readApi(envoy: string): Promise<Uint8Array> {
  const { extractDescriptors } = await import("../schema/extract-descriptors.js"); // most commands do without
  return extractDescriptors(binaryNamed(envoy));
}

async function readDescriptors(file: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const { isProgram } = await import("../schema/extract-descriptors.js");
  if (isProgram(bytes))
    throw new XdsError(
      "INVALID_OPTION",
      `${file} is a program, not a descriptor file; --envoy reads an Envoy's binary`,
    );
  return bytes;
}

function binaryNamed(name: string): string {
  if (name.includes("/") || existsSync(name)) return name;
  const paths = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return paths.map((directory) => join(directory, name)).find(existsSync) ?? name;
}
