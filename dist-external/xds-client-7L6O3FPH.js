import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  decodeDeltaDiscoveryResponse,
  decodeDiscoveryResponse
} from "./chunk-NRBZXTYV.js";
import {
  BackOff,
  credentialsOf,
  onOneLine,
  tlsChannelOptions,
  toBuffer,
  toBytes
} from "./chunk-WICIYJAY.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import {
  canonicalName,
  collectionOf,
  encodeMessage
} from "./chunk-342YQNNX.js";
import {
  XdsApi
} from "./chunk-QMJ32M3M.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import {
  apiMessage
} from "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/client/resource.js
import { fromBinary } from "@bufbuild/protobuf";
var ClientResource = class _ClientResource {
  registry;
  typeUrl;
  name;
  version;
  body;
  aliases;
  ttlMs;
  decoded;
  constructor(registry, typeUrl, name, version, body, aliases, ttlMs) {
    this.registry = registry;
    this.typeUrl = typeUrl;
    this.name = name;
    this.version = version;
    this.body = body;
    this.aliases = aliases;
    this.ttlMs = ttlMs;
  }
  /** @internal Makes a resource from a response's entry. */
  static received(registry, { typeUrl, name, version, body, aliases, ttlMs }) {
    return new _ClientResource(registry, typeUrl, name, version, body, aliases, ttlMs);
  }
  /**
   * The message, decoded at first use.
   * @throws XdsError INVALID_RESOURCE for a type that the registry does not know, and for bytes that are not of the
   * type
   */
  get message() {
    this.decoded ??= this.decode();
    return this.decoded;
  }
  /**
   * Decodes the message with a schema, at each call again: `resource.as(ClusterSchema).name`.
   * @throws XdsError WRONG_TYPE for a resource of another type; INVALID_RESOURCE for bytes that are not of the type
   */
  as(schema) {
    const typeName = messageName(this.typeUrl);
    if (typeName === schema.typeName)
      return this.decodedAs(schema);
    throw new XdsError("WRONG_TYPE", `${JSON.stringify(this.name)} is a ${typeName}, not a ${schema.typeName}`);
  }
  decode() {
    const schema = this.registry.getMessage(messageName(this.typeUrl));
    if (!schema)
      throw new XdsError("INVALID_RESOURCE", `no schema is known for ${this.typeUrl}, so ${JSON.stringify(this.name)} cannot be decoded; give the client an api that has it`);
    return this.decodedAs(schema);
  }
  decodedAs(schema) {
    try {
      return fromBinary(schema, this.body);
    } catch (cause) {
      throw new XdsError("INVALID_RESOURCE", `the bytes of ${JSON.stringify(this.name)} are not a ${schema.typeName}: ${messageOf(cause)}`, { cause });
    }
  }
};
var messageName = (typeUrl) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
function sameContent(a, b) {
  return Buffer.compare(a.body, b.body) === 0 && a.aliases.join("\n") === b.aliases.join("\n");
}

