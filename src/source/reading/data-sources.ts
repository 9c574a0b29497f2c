import { isUtf8 } from "node:buffer";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Rewrite, Rewrites, Tell } from "../../json/message-json.js";
import { quote } from "../../json/scalar-json.js";
import { redactions } from "../../schema/sensitive.js";
import { type Password, type PemLabel, whyNotKey, whyNotPem } from "../../validation/pem.js";
import { spellings } from "../documents/document-path.js";
import { type InlinedFiles, isRelative } from "../files/inlined-files.js";

const tls = "envoy.extensions.transport_sockets.tls.v3";
const http = "envoy.extensions.filters.http";
const routes = "envoy.config.route.v3";

/**
 * Messages with their own fields for a file or its bytes: message, field of the name, field of the bytes.
 */
const filesOfTheirOwn: readonly (readonly [message: string, name: string, bytes: string])[] = [
  [`${http}.grpc_json_transcoder.v3.GrpcJsonTranscoder`, "proto_descriptor", "proto_descriptor_bin"],
  [`${http}.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder`, "descriptor_path", "descriptor_binary"],
];

/**
 * Fields that accept a file only by name. Envoy 1.40 refuses an inline dynamic module or list of IP tags, and ignores
 * an inline DNS table.
 */
const takenByName = [
  "envoy.extensions.dynamic_modules.v3.DynamicModuleConfig.module",
  "envoy.extensions.filters.http.ip_tagging.v3.IPTagging.ip_tags_datasource",
  "envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig.ServerContextConfig.external_dns_table",
];

/** Envoy's default limit for the body of a direct response, in bytes. */
const defaultMaxBody = 4096;

/**
 * Inlines files into the resources that name them: each DataSource, at any depth, whose `filename` is a relative path.
 * A text becomes an `inline_string`, other content `inline_bytes`; Envoy treats both alike. Certificates, keys and the
 * sizes of direct responses are checked as Envoy checks them. Messages never quote the content. They also do not quote
 * the name if the API marks the field as sensitive, because the user may have written the secret there by mistake.
 */
export class DataSources {
  /** The rewrites that inline files into a resource. */
  readonly rewrites: Rewrites = {
    of: new Map<string, Rewrite>([
      ["envoy.config.core.v3.DataSource", (json, tell, isSecret) => this.dataSource(json, tell, isSecret)],
      ...filesOfTheirOwn.map(
        ([message, name, bytes]) =>
          [message, (json: JsonObject, tell: Tell) => this.file(json, name, bytes, tell)] as const,
      ),
      [`${tls}.TlsCertificate`, (json, tell) => this.tlsCertificate(json, tell)],
      [`${tls}.CertificateValidationContext`, (json, tell) => this.validationContext(json, tell)],
      [`${routes}.DirectResponseAction`, (json, tell) => this.directResponse(json, tell)],
      [`${routes}.RouteConfiguration`, (json) => this.routeConfiguration(json)],
    ]),
    notIn: new Set(takenByName),
  };
  /** The DataSource that replaced a `filename` → the content. */
  private readonly contents = new WeakMap<JsonObject, Buffer>();
  /** The bodies of direct responses in the current route configuration. */
  private bodies: { readonly size: number; readonly tell: Tell }[] = [];

  /** With `takesRedacted`, "[redacted]" is accepted instead of a certificate. */
  constructor(
    private readonly files: InlinedFiles,
    private readonly takesRedacted: boolean,
  ) {}

  private dataSource(json: JsonObject, tell: Tell, isSecret: boolean): JsonObject {
    const { filename, watchedDirectory, ...rest } = json;
    const bytes = this.bytesOf(filename, "filename", tell, isSecret);
    if (!bytes) return json;
    if (watchedDirectory !== undefined) tell("note", "watched_directory", watchedHere);
    const inlined = { ...rest, ...contentFields(bytes) };
    this.contents.set(inlined, bytes);
    return inlined;
  }

  private file(json: JsonObject, nameField: string, bytesField: string, tell: Tell): JsonObject {
    const [name, content] = [spellings(nameField)[1], spellings(bytesField)[1]];
    const bytes = this.bytesOf(json[name], nameField, tell, false);
    if (!bytes) return json;
    const { [name]: _, ...rest } = json;
    return { ...rest, [content]: bytes.toString("base64") };
  }

