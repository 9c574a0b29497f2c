import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromJson, type JsonObject, type JsonValue, type Message } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { load } from "js-yaml";
import { envoyRegistry } from "../../src/resource/default-api.js";

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
  /** What is in Envoy's words, where it refuses on something else than a field rule. */
  readonly says?: string;
  /** As JSON, with its `@type`. */
  readonly resource: JsonObject;
}

const directory = fileURLToPath(new URL("resources", import.meta.url));

/**
 * A case as it is written: for a listener with one filter chain may stand the fields of its connection manager, or its
 * network filters.
 */
interface WrittenCase extends Omit<Case, "resource"> {
  readonly resource?: JsonObject;
  readonly http?: JsonObject;
  readonly network?: JsonObject[];
}

/** All cases, file by file. */
export function readCorpus(): Case[] {
  return readdirSync(directory)
    .sort()
    .flatMap((file) => load(readFileSync(join(directory, file), "utf8")) as WrittenCase[])
    .map(({ http, network, resource = listener(network ?? [connectionManager(http ?? {})]), ...one }) => ({
      ...one,
      resource: expanded(resource) as JsonObject,
    }));
}

const type = (name: string) => ({ "@type": `type.googleapis.com/${name}` });
const router = { name: "router", typed_config: type("envoy.extensions.filters.http.router.v3.Router") };
const managerType = type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager");

const listener = (filters: JsonObject[]): JsonObject => ({
  ...type("envoy.config.listener.v3.Listener"),
  name: "l",
  address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
  filter_chains: [{ filters }],
});

const connectionManager = (fields: JsonObject): JsonObject => ({
  name: "http",
  typed_config: { ...managerType, stat_prefix: "http", route_config: {}, http_filters: [router], ...fields },
});

/** The resource as a message. */
export const messageOf = ({ resource }: Case): Message => messageFrom(resource);

/** A message of its JSON with an `@type`. */
export function messageFrom(json: JsonObject): Message {
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
