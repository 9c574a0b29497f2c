import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromJson, type JsonObject, type JsonValue, type Message } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { load } from "js-yaml";
import { envoyRegistry } from "../../src/schema/registry.js";

/** A resource, what validate() has to find in it, and what Envoy does with it. */
export interface Case {
  /** Unique in the corpus. */
  readonly case: string;
  /** `<code> <path>` of each error, in order; none: it is valid to us. */
  readonly errors?: readonly string[];
  /** Envoy's verdict where it is not ours. */
  readonly envoy?: "accepts" | "refuses";
  /** Why the verdicts differ. */
  readonly why?: string;
  /** They differ on a field rule, which the API has only had since. */
  readonly newerRule?: boolean;
  /** As JSON, with its `@type`. */
  readonly resource: JsonObject;
}

const directory = fileURLToPath(new URL("corpus", import.meta.url));

/** All cases, file by file. */
export function readCorpus(): Case[] {
  return readdirSync(directory)
    .sort()
    .flatMap((file) => load(readFileSync(join(directory, file), "utf8")) as Case[])
    .map((one) => ({ ...one, resource: expanded(one.resource) as JsonObject }));
}

/** The resource as a message. */
export const messageOf = ({ resource }: Case): Message => messageFrom(resource);

function messageFrom(json: JsonObject): Message {
  const registry = envoyRegistry();
  const message = anyUnpack(fromJson(AnySchema, json, { registry }), registry);
  if (!message) throw new Error(`no schema for ${json["@type"]}`);
  return message;
}

/** The resource, and what is in each of its Anys, as messages. */
export function messagesIn({ resource }: Case): Message[] {
  const found: Message[] = [];
  const visit = (value: JsonValue) => {
    if (typeof value !== "object" || value === null) return;
    if ("@type" in value) found.push(messageFrom(value));
    Object.values(value).forEach(visit);
  };
  visit(resource);
  return found;
}

/** Whether Envoy takes the resource, as the case has it. */
export const envoyAccepts = ({ errors, envoy }: Case): boolean =>
  envoy === undefined ? (errors ?? []).length === 0 : envoy === "accepts";

/** `LONG<n>` stands for a text of that length, `MANY<n>HEADERS` for so many headers to add, and the like. */
function expanded(value: JsonValue): JsonValue {
  if (typeof value === "string") {
    const [, length] = /^LONG(\d+)$/.exec(value) ?? [];
    if (length) return "a".repeat(Number(length));
    const [, count, what] = /^MANY(\d+)([A-Z]+)$/.exec(value) ?? [];
    return what ? Array.from({ length: Number(count) }, (_, index) => many[what]?.(index) ?? null) : value;
  }
  if (Array.isArray(value)) return value.map(expanded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, expanded(inner)]));
}

const many: Readonly<Record<string, (index: number) => JsonValue>> = {
  HEADERS: () => ({ header: { key: "a", value: "b" } }),
  HEALTHCHECKS: () => ({
    timeout: "1s",
    interval: "1s",
    unhealthy_threshold: 1,
    healthy_threshold: 1,
    tcp_health_check: {},
  }),
};