  /** The bytes to inline, or undefined. If the file should have been inlined, a fault says why it was not. */
  private bytesOf(filename: JsonValue | undefined, field: string, tell: Tell, isSecret: boolean): Buffer | undefined {
    if (!isRelative(filename)) return undefined;
    const found = this.files.inline(filename);
    if ("bytes" in found) return found.bytes;
    tell("fault", field, `${isSecret ? "the file" : quote(filename)} ${found.wrong}`);
    return undefined;
  }

  private tlsCertificate(json: JsonObject, tell: Tell): JsonObject {
    const { certificateChain, privateKey, password } = json;
    this.check(json, "certificate_chain", "CERTIFICATE", tell);
    const [chain, key] = [this.contentOf(certificateChain), this.contentOf(privateKey)];
    const why = key && whyNotKey(key, chain, this.passwordOf(password));
    if (why !== undefined) tell("fault", "private_key", `the private key ${why}`);
    return this.watchedHere(json, tell);
  }

  private validationContext(json: JsonObject, tell: Tell): JsonObject {
    this.check(json, "trusted_ca", "CERTIFICATE", tell);
    // A blank CRL counts as none. Templates make such ones.
    if (this.contentOf(json.crl)?.toString("latin1").trim()) this.check(json, "crl", "X509 CRL", tell);
    return this.watchedHere(json, tell);
  }

  private check(json: JsonObject, field: string, label: PemLabel, tell: Tell): void {
    const source = json[spellings(field)[1]];
    const content = this.contentOf(source);
    const why = content && whyNotPem(content, label);
    if (why !== undefined) tell("fault", field, `the ${this.isInlined(source) ? "file" : "inline text"} ${why}`);
  }

  private directResponse(json: JsonObject, tell: Tell): JsonObject {
    const size = this.contentOf(json.body)?.length ?? 0;
    if (size > 0) this.bodies.push({ size, tell });
    return json;
  }

  /** The limit of the bodies is a field of the route configuration. To Envoy, 0 means no limit. */
  private routeConfiguration(json: JsonObject): JsonObject {
    const max = Number(json.maxDirectResponseBodySizeBytes ?? defaultMaxBody);
    for (const { size, tell } of this.bodies.splice(0))
      if (size > max && max > 0)
        tell("fault", "body", `has ${size} bytes, and Envoy accepts ${max}; shorten it, or raise ${bodyLimit}`);
    return json;
  }

  /** Removes the directory to watch if no file is left that the Envoy reads itself. */
  private watchedHere(json: JsonObject, tell: Tell): JsonObject {
    const { watchedDirectory, ...rest } = json;
    const sources = Object.values(rest);
    const isLeft = sources.some((source) => isObject(source) && source.filename !== undefined);
    if (watchedDirectory === undefined || isLeft || !sources.some((source) => this.isInlined(source))) return json;
    tell("note", "watched_directory", watchedHere);
    return rest;
  }

  private isInlined(source: JsonValue | undefined): boolean {
    return isObject(source) && this.contents.has(source);
  }

  /** The content of a DataSource, if it is inline. */
  private contentOf(source: JsonValue | undefined): Buffer | undefined {
    if (!isObject(source)) return undefined;
    const { inlineString, inlineBytes } = source;
    if (this.takesRedacted && redactions.has(inlineString ?? inlineBytes)) return undefined;
    const known = this.contents.get(source);
    if (known) return known;
    if (typeof inlineString === "string") return Buffer.from(inlineString);
    return typeof inlineBytes === "string" ? Buffer.from(inlineBytes, "base64") : undefined;
  }

  private passwordOf(source: JsonValue | undefined): Password {
    return isObject(source) ? (this.contentOf(source) ?? "elsewhere") : undefined;
  }
}

/** The field for some bytes. A text with a byte order mark stays bytes, because decoding would lose the mark. */
function contentFields(bytes: Buffer): JsonObject {
  const text = isUtf8(bytes) ? bytes.toString() : undefined;
  const isText = text !== undefined && !text.startsWith("\u{feff}");
  return isText ? { inlineString: text } : { inlineBytes: bytes.toString("base64") };
}

const bodyLimit = "max_direct_response_body_size_bytes of the route configuration";
const watchedHere = "left out: the file is inlined into the resource, and the server watches it";

const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);
