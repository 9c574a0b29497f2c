import { createHash } from "node:crypto";
import { type DescMessage, fromJson, type JsonValue, type Registry, toBinary } from "@bufbuild/protobuf";
import { messageOf } from "../../errors.js";
import { checkMessage } from "../../validation/message-check.js";
import { type Fault, formatPath, type PathStep } from "../files/problem.js";
import type { YamlMap, YamlNode } from "../yaml/yaml.js";
import type { FoundNode } from "./document-path.js";
import { nodeAt } from "./locator.js";
import { isReplaced } from "./served-resources.js";

/** The parts of an Envoy's own file that are not served. They are kept to notice changes. */
export interface Unserved {
  readonly file: string;
  /** Key of a part → hash of its values. */
  readonly parts: ReadonlyMap<string, string>;
}

/** The parts of an Envoy's own file, without served resources. */
export function unservedParts(document: YamlMap, served: readonly FoundNode[]): Map<string, string> {
  const left = new Set(served.map(({ node }) => node.at));
  const kept = document.entries.filter(({ key }) => !isReplaced(key));
  return new Map(kept.map(({ key, value }) => [key, digestOf(value, left)]));
}

/** The hash of a value, without the objects that begin at these offsets. */
function digestOf(node: YamlNode, left: ReadonlySet<number>): string {
  const digest = createHash("sha1");
  const add = (value: YamlNode): void => {
    if (value.kind === "scalar") digest.update(JSON.stringify([typeof value.value, value.text]));
    else if (value.kind === "list") {
      digest.update("[");
      for (const item of value.items) add(item);
      digest.update("]");
    } else if (!left.has(value.at)) {
      digest.update("{");
      for (const { key, value: of } of value.entries) {
        digest.update(JSON.stringify(key));
        add(of);
      }
      digest.update("}");
    }
  };
  add(node);
  return digest.digest("base64");
}

export interface UnservedOptions {
  /** The path of the value in its document. */
  readonly steps: readonly PathStep[];
  readonly registry: Registry;
  /** Whether faults must not quote values. */
  readonly hidesValues: boolean;
}

/** The API's rules that an unserved part of an Envoy's own file breaks. `json` is the JSON of the value `node`. */
export function brokenIn(
  desc: DescMessage,
  json: JsonValue,
  node: YamlNode,
  { steps, registry, hidesValues }: UnservedOptions,
): Fault[] {
  const fault = (at: number, path: string, message: string): Fault => {
    const whole = [formatPath(steps), path].filter(Boolean).join(".");
    return { at, path: whole, message, code: "BOOTSTRAP" };
  };
  try {
    const bytes = toBinary(desc, fromJson(desc, json, { registry }));
    const now = Date.now();
    return checkMessage(desc, bytes, registry)
      .filter(({ since = 0 }) => since <= now)
      .map(({ path, message }) => fault(nodeAt(node, path).at, path, message));
  } catch (error) {
    // Reading does not check everything, for example not the depth of messages.
    return [fault(node.at, "", hidesValues ? `it is not a valid ${desc.typeName}` : messageOf(error))];
  }
}
