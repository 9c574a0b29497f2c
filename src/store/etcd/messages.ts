import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

/** The JavaScript type of each scalar field. */
interface Scalars {
  bytes: Uint8Array;
  string: string;
  bool: boolean;
  int32: number;
  int64: bigint;
  uint64: bigint;
}

const scalarTypes: { readonly [Scalar in keyof Scalars]: Type } = {
  bytes: Type.BYTES,
  string: Type.STRING,
  bool: Type.BOOL,
  int32: Type.INT32,
  int64: Type.INT64,
  uint64: Type.UINT64,
};

/**
 * The messages of etcd's API v3 that we send and read, with the number and type of the fields that we use. Enumerations
 * are declared as numbers, and a oneof as fields of which one is set: on the wire both are the same. etcd declares the
 * messages in api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto.
 */
const messages = {
  ResponseHeader: { clusterId: [1, "uint64"], revision: [3, "int64"] },
  KeyValue: {
    key: [1, "bytes"],
    createRevision: [2, "int64"],
    modRevision: [3, "int64"],
    version: [4, "int64"],
    value: [5, "bytes"],
    lease: [6, "int64"],
  },

  RangeRequest: {
    key: [1, "bytes"],
    rangeEnd: [2, "bytes"],
    limit: [3, "int64"],
    sortOrder: [5, "int32"],
    sortTarget: [6, "int32"],
    keysOnly: [8, "bool"],
    countOnly: [9, "bool"],
  },
  RangeResponse: {
    header: [1, "ResponseHeader"],
    kvs: [2, "KeyValue", "repeated"],
    more: [3, "bool"],
    count: [4, "int64"],
  },

  PutRequest: { key: [1, "bytes"], value: [2, "bytes"], lease: [3, "int64"] },
  DeleteRangeRequest: { key: [1, "bytes"], rangeEnd: [2, "bytes"] },
  Compare: {
    target: [2, "int32"],
    key: [3, "bytes"],
    version: [4, "int64"],
    createRevision: [5, "int64"],
    modRevision: [6, "int64"],
  },
  RequestOp: {
    requestRange: [1, "RangeRequest"],
    requestPut: [2, "PutRequest"],
    requestDeleteRange: [3, "DeleteRangeRequest"],
  },
  ResponseOp: { responseRange: [1, "RangeResponse"] },
  TxnRequest: {
    compare: [1, "Compare", "repeated"],
    success: [2, "RequestOp", "repeated"],
    failure: [3, "RequestOp", "repeated"],
  },
  TxnResponse: { header: [1, "ResponseHeader"], succeeded: [2, "bool"], responses: [3, "ResponseOp", "repeated"] },

  LeaseGrantRequest: { ttl: [1, "int64"] },
  LeaseGrantResponse: { header: [1, "ResponseHeader"], id: [2, "int64"], ttl: [3, "int64"] },
  LeaseKeepAliveRequest: { id: [1, "int64"] },
  LeaseKeepAliveResponse: { header: [1, "ResponseHeader"], ttl: [3, "int64"] },
  LeaseRevokeRequest: { id: [1, "int64"] },
  LeaseRevokeResponse: { header: [1, "ResponseHeader"] },

  Event: { type: [1, "int32"], kv: [2, "KeyValue"] },
  WatchCreateRequest: { key: [1, "bytes"], startRevision: [3, "int64"], fragment: [8, "bool"] },
  WatchRequest: { createRequest: [1, "WatchCreateRequest"] },
  WatchResponse: {
    header: [1, "ResponseHeader"],
    created: [3, "bool"],
    canceled: [4, "bool"],
    compactRevision: [5, "int64"],
    cancelReason: [6, "string"],
    fragment: [7, "bool"],
    events: [11, "Event", "repeated"],
  },

  AuthenticateRequest: { name: [1, "string"], password: [2, "string"] },
  AuthenticateResponse: { header: [1, "ResponseHeader"], token: [2, "string"] },
} as const satisfies Record<string, Record<string, readonly [number, string] | readonly [number, string, "repeated"]>>;

/** `RangeRequest.SortOrder` and `SortTarget`: the newest key first. */
export const newestFirst = { sortOrder: 2, sortTarget: 2 } as const;
/** `Compare.CompareTarget`. The result is EQUAL, which is 0. */
export const compareTarget = { version: 0, createRevision: 1, modRevision: 2 } as const;
/** `Event.EventType`. */
export const deleteEvent = 1;

export type MessageName = keyof typeof messages;
type Fields<Name extends MessageName> = (typeof messages)[Name];

/** A message that was read. A scalar that was not sent has its type's zero value. */
export type EtcdMessage<Name extends MessageName> = {
  readonly [Field in keyof Fields<Name>]: Fields<Name>[Field] extends readonly [number, infer Of, "repeated"]
    ? readonly Read<Of>[]
    : Fields<Name>[Field] extends readonly [number, infer Of]
      ? Of extends MessageName
        ? Read<Of> | undefined
        : Read<Of>
      : never;
};
type Read<Of> = Of extends keyof Scalars ? Scalars[Of] : Of extends MessageName ? EtcdMessage<Of> : never;

/** A message to send. */
export type EtcdInit<Name extends MessageName> = {
  readonly [Field in keyof Fields<Name>]?: Fields<Name>[Field] extends readonly [number, infer Of, "repeated"]
    ? readonly Sent<Of>[]
    : Fields<Name>[Field] extends readonly [number, infer Of]
      ? Sent<Of>
      : never;
};
type Sent<Of> = Of extends keyof Scalars ? Scalars[Of] : Of extends MessageName ? EtcdInit<Of> : never;

/** proto2, so that a field that is set is sent even if it is 0. etcd needs this to find the member of a oneof. */
const file = create(FileDescriptorProtoSchema, {
  name: "etcd.proto",
  package: "etcd",
  syntax: "proto2",
  messageType: Object.entries(messages).map(([name, fields]) => ({
    name,
    field: Object.entries<readonly [number, string, "repeated"?]>(fields).map(([field, [number, of, repeated]]) => ({
      name: field,
      number,
      label: repeated ? Label.REPEATED : Label.OPTIONAL,
      ...(of in scalarTypes
        ? { type: scalarTypes[of as keyof Scalars] }
        : { type: Type.MESSAGE, typeName: `.etcd.${of}` }),
    })),
  })),
});
const registry = createFileRegistry(file, () => undefined);
const schemaOf = (name: MessageName) => registry.getMessage(`etcd.${name}`) as DescMessage;

/** The bytes of a message. */
export const encode = <Name extends MessageName>(name: Name, init: EtcdInit<Name>): Uint8Array =>
  toBinary(schemaOf(name), create(schemaOf(name), init as Record<string, unknown>));

/** @throws Error for bytes that are no message */
export const decode = <Name extends MessageName>(name: Name, bytes: Uint8Array): EtcdMessage<Name> =>
  fromBinary(schemaOf(name), bytes, { readUnknownFields: false }) as unknown as EtcdMessage<Name>;
