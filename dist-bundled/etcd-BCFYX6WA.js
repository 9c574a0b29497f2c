import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  BackOff,
  credentialsOf,
  onOneLine,
  require_src,
  tlsChannelOptions,
  toBuffer,
  toBytes
} from "./chunk-GEJZKC32.js";
import {
  checkKeys,
  hashOf,
  lostLease
} from "./chunk-R3YROBDM.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import {
  readWholeFile
} from "./chunk-D2S3E5CW.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  create,
  createFileRegistry,
  fromBinary,
  toBinary
} from "./chunk-2XSFRHN3.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";
import {
  __toESM
} from "./chunk-QBN2T32X.js";

// dist/store/etcd/etcd-store.js
import { randomBytes } from "node:crypto";

// dist/store/etcd/etcd-blobs.js
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";

// dist/store/etcd/keys.js
var pageKeys = 1e3;
var mostOperations = 100;
var requestBytes = 1 << 20;
var Keys = class {
  prefix;
  constructor(prefix) {
    this.prefix = prefix;
  }
  of(path) {
    return new Uint8Array(Buffer.from(this.prefix + path));
  }
  /** A key as text, for messages. */
  text(path) {
    return this.prefix + path;
  }
  /** The range of all keys that begin with a path, which ends with a slash. */
  below(path) {
    return { key: this.of(path), rangeEnd: this.of(`${path.slice(0, -1)}0`) };
  }
  /** What follows a path in a key below it. */
  idIn(path, key) {
    return Buffer.from(key).toString().slice(this.prefix.length + path.length);
  }
};
async function* pages(client, { key, rangeEnd }, keysOnly = false) {
  for (let from = key; ; ) {
    const { kvs, more } = await client.call("Range", { key: from, rangeEnd, limit: BigInt(pageKeys), keysOnly });
    yield kvs;
    const last = kvs.at(-1);
    if (!more || !last)
      return;
    from = new Uint8Array([...last.key, 0]);
  }
}
var bytesOf = ({ requestPut: { key, value } = {} }) => (key?.length ?? 0) + (value?.length ?? 0) + 32;

