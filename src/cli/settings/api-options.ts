import { type Command, Option } from "commander";
import { messageOf, XdsError } from "../../errors.js";
import { useEnvoyApi } from "../../resource/default-api.js";
import { isBuiltInApi } from "../../schema/registry.js";
import { readGiven } from "../../source/files/whole-file.js";
import { envoyBinary } from "../envoy/binary.js";
import { UsageError } from "../terminal/command.js";

/** Which Envoy API a command uses. With neither option, it is the built-in one. */
export interface ApiOptions {
  readonly descriptors?: string | undefined;
  readonly envoy?: string | undefined;
}

/** The help of the options, here and in the settings of `xds serve`. */
export const apiHelp = {
  descriptors: "use the API in this file instead of the built-in one; `xds schema extract` writes such a file",
  envoy: "use the API that this Envoy was built with; it is read from the binary",
} as const;

/**
 * Adds `--descriptors` and `--envoy` to a command that parses, validates or prints resources. The command must call
 * {@link useApi} first.
 */
export function addApiOptions(command: Command, envoyHelp?: string): Command {
  return command.addOption(descriptorsOption()).addOption(envoyOption(envoyHelp));
}

const descriptorsOption = () => new Option("--descriptors <file>", apiHelp.descriptors).env("XDS_DESCRIPTORS");

export const envoyOption = (help: string = apiHelp.envoy) => new Option("--envoy <binary>", help).env("XDS_ENVOY");

/**
 * Uses the API of these options from now on. Call this before anything else.
 * @throws UsageError, XdsError INVALID_OPTION naming the file
 */
export async function useApi({ descriptors, envoy }: ApiOptions): Promise<void> {
  if (descriptors !== undefined && envoy !== undefined)
    throw new UsageError(
      "--descriptors and --envoy (XDS_DESCRIPTORS and XDS_ENVOY) both choose the API; leave one of them out",
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
 * Uses the API of these options. Without them, it uses the API of the first operand that is a page of an admin port of
 * `xds serve`, because the pages of a server can only be read with its own API. Other admin ports, such as an Envoy's,
 * do not offer their API.
 * @throws as {@link useApi}
 */
export async function useApiFor(operands: readonly string[], options: ApiOptions, timeoutMs: number): Promise<void> {
  if (options.descriptors === undefined && options.envoy === undefined)
    for (const url of operands.filter((operand) => /^https?:\/\//.test(operand) && URL.canParse(operand))) {
      const descriptors = await descriptorsAt(new URL("/descriptors", url), timeoutMs);
      if (!descriptors || isBuiltInApi(descriptors)) continue;
      useEnvoyApi(descriptors);
      return;
    }
  await useApi(options);
}

/** Fetches the descriptors of a server. The result is undefined if there are none at this URL. */
async function descriptorsAt(url: URL, timeoutMs: number): Promise<Uint8Array | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    const isBinary = answer.headers.get("content-type") === "application/octet-stream";
    return answer.ok && isBinary ? new Uint8Array(await answer.arrayBuffer()) : undefined;
  } catch {
    return undefined; // fetching the page itself will report why it cannot be fetched
  }
}

/**
 * The API of an Envoy. `envoy` is a path, or the name of a command in the PATH.
 * @throws XdsError INVALID_OPTION
 */
export async function readApi(envoy: string): Promise<Uint8Array> {
  const { extractDescriptors } = await import("../../schema/extract-descriptors.js"); // most commands do not need it
  return extractDescriptors(envoyBinary(envoy));
}

/** The most bytes that are read. An Envoy's binary fits, so that one given by mistake is recognized. */
const maxDescriptorBytes = 512 * 2 ** 20;

async function readDescriptors(file: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readGiven(file, { maxBytes: maxDescriptorBytes });
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const { isProgram } = await import("../../schema/extract-descriptors.js");
  if (isProgram(bytes))
    throw new XdsError(
      "INVALID_OPTION",
      `${file} is a program, not a descriptor file; --envoy reads an Envoy's binary`,
    );
  return bytes;
}
