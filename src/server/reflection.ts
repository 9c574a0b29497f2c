import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { XdsError } from "../errors.js";
import type { GrpcServer } from "../grpc/server.js";
import { status } from "../grpc/status.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import { envoyRegistry } from "../schema/registry.js";
import { type Door, type GrpcCaller, messages } from "./grpc-methods.js";

/**
 * Server reflection (grpc.reflection.v1 and v1alpha, which are alike), for grpcurl and its like: every service here whose
 * descriptors are known (clients that describe all would end at another), and every message of the Envoy API, so that `Any`s can
 * be decoded.
 *
 * Ours because the descriptors are at hand as bytes: @grpc/reflection decodes and encodes all of them at start (0.6 s, 24 MB).
 */
export function addReflectionService(server: GrpcServer<GrpcCaller>, services: readonly string[], door: Door): void {
  const message = async (request: Buffer) => {
    door.unsent.check();
    try {
      return answer(request, services);
    } catch (cause) {
      throw new XdsError("INVALID_REQUEST", "not a ServerReflectionRequest", { cause });
    }
  };
  for (const version of ["v1", "v1alpha"])
    server.add(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      messages(door, () => ({ message })),
    );
}

// Field numbers of ServerReflectionRequest and ServerReflectionResponse.
const request = { host: 1, fileByName: 3, fileBySymbol: 4, listServices: 7 };
const response = { host: 1, request: 2, files: 4, services: 6, error: 7 };

function answer(bytes: Uint8Array, services: readonly string[]): Buffer {
  const registry = envoyRegistry();
  const out = new BinaryWriter();
  const put = (field: number, value: Uint8Array) => out.tag(field, WireType.LengthDelimited).bytes(value);
  const reader = new BinaryReader(bytes);
  let write = () => put(response.error, errorResponse(status.UNIMPLEMENTED, "extensions are not offered"));
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, field);
      continue;
    }
    const value = reader.string();
    const send = (file: string | undefined) => () =>
      file === undefined
        ? put(response.error, errorResponse(status.NOT_FOUND, `${JSON.stringify(value)} is not known here`))
        : put(response.files, withImports(registry, file));
    if (field === request.host) out.tag(response.host, WireType.LengthDelimited).string(value);
    else if (field === request.fileByName) write = send(registry.fileBytes(value) && value);
    else if (field === request.fileBySymbol) write = send(registry.fileOf(value));
    else if (field === request.listServices) {
      const listed = services.filter((service) => registry.fileOf(service));
      write = () => put(response.services, repeated(listed.map(named)));
    }
  }
  put(response.request, bytes);
  write();
  return Buffer.from(out.finish());
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

/** A file and all that it imports, directly or not, each once. */
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