// dist/client/change-feed.js
var ChangeFeed = class {
  state;
  onReturn;
  pending = /* @__PURE__ */ new Map();
  arrival;
  ended = false;
  error;
  /** Starts with all current resources. `left` is called when the reader stops. */
  constructor(state, onReturn) {
    this.state = state;
    this.onReturn = onReturn;
    for (const [name, after] of state.resources)
      this.pending.set(name, { name, before: void 0, after });
  }
  /** The type whose changes these are. */
  get typeUrl() {
    return this.state.typeUrl;
  }
  /** @internal Adds changes for the reader. */
  push(changes) {
    for (const { name, before: was, after } of changes) {
      const earlier = this.pending.get(name);
      const before = earlier ? earlier.before : was;
      if (isSame(before, after))
        this.pending.delete(name);
      else
        this.pending.set(name, { name, before, after });
    }
    if (this.pending.size > 0)
      this.arrive();
  }
  /** Ends the feed after the remaining changes. With an error, the reader's `next()` then throws it. */
  end(error) {
    this.ended = true;
    this.error = error;
    this.arrive();
  }
  arrive() {
    this.arrival?.resolve();
    this.arrival = void 0;
  }
  /** Resolves with all changes since the last call, as soon as there are any. */
  async next() {
    while (this.pending.size === 0) {
      if (this.ended) {
        const { error } = this;
        this.error = void 0;
        if (error !== void 0)
          throw error;
        return { done: true, value: void 0 };
      }
      this.arrival ??= withResolver();
      await this.arrival.promise;
    }
    const { typeUrl, version } = this.state;
    const changes = [...this.pending.values()];
    this.pending = /* @__PURE__ */ new Map();
    return { done: false, value: { typeUrl, version, changes } };
  }
  /** Ends the feed. `for await` calls it when its loop ends. */
  return() {
    this.pending.clear();
    this.end();
    this.onReturn(this);
    return Promise.resolve({ done: true, value: void 0 });
  }
  /** The feed itself. */
  [Symbol.asyncIterator]() {
    return this;
  }
};
var isSame = (a, b) => a === b || a !== void 0 && b !== void 0 && sameContent(a, b);
function withResolver() {
  let resolve = () => {
  };
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

// dist/client/connection.js
var finishMs = 1e3;
var Connection = class {
  host;
  path;
  typeUrl;
  subscriptions;
  backOff;
  call;
  stream;
  failure;
  cancelRetry = () => {
  };
  closing;
  constructor(host, path, typeUrl, subscriptions, backOff2) {
    this.host = host;
    this.path = path;
    this.typeUrl = typeUrl;
    this.subscriptions = subscriptions;
    this.backOff = backOff2;
  }
  open() {
    const { host } = this;
    this.failure = void 0;
    const call = host.transport.open(this.path, {
      opened: () => {
        this.stream = host.protocol.stream(host, this.subscriptions, this.typeUrl, (bytes) => call.send(bytes));
        host.opened(this.info);
        this.stream.start();
      },
      message: (bytes) => this.message(bytes),
      writable: () => this.stream?.writable(),
      ended: (status2) => this.ended(status2)
    });
    this.call = call;
  }
  /** Sends changes of the subscriptions to the server. */
  flush() {
    this.stream?.flush();
  }
  /**
   * Ends the stream after the requests already sent, and opens no other. Resolves when it has ended, within about a
   * second.
   */
  close() {
    this.cancelRetry();
    const { call, stream } = this;
    if (!call)
      return Promise.resolve();
    stream?.end();
    return new Promise((resolve) => {
      const cancel = () => call.cancel("the client was closed");
      const cancelTimer = this.host.timers.after(finishMs, cancel);
      this.closing = () => {
        cancelTimer();
        resolve();
      };
      if (stream)
        call.finish();
      else
        cancel();
    });
  }
  get info() {
    return { variant: this.host.protocol.name, typeUrl: this.typeUrl };
  }
  message(bytes) {
    try {
      const received = this.host.protocol.decode(bytes);
      this.backOff?.succeed();
      return this.stream?.receive(received);
    } catch (error) {
      this.failure = error instanceof XdsError ? error : new XdsError("INTERNAL", String(error), { cause: error });
      this.call?.cancel(this.failure.message);
    }
  }
  ended(status2) {
    this.stream?.end();
    this.stream = void 0;
    this.call = void 0;
    if (this.closing) {
      this.host.closed({ ...this.info, error: void 0, status: status2, retryInMs: void 0 });
      this.closing();
      return;
    }
    const what = this.typeUrl === "" ? "the aggregated stream" : `the stream of ${this.typeUrl}`;
    const message = `${what} at ${this.host.address} ended with status ${status2.code}: ${status2.details || "no reason given"}`;
    const error = this.failure ?? new XdsError("STREAM_ENDED", message, { cause: status2 });
    const retryInMs = this.backOff?.next();
    if (retryInMs !== void 0)
      this.cancelRetry = this.host.timers.after(retryInMs, () => this.open());
    this.host.closed({ ...this.info, error, status: status2, retryInMs });
  }
};

// dist/client/grpc.js
import { Client, connectivityState, status } from "@grpc/grpc-js";
var GrpcTransport = class {
  options;
  credentials;
  channelOptions;
  /**
   * Checks the options.
   * @throws XdsError INVALID_OPTION for an unusable certificate or address
   */
  constructor(options) {
    this.options = options;
    this.credentials = credentialsOf(options.tls);
    this.channelOptions = {
      "grpc.max_receive_message_length": options.maxResponseBytes,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": options.keepaliveMs,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      ...tlsChannelOptions(options.tls)
    };
    try {
      this.client().close();
    } catch (cause) {
      throw new XdsError("INVALID_OPTION", `cannot connect to ${options.address}: ${messageOf(cause)}`, { cause });
    }
  }
  open(path, receiver) {
    const client = this.client();
    const call = client.makeBidiStreamRequest(path, toBuffer, toBytes);
    let over = false;
    let finishing = false;
    const end = (code, details) => {
      if (over)
        return;
      over = true;
      client.close();
      receiver.ended({ code, details });
    };
    call.on("status", (given) => {
      const { code = status.INTERNAL, details = "a response could not be decompressed" } = given;
      end(code, onOneLine(details));
    });
    call.on("error", () => {
    });
    const read = reading(call, (bytes) => over || finishing ? void 0 : receiver.message(bytes));
    call.on("drain", () => {
      read.resume("writes");
      if (!over && !finishing)
        receiver.writable();
    });
    const cancel = (code, details) => {
      end(code, details);
      call.cancel();
    };
    this.whenConnected(client, (error) => {
      if (over)
        return;
      if (error)
        cancel(status.UNAVAILABLE, error);
      else
        receiver.opened();
    });
    return {
      send: (bytes) => {
        if (over)
          return false;
        const writable = call.write(bytes);
        if (!writable)
          read.pause("writes");
        return writable;
      },
      cancel: (details) => cancel(status.CANCELLED, details),
      finish: () => {
        finishing = true;
        call.resume();
        call.end();
      }
    };
  }
  client() {
    return new Client(this.options.address, this.credentials, this.channelOptions);
  }
  whenConnected(client, report) {
    const { address, connectTimeoutMs } = this.options;
    const channel = client.getChannel();
    const until = performance.now() + connectTimeoutMs;
    const checkState = (late) => {
      const state = channel.getConnectivityState(false);
      if (state === connectivityState.SHUTDOWN)
        return;
      if (state === connectivityState.READY)
        return report();
      if (late)
        return report(`no connection to ${address} within ${connectTimeoutMs} ms`);
      channel.watchConnectivityState(state, Date.now() + until - performance.now(), checkState);
    };
    checkState();
  }
};
function reading(call, take) {
  const reasons = /* @__PURE__ */ new Set();
  const pause = (reason) => {
    reasons.add(reason);
    call.pause();
  };
  const resume = (reason) => {
    reasons.delete(reason);
    if (reasons.size === 0)
      call.resume();
  };
  call.on("data", (bytes) => {
    const waiting = take(bytes);
    if (!waiting)
      return;
    pause("handler");
    void waiting.then(() => resume("handler"));
  });
  return { pause, resume };
}

// dist/client/options.js
import { create, fromBinary as fromBinary2 } from "@bufbuild/protobuf";

// dist/client/timers.js
var systemClock = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle),
  random: () => Math.random()
};
var longest = 2 ** 31 - 1;
var Timers = class {
  clock;
  running = /* @__PURE__ */ new Set();
  constructor(clock) {
    this.clock = clock;
  }
  /** Calls `run` once after `ms` milliseconds. Returns a function that cancels it. */
  after(ms, run) {
    const handle = this.clock.setTimeout(() => {
      this.running.delete(handle);
      run();
    }, Math.min(Math.max(0, ms), longest));
    this.running.add(handle);
    return () => {
      if (this.running.delete(handle))
        this.clock.clearTimeout(handle);
    };
  }
  clear() {
    for (const handle of this.running)
      this.clock.clearTimeout(handle);
    this.running.clear();
  }
};

