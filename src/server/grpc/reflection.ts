import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { XdsError } from "../../errors.js";
import type { GrpcServer } from "../../grpc/server.js";
import { status } from "../../grpc/status.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import type { XdsApi } from "../../resource/xds-api.js";
import type { SchemaRegistry } from "../../schema/lazy-registry.js";
import { type MethodContext, messages } from "./grpc-methods.js";

/**
 * Adds server reflection (grpc.reflection.v1 and v1alpha, which are alike) for grpcurl and similar tools. It lists the
 * services whose descriptors are known, because tools that describe all listed services stop at the first unknown one.
 * It has every message of the server's Envoy API, so that tools can decode `Any`s.
 *
 * This is our own implementation because the descriptors are available as bytes: @grpc/reflection decodes and encodes
 * all of them at start (0.6 s, 24 MB).
 */
export function addReflectionService(
  server: GrpcServer<AccountedCaller>,
  services: readonly string[],
  api: XdsApi,
  context: MethodContext,
): void {
  const open = ({ account }: AccountedCaller) => ({
    message: async (request: Buffer) => {
      context.unsent.check(account);
      try {
        return answer(request, services, api.registry);
      } catch (cause) {
        throw new XdsError("INVALID_REQUEST", "not a ServerReflectionRequest", { cause });
      }
    },
  });
  for (const version of ["v1", "v1alpha"])
    server.add(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, messages(context, open, maxBytes));
}

/** The largest request, in bytes. A request contains a host and one name. */
const maxBytes = 16 << 10;

// Field numbers of ServerReflectionRequest and ServerReflectionResponse.
const request = { host: 1, fileByName: 3, fileBySymbol: 4, listServices: 7 };
const response = { host: 1, request: 2, files: 4, services: 6, error: 7 };

function answer(bytes: Uint8Array, services: readonly string[], registry: SchemaRegistry): Buffer {
  const reader = new BinaryReader(bytes);
  let host: string | undefined;
  // Of several questions the last one counts, as in every `oneof`. Only that one is answered.
  let asked = { field: 0, value: "" };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, field);
    else if (field === request.host) host = reader.string();
    else asked = { field, value: reader.string() };
  }
  const out = new BinaryWriter();
  const put = (field: number, value: Uint8Array) => out.tag(field, WireType.LengthDelimited).bytes(value);
  if (host !== undefined) out.tag(response.host, WireType.LengthDelimited).string(host);
  put(response.request, bytes);
  put(...answerTo(asked.field, asked.value, services, registry));
  return Buffer.from(out.finish());
}

/** The field of the response that answers a question, and its value. */
function answerTo(
  field: number,
  value: string,
  services: readonly string[],
  registry: SchemaRegistry,
): [field: number, value: Uint8Array] {
  const fileWith = (file: string | undefined): [number, Uint8Array] =>
    file === undefined
      ? [response.error, errorResponse(status.NOT_FOUND, `this server does not know ${JSON.stringify(value)}`)]
      : [response.files, withImports(registry, file)];
  switch (field) {
    case request.fileByName:
      return fileWith(registry.fileBytes(value) && value);
    case request.fileBySymbol:
      return fileWith(registry.fileOf(value));
    case request.listServices:
      return [response.services, repeated(services.filter((service) => registry.fileOf(service)).map(named))];
    default:
      return [response.error, errorResponse(status.UNIMPLEMENTED, "extensions are not supported")];
  }
}

const named = (name: string) => new BinaryWriter().tag(1, WireType.LengthDelimited).string(name).finish();

function repeated(values: Iterable<Uint8Array>): Uint8Array {
  const out = new BinaryWriter();
  for (const value of values) out.tag(1, WireType.LengthDelimited).bytes(value);
  return out.finish();
}

function errorResponse(code: number, message: string): Uint8Array {
  return new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(code)
    .tag(2, WireType.LengthDelimited)
    .string(message)
    .finish();
}

/** A file and all its direct and indirect imports, each once. */
function withImports(registry: SchemaRegistry, name: string): Uint8Array {
  const files = new Map<string, Uint8Array>();
  const add = (file: string) => {
    const bytes = registry.fileBytes(file);
    if (!bytes || files.has(file)) return;
    files.set(file, bytes);
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === 3) add(reader.string());
      else reader.skip(wireType, field);
    }
  };
  add(name);
  return repeated(files.values());
}