// dist/store/etcd/messages.js
var scalarTypes = {
  bytes: FieldDescriptorProto_Type.BYTES,
  string: FieldDescriptorProto_Type.STRING,
  bool: FieldDescriptorProto_Type.BOOL,
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64
};
var messages = {
  ResponseHeader: { clusterId: [1, "uint64"], revision: [3, "int64"] },
  KeyValue: {
    key: [1, "bytes"],
    createRevision: [2, "int64"],
    modRevision: [3, "int64"],
    version: [4, "int64"],
    value: [5, "bytes"],
    lease: [6, "int64"]
  },
  RangeRequest: {
    key: [1, "bytes"],
    rangeEnd: [2, "bytes"],
    limit: [3, "int64"],
    sortOrder: [5, "int32"],
    sortTarget: [6, "int32"],
    keysOnly: [8, "bool"],
    countOnly: [9, "bool"]
  },
  RangeResponse: {
    header: [1, "ResponseHeader"],
    kvs: [2, "KeyValue", "repeated"],
    more: [3, "bool"],
    count: [4, "int64"]
  },
  PutRequest: { key: [1, "bytes"], value: [2, "bytes"], lease: [3, "int64"] },
  DeleteRangeRequest: { key: [1, "bytes"], rangeEnd: [2, "bytes"] },
  Compare: {
    target: [2, "int32"],
    key: [3, "bytes"],
    version: [4, "int64"],
    createRevision: [5, "int64"],
    modRevision: [6, "int64"]
  },
  RequestOp: {
    requestRange: [1, "RangeRequest"],
    requestPut: [2, "PutRequest"],
    requestDeleteRange: [3, "DeleteRangeRequest"]
  },
  ResponseOp: { responseRange: [1, "RangeResponse"] },
  TxnRequest: {
    compare: [1, "Compare", "repeated"],
    success: [2, "RequestOp", "repeated"],
    failure: [3, "RequestOp", "repeated"]
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
    events: [11, "Event", "repeated"]
  },
  AuthenticateRequest: { name: [1, "string"], password: [2, "string"] },
  AuthenticateResponse: { header: [1, "ResponseHeader"], token: [2, "string"] }
};
var newestFirst = { sortOrder: 2, sortTarget: 2 };
var compareTarget = { version: 0, createRevision: 1, modRevision: 2 };
var deleteEvent = 1;
var file = create(FileDescriptorProtoSchema, {
  name: "etcd.proto",
  package: "etcd",
  syntax: "proto2",
  messageType: Object.entries(messages).map(([name, fields]) => ({
    name,
    field: Object.entries(fields).map(([field, [number, of, repeated]]) => ({
      name: field,
      number,
      label: repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
      ...of in scalarTypes ? { type: scalarTypes[of] } : { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.etcd.${of}` }
    }))
  }))
});
var registry = createFileRegistry(file, () => void 0);
var schemaOf = (name) => registry.getMessage(`etcd.${name}`);
var encode = (name, init) => toBinary(schemaOf(name), create(schemaOf(name), init));
var decode = (name, bytes) => fromBinary(schemaOf(name), bytes, { readUnknownFields: false });

// dist/store/etcd/values.js
import { gunzipSync, gzipSync } from "node:zlib";
var plainBytes = 4 << 10;
var mostBytes = 64 << 20;
var gzipMagic = 8075;
function encodeValue(value) {
  const json = Buffer.from(JSON.stringify(value));
  return new Uint8Array(json.length > plainBytes ? gzipSync(json, { level: 1 }) : json);
}
function decodeValue(key, value) {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  try {
    const isPacked = bytes.length >= 2 && bytes.readUInt16BE(0) === gzipMagic;
    return JSON.parse((isPacked ? gunzipSync(bytes, { maxOutputLength: mostBytes }) : bytes).toString());
  } catch (cause) {
    throw new XdsError("STORE_DAMAGED", `the value of ${textOf(key)} in etcd is not JSON: ${messageOf(cause)}`, {
      cause
    });
  }
}
var textOf = (key) => Buffer.from(key).toString();

// dist/store/etcd/etcd-blobs.js
var compress = promisify(gzip);
var decompress = promisify(gunzip);
var partBytes = 511 << 10;
var mostParts = 1e3;
var mostKnown = 1 << 16;
var mostRounds = 10;
var atOnce = 8;
var EtcdBlobs = class {
  client;
  keys;
  unusedMs;
  /** When blobs were put last, as far as this process knows. */
  known = /* @__PURE__ */ new Map();
  constructor(client, keys, unusedMs) {
    this.client = client;
    this.keys = keys;
    this.unusedMs = unusedMs;
  }
  async put(blobs) {
    const hashes = blobs.map(hashOf);
    const byHash = new Map(hashes.map((hash, at) => [hash, blobs[at]]));
    await this.write((await this.keep([...byHash.keys()])).map((hash) => [hash, byHash.get(hash)]));
    return hashes;
  }
  async read(hash) {
    const { responses } = await this.client.call("Txn", {
      success: [{ requestRange: { key: this.infoKey(hash) } }, { requestRange: { key: this.partKey(hash, 0) } }]
    });
    const [info, first] = responses.map(({ responseRange }) => responseRange?.kvs[0]);
    const { parts } = info ? decodeValue(info.key, info.value) : { parts: 0 };
    const pieces = [first && await unpacked(first.value)];
    for (let part = 1; part < Math.min(parts, mostParts); part++) {
      const { kvs } = await this.client.call("Range", { key: this.partKey(hash, part) });
      pieces.push(kvs[0] && await unpacked(kvs[0].value));
    }
    if (parts === 0)
      throw new XdsError("STORE_DAMAGED", `etcd has no blob ${this.keys.text(`blob/${hash}`)}`);
    const bytes = Buffer.concat(pieces.map((piece) => piece ?? new Uint8Array()));
    if (hashOf(bytes) !== hash)
      throw new XdsError("STORE_DAMAGED", `the content of ${this.keys.text(`part/${hash}/`)} in etcd is not what its name says`);
    return bytes;
  }
  /** Removes the blobs that are not in `used` and that nobody has put for `unusedMs`. Returns their number. */
  async collect(used) {
    const before = Date.now() - this.unusedMs;
    let removed = 0;
    for await (const kvs of pages(this.client, this.keys.below("blob/"))) {
      const unused = kvs.map(({ key, value, modRevision }) => ({
        ...decodeValue(key, value),
        hash: this.keys.idIn("blob/", key),
        modRevision
      })).filter(({ hash, at }) => !used.has(hash) && at <= before);
      const remove = async () => {
        for (let next = unused.pop(); next; next = unused.pop())
          if (await this.remove(next))
            removed++;
      };
      await Promise.all(Array.from({ length: atOnce }, remove));
    }
    return removed;
  }
  /** Protects existing blobs from removal for a while. Returns the hashes of the others. */
  async keep(hashes) {
    const since2 = Date.now() - this.unusedMs / 2;
    const missing = [];
    let open = hashes.filter((hash) => (this.known.get(hash) ?? Number.NEGATIVE_INFINITY) <= since2);
    for (let round = 0; open.length > 0; round++) {
      if (round === mostRounds)
        throw new XdsError("STORE_FAILED", "other processes keep changing the same blobs in etcd; try again");
      const changed = [];
      for (let at = 0; at < open.length; at += mostOperations) {
        const batch = open.slice(at, at + mostOperations);
        const found = await this.find(batch);
        for (const [index, hash] of batch.entries())
          if (!found[index]?.parts)
            missing.push(hash);
        const whole = found.filter((blob) => blob !== void 0 && blob.parts > 0);
        for (const blob of whole)
          if (blob.at > since2)
            this.remember(blob.hash, blob.at);
        const old = whole.filter((blob) => blob.at <= since2);
        if (old.length > 0 && !await this.touch(old))
          changed.push(...old.map(({ hash }) => hash));
      }
      open = changed;
    }
    return missing;
  }
  async find(hashes) {
    const success = hashes.map((hash) => ({ requestRange: { key: this.infoKey(hash) } }));
    const { responses } = await this.client.call("Txn", { success });
    return hashes.map((hash, index) => {
      const kv = responses[index]?.responseRange?.kvs[0];
      if (!kv)
        return void 0;
      return { ...decodeValue(kv.key, kv.value), hash, modRevision: kv.modRevision };
    });
  }
  /** Renews the time of all these blobs, or of none. Returns false if one of them was changed meanwhile. */
  async touch(blobs) {
    const at = Date.now();
    const { succeeded } = await this.client.call("Txn", {
      compare: blobs.map(({ hash, modRevision }) => this.unchanged(hash, modRevision)),
      success: blobs.map(({ hash, parts }) => this.putInfo(hash, { at, parts }))
    });
    if (succeeded)
      for (const { hash } of blobs)
        this.remember(hash, at);
    return succeeded;
  }
  async write(blobs) {
    const at = Date.now();
    let batch = [];
    let size = 0;
    const flush = async () => {
      if (batch.length > 0)
        await this.client.call("Txn", { success: batch });
      batch = [];
      size = 0;
    };
    for (const [hash, bytes] of blobs) {
      const parts = await this.partsOf(hash, bytes);
      const info = this.putInfo(hash, { at, parts: parts.length });
      const own = parts.reduce((sum, part) => sum + bytesOf(part), bytesOf(info));
      const isLarge = own > requestBytes || parts.length + 1 > mostOperations;
      if (isLarge || size + own > requestBytes || batch.length + parts.length + 1 > mostOperations)
        await flush();
      if (isLarge) {
        await this.client.call("Txn", { success: [this.putInfo(hash, { at, parts: 0 })] });
        for (const part of parts)
          await this.client.call("Txn", { success: [part] });
        batch.push(info);
      } else
        batch.push(...parts, info);
      size += isLarge ? bytesOf(info) : own;
    }
    await flush();
    for (const [hash] of blobs)
      this.remember(hash, at);
  }
  async partsOf(hash, bytes) {
    const count = Math.max(1, Math.ceil(bytes.length / partBytes));
    if (count > mostParts)
      throw new XdsError("INVALID_OPTION", `a blob of ${bytes.length} bytes is too large for etcd; divide it`);
    const parts = [];
    for (let part = 0; part < count; part++) {
      const value = await compress(bytes.subarray(part * partBytes, (part + 1) * partBytes), { level: 1 });
      parts.push({ requestPut: { key: this.partKey(hash, part), value: new Uint8Array(value) } });
    }
    return parts;
  }
  async remove({ hash, modRevision }) {
    const { succeeded } = await this.client.call("Txn", {
      compare: [this.unchanged(hash, modRevision)],
      success: [
        { requestDeleteRange: { key: this.infoKey(hash) } },
        { requestDeleteRange: this.keys.below(`part/${hash}/`) }
      ]
    });
    if (succeeded)
      this.known.delete(hash);
    return succeeded;
  }
  remember(hash, at) {
    this.known.delete(hash);
    this.known.set(hash, at);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= mostKnown)
        return;
      this.known.delete(oldest);
    }
  }
  unchanged(hash, modRevision) {
    return { target: compareTarget.modRevision, key: this.infoKey(hash), modRevision };
  }
  putInfo(hash, info) {
    return { requestPut: { key: this.infoKey(hash), value: encodeValue(info) } };
  }
  infoKey(hash) {
    return this.keys.of(`blob/${hash}`);
  }
  partKey(hash, part) {
    return this.keys.of(`part/${hash}/${String(part).padStart(4, "0")}`);
  }
};
var unpacked = (part) => decompress(part, { maxOutputLength: partBytes }).catch(() => void 0);

// dist/store/etcd/etcd-client.js
var import_grpc_js3 = __toESM(require_src(), 1);
import { setTimeout as sleep } from "node:timers/promises";

// dist/store/etcd/etcd-failure.js
var import_grpc_js = __toESM(require_src(), 1);
var EtcdFailure = class extends Error {
  code;
  constructor({ code, details }) {
    super(onOneLine(details).replace(grpcPrefix, "") || `status ${code}`);
    this.code = code;
  }
  get kind() {
    const { code, message } = this;
    if (code === import_grpc_js.status.UNAUTHENTICATED || isLogin.test(message))
      return "login";
    if (/^etcdserver: (not leader|too many requests)/.test(message))
      return "member";
    if (code === import_grpc_js.status.UNAVAILABLE && message.startsWith("etcdserver:"))
      return "member";
    return connectionCodes.has(code) ? "connection" : "final";
  }
  /** Whether one side does not accept the other side's certificate. Another try would fail in the same way. */
  get isCertificate() {
    return this.kind === "connection" && /certificate|altnames|unknown ca/i.test(this.message);
  }
  /** What is wrong, and what can be done about it. */
  get text() {
    const remedy = remedies.find(([pattern]) => pattern.test(this.message))?.[1];
    return remedy ? `${this.message}; ${remedy}` : this.message;
  }
  /** The error for the caller. */
  toError(member) {
    const what = this.kind === "connection" ? "cannot be reached" : "refuses the call";
    return new XdsError("STORE_FAILED", `etcd at ${member} ${what}: ${this.text}`, { cause: this });
  }
};
var grpcPrefix = /^No connection established\. Last error: (Error: )?/;
var isLogin = /invalid auth token|auth store is old|user name is empty/;
var connectionCodes = /* @__PURE__ */ new Set([
  import_grpc_js.status.UNAVAILABLE,
  import_grpc_js.status.DEADLINE_EXCEEDED,
  import_grpc_js.status.CANCELLED,
  import_grpc_js.status.INTERNAL,
  import_grpc_js.status.UNKNOWN
]);
var remedies = [
  [
    /database space exceeded/,
    "its quota is used up: compact and defragment it and end the alarm (etcdctl alarm disarm), or raise --quota-backend-bytes"
  ],
  [/invalid user ID or password/, "correct the user or the password (login, --store-user)"],
  [/user name is empty/, "it requires a user and a password (login, --store-user)"],
  [/permission denied/, "grant a role of the user access to the keys of the configuration (docs/replicas.md)"],
  [/request is too large/, "raise its --max-request-bytes"],
  [
    /alert (bad certificate|certificate required|unknown ca)/,
    "it accepts no client without a certificate that it trusts: correct tls.cert and tls.key (--store-tls-cert and --store-tls-key)"
  ],
  [/altnames/, "correct the endpoint, or give the name of its certificate as tls.serverName (--store-tls-server-name)"],
  [/certificate/, "give the authority of its certificate as tls.ca (--store-tls-ca)"],
  [
    /wrong version number|before secure TLS connection/,
    "does it have TLS? Plain text is etcd://, without tls (--store-tls-\u2026)"
  ],
  [/Failed to connect/, "if it has TLS, the option tls is missing (etcds://)"]
];

// dist/store/etcd/members.js
var import_grpc_js2 = __toESM(require_src(), 1);
var responseBytes = 64 << 20;
var Member = class {
  address;
  options;
  opening;
  client;
  constructor(address, options) {
    this.address = address;
    this.options = options;
  }
  /** Returns the connection. It may not be established yet; then a call waits. */
  open() {
    this.opening ??= this.dial();
    return this.opening;
  }
  /** Gives up a connection, so that the next call gets a new one. Calls on it go on. */
  drop(client) {
    client?.close();
    if (this.client !== client)
      return;
    this.client = void 0;
    this.opening = void 0;
  }
  /** Gives up the present connection, if there is one. */
  close() {
    this.drop(this.client);
  }
  async dial() {
    try {
      const tls = await this.options.tls();
      this.client = this.connect(tls);
      return this.client;
    } catch (error) {
      this.opening = void 0;
      throw error;
    }
  }
  connect(tls) {
    return new import_grpc_js2.Client(this.address, credentialsOf(tls), {
      "grpc.max_receive_message_length": responseBytes,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": this.options.keepaliveMs,
      "grpc.keepalive_timeout_ms": this.options.keepaliveTimeoutMs,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      "grpc.service_config_disable_resolution": 1,
      ...tlsChannelOptions(tls)
    });
  }
};
var Members = class {
  members;
  at;
  constructor(addresses, options) {
    this.members = addresses.map((address) => new Member(address, options));
    this.at = Math.floor(Math.random() * addresses.length);
  }
  get current() {
    return this.members[this.at];
  }
  get count() {
    return this.members.length;
  }
  get addresses() {
    return this.members.map(({ address }) => address).join(", ");
  }
  /** Changes to the next member, if this one is still the present one. */
  leave(member) {
    if (this.current === member)
      this.at = (this.at + 1) % this.members.length;
  }
  close() {
    for (const member of this.members)
      member.close();
  }
};

// dist/store/etcd/etcd-client.js
var methods = {
  Range: { path: "/etcdserverpb.KV/Range", request: "RangeRequest", response: "RangeResponse" },
  Txn: { path: "/etcdserverpb.KV/Txn", request: "TxnRequest", response: "TxnResponse" },
  LeaseGrant: {
    path: "/etcdserverpb.Lease/LeaseGrant",
    request: "LeaseGrantRequest",
    response: "LeaseGrantResponse"
  },
  LeaseKeepAlive: {
    path: "/etcdserverpb.Lease/LeaseKeepAlive",
    request: "LeaseKeepAliveRequest",
    response: "LeaseKeepAliveResponse"
  },
  LeaseRevoke: {
    path: "/etcdserverpb.Lease/LeaseRevoke",
    request: "LeaseRevokeRequest",
    response: "LeaseRevokeResponse"
  }
};
var watchPath = "/etcdserverpb.Watch/Watch";
var authenticatePath = "/etcdserverpb.Auth/Authenticate";
var mostCalls = 32;
var mostWaiting = 1e4;
var silentTries = 3;
var mostLogins = 2;
var backOffOptions = { initialMs: 50, maxMs: 1e3, factor: 2, jitter: 0.5 };
var EtcdClient = class {
  options;
  members;
  closing = new AbortController();
  active = /* @__PURE__ */ new Set();
  waiting = [];
  running = 0;
  token;
  clusterId;
  constructor(options) {
    this.options = options;
    this.members = new Members(options.endpoints, options);
  }
  get attemptMs() {
    return this.options.timeoutMs / silentTries;
  }
  /** The members, for messages. */
  get addresses() {
    return this.members.addresses;
  }
  /**
   * Makes a call.
   * @throws XdsError STORE_AWAY if etcd does not answer in time; STORE_FAILED if it refuses the call; WRONG_STATE after
   * `close()`
   */
  async call(name, init, timeoutMs = this.options.timeoutMs) {
    const { path, request, response } = methods[name];
    await this.turn();
    try {
      const { member, bytes } = await this.tried(path, encode(request, init), timeoutMs);
      return this.read(response, bytes, member);
    } finally {
      this.leave();
    }
  }
  /**
   * Opens a watch. etcd must answer within the time of a try. The returned function ends the watch; after that, `ended`
   * is not called.
   * @throws XdsError as `call` does
   */
  async watch(init, { message, ended }) {
    this.checkOpen();
    const member = this.members.current;
    let client;
    let token;
    try {
      client = await member.open();
      token = this.currentToken(member, client, this.attemptMs);
      const metadata = await metadataWith(token);
      this.checkOpen();
      metadata.set("hasleader", "true");
      const call = client.makeBidiStreamRequest(watchPath, toBuffer, toBytes, metadata);
      this.active.add(call);
      const late = setTimeout(() => {
        const details = `${member.address} did not begin a watch within ${Math.round(this.attemptMs)} ms`;
        end(new EtcdFailure({ code: import_grpc_js3.status.DEADLINE_EXCEEDED, details }));
      }, this.attemptMs);
      let isOver = false;
      const end = (failure) => {
        if (isOver)
          return;
        isOver = true;
        clearTimeout(late);
        this.active.delete(call);
        call.cancel();
        if (!failure)
          return;
        this.failed(failure, member, client, token);
        ended(failure);
      };
      call.on("data", (bytes) => {
        if (isOver)
          return;
        clearTimeout(late);
        try {
          message(this.read("WatchResponse", bytes, member));
        } catch (error) {
          end(new EtcdFailure({ code: import_grpc_js3.status.INTERNAL, details: messageOf(error) }));
        }
      });
      call.on("error", () => {
      });
      call.on("status", ({ code = import_grpc_js3.status.INTERNAL, details = "" }) => end(new EtcdFailure({ code, details })));
      call.write(encode("WatchRequest", init));
      return () => end();
    } catch (error) {
      if (!(error instanceof EtcdFailure))
        throw error;
      this.failed(error, member, client, token);
      throw error.toError(member.address);
    }
  }
  /** Ends all calls. Further ones reject with WRONG_STATE. */
  close() {
    this.closing.abort();
    for (const call of [...this.active])
      call.cancel();
    for (const begin of this.waiting.splice(0))
      begin();
    this.members.close();
  }
  /** Waits until a call may begin. */
  async turn() {
    this.checkOpen();
    if (this.waiting.length >= mostWaiting)
      throw new XdsError("STORE_FAILED", `${mostWaiting} calls wait for etcd at ${this.addresses}; no more can`);
    if (this.running >= mostCalls)
      await new Promise((begin) => this.waiting.push(begin));
    else
      this.running++;
  }
  /** The next call that waits takes this one's place. */
  leave() {
    const begin = this.waiting.shift();
    if (begin)
      begin();
    else
      this.running--;
  }
  async tried(path, request, timeoutMs) {
    const until = performance.now() + timeoutMs;
    const backOff = new BackOff(backOffOptions, Math.random);
    let logins = 0;
    let reason;
    for (let tries = 1; ; tries++) {
      this.checkOpen();
      const left = until - performance.now();
      if (left <= 0)
        throw new XdsError("STORE_AWAY", `etcd at ${this.addresses} gave no answer within ${Math.round(timeoutMs)} ms${reason ? `: ${reason}` : ""}`);
      const member = this.members.current;
      let client;
      let token;
      try {
        const attemptMs = Math.min(left, this.attemptMs);
        client = await member.open();
        token = this.currentToken(member, client, attemptMs);
        return { member, bytes: await this.unary(client, path, await metadataWith(token), request, attemptMs) };
      } catch (failure) {
        this.checkOpen();
        if (!(failure instanceof EtcdFailure))
          throw failure;
        this.failed(failure, member, client, token);
        const isHopeless = failure.isCertificate && tries >= this.members.count;
        if (failure.kind === "final" || isHopeless || failure.kind === "login" && ++logins > mostLogins)
          throw failure.toError(member.address);
        if (failure.code !== import_grpc_js3.status.DEADLINE_EXCEEDED)
          reason = failure.text;
      }
      if (tries % this.members.count === 0)
        await this.sleep(Math.min(backOff.next(), until - performance.now()));
    }
  }
  unary(client, path, metadata, request, ms) {
    this.checkOpen();
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + ms };
      const call = client.makeUnaryRequest(path, toBuffer, toBytes, request, metadata, options, (error, response) => {
        this.active.delete(call);
        if (response)
          resolve(response);
        else
          reject(new EtcdFailure(error ?? { code: import_grpc_js3.status.INTERNAL, details: "no response came" }));
      });
      this.active.add(call);
    });
  }
  /** Prepares the next try after a failure: forgets the token, or changes the connection or the member. */
  failed({ kind }, member, client, token) {
    if (kind === "login" && this.token === token)
      this.token = void 0;
    if (kind === "connection")
      member.drop(client);
    if (kind === "connection" || kind === "member")
      this.members.leave(member);
  }
  currentToken(member, client, ms) {
    if (this.token)
      return this.token;
    const token = this.authenticate(member, client, ms);
    this.token = token;
    token.catch(() => {
      if (this.token === token)
        this.token = void 0;
    });
    return token;
  }
  async authenticate(member, client, ms) {
    const login = await this.options.login();
    if (!login)
      return void 0;
    const { user: name, password } = login;
    const request = encode("AuthenticateRequest", { name, password });
    try {
      const bytes = await this.unary(client, authenticatePath, new import_grpc_js3.Metadata(), request, ms);
      return this.read("AuthenticateResponse", bytes, member).token;
    } catch (error) {
      if (!messageOf(error).includes("authentication is not enabled"))
        throw error;
      const text = "etcd has authentication switched off, so everybody who reaches it can change the configuration";
      this.options.logger.warn({ etcd: this.addresses, user: name }, text);
      return void 0;
    }
  }
  /** @throws XdsError INVALID_RESPONSE; STORE_FAILED if the members belong to different clusters */
  read(name, bytes, member) {
    const { address } = member;
    let message;
    try {
      message = decode(name, bytes);
    } catch (cause) {
      throw new XdsError("INVALID_RESPONSE", `the answer of ${address} is not one of etcd: ${messageOf(cause)}`, {
        cause
      });
    }
    const { clusterId } = message.header ?? {};
    if (clusterId === void 0)
      throw new XdsError("INVALID_RESPONSE", `${address} sends responses without a header`);
    this.clusterId ??= clusterId;
    if (clusterId === this.clusterId)
      return message;
    this.members.leave(member);
    throw new XdsError("STORE_FAILED", `etcd at ${address} is of another cluster than the one that answered before, of ${this.addresses}; give members of one cluster, and after a restore start again`);
  }
  async sleep(ms) {
    await sleep(Math.max(0, ms), void 0, { signal: this.closing.signal }).catch(() => this.checkOpen());
  }
  checkOpen() {
    if (this.closing.signal.aborted)
      throw new XdsError("WRONG_STATE", "the store is closed");
  }
};
async function metadataWith(token) {
  const metadata = new import_grpc_js3.Metadata();
  const text = await token;
  if (text !== void 0)
    metadata.set("token", text);
  return metadata;
}

// dist/store/etcd/held-lease.js
import { hostname } from "node:os";
var moment = () => ({ steady: performance.now(), wall: Date.now() });
var since = ({ steady, wall }) => Math.max(performance.now() - steady, Date.now() - wall);
var HeldLease = class _HeldLease {
  client;
  key;
  id;
  createRevision;
  onLost;
  renewed;
  ttlMs;
  controller = new AbortController();
  renewal;
  end;
  constructor(client, key, id, createRevision, onLost, renewed, ttlMs) {
    this.client = client;
    this.key = key;
    this.id = id;
    this.createRevision = createRevision;
    this.onLost = onLost;
    this.renewed = renewed;
    this.ttlMs = ttlMs;
    this.arm();
  }
  /** Takes the key, if nobody has it. */
  static async take(client, key, ttlSeconds, onLost) {
    const { count } = await client.call("Range", { key, countOnly: true });
    if (count > 0n)
      return void 0;
    const start = moment();
    const { id, ttl } = await client.call("LeaseGrant", { ttl: BigInt(ttlSeconds) });
    const value = new Uint8Array(Buffer.from(JSON.stringify({ host: hostname(), pid: process.pid })));
    const { succeeded, header, responses } = await client.call("Txn", {
      compare: [{ target: compareTarget.createRevision, key, createRevision: 0n }],
      success: [{ requestPut: { key, value, lease: id } }],
      failure: [{ requestRange: { key } }]
    });
    const there = responses[0]?.responseRange?.kvs[0];
    const isOurs = succeeded || there?.lease === id;
    if (!isOurs) {
      await revoke(client, id);
      return void 0;
    }
    const created = succeeded ? header?.revision : there?.createRevision;
    return new _HeldLease(client, key, id, created ?? 0n, onLost, start, Number(ttl) * 1e3);
  }
  get lost() {
    return this.controller.signal;
  }
  async release() {
    if (this.lost.aborted)
      return;
    this.lose();
    await revoke(this.client, this.id);
  }
  /** Marks the lease as lost. */
  lose() {
    clearTimeout(this.renewal);
    clearTimeout(this.end);
    if (this.lost.aborted)
      return;
    this.controller.abort();
    this.onLost(this);
  }
  get leftMs() {
    return this.ttlMs - since(this.renewed);
  }
  arm() {
    this.renewal = setTimeout(() => void this.renew(), this.ttlMs / 3);
    this.check();
  }
  check() {
    clearTimeout(this.end);
    if (this.leftMs <= 0)
      this.lose();
    else
      this.end = setTimeout(() => this.check(), this.leftMs);
  }
  async renew() {
    this.check();
    if (this.lost.aborted)
      return;
    const sent = moment();
    try {
      const { ttl } = await this.client.call("LeaseKeepAlive", { id: this.id }, this.leftMs);
      if (this.lost.aborted)
        return;
      if (ttl <= 0n)
        return this.lose();
      this.renewed = sent;
      this.ttlMs = Number(ttl) * 1e3;
    } catch {
      return this.lose();
    }
    this.arm();
  }
};
var revokeMs = 2e3;
async function revoke(client, id) {
  await client.call("LeaseRevoke", { id }, revokeMs).catch(() => {
  });
}

// dist/store/etcd/key-watch.js
var import_grpc_js4 = __toESM(require_src(), 1);
import { setTimeout as sleep2 } from "node:timers/promises";
var backOffOptions2 = { initialMs: 100, maxMs: 5e3, factor: 2, jitter: 0.5 };
var KeyWatch = class {
  client;
  options;
  closing = new AbortController();
  running;
  /** The revision from which the next watch begins. `undefined` if the key must be read first. */
  next;
  isWatching = false;
  trouble;
  /** The first and the last failure since something has worked. */
  failing;
  failures = 0;
  /** `from` is the revision after the one that was read last. */
  constructor(client, options, from) {
    this.client = client;
    this.options = options;
    this.next = from;
    this.running = Promise.all([this.run(), this.look()]).then(() => {
    });
  }
  /** Stops. Nothing is called any more when this has resolved. */
  async close() {
    this.closing.abort();
    await this.running;
  }
  /** Since when etcd has not answered. */
  get away() {
    return this.trouble === "away" ? this.failing : void 0;
  }
  get isClosed() {
    return this.closing.signal.aborted;
  }
  async run() {
    const backOff = new BackOff(backOffOptions2, Math.random);
    while (!this.isClosed) {
      try {
        const isFresh = this.next === void 0;
        this.next ??= await this.options.read() + 1n;
        await this.follow(this.next, isFresh, backOff);
      } catch (error) {
        if (!this.isClosed)
          this.failed(error);
      }
      this.isWatching = false;
      await this.sleep(backOff.next());
    }
  }
  /** Resolves when the watch has ended and can be opened again. Rejects with the reason of a failure. */
  async follow(from, isFresh, backOff) {
    const { signal } = this.closing;
    const request = { createRequest: { key: this.options.key, startRevision: from, fragment: true } };
    let isOver = false;
    let stopWaiting = () => {
    };
    let cancel = () => {
    };
    try {
      await new Promise((resolve, reject) => {
        stopWaiting = () => resolve();
        signal.addEventListener("abort", stopWaiting);
        const message = (response) => {
          try {
            if (this.take(response, isFresh, backOff))
              resolve();
          } catch (error) {
            reject(error);
          }
        };
        const ended = (failure) => {
          if (failure.code === import_grpc_js4.status.RESOURCE_EXHAUSTED)
            this.next = void 0;
          reject(failure);
        };
        this.client.watch(request, { message, ended }).then((cancelWatch) => {
          cancel = cancelWatch;
          if (isOver)
            cancelWatch();
        }).catch(reject);
      });
    } finally {
      isOver = true;
      signal.removeEventListener("abort", stopWaiting);
      cancel();
    }
  }
  /** Takes a response. Returns whether the watch is over. */
  take(response, isFresh, backOff) {
    const { created, canceled, compactRevision, cancelReason, events, fragment, header } = response;
    if (canceled) {
      this.next = void 0;
      if (compactRevision > 0n)
        return true;
      throw new XdsError("STORE_FAILED", `etcd ends the watch: ${cancelReason || "it gives no reason"}`);
    }
    if (created) {
      this.isWatching = true;
      backOff.succeed();
      this.recovered();
      if (!isFresh && (header?.revision ?? 0n) + 1n < (this.next ?? 0n)) {
        this.next = void 0;
        return true;
      }
    }
    for (const { type, kv } of events) {
      if (!kv || this.isClosed)
        continue;
      this.next = fragment ? kv.modRevision : kv.modRevision + 1n;
      this.options.changed(type === deleteEvent ? void 0 : kv);
    }
    return false;
  }
  async look() {
    const { lookMs, read } = this.options;
    for (; ; ) {
      await this.sleep(lookMs * (0.75 + Math.random() / 2));
      if (this.isClosed)
        return;
      try {
        await read();
        if (this.isWatching)
          this.recovered();
      } catch (error) {
        if (!this.isClosed)
          this.failed(error);
      }
    }
  }
  /** Logs a failure. A lost connection alone is no trouble; trouble begins when no other connection can be opened. */
  failed(error) {
    const { logger } = this.options;
    const fields = { etcd: this.client.addresses, error: messageOf(error) };
    const trouble = error instanceof XdsError && error.code === "STORE_DAMAGED" ? "damaged" : "away";
    this.failures++;
    this.failing = { since: this.failing?.since ?? Date.now(), error: messageOf(error) };
    const isFirst = trouble === "away" && this.failures === 1;
    if (isFirst || trouble === this.trouble)
      logger.debug(fields, "the watch of the store has ended");
    else if (trouble === "away")
      logger.warn(fields, "etcd cannot be reached: the last known head stays in use");
    else
      logger.error(fields, "the head in etcd is damaged: the last known head stays in use");
    if (!isFirst)
      this.trouble = trouble;
  }
  recovered() {
    this.failures = 0;
    this.failing = void 0;
    if (!this.trouble)
      return;
    this.trouble = void 0;
    this.options.logger.info({ etcd: this.client.addresses }, "etcd can be reached again");
  }
  async sleep(ms) {
    await sleep2(ms, void 0, { signal: this.closing.signal }).catch(() => {
    });
  }
};

// dist/store/etcd/text-source.js
var maxBytes = 1 << 20;
async function readText(source, what) {
  if (typeof source === "string")
    return source;
  if ("variable" in source) {
    const value = process.env[source.variable];
    if (value === void 0)
      throw new XdsError("STORE_FAILED", `${what} is the variable ${source.variable}, which is not set`);
    return value;
  }
  try {
    return (await readWholeFile(source.file, { maxBytes })).toString().replace(/\r?\n$/, "");
  } catch (cause) {
    throw new XdsError("STORE_FAILED", `${what} cannot be read from ${source.file}: ${messageOf(cause)}`, { cause });
  }
}

// dist/store/etcd/options.js
var optionNames = {
  endpoints: true,
  configuration: true,
  tls: true,
  login: true,
  timeoutMs: true,
  openTimeoutMs: true,
  unusedBlobsMs: true,
  logger: true,
  leaseSeconds: true,
  lookMs: true,
  keepaliveMs: true,
  keepaliveTimeoutMs: true
};
var tlsNames = { ca: true, cert: true, key: true, serverName: true };
var loginNames = { user: true, password: true };
var mostEndpoints = 100;
function readOptions(options) {
  checkOptions("EtcdStore", options, optionNames);
  const { endpoints, configuration = "default", tls, login, logger = silentLogger } = options;
  const { timeoutMs = 1e4, unusedBlobsMs = 24 * 36e5, leaseSeconds = 10, lookMs = 3e4 } = options;
  const { openTimeoutMs = timeoutMs } = options;
  const { keepaliveMs = 7e3, keepaliveTimeoutMs = 5e3 } = options;
  if (!Array.isArray(endpoints) || endpoints.length === 0 || endpoints.length > mostEndpoints)
    throw invalid("endpoints", endpoints, `an array of 1 to ${mostEndpoints} members of etcd, host:port each`);
  for (const endpoint of endpoints)
    if (typeof endpoint !== "string" || !/^(\[[\da-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/.test(endpoint))
      throw invalid("an endpoint", endpoint, "host:port, without a scheme; TLS is the option tls");
  if (!/^[\w-][\w.-]{0,99}$/.test(configuration))
    throw invalid("configuration", configuration, "at most 100 letters, digits, '.', '_' and '-'");
  const times = { timeoutMs, openTimeoutMs, leaseSeconds, lookMs, keepaliveMs, keepaliveTimeoutMs };
  for (const [name, value] of Object.entries(times))
    atLeast(name, value, 1);
  atLeast("unusedBlobsMs", unusedBlobsMs, 0);
  if (tls)
    checkOptions("tls", tls, tlsNames);
  if (tls?.cert === void 0 !== (tls?.key === void 0))
    throw new XdsError("INVALID_OPTION", "a client certificate needs both, tls.cert and tls.key");
  if (login)
    checkOptions("login", login, loginNames);
  if (login && (login.user === void 0 || login.password === void 0))
    throw new XdsError("INVALID_OPTION", "a login needs both, login.user and login.password");
  return {
    client: {
      endpoints,
      timeoutMs,
      keepaliveMs,
      keepaliveTimeoutMs,
      logger,
      tls: async () => tls && await readTls(tls),
      login: async () => login && await readLogin(login)
    },
    prefix: `/xds/v1/${configuration}/`,
    openTimeoutMs,
    unusedBlobsMs,
    leaseSeconds,
    lookMs,
    logger
  };
}
async function readTls({ ca, cert, key, serverName }) {
  return {
    ...ca !== void 0 && { ca: await readText(ca, "the certificate authority of etcd (tls.ca, --store-tls-ca)") },
    ...cert !== void 0 && { cert: await readText(cert, "the certificate for etcd (tls.cert, --store-tls-cert)") },
    ...key !== void 0 && { key: await readText(key, "the key for etcd (tls.key, --store-tls-key)") },
    ...serverName !== void 0 && { serverName }
  };
}
var readLogin = async ({ user, password }) => ({
  user: await readText(user, "the user of etcd (login.user, --store-user)"),
  password: await readText(password, "the password for etcd (login.password, --store-password-file)")
});
function atLeast(name, value, least) {
  if (typeof value !== "number" || !Number.isFinite(value) || value < least)
    throw invalid(name, value, `a number, ${least} or more`);
}
var invalid = (name, value, expected) => new XdsError("INVALID_OPTION", `${name} must be ${expected}, is ${JSON.stringify(value) ?? "missing"}`);

// dist/store/etcd/etcd-store.js
var mostAudit = 1e4;
var mostMoves = 16;
var EtcdStore = class _EtcdStore {
  settings;
  client;
  keys;
  blobs;
  listeners = /* @__PURE__ */ new Set();
  leases = /* @__PURE__ */ new Set();
  seen = { stored: { version: 0, head: void 0 }, moves: [] };
  watch;
  closing;
  constructor(settings) {
    this.settings = settings;
    this.client = new EtcdClient(settings.client);
    this.keys = new Keys(settings.prefix);
    this.blobs = new EtcdBlobs(this.client, this.keys, settings.unusedBlobsMs);
  }
  /**
   * Connects to etcd, reads the head and watches it from then on.
   * @throws XdsError INVALID_OPTION; STORE_AWAY if etcd gives no answer; STORE_FAILED if it refuses the user or the
   * certificate; STORE_DAMAGED if the head cannot be read
   */
  static async open(options) {
    const store = new _EtcdStore(readOptions(options));
    try {
      const revision = await store.look(store.settings.openTimeoutMs);
      store.watch = new KeyWatch(store.client, store.watchOptions(), revision + 1n);
      return store;
    } catch (error) {
      store.client.close();
      throw error;
    }
  }
  /** Set while no member of etcd answers. */
  get away() {
    return this.watch?.away;
  }
  watchOptions() {
    const { lookMs, logger } = this.settings;
    const read = () => this.look();
    const changed = (kv) => {
      if (kv)
        this.see(kv);
      else
        logger.error({ key: this.keys.text("head") }, "somebody has deleted the head of the store");
    };
    return { key: this.keys.of("head"), read, changed, lookMs, logger };
  }
  async putBlobs(blobs) {
    return this.blobs.put(blobs);
  }
  async keepBlobs(hashes) {
    return this.blobs.keep(hashes);
  }
  async readBlob(hash) {
    return this.blobs.read(hash);
  }
  /** As {@link Store.collect}. Removes the oldest audit entries, too. */
  async collect(used) {
    const removed = await this.blobs.collect(used);
    await this.trimAudit();
    return removed;
  }
  /** As {@link Store.readHead}. */
  async readHead() {
    await this.look();
    return this.seen.stored;
  }
  async moveHead(from, { head, put = {}, audit, lease }) {
    this.checkOpen();
    checkKeys(Object.keys(put));
    const held = lease && this.heldLease(lease);
    if (this.seen.stored.version < from)
      await this.look();
    if (this.seen.stored.version !== from)
      return void 0;
    const move = randomBytes(8).toString("hex");
    const value = { moves: [...this.seen.moves.slice(1 - mostMoves), move], head };
    const key = this.keys.of("head");
    const success = [
      ...this.putsOf(put),
      ...audit ? [this.noteOf(audit)] : [],
      { requestPut: { key, value: encodeValue(value) } }
    ];
    checkSize(success);
    const { succeeded, responses } = await this.client.call("Txn", {
      compare: [
        { target: compareTarget.version, key, version: BigInt(from) },
        ...held ? [{ target: compareTarget.createRevision, key: held.key, createRevision: held.createRevision }] : []
      ],
      success,
      failure: [{ requestRange: { key } }, ...held ? [{ requestRange: { key: held.key } }] : []]
    });
    if (succeeded) {
      this.moved({ stored: { version: from + 1, head: structuredClone(head) }, moves: value.moves });
      return from + 1;
    }
    const [now, holder] = responses.map(({ responseRange }) => responseRange?.kvs[0]);
    if (now)
      this.see(now);
    if (this.seen.moves.includes(move))
      return from + 1;
    if (held && holder?.createRevision !== held.createRevision) {
      held.lose();
      throw lostLease();
    }
    return void 0;
  }
  onMove(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  async readRecord(key) {
    checkKeys([key]);
    const { kvs } = await this.client.call("Range", { key: this.keys.of(`record/${key}`) });
    return kvs[0] && decodeValue(kvs[0].key, kvs[0].value);
  }
  async listRecords(kind) {
    const path = `record/${kind}/`;
    const ids = [];
    for await (const kvs of pages(this.client, this.keys.below(path), true))
      for (const { key } of kvs)
        ids.push(this.keys.idIn(path, key));
    return ids;
  }
  async putRecords(records) {
    checkKeys(Object.keys(records));
    const success = this.putsOf(records);
    checkSize(success);
    await this.client.call("Txn", { success });
  }
  /** As {@link Store.removeRecords}. It removes at most 100 records in one transaction. */
  async removeRecords(keys) {
    checkKeys(keys);
    const all = keys.map((key) => ({ requestDeleteRange: { key: this.keys.of(`record/${key}`) } }));
    for (let at = 0; at < all.length; at += mostOperations)
      await this.client.call("Txn", { success: all.slice(at, at + mostOperations) });
  }
  /** As {@link Store.audit}. */
  async audit(entry) {
    const success = [this.noteOf(entry)];
    checkSize(success);
    await this.client.call("Txn", { success });
  }
  async readAudit(most) {
    this.checkOpen();
    if (most < 1)
      return [];
    const limit = BigInt(Math.min(most, mostAudit));
    const { kvs } = await this.client.call("Range", { ...this.keys.below("audit/"), limit, ...newestFirst });
    return kvs.map(({ key, value }) => decodeValue(key, value));
  }
  async lease(name) {
    checkKeys([`lease/${name}`]);
    const key = this.keys.of(`lease/${name}`);
    const onLost = (lost) => void this.leases.delete(lost);
    const lease = await HeldLease.take(this.client, key, this.settings.leaseSeconds, onLost);
    if (lease && !lease.lost.aborted)
      this.leases.add(lease);
    return lease;
  }
  close() {
    this.closing ??= this.end();
    return this.closing;
  }
  async end() {
    this.listeners.clear();
    const watching = this.watch?.close();
    await Promise.all([...this.leases].map((lease) => lease.release()));
    this.client.close();
    await watching;
  }
  /** Reads the head now. Returns etcd's revision at that moment. */
  async look(timeoutMs) {
    const before = this.seen.stored.version;
    const { kvs, header } = await this.client.call("Range", { key: this.keys.of("head") }, timeoutMs);
    const version = Number(kvs[0]?.version ?? 0n);
    if (version < before)
      throw new XdsError("STORE_DAMAGED", `${this.keys.text("head")} in etcd has gone back from version ${before} to ${version}: it was deleted, or restored from a backup; start again to go on from what is there`);
    if (kvs[0])
      this.see(kvs[0]);
    return header?.revision ?? 0n;
  }
  /** Takes a head from etcd. It can be older than the one that is known. */
  see({ key, version, value }) {
    if (Number(version) <= this.seen.stored.version)
      return;
    const { moves, head } = decodeValue(key, value);
    this.moved({ stored: { version: Number(version), head }, moves });
  }
  moved(seen) {
    if (this.closing || seen.stored.version <= this.seen.stored.version)
      return;
    this.seen = seen;
    for (const listener of [...this.listeners])
      try {
        listener(seen.stored);
      } catch (error) {
        this.settings.logger.error({ error: messageOf(error) }, "a listener for moves of the head has failed");
      }
  }
  putsOf(records) {
    return Object.entries(records).map(([key, value]) => ({
      requestPut: { key: this.keys.of(`record/${key}`), value: encodeValue(value) }
    }));
  }
  noteOf(entry) {
    const key = this.keys.of(`audit/${String(entry.at).padStart(15, "0")}-${randomBytes(4).toString("hex")}`);
    return { requestPut: { key, value: encodeValue(entry) } };
  }
  async trimAudit() {
    const all = this.keys.below("audit/");
    const { count } = await this.client.call("Range", { ...all, countOnly: true });
    const limit = count - BigInt(mostAudit);
    if (limit <= 0n)
      return;
    const { kvs } = await this.client.call("Range", { ...all, limit, keysOnly: true });
    const last = kvs.at(-1);
    if (!last)
      return;
    const old = { key: all.key, rangeEnd: new Uint8Array([...last.key, 0]) };
    await this.client.call("Txn", { success: [{ requestDeleteRange: old }] });
  }
  heldLease(lease) {
    if (lease.lost.aborted)
      throw lostLease();
    if (lease instanceof HeldLease && this.leases.has(lease))
      return lease;
    throw new XdsError("INVALID_OPTION", "the lease of a move must be one of the same store");
  }
  checkOpen() {
    if (this.closing)
      throw new XdsError("WRONG_STATE", "the store is closed");
  }
};
function checkSize(operations) {
  const bytes = operations.reduce((sum, operation) => sum + bytesOf(operation), 0);
  if (operations.length > mostOperations)
    throw new XdsError("INVALID_OPTION", `etcd takes at most ${mostOperations} values at once, not ${operations.length}`);
  if (bytes > requestBytes)
    throw new XdsError("INVALID_OPTION", `etcd takes at most ${requestBytes} bytes at once, compressed, not ${bytes}`);
}
export {
  EtcdStore
};