// dist/client/options.js
var optionNames = {
  address: true,
  variant: true,
  service: true,
  node: true,
  tls: true,
  reconnect: true,
  manual: true,
  callbacks: true,
  api: true,
  logger: true,
  connectTimeoutMs: true,
  keepaliveMs: true,
  keepaliveTimeoutMs: true,
  maxResponseBytes: true,
  clock: true
};
var tlsNames = {
  ca: true,
  cert: true,
  key: true,
  serverName: true
};
var backOffNames = { initialMs: true, maxMs: true, factor: true, jitter: true };
var clientFeatures = [
  "xds.config.supports-resource-ttl",
  "xds.config.resource-in-sotw",
  "xds.config.supports-resource-in-sotw"
];
var defaultBackOff = { initialMs: 500, maxMs: 3e4, factor: 2, jitter: 0.5 };
function readOptions(options) {
  checkOptions("XdsClient", options, optionNames);
  const { address, variant = "sotw", service = "ads", reconnect = {}, tls } = options;
  const { connectTimeoutMs = 1e4, keepaliveMs = 33e4, keepaliveTimeoutMs = 2e4 } = options;
  const { maxResponseBytes = 256 << 20, api = XdsApi.default } = options;
  if (typeof address !== "string" || !/^((unix|unix-abstract|dns|ipv4|ipv6):\S+|\S+:\d+)$/.test(address))
    throw invalid("address", address, "host:port, or another gRPC target such as unix:/run/xds.sock");
  oneOf("variant", variant, ["sotw", "delta"]);
  oneOf("service", service, ["ads", "separate"]);
  for (const [name, value] of Object.entries({ connectTimeoutMs, keepaliveMs, keepaliveTimeoutMs, maxResponseBytes }))
    atLeast(name, value, 1);
  if (tls)
    checkOptions("tls", tls, tlsNames);
  if (tls?.cert === void 0 !== (tls?.key === void 0))
    throw new XdsError("INVALID_OPTION", "a client certificate needs both, tls.cert and tls.key");
  return {
    address,
    variant,
    service,
    node: nodeOf(options.node, api),
    tls,
    reconnect: reconnect === false ? void 0 : backOff(reconnect),
    manual: options.manual ?? false,
    callbacks: options.callbacks ?? {},
    api,
    registry: api.registry,
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
    connectTimeoutMs,
    keepaliveMs,
    keepaliveTimeoutMs,
    maxResponseBytes
  };
}
function backOff(options) {
  checkOptions("reconnect", options, backOffNames);
  const all = { ...defaultBackOff, ...options };
  atLeast("reconnect.initialMs", all.initialMs, 1);
  atLeast("reconnect.maxMs", all.maxMs, 1);
  atLeast("reconnect.factor", all.factor, 1);
  atLeast("reconnect.jitter", all.jitter, 0);
  if (all.jitter > 1)
    throw invalid("reconnect.jitter", all.jitter, "a number from 0 to 1");
  return all;
}
function nodeOf(init, { registry }) {
  const schema = apiMessage(registry, "envoy.config.core.v3.Node");
  const defaults = { userAgentName: "ts-control-plane", clientFeatures: [...clientFeatures] };
  try {
    return fromBinary2(schema, encodeMessage(schema, create(schema, { ...defaults, ...init })));
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the node is not a valid envoy.config.core.v3.Node: ${messageOf(cause)}`, {
      cause
    });
  }
}
function oneOf(name, value, values) {
  if (!values.includes(value))
    throw invalid(name, value, values.join(" or "));
}
function atLeast(name, value, least) {
  if (typeof value !== "number" || !Number.isFinite(value) || value < least)
    throw invalid(name, value, `a number, ${least} or more`);
}
function invalid(name, value, expected) {
  return new XdsError("INVALID_OPTION", `${name} must be ${expected}, is ${JSON.stringify(value) ?? "missing"}`);
}

// dist/wire/request-encoding.js
import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
function encodeDiscoveryRequest(request, registry) {
  const writer = new FieldWriter();
  writer.string(1, request.versionInfo);
  writer.message(2, node(request.node, registry));
  writer.strings(3, request.resourceNames);
  writer.string(4, request.typeUrl);
  writer.string(5, request.responseNonce);
  writer.message(6, errorDetail(request.errorDetail));
  return writer.finish();
}
function encodeDeltaDiscoveryRequest(request, registry) {
  const writer = new FieldWriter();
  writer.message(1, node(request.node, registry));
  writer.string(2, request.typeUrl);
  writer.strings(3, request.resourceNamesSubscribe);
  writer.strings(4, request.resourceNamesUnsubscribe);
  for (const [name, version] of request.initialResourceVersions) {
    const entry = new FieldWriter();
    entry.string(1, name);
    entry.string(2, version);
    writer.message(5, entry.finish());
  }
  writer.string(6, request.responseNonce);
  writer.message(7, errorDetail(request.errorDetail));
  return writer.finish();
}
var FieldWriter = class {
  writer = new BinaryWriter();
  string(field, value) {
    if (value !== "")
      this.writer.tag(field, WireType.LengthDelimited).string(value);
  }
  strings(field, values) {
    for (const value of values)
      this.writer.tag(field, WireType.LengthDelimited).string(value);
  }
  message(field, bytes) {
    if (bytes)
      this.writer.tag(field, WireType.LengthDelimited).bytes(bytes);
  }
  finish() {
    return this.writer.finish();
  }
};
function node(message, registry) {
  return message && toBinary(apiMessage(registry, "envoy.config.core.v3.Node"), message);
}
function errorDetail(error) {
  if (!error)
    return void 0;
  const writer = new BinaryWriter();
  if (error.code !== 0)
    writer.tag(1, WireType.Varint).int32(error.code);
  if (error.message !== "")
    writer.tag(2, WireType.LengthDelimited).string(error.message);
  return writer.finish();
}

// dist/client/delta.js
var none = /* @__PURE__ */ new Map();
var delta = {
  name: "delta",
  method: (service) => service.delta,
  requests(subscription, answer) {
    if (!answer && !subscription.pending)
      return [];
    const { typeUrl, type, requested } = subscription;
    let subscribe = requested ? [...subscription.subscribing] : subscription.all();
    if (!requested && subscribe.length === 1 && subscription.wildcard && type.emptyIsWildcard)
      subscribe = [];
    const request = {
      node: void 0,
      typeUrl,
      responseNonce: answer?.nonce ?? "",
      errorDetail: answer?.error,
      resourceNamesSubscribe: subscribe,
      // For a name that was dropped and added again, subscribing is enough to receive it again (P42).
      resourceNamesUnsubscribe: [...subscription.unsubscribing].filter((name) => !subscription.subscribing.has(name)),
      initialResourceVersions: requested ? none : versions(subscription.resources)
    };
    subscription.markSent();
    return [request];
  },
  apply(subscription, { resources, bodiless, removed }, now) {
    const changes = resources.flatMap((resource) => subscription.put(resource, now));
    for (const entry of bodiless) {
      if (subscription.refresh(entry, now) || entry.ttlMs !== void 0)
        continue;
      changes.push(...subscription.remove(entry.name));
      for (const name of [entry.name, ...entry.aliases])
        subscription.addMissing(name);
    }
    for (const name of removed) {
      changes.push(...subscription.remove(name));
      subscription.addMissing(name);
    }
    return changes;
  }
};
function versions(resources) {
  const versionsByName = /* @__PURE__ */ new Map();
  for (const [name, { version }] of resources)
    if (version !== "")
      versionsByName.set(name, version);
  return versionsByName;
}

// dist/client/names.js
import { BinaryReader, WireType as WireType2 } from "@bufbuild/protobuf/wire";
function* subscribedAs(name, aliases = []) {
  const own = canonicalName(name);
  yield own;
  for (const alias of aliases)
    yield canonicalName(alias);
  const collection = collectionOf(own);
  if (collection !== void 0)
    yield collection;
}
function nameInMessage(type, body, registry) {
  if (!type.nameField)
    return "";
  const schema = registry.getMessage(messageName(type.typeUrl));
  const number = schema ? schema.fields.find((field) => field.localName === type.nameField)?.number : 1;
  const reader = new BinaryReader(body);
  let name = "";
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === number && wireType === WireType2.LengthDelimited)
      name = reader.string();
    else
      reader.skip(wireType, field);
  }
  return name;
}

// dist/client/sotw.js
var sotw = {
  name: "sotw",
  method: (service) => service.stream,
  requests(subscription, answer) {
    const { typeUrl, nonce, requested } = subscription;
    if (!answer && (!subscription.pending || subscription.unanswered))
      return [];
    const stale = answer !== void 0 && answer.nonce !== nonce;
    const lists = stale ? [current(subscription)] : nameLists(subscription);
    if (!stale)
      subscription.markSent();
    return lists.map((resourceNames, index) => ({
      node: void 0,
      typeUrl,
      // On a new stream, a version claims that the client has all of it. That is wrong if names were added since.
      versionInfo: requested || subscription.versionIsWhole ? subscription.version : "",
      resourceNames,
      responseNonce: answer?.nonce ?? nonce,
      errorDetail: index === 0 ? answer?.error : void 0
    }));
  },
  apply(subscription, { version, resources, bodiless }, now) {
    const changes = resources.flatMap((resource) => subscription.put(resource, now));
    for (const entry of bodiless) {
      const existing = subscription.resources.get(entry.name);
      const isHeartbeat = [existing?.version, subscription.version, version, ""].includes(entry.version);
      if (existing && isHeartbeat)
        subscription.refresh({ ...entry, version: existing.version }, now);
    }
    if (!subscription.type.fullStateInSotw || resources.length === 0 && bodiless.length > 0)
      return changes;
    const present = new Set([...resources, ...bodiless].map(({ name }) => name));
    for (const name of [...subscription.resources.keys()])
      if (!present.has(name))
        changes.push(...subscription.remove(name));
    const found = /* @__PURE__ */ new Set();
    for (const { name, aliases } of [...resources, ...bodiless])
      for (const as of subscribedAs(name, aliases))
        found.add(as);
    for (const name of subscription.names)
      if (!found.has(name))
        subscription.addMissing(name);
    return changes;
  }
};
function current({ wildcard, names, hasSentNames, type }) {
  if (!wildcard)
    return [...names];
  return names.size === 0 && !hasSentNames && type.emptyIsWildcard ? [] : ["*", ...names];
}
function nameLists(subscription) {
  const { hasSentNames, subscribing, unsubscribing } = subscription;
  const again = new Set([...subscribing].filter((name) => unsubscribing.has(name)));
  if (again.size > 0)
    subscription.hasSentNames = true;
  const target = current(subscription);
  const first = again.size > 0 ? target.filter((name) => !again.has(name)) : target;
  const lists = first === target ? [target] : [first, target];
  const isLegacy = first === target && subscription.wildcard;
  if (first.length === 0 && !hasSentNames && !isLegacy)
    lists.unshift(["*"]);
  if (lists.some((list) => list.length > 0))
    subscription.hasSentNames = true;
  return lists;
}

// dist/client/response.js
var ClientResponse = class _ClientResponse {
  content;
  nonce;
  controlPlane;
  problem;
  answer;
  isAnswered = false;
  constructor(content, nonce, controlPlane, problem, answer) {
    this.content = content;
    this.nonce = nonce;
    this.controlPlane = controlPlane;
    this.problem = problem;
    this.answer = answer;
  }
  /** @internal Makes a response from what a stream received. */
  static received(content, { nonce, controlPlane }, problem, answer) {
    return new _ClientResponse(content, nonce, controlPlane, problem, answer);
  }
  /** The type of its resources. */
  get typeUrl() {
    return this.content.typeUrl;
  }
  get version() {
    return this.content.version;
  }
  /** The resources that it brings. */
  get resources() {
    return this.content.resources;
  }
  /** The resources that it names without a body. */
  get bodiless() {
    return this.content.bodiless;
  }
  get removed() {
    return this.content.removed;
  }
  get errors() {
    return this.content.errors;
  }
  /** Whether the response has been ACKed or NACKed. */
  get answered() {
    return this.isAnswered;
  }
  /**
   * Accepts the response: the client applies its content. Returns false if it was answered before or its stream has
   * ended.
   */
  ack() {
    return this.settle(this.problem);
  }
  /**
   * Refuses the response with a message for the server's operator. Returns false if it was answered before or its
   * stream has ended.
   */
  nack(message) {
    return this.settle(message);
  }
  settle(refusal) {
    if (this.isAnswered)
      return false;
    this.isAnswered = true;
    return this.answer(this, refusal);
  }
};
function readResponse(type, received, registry) {
  const { version, removed, errors } = received;
  const resources = [];
  const bodiless = [];
  const names = /* @__PURE__ */ new Set();
  let problem;
  for (const [index, entry] of received.resources.entries()) {
    const read = readEntry(type, entry, version, registry);
    if (typeof read === "string") {
      problem ??= `resource ${index} of the response ${read}`;
      continue;
    }
    if (names.has(read.name))
      problem ??= `two resources of the response are named ${JSON.stringify(read.name)}`;
    names.add(read.name);
    if (read instanceof ClientResource)
      resources.push(read);
    else
      bodiless.push(read);
  }
  return { content: { typeUrl: type.typeUrl, version, resources, bodiless, removed, errors }, problem };
}
function readEntry(type, { name: given, typeUrl, body, version, aliases, ttlMs }, responseVersion, registry) {
  if (body === void 0)
    return given === "" ? "has neither name nor content" : { name: given, aliases, version, ttlMs };
  if (typeUrl !== type.typeUrl)
    return `is a ${typeUrl}; only ${type.typeUrl} is allowed here`;
  let name;
  try {
    name = given || nameInMessage(type, body, registry);
  } catch (error) {
    return `has bytes that are not a ${typeUrl}: ${messageOf(error)}`;
  }
  if (name === "")
    return type.nameField ? "has no name" : `has no name: ${type.name} have none in their messages, only beside them in delta`;
  const own = given === "" ? responseVersion : version;
  return ClientResource.received(registry, { typeUrl, name, version: own, body, aliases, ttlMs });
}

// dist/client/stream.js
var refusalCode = 3;
var ClientStream = class {
  variant;
  host;
  subscriptions;
  serviceTypeUrl;
  send;
  ended = false;
  identified = false;
  ready = true;
  constructor(variant, host, subscriptions, serviceTypeUrl, send) {
    this.variant = variant;
    this.host = host;
    this.subscriptions = subscriptions;
    this.serviceTypeUrl = serviceTypeUrl;
    this.send = send;
  }
  /** Sends all subscriptions, referenced types first. */
  start() {
    for (const subscription of this.subscriptions())
      subscription.begin();
    this.flush();
  }
  /** Sends changes of the subscriptions to the server, as far as that is possible now. */
  flush() {
    if (this.ended)
      return;
    for (const subscription of this.subscriptions()) {
      if (!this.ready)
        return;
      this.request(subscription);
    }
  }
  /** Called when the transport accepts requests again. */
  writable() {
    this.ready = true;
    this.flush();
  }
  /** Handles a response. While a returned promise is pending, no other response may be delivered. It never rejects. */
  receive(received) {
    const typeUrl = received.typeUrl || this.serviceTypeUrl;
    const subscription = this.subscriptions().find((candidate) => candidate.typeUrl === typeUrl);
    if (this.ended || !subscription?.requested) {
      if (!this.ended)
        this.host.logger.warn({ typeUrl }, "the server sent a type that was not requested; the response is ignored");
      return;
    }
    subscription.receive(received.nonce);
    const { content, problem } = readResponse(subscription.type, received, this.host.registry);
    const response = ClientResponse.received(content, received, problem, (answered, refusal) => this.answer(subscription, answered, refusal));
    if (problem !== void 0)
      response.nack(problem);
    else
      return this.decide(response);
  }
  decide(response) {
    const fail = (error) => {
      this.host.logger.warn({ typeUrl: response.typeUrl, error: messageOf(error) }, "the response handler failed");
      response.nack(messageOf(error));
    };
    try {
      const verdict = this.host.decide(response);
      if (!isPromise(verdict))
        return this.follow(response, verdict);
      return verdict.then((settled) => this.follow(response, settled)).catch(fail);
    } catch (error) {
      fail(error);
    }
  }
  follow(response, verdict) {
    if (typeof verdict === "string" || verdict instanceof Error)
      response.nack(messageOf(verdict));
    else if (!this.host.manual)
      response.ack();
  }
  /** Answers a response. Returns false if it is too late. */
  answer(subscription, response, refusal) {
    if (this.ended)
      return false;
    const { nonce, version } = response;
    const changes = refusal === void 0 ? this.variant.apply(subscription, response, this.host.now()) : [];
    if (refusal !== void 0)
      subscription.refuse(version, refusal);
    else {
      for (const { name, error: error2 } of response.errors)
        subscription.fail(name, error2);
      subscription.accept(version);
    }
    if (nonce === subscription.nonce)
      subscription.unanswered = false;
    const error = refusal === void 0 ? void 0 : { code: refusalCode, message: refusal };
    this.request(subscription, { nonce, error });
    if (refusal === void 0)
      this.host.accepted(response, changes);
    else
      this.host.refused(response, refusal);
    return true;
  }
  request(subscription, answer) {
    for (const request of this.variant.requests(subscription, answer)) {
      const node2 = this.identified ? void 0 : this.host.node;
      this.identified = true;
      this.ready = this.send({ ...request, node: node2 });
    }
  }
  /** Ends the stream. Later answers to its responses have no effect. */
  end() {
    this.ended = true;
  }
};
var isPromise = (verdict) => typeof verdict === "object" && "then" in verdict;

// dist/client/protocol.js
function protocol(variant, encode, decode) {
  return {
    name: variant.name,
    method: variant.method,
    stream: (host, subscriptions, serviceTypeUrl, send) => new ClientStream(variant, host, subscriptions, serviceTypeUrl, (request) => send(encode(request, host.registry))),
    decode
  };
}
var protocols = {
  sotw: protocol(sotw, encodeDiscoveryRequest, decodeDiscoveryResponse),
  delta: protocol(delta, encodeDeltaDiscoveryRequest, decodeDeltaDiscoveryResponse)
};

// dist/client/subscription.js
var ClientSubscription = class {
  type;
  // The subscription
  wanted = /* @__PURE__ */ new Set();
  canonical;
  // What the client has
  resources = /* @__PURE__ */ new Map();
  missing = /* @__PURE__ */ new Set();
  errors = /* @__PURE__ */ new Map();
  expiries = /* @__PURE__ */ new Map();
  version = "";
  /** Whether `version` covers everything that is subscribed. */
  versionIsWhole = false;
  accepted = 0;
  refused = 0;
  nacked;
  wildcardAnswered = false;
  // Requests and responses of this stream
  /** Whether the first request was sent. */
  requested = false;
  /** SotW: whether a request had a non-empty list, so that an empty one means nothing (P35). */
  hasSentNames = false;
  /** The nonce of the last response; "": none yet. */
  nonce = "";
  /** Whether the last response has no answer yet. */
  unanswered = false;
  /** Subscribed, but not sent yet. */
  subscribing = /* @__PURE__ */ new Set();
  /** Sent, and dropped since. A name in both sets was added again after that. */
  unsubscribing = /* @__PURE__ */ new Set();
  constructor(type) {
    this.type = type;
  }
  get typeUrl() {
    return this.type.typeUrl;
  }
  get wildcard() {
    return this.wanted.has("*");
  }
  get names() {
    const names = new Set(this.wanted);
    names.delete("*");
    return names;
  }
  get complete() {
    if (this.wildcard && !this.wildcardAnswered)
      return false;
    const open = [...this.wanted].filter((name) => name !== "*" && !this.resources.has(name) && !this.missing.has(name) && !this.errors.has(name));
    if (open.length === 0)
      return true;
    const known = /* @__PURE__ */ new Set();
    for (const { name, aliases } of this.resources.values())
      for (const as of subscribedAs(name, aliases))
        known.add(as);
    return open.every((name) => known.has(canonicalName(name)));
  }
  // Called by the client
  /** Subscribes to names. Returns whether any is new. */
  add(names) {
    let added = false;
    for (const name of names) {
      if (this.wanted.has(name))
        continue;
      added = true;
      this.wanted.add(name);
      if (name === "*")
        this.wildcardAnswered = false;
      if (this.requested)
        this.subscribing.add(name);
    }
    if (!added)
      return false;
    this.canonical = void 0;
    this.versionIsWhole = false;
    return true;
  }
  /**
   * Unsubscribes names, and removes resources that no other name covers. Returns the removed ones; undefined if no name
   * was subscribed.
   */
  drop(names) {
    let dropped = false;
    for (const name of names) {
      if (!this.wanted.delete(name))
        continue;
      dropped = true;
      this.missing.delete(name);
      if (!this.subscribing.delete(name) && this.requested)
        this.unsubscribing.add(name);
    }
    if (!dropped)
      return void 0;
    this.canonical = void 0;
    for (const name of this.errors.keys())
      if (!this.covers(name))
        this.errors.delete(name);
    const gone = [...this.resources.values()].filter(({ name, aliases }) => !this.covers(name, aliases));
    return gone.flatMap(({ name }) => this.remove(name) ?? []);
  }
  /** Returns all subscribed names, also `*`. */
  all() {
    return [...this.wanted];
  }
  /** Returns when the next TTL ends, by the client's clock. */
  nextExpiry() {
    let next;
    for (const at of this.expiries.values())
      if (next === void 0 || at < next)
        next = at;
    return next;
  }
  /** Removes the resources whose TTL has ended. */
  expire(now) {
    const over = [...this.expiries].filter(([, at]) => at <= now);
    if (over.length > 0)
      this.versionIsWhole = false;
    return over.flatMap(([name]) => this.remove(name) ?? []);
  }
  // Called by the stream
  /** Resets the state for a new stream. Nonces of the previous one are void (P7). */
  begin() {
    this.requested = false;
    this.hasSentNames = false;
    this.nonce = "";
    this.unanswered = false;
    this.subscribing.clear();
    this.unsubscribing.clear();
  }
  /** Whether there are changes to send to the server. */
  get pending() {
    return this.requested ? this.subscribing.size + this.unsubscribing.size > 0 : this.wanted.size > 0;
  }
  /** Records that all changes have been sent. */
  markSent() {
    this.requested = true;
    this.subscribing.clear();
    this.unsubscribing.clear();
  }
  /** Records that a response was received. */
  receive(nonce) {
    this.nonce = nonce;
    this.unanswered = true;
  }
  /** Records that the response was ACKed and applied. */
  accept(version) {
    this.version = version;
    this.versionIsWhole = true;
    this.accepted++;
    this.nacked = void 0;
    this.wildcardAnswered = this.wildcard;
  }
  refuse(version, message) {
    this.refused++;
    this.nacked = { version, message };
  }
  // Called by the variants, to apply a response
  covers(name, aliases = []) {
    if (this.wildcard || this.wanted.has(name))
      return true;
    this.canonical ??= new Set([...this.wanted].map(canonicalName));
    for (const as of subscribedAs(name, aliases))
      if (this.canonical.has(as))
        return true;
    return false;
  }
  /** Stores a resource. A resource that is not subscribed is ignored. */
  put(resource, now) {
    const { name, aliases, ttlMs } = resource;
    if (!this.covers(name, aliases))
      return [];
    this.clearMissing(name, aliases);
    this.setExpiry(name, ttlMs, now);
    const before = this.resources.get(name);
    this.resources.set(name, resource);
    return before && sameContent(before, resource) ? [] : [{ name, before, after: resource }];
  }
  /**
   * Renews the TTL of a resource if the entry is its heartbeat (P58), that is, has the resource's version. Returns
   * whether it is.
   */
  refresh({ name, version, ttlMs }, now) {
    if (this.resources.get(name)?.version !== version)
      return false;
    this.setExpiry(name, ttlMs, now);
    return true;
  }
  remove(name) {
    const before = this.resources.get(name);
    this.expiries.delete(name);
    this.resources.delete(name);
    return before ? [{ name, before, after: void 0 }] : [];
  }
  /** Records that the server has no resource with this name. */
  addMissing(name) {
    if (this.wanted.has(name))
      this.missing.add(name);
  }
  fail(name, error) {
    if (this.covers(name))
      this.errors.set(name, error);
  }
  clearMissing(name, aliases) {
    for (const names of [this.missing, this.errors]) {
      if (names.size === 0)
        continue;
      for (const as of [name, ...aliases])
        names.delete(as);
      const found = new Set(subscribedAs(name, aliases));
      for (const as of names.keys())
        if (found.has(canonicalName(as)))
          names.delete(as);
    }
  }
  setExpiry(name, ttlMs, now) {
    if (ttlMs === void 0)
      this.expiries.delete(name);
    else
      this.expiries.set(name, now + ttlMs);
  }
};

// dist/client/waiters.js
var Waiters = class {
  timers;
  waiting = /* @__PURE__ */ new Set();
  constructor(timers) {
    this.timers = timers;
  }
  /**
   * Resolves as soon as the condition has a result. With `failure`, it rejects at once unless there is a result
   * already.
   */
  wait(awaited, timeoutMs, failure) {
    return new Promise((resolve, reject) => {
      const settle = (act) => {
        this.waiting.delete(waiter);
        cancelTimer();
        act();
      };
      const fail = (error) => settle(() => reject(error));
      const check = () => {
        try {
          const found = awaited.check();
          if (found !== void 0)
            settle(() => resolve(found));
        } catch (error) {
          fail(error);
        }
      };
      const waiter = { typeUrl: awaited.typeUrl, check, fail };
      const cancelTimer = this.timers.after(timeoutMs, () => fail(awaited.timeoutError()));
      this.waiting.add(waiter);
      check();
      if (failure && this.waiting.has(waiter))
        fail(failure);
    });
  }
  /** Checks the conditions on a type again. */
  check(typeUrl) {
    for (const waiter of this.waiting)
      if (waiter.typeUrl === typeUrl)
        waiter.check();
  }
  /** Rejects all waits, or those on some types. */
  fail(error, ofType = () => true) {
    for (const waiter of this.waiting)
      if (ofType(waiter.typeUrl))
        waiter.fail(error());
  }
};

// dist/client/xds-client.js
var syncedMs = 1e4;
var aggregated = {
  name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
  stream: "StreamAggregatedResources",
  delta: "DeltaAggregatedResources"
};
var XdsClient = class {
  settings;
  timers;
  waiters;
  host;
  /** The subscriptions, in the order of the type table. */
  subscriptions = [];
  /** The connections by the type URL of their service; "" for ADS. */
  connections = /* @__PURE__ */ new Map();
  feeds = /* @__PURE__ */ new Set();
  /** Why no other stream will be opened, by the type URL of the service. */
  failures = /* @__PURE__ */ new Map();
  lastError;
  ttl;
  isClosed = false;
  closing;
  /**
   * Makes a client, which does not connect yet.
   * @throws XdsError INVALID_OPTION
   */
  constructor(options) {
    this.settings = readOptions(options);
    const { settings } = this;
    this.timers = new Timers(settings.clock);
    this.waiters = new Waiters(this.timers);
    this.host = {
      ...settings,
      protocol: protocols[settings.variant],
      transport: new GrpcTransport(settings),
      timers: this.timers,
      now: () => settings.clock.now(),
      decide: (response) => settings.callbacks.onResponse?.(response),
      accepted: (response, changes) => this.reportChanges(response.typeUrl, "response", changes),
      refused: (response, message) => {
        this.quietly("onNack", () => settings.callbacks.onNack?.(response, message));
        this.waiters.check(response.typeUrl);
      },
      opened: (stream) => this.quietly("onStreamOpen", () => settings.callbacks.onStreamOpen?.(stream)),
      closed: (stream) => this.streamClosed(stream)
    };
  }
  /**
   * Subscribes to names of a type; without names, to everything (the wildcard, `*`). An empty list changes nothing, and
   * a name is requested once even if it is given twice.
   * @throws XdsError UNKNOWN_TYPE; INVALID_OPTION for an empty name, and for a type without its own service if one is
   * needed; WRONG_STATE after `close`
   */
  subscribe(typeUrl, names = ["*"]) {
    this.mustBeOpen();
    const type = this.settings.api.resourceType(typeUrl);
    const list = nameList(names);
    const path = this.path(type);
    let subscription = this.find(typeUrl);
    if (!subscription) {
      subscription = new ClientSubscription(type);
      this.subscriptions = [...this.subscriptions, subscription].sort((a, b) => a.type.order - b.type.order);
    }
    if (subscription.add(list))
      this.connection(typeUrl, path).flush();
  }
  /**
   * Unsubscribes from names of a type; without names, from everything. Their resources are removed.
   * @throws XdsError INVALID_OPTION for an empty name; WRONG_STATE after `close`, and for a type that is not subscribed
   */
  unsubscribe(typeUrl, names) {
    this.mustBeOpen();
    const subscription = this.subscription(typeUrl);
    const gone = subscription.drop(names === void 0 ? subscription.all() : nameList(names));
    if (!gone)
      return;
    this.connections.get(this.serviceOf(typeUrl))?.flush();
    this.reportChanges(typeUrl, "unsubscribed", gone);
  }
  /**
   * Returns the subscriptions and the resources of a type. The result changes over time.
   * @throws XdsError WRONG_STATE for a type that is not subscribed
   */
  state(typeUrl) {
    return this.subscription(typeUrl);
  }
  /**
   * Returns the resources of a type by name; an empty map for a type that is not subscribed. The result changes over
   * time.
   */
  resources(typeUrl) {
    return this.find(typeUrl)?.resources ?? /* @__PURE__ */ new Map();
  }
  /**
   * Resolves as soon as the state of a type satisfies the predicate; by default when the server has answered everything
   * ({@link SubscriptionState.complete}).
   * @throws XdsError (as a rejection) TIMED_OUT after `timeoutMs` milliseconds (default 10,000); STREAM_ENDED if no
   * other stream will be opened; WRONG_STATE if the client is closed or the type is not subscribed; and the predicate's
   * exceptions
   */
  async synced(typeUrl, predicate = ({ complete }) => complete, { timeoutMs = syncedMs } = {}) {
    this.mustBeOpen();
    const subscription = this.subscription(typeUrl);
    const awaited = {
      typeUrl,
      check: () => predicate(subscription) ? subscription : void 0,
      timeoutError: () => new XdsError("TIMED_OUT", `not synced within ${timeoutMs} ms: ${this.describe(subscription)}`)
    };
    return this.waiters.wait(awaited, timeoutMs, this.failures.get(this.serviceOf(typeUrl)));
  }
  /**
   * Returns the changes of a type as they come, beginning with all current resources.
   *
   * A slow reader receives merged changes. The iterator ends when the client is closed, and throws if no other stream
   * will be opened.
   * @throws XdsError WRONG_STATE after `close`, and for a type that is not subscribed
   */
  changes(typeUrl) {
    this.mustBeOpen();
    const feed = new ChangeFeed(this.subscription(typeUrl), () => this.feeds.delete(feed));
    this.feeds.add(feed);
    const failure = this.failures.get(this.serviceOf(typeUrl));
    if (failure)
      feed.end(failure);
    return feed;
  }
  /**
   * Closes the client: ends its streams after the ACKs on their way, and rejects all waits. Resolves within about a
   * second.
   */
  close() {
    this.closing ??= this.shutDown();
    return this.closing;
  }
  /** As {@link XdsClient.close}, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.close();
  }
  async shutDown() {
    this.isClosed = true;
    const streams = [...this.connections.values()].map((connection) => connection.close());
    this.ttl?.cancel();
    this.waiters.fail(() => new XdsError("WRONG_STATE", "the client was closed"));
    for (const feed of this.feeds)
      feed.end();
    this.feeds.clear();
    await Promise.all(streams);
    this.timers.clear();
  }
  mustBeOpen() {
    if (this.isClosed)
      throw new XdsError("WRONG_STATE", "the client is closed; make a new one");
  }
  find(typeUrl) {
    return this.subscriptions.find((subscription) => subscription.typeUrl === typeUrl);
  }
  subscription(typeUrl) {
    const subscription = this.find(typeUrl);
    if (subscription)
      return subscription;
    throw new XdsError("WRONG_STATE", `${typeUrl} is not subscribed; call subscribe() first`);
  }
  serviceOf(typeUrl) {
    return this.settings.service === "ads" ? "" : typeUrl;
  }
  /** Returns the path of the method for a type. */
  path(type) {
    const { variant, service } = this.settings;
    const called = service === "ads" ? aggregated : type.service;
    const method = called && protocols[variant].method(called);
    if (method)
      return `/${called.name}/${method}`;
    throw new XdsError("INVALID_OPTION", `${type.typeUrl} has no ${variant} service of its own; use service: "ads" for it`);
  }
  /** Returns the connection that carries a type, and opens it if necessary. */
  connection(typeUrl, path) {
    const service = this.serviceOf(typeUrl);
    let connection = this.connections.get(service);
    if (connection)
      return connection;
    const { reconnect, clock } = this.settings;
    const backOff2 = reconnect && new BackOff(reconnect, () => clock.random());
    const carried = service === "" ? () => this.subscriptions : () => this.subscriptions.filter((s) => s.typeUrl === typeUrl);
    connection = new Connection(this.host, path, service, carried, backOff2);
    this.connections.set(service, connection);
    connection.open();
    return connection;
  }
  streamClosed(stream) {
    const { typeUrl, error, retryInMs } = stream;
    this.quietly("onStreamClosed", () => this.settings.callbacks.onStreamClosed?.(stream));
    if (!error)
      return;
    this.lastError = error;
    this.settings.logger.info({ typeUrl, retryInMs, error: error.message }, "a stream ended");
    if (retryInMs !== void 0)
      return;
    this.failures.set(typeUrl, error);
    const carried = (carriedType) => this.serviceOf(carriedType) === typeUrl;
    this.waiters.fail(() => error, carried);
    for (const feed of this.feeds)
      if (carried(feed.typeUrl))
        feed.end(error);
  }
  /** Reports changes, if there are any, and checks the waits on the type. */
  reportChanges(typeUrl, cause, changes) {
    if (changes.length > 0) {
      const { version } = this.subscription(typeUrl);
      for (const feed of this.feeds)
        if (feed.typeUrl === typeUrl)
          feed.push(changes);
      this.quietly("onChange", () => this.settings.callbacks.onChange?.({ typeUrl, version, cause, changes }));
    }
    this.scheduleTtl();
    this.waiters.check(typeUrl);
  }
  /** Sets the only timer, for the TTL that ends next. */
  scheduleTtl() {
    const next = Math.min(...this.subscriptions.map((subscription) => subscription.nextExpiry() ?? Infinity));
    if (next === (this.ttl?.at ?? Infinity))
      return;
    this.ttl?.cancel();
    this.ttl = void 0;
    if (next === Infinity || this.isClosed)
      return;
    const { clock } = this.settings;
    this.ttl = {
      at: next,
      cancel: this.timers.after(next - clock.now(), () => {
        this.ttl = void 0;
        for (const subscription of this.subscriptions)
          this.reportChanges(subscription.typeUrl, "ttl", subscription.expire(clock.now()));
      })
    };
  }
  describe({ typeUrl, resources, missing, names, nacked }) {
    const known = this.settings.api.typeName(typeUrl);
    const open = [...names].filter((name) => !resources.has(name));
    return [
      `${resources.size} ${known} held`,
      ...open.length > 0 ? [`missing of the subscribed names: ${quoted(open)}`] : [],
      ...missing.size > 0 ? [`the server has no ${quoted([...missing])}`] : [],
      ...nacked ? [`the last response was refused: ${nacked.message}`] : [],
      ...this.lastError ? [`the last stream error: ${this.lastError.message}`] : []
    ].join("; ");
  }
  /** Runs a callback, and logs its exceptions. */
  quietly(callback, run) {
    try {
      run();
    } catch (error) {
      this.settings.logger.error({ callback, error: messageOf(error) }, "a callback failed");
    }
  }
};
function quoted(names) {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return shown.join(", ") + (names.length > shown.length ? ` and ${names.length - shown.length} more` : "");
}
function nameList(names) {
  if (typeof names === "string")
    throw new XdsError("INVALID_OPTION", `names must be a list; write [${JSON.stringify(names)}]`);
  const list = [...names];
  if (list.some((name) => typeof name !== "string" || name === ""))
    throw new XdsError("INVALID_OPTION", 'a resource name must be a string that is not empty; "*" stands for everything');
  return list;
}
export {
  XdsClient
};
