import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  UsageError,
  completedWith
} from "./chunk-M4PHON7U.js";
import {
  resourceTypes,
  useEnvoyApi
} from "./chunk-C24J2H5X.js";
import {
  readFlags,
  readGiven
} from "./chunk-D2S3E5CW.js";
import {
  findTypeNamed,
  spellingsOf
} from "./chunk-PTJNKBKB.js";
import {
  XdsApi
} from "./chunk-QMJ32M3M.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  isBuiltInApi
} from "./chunk-BIVW5D3R.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/schema/resource-type-name.js
import { Argument, InvalidArgumentError, Option } from "commander";
var typeArgument = (name, help) => completedWith(new Argument(name, help), typeNames());
function typeNamed(text) {
  const found = findTypeNamed(text, XdsApi.default);
  if (found)
    return found;
  const types = resourceTypes();
  const meant = nearest(text, types.flatMap(spellingsOf));
  throw new UsageError(`no resource type is called ${JSON.stringify(text)}; ${meant ? `did you mean ${meant}?` : `the types are ${types.map(({ name }) => name).join(", ")}`}`);
}
var typeNames = () => resourceTypes().map((type) => type.name);
var parseType = Object.assign((text) => {
  try {
    return typeNamed(text).typeUrl;
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}, { choices: typeNames() });
var typeHelp = 'the type of resources without "@type" in files, such as clusters; by default their fields decide it, if only one type has them';
var typeOption = () => completedWith(new Option("--type <type>", typeHelp).env("XDS_TYPE").argParser(parseType), parseType.choices);

// dist/cli/settings/api-options.js
import { Option as Option2 } from "commander";

// dist/cli/envoy/binary.js
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
function envoyBinary(name) {
  const path = name.includes("/") || existsSync(name) ? name : inPath(name) ?? name;
  return isWheelScript(path) ? binaryOfWheel(path) ?? path : path;
}
var inPath = (name) => (process.env.PATH ?? "").split(delimiter).filter(Boolean).map((directory) => join(directory, name)).find(existsSync);
var headBytes = 4096;
function isWheelScript(path) {
  let file;
  try {
    file = openSync(path, readFlags);
    const head = Buffer.alloc(headBytes);
    const text = head.toString("latin1", 0, readSync(file, head, 0, headBytes, 0));
    return text.startsWith("#!") && /^\s*(?:from|import) envoy\b/m.test(text);
  } catch {
    return false;
  } finally {
    if (file !== void 0)
      closeSync(file);
  }
}
var inWheel = ["envoy", "_bin", "envoy"];
function binaryOfWheel(script) {
  const prefix = dirname(dirname(realpathSync(script)));
  const libraries = ["lib", "lib64", "local/lib"].flatMap((name) => entriesOf(join(prefix, name)));
  const packages = libraries.flatMap((library) => ["site-packages", "dist-packages"].map((name) => join(library, name)));
  return [prefix, ...packages].map((directory) => join(directory, ...inWheel)).find(existsSync);
}
function entriesOf(directory) {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return [];
  }
}

// dist/cli/settings/api-options.js
var apiHelp = {
  descriptors: "use the API in this file instead of the built-in one; `xds schema extract` writes such a file",
  envoy: "use the API that this Envoy was built with; it is read from the binary"
};
function addApiOptions(command, envoyHelp) {
  return command.addOption(descriptorsOption()).addOption(envoyOption(envoyHelp));
}
var descriptorsOption = () => new Option2("--descriptors <file>", apiHelp.descriptors).env("XDS_DESCRIPTORS");
var envoyOption = (help = apiHelp.envoy) => new Option2("--envoy <binary>", help).env("XDS_ENVOY");
async function useApi({ descriptors, envoy }) {
  if (descriptors !== void 0 && envoy !== void 0)
    throw new UsageError("--descriptors and --envoy (XDS_DESCRIPTORS and XDS_ENVOY) both choose the API; leave one of them out");
  const file = descriptors ?? envoy;
  if (file === void 0)
    return;
  const bytes = descriptors === void 0 ? await readApi(file) : await readDescriptors(file);
  try {
    useEnvoyApi(bytes);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${file}: ${messageOf(cause)}`, { cause });
  }
}
async function useApiFor(operands, options, timeoutMs) {
  if (options.descriptors === void 0 && options.envoy === void 0)
    for (const url of operands.filter((operand) => /^https?:\/\//.test(operand) && URL.canParse(operand))) {
      const descriptors = await descriptorsAt(new URL("/descriptors", url), timeoutMs);
      if (!descriptors || isBuiltInApi(descriptors))
        continue;
      useEnvoyApi(descriptors);
      return;
    }
  await useApi(options);
}
async function descriptorsAt(url, timeoutMs) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    const isBinary = answer.headers.get("content-type") === "application/octet-stream";
    return answer.ok && isBinary ? new Uint8Array(await answer.arrayBuffer()) : void 0;
  } catch {
    return void 0;
  }
}
async function readApi(envoy) {
  const { extractDescriptors } = await import("./extract-descriptors-PXPLBDBL.js");
  return extractDescriptors(envoyBinary(envoy));
}
var maxDescriptorBytes = 512 * 2 ** 20;
async function readDescriptors(file) {
  let bytes;
  try {
    bytes = await readGiven(file, { maxBytes: maxDescriptorBytes });
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const { isProgram } = await import("./extract-descriptors-PXPLBDBL.js");
  if (isProgram(bytes))
    throw new XdsError("INVALID_OPTION", `${file} is a program, not a descriptor file; --envoy reads an Envoy's binary`);
  return bytes;
}

export {
  envoyBinary,
  typeArgument,
  typeNamed,
  parseType,
  typeHelp,
  typeOption,
  apiHelp,
  addApiOptions,
  envoyOption,
  useApi,
  useApiFor,
  readApi
};
