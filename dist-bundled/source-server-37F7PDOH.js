import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Entry,
  HttpServer,
  listenOn,
  peerOf,
  refuseWebPages,
  sendError,
  timerMs
} from "./chunk-XWORHYJT.js";
import {
  MemoryStore,
  ReplicaStore,
  ServerCertificates,
  ServingLog,
  authorizeClient
} from "./chunk-KQSCUK7L.js";
import {
  Heap,
  garbageCollector
} from "./chunk-BVPH6CDF.js";
import {
  CpuTime
} from "./chunk-PZFUJURE.js";
import {
  RationedLog,
  networkOf
} from "./chunk-DU6SCORG.js";
import {
  Control
} from "./chunk-4KTSKWGM.js";
import {
  Revisions
} from "./chunk-ISRY64JR.js";
import "./chunk-22CGKJEQ.js";
import {
  controlPath,
  ownerOfSocket,
  placeSocket,
  routeOf,
  socketOf
} from "./chunk-TUFE6ZWA.js";
import "./chunk-DHNIKOB3.js";
import "./chunk-K7FWRZOE.js";
import {
  loopbackOrSan
} from "./chunk-4V4LNO3N.js";
import {
  anonymousNode,
  userAgentVersion
} from "./chunk-UUDCD6VN.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-RZ4DQXNT.js";
import {
  RevisionPublisher
} from "./chunk-FMQ2WI77.js";
import {
  ConfigurationGate
} from "./chunk-LZZ3K5Q7.js";
import "./chunk-UYUWU3HF.js";
import "./chunk-P2PIW5AR.js";
import {
  HeadFollower,
  SnapshotCache,
  changesOf,
  checkUndo,
  hasCandidate,
  hasSameNodes,
  mixedVersion,
  picking
} from "./chunk-ID6UNV2B.js";
import "./chunk-HCKWFFCM.js";
import {
  configurationIn,
  nodeGroupIn,
  nodeRulesIn,
  viewing
} from "./chunk-UHTHQG76.js";
import {
  SetHash
} from "./chunk-KZCVAWTX.js";
import {
  bakeMsOf,
  defaultPolicy,
  step
} from "./chunk-U7CKKRTO.js";
import {
  commonGroup,
  nodeGroups
} from "./chunk-4DK7NEUR.js";
import "./chunk-T3KJFUI7.js";
import "./chunk-CZML2OM4.js";
import {
  covers,
  isCollection,
  referencesOf,
  whyNotKey,
  whyNotPem
} from "./chunk-B5Y3DCLC.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-BWU6O4MA.js";
import {
  findResourceType
} from "./chunk-5S6OCP5I.js";
import {
  doSlice,
  inOneStep,
  inTurns,
  sliceMs
} from "./chunk-IDIDKZNG.js";
import "./chunk-R3YROBDM.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import {
  readWholeFile
} from "./chunk-D2S3E5CW.js";
import {
  laterEntry,
  mergedStatus,
  nameStatesOf,
  nodeStates,
  rankOf,
  streamStatus,
  streamsByNode,
  subscriptionsByType,
  syncState,
  typeStatus,
  worstState
} from "./chunk-LI4Y3MW2.js";
import {
  waitsOf
} from "./chunk-4AEHITBM.js";
import "./chunk-4YBW5ZFI.js";
import {
  isOwnCommand
} from "./chunk-BXRIZRRP.js";
import "./chunk-ENVTCLV6.js";
import {
  Resource,
  durationOf,
  emptyDeltaEntry
} from "./chunk-ZCNRJYSX.js";
import {
  canonicalName,
  collectionOf,
  hasSpellings,
  isGlob,
  longestName
} from "./chunk-7P7SAT7Z.js";
import "./chunk-AIYMUFE6.js";
import "./chunk-3DMVKFOY.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-TCS7TSVQ.js";
import {
  XdsApi,
  clusterType,
  endpointType,
  listenerType,
  routeType,
  secretType
} from "./chunk-ZTJUYVIA.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import {
  tooManyParts
} from "./chunk-GGCEGR2M.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import "./chunk-GUQET7K7.js";
import {
  WireReader,
  lastField,
  lengthDelimited,
  mustEndAt
} from "./chunk-4IMF5HEM.js";
import {
  apiMessage
} from "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import {
  BinaryReader,
  BinaryWriter,
  WireType,
  create,
  fromBinary,
  fromJson,
  toBinary,
  toJson
} from "./chunk-2XSFRHN3.js";
import "./chunk-LOQZ6ZLP.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/control/control-handler.js
import { once } from "node:events";

// dist/control/request-body.js
var mostBytes = 64 << 10;
function readOrder(request2, ms) {
  const { "content-type": type = "", "content-length": length = "0" } = request2.headers;
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new XdsError("UNSUPPORTED_MEDIA_TYPE", "an order must have content-type: application/json");
  if (Number(length) > mostBytes)
    throw tooLarge();
  return new Promise((resolve, reject) => {
    const pieces = [];
    let size = 0;
    const over = (error) => {
      clearTimeout(timer);
      request2.off("data", take);
      if (error)
        reject(error);
      else
        resolve(Buffer.concat(pieces));
    };
    const late = () => over(new XdsError("REQUEST_TOO_SLOW", `the order did not arrive within ${ms} ms`));
    const timer = setTimeout(late, ms);
    const take = (piece) => {
      size += piece.length;
      if (size > mostBytes)
        over(tooLarge());
      else
        pieces.push(piece);
    };
    request2.on("data", take);
    request2.once("end", () => over());
    request2.once("close", () => over(new XdsError("INVALID_REQUEST", "the client has disconnected")));
  });
}
var tooLarge = () => new XdsError("REQUEST_TOO_LARGE", `an order can have at most ${mostBytes} bytes`);

// dist/control/control-handler.js
var orderMs = 1e4;
var statuses = { INVALID_OPTION: 400, WRONG_STATE: 409, VERSION_IN_USE: 409 };
var ControlHandler = class {
  control;
  logger;
  bodyMs;
  constructor(control, logger = silentLogger, bodyMs = orderMs) {
    this.control = control;
    this.logger = logger;
    this.bodyMs = bodyMs;
  }
  /** Answers a request of this caller. It never throws. */
  async handle(request2, response2, caller) {
    try {
      const { method = "", url = "" } = request2;
      const route = routeOf(this.control, method, url, caller);
      const body = route.needsBody ? await readOrder(request2, this.bodyMs) : new Uint8Array();
      if (!route.needsBody)
        request2.resume();
      await write(response2, await route.answer(body));
    } catch (error) {
      if (!(error instanceof XdsError))
        this.logger.error({ url: request2.url, error: messageOf(error) }, "an order could not be answered");
      sendControlError(response2, error);
    }
  }
};
async function write(response2, answer2) {
  const head = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  if ("bytes" in answer2) {
    response2.writeHead(200, { ...head, "content-type": "application/octet-stream" }).end(answer2.bytes);
    return;
  }
  const json = { ...head, "content-type": "application/json" };
  if ("json" in answer2) {
    response2.writeHead(200, json).end(`${JSON.stringify(answer2.json, void 0, 1)}
`);
    return;
  }
  const items = answer2.of[Symbol.asyncIterator]();
  try {
    let item = await items.next();
    response2.writeHead(200, json);
    let text2 = `{
 ${JSON.stringify(answer2.list)}: [`;
    for (let separator = "\n  "; !item.done && !response2.destroyed; item = await items.next(), separator = ",\n  ") {
      text2 += separator + JSON.stringify(item.value);
      if (text2.length < writeSize)
        continue;
      if (!response2.write(text2))
        await Promise.race([once(response2, "drain"), once(response2, "close")]);
      text2 = "";
    }
    response2.end(`${text2}
 ]
}
`);
  } finally {
    await items.return?.();
  }
}
var writeSize = 1 << 16;
function sendControlError(response2, error, status2) {
  const known2 = error instanceof XdsError ? error : new XdsError("INTERNAL", messageOf(error));
  if (response2.headersSent) {
    response2.destroy();
    return;
  }
  response2.req.resume();
  const body = controlErrorBody(known2);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  response2.writeHead(status2 ?? statuses[known2.code] ?? known2.httpStatus, headers).end(body);
}
var controlErrorBody = ({ code, message }) => `${printable(JSON.stringify({ error: { code, message } }))}
`;

// dist/control/control-port.js
var ControlPort = class {
  tokens;
  logger;
  path = controlPath;
  handler;
  /** Clients can cause many lines for `logger`, so it should be a `RationedLog`. */
  constructor(control, tokens, logger = silentLogger) {
    this.tokens = tokens;
    this.logger = logger;
    this.handler = new ControlHandler(control, logger);
  }
  async handle(request2, response2, peer) {
    if (request2.method !== "GET")
      response2.setHeader("connection", "close");
    try {
      const caller = await this.callerOf(request2.headers.authorization, peer);
      if (caller && /^100-continue$/i.test(request2.headers.expect ?? ""))
        response2.writeContinue();
      if (caller)
        return await this.handler.handle(request2, response2, caller);
      response2.setHeader("www-authenticate", "Bearer");
      throw new XdsError("PERMISSION_DENIED", "orders need a token of the server's token file: Authorization: Bearer \u2026");
    } catch (error) {
      const isUnknown = response2.hasHeader("www-authenticate");
      sendControlError(response2, error, isUnknown ? 401 : void 0);
    }
  }
  /** The caller with this token. undefined if the request has no token, or an unknown one. */
  async callerOf(authorization, peer) {
    if (!this.tokens)
      throw new XdsError("PERMISSION_DENIED", "this admin port takes no orders: its server has no token file (`xds serve --admin-token-file`). Use the socket in the state directory, or start the server with a token file");
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === void 0)
      return void 0;
    let name3;
    try {
      name3 = await this.tokens.nameOf(token);
    } catch (error) {
      this.logger.error({ error: messageOf(error) }, "the token file cannot be used; orders are refused");
      throw new XdsError("PERMISSION_DENIED", "the server's token file cannot be used now; the server's log says why");
    }
    if (name3 === void 0) {
      this.logger.warn({ peer }, "an order with an unknown token is refused");
      return void 0;
    }
    return { who: () => ({ by: `token ${name3}` }), seesSecrets: false };
  }
};

// dist/control/control-server.js
import { chmod, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { dirname, join } from "node:path";
var mostConnections = 16;
var requestMs = 1e4;
var unreadMs = 3e4;
var ControlServer = class _ControlServer {
  server;
  place;
  inode;
  closing;
  constructor(server, place, inode) {
    this.server = server;
    this.place = place;
    this.inode = inode;
  }
  /**
   * Listens for orders. The socket of a dead server is replaced.
   * @throws XdsError CANNOT_LISTEN if the socket cannot be made, or a running server uses it
   */
  static async start(control, stateDirectory, { logger = silentLogger, requestMs: ms = requestMs } = {}) {
    const server = makeServer(new ControlHandler(control, logger, ms), ms);
    let place;
    try {
      if (process.platform === "win32")
        throw new Error("there are no Unix sockets; use the admin port");
      const before = await socketOf(stateDirectory);
      if (await isAlive(before))
        throw new Error(`another server takes orders on ${before}`);
      place = await placeSocket(stateDirectory);
      return new _ControlServer(server, place, await listen(server, place.path));
    } catch (cause) {
      server.close();
      await place?.remove();
      const message = `cannot take orders in the state directory ${stateDirectory}: ${messageOf(cause)}`;
      throw new XdsError("CANNOT_LISTEN", message, { cause });
    }
  }
  /** The path of the socket. */
  get path() {
    return this.place.path;
  }
  /** Stops listening, closes all connections, and removes the socket. Can be called again. */
  close() {
    this.closing ??= this.end();
    return this.closing;
  }
  async end() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
    if (await inodeOf(this.path) === this.inode)
      await rm(this.path, { force: true });
    await this.place.remove();
  }
  /** Like {@link ControlServer.close}, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.close();
  }
};
function makeServer(handler, ms) {
  const limits = { headersTimeout: ms, requestTimeout: ms, connectionsCheckingInterval: Math.min(ms, 500) };
  const server = createServer(limits, (request2, response2) => void handler.handle(request2, response2, ownerOfSocket));
  server.maxConnections = mostConnections;
  server.setTimeout(unreadMs);
  server.on("clientError", (error, socket) => {
    if (!socket.writable)
      return;
    const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    const body = controlErrorBody(isLate ? new XdsError("REQUEST_TOO_SLOW", `the request did not arrive within ${ms} ms`) : new XdsError("INVALID_REQUEST", `not an HTTP/1.1 request: ${error.message}`));
    const head = [
      `HTTP/1.1 ${isLate ? "408 Request Timeout" : "400 Bad Request"}`,
      "Connection: close",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`
    ];
    socket.end(`${head.join("\r\n")}\r
\r
${body}`);
  });
  return server;
}
async function listen(server, path) {
  const folder = await mkdtemp(join(dirname(path), ".c"));
  try {
    const made = join(folder, "s");
    await new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(made, resolve);
    });
    await chmod(made, 384);
    const { ino } = await stat(made);
    await rename(made, path);
    return ino;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
var inodeOf = (path) => stat(path).then(({ ino }) => ino, () => void 0);
function isAlive(path) {
  return new Promise((resolve) => {
    const socket = connect(path);
    const over = (alive) => {
      socket.destroy();
      resolve(alive);
    };
    socket.once("connect", () => over(true));
    socket.once("error", ({ code }) => over(code === "EAGAIN"));
  });
}

// dist/control/token-file.js
import { createHash, timingSafeEqual } from "node:crypto";
import { stat as stat2 } from "node:fs/promises";
var mostBytes2 = 64 << 10;
var shortestToken = 16;
var TokenFile = class _TokenFile {
  path;
  tokens = [];
  signature = "";
  constructor(path) {
    this.path = path;
  }
  /** Reads a token file. @throws XdsError INVALID_OPTION if the file cannot be used */
  static async open(path) {
    const file = new _TokenFile(path);
    await file.refresh();
    return file;
  }
  /**
   * The name of a token. undefined if the file does not have the token. The time that this takes does not show whether
   * the beginning of a wrong token is right.
   * @throws XdsError INVALID_OPTION if the file can no longer be used
   */
  async nameOf(token) {
    await this.refresh();
    const hash2 = hashOf(token);
    let found;
    for (const known2 of this.tokens)
      if (timingSafeEqual(known2.hash, hash2))
        found = known2.name;
    return found;
  }
  async refresh() {
    try {
      const now = signatureOf(await stat2(this.path, { bigint: true }));
      if (now === this.signature)
        return;
      let opened = "";
      const bytes = await readWholeFile(this.path, {
        maxBytes: mostBytes2,
        opened: (stats) => {
          checkMode(stats);
          opened = signatureOf(stats);
        }
      });
      this.tokens = parse(bytes.toString());
      this.signature = opened;
    } catch (cause) {
      this.tokens = [];
      this.signature = "";
      throw new XdsError("INVALID_OPTION", `the token file ${this.path} cannot be used: ${messageOf(cause)}`, {
        cause
      });
    }
  }
};
var hashOf = (token) => createHash("sha256").update(token).digest();
var signatureOf = ({ dev, ino, size, mtimeNs, ctimeNs, mode }) => [dev, ino, size, mtimeNs, ctimeNs, mode].join(":");
function checkMode({ mode }) {
  if (process.platform === "win32" || (mode & 63n) === 0n)
    return;
  const octal = (mode & 511n).toString(8).padStart(4, "0");
  throw new Error(`other users can read or write it (mode ${octal}); run chmod 600 on it`);
}
function parse(text2) {
  const tokens = [];
  for (const [index, line] of text2.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line))
      continue;
    const [, name3, token = ""] = /^\s*([\w.@-]{1,64}):\s*([^\s:]+)\s*$/.exec(line) ?? [];
    const where = `line ${index + 1}`;
    if (name3 === void 0)
      throw new Error(`${where} is not <name>:<token>, with a name of letters, digits and . _ - @`);
    if (token.length < shortestToken)
      throw new Error(`${where}: a token has at least ${shortestToken} characters`);
    if (tokens.some((known2) => known2.name === name3))
      throw new Error(`${where}: an earlier token has the same name`);
    tokens.push({ name: name3, hash: hashOf(token) });
  }
  if (tokens.length === 0)
    throw new Error("it has no token");
  return tokens;
}

// dist/caller.js
var callerOf = ({ peer, certificateNames: certificateNames2 }) => ({ peer, certificateNames: certificateNames2 });

// dist/protocol/held-bytes.js
var heldBytes = {
  /** A connection without streams. */
  connection: 4500,
  /** A stream without subscriptions. */
  stream: 4500,
  /** A subscription without names. */
  subscription: 2e3,
  /**
   * A subscribed name besides its text. Measured with Node 20: 270 for names of one client only, 85 where ten clients
   * have the same.
   */
  name: 150,
  /** An entry for what the client has of a name, without the name's text. */
  entry: 50
};
var textBytes = 16;
var objectBytes = 48;
var memberBytes = 8;
function nodeBytes(node3, except) {
  let bytes = 0;
  const open = [node3];
  for (let value = open.pop(); value !== void 0; value = open.pop()) {
    bytes += objectBytes;
    if (ArrayBuffer.isView(value)) {
      bytes += value.byteLength;
      continue;
    }
    for (const member of Object.values(value)) {
      bytes += memberBytes;
      if (typeof member === "string")
        bytes += textBytes + member.length;
      else if (typeof member === "object" && member !== null && member !== except)
        open.push(member);
    }
  }
  return bytes;
}
var shared = /* @__PURE__ */ new WeakMap();
function payForShared(list, payer) {
  if (!Object.isFrozen(list))
    return void 0;
  let known2 = shared.get(list);
  if (!known2) {
    known2 = { payer, bytes: nodeBytes(list), users: 0 };
    shared.set(list, known2);
    payer.hold(known2.bytes);
  }
  const cost = known2;
  cost.users++;
  return () => {
    if (--cost.users > 0)
      return;
    cost.payer.hold(-cost.bytes);
    shared.delete(list);
  };
}

// dist/protocol/account.js
var turnMs = { longest: 2, shortest: 0.1 };
var roundMs = 100;
var mostDebt = 200;
var none = [];
var Account = class _Account {
  parent;
  /** Milliseconds that are left of its turn. */
  left = 0;
  /** Milliseconds that each child that always had work was given so far. */
  given = 0;
  /** The parent's `given` when this account was made or last ran out of work. */
  givenBefore;
  /** Children with work: connections of an address, or work of a connection. The first one has its turn. */
  waiting;
  /** Children with saved time that they have not used up. They go first. */
  fresh;
  /** The only work. Most connections have no more, so they need no set. */
  only;
  /** Requests that wait. They are read before anything is written, because they may change what must be sent. */
  requests;
  /** Bytes of responses that are written and not sent yet. */
  unsent = 0;
  /** Bytes of requests that came in part or wait to be handled. Counted for addresses only. */
  receiving = 0;
  /** Bytes of the heap that are held for its clients, as estimated. */
  held = 0;
  /** Bytes of the heap that requests will need that are being handled. Counted for addresses only. */
  coming = 0;
  /** The client has answered a response, so it reads. */
  hasAnswered = false;
  constructor(parent) {
    this.parent = parent;
    this.givenBefore = parent?.given ?? 0;
  }
  get hasWork() {
    return this.only !== void 0 || this.fresh !== void 0 || this.waiting !== void 0 || this.requests !== void 0;
  }
  /** How many children share the server's time, if the siblings of this account have as many children with work. */
  get crowd() {
    return Math.max(1, (this.waiting?.size ?? 0) + (this.fresh?.size ?? 0)) * (this.parent?.crowd ?? 1);
  }
  /** The milliseconds of a child's turn. */
  get turn() {
    return Math.max(turnMs.shortest, Math.min(turnMs.longest, roundMs / this.crowd));
  }
  add(work) {
    if (work instanceof _Account)
      this.come(work);
    else if (!work.writes) {
      this.requests ??= /* @__PURE__ */ new Set();
      this.requests.add(work);
    } else if (this.only === work)
      return;
    else if (!this.hasWork)
      this.only = work;
    else
      this.wait(work);
    this.parent?.add(this);
  }
  /**
   * Adds a child that has work now. While it had none, it saved the time that each other child was given, at most one
   * turn. It starts with this time.
   */
  come(account) {
    if (this.waiting?.has(account) || this.fresh?.has(account))
      return;
    const saved = this.hasWork ? account.left + this.given - account.givenBefore : turnMs.longest;
    account.left = Math.min(turnMs.longest, saved);
    if (account.left <= 0)
      this.wait(account);
    else {
      this.fresh ??= /* @__PURE__ */ new Set();
      this.fresh.add(account);
    }
  }
  wait(work) {
    this.waiting ??= /* @__PURE__ */ new Set();
    this.waiting.add(work);
  }
  remove(work) {
    if (this.take(work))
      this.leave();
  }
  /** Removes work that will be done next. The account keeps its place until {@link leave} is called after the work. */
  take(work) {
    if (this.only === work) {
      this.only = void 0;
      return true;
    }
    return this.waiting?.delete(work) === true || (work instanceof _Account ? this.fresh?.delete(work) : this.requests?.delete(work)) === true;
  }
  /** Leaves the round if no work is left. */
  leave() {
    if (this.fresh?.size === 0)
      this.fresh = void 0;
    if (this.waiting?.size === 0)
      this.waiting = void 0;
    if (this.requests?.size === 0)
      this.requests = void 0;
    if (this.hasWork || !this.parent)
      return;
    this.givenBefore = this.parent.given;
    this.parent.remove(this);
  }
  /** The next piece of work. It stays in its place until it is taken. */
  next() {
    for (const request2 of this.requests ?? none)
      return request2;
    if (this.only)
      return this.only;
    for (const first of this.fresh ?? none) {
      if (first.left > 0)
        return first.next();
      this.fresh?.delete(first);
      this.wait(first);
    }
    const { waiting } = this;
    for (const first of waiting ?? none) {
      if (!(first instanceof _Account))
        return first;
      if (first.left > 0)
        return first.next();
      const ms = this.turn;
      first.left += ms;
      this.given += ms / (waiting?.size ?? 1);
      waiting?.delete(first);
      waiting?.add(first);
    }
    return void 0;
  }
  /** Counts bytes that are held for the account's clients. A negative number subtracts. */
  hold(bytes) {
    for (let account = this; account; account = account.parent)
      account.held += bytes;
  }
  /** Charges the account for work that took `ms` milliseconds. */
  charge(ms) {
    for (let account = this; account; account = account.parent)
      account.left = Math.max(account.left - ms, -mostDebt);
  }
};
var Accounts = class {
  all = new Account();
  addresses = /* @__PURE__ */ new Map();
  /** The account of a new connection from this address. */
  open(address) {
    let known2 = this.addresses.get(address);
    if (!known2) {
      known2 = { account: new Account(this.all), connections: 0 };
      this.addresses.set(address, known2);
    }
    known2.connections++;
    known2.account.hold(heldBytes.connection);
    return new Account(known2.account);
  }
  /** A connection from this address is closed. */
  close(address) {
    const known2 = this.addresses.get(address);
    if (!known2)
      return;
    known2.account.hold(-heldBytes.connection);
    if (--known2.connections === 0)
      this.addresses.delete(address);
  }
  /** How many addresses have connections. */
  get size() {
    return this.addresses.size;
  }
};

// dist/heavy-work.js
var lightMs = 1;
var longestRestMs = 100;
var quietMs = 5;
var { setTimeout: setTimeout2 } = globalThis;
var quiet = { turns: 2, ms: quietMs / 2 };
var HeavyWork = class {
  /** End of the current rest, by `performance.now()`. */
  restsUntil = 0;
  /** Records that a piece of work for a client took `ms` milliseconds. */
  took(ms) {
    if (ms > lightMs)
      this.restsUntil = Math.max(this.restsUntil, performance.now()) + Math.min(ms, longestRestMs);
  }
  /** Calls `goOn` when the rest is over, and at the earliest in the next turn of the event loop. */
  next(goOn) {
    const rest = this.restsUntil - performance.now();
    if (rest <= 0) {
      setImmediate(goOn);
      return;
    }
    const before = loop();
    setTimeout2(() => {
      const now = loop();
      if (now.turns - before.turns <= quiet.turns && now.waitedMs - before.waitedMs >= quiet.ms)
        this.restsUntil = 0;
      this.next(goOn);
    }, Math.min(rest, quietMs));
  }
};
function loop() {
  const timing = performance.nodeTiming;
  return { turns: timing?.uvMetricsInfo?.loopCount ?? Number.NaN, waitedMs: timing?.idleTime ?? Number.NaN };
}
var heavyWork = new HeavyWork();

// dist/protocol/flush-queue.js
var requestSlice = 5;
var largeRequest = 16 << 10;
var FlushQueue = class {
  all;
  hasRoom;
  scheduled = false;
  /** The accounts with work. The first one has waited longest since its last piece of work. */
  waiting = /* @__PURE__ */ new Set();
  /** An iterator over `waiting`, which also comes to accounts that are added later. It finds the first one in O(1). */
  longest = this.waiting.values();
  /** Milliseconds of work for the accounts that had waited longest, less the milliseconds of work in turns. */
  ahead = 0;
  /** Work that cannot write now. */
  blocked = /* @__PURE__ */ new Set();
  /** Milliseconds that requests may still take in this turn of the event loop. */
  left = requestSlice;
  isResetting = false;
  /** The queue is working, and charges accounts itself. */
  isRunning = false;
  /** Accounts are charged CPU time, so that a client does not make up for what other processes did. */
  cpuTime = new CpuTime();
  constructor(all = new Account(), hasRoom = () => true) {
    this.all = all;
    this.hasRoom = hasRoom;
  }
  add(work) {
    if (this.blocked.has(work))
      return;
    this.wait(work);
    this.schedule();
  }
  remove(work) {
    this.blocked.delete(work);
    work.account.remove(work);
    if (!work.account.hasWork)
      this.waiting.delete(work.account);
  }
  wait(work) {
    work.account.add(work);
    this.waiting.add(work.account);
  }
  /** The next work of the account that has waited longest. */
  nextOfLongest() {
    let first = this.longest.next();
    if (first.done) {
      this.longest = this.waiting.values();
      first = this.longest.next();
    }
    return first.value?.next();
  }
  /**
   * Does work in turns of an account, a slice of time at once. Resolves with the work's result. Aborting `signal` stops
   * the work, and the promise rejects.
   */
  finish(account, work, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted)
        return reject(signal.reason);
      const flush = () => {
        try {
          const { done, value } = doSlice(work);
          if (done)
            end(() => resolve(value));
          else
            this.add(turn);
        } catch (error) {
          end(() => reject(error));
        }
      };
      const turn = { account, writes: false, flush };
      const stop = () => {
        this.remove(turn);
        reject(signal?.reason);
      };
      const end = (settle) => {
        signal?.removeEventListener("abort", stop);
        settle();
      };
      signal?.addEventListener("abort", stop, { once: true });
      this.add(turn);
    });
  }
  /** There is room for responses again. */
  resume() {
    for (const work of this.blocked)
      this.wait(work);
    this.blocked.clear();
    this.schedule();
  }
  /** Whether a request of this size may be handled at once. Otherwise it waits for its turn. */
  hasTurn(bytes) {
    return bytes <= largeRequest && this.left > 0;
  }
  /** A request was handled, and took `ms` milliseconds. */
  worked(account, ms) {
    if (this.isRunning)
      return;
    account.charge(this.cpuTime.of(ms, performance.now()));
    this.left -= ms;
    if (this.isResetting)
      return;
    this.isResetting = true;
    setImmediate(this.reset);
  }
  reset = () => {
    this.isResetting = false;
    this.left = requestSlice;
    this.cpuTime.begin(performance.now());
  };
  schedule() {
    if (this.scheduled || this.isRunning || !this.all.hasWork)
      return;
    this.scheduled = true;
    heavyWork.next(this.run);
  }
  run = () => {
    this.scheduled = false;
    this.isRunning = true;
    let now = performance.now();
    this.cpuTime.begin(now);
    const until = now + sliceMs;
    while (now <= until) {
      const isLongest = this.ahead <= 0;
      const work = isLongest && this.nextOfLongest() || this.all.next();
      if (!work)
        break;
      const { account } = work;
      account.take(work);
      if (work.writes && !this.hasRoom(account))
        this.blocked.add(work);
      else {
        work.flush();
        const before = now;
        now = performance.now();
        const ms = this.cpuTime.of(now - before, now);
        account.charge(ms);
        this.ahead += isLongest ? ms : -ms;
        if (!work.writes)
          heavyWork.took(now - before);
      }
      account.leave();
      this.waiting.delete(account);
      if (account.hasWork)
        this.waiting.add(account);
    }
    if (!this.all.hasWork)
      this.ahead = 0;
    this.isRunning = false;
    this.schedule();
  };
};

// dist/cut-text.js
var cutText = (text2, most) => text2.length > most ? Buffer.from(text2.slice(0, most)).toString() : text2;

// dist/protocol/reference-targets.js
function* targetsOf(resource, typeUrl) {
  for (const reference of referencesOf(resource))
    if (reference.typeUrl === typeUrl && !isCollection(reference.name))
      yield canonicalName(reference.name);
}
function refersTo(resource, typeUrl, name3) {
  for (const target of targetsOf(resource, typeUrl))
    if (target === name3)
      return true;
  return false;
}
function releasedBy(old, now) {
  const before = referencesOf(old);
  if (!now || before.length === 0)
    return before;
  const known2 = releasedMemo.get(now);
  if (known2?.old.deref() === old)
    return known2.released;
  const released = beside(old, now);
  releasedMemo.set(now, { old: new WeakRef(old), released });
  return released;
}
function beside(one, other) {
  const others = new Set(referencesOf(other).map(({ typeUrl, name: name3 }) => `${typeUrl} ${name3}`));
  return referencesOf(one).filter(({ typeUrl, name: name3 }) => !others.has(`${typeUrl} ${name3}`));
}
var releasedMemo = /* @__PURE__ */ new WeakMap();

// dist/protocol/change-order.js
function whyChangeWaits(all, subscription, now, ownTypeOnly) {
  const references = referencesOf(now);
  if (references.length === 0)
    return void 0;
  let found;
  const isNew = (reference) => {
    found ??= newReferences(subscription, now);
    return found.has(reference);
  };
  for (const reference of references) {
    if (ownTypeOnly && reference.typeUrl !== now.type.typeUrl)
      continue;
    const why = whyUnusable(all, reference, now, () => isNew(reference), /* @__PURE__ */ new Set([now]));
    if (!why)
      continue;
    const known2 = subscription.waiting.get(now.key);
    return { why, on: reference, since: known2?.since ?? performance.now() };
  }
  return void 0;
}
function newReferences({ state }, now) {
  const old = state.repeatable(now.key);
  return new Set(old ? beside(now, old) : referencesOf(now));
}
function whyUnusable(all, { typeUrl, name: spelling }, from, isNew, visited) {
  const name3 = canonicalName(spelling);
  const target = all.get(typeUrl);
  if (!target || isCollection(name3) || target.type.sentAgain && target.type.removedLast)
    return void 0;
  const availability = target.state.availability(name3);
  if (availability === "unanswered")
    return "unanswered";
  if (availability === "there" || !isNew())
    return void 0;
  if (target.state.refused.has(name3) || target.state.openWith(name3))
    return "refused";
  const served = target.view.get(name3);
  if (!served)
    return void 0;
  if (target.wildcard && target.type.order >= from.type.order)
    return "unanswered";
  if (visited.has(served))
    return void 0;
  visited.add(served);
  for (const reference of referencesOf(served)) {
    const why = whyUnusable(all, reference, served, () => true, visited);
    if (why)
      return why;
  }
  return void 0;
}
function hasAllOf(stream, resource, counts = () => true) {
  for (const { typeUrl, name: spelling } of referencesOf(resource)) {
    const name3 = canonicalName(spelling);
    if (isCollection(name3))
      continue;
    for (const other of stream.related())
      if (other.type.typeUrl === typeUrl && counts(other, name3) && !isCertainToStay(other, name3))
        return false;
  }
  return true;
}
function isCertainToStay({ state }, name3) {
  if (state.lastCertain(name3) === void 0)
    return false;
  if (state.refused.get(name3)?.mayBeGone)
    return false;
  const change = state.openWith(name3);
  if (change?.isRefused && !change.content(name3))
    return false;
  const coming = state.coming(name3);
  return !coming || coming.resource !== void 0;
}
function neededAgain(sent, all) {
  const needed = [];
  for (const resource of sent)
    for (const { typeUrl, name: target } of referencesOf(resource)) {
      const subscription = all.get(typeUrl);
      if (!subscription?.type.sentAgain)
        continue;
      const name3 = canonicalName(target);
      if (isCollection(name3)) {
        const members = [...subscription.names].filter((member) => covers(name3, member));
        const answered = members.length === 0 && subscription.type.unknownWithoutBody ? [name3] : members;
        for (const member of answered)
          needed.push([subscription, member]);
      } else if (subscription.state.lastCertain(name3) !== void 0)
        needed.push([subscription, name3]);
    }
  return needed;
}

// dist/protocol/full-state.js
function covered(subscription) {
  const { view, wildcard, names } = subscription;
  if (wildcard)
    return view.all();
  return [...names].flatMap((name3) => view.get(name3) ?? []);
}
function withOld(resources, old) {
  if (old.length === 0)
    return resources;
  const key2 = old.map(({ name: name3, version }) => `${name3} ${version}`).join("\n");
  const lists2 = joined.get(resources) ?? /* @__PURE__ */ new Map();
  joined.set(resources, lists2);
  const names = new Set(old.map((resource) => resource.key));
  const list = lists2.get(key2) ?? [...resources.filter((resource) => !names.has(resource.key)), ...old];
  lists2.set(key2, list);
  return list;
}
var joined = /* @__PURE__ */ new WeakMap();
function versionOf(view, part) {
  if (part === view.all() || !view.versionIsContent)
    return view.version;
  let version = versions.get(part);
  if (version === void 0) {
    const hash2 = new SetHash();
    for (const resource of part)
      hash2.add(resource);
    version = hash2.toString();
    versions.set(part, version);
  }
  return view.versionPrefix + version;
}
var versions = /* @__PURE__ */ new WeakMap();

// dist/protocol/name-count.js
var namesAtOnce = 1e3;
function counted(before, name3) {
  const count = before + 1 + (name3.length >> 6);
  return count >= namesAtOnce ? 0 : count;
}

// dist/protocol/fetch.js
var plain = { heartbeats: [], unresolved: [], ttl: false, spellings: /* @__PURE__ */ new Map() };
function viewOf(watcher, request2) {
  const ignore = () => {
  };
  const passing = {
    node: request2.node,
    lastRequestAt: Date.now(),
    lastResponseAt: 0,
    wake: ignore,
    beat: ignore,
    move: ignore
  };
  const watch = watcher.watch(request2, passing);
  watch?.close();
  return watch?.view;
}
function* fetchOnce(watcher, type, node3, caller, { resourceNames: resourceNames2, versionInfo }) {
  const names = /* @__PURE__ */ new Set();
  let count = 0;
  for (const name3 of resourceNames2) {
    names.add(canonicalName(name3));
    count = counted(count, name3);
    if (count === 0)
      yield;
  }
  const request2 = { node: node3, type, caller: callerOf(caller) };
  if (!watcher.ready(request2))
    throw new XdsError("NOT_READY", "no configuration has been loaded yet; try again later");
  const view = viewOf(watcher, request2);
  if (!view?.serving)
    throw new XdsError("NO_CONFIGURATION", `there is no configuration of ${type.typeUrl} for node ${JSON.stringify(node3.id)}`);
  const wildcard = names.delete("*") || resourceNames2.length === 0 && type.emptyIsWildcard;
  const resources = covered({ view, wildcard, names });
  const version = versionOf(view, resources);
  if (version === versionInfo)
    return void 0;
  return { typeUrl: type.typeUrl, versionInfo: version, nonce: "", resources, removedResources: [], ...plain };
}

// dist/protocol/draining.js
var maxLeftovers = 1e3;
var Draining = class {
  times;
  onForgotten;
  /** `<type URL> <name>` → the listener that referred to the name and was replaced last. Oldest first. */
  leftovers = /* @__PURE__ */ new Map();
  /** `<type URL> <name>` → all older versions of a listener whose new version is warming. */
  warming = /* @__PURE__ */ new Map();
  constructor(times, onForgotten) {
    this.times = times;
    this.onForgotten = onForgotten;
  }
  /**
   * The client has taken a new version of a resource, or its removal. `released`: what only the old version refers to.
   */
  replaced(type, name3, released, now) {
    const at = performance.now();
    const key2 = keyOf(type.typeUrl, name3);
    const known2 = this.warming.get(key2);
    if (!known2 && released.length === 0)
      return;
    const old = known2 ?? { now, at, drainsSince: void 0 };
    old.now = now;
    old.at = at;
    if (now)
      this.warming.set(key2, old);
    else {
      old.drainsSince = at;
      this.warming.delete(key2);
    }
    this.keep(released, old);
  }
  /** Notes an old listener of a client that comes back, which has been draining since a time (`performance.now()`). */
  resumed(references, drainsSince) {
    this.keep(references, { now: void 0, at: drainsSince, drainsSince });
  }
  keep(references, old) {
    for (const { typeUrl, name: target } of references) {
      if (isCollection(target))
        continue;
      const key2 = keyOf(typeUrl, canonicalName(target));
      const known2 = this.leftovers.get(key2);
      if (known2 && old.drainsSince !== void 0 && (known2.drainsSince ?? Infinity) > old.drainsSince)
        continue;
      this.leftovers.delete(key2);
      this.leftovers.set(key2, old);
    }
  }
  /** Forgets names whose drain time is over, and then the oldest of too many names. */
  forgetOldest(now) {
    const { leftovers } = this;
    const before = leftovers.size;
    for (const [key2, { drainsSince }] of leftovers)
      if (drainsSince !== void 0 && now >= drainsSince + this.times.drainTimeMs)
        leftovers.delete(key2);
      else if (before <= maxLeftovers)
        break;
    if (leftovers.size > maxLeftovers) {
      this.onForgotten(maxLeftovers);
      for (const key2 of leftovers.keys())
        if (leftovers.size > maxLeftovers)
          leftovers.delete(key2);
        else
          break;
    }
    if (leftovers.size === before)
      return;
    const used = new Set(leftovers.values());
    for (const [key2, old] of this.warming)
      if (!used.has(old))
        this.warming.delete(key2);
  }
  /**
   * When a name is free of old listeners, or must be looked at again, as `performance.now()`. Undefined: it is free.
   */
  until(typeUrl, name3, now) {
    const old = this.leftovers.get(keyOf(typeUrl, name3));
    if (!old)
      return void 0;
    const { missingAfterMs } = this.times;
    if (old.drainsSince === void 0)
      return now < old.at + missingAfterMs ? old.at + missingAfterMs : now + missingAfterMs;
    const until = old.drainsSince + this.times.drainTimeMs;
    return until > now ? until : void 0;
  }
  /**
   * Called after each request of the client. Finds the new listeners that are warm: everything that they wait for is
   * answered, or has been missing for `missingAfterMs`.
   */
  look(subscriptions) {
    const now = performance.now();
    this.forgetOldest(now);
    for (const [key2, old] of this.warming) {
      if (!old.now || !isWarm(old.now, subscriptions, now >= old.at + this.times.missingAfterMs))
        continue;
      old.drainsSince = now;
      old.now = void 0;
      this.warming.delete(key2);
    }
  }
};
var keyOf = (typeUrl, name3) => `${typeUrl} ${name3}`;
function isWarm(resource, subscriptions, isLate) {
  return referencesOf(resource).every(({ typeUrl, name: spelling }) => {
    const name3 = canonicalName(spelling);
    const target = subscriptions.get(typeUrl);
    const order = resource.type.api.findResourceType(typeUrl)?.order;
    if (isCollection(name3) || order === void 0 || order <= resource.type.order)
      return true;
    if (target && !target.state.coming(name3)) {
      const last = target.state.lastCertain(name3);
      if (last instanceof Resource)
        return isWarm(last, subscriptions, isLate);
      if (last !== void 0 || target.state.refused.has(name3))
        return true;
      if (target.view.get(name3) === void 0)
        return isLate;
      return target.state.openWith(name3)?.isRefused === true;
    }
    return isLate && (!target || target.view.get(name3) === void 0);
  });
}

// dist/protocol/reference-users.js
var ReferenceUsers = class {
  context;
  subscription;
  /** Each name that an outdated resource refers to, with the last such resource that was found. */
  used;
  /** Each name that a removed or draining resource uses, with the end of that use as `performance.now()`. */
  drained;
  constructor(context, subscription) {
    this.context = context;
    this.subscription = subscription;
  }
  /** Whether an outdated resource on the client refers to a name. */
  isUsed(name3) {
    const { context, subscription } = this;
    const { typeUrl } = subscription.type;
    if (context.stream.isSeparate)
      return context.stream.isUsed(typeUrl, name3, subscription);
    this.used ??= this.findUsed(typeUrl);
    return this.used.has(name3);
  }
  /** An outdated resource that refers to a name. Known on aggregated streams only, and after {@link isUsed}. */
  user(name3) {
    return this.used?.get(name3);
  }
  /**
   * When the client stops using a name for resources that were replaced or removed, as `performance.now()`. Undefined
   * if no such resource uses the name.
   */
  drainedAt(name3, now) {
    const { typeUrl } = this.subscription.type;
    this.drained ??= this.findDrained(typeUrl);
    const oldListeners = this.context.draining?.until(typeUrl, name3, now);
    const removed = this.drained.get(name3);
    return removed !== void 0 && (oldListeners === void 0 || removed > oldListeners) ? removed : oldListeners;
  }
  findUsed(typeUrl) {
    const used = /* @__PURE__ */ new Map();
    for (const other of this.context.stream.related())
      for (const resource of other.outdated())
        for (const name3 of targetsOf(resource, typeUrl))
          used.set(name3, resource);
    return used;
  }
  findDrained(typeUrl) {
    const { stream, times } = this.context;
    const drained = /* @__PURE__ */ new Map();
    const extend = (resource, until) => {
      for (const name3 of targetsOf(resource, typeUrl))
        drained.set(name3, Math.max(until, drained.get(name3) ?? 0));
    };
    for (const { state, waiting } of stream.related()) {
      for (const { inUse, at } of state.removedInUse.values())
        for (const resource of inUse)
          extend(resource, at + times.drainTimeMs);
      for (const [other, { why, until }] of waiting)
        if (why === "draining" && until !== void 0)
          for (const resource of state.possible(other))
            extend(resource, until);
    }
    return drained;
  }
};

// dist/protocol/subscription-references.js
var laterTypes = [listenerType, routeType];
var neededTypes = [clusterType, ...laterTypes];
var SubscriptionReferences = class {
  context;
  subscription;
  removedLast;
  referencesToCheck;
  foundUsers;
  incomplete;
  rest;
  over;
  constructor(context, subscription, removedLast, referencesToCheck) {
    this.context = context;
    this.subscription = subscription;
    this.removedLast = removedLast;
    this.referencesToCheck = referencesToCheck;
  }
  get noChangeWaits() {
    return this.referencesToCheck === "none";
  }
  whyChangeWaits(now) {
    if (this.referencesToCheck === "none")
      return void 0;
    const ownTypeOnly = this.referencesToCheck === "own type";
    const { subscriptions } = this.context.stream;
    return whyChangeWaits(subscriptions, this.subscription, now, ownTypeOnly) ?? this.whyClustersAreAwaited(now);
  }
  /**
   * Why a change waits for the client's first request for clusters. A client that comes back may send it late: Envoy
   * does not ask for clusters while one of its clusters is warming. Until then a resource waits that newly refers to a
   * served cluster.
   */
  whyClustersAreAwaited(now) {
    const { stream, openedAt, times } = this.context;
    if (!stream.isBack || stream.isSeparate || stream.subscriptions.has(clusterType))
      return void 0;
    const until = openedAt + times.missingAfterMs;
    if (performance.now() >= until)
      return void 0;
    for (const on of newReferences(this.subscription, now))
      if (on.typeUrl === clusterType && stream.serves(clusterType, canonicalName(on.name)))
        return {
          why: "unanswered",
          on,
          since: this.subscription.waiting.get(now.key)?.since ?? performance.now(),
          until
        };
    return void 0;
  }
  whyRemovalWaits(name3) {
    const { users, subscription } = this;
    const { stream, times } = this.context;
    const now = performance.now();
    const known2 = subscription.waiting.get(name3);
    const since = known2?.since ?? now;
    const until = stream.isSeparate ? since + times.patience : void 0;
    if (!(until !== void 0 && now >= until) && users.isUsed(name3))
      return { why: "reference", on: users.user(name3), since, until };
    const incompleteUntil = this.incompleteUntil();
    if (incompleteUntil !== void 0 && now < incompleteUntil)
      return { why: "reported", since, until: incompleteUntil };
    const drained = users.drainedAt(name3, now) ?? this.reportedNameUntil(name3, now);
    const freeAt2 = known2?.freeAt ?? now;
    const isNamed = subscription.names.has(name3) && subscription.noLongerReferenced.has(name3);
    const dropped = isNamed ? freeAt2 + times.patience : now;
    const isDraining = drained !== void 0 && drained > now;
    if (isDraining || dropped > now) {
      const why = isDraining || known2?.why === "draining" ? "draining" : "left";
      return { why, since, until: Math.max(drained ?? now, dropped), freeAt: freeAt2 };
    }
    if (!this.removedLast)
      return void 0;
    const restOfChange = known2?.restOfChange ?? this.restOfChange();
    return this.isOver(restOfChange) ? void 0 : { why: "unseen", since, restOfChange, freeAt: freeAt2 };
  }
  waitForRestOfChange(name3) {
    const known2 = this.subscription.waiting.get(name3);
    const restOfChange = known2?.restOfChange ?? this.restOfChange();
    return { why: "unseen", since: known2?.since ?? performance.now(), restOfChange };
  }
  removedButReferenced(name3) {
    const old = this.subscription.view.lastRemoved(name3);
    if (!old || !hasAllOf(this.context.stream, old))
      return void 0;
    const { type } = this.subscription;
    const isBrought = !type.fullStateInSotw && this.subscription.hasReturnedWith(name3);
    return isBrought || this.users.isUsed(name3) ? old : void 0;
  }
  answerForMissing(name3) {
    return this.context.stream.answerForMissing(this.subscription, name3);
  }
  get users() {
    this.foundUsers ??= new ReferenceUsers(this.context, this.subscription);
    return this.foundUsers;
  }
  /**
   * Until when nothing is removed from a client that came back, as `performance.now()`. Before that, too little is
   * known: the client has yet to name its listeners and routes, or has unknown versions of them (P49). `undefined` if
   * enough is known.
   */
  incompleteUntil() {
    this.incomplete ??= {
      until: this.isIncomplete() ? this.context.openedAt + this.context.times.patience : void 0
    };
    return this.incomplete.until;
  }
  isIncomplete() {
    const { type, hasReported } = this.subscription;
    const { stream } = this.context;
    if (!type.removedLast || !hasReported || stream.isSeparate)
      return false;
    const { subscriptions } = stream;
    return !neededTypes.every((typeUrl) => subscriptions.has(typeUrl)) || [...subscriptions.values()].some((other) => !other.type.removedLast && other.state.hasUnservedVersions);
  }
  /**
   * Until when a name stays that the client reported from an earlier stream and that is not served. An old listener may
   * still use the name. The client drops the name when no listener uses it.
   */
  reportedNameUntil(name3, now) {
    const { type, names } = this.subscription;
    if (type.removedLast || type.fullStateInSotw || !names.has(name3))
      return void 0;
    const until = this.context.openedAt + this.context.times.drainTimeMs;
    return until > now && this.subscription.hasReturnedWith(name3) ? until : void 0;
  }
  /** The rest of the change to which all removals of this look belong. */
  restOfChange() {
    this.rest ??= { startedAtLook: this.context.stream.looks, lastNonce: void 0, sentAt: 0 };
    return this.rest;
  }
  /** Whether the client has answered everything that belongs to the same change as a removal. */
  isOver(rest) {
    this.over ??= /* @__PURE__ */ new Map();
    const known2 = this.over.get(rest) ?? this.isAnswered(rest);
    this.over.set(rest, known2);
    return known2;
  }
  isAnswered(rest) {
    const { stream } = this.context;
    const all = [...stream.subscriptions.values()];
    if (rest.lastNonce === void 0) {
      const isSent = (one) => one === this.subscription || one.isLookedAt || one.lookedAt > rest.startedAtLook || !one.view.serving;
      if (!all.every(isSent))
        return false;
      rest.lastNonce = stream.lastNonce;
      rest.sentAt = performance.now();
    }
    const last = rest.lastNonce;
    for (const { state, waiting } of all) {
      if (state.nextPiece || state.inFlight.some(({ nonce }) => Number(nonce) <= last))
        return false;
      for (const { why, since } of waiting.values())
        if (why === "unanswered" && since <= rest.sentAt)
          return false;
    }
    return true;
  }
};

// dist/protocol/make-before-break.js
var MakeBeforeBreak = class {
  stream;
  times;
  openedAt = performance.now();
  draining;
  constructor(stream, times) {
    this.stream = stream;
    this.times = times;
  }
  /** The decisions for one look at a subscription. `announcesRemovals`: its responses can name removals. */
  for(subscription, announcesRemovals) {
    const removedLast = subscription.type.removedLast === true && announcesRemovals && !this.stream.isSeparate;
    return new SubscriptionReferences(this, subscription, removedLast, this.referencesToCheck(subscription));
  }
  /** Which references can make a change wait. See {@link SubscriptionReferences}. */
  referencesToCheck({ type }) {
    if (this.stream.isSeparate)
      return "none";
    for (const other of this.stream.subscriptions.values())
      if (other.state.inFlight.length > 0 || other.state.hasRefused || other.type !== type && !other.isLookedAt)
        return "all";
    return "own type";
  }
  /**
   * Called before a response counts as taken. Notes what only the replaced resources referred to: it can be removed
   * soon, or old listeners still use it.
   */
  taking(subscription, { changes, repeated: repeated2 }) {
    const { state } = subscription;
    if (state.isPositionOnly && !state.hasAnything)
      return;
    for (const old of repeated2.changed)
      this.replaced(subscription, old.key, old);
    for (const now of changes.changed)
      this.replaced(subscription, now.key, now);
    for (const name3 of changes.removed)
      this.replaced(subscription, name3, void 0);
  }
  /** Called before one resource, or with `now` undefined its removal, counts as taken. */
  replaced({ type, state }, name3, now) {
    if (!state.hasRefused)
      this.release(type, name3, state.lastCertain(name3), now);
    else
      for (const old of state.possible(name3))
        this.release(type, name3, old, now);
  }
  /**
   * Called for a client that comes back. Listeners that were replaced a short time ago on any stream may still drain
   * (P54).
   */
  resume({ view }) {
    const now = performance.now();
    for (const { references, at } of leftSince(view, now - this.times.drainTimeMs)) {
      this.draining ??= this.newDraining();
      this.draining.resumed(references, Math.min(now, at + this.times.missingAfterMs));
    }
  }
  release(type, name3, old, now) {
    if (!(old instanceof Resource) || old.isPlaceholder || old === now)
      return;
    const released = releasedBy(old, now);
    if (type.drains && (this.draining || released.length > 0)) {
      this.draining ??= this.newDraining();
      this.draining.replaced(type, name3, released, now);
    }
    for (const { typeUrl, name: target } of released)
      this.stream.subscriptions.get(typeUrl)?.noteNoLongerReferenced(canonicalName(target));
  }
  newDraining() {
    return new Draining(this.times, (maxNames2) => this.stream.leftoversForgotten(maxNames2));
  }
  /** Called after each request of the client. */
  settled() {
    this.draining?.look(this.stream.subscriptions);
  }
};
var leftMemo = /* @__PURE__ */ new WeakMap();
function leftSince({ replacedLately }, since) {
  if (!replacedLately || replacedLately.length === 0)
    return [];
  const left = leftMemo.get(replacedLately) ?? leftBy(replacedLately);
  leftMemo.set(replacedLately, left);
  return left.filter(({ at }) => at >= since);
}
function leftBy(replaced) {
  const left = [];
  let count = 0;
  for (const { resource, at } of replaced) {
    const references = referencesOf(resource);
    if (references.length > 0)
      left.push({ references, at });
    count += references.length;
    if (count >= maxLeftovers)
      break;
  }
  return left.reverse();
}

// dist/protocol/placeholder.js
function answerForMissing(subscription, name3, tellsRemovals, serves, related) {
  const { type, names } = subscription;
  const otherwise = tellsRemovals || type.fullStateInSotw ? "removed" : "silence";
  const row = type.placeholder;
  if (tellsRemovals && names.has(name3) && type.missingIsSilent)
    return "silence";
  if (!row || tellsRemovals && !(row.inDelta && names.has(name3)))
    return otherwise;
  if (!tellsRemovals && subscription.hasReturnedWith(name3))
    return otherwise;
  const { afterTypeUrl } = row;
  if (!afterTypeUrl)
    return Resource.placeholder(type, name3);
  for (const other of related())
    if (other.type.typeUrl === afterTypeUrl && other.state.mayHave(name3))
      return Resource.placeholder(type, name3);
  return serves(afterTypeUrl) ? Resource.placeholder(type, name3) : otherwise;
}

// dist/protocol/request-checks.js
var longestTypeUrl = 256;
function checkService(served, typeUrl) {
  if (typeUrl === served.typeUrl)
    return;
  const other = typeUrl.slice(0, longestTypeUrl);
  throw new XdsError("INVALID_REQUEST", `this is the service of ${served.typeUrl}; ask for ${other} at its own service or on an aggregated stream`);
}
function checkLengths(names) {
  for (const name3 of names)
    if (name3.length > longestName)
      throw new XdsError("INVALID_REQUEST", `a resource name of ${name3.length} characters, ${JSON.stringify(name3.slice(0, 64))}\u2026; ${longestName} are allowed`);
}

// dist/protocol/changes.js
var none2 = [];
var noChanges = { changed: none2, removed: none2 };
function contentsOf(changes) {
  let contents = contentsMemo.get(changes);
  if (!contents) {
    const made = /* @__PURE__ */ new Map();
    for (const resource of changes.changed) {
      made.set(resource.key, resource);
      for (const alias of resource.aliasKeys)
        made.set(alias, resource);
    }
    for (const name3 of changes.removed)
      made.set(name3, void 0);
    contents = made;
    contentsMemo.set(changes, contents);
  }
  return contents;
}
var contentsMemo = /* @__PURE__ */ new WeakMap();
function onlyIn(changes, other) {
  const known2 = onlyInMemo.get(changes);
  if (known2?.other.deref() === other)
    return known2.names;
  const contents = contentsOf(other);
  const names = [...contentsOf(changes).keys()].filter((name3) => !contents.has(name3));
  onlyInMemo.set(changes, { other: new WeakRef(other), names });
  return names;
}
var onlyInMemo = /* @__PURE__ */ new WeakMap();
function union(changes, other) {
  const known2 = unionMemo.get(changes)?.get(other);
  if (known2)
    return known2;
  const contents = contentsOf(changes);
  const changed = other.changed.filter(({ key: key2 }) => !contents.has(key2));
  const removed = other.removed.filter((name3) => !contents.has(name3));
  let all = { changed: [...changes.changed, ...changed], removed: [...changes.removed, ...removed] };
  if (contents.size === 0)
    all = other;
  else if (changed.length + removed.length === 0)
    all = changes;
  const unions = unionMemo.get(changes) ?? /* @__PURE__ */ new WeakMap();
  unionMemo.set(changes, unions.set(other, all));
  return all;
}
var unionMemo = /* @__PURE__ */ new WeakMap();
function withoutRemovals(changes) {
  if (changes.removed.length === 0)
    return changes;
  let rest = additionsMemo.get(changes);
  if (!rest) {
    rest = { changed: changes.changed, removed: none2 };
    additionsMemo.set(changes, rest);
  }
  return rest;
}
var additionsMemo = /* @__PURE__ */ new WeakMap();
function halvesOf(changes, old) {
  let halves = halvesMemo.get(changes);
  if (!halves) {
    const units2 = unitsOf(changes, old);
    if (units2.length < 2)
      return void 0;
    const middle = Math.ceil(units2.length / 2);
    halves = [join2(units2.slice(0, middle)), join2(units2.slice(middle))];
    halvesMemo.set(changes, halves);
  }
  return halves;
}
var halvesMemo = /* @__PURE__ */ new WeakMap();
function partsOf(changes, maxBytes4, old) {
  if (changes.changed.length < 2 && changes.removed.length < mostUnmeasured)
    return [changes];
  const known2 = partsMemo.get(changes);
  if (known2?.maxBytes === maxBytes4)
    return known2.parts;
  const parts = [];
  if (sizeOf(changes) <= maxBytes4)
    parts.push(changes);
  else {
    let units2 = [];
    let bytes = 0;
    for (const unit of unitsOf(changes, old)) {
      const size = sizeOf(unit);
      if (units2.length > 0 && bytes + size > maxBytes4) {
        parts.push(join2(units2));
        [units2, bytes] = [[], 0];
      }
      units2.push(unit);
      bytes += size;
    }
    parts.push(join2(units2));
  }
  partsMemo.set(changes, { maxBytes: maxBytes4, parts });
  return parts;
}
var mostUnmeasured = 1e3;
var partsMemo = /* @__PURE__ */ new WeakMap();
function sizeOf({ changed, removed }) {
  let bytes = 0;
  for (const resource of changed)
    bytes += resource.entryBytes;
  for (const name3 of removed)
    bytes += 3 * name3.length + 8;
  return bytes;
}
var join2 = (units2) => ({
  changed: units2.flatMap(({ changed }) => changed),
  removed: units2.flatMap(({ removed }) => removed)
});
function unitsOf({ changed, removed }, old) {
  const places = /* @__PURE__ */ new Map();
  const field2 = changed[0]?.type.addressField;
  const unpaired = new Set(removed);
  if (field2 !== void 0)
    for (const name3 of removed) {
      const before = old(name3);
      const place = before && placeOf(before, field2);
      if (place)
        places.set(place, [...places.get(place) ?? [], name3]);
    }
  const units2 = [];
  for (const resource of inOrder(changed)) {
    const place = places.size > 0 && field2 !== void 0 ? placeOf(resource, field2) : void 0;
    const freed = place ? places.get(place) ?? none2 : none2;
    if (place)
      places.delete(place);
    for (const name3 of freed)
      unpaired.delete(name3);
    units2.push({ changed: [resource], removed: freed });
  }
  const [first] = units2;
  const missing = first ? [...unpaired].filter((name3) => !old(name3)) : [];
  if (first && missing.length > 0)
    units2[0] = { ...first, removed: [...first.removed, ...missing] };
  for (const name3 of missing)
    unpaired.delete(name3);
  for (const name3 of unpaired)
    units2.push({ changed: none2, removed: [name3] });
  return units2;
}
var placeOf = (resource, field2) => {
  const bytes = resource.error ? void 0 : lastField(resource.body, field2);
  return bytes && Buffer.from(bytes).toString("latin1");
};
function inOrder(changed) {
  const byName = new Map(changed.map((resource) => [resource.key, resource]));
  const ordered = /* @__PURE__ */ new Set();
  const visit = (resource, open) => {
    if (ordered.has(resource) || open.has(resource))
      return;
    open.add(resource);
    for (const { typeUrl, name: name3 } of referencesOf(resource)) {
      const target = typeUrl === resource.type.typeUrl ? byName.get(canonicalName(name3)) : void 0;
      if (target && open.size < deepest)
        visit(target, open);
    }
    open.delete(resource);
    ordered.add(resource);
  };
  for (const resource of changed)
    visit(resource, /* @__PURE__ */ new Set());
  return [...ordered];
}
var deepest = 1e3;

// dist/protocol/diff.js
var none3 = [];
var nothing = /* @__PURE__ */ new Map();
function diff(subscription, references, { whole, partial }) {
  const { view, wildcard, state, namesToAnswer, dueRetries } = subscription;
  const to = wildcard && !partial ? view.position : void 0;
  const difference = (changes, withheld = nothing, fresh = changes) => {
    return { changes, fresh, unresolved: none3, withheld, healed: none3, to, piece: void 0 };
  };
  if (wildcard && !partial && namesToAnswer.size === 0 && dueRetries.size === 0 && state.allInFlightHavePositions) {
    const isPlain = state.isPositionOnly || !whole && isBesideRefused(subscription);
    const shared2 = isPlain || whole && state.isShared ? sharedDifference(subscription, references) : void 0;
    if (shared2 && isPlain) {
      const repeats = whole && state.inFlight.length > 0 && shared2.withheld.size === 0 && !isEmpty(shared2.changes);
      const all = repeats ? union(view.since(state.position), shared2.changes) : shared2.changes;
      return difference(all, shared2.withheld, shared2.changes);
    }
    if (shared2 && shared2.withheld.size === 0) {
      const isNew = !isEmpty(shared2.changes) || subscription.mustAnswer;
      const all = isNew ? union(view.since(state.certainPosition), shared2.changes) : shared2.changes;
      return difference(all, nothing, shared2.changes);
    }
  }
  const list = unansweredList(subscription);
  if (list) {
    const changed = view.listed(list);
    if (changed.length === list.length)
      return difference(listed(changed));
  }
  return new Comparison(subscription, references, whole).compare(partial, to);
}
function unansweredList({ listedNames, wildcard, namesToAnswer, state }) {
  if (!listedNames || wildcard || state.hasAnything)
    return void 0;
  if (listedNames.length !== namesToAnswer.size || !state.isPositionOnly || state.inFlight.length > 0)
    return void 0;
  return listedNames.every((name3) => namesToAnswer.has(name3)) ? listedNames : void 0;
}
function isBesideRefused({ view, state, waiting }) {
  const { exceptions, refused: refused2, open } = state;
  if (open.length > 0 || waiting.size > 0 || exceptions.size !== refused2.size || !state.hasNoUncertainNames)
    return false;
  const contents = contentsOf(view.since(state.offered));
  for (const [name3, { resource }] of refused2)
    if (!exceptions.has(name3) || contents.has(name3) || view.get(name3)?.version !== resource?.version)
      return false;
  return true;
}
function sharedDifference({ view, state, waiting }, references) {
  const changes = view.since(state.offered);
  if (!references.noChangeWaits) {
    for (const now of changes.changed)
      if (references.whyChangeWaits(now) && state.mayHave(now.key))
        return void 0;
  }
  if (changes.removed.length === 0)
    return waiting.size === 0 ? { changes, withheld: nothing } : void 0;
  const withheld = /* @__PURE__ */ new Map();
  const last = references.removedLast && changes.changed.length > 0;
  for (const name3 of changes.removed) {
    const waitsNow = last && !waiting.get(name3)?.restOfChange;
    const why = references.whyRemovalWaits(name3) ?? (waitsNow ? references.waitForRestOfChange(name3) : void 0);
    if (why)
      withheld.set(name3, why);
  }
  if (withheld.size === 0 && waiting.size === 0)
    return { changes, withheld: nothing };
  return withheld.size === changes.removed.length ? { changes: withoutRemovals(changes), withheld } : void 0;
}
var Comparison = class {
  subscription;
  references;
  whole;
  changed = /* @__PURE__ */ new Map();
  removed = /* @__PURE__ */ new Set();
  unresolved = [];
  withheld = /* @__PURE__ */ new Map();
  healed = [];
  /** Content that was refused and is still served. */
  refused = [];
  /** Content that an unanswered response already has. */
  onItsWay = [];
  /** Changes that were refused together and of which something is served otherwise now. */
  touched = /* @__PURE__ */ new Set();
  seen = /* @__PURE__ */ new Set();
  state;
  constructor(subscription, references, whole) {
    this.subscription = subscription;
    this.references = references;
    this.whole = whole;
    this.state = subscription.state;
  }
  compare(partial, to) {
    const { subscription, state, references, changed, removed } = this;
    for (const name3 of partial ? subscription.namesToAnswer : this.candidates())
      this.look(name3);
    if (references.removedLast && changed.size > 0) {
      for (const name3 of removed)
        if (state.lastCertain(name3) && !subscription.namesToAnswer.has(name3) && !subscription.waiting.get(name3)?.restOfChange) {
          removed.delete(name3);
          this.withheld.set(name3, references.waitForRestOfChange(name3));
        }
    }
    const fresh = this.changes();
    const repeats = this.whole && (changed.size + removed.size > 0 || subscription.mustAnswer);
    if (repeats) {
      for (const change of state.open)
        for (const name3 of change.names())
          this.look(name3);
      for (const name3 of state.refused.keys())
        this.look(name3);
      for (const delivery of state.inFlight)
        for (const name3 of contentsOf(delivery.changes).keys())
          this.look(name3);
      for (const [name3, now] of this.onItsWay)
        if (now)
          changed.set(now.key, now);
        else
          removed.add(name3);
    } else
      for (const change of this.touched)
        for (const name3 of change.names())
          this.look(name3);
    for (const [name3, now, change] of this.refused)
      if (repeats || change && this.touched.has(change))
        this.put(name3, now);
    const changes = { changed: [...changed.values()], removed: removed.size > 0 ? [...removed] : none3 };
    return {
      changes,
      fresh,
      unresolved: this.unresolved,
      withheld: this.withheld,
      healed: this.healed,
      to,
      piece: void 0
    };
  }
  changes() {
    return { changed: [...this.changed.values()], removed: this.removed.size > 0 ? [...this.removed] : none3 };
  }
  /** The names that may differ. Some may come twice. */
  *candidates() {
    const { namesToAnswer, dueRetries, names, wildcard, view, allStale, stale, waiting } = this.subscription;
    const { state } = this;
    yield* namesToAnswer;
    yield* dueRetries;
    yield* state.deferred;
    yield* waiting.keys();
    if (wildcard) {
      const { changed, removed } = view.since(state.offered);
      for (const { key: key2 } of changed)
        yield key2;
      yield* removed;
      yield* state.exceptions.keys();
    } else if (allStale) {
      yield* names;
      yield* state.exceptions.keys();
    } else
      yield* stale;
  }
  look(name3) {
    const { seen, subscription, state } = this;
    const { view, namesToAnswer, dueRetries, waiting } = subscription;
    if (seen.has(name3))
      return;
    seen.add(name3);
    if (isGlob(name3)) {
      this.lookAtMembers(name3);
      return;
    }
    const isAsked = namesToAnswer.has(name3);
    if (!isAsked && !subscription.covers(name3))
      return;
    const last = state.lastCertain(name3);
    const now = view.get(name3) ?? (last instanceof Resource && last.isPlaceholder ? last : void 0);
    if (isAsked || dueRetries.has(name3)) {
      this.put(name3, now);
      return;
    }
    const refused2 = state.refused.get(name3);
    const isRefused = refused2 !== void 0 && refused2.resource?.version === now?.version;
    const coming = isRefused ? void 0 : state.coming(name3);
    if (coming) {
      if (coming.resource?.version !== now?.version)
        this.put(name3, now);
      else
        this.onItsWay.push([name3, now]);
      return;
    }
    const isSame = isSameContent(last, now);
    const change = state.openWith(name3);
    if (refused2) {
      if (isRefused)
        this.refused.push([name3, now, void 0]);
      else if (this.whole && !now && !last && subscription.hasEarlierState)
        this.removed.add(name3);
      else if (isSame && state.isCertain(name3) && !state.isRepeated(name3))
        this.healed.push(name3);
      else {
        this.put(name3, now);
        if (this.changed.has(name3) || this.removed.has(name3))
          for (const missing of refused2.missing)
            this.tellMissing(missing);
      }
    } else if (change && change.content(name3)?.version === now?.version) {
      if (change.isPending(name3))
        return;
      if (!change.isRefused || change.isDeferred(name3) || now && waiting.has(name3))
        this.put(name3, now);
      else
        this.refused.push([name3, now, change]);
    } else if (!state.isCertain(name3)) {
      this.put(name3, now);
      if (change && !change.isSplitting)
        this.touched.add(change);
    } else if (!isSame)
      this.put(name3, now);
    else if (change || state.deferred.has(name3)) {
      this.healed.push(name3);
      if (!now && change && subscription.names.has(name3))
        this.answerMissing(name3);
    }
  }
  /** Looks at the members of a glob collection. If it has none, the collection itself is answered (P63). */
  lookAtMembers(glob) {
    const { view, namesToAnswer } = this.subscription;
    let isEmpty3 = true;
    for (const { key: key2 } of view.members(glob)) {
      isEmpty3 = false;
      this.look(key2);
    }
    if (isEmpty3 && namesToAnswer.has(glob))
      this.removed.add(glob);
  }
  /** Adds what the client should have of a name, unless that has to wait. */
  put(name3, now) {
    const { state, references, subscription, changed, removed } = this;
    const isAsked = subscription.namesToAnswer.has(name3);
    if (now) {
      const old = isAsked ? lastResource(state, name3) : state.repeatable(name3);
      const hasOlder = old ? !old.isPlaceholder : !isAsked && state.mayHave(name3);
      const why = hasOlder ? references.whyChangeWaits(now) : void 0;
      if (!why)
        changed.set(now.key, now);
      else
        this.withhold(name3, why, isAsked);
    } else if (state.mayHave(name3)) {
      const why = references.whyRemovalWaits(name3);
      const isMoot = why?.why === "unseen" && (isAsked || !state.lastCertain(name3));
      if (why && !isMoot)
        this.withhold(name3, why, isAsked);
      else {
        removed.add(name3);
        if (isAsked && !lastResource(state, name3))
          this.unresolved.push(name3);
      }
    } else if (isAsked)
      this.answerMissing(name3);
    else if (state.openWith(name3))
      this.healed.push(name3);
  }
  withhold(name3, why, isAsked) {
    this.withheld.set(name3, why);
    const old = isAsked ? lastResource(this.state, name3) : void 0;
    if (old)
      this.changed.set(old.key, old);
  }
  /** Repeats the answer that a name does not exist. Its first response was refused because of other content. */
  tellMissing(name3) {
    const { subscription, state, removed, unresolved } = this;
    if (!subscription.names.has(name3) || subscription.view.get(name3) || state.mayHave(name3))
      return;
    removed.add(name3);
    unresolved.push(name3);
  }
  answerMissing(name3) {
    const { references, changed, withheld, removed, unresolved, state } = this;
    const old = references.removedButReferenced(name3);
    if (old) {
      changed.set(old.key, old);
      withheld.set(name3, { why: "reference", since: performance.now() });
      return;
    }
    const answer2 = state.removedInUse.has(name3) ? "removed" : references.answerForMissing(name3);
    if (answer2 instanceof Resource)
      changed.set(name3, answer2);
    else {
      if (answer2 === "removed")
        removed.add(name3);
      unresolved.push(name3);
    }
  }
};
var isSameContent = (last, now) => last === now || last?.version === now?.version && !(last instanceof Resource && now !== void 0 && !last.hasContentOf(now));
var lastResource = (state, name3) => {
  const last = state.lastCertain(name3);
  return last instanceof Resource ? last : void 0;
};
var isEmpty = ({ changed, removed }) => changed.length + removed.length === 0;
function listed(changed) {
  let changes = listedMemo.get(changed);
  if (!changes) {
    changes = { changed, removed: none3 };
    listedMemo.set(changed, changes);
  }
  return changes;
}
var listedMemo = /* @__PURE__ */ new WeakMap();

// dist/protocol/heartbeat.js
var maxUnanswered = 4;
var UnansweredHeartbeats = class {
  /** Subscription → nonce → the names in the heartbeat. */
  bySubscription = /* @__PURE__ */ new Map();
  add(subscription, nonce, names) {
    const unanswered = this.bySubscription.get(subscription) ?? /* @__PURE__ */ new Map();
    this.bySubscription.set(subscription, unanswered.set(nonce, names));
    for (const oldest of unanswered.keys())
      if (unanswered.size > maxUnanswered)
        unanswered.delete(oldest);
  }
  /** Returns the names in the heartbeat with this nonce, once. */
  take(subscription, nonce) {
    const unanswered = this.bySubscription.get(subscription);
    const names = unanswered?.get(nonce);
    unanswered?.delete(nonce);
    return names;
  }
};
function heartbeatOf(subscription) {
  const { view, state, waiting } = subscription;
  const names = new Set(waiting.keys());
  for (const { key: key2 } of view.withTtl())
    names.add(key2);
  for (const name3 of state.refused.keys())
    names.add(name3);
  for (const { changes } of state.inFlight)
    for (const { key: key2 } of changes.changed)
      names.add(key2);
  const found = [];
  for (const name3 of names) {
    const resource = subscription.covers(name3) ? livingOf(subscription, name3) : void 0;
    if (resource?.ttlMs !== void 0)
      found.push(resource);
  }
  return found;
}
function livingOf({ state, view }, name3) {
  const last = state.lastCertain(name3);
  if (last instanceof Resource)
    return last;
  if (last && view.get(name3)?.version === last.version)
    return view.get(name3);
  return state.coming(name3)?.resource;
}
function livingState(subscription, served) {
  const { state } = subscription;
  const isSure = (name3) => !state.refused.has(name3) && !state.coming(name3);
  const isPlain = state.isPositionOnly && state.inFlight.length === 0;
  if (isPlain)
    return served;
  const resources = served.flatMap((now) => isSure(now.key) ? now : livingOf(subscription, now.key) ?? []);
  return resources.every((resource, i) => resource === served[i]) && resources.length === served.length ? served : resources;
}

// dist/protocol/lazy.js
var LazySet = class {
  set;
  get size() {
    return this.set?.size ?? 0;
  }
  has(value) {
    return this.set?.has(value) ?? false;
  }
  add(value) {
    this.set ??= /* @__PURE__ */ new Set();
    this.set.add(value);
  }
  delete(value) {
    return this.set?.delete(value) ?? false;
  }
  clear() {
    this.set = void 0;
  }
  forEach(each) {
    for (const value of this)
      each(value, value, this);
  }
  entries() {
    return this.all.entries();
  }
  keys() {
    return this.all.keys();
  }
  values() {
    return this.all.values();
  }
  [Symbol.iterator]() {
    return this.all.values();
  }
  get all() {
    return this.set ?? nothing2;
  }
};
var LazyMap = class {
  map;
  get size() {
    return this.map?.size ?? 0;
  }
  get(key2) {
    return this.map?.get(key2);
  }
  has(key2) {
    return this.map?.has(key2) ?? false;
  }
  set(key2, value) {
    this.map ??= /* @__PURE__ */ new Map();
    this.map.set(key2, value);
  }
  delete(key2) {
    return this.map?.delete(key2) ?? false;
  }
  clear() {
    this.map = void 0;
  }
  forEach(each) {
    for (const [key2, value] of this)
      each(value, key2, this);
  }
  entries() {
    return this.all.entries();
  }
  keys() {
    return this.all.keys();
  }
  values() {
    return this.all.values();
  }
  [Symbol.iterator]() {
    return this.all.entries();
  }
  get all() {
    return this.map ?? nothingByKey;
  }
};
var nothing2 = /* @__PURE__ */ new Set();
var nothingByKey = /* @__PURE__ */ new Map();

// dist/protocol/order.js
var mostUnanswered = 4;
function nextTurn(waiting, stream, times) {
  let next;
  for (const subscription of waiting) {
    if (next && next.subscription.type.order <= subscription.type.order)
      continue;
    if (freeAt(subscription, times) > times.now || !subscription.view.serving)
      continue;
    if (!blockedUntil(subscription, stream.subscriptions, times))
      next = { subscription, partial: false };
    else if (canAnswerApart(subscription, stream))
      next = { subscription, partial: true };
  }
  return next;
}
function freeAt({ state: { inFlight } }, { answer: answer2 }) {
  const [oldest] = inFlight;
  if (!oldest)
    return 0;
  return inFlight.length < mostUnanswered ? oldest.at + answer2 : Number.POSITIVE_INFINITY;
}
function blockedUntil({ type }, all, { now, order }) {
  let until;
  for (const { type: earlier, state } of all.values()) {
    const latest = state.inFlight.at(-1);
    if (!latest || earlier.order >= type.order || now >= latest.at + order)
      continue;
    if (until === void 0 || latest.at + order > until)
      until = latest.at + order;
  }
  return until;
}
function canAnswerApart({ namesToAnswer, type, view }, stream) {
  if (namesToAnswer.size === 0 || type.fullStateInSotw)
    return false;
  for (const name3 of namesToAnswer) {
    const resource = view.get(name3);
    if (resource && !hasAllOf(stream, resource, (other, target) => other.view.get(target) !== void 0))
      return false;
  }
  return true;
}

// dist/protocol/piece.js
var none4 = [];
var hasOlderVersion = (last) => last !== void 0 && !(last instanceof Resource && last.isPlaceholder);
function pieceOf(subscription, change, references) {
  const { view, state, waiting } = subscription;
  const whyPieceWaits = (name3, now) => {
    if (!now) {
      const why = state.mayHave(name3) ? references.whyRemovalWaits(name3) : void 0;
      return why?.why === "unseen" ? void 0 : why;
    }
    return references.noChangeWaits || !hasOlderVersion(state.lastCertain(name3)) ? void 0 : references.whyChangeWaits(now);
  };
  for (let piece = change.next; piece; piece = change.next) {
    const later = /* @__PURE__ */ new Map();
    const stays = (name3, now2) => {
      if (!change.has(name3))
        return false;
      const coming = state.coming(name3);
      if (coming && coming.resource?.version === now2?.version) {
        state.resolveInFlight(change, name3);
        return false;
      }
      const isServed = view.get(name3)?.version === now2?.version;
      const why = isServed ? whyPieceWaits(name3, now2) : void 0;
      if (!isServed || why) {
        later.set(name3, now2);
        subscription.defer(name3, why);
      }
      return isServed && !why;
    };
    const changed = piece.changed.filter((now2) => stays(now2.key, now2));
    const removed = piece.removed.filter((name3) => stays(name3, void 0));
    const isAll = changed.length === piece.changed.length && removed.length === piece.removed.length;
    const now = isAll ? piece : { changed, removed };
    if (!isAll)
      change.defer(piece, now, later);
    if (changed.length + removed.length > 0)
      return {
        changes: now,
        fresh: now,
        unresolved: none4,
        withheld: waiting,
        healed: none4,
        to: void 0,
        piece: change
      };
  }
  return void 0;
}

// dist/protocol/references.js
function unorderedReferences(ordered) {
  return {
    whyRemovalWaits: () => void 0,
    whyChangeWaits: () => void 0,
    noChangeWaits: true,
    removedLast: false,
    waitForRestOfChange: () => unordered,
    removedButReferenced: () => void 0,
    answerForMissing: (name3) => ordered.answerForMissing(name3)
  };
}
var unordered = { why: "unseen", since: 0 };

// dist/protocol/response-sender.js
var maxEarlyResponses = 4;
var envelopeBytes = 1024;
var none5 = [];
var ResponseSender = class {
  stream;
  protocol;
  context;
  transport;
  /** How many full looks at a subscription there were so far. */
  looks = 0;
  /** Whether the client understands TTLs (P57). */
  sendsTtl = false;
  /** Subscriptions that may have something to send. */
  dirty = new LazySet();
  lastRequests = new LazyMap();
  nonces = 0;
  isTransportReady = true;
  /** The last flush ended before it had looked at everything. */
  isCut = false;
  /** The value of `looks` when a flush had last looked at everything. */
  looksSettled = 0;
  /** Wakes the stream when a wait is over. */
  timer;
  /** When the timer is due, as `performance.now()`. */
  timerAt = Number.POSITIVE_INFINITY;
  heartbeats;
  /** Resources that were sent before the client's first requests of the types that it then waits for (P55). */
  early = none5;
  constructor(stream, protocol, context, transport) {
    this.stream = stream;
    this.protocol = protocol;
    this.context = context;
    this.transport = transport;
  }
  get account() {
    return this.stream.account;
  }
  get writes() {
    return true;
  }
  /** The number of the last response that was sent. */
  get lastNonce() {
    return this.nonces;
  }
  /** Whether no subscription may have something to send. */
  get isIdle() {
    return this.dirty.size === 0;
  }
  /** The stream's node is known from now on. */
  meetNode({ clientFeatures }) {
    this.sendsTtl = this.protocol.ttlFeatures.every((names) => names.some((name3) => clientFeatures.includes(name3)));
  }
  /** The transport takes responses again. */
  writable() {
    this.isTransportReady = true;
    this.schedule();
  }
  close() {
    this.context.queue.remove(this);
    clearTimeout(this.timer);
    this.dirty.clear();
    this.lastRequests.clear();
    this.heartbeats = void 0;
  }
  /** Remembers a subscription's last request, for the callback that is given each response with its request. */
  noteRequest(subscription, request2) {
    if (this.context.events.response)
      this.lastRequests.set(subscription, request2);
  }
  /** The names in the unanswered heartbeat with this nonce, which counts as answered from now on (P58). */
  takeHeartbeat(subscription, nonce) {
    return this.heartbeats?.take(subscription, nonce);
  }
  /** A subscription may have something to send. */
  wake(subscription) {
    this.dirty.add(subscription);
    this.schedule();
  }
  schedule() {
    if (!this.stream.isClosed && (this.dirty.size > 0 || this.isCut))
      this.context.queue.add(this);
  }
  /** Marks names to be answered at a type's first request: earlier responses make the client wait for them (P55). */
  answerForEarly(subscription) {
    const all = /* @__PURE__ */ new Map([[subscription.type.typeUrl, subscription]]);
    for (const sent of this.early)
      for (const [, name3] of neededAgain(sent, all))
        subscription.namesToAnswer.add(name3);
  }
  /** Sends what the client lacks, in the order of the type table, until nothing is left or the transport is full. */
  flush() {
    this.isCut = true;
    try {
      const times = this.turnTimes();
      this.stream.order.settled();
      const retryAt = this.retry(times.now);
      for (const subscription of this.dirty) {
        if (subscription.beatDue && subscription.view.serving && this.isTransportReady && !this.stream.turns.busy)
          this.beat(subscription);
        const isHeld = freeAt(subscription, times) === Number.POSITIVE_INFINITY;
        if (isHeld || !subscription.view.serving || subscription.isSettled)
          this.dirty.delete(subscription);
      }
      let isReconsidered = false;
      while (this.isTransportReady && !this.stream.isClosed && !this.stream.turns.busy) {
        const turn = nextTurn(this.dirty, this.stream, times);
        if (turn) {
          if (!turn.partial)
            this.dirty.delete(turn.subscription);
          this.respond(turn, times);
          if (performance.now() - times.now > sliceMs) {
            this.schedule();
            return;
          }
          continue;
        }
        if (!isReconsidered && this.looks > this.looksSettled) {
          isReconsidered = true;
          for (const one of this.stream.subscriptions.values())
            if (one.waiting.size > 0 && one.lookedAt < this.looks && one.isWaiting)
              this.dirty.add(one);
          continue;
        }
        this.waitForTurn(times, retryAt);
        this.isCut = false;
        this.looksSettled = this.looks;
        return;
      }
    } catch (error) {
      this.stream.fail(error);
    } finally {
      if (!this.stream.isClosed)
        this.context.flushed?.(this.stream);
    }
  }
  /** Offers again the refused content that is due (P16). Returns when the next is due, as `performance.now()`. */
  retry(now) {
    let next = Number.POSITIVE_INFINITY;
    for (const subscription of this.stream.subscriptions.values()) {
      if (subscription.state.refused.size === 0)
        continue;
      next = Math.min(next, subscription.retry(now));
      if (subscription.dueRetries.size > 0)
        this.dirty.add(subscription);
    }
    return next;
  }
  turnTimes() {
    const { ordered, patience } = this.context;
    return { now: performance.now(), order: ordered && !this.stream.isSeparate ? patience : 0, answer: patience };
  }
  /**
   * Sets the timer to the end of the first wait. `latest` is when it must fire at the latest, as `performance.now()`.
   */
  waitForTurn(times, latest) {
    let next = latest;
    const until = (end) => {
      if (end !== void 0 && end < next)
        next = end;
    };
    for (const subscription of this.dirty) {
      if (!subscription.view.serving)
        continue;
      const free = freeAt(subscription, times);
      until(free > times.now ? free : blockedUntil(subscription, this.stream.subscriptions, times));
    }
    for (const subscription of this.stream.subscriptions.values()) {
      const { waiting } = subscription;
      if (waiting.size > 0)
        for (const { until: end } of waiting.values())
          until(end);
    }
    if (next >= this.timerAt)
      return;
    clearTimeout(this.timer);
    this.timerAt = next;
    const wait = Math.min(Math.max(1, Math.ceil(next - times.now)), 2 ** 31 - 1);
    this.timer = setTimeout(() => {
      this.timerAt = Number.POSITIVE_INFINITY;
      this.stream.reconsider();
    }, wait).unref();
  }
  respond({ subscription, partial }, times) {
    const { type, view } = subscription;
    const { protocol, context } = this;
    if (context.resolver)
      this.resolve(subscription, context.resolver);
    const references = this.referencesFor(subscription);
    const isPartial = partial || subscription.state.nextPiece !== void 0 && subscription.namesToAnswer.size > 0;
    let difference = isPartial ? void 0 : this.nextPiece(subscription, references);
    if (!difference) {
      const whole = !protocol.announcesRemovals && type.fullStateInSotw;
      difference = diff(subscription, references, { whole, partial: isPartial });
      if (!isPartial) {
        this.looks++;
        subscription.lookedAt = this.looks;
      }
      const pieces = protocol.announcesRemovals ? this.partsOf(subscription, difference) : none5;
      if (pieces.length > 1) {
        subscription.sendInPieces(pieces, difference, isPartial);
        difference = this.nextPiece(subscription, references) ?? nothingNew;
      }
    }
    const isPiece = difference.piece !== void 0;
    const content = protocol.respond(subscription, difference);
    if (isPiece || isPartial)
      this.dirty.add(subscription);
    if (!content) {
      subscription.settle(difference, isPartial || isPiece);
      if (!subscription.namesToAnswer.isDone)
        this.dirty.add(subscription);
      return;
    }
    const tells = protocol.announcesRemovals || type.fullStateInSotw;
    const delivery = {
      changes: tells ? difference.changes : withoutRemovals(difference.changes),
      fresh: tells ? difference.fresh : withoutRemovals(difference.fresh),
      nonce: this.nextNonce(),
      version: content.version || view.version,
      at: times.now,
      to: difference.to,
      partial: isPartial || isPiece,
      whole: !protocol.announcesRemovals && type.fullStateInSotw,
      piece: difference.piece,
      repeated: content.repeated ? { changed: content.repeated, removed: none5 } : noChanges,
      before: void 0,
      newer: void 0
    };
    subscription.send(delivery, difference, tells ? none5 : difference.changes.removed);
    if (!subscription.namesToAnswer.isDone)
      this.dirty.add(subscription);
    if (context.ordered)
      this.answerAgain(difference.fresh.changed, times.now);
    this.dispatch(subscription, content, delivery);
  }
  nextNonce() {
    return String(++this.nonces);
  }
  dispatch(subscription, content, { nonce, version }) {
    const { typeUrl } = subscription.type;
    const { heartbeats = none5, resources, unresolved } = content;
    const traffic = this.context.traffic.of(typeUrl);
    traffic.responses++;
    traffic.resources += resources.length;
    const response2 = {
      typeUrl,
      versionInfo: version,
      nonce,
      resources,
      removedResources: content.removed,
      heartbeats,
      unresolved,
      ttl: this.sendsTtl,
      spellings: subscription.spellings
    };
    const request2 = this.lastRequests.get(subscription);
    const told = request2 && this.stream.quietly("onStreamResponse", () => this.context.events.response?.(this.stream, request2, response2));
    if (told)
      void this.stream.turns.hold(told.then(() => this.send(response2)));
    else
      this.send(response2);
  }
  /**
   * Called with the bytes of an encoded response. Warns if the response is too large. Many gRPC clients refuse messages
   * above 4 MiB, and some responses cannot be divided.
   */
  encoded({ typeUrl }, bytes) {
    const { maxResponseBytes } = this.context;
    if (bytes > maxResponseBytes + envelopeBytes)
      this.stream.log.largeResponse(typeUrl, bytes, maxResponseBytes);
  }
  referencesFor(subscription) {
    const { announcesRemovals } = this.protocol;
    const references = this.stream.order.for(subscription, announcesRemovals || subscription.type.fullStateInSotw);
    return this.context.ordered ? references : unorderedReferences(references);
  }
  /** The next piece of a change that is sent in pieces. */
  nextPiece(subscription, references) {
    for (let change = subscription.state.nextPiece; change; change = subscription.state.nextPiece) {
      const piece = pieceOf(subscription, change, references);
      if (piece)
        return piece;
    }
    return void 0;
  }
  partsOf({ state, view }, { changes }) {
    const parts = partsOf(changes, this.context.maxResponseBytes, (name3) => state.possible(name3)[0]);
    const isServed = ({ key: key2, version }) => view.get(key2)?.version === version;
    return parts.length > 1 && changes.changed.every(isServed) ? parts : none5;
  }
  resolve(subscription, resolver) {
    const { node: node3, type } = subscription;
    const { caller } = this.stream;
    for (const name3 of subscription.namesToResolve(resolver.timeoutMs)) {
      const spelling = subscription.spellings.get(name3) ?? name3;
      const resolve = async () => resolver.resolve({ node: node3, type, caller, name: spelling });
      void Promise.resolve(this.stream.quietly("onDemand.resolve", resolve)).then(() => subscription.resolved(name3));
    }
  }
  /** Sends a heartbeat: names the resources with a TTL, so that the client keeps them. It waits for no answer (P58). */
  beat(subscription) {
    subscription.beatDue = false;
    const living = this.sendsTtl ? heartbeatOf(subscription) : none5;
    if (living.length === 0 || subscription.state.inFlight.length === 0 && !subscription.ledger.sent)
      return;
    const content = this.protocol.keepAlive(subscription, living);
    const beat = { nonce: this.nextNonce(), version: content.version };
    this.heartbeats ??= new UnansweredHeartbeats();
    this.heartbeats.add(subscription, beat.nonce, living.map(({ key: key2 }) => key2));
    subscription.ledger.onSent(beat);
    this.dispatch(subscription, content, beat);
  }
  /**
   * Marks names to be answered again. The resources on their way make the client wait for these names before it ACKs
   * (P55).
   */
  answerAgain(fresh, now) {
    for (const [subscription, name3] of neededAgain(fresh, this.stream.subscriptions)) {
      subscription.namesToAnswer.add(name3);
      this.wake(subscription);
    }
    if (!this.protocol.announcesRemovals || fresh.length === 0)
      return;
    if (now - this.stream.order.openedAt > this.context.patience) {
      this.early = none5;
      return;
    }
    this.early = [...this.early, fresh].slice(-maxEarlyResponses);
  }
  send(response2) {
    if (!this.stream.isClosed)
      this.isTransportReady = this.transport.send(response2);
  }
};
var nothingNew = {
  changes: noChanges,
  fresh: noChanges,
  unresolved: none5,
  withheld: /* @__PURE__ */ new Map(),
  healed: none5,
  to: void 0,
  piece: void 0
};

// dist/protocol/stream-log.js
var maxUnknownTypes = 16;
var StreamLog = class {
  stream;
  logger;
  unknownTypes = /* @__PURE__ */ new Set();
  logged = /* @__PURE__ */ new Set();
  constructor(stream, logger) {
    this.stream = stream;
    this.logger = logger;
  }
  /** Whether the client has asked for a type that is not served. */
  get hasUnknownTypes() {
    return this.unknownTypes.size > 0;
  }
  otherNode(node3, other) {
    this.once({ node: node3.id, other: other.id }, "a later request names another node; the stream stays the first one's");
  }
  notConfigured({ id, cluster }, typeUrl) {
    this.once({ node: id, cluster, typeUrl }, "nothing is configured for this node; it waits until something is");
  }
  /** `isKnown`: there is a resource type with this type URL, but no cache serves it. Logged once per type URL. */
  unknownType(typeUrl, isKnown) {
    if (typeUrl.length > longestTypeUrl || this.unknownTypes.has(typeUrl))
      return;
    if (this.unknownTypes.size >= maxUnknownTypes)
      return;
    this.unknownTypes.add(typeUrl);
    const why = isKnown ? "no cache serves this type" : "no resource type has this type URL";
    this.warn({ node: this.stream.node?.id, typeUrl }, `${why}; the subscription stays silent`);
  }
  largeResponse(typeUrl, bytes, maxResponseBytes) {
    this.once({ node: this.stream.node?.id, typeUrl, bytes, maxResponseBytes }, "a response is larger than maxResponseBytes and cannot be divided; raise the client's limit of message size (gRPC: max_receive_message_length, 4 MiB by default), or use incremental xDS");
  }
  leftoversForgotten(kept) {
    this.once({ node: this.stream.node?.id, kept }, "old listeners of this client refer to too many names; the oldest may be removed before the listeners have drained");
  }
  callbackFailed(callback, error) {
    const { id, peer } = this.stream;
    this.logger.error({ stream: id, peer, callback, error: messageOf(error) }, "a callback failed");
  }
  once(fields, message) {
    if (this.logged.has(message))
      return;
    this.logged.add(message);
    this.warn(fields, message);
  }
  warn(fields, message) {
    const { id, peer } = this.stream;
    this.logger.warn({ stream: id, peer, ...fields }, message);
  }
};

// dist/protocol/delivery.js
var ReportedVersion = class {
  version;
  constructor(version) {
    this.version = version;
  }
};

// dist/protocol/client-contents.js
var noRefusals = /* @__PURE__ */ new Map();
var noneRemoved = /* @__PURE__ */ new Map();
var noNames = /* @__PURE__ */ new Set();
var ClientContents = class {
  scope;
  /** Everything up to this position was offered and answered. */
  position = -1;
  entries = new LazyMap();
  // The next maps are made when they are needed: an empty Map takes 200 bytes, and few clients need them.
  refusals;
  /** Changes that were refused together, or are sent in pieces. Oldest first; at most four of them are refused. */
  open = [];
  /** Names of older refused changes, which are too many to remember. The client may have any version of them. */
  uncertainNames;
  /** Unanswered responses, oldest first; normally one at most. */
  inFlight = [];
  removedInUseByName;
  deferredNames;
  constructor(scope) {
    this.scope = scope;
  }
  /** Content that was refused by itself, by name. There are at most as many as served or subscribed names. */
  get refused() {
    return this.refusals ?? noRefusals;
  }
  /**
   * Removed resources that the client may still use, by name. For example, Envoy goes on using a removed route
   * configuration. Only names that the client still subscribes are here.
   */
  get removedInUse() {
    return this.removedInUseByName ?? noneRemoved;
  }
  /** Names that were left out of their piece of a change because they were replaced meanwhile or have to wait. */
  get deferred() {
    return this.deferredNames ?? noNames;
  }
  /** The position up to which everything was offered; the last part may be unanswered. */
  get offered() {
    for (let i = this.inFlight.length - 1; i >= 0; i--) {
      const to = this.inFlight[i]?.to;
      if (to !== void 0)
        return Math.max(to, this.position);
    }
    return this.position;
  }
  /** The last position at which it is certain what the client had. */
  get certainPosition() {
    return this.open.find((one) => one.isRefused)?.before ?? this.position;
  }
  /** Whether the position alone shows what the client has. Unanswered responses do not count. */
  get isPositionOnly() {
    return this.isShared && this.open.length === 0;
  }
  /** Whether shared positions and changes show what the client has, without an entry for any name. */
  get isShared() {
    if (this.entries.size + this.refused.size + this.deferred.size > 0 || !this.hasNoUncertainNames)
      return false;
    return this.open.length === 0 || this.open.every(({ isPassed }) => isPassed);
  }
  /**
   * Whether every unanswered response leads to a position. A response does not if it answers only some names, or if
   * another view has answered since.
   */
  get allInFlightHavePositions() {
    return this.inFlight.every(({ to }) => to !== void 0);
  }
  /** Whether no name is uncertain because its refused change was forgotten. */
  get hasNoUncertainNames() {
    return (this.uncertainNames?.size ?? 0) === 0;
  }
  /** Whether no refused content is left. Changes that are still sent in pieces do not count. */
  get hasNoOpenRefusal() {
    return this.refused.size === 0 && (this.open.length === 0 || !this.open.some((one) => one.isRefused && !one.isSplitting));
  }
  /** Whether something that was refused is not replaced yet. */
  get hasRefused() {
    return this.refused.size > 0 || this.open.length > 0 && this.open.some((one) => one.isRefused);
  }
  /** Whether the client has taken or reported anything. */
  get hasAnything() {
    if (this.position >= 0)
      return true;
    for (const has of this.entries.values())
      if (has)
        return true;
    return false;
  }
  /** What the client last certainly had of a name. If it has refused a change since, it may have a newer version. */
  lastCertain(name3) {
    if (this.entries.has(name3))
      return this.entries.get(name3);
    const { view, wildcard } = this.scope;
    if (!wildcard)
      return void 0;
    for (const change of this.open)
      if (change.before !== void 0 && change.has(name3))
        return view.at(name3, change.before);
    for (const { before, changes } of this.inFlight)
      if (before !== void 0 && contentsOf(changes).has(name3))
        return view.at(name3, before);
    return view.at(name3, this.position);
  }
  /** Whether the client certainly has what {@link lastCertain} says. Unanswered responses do not count. */
  isCertain(name3) {
    return !this.uncertainNames?.has(name3) && !this.refused.get(name3)?.mayBeGone && !this.open.some((change) => change.isRefused && change.has(name3));
  }
  /**
   * The content that unanswered responses have for a name; `resource` is undefined for a removal. Undefined: they do
   * not have the name.
   */
  coming(name3) {
    for (let i = this.inFlight.length - 1; i >= 0; i--) {
      const delivery = this.inFlight[i];
      const again = i > 0 ? contentsOf(delivery.repeated).get(name3) : void 0;
      if (again && this.inFlight.slice(0, i).some(({ changes }) => contentsOf(changes).has(name3)))
        return { resource: again };
      const contents = contentsOf(delivery.changes);
      if (contents.has(name3) && !this.isReplaced(delivery, name3))
        return { resource: contents.get(name3) };
    }
    return void 0;
  }
  /** Whether an unanswered full state repeats a name as it was. Its refusal may be about that name. */
  isRepeated(name3) {
    return this.inFlight.some(({ repeated: repeated2 }) => contentsOf(repeated2).has(name3));
  }
  /** Whether a response that was sent later, and answered first, already says what the client has of a name. */
  isReplaced({ newer }, name3) {
    const isTaken = newer?.get(name3);
    return isTaken === true || isTaken === false && !this.refused.has(name3) && !this.openWith(name3);
  }
  /** The newest open change that contains a name. */
  openWith(name3) {
    for (let i = this.open.length - 1; i >= 0; i--)
      if (this.open[i]?.has(name3))
        return this.open[i];
    return void 0;
  }
  /** The change of which a piece must be sent next (P17). */
  get nextPiece() {
    if (this.open.length === 0)
      return void 0;
    for (const change of this.open)
      if (!change.nack && change.next && !this.inFlight.some(({ piece }) => piece === change))
        return change;
    return void 0;
  }
  /** The unanswered response with this nonce. */
  unanswered(nonce) {
    for (const delivery of this.inFlight)
      if (delivery.nonce === nonce)
        return delivery;
    return void 0;
  }
  /** Every resource of a name that the client may be using. */
  possible(name3) {
    const found = [];
    const last = this.lastCertain(name3);
    if (last instanceof Resource)
      found.push(last);
    for (const change of this.open) {
      const content = change.isRefused && change.has(name3) ? change.content(name3) : void 0;
      if (content)
        found.push(content);
    }
    for (const delivery of this.inFlight) {
      const content = contentsOf(delivery.changes).get(name3);
      if (content && !this.isReplaced(delivery, name3))
        found.push(content);
    }
    return found;
  }
  /**
   * The resource to repeat for a name that stays as it is on the client: the one it certainly has, else one that it may
   * have.
   */
  repeatable(name3) {
    const last = this.lastCertain(name3);
    return last instanceof Resource ? last : this.possible(name3).at(-1);
  }
  /** Whether the client may have any version of a name. */
  mayHave(name3) {
    return this.lastCertain(name3) !== void 0 || this.possible(name3).length > 0;
  }
  /**
   * Whether a resource can start to refer to a name, because the client has the name (P53). "unanswered": that is not
   * known yet. After a refusal, an older version counts. If a response was refused because of other resources, this one
   * counts as taken.
   */
  availability(name3) {
    if (this.coming(name3))
      return this.coming(name3)?.resource ? "unanswered" : "missing";
    const last = this.lastCertain(name3);
    const refused2 = this.refused.get(name3);
    if (refused2)
      return last && !refused2.mayBeGone ? "there" : "missing";
    for (let i = this.open.length - 1; i >= 0; i--) {
      const change = this.open[i];
      if (!change.has(name3))
        continue;
      if (change.isSplitting)
        return "unanswered";
      if (!change.content(name3))
        return "missing";
      if (change.isDeferred(name3))
        continue;
      if (!change.blames(name3))
        return "there";
    }
    return last ? "there" : "missing";
  }
  /** What the client last certainly had of each name that differs from the view at its position. */
  get exceptions() {
    return this.entries;
  }
  /** Whether the client has reported a version that is not served. Its references are not known (P49). */
  get hasUnservedVersions() {
    for (const [name3, has] of this.entries)
      if (has instanceof ReportedVersion && this.scope.view.get(name3)?.version !== has.version)
        return true;
    return false;
  }
  /**
   * Every resource that the client may be using and that is not served now, without those that only drain. Without a
   * wildcard, `touched` are the names that may have changed since the last look.
   */
  *outdated(touched) {
    const { view, wildcard } = this.scope;
    const names = /* @__PURE__ */ new Set();
    const isOld = (resource) => view.get(resource.key)?.version !== resource.version;
    if (wildcard) {
      const { changed, removed } = view.since(this.position);
      for (const { key: key2 } of changed)
        names.add(key2);
      for (const name3 of removed)
        names.add(name3);
      for (const name3 of this.entries.keys())
        names.add(name3);
    } else {
      for (const name3 of touched)
        names.add(name3);
      for (const name3 of this.refused.keys())
        names.add(name3);
    }
    for (const change of this.open)
      for (const name3 of change.names())
        names.add(name3);
    for (const { changes } of this.inFlight)
      for (const name3 of contentsOf(changes).keys())
        names.add(name3);
    for (const name3 of names)
      if (!this.scope.isDraining(name3)) {
        for (const resource of this.possible(name3))
          if (isOld(resource) && !resource.isPlaceholder)
            yield resource;
      }
  }
  /** Every resource that the client may be using. */
  *inUse() {
    const { view, wildcard, names } = this.scope;
    const all = new Set(this.entries.keys());
    if (wildcard)
      for (const { key: key2 } of view.allAt(this.position))
        all.add(key2);
    else
      for (const name3 of names)
        all.add(name3);
    for (const change of this.open)
      for (const name3 of change.names())
        all.add(name3);
    for (const { changes } of this.inFlight)
      for (const name3 of contentsOf(changes).keys())
        all.add(name3);
    for (const name3 of all)
      yield* this.possible(name3);
  }
};

// dist/protocol/client-record.js
var maxInUse = 4;
var ClientRecord = class extends ClientContents {
  /** The client has reported a version (P49). */
  report(name3, has) {
    this.entries.set(name3, has);
  }
  /**
   * The client subscribes the wildcard. Refused names are noted as missing, because the position will say that the
   * client has them.
   */
  noteRefusedAsMissing() {
    const keep = (name3) => {
      if (!this.entries.has(name3))
        this.entries.set(name3, void 0);
    };
    for (const name3 of this.refused.keys())
      keep(name3);
    for (const change of this.open)
      for (const name3 of change.names())
        keep(name3);
  }
  /** The client keeps a name as it is, although its position moves on. */
  withhold(name3) {
    const last = this.lastCertain(name3);
    if (last)
      this.entries.set(name3, last);
    else if (this.coming(name3))
      this.defer(name3);
  }
  /** A name is left out of its piece of a change, and must be looked at again. */
  defer(name3) {
    this.deferredNames ??= /* @__PURE__ */ new Set();
    this.deferredNames.add(name3);
  }
  /**
   * The client has everything that is served at a position (P36). Differences that cannot be sent to it are ignored.
   */
  reach(position) {
    this.scope.view.retain(position);
    this.moveTo(position);
  }
  /** The resource that the client has of a name is served again. */
  heal(name3) {
    const gone = this.removedInUse.get(name3);
    const last = this.lastCertain(name3);
    this.settle(name3);
    if (gone)
      this.noteRemovedInUse(name3, gone);
    if (this.scope.wildcard && !this.scope.isWithheld(name3))
      this.noteCopy(name3, last);
  }
  /** The client no longer has a name, or cannot be sent the removal. */
  lose(name3, answered) {
    const { wildcard, names } = this.scope;
    if (!wildcard && names.has(name3)) {
      const before = this.removedInUse.get(name3)?.inUse ?? [];
      const inUse = [...before, ...this.possible(name3).filter(({ isPlaceholder }) => !isPlaceholder)].slice(-maxInUse);
      this.settleWith(name3, void 0, answered);
      this.entries.delete(name3);
      if (inUse.length > 0)
        this.noteRemovedInUse(name3, { inUse, at: performance.now() });
      return;
    }
    this.settleWith(name3, void 0, answered);
    this.noteCopy(name3, void 0);
  }
  /** The client no longer subscribes a name. */
  forget(name3) {
    this.settleName(name3);
    for (const change of [...this.open])
      if (change.has(name3) && !this.isWanted(change, name3))
        this.resolve(change, name3);
    if (!this.scope.wildcard)
      this.entries.delete(name3);
  }
  /** Moves all that is known into `entries`, for these names. Everything else is forgotten. */
  flatten(names, covers2) {
    const all = new Set(names);
    for (const name3 of this.entries.keys())
      all.add(name3);
    for (const change of this.open)
      for (const name3 of change.names())
        all.add(name3);
    const has = /* @__PURE__ */ new Map();
    for (const name3 of all)
      if (covers2(name3))
        has.set(name3, this.lastCertain(name3));
    this.leave();
    for (const known2 of [this.refusals, this.removedInUseByName, this.deferredNames])
      for (const name3 of known2?.keys() ?? [])
        if (!covers2(name3))
          known2?.delete(name3);
    for (const change of [...this.open])
      for (const name3 of [...change.names()])
        if (!covers2(name3))
          this.resolve(change, name3);
    this.entries.clear();
    for (const name3 of this.refused.keys())
      if (!has.has(name3))
        has.set(name3, void 0);
    const isRefused = (name3) => this.refused.has(name3) || this.openWith(name3) !== void 0;
    for (const [name3, last] of has)
      if (last || this.scope.wildcard && isRefused(name3))
        this.entries.set(name3, last);
  }
  /** Releases all positions. */
  leave() {
    const { view } = this.scope;
    for (const change of this.open) {
      if (change.before !== void 0)
        view.release(change.before);
      change.before = void 0;
      change.isPassed = false;
    }
    for (const delivery of this.inFlight) {
      if (delivery.before !== void 0)
        view.release(delivery.before);
      if (delivery.to !== void 0)
        view.release(delivery.to);
      delivery.before = delivery.to = void 0;
    }
    view.release(this.position);
    this.position = -1;
  }
  /**
   * An unanswered response already has this change's content of a name. What the client has until its answer stays
   * known.
   */
  resolveInFlight(change, name3) {
    if (this.scope.wildcard)
      this.entries.set(name3, this.lastCertain(name3));
    this.resolve(change, name3);
  }
  /** Whether the client subscribes a change's content of a name, by this name or an alias. */
  isWanted(change, name3) {
    const content = change.content(name3);
    return content ? this.scope.keysOf(content).length > 0 : this.scope.covers(name3) && !this.isIrrelevantRemoval(name3);
  }
  /** Whether the removal of a name does not concern the client, because the client has dropped the name. */
  isIrrelevantRemoval(name3) {
    return this.scope.wildcard && !this.scope.names.has(name3) && !this.mayHave(name3);
  }
  /** The position moves past a response that is unanswered. Retains the position before it. */
  retainPositionBefore(delivery) {
    if (delivery.to === void 0 || delivery.before !== void 0)
      return;
    delivery.before = this.position;
    this.scope.view.retain(this.position);
  }
  releasePositions({ to, before }) {
    if (to !== void 0)
      this.scope.view.release(to);
    if (before !== void 0)
      this.scope.view.release(before);
  }
  /** Moves to a position that is retained already. */
  moveTo(position) {
    this.scope.view.release(this.position);
    this.position = position;
  }
  /** Deletes entries that equal the view at the position. Entries that other data needs stay. */
  prune() {
    if (this.entries.size === 0 || this.inFlight.length > 0)
      return;
    const { scope } = this;
    for (const [name3, has] of [...this.entries]) {
      if (scope.view.at(name3, this.position)?.version !== has?.version)
        continue;
      const isNeeded = scope.isWithheld(name3) || this.refused.has(name3) || this.deferred.has(name3) || this.openWith(name3) || this.coming(name3) !== void 0;
      if (!isNeeded)
        this.entries.delete(name3);
    }
  }
  noteTaken(name3, resource, answered) {
    if (!resource) {
      this.lose(name3, answered);
      return;
    }
    this.settleWith(name3, resource, answered);
    this.noteCopy(name3, resource);
  }
  /** The client has taken a content, or the removal. A newer content may still come in a piece. */
  settleWith(name3, resource, answered) {
    this.settleName(name3);
    for (const change of [...this.open]) {
      const isNewer = !answered || Number(answered.nonce) > change.origin;
      const isSame = () => change.content(name3)?.version === resource?.version && !this.isOvertaken(name3, answered);
      if (isNewer || !change.isPending(name3) || isSame())
        this.resolve(change, name3);
    }
  }
  /** Whether a response that was sent later, and is unanswered, has the name. */
  isOvertaken(name3, answered) {
    if (!answered || this.inFlight.length === 0)
      return false;
    return this.inFlight.some(({ nonce, changes }) => Number(nonce) > Number(answered.nonce) && contentsOf(changes).has(name3));
  }
  /** Notes what the client certainly has of a name. */
  noteCopy(name3, has) {
    const { view, wildcard } = this.scope;
    const isSaid = wildcard ? this.inFlight.length === 0 && view.at(name3, this.position)?.version === has?.version : !has;
    if (isSaid)
      this.entries.delete(name3);
    else
      this.entries.set(name3, has);
  }
  noteUncertain(name3) {
    this.uncertainNames ??= /* @__PURE__ */ new Set();
    this.uncertainNames.add(name3);
  }
  noteRefused(name3, refused2) {
    this.refusals ??= /* @__PURE__ */ new Map();
    this.refusals.set(name3, refused2);
  }
  noteRemovedInUse(name3, gone) {
    this.removedInUseByName ??= /* @__PURE__ */ new Map();
    this.removedInUseByName.set(name3, gone);
  }
  /** Nothing is uncertain about a name any more. */
  settle(name3) {
    this.settleName(name3);
    for (const change of [...this.open])
      this.resolve(change, name3);
  }
  settleName(name3) {
    this.refusals?.delete(name3);
    this.removedInUseByName?.delete(name3);
    this.uncertainNames?.delete(name3);
    this.deferredNames?.delete(name3);
  }
  resolve(change, name3) {
    if (change.resolve(name3))
      this.drop(change);
  }
  drop(change) {
    const index = this.open.indexOf(change);
    if (index < 0)
      return;
    this.open.splice(index, 1);
    this.releasePositions(change);
    if (this.scope.wildcard)
      this.prune();
  }
};

// dist/protocol/open-change.js
var OpenChange = class {
  pieces;
  before;
  isPassed;
  origin;
  /** The client has refused the change, or a part of it. */
  isRefused = false;
  /** How many responses with parts of the change were refused. */
  nacks = 0;
  /** The NACK, once no further pieces are tried. */
  nack;
  /**
   * Contents that were left out of their piece because they were replaced meanwhile or have to wait. They come with the
   * next difference.
   */
  deferred = /* @__PURE__ */ new Map();
  /** Keys of resources, and removed names, that are answered or no longer belong to the change. */
  resolved = /* @__PURE__ */ new Set();
  left;
  constructor(pieces, before, isPassed, origin) {
    this.pieces = pieces;
    this.before = before;
    this.isPassed = isPassed;
    this.origin = origin;
    this.left = pieces.reduce((sum, { changed, removed }) => sum + changed.length + removed.length, 0);
  }
  /** Whether pieces are left to send or to be answered. */
  get isSplitting() {
    return this.nack === void 0 && this.pieces.length > 0;
  }
  /** The piece to send next. Undefined: none is left. */
  get next() {
    return this.isSplitting ? this.pieces[0] : void 0;
  }
  has(name3) {
    if (this.resolved.has(name3))
      return false;
    for (const piece of this.pieces) {
      const contents = contentsOf(piece);
      if (contents.has(name3))
        return !this.resolved.has(contents.get(name3)?.key ?? name3);
    }
    return this.isDeferred(name3);
  }
  /** Whether a name was left out of its piece. */
  isDeferred(name3) {
    return this.deferred.has(name3) && !this.resolved.has(name3);
  }
  /** Whether a piece with a name is yet to be sent or answered. */
  isPending(name3) {
    return this.isSplitting && this.has(name3) && !this.isDeferred(name3);
  }
  /** The content that the change has for a name. Undefined: its removal. */
  content(name3) {
    for (const piece of this.pieces)
      if (contentsOf(piece).has(name3))
        return contentsOf(piece).get(name3);
    return this.deferred.get(name3);
  }
  /** The names that are not answered. */
  *names() {
    for (const { changed, removed } of this.pieces) {
      for (const { key: key2 } of changed)
        if (!this.resolved.has(key2))
          yield key2;
      for (const name3 of removed)
        if (!this.resolved.has(name3))
          yield name3;
    }
    yield* this.deferredNames();
  }
  *deferredNames() {
    for (const name3 of this.deferred.keys())
      if (!this.resolved.has(name3))
        yield name3;
  }
  /** Whether a name may be what the client refuses. */
  blames(name3) {
    return this.nack !== void 0 && this.has(name3) && !this.isDeferred(name3);
  }
  /** Whether a response offers some of the change again. That explains why the response is refused. */
  explains(offers) {
    return this.nack !== void 0 && this.pieces.some(({ changed }) => changed.some(({ key: key2, version }) => !this.resolved.has(key2) && offers(key2)?.version === version));
  }
  /** A piece was refused: its halves replace it. */
  split(piece, halves) {
    this.isRefused = true;
    this.pieces = this.pieces.flatMap((one) => one === piece ? halves : [one]);
  }
  /** Only a part of the next piece is sent; `later` is left out. */
  defer(piece, now, later) {
    for (const [name3, content] of later)
      this.deferred.set(name3, content);
    this.pieces = this.pieces.flatMap((one) => one === piece ? isEmpty2(now) ? [] : [now] : [one]);
  }
  /** No further pieces are tried: the change stays refused as a whole. */
  giveUp(nack) {
    this.isRefused = true;
    this.nack = nack;
  }
  /** Everything that is not answered, without what was left out. */
  get all() {
    const [only] = this.pieces;
    if (only && this.pieces.length === 1)
      return only;
    return {
      changed: this.pieces.flatMap(({ changed }) => changed),
      removed: this.pieces.flatMap(({ removed }) => removed)
    };
  }
  /** A piece is answered. Returns whether nothing of the change is left. */
  remove(piece) {
    const index = this.pieces.indexOf(piece);
    if (index < 0)
      return this.left <= 0;
    this.pieces.splice(index, 1);
    for (const { key: key2 } of piece.changed)
      if (!this.resolved.has(key2))
        this.left--;
    for (const name3 of piece.removed)
      if (!this.resolved.has(name3))
        this.left--;
    return this.left <= 0;
  }
  /** A name is settled in another way. Returns whether nothing of the change is left. */
  resolve(name3) {
    if (!this.has(name3))
      return false;
    this.resolved.add(this.content(name3)?.key ?? name3);
    return --this.left <= 0;
  }
};
var isEmpty2 = ({ changed, removed }) => changed.length + removed.length === 0;

// dist/protocol/client-state.js
var none6 = [];
var noNames2 = /* @__PURE__ */ new Set();
var maxRefusedChanges = 4;
var maxNacks = 64;
var ClientState = class extends ClientRecord {
  /** A response is sent. */
  send(delivery) {
    if (delivery.to !== void 0)
      this.scope.view.retain(delivery.to);
    this.inFlight.push(delivery);
    if (this.deferredNames && this.deferredNames.size > 0)
      for (const name3 of contentsOf(delivery.changes).keys())
        this.deferredNames.delete(name3);
  }
  /** The number of the last unanswered response; 0 if there is none. */
  get lastSent() {
    return Number(this.inFlight.at(-1)?.nonce ?? 0);
  }
  /** A change will be sent in pieces, each after the ACK of the one before. Nothing of the change is sent yet. */
  sendInPieces(pieces, to) {
    const { view, wildcard } = this.scope;
    if (wildcard)
      view.retain(this.position);
    this.open.push(new OpenChange([...pieces], wildcard ? this.position : void 0, to !== void 0, this.lastSent));
    if (to === void 0)
      return;
    for (const one of this.inFlight)
      this.retainPositionBefore(one);
    view.retain(to);
    this.moveTo(to);
  }
  /** The client has ACKed a response. */
  ack(answered) {
    const [delivery, older] = this.takeAnswered(answered);
    const { changes, to, whole, piece } = delivery;
    if (whole) {
      for (const change of this.open.splice(0))
        this.releasePositions(change);
      this.refusals?.clear();
      this.uncertainNames?.clear();
      if (to !== void 0) {
        for (const name3 of [...this.entries.keys()])
          if (!this.scope.isWithheld(name3))
            this.entries.delete(name3);
      }
    }
    this.advance(delivery, older, true);
    if (to !== void 0)
      this.prune();
    for (const old of delivery.repeated.changed)
      if (this.scope.covers(old.key))
        this.noteCopy(old.key, old);
    const { open } = this;
    const isShared = this.scope.wildcard && this.isShared && this.inFlight.length === 0;
    if (!(isShared && (to === void 0 ? piece?.isPassed && open.length === 1 : open.length === 0))) {
      for (const [name3, resource] of this.answeredNames(changes))
        if (!delivery.newer?.has(name3)) {
          this.noteTaken(name3, resource, delivery);
          if (this.scope.wildcard && this.scope.isWithheld(name3))
            this.withhold(name3);
        } else if (!this.isReplaced(delivery, name3))
          this.noteCopy(name3, resource);
    }
    if (piece?.remove(changes))
      this.drop(piece);
  }
  /**
   * The client has refused a response. Returns the resources and removals that are known to be refused. Undefined: the
   * search for the bad ones goes on (P17).
   */
  nack(answered, options) {
    const passed = answered.whole ? this.inFlight.slice(0, this.inFlight.indexOf(answered)) : none6;
    const [delivery, older] = this.takeAnswered(answered);
    const { piece, whole, to } = delivery;
    let refused2;
    let good = none6;
    if (piece)
      refused2 = this.nackPiece(delivery, piece, options);
    else if (whole)
      [refused2, good] = this.nackWhole(delivery, options);
    else
      refused2 = this.nackAny(delivery, options);
    for (const [name3, resource] of good)
      if (!delivery.newer?.has(name3))
        options.taking(name3, resource);
    this.advance(delivery, older, false);
    for (const [name3, resource] of good)
      if (!delivery.newer?.has(name3))
        this.noteTaken(name3, resource, delivery);
    for (const { changes } of passed)
      for (const name3 of contentsOf(changes).keys())
        if (this.refused.has(name3))
          this.noteUncertain(name3);
    if (to !== void 0)
      this.prune();
    this.forgetOldest();
    return refused2;
  }
  /** A piece of a change is refused. Its halves are sent next, unless it cannot be divided (P17). */
  nackPiece({ changes }, piece, options) {
    piece.nacks++;
    const isEnough = piece.nacks >= maxNacks;
    const halves = halvesOf(changes, this.oldOf);
    if (halves && !isEnough) {
      piece.split(changes, halves);
      return void 0;
    }
    if (!halves) {
      this.refuseAlone(changes, options.entry(changes), options);
      if (piece.remove(changes))
        this.drop(piece);
      if (!isEnough || !piece.next)
        return changes;
    }
    const refused2 = piece.all;
    piece.giveUp(options.entry(refused2));
    return refused2;
  }
  /** A response is refused that is neither a piece nor a full state. It is divided, if that is possible (P17). */
  nackAny(delivery, options) {
    const { changes } = delivery;
    const halves = halvesOf(changes, this.oldOf);
    if (!halves) {
      this.refuseAlone(changes, options.entry(changes), options, delivery);
      return changes;
    }
    this.leaveOpen([...halves], delivery, delivery.before ?? this.position);
    return void 0;
  }
  /**
   * A full state is refused. The first of these rules that fits says what is bad in it:
   * - If it has one change only, or only content that was refused before, all of it is bad.
   * - If the client took nothing, all changes are refused together.
   * - If the client's message names resources, those are bad.
   * - If the response repeats content that was refused before, that content is bad.
   * - Otherwise all changes are refused together.
   * Resources that are not bad count as taken, because nothing may wait for an ACK that will not come (P53).
   */
  nackWhole(delivery, options) {
    const { to } = delivery;
    const changes = this.withSuspects(delivery, options);
    const count = changes.changed.length + changes.removed.length;
    const known2 = this.refusedBefore(changes);
    const open = this.open.filter((change) => change.isRefused);
    if (count === known2.length || count === 1 && open.length === 0) {
      this.refuseAlone(changes, options.entry(changes), options);
      return [changes, none6];
    }
    const leaveAll = () => {
      this.leaveOpen([changes], delivery, this.certainPosition).giveUp(options.entry(changes));
      return [changes, none6];
    };
    if (options.tookNothing)
      return leaveAll();
    const mentioned = options.mentioned(changes);
    if (mentioned.size > 0) {
      const bad = { changed: changes.changed.filter(({ key: key2 }) => mentioned.has(key2)), removed: none6 };
      this.refuseAlone(bad, options.entry(bad), options);
      for (const change of open)
        this.takeGoodOf(change, mentioned, options);
      return [bad, this.goodContents(delivery, mentioned)];
    }
    if (known2.length > 0) {
      for (const name3 of known2)
        this.noteAnotherTry(name3, options);
      const bad = new Set(known2);
      return [
        { changed: changes.changed.filter(({ key: key2 }) => bad.has(key2)), removed: none6 },
        this.goodContents(delivery, bad)
      ];
    }
    const before = open.find((change) => change.explains((name3) => to === void 0 ? contentsOf(changes).get(name3) : this.scope.view.at(name3, to)));
    if (before)
      return [before.all, this.goodContents(delivery, noNames2)];
    return leaveAll();
  }
  /**
   * The changes of a full state that can be bad. They include repeated resources that were refused before or that the
   * client's message names.
   */
  withSuspects({ changes, repeated: repeated2 }, { mentioned, tookNothing: tookNothing2 }) {
    if (repeated2.changed.length === 0 || tookNothing2)
      return changes;
    const named2 = mentioned(repeated2);
    const suspects = repeated2.changed.filter(({ key: key2, version }) => named2.has(key2) || this.refused.get(key2)?.resource?.version === version);
    if (suspects.length === 0)
      return changes;
    return { changed: [...changes.changed, ...suspects], removed: changes.removed };
  }
  /** The contents of a full state, changed and repeated, without the bad names. */
  goodContents({ fresh, repeated: repeated2 }, bad) {
    const kept = repeated2.changed.filter(({ key: key2 }) => this.scope.covers(key2));
    return [...kept.map((old) => [old.key, old]), ...this.answeredNames(fresh)].filter(([name3]) => !bad.has(name3));
  }
  /**
   * Remembers a change of which it is not known which resources are bad. Until that is known, the client may have any
   * of them.
   */
  leaveOpen(pieces, { newer, nonce, to }, before) {
    const { wildcard, view } = this.scope;
    if (wildcard)
      view.retain(before);
    const change = new OpenChange(pieces, wildcard ? before : void 0, to !== void 0, Number(nonce));
    change.isRefused = true;
    change.nacks = 1;
    if (this.refusals)
      for (const name3 of change.names())
        this.refusals.delete(name3);
    this.open.push(change);
    for (const name3 of newer?.keys() ?? none6)
      this.resolve(change, name3);
    const names = wildcard ? change.all.removed : [...change.names()];
    for (const name3 of names)
      if (!this.isWanted(change, name3))
        this.resolve(change, name3);
    return change;
  }
  /** The bad names of a change that was refused together are known now. The client has taken the rest. */
  takeGoodOf(change, bad, options) {
    for (const name3 of change.names())
      if (!bad.has(name3))
        options.taking(name3, change.content(name3));
    if (!this.scope.wildcard) {
      for (const name3 of [...change.names()])
        if (!bad.has(name3) && this.scope.covers(name3))
          this.noteTaken(name3, change.content(name3), void 0);
    }
    this.drop(change);
  }
  /**
   * Notes each content of a change as refused by itself. `delivery` is its response, if later responses may have been
   * answered first.
   */
  refuseAlone(changes, nack, options, delivery) {
    const { wildcard, view } = this.scope;
    const before = delivery?.before;
    const missing = changes.changed.length > 0 ? changes.removed.filter((name3) => !this.mayHave(name3)) : [];
    const isMissing = new Set(missing);
    for (const [name3, resource] of this.answeredNames(changes)) {
      if (isMissing.has(name3) || delivery?.newer?.has(name3))
        continue;
      const isPassed = before !== void 0 && !this.entries.has(name3) && !this.openWith(name3);
      const last = isPassed ? view.at(name3, before) : this.lastCertain(name3);
      if (!resource && !last && this.isIrrelevantRemoval(name3))
        continue;
      const tries = this.triesOf(name3, resource) + 1;
      const inUse = this.removedInUse.get(name3);
      const mayBeGone = last !== void 0 && (!resource || this.refused.get(name3)?.mayBeGone === true);
      this.settleWith(name3, resource, delivery);
      if (inUse)
        this.noteRemovedInUse(name3, inUse);
      if (wildcard || last)
        this.entries.set(name3, last);
      this.noteRefused(name3, { resource, nack, mayBeGone, missing, tries, retryAt: options.retryAt(tries) });
    }
  }
  triesOf(name3, resource) {
    const refused2 = this.refused.get(name3);
    return refused2 && refused2.resource?.version === resource?.version ? refused2.tries : 0;
  }
  /** A name that was refused before was offered and refused once more, together with other resources. */
  noteAnotherTry(name3, options) {
    const refused2 = this.refused.get(name3);
    if (!refused2)
      return;
    const tries = refused2.tries + 1;
    this.noteRefused(name3, { ...refused2, tries, retryAt: options.retryAt(tries) });
  }
  /** The names of a change that were refused before with the same content. */
  refusedBefore(changes) {
    if (this.refused.size === 0)
      return [];
    const contents = contentsOf(changes);
    const isSame = ([name3, { resource }]) => contents.has(name3) && contents.get(name3)?.version === resource?.version;
    return [...this.refused].filter(isSame).map(([name3]) => name3);
  }
  forgetOldest() {
    const refused2 = this.open.filter((change) => change.isRefused && !change.isSplitting);
    const [oldest] = refused2;
    const newest = refused2.at(-1);
    if (!oldest || !newest || refused2.length <= maxRefusedChanges)
      return;
    for (const name3 of onlyIn(oldest.all, newest.all))
      if (this.scope.view.get(name3) && !refused2.some((one) => one !== oldest && one.has(name3)))
        this.noteUncertain(name3);
    for (const name3 of oldest.deferredNames()) {
      if (this.scope.wildcard)
        this.entries.set(name3, this.lastCertain(name3));
      this.noteUncertain(name3);
    }
    this.drop(oldest);
  }
  /**
   * Takes an answered response out of those in flight. Returns it with the older responses that are still unanswered.
   */
  takeAnswered({ nonce }) {
    const { inFlight } = this;
    if (inFlight.length === 1)
      return [inFlight.pop(), none6];
    const index = inFlight.findIndex((one) => one.nonce === nonce);
    const [delivery] = inFlight.splice(index, 1);
    if (!delivery.whole)
      return [delivery, inFlight.slice(0, index)];
    for (const one of this.inFlight.splice(0, index))
      this.releasePositions(one);
    return [delivery, []];
  }
  /** Moves the position on with an answer. Older responses that are still unanswered stay uncertain. */
  advance({ changes, to, before }, older, isAck) {
    const { view } = this.scope;
    for (const one of older) {
      for (const name3 of contentsOf(changes).keys())
        if (contentsOf(one.changes).has(name3)) {
          one.newer ??= /* @__PURE__ */ new Map();
          one.newer.set(name3, isAck || one.newer.get(name3) === true);
        }
      if (to !== void 0)
        this.retainPositionBefore(one);
    }
    if (to === void 0)
      return;
    if (before === void 0)
      this.moveTo(to);
    else {
      view.release(before);
      view.release(to);
    }
  }
  /** The names of a change that the client subscribes, each with its resource, or undefined for a removal. */
  *answeredNames({ changed, removed }) {
    for (const resource of changed)
      for (const name3 of this.scope.keysOf(resource))
        yield [name3, resource];
    for (const name3 of removed)
      if (this.scope.covers(name3))
        yield [name3, void 0];
  }
  oldOf = (name3) => this.possible(name3)[0];
};

// dist/protocol/ledger.js
var maxNames = 100;
var Ledger = class {
  sent;
  acked;
  /** Set until everything that was refused is replaced. */
  nacked;
  onSent({ version, nonce }) {
    this.sent = { version, nonce, at: Date.now() };
  }
  onAck({ version, nonce }) {
    this.acked = { version, nonce, at: Date.now() };
  }
  /** A response was refused. `others`: the names that were refused before and still are. */
  onNack({ names, ...entry }, others) {
    const all = new Set(names);
    for (const name3 of others)
      if (all.size < maxNames)
        all.add(name3);
    this.nacked = { ...entry, names: [...all] };
  }
  /** Drops names that are replaced. */
  dropReplacedNames(isRefused) {
    if (!this.nacked)
      return;
    const names = this.nacked.names.filter((name3) => isRefused(canonicalName(name3)));
    if (names.length < this.nacked.names.length)
      this.nacked = { ...this.nacked, names };
  }
};
function nackEntry({ version, nonce }, error, at, refused2) {
  return { version, nonce, at, error, names: namesIn(refused2) };
}
function namesIn(changes) {
  let names = namesMemo.get(changes);
  if (!names) {
    names = [...changes.changed.slice(0, maxNames).map(({ name: name3 }) => name3), ...changes.removed].slice(0, maxNames);
    namesMemo.set(changes, names);
  }
  return names;
}
var namesMemo = /* @__PURE__ */ new WeakMap();

// dist/protocol/mentions.js
var perResource = /^Error adding\/updating /;
var tookNothing = (userAgentName, message) => userAgentName === "envoy" && !perResource.test(message);
function mentionedIn(changes, message) {
  const known2 = memo.get(changes);
  if (known2?.message === message)
    return known2.names;
  const text2 = message.slice(0, longestMessage);
  const names = /* @__PURE__ */ new Set();
  for (const { key: key2 } of changes.changed)
    if (text2.includes(key2) && mentions(text2, key2))
      names.add(key2);
  memo.set(changes, { message, names });
  return names;
}
var memo = /* @__PURE__ */ new WeakMap();
var longestMessage = 65536;
function mentions(text2, name3) {
  const isPart = (character) => character !== void 0 && /[\w-]/.test(character);
  const isList = perResource.test(text2);
  for (let at = text2.indexOf(name3); at >= 0; at = text2.indexOf(name3, at + 1)) {
    const [before, after] = [text2[at - 1], text2[at + name3.length]];
    if (isList ? after === ":" && (before === " " || before === "\n") : !isPart(before) && !isPart(after))
      return true;
  }
  return false;
}

// dist/protocol/names-to-answer.js
var maxAtOnce = 1e3;
var NamesToAnswer = class extends LazySet {
  /** One answer covers all names, so none has to wait. */
  isWhole = false;
  later;
  /** Whether all names are answered. */
  get isDone() {
    return this.size === 0 && !this.later;
  }
  add(name3) {
    this.dropLater(name3);
    super.add(name3);
  }
  /** The client requests a name that does not exist. */
  addMissing(name3) {
    if (this.isWhole || this.size < maxAtOnce || this.has(name3))
      this.add(name3);
    else {
      this.later ??= /* @__PURE__ */ new Set();
      this.later.add(name3);
    }
  }
  /** A name may exist now, so its answer no longer waits. */
  hurry(name3) {
    if (this.later?.has(name3))
      this.add(name3);
  }
  hurryAll() {
    for (const name3 of this.later ?? [])
      this.add(name3);
  }
  delete(name3) {
    return this.dropLater(name3) || super.delete(name3);
  }
  clear() {
    this.later = void 0;
    super.clear();
  }
  /** The names are answered. Some of those that wait take their place. */
  next() {
    super.clear();
    for (const name3 of this.later ?? []) {
      if (this.size >= maxAtOnce)
        return;
      this.add(name3);
    }
  }
  /** Drops names that are no longer covered. */
  keep(covers2) {
    for (const name3 of [...this, ...this.later ?? []])
      if (!covers2(name3))
        this.delete(name3);
  }
  dropLater(name3) {
    const isLater = this.later?.delete(name3) === true;
    if (this.later?.size === 0)
      this.later = void 0;
    return isLater;
  }
};

// dist/protocol/resolving-names.js
var ResolvingNames = class {
  /** The timer of each wait. "done": the wait is over, and the name is to be answered with what exists now. */
  waits = /* @__PURE__ */ new Map();
  /**
   * Says what to do about a requested name that does not exist: ask the resolver, wait for the resolver, or answer that
   * the name does not exist. "ask" starts a wait of `timeoutMs` milliseconds, after which `onTimeout` is called.
   */
  next(name3, timeoutMs2, onTimeout) {
    const wait = this.waits.get(name3);
    if (wait === "done") {
      this.waits.delete(name3);
      return "answer";
    }
    if (wait !== void 0)
      return "wait";
    this.waits.set(name3, setTimeout(onTimeout, timeoutMs2));
    return "ask";
  }
  /** Ends the wait for a name. Returns whether the client must be answered that the name does not exist. */
  end(name3, exists) {
    const wait = this.waits.get(name3);
    if (wait === void 0 || wait === "done")
      return false;
    this.stop(name3);
    if (!exists)
      this.waits.set(name3, "done");
    return !exists;
  }
  /** Forgets a name. */
  stop(name3) {
    const wait = this.waits.get(name3);
    if (wait !== "done")
      clearTimeout(wait);
    this.waits.delete(name3);
  }
  /** Forgets all names. */
  close() {
    for (const name3 of this.waits.keys())
      this.stop(name3);
  }
};

// dist/protocol/subscribed-names.js
var SubscribedNames = class {
  wildcard = false;
  /** A request has named something, so an empty list no longer means everything (P35). */
  hasNamed = false;
  names = new LazySet();
  /** How many characters the explicit names have together. */
  characters = 0;
  /** The names as one request listed them. Undefined if they did not come as one list. */
  listedNames;
  spelt;
  released;
  /** The client's own spelling of names that have several, by canonical name (P64). */
  get spellings() {
    return this.spelt ?? noSpellings;
  }
  /**
   * Subscribed names that a replaced resource of the client referred to. Perhaps nothing refers to them any more (P54).
   */
  get noLongerReferenced() {
    return this.released ?? noNames3;
  }
  /** A replaced resource of the client referred to a name. */
  noteNoLongerReferenced(name3) {
    if (!this.names.has(name3))
      return;
    this.released ??= /* @__PURE__ */ new Set();
    this.released.add(name3);
  }
  /** Whether this spelling in a request would subscribe nothing new. */
  alreadySubscribes(spelling) {
    return spelling === "*" || this.names.has(canonicalName(spelling));
  }
  covers(name3) {
    if (this.wildcard || this.names.has(name3))
      return true;
    const glob = collectionOf(name3);
    return glob !== void 0 && this.names.has(glob);
  }
  keysOf({ key: key2, aliasKeys }) {
    if (aliasKeys.length === 0)
      return this.covers(key2) ? [key2] : [];
    const found = aliasKeys.filter((alias) => this.names.has(alias));
    return this.covers(key2) ? [key2, ...found] : found;
  }
  /** Adds an explicit name. Returns false if it was there. */
  addName(name3) {
    if (this.names.has(name3))
      return false;
    this.names.add(name3);
    this.characters += name3.length;
    return true;
  }
  /** Deletes an explicit name. */
  forgetName(name3) {
    if (this.names.delete(name3))
      this.characters -= name3.length;
    this.released?.delete(name3);
    this.spelt?.delete(name3);
  }
  spell(name3, spelling) {
    if (!hasSpellings(name3))
      return;
    this.spelt ??= /* @__PURE__ */ new Map();
    this.spelt.set(name3, spelling);
  }
};
var noNames3 = /* @__PURE__ */ new Set();
var noSpellings = /* @__PURE__ */ new Map();

// dist/protocol/subscription.js
var Subscription = class _Subscription extends SubscribedNames {
  node;
  type;
  onWake;
  onChange;
  state = new ClientState(this);
  /** Names to answer, even if the client may have them already (P26, P28, P40, P42, P45, P51). */
  namesToAnswer = new NamesToAnswer();
  due;
  /** Explicit names that have changed since the last look. */
  stale = new LazySet();
  /**
   * Every explicit name must be looked at. New names are not included, because they are in `namesToAnswer` or were
   * reported.
   */
  allStale = false;
  /** Names that the resolver was asked for (P62). */
  resolving;
  /** A heartbeat for resources with a TTL is due (P58). */
  beatDue = false;
  /** Names whose removal (P54) or change (P53) waits, each with the reason. */
  waiting = new LazyMap();
  /** The client waits for a response, even an empty one (P46, P56). */
  mustAnswer = false;
  /** The client has reported versions from an earlier stream. */
  hasReported = false;
  reportedCharacters = 0;
  /** Names that the client has brought from an earlier stream and that were not served then. */
  returnedWith;
  /** The number of characters in all remembered messages of NACKs. */
  nackCharacters = 0;
  /** How many bytes of {@link heldBytes} the stream has counted. */
  countedBytes = 0;
  /** SotW: the client has taken something unknown on an earlier stream. */
  hasEarlierState = false;
  /** Whether the versions that the client reports count (P36). */
  isTrusted = true;
  /** The number of the stream's look in which this subscription was last looked at in full. */
  lookedAt = 0;
  ledger = new Ledger();
  lastRequestAt = 0;
  /** Set by `open`, and by the cache when another view takes over. */
  view;
  watch;
  constructor(node3, type, onWake, onChange) {
    super();
    this.node = node3;
    this.type = type;
    this.onWake = onWake;
    this.onChange = onChange;
  }
  /**
   * Opens a subscription without any names. Returns undefined if the cache serves nothing of this type to this node.
   */
  static open(watcher, request2, onWake, onChange = () => {
  }) {
    const subscription = new _Subscription(request2.node, request2.type, onWake, onChange);
    const watch = watcher.watch(request2, subscription);
    if (!watch)
      return void 0;
    subscription.watch = watch;
    subscription.view = watch.view;
    return subscription;
  }
  /** Refused names whose content is due to be offered again (P16). */
  get dueRetries() {
    return this.due ?? noNames4;
  }
  /** How many bytes of the heap are held for the client's part of the subscription, as estimated. */
  get heldBytes() {
    const { exceptions } = this.state;
    const reported = exceptions.size > 0 ? this.reportedCharacters : 0;
    const characters = this.characters + reported + this.nackCharacters;
    const { subscription, name: name3, entry } = heldBytes;
    return subscription + characters + name3 * this.names.size + entry * exceptions.size;
  }
  get lastResponseAt() {
    return this.ledger.sent?.at ?? 0;
  }
  /**
   * Whether nothing has changed since the last look, nothing was requested, and nothing waits except for draining
   * listeners.
   */
  get upToDate() {
    return this.isLookedAt && !this.isWaiting;
  }
  /** Whether something waits for another reason than draining listeners. */
  get isWaiting() {
    if (this.waiting.size > 0) {
      for (const { why } of this.waiting.values())
        if (why !== "draining")
          return true;
    }
    return false;
  }
  /** Whether nothing has changed since the last look, and nothing was asked for. */
  get isLookedAt() {
    const { state, namesToAnswer, dueRetries } = this;
    if (this.mustAnswer || !namesToAnswer.isDone || dueRetries.size > 0 || this.state.nextPiece)
      return false;
    if (this.allStale)
      return false;
    return this.wildcard ? state.offered === this.view.position : this.stale.size === 0;
  }
  /** Whether another look would find nothing to send and nothing to note. */
  get isSettled() {
    return this.isLookedAt && this.waiting.size === 0 && !this.beatDue;
  }
  /** Without a wildcard: the names for which the client may lack what is served. */
  get touched() {
    if (this.allStale)
      return /* @__PURE__ */ new Set([...this.names, ...this.state.exceptions.keys()]);
    return this.waiting.size === 0 ? this.stale : /* @__PURE__ */ new Set([...this.stale, ...this.waiting.keys()]);
  }
  /** Every resource that the client may be using and that is not served now. */
  outdated() {
    return this.state.outdated(this.wildcard ? [] : this.touched);
  }
  isWithheld(name3) {
    return this.waiting.has(name3);
  }
  isDraining(name3) {
    return this.waiting.get(name3)?.why === "draining";
  }
  // Called by the variants, for a request
  /** Subscribes a name explicitly, as the client spells it. */
  add(spelling) {
    const name3 = canonicalName(spelling);
    this.listedNames = void 0;
    this.hasNamed = true;
    if (this.view.get(name3) || isGlob(name3))
      this.namesToAnswer.add(name3);
    else
      this.namesToAnswer.addMissing(name3);
    this.spell(name3, spelling);
    if (this.addName(name3) && !this.wildcard)
      this.view.follow(this, name3);
  }
  /** Unsubscribes an explicit name. A wildcard still covers it. */
  drop(spelling) {
    const name3 = canonicalName(spelling);
    this.listedNames = void 0;
    this.forgetName(name3);
    this.resolving?.stop(name3);
    if (this.wildcard) {
      if (!this.view.get(name3) && !this.state.mayHave(name3))
        this.forget(name3);
      return;
    }
    this.view.unfollow(this, name3);
    this.forget(name3);
    if (!isGlob(name3))
      return;
    const { exceptions, refused: refused2, removedInUse, deferred, open } = this.state;
    for (const known2 of [exceptions, refused2, removedInUse, deferred, ...open.map((change) => new Set(change.names()))])
      for (const held of [...known2.keys()])
        if (!this.covers(held))
          this.forget(held);
  }
  /** The client reports a version from an earlier stream (P49). If that version is served, the name needs no answer. */
  report(spelling, version, placeholder) {
    const name3 = canonicalName(spelling);
    if (!this.covers(name3))
      return;
    this.hasReported = true;
    this.reportedCharacters += name3.length + version.length;
    const has = [placeholder, this.view.get(name3)].find((one) => one?.version === version) ?? this.view.replaced?.(name3, version) ?? new ReportedVersion(version);
    this.state.report(name3, has);
    this.spell(name3, spelling);
    this.namesToAnswer.delete(name3);
    if (this.names.has(name3))
      this.noteReturnedWith(name3);
    this.markStale(name3);
  }
  forget(name3) {
    this.state.forget(name3);
    for (const set of [this.namesToAnswer, this.stale, this.due, this.waiting])
      set?.delete(name3);
    this.clearError();
  }
  setWildcard(wildcard) {
    if (wildcard === this.wildcard)
      return;
    if (wildcard) {
      this.wildcard = true;
      this.state.noteRefusedAsMissing();
      for (const name3 of this.names)
        this.view.unfollow(this, name3);
      this.view.followAll(this);
      this.mustAnswer = true;
      return;
    }
    this.view.unfollowAll(this);
    const covers2 = (name3) => this.names.has(name3) || this.names.has(collectionOf(name3) ?? "");
    this.state.flatten(this.names, covers2);
    this.wildcard = false;
    for (const name3 of this.names)
      this.view.follow(this, name3);
    this.namesToAnswer.keep((name3) => this.covers(name3));
    for (const set of [this.due, this.waiting])
      for (const name3 of set?.keys() ?? [])
        if (!this.covers(name3))
          set?.delete(name3);
    this.allStale = true;
    this.mustAnswer = false;
  }
  // Called by the cache
  wake(name3) {
    if (name3 !== void 0) {
      this.stale.add(name3);
      this.namesToAnswer.hurry(name3);
    }
    this.onChange();
    this.onWake(this);
  }
  /** What the subscription waits for may have come. */
  lookAgain() {
    this.onWake(this);
  }
  /**
   * Names to ask the resolver for: requested names that do not exist (P62). Such a name is not answered before its time
   * of `timeoutMs` milliseconds is over, or {@link resolved} is called for it.
   */
  namesToResolve(timeoutMs2) {
    const names = [];
    for (const name3 of this.namesToAnswer) {
      if (!this.names.has(name3) || this.view.get(name3) || isGlob(name3))
        continue;
      this.resolving ??= new ResolvingNames();
      const next = this.resolving.next(name3, timeoutMs2, () => this.resolved(name3));
      if (next === "answer")
        continue;
      this.namesToAnswer.delete(name3);
      if (next === "ask")
        names.push(name3);
    }
    return names;
  }
  /** The resolver is done with a name. If the name exists now, the cache has woken this subscription. */
  resolved(name3) {
    if (!this.resolving?.end(name3, this.view.get(name3) !== void 0))
      return;
    this.namesToAnswer.add(name3);
    this.onWake(this);
  }
  beat() {
    this.beatDue = true;
    this.onWake(this);
  }
  move(view) {
    const old = this.view;
    this.namesToAnswer.hurryAll();
    if (this.wildcard) {
      const { position } = this.state;
      const known2 = position < 0 ? [] : [...old.all().map(({ key: key2 }) => key2), ...old.since(position).removed];
      this.state.flatten(known2, () => true);
      old.unfollowAll(this);
      view.followAll(this);
    } else {
      this.state.leave();
      for (const name3 of this.names) {
        old.unfollow(this, name3);
        view.follow(this, name3);
      }
    }
    this.view = view;
    this.allStale = true;
    this.wake();
  }
  // Called by the stream, for a response
  /** A response was sent. `unannounced`: removed names that this variant cannot announce. */
  send(delivery, difference, unannounced) {
    this.state.send(delivery);
    this.ledger.onSent(delivery);
    this.noteLook(difference, delivery.partial);
    this.mustAnswer = false;
    for (const name3 of unannounced)
      this.state.lose(name3);
  }
  /** A change will be sent in pieces. */
  sendInPieces(pieces, difference, partial) {
    this.noteLook(difference, partial);
    this.mustAnswer = false;
    this.state.sendInPieces(pieces, difference.to);
  }
  /**
   * A name is left out of its piece of a change. `why`: the reason to wait; undefined if the name was replaced
   * meanwhile.
   */
  defer(name3, why) {
    this.state.defer(name3);
    if (why)
      this.waiting.set(name3, why);
    else
      this.markStale(name3);
  }
  /**
   * A look found nothing to send: the client has what it should have, or cannot be sent the difference (a removal in
   * SotW).
   */
  settle(difference, partial) {
    this.noteLook(difference, partial);
    for (const name3 of difference.changes.removed)
      this.state.lose(name3);
    if (difference.to !== void 0 && this.state.inFlight.length === 0)
      this.state.reach(difference.to);
    this.clearError();
  }
  /** The client has ACKed a response. */
  ack(delivery) {
    this.answered(delivery);
    this.state.ack(delivery);
    this.markReplacedStale();
    this.ledger.onAck(delivery);
    this.clearError();
  }
  /**
   * The client has refused a response. `taking` is called before a content of it counts as taken all the same. Returns
   * what is known to be refused; undefined: the search goes on (P17).
   */
  nack(delivery, error, retry, taking) {
    this.answered(delivery);
    this.nackCharacters += error.message.length;
    const at = Date.now();
    const entry = (refused3) => nackEntry(delivery, error, at, refused3);
    const refused2 = this.state.nack(delivery, {
      entry,
      tookNothing: tookNothing(this.node.userAgentName, error.message),
      mentioned: (changes) => mentionedIn(changes, error.message),
      retryAt: (tries) => retry.next(tries),
      taking
    });
    this.markReplacedStale();
    if (refused2)
      this.ledger.onNack(entry(refused2), this.state.refused.keys());
    if (this.state.hasNoOpenRefusal && !this.state.nextPiece)
      this.ledger.nacked = void 0;
    return refused2;
  }
  /**
   * Under a wildcard, a response may lead to no position because another view has taken over since. Then its names must
   * be compared again.
   */
  answered({ to, piece, changes }) {
    if (this.wildcard && to === void 0 && !piece?.isPassed)
      this.allStale = true;
    if (this.state.refused.size > 0) {
      for (const [name3, { resource }] of this.state.refused)
        if (contentsOf(changes).has(name3) && this.view.get(name3)?.version === resource?.version)
          this.markStale(name3);
    }
  }
  markStale(name3) {
    if (this.wildcard)
      this.allStale = true;
    else
      this.stale.add(name3);
  }
  /**
   * Marks the refused content that is due to be offered again (P16). Returns when the next is due, as
   * `performance.now()`.
   */
  retry(now) {
    let next = Number.POSITIVE_INFINITY;
    for (const [name3, retryAt] of this.retries()) {
      if (this.dueRetries.has(name3))
        continue;
      if (retryAt <= now) {
        this.due ??= /* @__PURE__ */ new Set();
        this.due.add(name3);
      } else if (retryAt < next)
        next = retryAt;
    }
    return next;
  }
  /**
   * The names whose refused content will be offered again, each with the time as `performance.now()` (P16). Newer
   * content cancels it.
   */
  *retries() {
    for (const [name3, { retryAt, resource }] of this.state.refused) {
      if (retryAt === void 0 || this.state.coming(name3))
        continue;
      if (this.view.get(name3)?.version === resource?.version)
        yield [name3, retryAt];
    }
  }
  /**
   * SotW: the client reports a version from an earlier stream. If the version is remembered, this returns the client's
   * resources under the names that differ from what is served (P36). Under a wildcard they are noted here. Without one,
   * {@link Subscription.bring} notes them for each name that the client brings.
   */
  meetEarlier(version) {
    this.hasEarlierState = true;
    const was = this.view.earlier?.(version);
    if (!was)
      return void 0;
    this.hasReported = true;
    if (!this.wildcard)
      return was;
    for (const [name3, had] of was)
      this.state.report(name3, had);
    this.state.reach(this.view.position);
    return was;
  }
  /**
   * SotW: the client brings a subscribed name from an earlier stream. `was` is the result of {@link
   * Subscription.meetEarlier}. An unchanged name is noted too: the client has it, so a later change of it waits for
   * what it refers to (P53).
   */
  bring(name3, was) {
    this.noteReturnedWith(name3);
    if (!was || this.wildcard)
      return;
    const had = was.has(name3) ? was.get(name3) : this.view.get(name3);
    if (!had)
      return;
    this.state.report(name3, had);
    this.markStale(name3);
  }
  /** Whether the client has brought this name from an earlier stream, and it was not served then. */
  hasReturnedWith(name3) {
    return this.returnedWith?.has(name3) === true;
  }
  noteReturnedWith(name3) {
    if (this.view.get(name3))
      return;
    this.returnedWith ??= /* @__PURE__ */ new Set();
    this.returnedWith.add(name3);
  }
  /** The client has all of the view as it is now (P36). */
  assumeCurrent() {
    this.mustAnswer = false;
    this.allStale = false;
    this.namesToAnswer.clear();
    this.state.reach(this.view.position);
  }
  close() {
    if (this.wildcard)
      this.view.unfollowAll(this);
    else
      for (const name3 of this.names)
        this.view.unfollow(this, name3);
    this.resolving?.close();
    this.state.leave();
    this.watch.close();
  }
  /**
   * Marks refused names for which something else is served now and that are not on their way. The client may have what
   * is served.
   */
  markReplacedStale() {
    if (this.state.refused.size === 0)
      return;
    for (const [name3, { resource }] of this.state.refused) {
      if (this.view.get(name3)?.version === resource?.version)
        continue;
      if (this.state.coming(name3) || this.state.isRepeated(name3))
        continue;
      this.markStale(name3);
    }
  }
  noteLook({ withheld, healed }, partial) {
    this.namesToAnswer.next();
    this.due = void 0;
    if (!partial) {
      this.stale.clear();
      this.allStale = false;
      this.mustAnswer = false;
      this.waiting.clear();
    }
    for (const [name3, why] of withheld) {
      if (this.wildcard)
        this.state.withhold(name3);
      this.waiting.set(name3, why);
    }
    for (const name3 of healed)
      this.state.heal(name3);
  }
  /** Clears the error of a NACK once nothing that was refused is left (P18). */
  clearError() {
    const { ledger, state } = this;
    if (this.nackCharacters > 0 && state.hasNoOpenRefusal)
      this.nackCharacters = 0;
    if (!ledger.nacked)
      return;
    if (state.hasNoOpenRefusal)
      ledger.nacked = void 0;
    else
      ledger.dropReplacedNames((name3) => state.refused.has(name3) || state.openWith(name3)?.isRefused === true);
  }
};
var noNames4 = /* @__PURE__ */ new Set();

// dist/protocol/turns.js
var Turns = class {
  failed;
  free;
  last;
  constructor(failed, free) {
    this.failed = failed;
    this.free = free;
  }
  /** Whether a promise is pending. */
  get busy() {
    return this.last !== void 0;
  }
  /** Runs a step at once, or after the pending promise. */
  run(step2) {
    if (this.last)
      return this.hold(this.last.then(step2));
    try {
      const waiting = step2();
      if (waiting)
        return this.hold(waiting);
    } catch (error) {
      this.failed(error);
    }
  }
  /** Makes all later steps wait for a promise. */
  hold(waiting) {
    const turn = waiting.catch((error) => this.failed(error)).then(() => {
      if (this.last !== turn)
        return;
      this.last = void 0;
      this.free();
    });
    this.last = turn;
    return turn;
  }
};

// dist/protocol/stream.js
var streams = 0;
var shortMessage = 256;
var Stream = class {
  protocol;
  context;
  transport;
  serviceType;
  id = ++streams;
  openedAt = Date.now();
  subscriptions = /* @__PURE__ */ new Map();
  account;
  /** Its client, as caches and users' functions see it. */
  caller;
  node;
  /** The node that the client claimed to be, if it was not permitted. */
  claimed;
  /** The opening was reported to the callbacks, so the end must be too. */
  isOpenReported = false;
  isClosed = false;
  turns = new Turns((error) => this.fail(error), () => this.sender.schedule());
  order;
  sender;
  lazyLog;
  /** Bytes of the heap that are held for the client, as counted. */
  held = 0;
  /** The client has reported something of an earlier stream. */
  isBack = false;
  /** Called when the stream ends: its node no longer has a list that it shares with other nodes. */
  leaveShared;
  constructor(protocol, context, transport, serviceType) {
    this.protocol = protocol;
    this.context = context;
    this.transport = transport;
    this.serviceType = serviceType;
    this.caller = callerOf(this);
    this.account = transport.account ?? new Account(context.queue.all);
    this.order = new MakeBeforeBreak(this, context);
    this.sender = new ResponseSender(this, protocol, context, transport);
  }
  answerForMissing(subscription, name3) {
    const serves = (typeUrl) => this.serves(typeUrl, name3);
    return answerForMissing(subscription, name3, this.protocol.announcesRemovals, serves, () => this.related());
  }
  serves(typeUrl, name3) {
    const { context, caller, node: node3 } = this;
    const type = context.api.findResourceType(typeUrl);
    if (!type || !node3)
      return false;
    return viewOf(context.watcher, { node: node3, type, caller })?.get(name3) !== void 0;
  }
  get variant() {
    return this.protocol.name;
  }
  get typeUrl() {
    return this.serviceType?.typeUrl ?? "";
  }
  get peer() {
    return this.transport.peer;
  }
  get certificateNames() {
    return this.transport.certificateNames ?? [];
  }
  get isSeparate() {
    return this.serviceType !== void 0;
  }
  get lastNonce() {
    return this.sender.lastNonce;
  }
  get looks() {
    return this.sender.looks;
  }
  get log() {
    this.lazyLog ??= new StreamLog(this, this.context.logger);
    return this.lazyLog;
  }
  leftoversForgotten(maxNames2) {
    this.log.leftoversForgotten(maxNames2);
  }
  /** Whether the client has an answer: something was sent, or there is nothing to send. */
  get answered() {
    for (const { ledger } of this.subscriptions.values())
      if (ledger.sent)
        return true;
    const hasAsked = this.subscriptions.size > 0 || this.lazyLog?.hasUnknownTypes === true;
    return hasAsked && this.sender.isIdle && !this.turns.busy;
  }
  /** Called first, once. If it returns a promise, nothing else may be called before that is settled. */
  open() {
    return this.turns.run(() => {
      this.isOpenReported = true;
      return this.context.events.open(this);
    });
  }
  /** Takes a request. If it returns a promise, no other request may be brought before that is settled. */
  receive(request2) {
    return this.turns.run(() => {
      if (this.isClosed)
        return;
      const node3 = this.check(request2);
      if (this.node)
        return this.report(request2, false);
      const permitted = this.context.permit?.(this, node3);
      if (!permitted)
        return this.meetNode(request2, node3);
      return permitted.then(() => this.meetNode(request2, node3), (error) => {
        this.claimed = node3;
        throw error;
      });
    });
  }
  /** The transport takes responses again. */
  writable() {
    this.sender.writable();
  }
  /** Called last, once, by the transport: the stream has ended. */
  close() {
    if (this.isClosed)
      return;
    this.hold(-this.held);
    this.leaveShared?.();
    this.isClosed = true;
    this.sender.close();
    const beside2 = [...this.context.nodeStreams.aggregatedBeside(this)];
    this.context.nodeStreams.remove(this);
    if (this.node)
      this.context.openRefusals.closed(this.node.id, this.subscriptions.keys(), this.id);
    for (const subscription of this.subscriptions.values())
      subscription.close();
    this.subscriptions.clear();
    for (const stream of beside2)
      stream.reconsider();
    this.context.ended(this);
    if (!this.isOpenReported)
      return;
    void this.turns.run(() => this.quietly("onStreamClosed", () => this.context.events.closed(this)));
  }
  /** Checks a request's envelope and fills in what a request may leave out (P1–P4). Returns the stream's node. */
  check(request2) {
    const typeUrl = request2.typeUrl || this.typeUrl;
    if (!typeUrl)
      throw new XdsError("INVALID_REQUEST", "a request on an aggregated stream needs a type_url");
    if (this.serviceType)
      checkService(this.serviceType, typeUrl);
    const node3 = this.node ?? request2.node ?? this.context.anonymous();
    if (!node3)
      throw new XdsError("INVALID_REQUEST", "the first request of a stream needs a node");
    if (request2.node && request2.node.id !== node3.id)
      this.log.otherNode(node3, request2.node);
    request2.typeUrl = typeUrl;
    request2.node = node3;
    return node3;
  }
  /**
   * Sets the stream's node. Called only after the node is permitted, so that no client is counted as another's node.
   */
  meetNode(request2, node3) {
    if (this.isClosed)
      return;
    this.node = node3;
    this.leaveShared = payForShared(node3.extensions, this.account);
    this.hold(nodeBytes(node3, this.leaveShared ? node3.extensions : void 0));
    this.sender.meetNode(node3);
    return this.report(request2, true);
  }
  report(request2, isFirst) {
    const told = this.context.events.request(this, request2);
    return told ? told.then(() => this.handle(request2, isFirst)) : this.handle(request2, isFirst);
  }
  handle(request2, isFirst) {
    if (this.isClosed)
      return;
    if (isFirst)
      this.context.nodeStreams.add(this);
    const existing = this.subscriptions.get(request2.typeUrl);
    const named2 = this.protocol.subscribedNames(request2);
    if (!existing || named2 !== existing.listedNames) {
      this.context.checkNames(this.protocol.longestNameList(request2), request2.typeUrl);
      for (const list of this.protocol.nameLists(request2))
        checkLengths(list);
    }
    if (!existing || named2.length > 0 && named2 !== existing.listedNames)
      this.context.checkGrowth(this.account, () => !existing || named2.some((name3) => !existing.alreadySubscribes(name3)));
    const subscription = existing ?? this.subscribe(request2.typeUrl);
    if (!subscription)
      return;
    const traffic = this.context.traffic.of(request2.typeUrl);
    traffic.requests++;
    subscription.lastRequestAt = Date.now();
    const { ledger, state } = subscription;
    const nonce = ledger.sent ? request2.responseNonce : "";
    const stale = nonce !== "" && nonce !== ledger.sent?.nonce;
    const answered = nonce === "" ? void 0 : state.unanswered(nonce);
    const heartbeat = answered ? void 0 : this.sender.takeHeartbeat(subscription, nonce);
    const counts = this.protocol.staleRequestsCount || !stale || !answered && !heartbeat && state.inFlight.length > 0;
    if (stale && !counts && !answered && !heartbeat)
      return;
    let refused2;
    if (answered || heartbeat) {
      if (request2.errorDetail)
        traffic.nacks++;
      else
        traffic.acks++;
    }
    if (answered)
      refused2 = this.take(subscription, answered, this.kept(request2.errorDetail));
    if (heartbeat) {
      if (request2.errorDetail) {
        for (const name3 of heartbeat)
          if (subscription.covers(name3))
            subscription.namesToAnswer.add(name3);
      }
    }
    const before = existing ? subscription.names.size : void 0;
    const steps = counts ? this.protocol.subscribe(subscription, request2, !existing) : void 0;
    if (!steps || doSlice(steps).done)
      return this.subscribed(subscription, request2, before, answered, refused2);
    const coming = heldBytes.name * this.protocol.longestNameList(request2);
    this.expect(coming);
    return this.context.queue.finish(this.account, this.untilClosed(steps)).finally(() => this.expect(-coming)).then(() => this.subscribed(subscription, request2, before, answered, refused2));
  }
  *untilClosed(steps) {
    while (!this.isClosed && !steps.next().done)
      yield;
  }
  /**
   * A request that counts was read. `before`: how many names were subscribed before it. Undefined: it is the first
   * request of its type.
   */
  subscribed(subscription, request2, before, answered, refused2) {
    if (this.isClosed)
      return;
    this.count(subscription);
    if (before === void 0)
      this.meet(subscription);
    if (this.context.ordered)
      this.settled(subscription, subscription.names.size < (before ?? 0));
    this.context.checkNames(subscription.names.size, request2.typeUrl);
    this.sender.noteRequest(subscription, request2);
    const isOfRefused = answered !== void 0 && (request2.errorDetail !== void 0 || answered.newer !== void 0);
    if (subscription.isSettled && !isOfRefused && this.sender.isIdle)
      this.context.flushed?.(this);
    else
      this.sender.wake(subscription);
    if (answered)
      return this.reportAnswer(answered, request2.typeUrl, request2.errorDetail, refused2);
  }
  expect(bytes) {
    if (this.account.parent)
      this.account.parent.coming += bytes;
  }
  /** Counts what is held for the client's part of a subscription. */
  count(subscription) {
    const bytes = subscription.heldBytes;
    if (bytes === subscription.countedBytes)
      return;
    this.hold(bytes - subscription.countedBytes);
    subscription.countedBytes = bytes;
  }
  hold(bytes) {
    if (this.isClosed)
      return;
    this.held += bytes;
    this.account.hold(bytes);
  }
  /** The part of a NACK's error that is remembered: the whole error, or a short one if there is no memory for more. */
  kept(error) {
    if (!error || error.message.length <= shortMessage || this.context.mayGrow(this.account))
      return error;
    return { ...error, message: cutText(error.message, shortMessage) };
  }
  /** Takes the answer to a response. Returns what is known to be refused of the response. */
  take(subscription, answered, error) {
    const { openRefusals, ordered } = this.context;
    const { type, state } = subscription;
    let refused2;
    if (error) {
      const taking = (name3, now) => {
        if (ordered)
          this.order.replaced(subscription, name3, now);
      };
      refused2 = subscription.nack(answered, error, this.context.retryTimes, taking);
    } else {
      if (state.inFlight.length > 1 && !this.protocol.announcesRemovals && !answered.whole)
        for (const older of state.inFlight.slice(0, state.inFlight.indexOf(answered)))
          this.take(subscription, older, error);
      if (ordered)
        this.order.taking(subscription, answered);
      subscription.ack(answered);
    }
    if (type.fullStateInSotw && this.node?.id)
      openRefusals.note(this.node.id, type.typeUrl, this.id, state.hasRefused);
    return refused2;
  }
  /**
   * Ends the first request of a type. What the client reports from an earlier stream does not settle everything (P36,
   * P49, P55).
   */
  meet(subscription) {
    const { type, state, namesToAnswer, hasReported, hasEarlierState } = subscription;
    if (this.context.ordered) {
      const wasBack = this.isBack;
      this.isBack ||= hasReported || hasEarlierState;
      if (this.isBack) {
        for (const one of wasBack ? [subscription] : this.subscriptions.values())
          if (one.type.drains)
            this.order.resume(one);
      }
    }
    if (!hasReported)
      return;
    if (type.sentAgain && this.context.ordered)
      this.sender.answerForEarly(subscription);
    if (!subscription.isTrusted) {
      for (const name3 of state.exceptions.keys())
        if (subscription.view.get(name3))
          namesToAnswer.add(name3);
    }
  }
  /**
   * Whether the versions that the node reports are no evidence. It has refused something of this type, and may have
   * taken parts of it (P36, P49).
   */
  isDistrusted(type) {
    return type.fullStateInSotw && this.node !== void 0 && this.context.openRefusals.has(this.node.id, type.typeUrl);
  }
  /** The client has answered or asked for something. Looks again at what waits for that. */
  settled(subscription, hasDropped) {
    const { nodeStreams } = this.context;
    this.order.settled();
    if (this.serviceType) {
      nodeStreams.answered(this);
      for (const stream of nodeStreams.aggregatedBeside(this))
        stream.reconsider();
    }
    for (const one of this.subscriptions.values())
      if (one.waiting.size > 0 && (hasDropped || one === subscription || one.isWaiting))
        this.sender.wake(one);
  }
  /** Opens the subscription of a type. Returns undefined if nothing serves the type. */
  subscribe(typeUrl) {
    const type = this.context.api.findResourceType(typeUrl);
    const node3 = this.node;
    if (type) {
      const request2 = { node: node3, type, caller: this.caller };
      if (!this.context.watcher.ready(request2))
        throw new XdsError("NOT_READY", "no configuration has been loaded yet; try again later");
      const subscription = Subscription.open(this.context.watcher, request2, (woken) => this.sender.wake(woken), () => this.serviceType && this.context.nodeStreams.changed(this));
      if (subscription) {
        subscription.isTrusted = !this.isDistrusted(type);
        subscription.namesToAnswer.isWhole = !this.protocol.announcesRemovals && type.fullStateInSotw === true;
        this.subscriptions.set(typeUrl, subscription);
        if (this.context.ordered && type.unknownWithoutBody)
          this.answerForCollections(subscription);
        if (!subscription.view.serving)
          this.log.notConfigured(node3, typeUrl);
        return subscription;
      }
    }
    this.log.unknownType(typeUrl, type !== void 0);
    return void 0;
  }
  /** Answers for this type's collections: a response that the client has makes it wait for that answer (P56). */
  answerForCollections(subscription) {
    const all = /* @__PURE__ */ new Map([[subscription.type.typeUrl, subscription]]);
    for (const other of this.related())
      for (const [, name3] of neededAgain(other.state.inUse(), all))
        subscription.namesToAnswer.add(name3);
  }
  /** Called by the transport with the size of an encoded response. */
  encoded(response2, bytes) {
    this.sender.encoded(response2, bytes);
  }
  /** All subscriptions of this stream's client, those of its other streams included. */
  *related() {
    for (const stream of this.context.nodeStreams.of(this))
      yield* stream.subscriptions.values();
  }
  isUsed(typeUrl, name3, by) {
    return this.context.nodeStreams.isUsed(this, typeUrl, name3, by);
  }
  /** Looks again at everything that waits: an answer may have come, or a time may be over. */
  reconsider() {
    for (const subscription of this.subscriptions.values())
      if (subscription.waiting.size > 0 || subscription.state.refused.size > 0)
        this.sender.wake(subscription);
    this.sender.schedule();
  }
  /** Reports every ACK, and each NACK once it is known what is refused (P17). */
  reportAnswer({ version, nonce, changes: { changed: resources, removed: removedResources } }, typeUrl, error, refused2) {
    const { events } = this.context;
    if (!error)
      return this.quietly("onStreamAck", () => events.ack(this, { typeUrl, version, nonce, resources, removedResources }));
    if (!refused2)
      return;
    const nack = { typeUrl, version, nonce, resources: refused2.changed, removedResources: refused2.removed, error };
    return this.quietly("onStreamNack", () => events.nack(this, nack));
  }
  /** Calls a callback of the user's. An error in the callback is logged, and the stream goes on. */
  quietly(callback, tell) {
    const log = (error) => this.log.callbackFailed(callback, error);
    try {
      return tell()?.catch(log);
    } catch (error) {
      log(error);
    }
  }
  /** Ends the stream with an error. */
  fail(error) {
    if (this.isClosed)
      return;
    this.context.failed(this, error, this.node ?? this.claimed);
    this.transport.end(error);
  }
};

// dist/server/access/permissions.js
var Permissions = class {
  rule;
  /** How often a rule has refused. */
  refusals = 0;
  /** Without a rule every client is allowed. */
  constructor(rule) {
    this.rule = rule;
  }
  /** Rejects if the rule refuses. Returns undefined if there is no rule. */
  permit(service, { peer, certificateNames: certificateNames2 }, node3, rule = this.rule) {
    if (!rule)
      return void 0;
    return authorizeClient(rule, { peer, certificateNames: certificateNames2, node: node3, service }).catch((error) => {
      this.refusals++;
      throw error;
    });
  }
};

// dist/server/access/tls.js
import { createSecureContext } from "node:tls";
var tlsNames = { cert: true, key: true, clientCa: true };
var tlsServerOptions = (tls) => ({
  ...secureContextOptions(tls),
  requestCert: tls.clientCa !== void 0,
  rejectUnauthorized: tls.clientCa !== void 0
});
function secureContextOptions(tls) {
  checkOptions("tls", tls, tlsNames);
  const { cert, key: key2, clientCa } = tls;
  const context = {
    cert: withoutMark(cert),
    key: withoutMark(key2),
    ...clientCa !== void 0 && { ca: withoutMark(clientCa) }
  };
  throwIf("certificate", whyNotPem(context.cert, "CERTIFICATE"));
  const whyNot = whyNotKey(context.key, context.cert, void 0);
  throwIf("key", whyNot?.startsWith("is encrypted") ? "is encrypted; give it without a passphrase" : whyNot);
  if (context.ca)
    throwIf("client CA", whyNotPem(context.ca, "CERTIFICATE"));
  try {
    createSecureContext(context);
  } catch (error) {
    throwIf("certificate or key", `cannot be used: ${messageOf(error)}`);
  }
  return context;
}
function throwIf(what, why) {
  if (why !== void 0)
    throw new XdsError("INVALID_OPTION", `the TLS ${what} ${why}`);
}
var byteOrderMark = Buffer.of(239, 187, 191);
function withoutMark(pem) {
  const bytes = Buffer.from(pem);
  return bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes;
}

// dist/token-bucket.js
var burst = 10;
var TokenBucket = class {
  perSecond;
  tokens;
  at;
  /** Times are in milliseconds, as of `performance.now()`. */
  constructor(perSecond, now = performance.now()) {
    this.perSecond = perSecond;
    this.tokens = this.capacity;
    this.at = now;
  }
  get capacity() {
    return Math.max(1, this.perSecond * burst);
  }
  /** Takes a token, and returns false if there is none. */
  take(now = performance.now()) {
    this.tokens = Math.min(this.capacity, this.tokens + (now - this.at) * this.perSecond / 1e3);
    this.at = now;
    if (this.tokens < 1)
      return false;
    this.tokens--;
    return true;
  }
  /** Puts tokens back. */
  give(tokens = 1) {
    this.tokens += tokens;
  }
};

// dist/server/admission/stream-slot.js
var nodeFactor = 4;
var StreamSlot = class {
  admission;
  caller;
  stream;
  counts;
  endsAt;
  requests;
  /** Bytes of the heap that are counted for the stream, besides what a discovery stream counts itself. */
  held = 0;
  /** Made by {@link Admission.enter}. */
  constructor(admission, caller, stream, counts, endsAt) {
    this.admission = admission;
    this.caller = caller;
    this.stream = stream;
    this.counts = counts;
    this.endsAt = endsAt;
    this.requests = new TokenBucket(counts.limits.requestsPerSecond);
    this.hold(heldBytes.stream);
  }
  /**
   * Counts a request of the stream and checks its size.
   * @throws XdsError LIMIT_EXCEEDED, REQUEST_TOO_LARGE
   */
  request(bytes, form2) {
    if (!this.requests.take())
      throw this.counts.exceeded("requestsPerSecond", "too many requests on one stream");
    this.counts.checkRequest(bytes, form2);
  }
  /**
   * Checks the first request of a stream that keeps the client's node, and counts it.
   * @throws XdsError LIMIT_EXCEEDED
   */
  firstRequest(bytes) {
    this.counts.checkNode(bytes);
    this.counts.checkGrowth(this.caller.account);
    this.hold(nodeFactor * bytes);
  }
  /** A response was sent, so one more request, the answer to it, is allowed. */
  response() {
    this.requests.give();
  }
  /** Frees the slot when the stream has ended. Further calls do nothing. */
  leave() {
    this.hold(-this.held);
    this.admission.leave(this);
  }
  hold(bytes) {
    this.held += bytes;
    this.caller.account.hold(bytes);
  }
};

// dist/server/admission/admission.js
var Admission = class {
  counts;
  age;
  draining;
  slots = /* @__PURE__ */ new Set();
  /** Open streams and unary calls. */
  open = 0;
  /** Open streams and unary calls, by client network. */
  openByNetwork = /* @__PURE__ */ new Map();
  newStreams;
  constructor(counts, age, draining) {
    this.counts = counts;
    this.age = age;
    this.draining = draining;
    this.newStreams = new TokenBucket(counts.limits.newStreamsPerSecond);
  }
  /**
   * Admits a stream. Its slot must be left when the stream has ended.
   * @throws XdsError DRAINING, LIMIT_EXCEEDED
   */
  enter(caller, stream) {
    if (this.draining())
      throw new XdsError("DRAINING", "the server is shutting down; connect elsewhere");
    this.counts.checkGrowth(caller.account);
    this.take(caller, "new streams");
    const endsAt = this.age?.endsAt(caller) ?? Number.POSITIVE_INFINITY;
    const slot = new StreamSlot(this, caller, stream, this.counts, endsAt);
    this.slots.add(slot);
    return slot;
  }
  /**
   * Admits a unary call, which counts as a stream while it lasts. Returns a function to call once when it is over.
   * @throws XdsError LIMIT_EXCEEDED
   */
  enterCall(caller) {
    this.take(caller, "calls");
    return () => this.give(caller);
  }
  /**
   * Admits a REST request. It counts towards `newStreamsPerSecond` only.
   * @throws XdsError LIMIT_EXCEEDED
   */
  enterOnce() {
    this.takeNew("calls");
  }
  leave(slot) {
    if (this.slots.delete(slot))
      this.give(slot.caller);
  }
  take(caller, what) {
    const { counts, openByNetwork } = this;
    const network = networkOf(caller.peer);
    const open = openByNetwork.get(network) ?? 0;
    if (this.open >= counts.limits.streams)
      throw counts.exceeded("streams", "too many streams");
    if (open >= counts.limits.streamsPerPeer)
      throw counts.exceeded("streamsPerPeer", `too many streams from ${network}`);
    this.takeNew(what);
    openByNetwork.set(network, open + 1);
    this.open++;
  }
  give(caller) {
    const network = networkOf(caller.peer);
    const left = (this.openByNetwork.get(network) ?? 1) - 1;
    if (left > 0)
      this.openByNetwork.set(network, left);
    else
      this.openByNetwork.delete(network);
    this.open--;
  }
  takeNew(what) {
    if (!this.newStreams.take())
      throw this.counts.exceeded("newStreamsPerSecond", `too many ${what} at once`);
  }
};

// dist/server/admission/connection-age.js
var goAwayAt = 0.8;
var jitter = 0.1;
var graceMs = 1e4;
var longestTimerMs = 2 ** 31 - 1;
var ConnectionAge = class {
  ageMs;
  connections = /* @__PURE__ */ new Map();
  timer;
  /**
   * `ageMs` is the maximum age in milliseconds.
   * @throws XdsError INVALID_OPTION
   */
  constructor(ageMs) {
    this.ageMs = ageMs;
    if (!(ageMs >= 1 && ageMs * 2 <= longestTimerMs))
      throw new XdsError("INVALID_OPTION", `maxConnectionAgeMs must be from 1 to ${longestTimerMs / 2}, is ${ageMs}`);
  }
  /** Starts to end connections that are too old, and the streams on them. `slots` are the open streams. */
  start(slots) {
    const tooOld = new XdsError("CONNECTION_TOO_OLD", "this connection has reached the server's maxConnectionAge; connect again");
    const endOld = () => {
      const now = performance.now();
      for (const { connection, goesAwayAt, endsAt } of this.connections.values()) {
        if (goesAwayAt <= now)
          connection.goAway();
        if (endsAt + graceMs <= now)
          connection.destroy();
      }
      for (const slot of [...slots])
        if (slot.endsAt <= now)
          slot.stream.fail(tooOld);
    };
    this.timer = setInterval(endOld, Math.min(1e3, Math.ceil(this.ageMs / 20))).unref();
  }
  stop() {
    clearInterval(this.timer);
  }
  /** Adds a new connection. Its key is its caller, which is the same object for all streams of the connection. */
  opened(caller, connection) {
    const now = performance.now();
    const age = this.ageMs * (1 + jitter * (2 * Math.random() - 1));
    this.connections.set(caller, { connection, goesAwayAt: now + goAwayAt * age, endsAt: now + age });
  }
  closed(caller) {
    this.connections.delete(caller);
  }
  /** When the streams of the caller's connection are ended, as of `performance.now()`. */
  endsAt(caller) {
    return this.connections.get(caller)?.endsAt ?? Number.POSITIVE_INFINITY;
  }
};

// dist/server/admission/drain.js
var turnsShare = 0.8;
var mostAtOnce = 1 / 20;
async function endPaced(slots, error, { timeoutMs: timeoutMs2, paceMs }) {
  const queue = [...slots];
  const start = performance.now();
  const spread = Math.min(queue.length * paceMs, timeoutMs2 * turnsShare);
  const endAnswered = ({ stream }) => {
    if (stream.answered)
      stream.fail(error);
  };
  for (let next = 0; next < queue.length; ) {
    await sleep(spread / queue.length);
    const onTime = Math.ceil(queue.length * (performance.now() - start) / spread);
    const due = Math.min(onTime, next + Math.ceil(queue.length * mostAtOnce));
    for (const slot of queue.slice(next, due))
      endAnswered(slot);
    next = due;
  }
  while (slots.size > 0 && performance.now() < start + timeoutMs2) {
    await sleep(Math.min(20, timeoutMs2));
    for (const slot of [...slots])
      endAnswered(slot);
  }
  for (const { stream } of [...slots])
    stream.fail(error);
}
var sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// dist/server/admission/limits.js
import { totalmem } from "node:os";

// dist/server/admission/share-of-free.js
var shareOfFree = 3;

// dist/server/admission/limits.js
var memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());
var defaults = {
  streams: 1e5,
  streamsPerPeer: 2e4,
  newStreamsPerSecond: 5e3,
  requestsPerSecond: 1e3,
  requestBytes: 16 << 20,
  nodeBytes: 256 << 10,
  names: 1e5,
  responseBytes: Math.floor(memory / 4),
  heapPercent: 75,
  connections: 1e5,
  connectionsPerPeer: Number.POSITIVE_INFINITY,
  streamsPerConnection: 1e3,
  headerBytes: 16 << 10,
  continuationFrames: 16,
  controlFrames: 200,
  handshakeMs: 1e4,
  messageMs: 1e4,
  idleConnectionMs: 3e5,
  receivingBytes: Math.floor(memory / 8)
};
var heapPerByte = { discovery: 32, protobuf: 128, json: 300 };
var alwaysReadBytes = 4 << 20;
var codes = {
  requestBytes: "REQUEST_TOO_LARGE",
  messageMs: "REQUEST_TOO_SLOW"
};
var LimitError = class extends XdsError {
  limit;
  constructor(limit, message) {
    super(codes[limit] ?? "LIMIT_EXCEEDED", message);
    this.limit = limit;
  }
};
var LimitCounts = class {
  limits;
  hits = Object.fromEntries(Object.keys(defaults).map((name3) => [name3, 0]));
  heap;
  /**
   * `clients` is the account of all clients.
   * @throws XdsError INVALID_OPTION
   */
  constructor(limits, clients, heap) {
    this.heap = heap ?? new Heap(garbageCollector, () => clients?.held ?? 0);
    checkOptions("limits", limits, defaults);
    this.limits = { ...defaults, ...limits };
    for (const [name3, limit] of Object.entries(this.limits)) {
      if (name3 === "heapPercent" && limit > 100)
        throw new XdsError("INVALID_OPTION", `limits: ${name3} must be at most 100, is ${limit}`);
      if (!(limit > 0))
        throw new XdsError("INVALID_OPTION", `limits: ${name3} must be greater than 0, is ${limit}`);
    }
  }
  /** Counts one hit of a limit and returns the error for it. `what` says what exceeded the limit. */
  exceeded(name3, what) {
    this.hits[name3]++;
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    const error = new LimitError(name3, `${what}; the server's limit ${name3} is ${this.limits[name3]}`);
    Error.stackTraceLimit = stackTraceLimit;
    return error;
  }
  /**
   * Checks that a request of this size may be read.
   * @throws XdsError REQUEST_TOO_LARGE, LIMIT_EXCEEDED
   */
  checkRequest(bytes, form2) {
    if (bytes > this.limits.requestBytes)
      throw this.exceeded("requestBytes", `a request of ${bytes} bytes`);
    this.checkRoom(bytes, form2, "a request");
  }
  get mostNames() {
    return this.limits.names;
  }
  get mostNodeBytes() {
    return this.limits.nodeBytes;
  }
  tooManyValues(most, kind) {
    return this.exceeded("names", `a request with more than ${most} ${kind}`);
  }
  /** Checks that a node of this size may be read. @throws XdsError LIMIT_EXCEEDED */
  checkNode = (bytes) => {
    if (bytes > this.limits.nodeBytes)
      throw this.exceeded("nodeBytes", `a node of ${bytes} bytes`);
    this.checkRoom(bytes, "protobuf", "a node");
  };
  /**
   * Checks that the heap has room for something new that is kept for a client with this account. When it has none,
   * `grows` decides whether anything new would be kept; without growth nothing is refused.
   * @throws XdsError LIMIT_EXCEEDED
   */
  checkGrowth(account, grows = () => true) {
    const isFull = !this.hasRoom();
    if (!isFull && this.hasShare(account) || !grows())
      return;
    throw this.exceeded("heapPercent", isFull ? "memory is short, so nothing new is accepted; try again later" : "this address has three quarters of the memory for clients, so nothing new is accepted from it");
  }
  /** Whether {@link checkGrowth} accepts something new. */
  mayGrow(account) {
    return this.hasRoom() && this.hasShare(account);
  }
  hasRoom() {
    const { heapPercent } = this.limits;
    return heapPercent >= 100 || this.heap.holds(0, heapPercent / 100);
  }
  /**
   * Whether the account's address may have more of the heap. It may hold up to three times as much as is still free for
   * clients. So it takes at most three quarters, and a new address always finds some room.
   */
  hasShare({ parent: address }) {
    const { heapPercent } = this.limits;
    if (heapPercent >= 100 || !address)
      return true;
    const share = heapPercent / 100;
    const held = address.held + address.coming;
    if (held <= shareOfFree * this.heap.room(share))
      return true;
    if (held <= shareOfFree * this.heap.roomWithoutGarbage(share))
      return true;
    return !this.heap.isMeasured();
  }
  checkRoom(bytes, form2, what) {
    const most = bytes * heapPerByte[form2];
    if (most <= alwaysReadBytes || this.heap.holds(most, 1))
      return;
    const room = `${Math.max(0, Math.floor(this.heap.room(1) / 2 ** 20))} MiB`;
    throw this.exceeded("heapPercent", `${what} of ${bytes} bytes may need more than the ${room} of heap that is left`);
  }
  /** Checks the number of names in one subscription or fetch. @throws XdsError LIMIT_EXCEEDED */
  checkNames(names, typeUrl) {
    if (names > this.limits.names)
      throw this.exceeded("names", `${names} names in one subscription of ${typeUrl}`);
  }
};

// dist/server/admission/receiving-bytes.js
var ReceivingBytes = class {
  limits;
  bytes = 0;
  constructor(limits) {
    this.limits = limits;
  }
  /** Returns the counter for a connection with this account. */
  of({ parent: address }) {
    return { add: (bytes) => this.add(bytes, address) };
  }
  /** @throws XdsError LIMIT_EXCEEDED. The bytes still count then, until the call that has them is over. */
  add(bytes, address) {
    this.bytes += bytes;
    if (address)
      address.receiving += bytes;
    const ofAddress = address?.receiving ?? this.bytes;
    if (bytes > 0 && ofAddress > shareOfFree * (this.limits.limits.receivingBytes - this.bytes))
      throw this.limits.exceeded("receivingBytes", `${this.bytes} bytes of requests are being received, ${ofAddress} of them from this address`);
  }
};

// dist/http2/hpack/static-table.js
var staticTable = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""]
];

// dist/http2/hpack/encoder.js
function encodeHeaders(fields) {
  const parts = [];
  for (const [name3, value] of fields) {
    const whole = staticTable.findIndex((entry) => entry[0] === name3 && entry[1] === value) + 1;
    if (whole > 0) {
      parts.push(integer(128, 7, whole));
      continue;
    }
    const known2 = staticTable.findIndex((entry) => entry[0] === name3) + 1;
    parts.push(integer(0, 4, known2));
    if (known2 === 0)
      pushString(parts, name3);
    pushString(parts, value);
  }
  return Buffer.concat(parts);
}
function integer(first, prefix, value) {
  const mask = 2 ** prefix - 1;
  if (value < mask)
    return Buffer.of(first | value);
  const bytes = [first | mask];
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128))
    bytes.push(rest % 128 | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}
function pushString(parts, text2) {
  const encoded = Buffer.from(text2, "latin1");
  parts.push(integer(0, 7, encoded.length), encoded);
}

// dist/grpc/status.js
var status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16
};
var StatusError = class extends Error {
  code;
  details;
  name = "StatusError";
  constructor(code, details) {
    super(details);
    this.code = code;
    this.details = details;
  }
};
var responseFields = [
  [":status", "200"],
  ["content-type", "application/grpc"],
  ["grpc-accept-encoding", "identity"]
];
var responseHeaders = encodeHeaders(responseFields);
var okFields = [["grpc-status", "0"]];
var okTrailers = encodeHeaders(okFields);
var mostMessageBytes = 4096;
var statusFields = ({ code, details }) => [["grpc-status", String(code)], ["grpc-message", percentEncoded(details)]];
var trailers = (status2) => status2.code === 0 ? okTrailers : encodeHeaders(statusFields(status2));
var trailersOnly = (status2) => encodeHeaders([...responseFields, ...statusFields(status2)]);
var httpStatus = (code) => encodeHeaders([[":status", String(code)]]);
function percentEncoded(text2) {
  if (/^[ -$&-~]*$/.test(text2))
    return text2.slice(0, mostMessageBytes);
  const bytes = Buffer.from(text2.slice(0, mostMessageBytes));
  const out = Buffer.allocUnsafe(3 * bytes.length);
  let length = 0;
  let end = 0;
  for (const byte of bytes) {
    if ((byte & 192) !== 128) {
      if (length > mostMessageBytes)
        break;
      end = length;
    }
    if (byte >= 32 && byte <= 126 && byte !== percent)
      out[length++] = byte;
    else {
      out[length++] = percent;
      out[length++] = hex.charCodeAt(byte >>> 4);
      out[length++] = hex.charCodeAt(byte & 15);
    }
  }
  return out.toString("latin1", 0, length > mostMessageBytes ? end : length);
}
var percent = 37;
var hex = "0123456789ABCDEF";

// dist/server/admission/refusal-log.js
var levels = {
  INTERNAL: "error",
  LIMIT_EXCEEDED: "warn",
  REQUEST_TOO_LARGE: "warn",
  REQUEST_TOO_SLOW: "warn",
  FORBIDDEN_HOST: "warn",
  FORBIDDEN_ORIGIN: "warn",
  PERMISSION_DENIED: "warn",
  INVALID_REQUEST: "info",
  NOT_READY: "info"
};
var refusals = {
  stream: "a stream is ended",
  request: "a request is refused",
  connection: "a connection is refused or ended"
};
var RefusalLog = class {
  log;
  constructor(log) {
    this.log = log;
  }
  tell(what, error, fields) {
    const entry = { ...fields, error: messageOf(error) };
    if (error instanceof StatusError) {
      this.log.info(entry, refusals[what], `${refusals[what]}: protocol`);
      return;
    }
    const code = error instanceof XdsError ? error.code : "INTERNAL";
    const message = code === "INTERNAL" ? `a ${what} fails` : refusals[what];
    const kind = error instanceof LimitError ? error.limit : code;
    this.log[levels[code] ?? "debug"](entry, message, `${message}: ${kind}`);
  }
  /** Logs a failed TLS handshake. One that the client broke off, such as a port check, is logged at debug. */
  logHandshake(error, socket) {
    const { authorizationError, remoteAddress, remotePort } = socket;
    const peer = remoteAddress === void 0 ? {} : { peer: `${remoteAddress}:${remotePort}` };
    const refused2 = authorizationError && `the client's certificate is refused: ${authorizationError}`;
    const reason = error.reason ?? error.message;
    const isPlain = /^(wrong version number|http request)$/.test(reason);
    const fields = { ...peer, error: refused2 || (isPlain ? `the client does not use TLS (${reason})` : reason) };
    const message = "a TLS handshake fails";
    if (error.code === "ECONNRESET" && !refused2)
      this.log.debug(fields, message, "a client breaks off a TLS handshake");
    else
      this.log.warn(fields, message);
  }
  /** Logs a connection that does not use HTTP/2, or uses no TLS on a port with TLS. */
  logNotHttp2(peer, what) {
    this.log.warn({ peer, error: what }, "a connection to the gRPC port is not HTTP/2");
  }
  /** Logs a connection that was closed because its client broke the rules of HTTP/2. */
  logProtocolError(error, peer) {
    this.log.info({ peer, error: error.message }, "a connection is closed after an HTTP/2 protocol error");
  }
};

// dist/server/admission/shared-work.js
var SharedWork = class {
  what;
  options;
  /** Starts the turn of each waiting caller, in order of arrival. */
  waiting = /* @__PURE__ */ new Set();
  isBusy = false;
  /** `what` names the work in error messages, such as "the client status service". */
  constructor(what, options = {}) {
    this.what = what;
    this.options = { sliceMs, mostMs: 1e4, mostWaiting: 16, now: () => performance.now(), ...options };
  }
  /**
   * Waits for the caller's turn, does the work, and resolves with its result. `signal` aborts the wait and the work.
   * `charge` gets the milliseconds of each slice.
   * @throws XdsError LIMIT_EXCEEDED if too many callers wait or the work takes too long; any error of the work; the
   * signal's reason
   */
  async run(signal, begin, charge = (_ms) => {
  }) {
    signal.throwIfAborted();
    if (this.isBusy)
      await this.turn(signal);
    this.isBusy = true;
    try {
      signal.throwIfAborted();
      return await this.finish(signal, begin(), charge);
    } finally {
      this.isBusy = false;
      const [next] = this.waiting;
      next?.();
    }
  }
  finish(signal, work, charge) {
    const { sliceMs: sliceMs2, mostMs, now } = this.options;
    let worked = 0;
    return inTurns(work, signal, (work2) => {
      if (worked > mostMs)
        throw new XdsError("LIMIT_EXCEEDED", `${this.what} takes more than ${mostMs} ms of the server's time`);
      const from = now();
      try {
        return doSlice(work2, sliceMs2, now);
      } finally {
        const ms = now() - from;
        worked += ms;
        charge(ms);
      }
    });
  }
  /** Resolves when it is this caller's turn. `isBusy` is already set then, so that no other caller takes the turn. */
  turn(signal) {
    const { mostWaiting: mostWaiting3 } = this.options;
    if (this.waiting.size >= mostWaiting3)
      throw new XdsError("LIMIT_EXCEEDED", `${this.what} already has ${mostWaiting3} requests waiting; try again later`);
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.waiting.delete(next);
        reject(signal.reason);
      };
      const next = () => {
        this.waiting.delete(next);
        signal.removeEventListener("abort", stop);
        this.isBusy = true;
        resolve();
      };
      this.waiting.add(next);
      signal.addEventListener("abort", stop, { once: true });
    });
  }
};

// dist/server/admission/unsent.js
var unreadMs2 = 1e4;
var checkEveryMs = 1e3;
var askAgainShare = 1 / 16;
var UnsentResponse = class {
  responses;
  end;
  account;
  bytes = 0;
  /** When the response was written, as of `performance.now()`. */
  since = 0;
  /** The neighbours in the list of unsent responses, which is in the order of writing. */
  older;
  newer;
  /** Made by {@link UnsentResponses.of}. */
  constructor(responses, end, account) {
    this.responses = responses;
    this.end = end;
    this.account = account;
  }
  written(bytes) {
    this.responses.add(this, bytes);
  }
  /** The response has left, or its client has disconnected: none of its bytes are kept any more. */
  sent() {
    this.responses.remove(this);
  }
};
var UnsentResponses = class {
  limits;
  onRoom;
  bytes = 0;
  /** How many addresses have unsent bytes. */
  addresses = 0;
  /** The unsent responses, as a linked list: a response then needs no entry in a set. */
  oldest;
  newest;
  /** Runs while clients are refused. */
  timer;
  /** `onRoom` is called when `bytes` has fallen to this number. */
  askAgainAt = 0;
  constructor(limits, onRoom) {
    this.limits = limits;
    this.onRoom = onRoom;
  }
  /** Returns the counter for a stream, call or connection. `end` disconnects its client. */
  of(end, account) {
    return new UnsentResponse(this, end, account);
  }
  /** Whether a response may be written for this account. After `false`, `onRoom` is called when there may be room. */
  hasRoom(account) {
    if (this.isFree(account))
      return true;
    this.askAgainAt = this.bytes - askAgainShare * this.limits.limits.responseBytes;
    this.timer ??= setInterval(() => this.freeRoom(), checkEveryMs).unref();
    return false;
  }
  isFree(account) {
    const { bytes, limits } = this;
    const most = limits.limits.responseBytes;
    const ofAddress = account.parent?.unsent ?? 0;
    const addresses = this.addresses + (ofAddress === 0 ? 1 : 0);
    if (bytes < most / 2 && ofAddress < most / 2 / addresses)
      return true;
    if (bytes >= most || account.unsent > 0)
      return false;
    return ofAddress === 0 || account.hasAnswered && ofAddress < shareOfFree * (most - bytes);
  }
  /** Checks that a response may be written for this account. @throws XdsError LIMIT_EXCEEDED if not */
  check(account) {
    if (!this.hasRoom(account))
      throw this.limits.exceeded("responseBytes", `${this.bytes} bytes of responses are still unsent`);
  }
  add(response2, bytes) {
    this.count(response2, bytes);
    if (response2.bytes > bytes || bytes === 0)
      return;
    response2.since = performance.now();
    response2.older = this.newest;
    if (this.newest)
      this.newest.newer = response2;
    else
      this.oldest = response2;
    this.newest = response2;
  }
  remove(response2) {
    if (response2.bytes > 0)
      this.unlink(response2);
    this.count(response2, -response2.bytes);
    if (this.timer && (this.bytes <= this.askAgainAt || this.bytes === 0))
      this.askAgain();
  }
  count(response2, bytes) {
    this.bytes += bytes;
    response2.bytes += bytes;
    const { account } = response2;
    account.unsent += bytes;
    const { parent: address } = account;
    if (!address || bytes === 0)
      return;
    if (address.unsent === 0)
      this.addresses++;
    address.unsent += bytes;
    if (address.unsent === 0)
      this.addresses--;
  }
  unlink(response2) {
    const { older, newer } = response2;
    if (older)
      older.newer = newer;
    else
      this.oldest = newer;
    if (newer)
      newer.older = older;
    else
      this.newest = older;
    response2.older = void 0;
    response2.newer = void 0;
  }
  askAgain() {
    if (this.bytes < this.limits.limits.responseBytes / 2) {
      clearInterval(this.timer);
      this.timer = void 0;
    }
    this.askAgainAt = this.bytes - askAgainShare * this.limits.limits.responseBytes;
    this.onRoom();
  }
  freeRoom() {
    this.endSlow();
    this.askAgain();
  }
  endSlow() {
    const tooOld = performance.now() - unreadMs2;
    const enough = this.limits.limits.responseBytes / 4;
    for (let response2 = this.oldest; response2; response2 = this.oldest) {
      if (response2.since > tooOld || this.bytes <= enough)
        return;
      const what = `the client did not read a response of ${response2.bytes} bytes within 10 s while others waited`;
      response2.end(this.limits.exceeded("responseBytes", what));
      this.remove(response2);
    }
  }
};

// dist/protocol/traffic.js
var TrafficByType = class {
  byType = /* @__PURE__ */ new Map();
  of(typeUrl) {
    let traffic = this.byType.get(typeUrl);
    if (!traffic) {
      traffic = { requests: 0, acks: 0, nacks: 0, responses: 0, resources: 0, bytes: 0 };
      this.byType.set(typeUrl, traffic);
    }
    return traffic;
  }
  all() {
    return this.byType;
  }
};

// dist/server/counters.js
var Counters = class {
  traffic = { sotw: new TrafficByType(), delta: new TrafficByType() };
  streams = /* @__PURE__ */ new Map();
  fetches = /* @__PURE__ */ new Map();
  streamOpened(variant, typeUrl) {
    const key2 = `${variant} ${typeUrl}`;
    const row = this.streams.get(key2);
    if (row)
      row.opened++;
    else
      this.streams.set(key2, { variant, typeUrl, opened: 1 });
  }
  fetched({ typeUrl, transport }, result) {
    const key2 = `${transport} ${result} ${typeUrl}`;
    const row = this.fetches.get(key2);
    if (row)
      row.count++;
    else
      this.fetches.set(key2, { typeUrl, transport, result, count: 1 });
  }
  /** Returns all counts. `open` has the streams that are open now. */
  report(open) {
    const counts = /* @__PURE__ */ new Map();
    for (const { variant, typeUrl } of open) {
      const key2 = `${variant} ${typeUrl}`;
      counts.set(key2, (counts.get(key2) ?? 0) + 1);
    }
    return {
      streams: Array.from(this.streams, ([key2, row]) => ({ ...row, open: counts.get(key2) ?? 0 })),
      traffic: ["sotw", "delta"].flatMap((variant) => Array.from(this.traffic[variant].all(), ([typeUrl, traffic]) => ({ variant, typeUrl, ...traffic }))),
      fetches: Array.from(this.fetches.values(), (row) => ({ ...row }))
    };
  }
};

// dist/server/callbacks.js
function streamEvents(callbacks, variant) {
  const isDelta = variant === "delta";
  const respond = isDelta ? callbacks.onStreamDeltaResponse && ((s, q, r) => callbacks.onStreamDeltaResponse?.(s, q, r)) : callbacks.onStreamResponse && ((s, q, r) => callbacks.onStreamResponse?.(s, q, r));
  return {
    open: (stream) => isDelta ? callbacks.onDeltaStreamOpen?.(stream) : callbacks.onStreamOpen?.(stream),
    closed: (stream) => isDelta ? callbacks.onDeltaStreamClosed?.(stream) : callbacks.onStreamClosed?.(stream),
    request: (stream, request2) => isDelta ? callbacks.onStreamDeltaRequest?.(stream, request2) : callbacks.onStreamRequest?.(stream, request2),
    ...respond && { response: respond },
    ack: (stream, answer2) => callbacks.onStreamAck?.({ ...answer2, stream }),
    nack: (stream, answer2) => callbacks.onStreamNack?.({ ...answer2, stream })
  };
}
async function tellFetched(callbacks, logger, ...[fetch2, request2, response2]) {
  try {
    await callbacks.onFetchResponse?.(fetch2, request2, response2);
  } catch (error) {
    logger.error({ callback: "onFetchResponse", peer: fetch2.peer, error: messageOf(error) }, "a callback failed");
  }
}
var callbackNames = {
  onStreamOpen: true,
  onStreamClosed: true,
  onStreamRequest: true,
  onStreamResponse: true,
  onDeltaStreamOpen: true,
  onDeltaStreamClosed: true,
  onStreamDeltaRequest: true,
  onStreamDeltaResponse: true,
  onFetchRequest: true,
  onFetchResponse: true,
  onClientStatusRequest: true,
  onStreamAck: true,
  onStreamNack: true
};

// dist/server/fetches.js
var Fetches = class {
  host;
  polling;
  constructor(host, polling) {
    this.host = host;
    this.polling = polling;
  }
  /** Answers a unary Fetch call. The answer is always complete, because gRPC has no "not modified". */
  async fetch(type, { caller, signal, read, write: write2 }) {
    const { queue } = this.host;
    const asked = await queue.finish(caller.account, inOneStep(read), signal);
    const info = { typeUrl: type.typeUrl, ...callerOf(caller), transport: "grpc" };
    const response2 = await this.answer(info, type, { ...asked, versionInfo: "" }, caller.account, signal);
    return queue.finish(caller.account, write2(response2), signal);
  }
  /** Answers a REST request. Returns undefined if the client has the served version already. */
  async poll(type, { caller, signal, read, write: write2 }) {
    const { queue } = this.host;
    const asked = await queue.finish(caller.account, inOneStep(read), signal);
    const info = { typeUrl: type.typeUrl, ...callerOf(caller), transport: "rest" };
    const response2 = await this.answer(info, type, asked, caller.account, signal);
    const { polling } = this;
    const finish = function* () {
      if (asked.node)
        polling.polled(type, asked.node, asked, caller.peer, response2);
      return response2 && (yield* write2(response2));
    };
    return queue.finish(caller.account, finish(), signal);
  }
  async answer(info, type, asked, account, signal) {
    const { cache, callbacks, logger, queue, limits, unsent, permissions, counts } = this.host;
    let result = "refused";
    try {
      if (!this.host.isListening())
        throw new XdsError("DRAINING", "the server is shutting down; try again elsewhere");
      const node3 = asked.node ?? this.host.anonymous();
      if (!node3)
        throw new XdsError("INVALID_REQUEST", "the request needs a node");
      if (info.transport === "grpc")
        checkService(type, asked.typeUrl || type.typeUrl);
      limits.checkNames(asked.resourceNames.length, type.typeUrl);
      checkLengths(asked.resourceNames);
      unsent.check(account);
      await permissions.permit(info.transport === "rest" ? "rest" : "fetch", info, node3);
      const request2 = { ...asked, node: node3, typeUrl: type.typeUrl };
      await callbacks.onFetchRequest?.(info, request2);
      const response2 = await queue.finish(account, fetchOnce(cache, type, node3, info, request2), signal);
      result = response2 ? "answered" : "not_modified";
      if (response2)
        await tellFetched(callbacks, logger, info, request2, response2);
      return response2;
    } finally {
      counts.fetched(info, result);
    }
  }
};

// dist/http2/request-headers.js
var MalformedRequest = class extends Error {
  name = "MalformedRequest";
};
function fieldOf({ fields }, name3) {
  for (let i = 0; i < fields.length; i += 2)
    if (fields[i] === name3)
      return fields[i + 1];
  return void 0;
}
var fieldName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
var badValue = /[\0\r\n]|^[ \t]|[ \t]$/;
var ofConnections = /* @__PURE__ */ new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
function requestHeadersOf(all) {
  const pseudo = {};
  const fields = [];
  let contentLength;
  for (let i = 0; i < all.length; i += 2) {
    const name3 = all[i];
    const value = all[i + 1];
    if (name3.startsWith(":")) {
      takePseudo(pseudo, name3, value, fields.length > 0);
      continue;
    }
    checkField(name3, value);
    if (name3 === "content-length")
      contentLength = lengthOf(value, contentLength);
    fields.push(name3, value);
  }
  const { ":method": method, ":scheme": scheme, ":path": path, ":authority": authority = "" } = pseudo;
  if (!method || !scheme || !path)
    throw new MalformedRequest("a request needs :method, :scheme and :path");
  return { method, scheme, path, authority, contentLength, fields };
}
function checkTrailers(fields) {
  for (let i = 0; i < fields.length; i += 2) {
    const name3 = fields[i];
    if (name3.startsWith(":"))
      throw new MalformedRequest(`${name3} in the trailers`);
    checkField(name3, fields[i + 1]);
  }
}
var pseudoNames = /* @__PURE__ */ new Set([":method", ":scheme", ":path", ":authority"]);
function takePseudo(pseudo, name3, value, isLate) {
  if (!pseudoNames.has(name3))
    throw new MalformedRequest(`a request has no ${quoted(name3)}`);
  if (isLate)
    throw new MalformedRequest(`${name3} stands after a regular field`);
  if (pseudo[name3] !== void 0)
    throw new MalformedRequest(`${name3} stands twice`);
  if (badValue.test(value))
    throw new MalformedRequest(`${name3} has a character that is not allowed`);
  pseudo[name3] = value;
}
function checkField(name3, value) {
  if (!fieldName.test(name3))
    throw new MalformedRequest(`${quoted(name3)} is not the name of a field`);
  if (badValue.test(value))
    throw new MalformedRequest(`${name3} has a character that is not allowed`);
  if (ofConnections.has(name3))
    throw new MalformedRequest(`${name3} is not allowed in HTTP/2`);
  if (name3 === "te" && value !== "trailers")
    throw new MalformedRequest("te may only be trailers");
}
function lengthOf(value, before) {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : void 0;
  if (length === void 0 || before !== void 0 && before !== length)
    throw new MalformedRequest("content-length is not one number");
  return length;
}
var quoted = (name3) => JSON.stringify(name3.slice(0, 100));

// dist/http2/server.js
import { createServer as createServer2 } from "node:net";
import { createServer as createTlsServer } from "node:tls";

// dist/http2/errors.js
var errorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13
};
var ConnectionError = class extends Error {
  code;
  name = "ConnectionError";
  constructor(code, message) {
    super(message);
    this.code = code;
  }
};
var StreamError = class extends Error {
  streamId;
  code;
  name = "StreamError";
  constructor(streamId, code, message) {
    super(message);
    this.streamId = streamId;
    this.code = code;
  }
};
var protocolError = (message) => new ConnectionError(errorCode.PROTOCOL_ERROR, message);
var frameSizeError = (message) => new ConnectionError(errorCode.FRAME_SIZE_ERROR, message);
var flowControlError = (message) => new ConnectionError(errorCode.FLOW_CONTROL_ERROR, message);
var compressionError = (message) => new ConnectionError(errorCode.COMPRESSION_ERROR, message);

// dist/http2/frames.js
var frameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9
};
var flag = { ACK: 1, END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 };
var frameHeaderBytes = 9;
var maxPayload = 16384;
var initialWindow = 65535;
var largestWindow = 2 ** 31 - 1;
var clientPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
function putFrameHeader(out, at, length, type, flags, streamId) {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  out[at + 5] = streamId >>> 24;
  out[at + 6] = streamId >>> 16;
  out[at + 7] = streamId >>> 8;
  out[at + 8] = streamId;
}
function frame(type, flags, streamId, payload) {
  const out = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  putFrameHeader(out, 0, payload.length, type, flags, streamId);
  out.set(payload, frameHeaderBytes);
  return out;
}
function numberFrame(type, streamId, value) {
  const out = Buffer.allocUnsafe(frameHeaderBytes + 4);
  putFrameHeader(out, 0, 4, type, 0, streamId);
  out.writeUInt32BE(value, frameHeaderBytes);
  return out;
}
var rstStream = (streamId, code) => numberFrame(frameType.RST_STREAM, streamId, code);
var windowUpdate = (streamId, increment) => numberFrame(frameType.WINDOW_UPDATE, streamId, increment);
var settingsAck = frame(frameType.SETTINGS, flag.ACK, 0, Buffer.alloc(0));
var ping = (payload) => frame(frameType.PING, 0, 0, payload);
var pingAck = (payload) => frame(frameType.PING, flag.ACK, 0, payload);
function goAway(lastStreamId, code, debug = "") {
  const text2 = Buffer.from(debug, "utf8");
  const payload = Buffer.allocUnsafe(8 + text2.length);
  payload.writeUInt32BE(lastStreamId, 0);
  payload.writeUInt32BE(code, 4);
  payload.set(text2, 8);
  return frame(frameType.GOAWAY, 0, 0, payload);
}
function headerFrames(streamId, block, isEnd) {
  const end = isEnd ? flag.END_STREAM : 0;
  if (block.length <= maxPayload)
    return frame(frameType.HEADERS, end | flag.END_HEADERS, streamId, block);
  const frames = [frame(frameType.HEADERS, end, streamId, block.subarray(0, maxPayload))];
  for (let at = maxPayload; at < block.length; at += maxPayload) {
    const isLast = at + maxPayload >= block.length;
    const part = block.subarray(at, at + maxPayload);
    frames.push(frame(frameType.CONTINUATION, isLast ? flag.END_HEADERS : 0, streamId, part));
  }
  return Buffer.concat(frames);
}

// dist/http2/departure.js
var shutdownPing = Buffer.from("shutdown", "latin1");
var goAwayMs = 1e3;
var Departure = class {
  outbox;
  connection;
  /**
   * The last stream id that a GOAWAY frame has named. It may not grow (RFC 9113, section 6.8), although more streams
   * are refused.
   */
  lastId = largestWindow;
  // the highest stream id
  state = "no";
  timer;
  constructor(outbox, connection) {
    this.outbox = outbox;
    this.connection = connection;
  }
  /** Whether new streams are refused. The connection ends with its last stream. */
  get isRefusing() {
    return this.state === "refusing";
  }
  /** Asks the client to open no more streams. Streams that come before its answer are served. */
  announce() {
    if (this.state !== "no")
      return;
    this.state = "announced";
    this.outbox.put(goAway(this.lastId, errorCode.NO_ERROR));
    this.outbox.put(ping(shutdownPing));
    this.timer = setTimeout(() => this.refuse(), goAwayMs).unref();
  }
  /** The last stream has closed. Ends the connection once the rest of the answer has left. */
  whenSent() {
    this.outbox.afterSent(() => this.connection.end());
  }
  /** The client has answered a PING. */
  pinged(payload) {
    if (payload.equals(shutdownPing))
      this.refuse();
  }
  /** The connection has ended. */
  stop() {
    clearTimeout(this.timer);
    this.state = "refusing";
  }
  refuse() {
    if (this.state !== "announced")
      return;
    this.state = "refusing";
    clearTimeout(this.timer);
    const { streams: streams2 } = this.connection;
    this.lastId = streams2.lastId;
    if (streams2.size === 0)
      this.whenSent();
    else
      this.outbox.put(goAway(this.lastId, errorCode.NO_ERROR));
  }
};

// dist/http2/frame-budget.js
var answersPerFrame = 2;
var bytesPerAnswer = 1024;
var maxEarned = 1e5;
var FrameBudget = class {
  perSecond;
  handler;
  control;
  answers;
  /** How many more PING and WINDOW_UPDATE frames our DATA allows. */
  earned = 0;
  constructor(perSecond, handler) {
    this.perSecond = perSecond;
    this.handler = handler;
  }
  /**
   * Counts a control frame.
   * @throws ConnectionError ENHANCE_YOUR_CALM if there were too many
   */
  takeControl() {
    this.control ??= new TokenBucket(this.perSecond);
    if (!this.control.take())
      this.refuse("RST_STREAM, SETTINGS, PRIORITY, empty DATA or refused HEADERS");
  }
  /**
   * Counts a PING or WINDOW_UPDATE frame.
   * @throws ConnectionError ENHANCE_YOUR_CALM if there were too many
   */
  takeAnswer() {
    if (this.earned >= 1) {
      this.earned--;
      return;
    }
    this.answers ??= new TokenBucket(this.perSecond);
    if (!this.answers.take())
      this.refuse("PING or WINDOW_UPDATE");
  }
  /** A DATA frame was sent. */
  dataSent(bytes) {
    this.earned = Math.min(maxEarned, this.earned + answersPerFrame + bytes / bytesPerAnswer);
  }
  /** The client makes us send answers and does not read them. */
  overflow() {
    this.handler.limitHit("controlFrames");
  }
  refuse(what) {
    this.handler.limitHit("controlFrames");
    throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, `too many ${what} frames`);
  }
};

// dist/http2/frame-reader.js
var FrameReader = class {
  taker;
  /** The beginning of a frame: the header, then a buffer for the whole frame once its length is known. */
  partial;
  filled = 0;
  isStopped = false;
  constructor(taker) {
    this.taker = taker;
  }
  /**
   * Takes the next bytes.
   * @throws ConnectionError FRAME_SIZE_ERROR, and what the taker throws
   */
  read(chunk) {
    let at = 0;
    while (this.partial) {
      const { partial } = this;
      const count = Math.min(partial.length - this.filled, chunk.length - at);
      chunk.copy(partial, this.filled, at, at + count);
      this.filled += count;
      at += count;
      if (this.filled < partial.length)
        return;
      const length = lengthAt(partial, 0);
      if (partial.length < frameHeaderBytes + length) {
        this.partial = Buffer.allocUnsafe(frameHeaderBytes + length);
        partial.copy(this.partial);
        continue;
      }
      this.partial = void 0;
      this.takeAt(partial, 0, length);
    }
    while (at < chunk.length && !this.isStopped) {
      const isHeaderThere = chunk.length - at >= frameHeaderBytes;
      const length = isHeaderThere ? lengthAt(chunk, at) : 0;
      const end = at + frameHeaderBytes + length;
      if (end > chunk.length) {
        this.partial = Buffer.allocUnsafe(frameHeaderBytes + length);
        this.filled = chunk.copy(this.partial, 0, at);
        return;
      }
      this.takeAt(chunk, at, length);
      at = end;
    }
  }
  /** A frame has begun and is not complete. */
  get isInMiddle() {
    return this.partial !== void 0;
  }
  /** Takes no more frames, not even the rest of the current bytes. */
  stop() {
    this.isStopped = true;
    this.partial = void 0;
  }
  takeAt(bytes, at, length) {
    const payload = bytes.subarray(at + frameHeaderBytes, at + frameHeaderBytes + length);
    const streamId = bytes.readUInt32BE(at + 5) & 2147483647;
    this.taker.frame(bytes[at + 3], bytes[at + 4], streamId, payload);
  }
};
function lengthAt(bytes, at) {
  const length = bytes.readUIntBE(at, 3);
  if (length > maxPayload)
    throw frameSizeError(`a frame of ${length} bytes; ${maxPayload} are allowed`);
  return length;
}

// dist/http2/settings.js
var setting = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6
};
var bytesOfOne = 6;
var largestValue = 2 ** 32 - 1;
function settingsFrame(settings) {
  const all = [...settings];
  const payload = Buffer.alloc(all.length * bytesOfOne);
  for (const [i, [id, value]] of all.entries()) {
    payload.writeUInt16BE(id, i * bytesOfOne);
    payload.writeUInt32BE(Math.min(value, largestValue), i * bytesOfOne + 2);
  }
  return frame(frameType.SETTINGS, 0, 0, payload);
}
var ClientSettings = class {
  tableBytes = 4096;
  /** @throws ConnectionError for a value that is not allowed */
  read(payload) {
    if (payload.length % bytesOfOne !== 0)
      throw frameSizeError(`SETTINGS of ${payload.length} bytes`);
    let sendWindow;
    let isTableSmaller = false;
    for (let at = 0; at < payload.length; at += bytesOfOne) {
      const id = payload.readUInt16BE(at);
      const value = payload.readUInt32BE(at + 2);
      check(id, value);
      if (id === setting.INITIAL_WINDOW_SIZE)
        sendWindow = value;
      if (id !== setting.HEADER_TABLE_SIZE)
        continue;
      isTableSmaller ||= value < this.tableBytes;
      this.tableBytes = value;
    }
    return { sendWindow, isTableSmaller };
  }
};
function check(id, value) {
  if (id === setting.ENABLE_PUSH && value > 1)
    throw protocolError(`SETTINGS_ENABLE_PUSH is 0 or 1, not ${value}`);
  if (id === setting.MAX_FRAME_SIZE && (value < maxPayload || value >= 2 ** 24))
    throw protocolError(`SETTINGS_MAX_FRAME_SIZE is from ${maxPayload} to ${2 ** 24 - 1}, not ${value}`);
  if (id === setting.INITIAL_WINDOW_SIZE && value > largestWindow)
    throw flowControlError(`SETTINGS_INITIAL_WINDOW_SIZE is ${largestWindow} at most`);
}
function checkSettingsAck(payload) {
  if (payload.length > 0)
    throw new ConnectionError(errorCode.FRAME_SIZE_ERROR, "a SETTINGS ACK has no payload");
}

// dist/http2/greeting.js
var receiveWindow = 1 << 20;
var greetings = /* @__PURE__ */ new WeakMap();
function greetingOf(limits) {
  const known2 = greetings.get(limits);
  if (known2)
    return known2;
  const settings = settingsFrame([
    [setting.MAX_CONCURRENT_STREAMS, limits.streams],
    [setting.MAX_HEADER_LIST_SIZE, limits.headerBytes]
  ]);
  const greeting = Buffer.concat([settings, windowUpdate(0, receiveWindow - initialWindow)]);
  greetings.set(limits, greeting);
  return greeting;
}

// dist/http2/header-block.js
function withoutPadding(payload, flags) {
  if ((flags & flag.PADDED) === 0)
    return payload;
  const padding = payload[0];
  if (padding === void 0 || padding >= payload.length)
    throw protocolError("a frame has more padding than payload");
  return payload.subarray(1, payload.length - padding);
}
function readPriority(payload, streamId) {
  if (payload.length < priorityBytes)
    throw protocolError("a HEADERS frame is too short for its priority");
  return (payload.readUInt32BE(0) & 2147483647) === streamId;
}
var priorityBytes = 5;
var HeaderBlockReader = class {
  maxBytes;
  maxContinuations;
  handler;
  open;
  continuations = 0;
  constructor(maxBytes4, maxContinuations, handler) {
    this.maxBytes = maxBytes4;
    this.maxContinuations = maxContinuations;
    this.handler = handler;
  }
  /** The stream whose block is unfinished. No other frame may come before the block's end. */
  get openStreamId() {
    return this.open?.streamId;
  }
  /**
   * Takes a HEADERS frame. Returns the block if it is complete.
   * @throws ConnectionError for a frame that breaks a rule
   */
  headers(streamId, flags, payload) {
    let fragment = withoutPadding(payload, flags);
    let dependsOnItself = false;
    if (flags & flag.PRIORITY) {
      dependsOnItself = readPriority(fragment, streamId);
      fragment = fragment.subarray(priorityBytes);
    }
    const isEnd = (flags & flag.END_STREAM) !== 0;
    const block = { streamId, isEnd, dependsOnItself, fragments: [fragment], bytes: fragment.length };
    if (flags & flag.END_HEADERS)
      return block;
    block.fragments[0] = Buffer.from(fragment);
    this.open = block;
    this.continuations = 0;
    return void 0;
  }
  /**
   * Takes a CONTINUATION frame. Returns the block if it is complete.
   * @throws ConnectionError for a frame that breaks a rule or exceeds a limit
   */
  continuation(streamId, flags, payload) {
    const { open } = this;
    if (open?.streamId !== streamId)
      throw protocolError("a CONTINUATION frame without a HEADERS frame before it");
    if (++this.continuations > this.maxContinuations) {
      this.handler.limitHit("continuations");
      throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, "too many CONTINUATION frames in a header block");
    }
    open.bytes += payload.length;
    if (open.bytes > this.maxBytes) {
      this.handler.limitHit("headerBytes");
      throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, "a header block is too large");
    }
    open.fragments.push(Buffer.from(payload));
    if ((flags & flag.END_HEADERS) === 0)
      return void 0;
    this.open = void 0;
    return open;
  }
};

// dist/http2/hpack/huffman.js
var codeLengths = [
  13,
  23,
  28,
  28,
  28,
  28,
  28,
  28,
  28,
  24,
  30,
  28,
  28,
  30,
  28,
  28,
  28,
  28,
  28,
  28,
  28,
  28,
  30,
  28,
  28,
  28,
  28,
  28,
  28,
  28,
  28,
  28,
  6,
  10,
  10,
  12,
  13,
  6,
  8,
  11,
  10,
  10,
  8,
  11,
  8,
  6,
  6,
  6,
  5,
  5,
  5,
  6,
  6,
  6,
  6,
  6,
  6,
  6,
  7,
  8,
  15,
  6,
  12,
  10,
  13,
  6,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  7,
  8,
  7,
  8,
  13,
  19,
  13,
  14,
  6,
  15,
  5,
  6,
  5,
  6,
  5,
  6,
  6,
  6,
  5,
  7,
  7,
  6,
  6,
  6,
  5,
  6,
  7,
  6,
  5,
  5,
  6,
  7,
  7,
  7,
  7,
  7,
  15,
  11,
  14,
  13,
  28,
  20,
  22,
  20,
  20,
  22,
  22,
  22,
  23,
  22,
  23,
  23,
  23,
  23,
  23,
  24,
  23,
  24,
  24,
  22,
  23,
  24,
  23,
  23,
  23,
  23,
  21,
  22,
  23,
  22,
  23,
  23,
  24,
  22,
  21,
  20,
  22,
  22,
  23,
  23,
  21,
  23,
  22,
  22,
  24,
  21,
  22,
  23,
  23,
  21,
  21,
  22,
  21,
  23,
  22,
  23,
  23,
  20,
  22,
  22,
  22,
  23,
  22,
  22,
  23,
  26,
  26,
  20,
  19,
  22,
  23,
  22,
  25,
  26,
  26,
  26,
  27,
  27,
  26,
  24,
  25,
  19,
  21,
  26,
  27,
  27,
  26,
  27,
  24,
  21,
  21,
  26,
  26,
  28,
  27,
  27,
  27,
  20,
  24,
  20,
  21,
  22,
  21,
  21,
  23,
  22,
  22,
  25,
  25,
  24,
  24,
  26,
  23,
  26,
  27,
  26,
  26,
  27,
  27,
  27,
  27,
  27,
  28,
  27,
  27,
  27,
  27,
  27,
  26,
  30
];
var eos = 256;
function codeTree() {
  const root = [-1, -1];
  const order = codeLengths.map((_, symbol) => symbol).sort((a, b) => lengthOf2(a) - lengthOf2(b) || a - b);
  let code = 0;
  let bits = 0;
  for (const symbol of order) {
    code *= 2 ** (lengthOf2(symbol) - bits);
    bits = lengthOf2(symbol);
    let node3 = root;
    for (let bit = bits - 1; bit > 0; bit--) {
      const side = code >>> bit & 1;
      const next = node3[side];
      if (typeof next === "object")
        node3 = next;
      else {
        const made = [-1, -1];
        node3[side] = made;
        node3 = made;
      }
    }
    node3[code & 1] = symbol;
    code++;
  }
  return root;
}
var lengthOf2 = (symbol) => codeLengths[symbol] ?? 0;
function buildMachine() {
  const root = codeTree();
  const nodes = [root];
  for (const node3 of nodes)
    for (const next of node3)
      if (typeof next === "object")
        nodes.push(next);
  const stateOf = new Map(nodes.map((node3, state) => [node3, state]));
  const machine2 = {
    next: new Int16Array(nodes.length * 16),
    symbol: new Int16Array(nodes.length * 16).fill(-1),
    mayEnd: new Uint8Array(nodes.length)
  };
  for (const [state, start] of nodes.entries())
    for (let bits = 0; bits < 16; bits++) {
      const at = state * 16 + bits;
      let node3 = start;
      for (let bit = 3; bit >= 0; bit--) {
        const next = node3[bits >>> bit & 1];
        if (typeof next === "object")
          node3 = next;
        else {
          node3 = root;
          machine2.symbol[at] = next;
        }
      }
      machine2.next[at] = machine2.symbol[at] === eos ? -1 : stateOf.get(node3) ?? 0;
    }
  let padding = root;
  for (let ones = 0; ones <= 7 && typeof padding === "object"; ones++) {
    machine2.mayEnd[stateOf.get(padding) ?? 0] = 1;
    padding = padding[1];
  }
  return machine2;
}
var machine;
function decodeHuffman(bytes) {
  machine ??= buildMachine();
  const { next, symbol, mayEnd } = machine;
  const out = Buffer.allocUnsafe(Math.ceil(bytes.length * 8 / 5));
  let length = 0;
  let state = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    for (let shift = 4; shift >= 0; shift -= 4) {
      const at = state * 16 + (byte >>> shift & 15);
      state = next[at];
      if (state < 0)
        throw compressionError("a Huffman code has EOS in it");
      const found = symbol[at];
      if (found >= 0)
        out[length++] = found;
    }
  }
  if (mayEnd[state] === 0)
    throw compressionError("a Huffman code ends in the middle of a symbol");
  return out.toString("latin1", 0, length);
}

// dist/http2/hpack/decoder.js
var entryOverhead = 32;
var largest = 2 ** 24;
var HpackDecoder = class {
  tableBytes;
  listBytes;
  /** Newest last. */
  dynamic = [];
  dynamicBytes = 0;
  capacity;
  block = nothing3;
  at = 0;
  /**
   * @param tableBytes the most that the dynamic table may have, as announced in SETTINGS_HEADER_TABLE_SIZE
   * @param listBytes the most that a header list may have, as announced in SETTINGS_MAX_HEADER_LIST_SIZE
   */
  constructor(tableBytes2, listBytes) {
    this.tableBytes = tableBytes2;
    this.listBytes = listBytes;
    this.capacity = tableBytes2;
  }
  /**
   * Decodes a block. Returns undefined if the list is larger than allowed; the next block can be decoded all the same.
   * @throws ConnectionError COMPRESSION_ERROR
   */
  decode(block) {
    this.block = block;
    this.at = 0;
    const fields = [];
    let bytes = 0;
    let mayResize = true;
    while (this.at < block.length) {
      const first = block[this.at];
      if ((first & 224) === 32) {
        if (!mayResize)
          throw compressionError("a table size update after the first header field");
        this.resize(this.integer(5));
        continue;
      }
      mayResize = false;
      const entry = this.entry(first);
      bytes += sizeOf2(entry);
      if (bytes <= this.listBytes)
        fields.push(entry.name, entry.value);
    }
    this.block = nothing3;
    return bytes <= this.listBytes ? fields : void 0;
  }
  entry(first) {
    if (first & 128)
      return this.lookUp(this.integer(7));
    const isIndexed = (first & 64) !== 0;
    const index = this.integer(isIndexed ? 6 : 4);
    const name3 = index === 0 ? this.string() : this.lookUp(index).name;
    const entry = { name: name3, value: this.string() };
    if (isIndexed)
      this.add(entry);
    return entry;
  }
  lookUp(index) {
    if (index > 0 && index <= staticEntries.length)
      return staticEntries[index - 1];
    const entry = this.dynamic[this.dynamic.length - (index - staticEntries.length)];
    if (index === 0 || !entry)
      throw compressionError(`there is no header field of index ${index}`);
    return entry;
  }
  add(entry) {
    this.dynamicBytes += sizeOf2(entry);
    this.dynamic.push(entry);
    this.evict();
  }
  resize(capacity) {
    if (capacity > this.tableBytes)
      throw compressionError(`a table size of ${capacity} bytes; ${this.tableBytes} are allowed`);
    this.capacity = capacity;
    this.evict();
  }
  evict() {
    while (this.dynamicBytes > this.capacity)
      this.dynamicBytes -= sizeOf2(this.dynamic.shift());
  }
  /** An integer with a prefix of `prefix` bits (5.1). */
  integer(prefix) {
    const mask = 2 ** prefix - 1;
    let value = this.byte() & mask;
    if (value < mask)
      return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (value > largest)
        throw compressionError("an integer is too large");
      if (byte < 128)
        return value;
      if (factor > largest)
        throw compressionError("an integer has too many bytes");
    }
  }
  /** A string literal (5.2). */
  string() {
    const isHuffman = ((this.block[this.at] ?? 0) & 128) !== 0;
    const length = this.integer(7);
    const end = this.at + length;
    if (end > this.block.length)
      throw compressionError("a header block ends in the middle of a string");
    const bytes = this.block.subarray(this.at, end);
    this.at = end;
    return isHuffman ? decodeHuffman(bytes) : bytes.toString("latin1");
  }
  byte() {
    const byte = this.block[this.at++];
    if (byte === void 0)
      throw compressionError("a header block ends in the middle of a header field");
    return byte;
  }
};
var nothing3 = Buffer.alloc(0);
var staticEntries = staticTable.map(([name3, value]) => ({ name: name3, value }));
var sizeOf2 = ({ name: name3, value }) => name3.length + value.length + entryOverhead;

// dist/http2/header-frames.js
var tableBytes = 4096;
var blockFactor = 4;
var HeaderFrames = class {
  streams;
  handler;
  limits;
  budget;
  departure;
  blocks;
  hpack;
  constructor(streams2, handler, limits, budget, departure) {
    this.streams = streams2;
    this.handler = handler;
    this.limits = limits;
    this.budget = budget;
    this.departure = departure;
    this.hpack = new HpackDecoder(tableBytes, limits.headerBytes);
    this.blocks = new HeaderBlockReader(blockFactor * limits.headerBytes, limits.continuations, handler);
  }
  /** The stream whose header block is unfinished. No other frame may come before the block's end. */
  get openStreamId() {
    return this.blocks.openStreamId;
  }
  /** @throws ConnectionError, StreamError, and what the handler throws */
  headers(id, flags, payload) {
    this.streams.get(id);
    this.block(this.blocks.headers(id, flags, payload));
  }
  /** @throws as {@link headers} */
  continuation(id, flags, payload) {
    this.block(this.blocks.continuation(id, flags, payload));
  }
  block(block) {
    if (!block)
      return;
    const { streamId, fragments } = block;
    const fields = this.hpack.decode(fragments.length === 1 ? fragments[0] : Buffer.concat(fragments));
    const stream = this.streams.get(streamId);
    try {
      if (stream)
        this.trailers(stream, block, fields);
      else if (streamId <= this.streams.lastId)
        this.streams.late(streamId, "HEADERS");
      else
        this.open(block, fields && requestHeadersOf(fields));
    } catch (error) {
      if (!(error instanceof MalformedRequest))
        throw error;
      this.budget.takeControl();
      this.streams.refuse(streamId, errorCode.PROTOCOL_ERROR);
    }
  }
  trailers(stream, { isEnd, streamId }, fields) {
    stream.mustReceive("HEADERS");
    if (!isEnd)
      throw new StreamError(streamId, errorCode.PROTOCOL_ERROR, "HEADERS in the middle of a request");
    if (fields)
      checkTrailers(fields);
    stream.endRemote();
  }
  open({ streamId, isEnd, dependsOnItself }, headers) {
    const { streams: streams2, handler } = this;
    if (dependsOnItself)
      throw new MalformedRequest("a stream depends on itself");
    if (isEnd && headers?.contentLength)
      throw new MalformedRequest("a request without a body has a content-length");
    const isFull = streams2.size >= this.limits.streams;
    if (isFull)
      handler.limitHit("streams");
    if (isFull)
      this.budget.takeControl();
    if (isFull || this.departure.isRefusing)
      streams2.refuse(streamId, errorCode.REFUSED_STREAM);
    else {
      if (!headers)
        handler.limitHit("headerBytes");
      const stream = streams2.add(streamId, headers?.contentLength, isEnd);
      stream.start(handler.request(stream, headers));
    }
  }
};

// dist/http2/outgoing.js
function outgoing(parts, isEnd, trailers2, done) {
  let left = 0;
  for (const part of parts)
    left += part.length;
  return { parts, left, part: 0, at: 0, isEnd, trailers: trailers2, done };
}
var copiedBelow = 4096;
function putBytes(message, count, out, filled, buffers) {
  let wanted = count;
  while (wanted > 0) {
    const part = message.parts[message.part];
    const length = Math.min(part.length - message.at, wanted);
    if (length < copiedBelow) {
      out.set(length === part.length ? part : part.subarray(message.at, message.at + length), filled);
      filled += length;
    } else {
      if (filled > 0)
        buffers.push(out.subarray(0, filled));
      out = out.subarray(filled);
      filled = 0;
      buffers.push(Buffer.from(part.buffer, part.byteOffset + message.at, length));
    }
    message.at += length;
    wanted -= length;
    if (message.at === part.length) {
      message.part++;
      message.at = 0;
    }
  }
  message.left -= count;
  if (filled > 0)
    buffers.push(out);
}
function copiedBytes({ parts, part, at }, count) {
  let bytes = 0;
  let from = at;
  for (let i = part; count > 0; i++) {
    const length = Math.min(parts[i].length - from, count);
    if (length < copiedBelow)
      bytes += length;
    count -= length;
    from = 0;
  }
  return bytes;
}

// dist/http2/outbox.js
var wireBytes = 256 << 10;
var controlBytes = 256 << 10;
var Outbox = class {
  wire;
  budget;
  /** How many bytes of DATA the client still takes on the whole connection. */
  window = initialWindow;
  /** Bytes that the wire has and that have not left. */
  inWire = 0;
  /** How many writes have left for the kernel. */
  writesDone = 0;
  buffers = [];
  bytes = 0;
  /** Called when the bytes in `buffers` have left. `flying`: the same for the write before. */
  dones = [];
  flying = [];
  /** Streams that wait for the connection, or for the streams before them. */
  blocked = /* @__PURE__ */ new Set();
  mustResizeTable = false;
  isScheduled = false;
  isClosed = false;
  constructor(wire, budget) {
    this.wire = wire;
    this.budget = budget;
  }
  /** Bytes that wait for the socket. */
  get unsent() {
    return this.inWire + this.bytes;
  }
  /** The next header block will say that our dynamic table is empty (RFC 9113, section 4.3.1). */
  resizeTable() {
    this.mustResizeTable = true;
  }
  /** Sends a header block. */
  putHeaders(streamId, block, isEnd) {
    this.put(headerFrames(streamId, this.mustResizeTable ? Buffer.concat([emptyTable, block]) : block, isEnd));
    this.mustResizeTable = false;
  }
  /** Sends a control frame. */
  put(frame2) {
    if (this.isClosed)
      return;
    this.buffers.push(frame2);
    this.bytes += frame2.length;
    this.schedule();
    if (this.unsent <= wireBytes + maxPayload + controlBytes)
      return;
    this.isClosed = true;
    this.budget.overflow();
    this.wire.destroy();
  }
  /** A stream has more to send, or may send more than before. */
  ready(stream) {
    if (this.blocked.size > 0 && !isFree(stream.next()))
      this.blocked.add(stream);
    else
      while (this.sendFrame(stream) === "sent")
        ;
  }
  /** A stream will not send any more. */
  remove(stream) {
    this.blocked.delete(stream);
  }
  /**
   * The client takes `bytes` more bytes.
   * @throws ConnectionError FLOW_CONTROL_ERROR if the window gets too large
   */
  widen(bytes) {
    this.window += bytes;
    if (this.window > largestWindow)
      throw flowControlError("the connection's window is too large");
    this.unblock();
  }
  /** Calls `done` when everything that was put so far has left. */
  afterSent(done) {
    if (this.bytes > 0)
      this.dones.push(done);
    else if (this.inWire > 0)
      this.flying.push(done);
    else
      done();
  }
  /** Sends what is there, and then closes. */
  end() {
    this.flush();
    this.isClosed = true;
    this.wire.end();
  }
  /** The wire has closed. */
  closed() {
    this.isClosed = true;
    this.blocked.clear();
    this.buffers = [];
    this.bytes = 0;
    const { dones } = this;
    this.dones = [];
    for (const done of dones)
      done();
  }
  unblock() {
    let isShut = false;
    for (const stream of this.blocked) {
      if (isShut && !isFree(stream.next()))
        continue;
      const result = this.sendFrame(stream);
      if (result === "full")
        return;
      if (result === "shut") {
        isShut = true;
        continue;
      }
      this.blocked.delete(stream);
      if (result === "sent" && stream.next())
        this.blocked.add(stream);
    }
  }
  /**
   * Frames a piece of a stream's next message. "full": the wire takes no more; "shut": the connection's window is 0;
   * "waits": there is nothing, or the stream's own window is 0.
   */
  sendFrame(stream) {
    const message = stream.next();
    if (!message || this.isClosed)
      return "waits";
    const most = Math.min(message.left, maxPayload, stream.sendWindow);
    if (most <= 0 && message.left > 0)
      return "waits";
    if (this.unsent >= wireBytes) {
      this.blocked.add(stream);
      return "full";
    }
    if (message.left > 0) {
      const count = Math.min(most, this.window);
      if (count <= 0) {
        this.blocked.add(stream);
        return "shut";
      }
      this.putData(stream, message, count);
      if (message.left > 0)
        return "sent";
    } else if (!message.trailers)
      this.putData(stream, message, 0);
    this.putEnd(stream, message);
    for (let next = stream.next(); isFree(next) && this.unsent < wireBytes && !this.isClosed; next = stream.next()) {
      if (!next.trailers)
        this.putData(stream, next, 0);
      this.putEnd(stream, next);
    }
    return "sent";
  }
  /** A message is completely in frames: adds its trailers, and ends it. */
  putEnd(stream, { trailers: trailers2, done }) {
    if (trailers2)
      this.putHeaders(stream.id, trailers2, true);
    if (done)
      this.dones.push(done);
    stream.framed();
  }
  putData(stream, message, count) {
    const isEnd = message.isEnd && !message.trailers && count === message.left;
    const out = Buffer.allocUnsafe(frameHeaderBytes + copiedBytes(message, count));
    putFrameHeader(out, 0, count, frameType.DATA, isEnd ? flag.END_STREAM : 0, stream.id);
    putBytes(message, count, out, frameHeaderBytes, this.buffers);
    stream.sendWindow -= count;
    this.window -= count;
    this.bytes += frameHeaderBytes + count;
    this.budget.dataSent(count);
    this.schedule();
  }
  schedule() {
    if (this.isScheduled)
      return;
    this.isScheduled = true;
    process.nextTick(flushOutbox, this);
  }
  /** Gives the wire everything that is there. */
  flush() {
    this.isScheduled = false;
    if (this.bytes === 0 || this.isClosed)
      return;
    const { buffers, bytes, dones } = this;
    this.buffers = [];
    this.dones = [];
    this.flying = dones;
    this.bytes = 0;
    this.inWire += bytes;
    this.wire.write(buffers, () => this.left(bytes, dones));
  }
  left(bytes, dones) {
    this.inWire -= bytes;
    this.writesDone++;
    for (const done of dones)
      done();
    if (this.blocked.size > 0)
      this.unblock();
  }
};
var isFree = (message) => message?.left === 0;
var emptyTable = Buffer.of(32);
var flushOutbox = (outbox) => outbox.flush();

// dist/http2/preface.js
function readPreface(bytes) {
  const length = Math.min(bytes.length, clientPreface.length);
  if (bytes.subarray(0, length).equals(clientPreface.subarray(0, length)))
    return length === clientPreface.length ? "preface" : "more";
  if (bytes[0] === 22 && (bytes[1] ?? 3) === 3)
    return "TLS";
  if (bytes.length < longestLine && /^[A-Z]{1,20}( [^\r\n]*)?\r?$/.test(bytes.toString("latin1")))
    return "more";
  return /^[A-Z]+ \S+ HTTP\/1\.[01]\r?$/m.test(bytes.subarray(0, longestLine).toString("latin1")) ? "HTTP/1.1" : "something else";
}
var longestLine = 8192;
function http1Answer(text2) {
  const body = `${text2}
`;
  const head = [
    "HTTP/1.1 505 HTTP Version Not Supported",
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`
  ];
  return Buffer.from(`${head.join("\r\n")}\r
\r
${body}`, "utf8");
}

// dist/http2/stream.js
var ServerStream = class {
  id;
  owner;
  contentLength;
  isRemoteOpen;
  sendWindow;
  /** How many bytes the client may still send. */
  receiveWindow = initialWindow;
  received = 0;
  /** {@link end} was called. */
  isEnding = false;
  isLocalOpen = true;
  isClosed = false;
  queue = noMessages;
  events;
  /** A header block was sent. */
  isAnswered = false;
  constructor(id, owner, sendWindow, contentLength, isRemoteOpen) {
    this.id = id;
    this.owner = owner;
    this.contentLength = contentLength;
    this.isRemoteOpen = isRemoteOpen;
    this.sendWindow = sendWindow;
  }
  /** How many bytes the client may send before {@link allow} is called again. */
  get allowed() {
    return this.receiveWindow;
  }
  /** Sends a header block. With `isEnd` there is nothing after it. */
  respond(block, isEnd = false) {
    if (!this.isLocalOpen || this.isEnding)
      return;
    this.isAnswered = true;
    if (isEnd)
      this.end(block);
    else
      this.owner.outbox.putHeaders(this.id, block, false);
  }
  /** How many bytes and ends are not in a frame yet. It changes while the client reads. */
  get unframed() {
    let bytes = this.queue.length;
    for (const { left } of this.queue)
      bytes += left;
    return bytes;
  }
  /**
   * Sends bytes. Nobody may change them any more. `done` is called when they have left for the kernel, or never will.
   */
  write(parts, done) {
    this.add(outgoing(parts, false, void 0, done));
  }
  /** Sends the bytes and the trailers, if any, and ends our side of the stream. */
  end(trailers2, parts = [], done) {
    this.add(outgoing(parts, true, trailers2, done));
  }
  /** Ends the stream at once. Bytes that are not in a frame yet are dropped. */
  reset(code) {
    if (this.isClosed)
      return;
    this.owner.outbox.put(rstStream(this.id, code));
    this.close("reset by us");
  }
  /** Widens the stream's window to `bytes` bytes, if it is smaller. */
  allow(bytes) {
    if (!this.isRemoteOpen || bytes <= this.receiveWindow)
      return;
    this.owner.outbox.put(windowUpdate(this.id, bytes - this.receiveWindow));
    this.receiveWindow = bytes;
  }
  /**
   * Sets the receiver of the stream's events. The stream may be over already.
   * @internal
   */
  start(events) {
    this.events = events;
    if (this.isClosed)
      this.tellClosed();
    else if (!this.isRemoteOpen)
      events.ended();
  }
  /** @internal */
  next() {
    return this.queue[0];
  }
  /** @internal */
  framed() {
    const message = this.queue.shift();
    if (message?.isEnd)
      this.endLocal();
  }
  /**
   * @internal
   * @throws StreamError STREAM_CLOSED if the client has already sent all
   */
  mustReceive(what) {
    if (!this.isRemoteOpen)
      throw new StreamError(this.id, errorCode.STREAM_CLOSED, `${what} after END_STREAM`);
  }
  /**
   * A DATA frame. `bytes`: its length for flow control, padding included.
   * @internal
   * @throws StreamError
   */
  receive(payload, bytes) {
    this.mustReceive("DATA");
    if (bytes > this.receiveWindow)
      throw new StreamError(this.id, errorCode.FLOW_CONTROL_ERROR, "more DATA than the stream's window allows");
    this.receiveWindow -= bytes;
    this.received += payload.length;
    if (this.contentLength !== void 0 && this.received > this.contentLength)
      throw this.wrongLength();
    if (payload.length > 0)
      this.events?.data(payload);
    const padding = bytes - payload.length;
    if (padding > 0)
      this.allow(this.receiveWindow + padding);
  }
  /**
   * The client has ended its side.
   * @internal
   * @throws StreamError
   */
  endRemote() {
    if (this.isClosed)
      return;
    if (this.contentLength !== void 0 && this.received !== this.contentLength)
      throw this.wrongLength();
    this.isRemoteOpen = false;
    if (!this.isLocalOpen)
      this.close("ended");
    else
      this.events?.ended();
  }
  /**
   * The client takes more bytes, or fewer if it has changed its initial window.
   * @internal
   * @throws StreamError FLOW_CONTROL_ERROR
   */
  widen(bytes) {
    this.sendWindow += bytes;
    if (this.sendWindow > largestWindow)
      throw new StreamError(this.id, errorCode.FLOW_CONTROL_ERROR, "the stream's window is too large");
    if (this.sendWindow > 0 && this.queue.length > 0)
      this.owner.outbox.ready(this);
  }
  /**
   * The stream is over.
   * @internal
   */
  close(how) {
    if (this.isClosed)
      return;
    this.isClosed = true;
    this.isRemoteOpen = false;
    this.isLocalOpen = false;
    const { outbox } = this.owner;
    outbox.remove(this);
    const { queue } = this;
    this.queue = noMessages;
    this.owner.streamClosed(this, how);
    this.tellClosed();
    for (const { done } of queue)
      if (done)
        outbox.afterSent(done);
  }
  tellClosed() {
    try {
      this.events?.closed();
    } catch (error) {
      this.owner.onError(error);
    }
  }
  add(message) {
    if (!this.isLocalOpen || this.isEnding) {
      message.done?.();
      return;
    }
    this.isEnding = message.isEnd;
    if (this.queue === noMessages)
      this.queue = [];
    this.queue.push(message);
    if (this.queue.length === 1)
      this.owner.outbox.ready(this);
  }
  /** Everything is sent. If the client still sends, a reset says that nobody reads it (RFC 9113, section 8.1). */
  endLocal() {
    this.isLocalOpen = false;
    if (this.isRemoteOpen)
      this.reset(errorCode.NO_ERROR);
    else
      this.close("ended");
  }
  wrongLength() {
    return new StreamError(this.id, errorCode.PROTOCOL_ERROR, "the body is not as long as content-length says");
  }
};
var noMessages = [];

// dist/http2/stream-table.js
var maxEnded = { least: 1e3, perOpen: 2 };
var StreamTable = class {
  outbox;
  connection;
  maxOpen;
  /** The highest stream id so far. */
  lastId = 0;
  open = /* @__PURE__ */ new Map();
  ended;
  sendWindow = initialWindow;
  constructor(outbox, connection, maxOpen) {
    this.outbox = outbox;
    this.connection = connection;
    this.maxOpen = maxOpen;
  }
  get size() {
    return this.open.size;
  }
  /**
   * The open stream with this id; undefined if it is closed or not opened yet.
   * @throws ConnectionError PROTOCOL_ERROR if a client cannot have a stream with this id
   */
  get(id) {
    if (id % 2 === 0)
      throw protocolError(`${id} is not the id of a client's stream`);
    return this.open.get(id);
  }
  /** A new stream. `isEnd`: its request has no body. */
  add(id, contentLength, isEnd) {
    const stream = new ServerStream(id, this, this.sendWindow, contentLength, !isEnd);
    this.lastId = Math.max(this.lastId, id);
    this.open.set(id, stream);
    if (this.open.size === 1)
      this.connection.idle(false);
    return stream;
  }
  /** Ends a stream. A new one is opened and ended at once. */
  refuse(id, code) {
    const stream = this.open.get(id);
    if (stream)
      stream.reset(code);
    else
      this.add(id, void 0, false).reset(code);
  }
  /** @throws ConnectionError PROTOCOL_ERROR if the stream was never open */
  mustBeKnown(id, what) {
    if (id > this.lastId)
      throw protocolError(`${what} of a stream that is not open`);
  }
  /** The client resets a closed stream. Returns whether this is its first reset of a stream that we have ended. */
  resetLate(id) {
    const ending = this.ended?.get(id);
    if (ending === void 0 || ending === "reset by client")
      return false;
    this.ended?.set(id, ending === "reset by us" ? "reset by both" : "reset by client");
    return ending !== "reset by both";
  }
  /**
   * A DATA or HEADERS frame of a stream that is not open. It is an error, unless it crossed our RST_STREAM.
   * @throws ConnectionError
   */
  late(id, what) {
    this.mustBeKnown(id, what);
    const ending = this.ended?.get(id);
    if (ending === "reset by us" || ending === "reset by both")
      return;
    if (ending === void 0 && what === "HEADERS")
      throw protocolError("stream ids may only grow");
    throw new ConnectionError(errorCode.STREAM_CLOSED, `${what} of a closed stream`);
  }
  /**
   * The client has changed its initial window, which changes the windows of all streams.
   * @throws ConnectionError FLOW_CONTROL_ERROR if a window gets too large (RFC 9113, section 6.9.2)
   */
  setSendWindow(bytes) {
    const more = bytes - this.sendWindow;
    this.sendWindow = bytes;
    try {
      for (const stream of [...this.open.values()])
        stream.widen(more);
    } catch (error) {
      throw error instanceof StreamError ? new ConnectionError(error.code, error.message) : error;
    }
  }
  /** Closes all streams. */
  close(how) {
    for (const stream of [...this.open.values()])
      stream.close(how);
  }
  /** @internal */
  onError(error) {
    this.connection.fail(error);
  }
  /** @internal */
  streamClosed({ id }, how) {
    this.open.delete(id);
    this.ended ??= /* @__PURE__ */ new Map();
    this.ended.set(id, how);
    if (this.ended.size > Math.max(maxEnded.least, maxEnded.perOpen * this.maxOpen))
      this.ended.delete(this.ended.keys().next().value);
    if (this.open.size === 0)
      this.connection.idle(true);
  }
};

// dist/http2/connection.js
var keepalivePing = Buffer.from("keepaliv", "latin1");
var Connection = class {
  wire;
  handler;
  limits;
  streams;
  /** How often bytes have come. */
  received = 0;
  /** How many frames have come, CONTINUATION frames not counted. */
  frames = 0;
  /** Since when no stream is open, as `performance.now()`. Undefined: some are open. */
  idleSince = performance.now();
  /** The client's preface and its first SETTINGS have come. */
  isReady = false;
  /** Why HTTP/2 is not served on this connection. Undefined: it is served. */
  refusal;
  outbox;
  reader = new FrameReader(this);
  headers;
  budget;
  departure;
  clientSettings = new ClientSettings();
  /** The beginning of the preface, until the whole preface has come. */
  preface = nothing4;
  window = receiveWindow;
  /** Our SETTINGS are sent. They must be the first frame. */
  hasGreeted = false;
  isOver = false;
  constructor(wire, handler, limits) {
    this.wire = wire;
    this.handler = handler;
    this.limits = limits;
    this.budget = new FrameBudget(limits.controlFrames, handler);
    this.outbox = new Outbox(wire, this.budget);
    this.streams = new StreamTable(this.outbox, this, limits.streams);
    this.departure = new Departure(this.outbox, this);
    this.headers = new HeaderFrames(this.streams, handler, limits, this.budget, this.departure);
  }
  /** Takes bytes from the client. Never throws. */
  receive(chunk) {
    this.received++;
    if (this.isOver)
      return;
    try {
      if (this.preface)
        this.begin(chunk, this.preface);
      else
        this.reader.read(chunk);
    } catch (error) {
      this.fail(error);
    }
  }
  /** The wire has closed. */
  closed() {
    this.isOver = true;
    this.reader.stop();
    this.departure.stop();
    this.outbox.closed();
    this.streams.close("reset by client");
  }
  /** A frame or a header block has begun and is not complete. */
  get isInMiddle() {
    return this.reader.isInMiddle || this.headers.openStreamId !== void 0;
  }
  /** How often bytes have left for the kernel. */
  get writesDone() {
    return this.outbox.writesDone;
  }
  get isSending() {
    return this.outbox.unsent > 0;
  }
  /**
   * Counts a request that is refused before any other limit counts it.
   * @throws ConnectionError ENHANCE_YOUR_CALM if there were too many
   */
  charge() {
    this.budget.takeControl();
  }
  /** Sends a PING, which the client must answer. */
  ping() {
    if (this.isReady)
      this.outbox.put(ping(keepalivePing));
  }
  /** Asks the client to open no more streams, and ends the connection after the last one (RFC 9113, section 6.8). */
  goAway() {
    if (this.isOver)
      return;
    if (this.isReady)
      this.departure.announce();
    else
      this.end();
  }
  /** Ends the connection and its streams once all written bytes have left. */
  end(code = errorCode.NO_ERROR, reason = "") {
    if (this.isOver)
      return;
    this.greet();
    this.outbox.put(goAway(Math.min(this.streams.lastId, this.departure.lastId), code, reason));
    this.finish();
  }
  /** Cuts the connection. */
  destroy() {
    this.wire.destroy();
  }
  finish() {
    this.isOver = true;
    this.reader.stop();
    this.departure.stop();
    this.outbox.end();
    this.streams.close("reset by us");
  }
  begin(chunk, before) {
    const bytes = before.length > 0 ? Buffer.concat([before, chunk]) : chunk;
    const found = readPreface(bytes);
    if (found === "more") {
      this.preface = Buffer.from(bytes);
      return;
    }
    this.preface = void 0;
    if (found !== "preface") {
      this.refuse(found);
      return;
    }
    if (this.refusal !== void 0) {
      this.fail(new ConnectionError(errorCode.INADEQUATE_SECURITY, this.refusal));
      return;
    }
    this.greet();
    this.reader.read(bytes.subarray(clientPreface.length));
  }
  greet() {
    if (!this.hasGreeted)
      this.outbox.put(greetingOf(this.limits));
    this.hasGreeted = true;
  }
  refuse(protocol) {
    const reason = this.handler.otherProtocol(protocol);
    if (protocol === "HTTP/1.1")
      this.outbox.put(http1Answer(reason));
    else
      this.outbox.put(goAway(0, errorCode.PROTOCOL_ERROR, reason));
    this.finish();
  }
  /** @internal */
  fail(thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.handler.failed(error);
    if (error instanceof ConnectionError)
      this.end(error.code, error.message);
    else
      this.end(errorCode.INTERNAL_ERROR);
  }
  /** @internal */
  idle(isIdle) {
    this.idleSince = isIdle ? performance.now() : void 0;
    if (isIdle && this.departure.isRefusing)
      this.departure.whenSent();
  }
  /** @internal */
  frame(type, flags, id, payload) {
    const { openStreamId } = this.headers;
    if (openStreamId !== void 0 && (type !== frameType.CONTINUATION || id !== openStreamId))
      throw protocolError("another frame in the middle of a header block");
    if (!this.isReady && (type !== frameType.SETTINGS || flags & flag.ACK))
      throw protocolError("the first frame is not SETTINGS");
    this.isReady = true;
    if (type !== frameType.CONTINUATION)
      this.frames++;
    try {
      this.take(type, flags, id, payload);
    } catch (error) {
      if (!(error instanceof StreamError))
        throw error;
      const stream = this.streams.get(error.streamId);
      if (!stream)
        throw new ConnectionError(error.code, error.message);
      this.budget.takeControl();
      stream.reset(error.code);
    }
  }
  take(type, flags, id, payload) {
    switch (type) {
      case frameType.DATA:
        this.data(flags, id, payload);
        break;
      case frameType.HEADERS:
        this.headers.headers(id, flags, payload);
        break;
      case frameType.CONTINUATION:
        this.headers.continuation(id, flags, payload);
        break;
      case frameType.PRIORITY:
        this.priority(id, payload);
        break;
      case frameType.RST_STREAM:
        this.rstStream(id, payload);
        break;
      case frameType.SETTINGS:
        this.settings(flags, id, payload);
        break;
      case frameType.PING:
        this.pinged(flags, id, payload);
        break;
      case frameType.GOAWAY:
        if (id !== 0)
          throw protocolError("GOAWAY belongs to the connection, not to a stream");
        if (payload.length < 8)
          throw frameSizeError("GOAWAY has eight bytes or more");
        break;
      case frameType.WINDOW_UPDATE:
        this.windowUpdate(id, payload);
        break;
      case frameType.PUSH_PROMISE:
        throw protocolError("a client sends no PUSH_PROMISE");
      default:
    }
  }
  data(flags, id, payload) {
    this.window -= payload.length;
    if (this.window < 0)
      throw new ConnectionError(errorCode.FLOW_CONTROL_ERROR, "more DATA than the window allows");
    if (this.window < receiveWindow / 2) {
      this.outbox.put(windowUpdate(0, receiveWindow - this.window));
      this.window = receiveWindow;
    }
    const stream = this.streams.get(id);
    const content = withoutPadding(payload, flags);
    if (content.length === 0 && !(flags & flag.END_STREAM))
      this.budget.takeControl();
    if (!stream) {
      this.streams.late(id, "DATA");
      return;
    }
    stream.receive(content, payload.length);
    if (flags & flag.END_STREAM)
      stream.endRemote();
  }
  priority(id, payload) {
    this.budget.takeControl();
    this.streams.get(id);
    if (payload.length !== 5)
      throw new StreamError(id, errorCode.FRAME_SIZE_ERROR, "PRIORITY has five bytes");
    if ((payload.readUInt32BE(0) & 2147483647) === id)
      throw new StreamError(id, errorCode.PROTOCOL_ERROR, "a stream depends on itself");
  }
  rstStream(id, payload) {
    if (payload.length !== 4)
      throw frameSizeError("RST_STREAM has four bytes");
    const stream = this.streams.get(id);
    this.streams.mustBeKnown(id, "RST_STREAM");
    if (stream ? !stream.isAnswered : !this.streams.resetLate(id))
      this.budget.takeControl();
    stream?.close("reset by client");
  }
  settings(flags, id, payload) {
    this.budget.takeControl();
    if (id !== 0)
      throw protocolError("SETTINGS belongs to the connection, not to a stream");
    if (flags & flag.ACK) {
      checkSettingsAck(payload);
      return;
    }
    const { sendWindow, isTableSmaller } = this.clientSettings.read(payload);
    this.outbox.put(settingsAck);
    if (isTableSmaller)
      this.outbox.resizeTable();
    if (sendWindow !== void 0)
      this.streams.setSendWindow(sendWindow);
  }
  pinged(flags, id, payload) {
    this.budget.takeAnswer();
    if (id !== 0)
      throw protocolError("PING belongs to the connection, not to a stream");
    if (payload.length !== 8)
      throw frameSizeError("PING has eight bytes");
    if (!(flags & flag.ACK))
      this.outbox.put(pingAck(payload));
    else
      this.departure.pinged(payload);
  }
  windowUpdate(id, payload) {
    this.budget.takeAnswer();
    if (payload.length !== 4)
      throw frameSizeError("WINDOW_UPDATE has four bytes");
    const bytes = payload.readUInt32BE(0) & 2147483647;
    if (id === 0) {
      if (bytes === 0)
        throw protocolError("a WINDOW_UPDATE of 0");
      this.outbox.widen(bytes);
      return;
    }
    const stream = this.streams.get(id);
    this.streams.mustBeKnown(id, "WINDOW_UPDATE");
    if (stream && bytes === 0)
      throw new StreamError(id, errorCode.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0");
    stream?.widen(bytes);
  }
};
var nothing4 = Buffer.alloc(0);

// dist/http2/reading-turns.js
var slice = 5;
var ReadingTurns = class {
  left = slice;
  waiting = /* @__PURE__ */ new Set();
  isScheduled = false;
  /** A piece of a connection's bytes was handled, and took `ms` milliseconds. */
  worked(socket, ms) {
    this.left -= ms;
    if (this.left < 0 && ms > lightMs && !socket.destroyed) {
      socket.pause();
      this.waiting.add(socket);
      heavyWork.took(ms);
    }
    this.schedule();
  }
  schedule() {
    if (this.isScheduled)
      return;
    this.isScheduled = true;
    heavyWork.next(this.next);
  }
  next = () => {
    this.isScheduled = false;
    this.left = slice;
    for (const socket of this.waiting) {
      this.waiting.delete(socket);
      socket.resume();
      break;
    }
    if (this.waiting.size > 0)
      this.schedule();
  };
};

// dist/http2/socket-wire.js
var closingMs = 1e3;
var joinedBelow = 32768;
var SocketWire = class {
  socket;
  constructor(socket) {
    this.socket = socket;
  }
  write(buffers, done) {
    const { socket } = this;
    let bytes = 0;
    for (const buffer of buffers)
      bytes += buffer.length;
    if (buffers.length === 1)
      socket.write(buffers[0], done);
    else if (bytes < joinedBelow)
      socket.write(Buffer.concat(buffers, bytes), done);
    else {
      const last = buffers.length - 1;
      socket.cork();
      for (let i = 0; i < last; i++)
        socket.write(buffers[i]);
      socket.write(buffers[last], done);
      socket.uncork();
    }
  }
  end() {
    const { socket } = this;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), closingMs).unref();
    socket.once("close", () => clearTimeout(timer));
  }
  destroy() {
    this.socket.destroy();
  }
};

// dist/http2/server.js
var longestTimer = 2 ** 31 - 1;
var lookEveryMs = 1e3;
var Http2Server = class {
  options;
  events;
  /** The listening server. The caller calls `listen`. */
  listener;
  /** Makes the TLS handshakes. It does not listen, so refused connections never reach it. */
  tls;
  entries = /* @__PURE__ */ new Set();
  /** Connections whose TLS handshake is unfinished, by {@link keyOf}. */
  handshakes = /* @__PURE__ */ new Map();
  hosts = /* @__PURE__ */ new Map();
  timer;
  turns = new ReadingTurns();
  isStopping = false;
  whenEmpty = [];
  constructor(options, events) {
    this.options = options;
    this.events = events;
    const { limits, keepaliveMs, keepaliveTimeoutMs } = options;
    this.listener = createServer2({ noDelay: true }, (socket) => this.enter(socket));
    this.tls = options.tls && this.tlsServer(options.tls);
    const shortest = Math.min(keepaliveMs, keepaliveTimeoutMs, limits.handshakeMs, limits.frameMs, limits.idleMs) / 4;
    const every = Math.min(lookEveryMs, Math.max(1, shortest));
    this.timer = setInterval(() => this.look(performance.now()), every).unref();
  }
  /** How many connections are open. */
  get connections() {
    return this.entries.size;
  }
  /** Sets the certificates for new connections. */
  setTls(context) {
    this.tls?.setSecureContext(context);
  }
  /** Takes no new connections, sends GOAWAY on the open ones, and resolves when all are closed. */
  stop() {
    this.stopListening();
    for (const { connection, socket } of [...this.entries])
      if (connection)
        connection.goAway();
      else
        socket.destroy();
    if (this.entries.size === 0)
      return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }
  /** Takes no new connections, and ends the open ones. Written bytes have one second to leave. */
  close() {
    this.stopListening();
    for (const { connection, socket } of [...this.entries])
      if (connection)
        connection.end();
      else
        socket.destroy();
  }
  tlsServer(options) {
    const { handshakeMs } = this.options.limits;
    const all = { ...options, ALPNProtocols: ["h2"], handshakeTimeout: Math.min(handshakeMs, longestTimer) };
    const server = createTlsServer(all, (socket) => this.secured(socket));
    return server.on("tlsClientError", (error, socket) => {
      if (error.code === "ERR_TLS_HANDSHAKE_TIMEOUT")
        this.events.limitHit("handshakeMs", peerOf(socket));
      else
        this.events.handshakeFailed(error, socket);
      socket.destroy();
    });
  }
  stopListening() {
    this.isStopping = true;
    this.listener.close();
    if (this.entries.size === 0)
      clearInterval(this.timer);
  }
  /** A connection was accepted. With TLS, its handshake comes next. */
  enter(socket) {
    const { limits } = this.options;
    if (this.isStopping || socket.remoteAddress === void 0) {
      socket.destroy();
      return;
    }
    const host = networkOf(peerOf(socket));
    const ofHost = this.hosts.get(host) ?? 0;
    const isFull = this.entries.size >= limits.connections;
    if (isFull || ofHost >= limits.connectionsPerPeer) {
      this.events.limitHit(isFull ? "connections" : "connectionsPerPeer", peerOf(socket));
      socket.destroy();
      return;
    }
    const entry = new Entry(socket, performance.now(), this.events);
    this.entries.add(entry);
    this.hosts.set(host, ofHost + 1);
    socket.on("error", nothing5);
    if (!this.tls) {
      socket.once("close", () => this.leave(entry, host));
      this.open(socket, entry);
      return;
    }
    const key2 = keyOf2(socket);
    this.handshakes.set(key2, entry);
    socket.once("close", () => {
      this.handshakes.delete(key2);
      this.leave(entry, host);
    });
    this.tls.emit("connection", socket);
  }
  /** A TLS handshake has ended. */
  secured(socket) {
    const key2 = keyOf2(socket);
    const entry = this.handshakes.get(key2);
    this.handshakes.delete(key2);
    if (!entry) {
      socket.destroy();
      return;
    }
    socket.on("error", nothing5);
    socket.once("close", () => entry.closed());
    this.open(socket, entry);
    if (entry.connection && socket.alpnProtocol !== "h2")
      entry.connection.refusal = noAlpn;
  }
  leave(entry, host) {
    if (!this.tls)
      entry.closed();
    this.entries.delete(entry);
    const left = (this.hosts.get(host) ?? 1) - 1;
    if (left > 0)
      this.hosts.set(host, left);
    else
      this.hosts.delete(host);
    if (this.entries.size > 0 || !this.isStopping)
      return;
    clearInterval(this.timer);
    for (const resolve of this.whenEmpty.splice(0))
      resolve();
  }
  /** Starts HTTP/2 on a socket. */
  open(socket, entry) {
    const connection = new Connection(new SocketWire(socket), entry, this.options.limits);
    entry.connection = connection;
    entry.owner = this.events.opened(connection, socket);
    socket.on("data", (chunk) => {
      const start = performance.now();
      connection.receive(chunk);
      this.turns.worked(socket, performance.now() - start);
    });
  }
  /** Ends connections that exceed a time limit, and pings the quiet ones. */
  look(now) {
    for (const entry of this.entries)
      entry.look(now, this.options);
  }
};
var nothing5 = () => {
};
var noAlpn = "this server speaks HTTP/2 only; a client with TLS has to offer h2 by ALPN (RFC 9113, section 3.2)";
var keyOf2 = ({ remoteAddress, remotePort, localAddress, localPort }) => `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

// dist/grpc/pieces.js
var firstBytes = 4096;
var Pieces = class {
  /** The bytes, followed by free space. No byte is ever overwritten. */
  memory = nothing6;
  from = 0;
  to = 0;
  /** How many bytes of memory the buffer takes. */
  get room() {
    return this.memory.length;
  }
  /** How many bytes there are. */
  get length() {
    return this.to - this.from;
  }
  /** The bytes. Nobody changes them any more. */
  get bytes() {
    return this.memory.subarray(this.from, this.to);
  }
  /** Adds a copy of a piece. `most`: how many bytes there will be at most. */
  add(piece, most = Number.POSITIVE_INFINITY) {
    if (this.to + piece.length > this.memory.length)
      this.grow(this.length + piece.length, most);
    this.to += piece.copy(this.memory, this.to);
  }
  /** Drops the first bytes. */
  drop(bytes) {
    this.from += bytes;
  }
  grow(needed, most) {
    const memory2 = Buffer.allocUnsafe(Math.min(most, Math.max(needed, 2 * this.length, firstBytes)));
    this.to = this.bytes.copy(memory2);
    this.from = 0;
    this.memory = memory2;
  }
};
var nothing6 = Buffer.alloc(0);

// dist/grpc/message-reader.js
var prefixBytes = 5;
var MessageReader = class {
  taker;
  receiving;
  isPaused = false;
  isClosed = false;
  /** Bytes that came while paused. */
  waiting;
  /** The beginning of a prefix. */
  prefix;
  /** The length of the message that has begun. -1: none has. */
  length = -1;
  /** The bytes of the message that has begun, if they come in several pieces. */
  message;
  /** A whole message that waits to be given. */
  whole;
  /** How many bytes are counted as waiting. */
  countedBytes = 0;
  constructor(taker, receiving) {
    this.taker = taker;
    this.receiving = receiving;
  }
  /** How many bytes of the message that has begun are yet to come. */
  get missing() {
    return this.length < 0 ? 0 : this.length - (this.message?.length ?? 0);
  }
  /** Whether no message has begun and none waits. */
  get isEmpty() {
    return this.length < 0 && !this.prefix && !this.waiting && !this.whole;
  }
  /**
   * Takes the next bytes. They must not be changed any more.
   * @throws StatusError, and what the taker and `receiving` throw
   */
  read(chunk) {
    const end = this.cut(chunk);
    if (this.isClosed)
      return;
    if (end < chunk.length) {
      this.waiting ??= new Pieces();
      this.waiting.add(chunk.subarray(end));
    }
    this.updateCount();
  }
  /** Gives no more messages until {@link resume}. */
  pause() {
    this.isPaused = true;
  }
  /**
   * Goes on with the bytes that wait.
   * @throws as {@link read}
   */
  resume() {
    this.isPaused = false;
    const { whole } = this;
    if (whole) {
      this.whole = void 0;
      this.updateCount();
      this.taker.message(whole);
    }
    const { waiting } = this;
    if (!waiting || this.isPaused || this.isClosed)
      return;
    this.waiting = void 0;
    const end = this.cut(waiting.bytes);
    if (this.isClosed)
      return;
    waiting.drop(end);
    if (waiting.length > 0)
      this.waiting = waiting;
    this.updateCount();
  }
  /** Drops all bytes. */
  close() {
    this.isClosed = true;
    this.waiting = void 0;
    this.prefix = void 0;
    this.message = void 0;
    this.whole = void 0;
    this.length = -1;
    this.updateCount();
  }
  /**
   * Gives the messages in `chunk`. Returns the offset at which it stopped: the end, or where it was paused or closed.
   */
  cut(chunk) {
    let at = 0;
    while (at < chunk.length && !this.isPaused && !this.isClosed)
      at = this.length < 0 ? this.readPrefix(chunk, at) : this.readMessage(chunk, at);
    return at;
  }
  readPrefix(chunk, at) {
    let prefix = chunk;
    let from = at;
    let end = at + prefixBytes;
    if (this.prefix || end > chunk.length) {
      const begun = this.prefix?.length ?? 0;
      end = Math.min(chunk.length, at + prefixBytes - begun);
      prefix = Buffer.concat([this.prefix ?? nothing7, chunk.subarray(at, end)]);
      from = 0;
      this.prefix = prefix.length < prefixBytes ? prefix : void 0;
      if (this.prefix)
        return end;
    }
    if (prefix[from] !== 0)
      throw prefix[from] === 1 ? new StatusError(status.UNIMPLEMENTED, "the message is compressed; send grpc-encoding: identity") : new StatusError(status.INTERNAL, `a message begins with ${prefix[from]}, not with 0 or 1`);
    const length = prefix.readUInt32BE(from + 1);
    this.taker.begins(length);
    if (this.isClosed)
      return end;
    this.length = length;
    if (length === 0)
      this.complete(nothing7);
    return end;
  }
  readMessage(chunk, at) {
    const end = at + Math.min(this.missing, chunk.length - at);
    const piece = chunk.subarray(at, end);
    if (piece.length === this.length) {
      this.complete(piece);
      return end;
    }
    this.message ??= new Pieces();
    this.message.add(piece, this.length);
    if (this.message.length === this.length)
      this.complete(this.message.bytes);
    return end;
  }
  complete(message) {
    this.length = -1;
    this.message = void 0;
    const isTaken = this.taker.mayTake(message.length);
    if (!isTaken) {
      this.isPaused = true;
      this.whole = message;
    }
    this.updateCount();
    if (isTaken)
      this.taker.message(message);
  }
  updateCount() {
    const bytes = (this.waiting?.room ?? 0) + (this.message?.room ?? 0) + (this.whole?.length ?? 0);
    if (bytes === this.countedBytes)
      return;
    const more = bytes - this.countedBytes;
    this.countedBytes = bytes;
    this.receiving.add(more);
  }
};
var nothing7 = Buffer.alloc(0);

// dist/grpc/call.js
var Call = class {
  stream;
  owner;
  /** Since when the call waits for a message, as `performance.now()`. */
  awaitsSince = performance.now();
  handler;
  reader;
  hasResponded = false;
  isPaused = false;
  /** A message waits for its turn. */
  isQueued = false;
  isAwaiting = true;
  hasMessage = false;
  /** How many bytes of a unary call's message are counted. */
  countedBytes = 0;
  /** The request is complete. */
  hasEnded = false;
  isOver = false;
  /** The HTTP/2 stream is closed too. */
  isStreamClosed = false;
  timer;
  /** The handler of an ended call, until nothing of the answer is left. */
  unfinishedHandler;
  /** How much of the answer the client had not taken at the end of the call, or at the last look. */
  unframed = 0;
  constructor(stream, owner) {
    this.stream = stream;
    this.owner = owner;
    this.reader = new MessageReader(this, owner.receiving);
    owner.awaits(this, true);
  }
  /**
   * Starts to give messages to `handler`. After `timeoutMs` milliseconds the call ends with DEADLINE_EXCEEDED;
   * Infinity: never.
   */
  start(handler, timeoutMs2) {
    if (this.isOver) {
      handler.closed();
      if (this.isStreamClosed)
        handler.finished?.();
      else
        this.unfinishedHandler = handler;
      return;
    }
    this.handler = handler;
    if (timeoutMs2 < Number.POSITIVE_INFINITY)
      this.timer = setTimeout(() => this.expire(), timeoutMs2);
  }
  /**
   * Sends a message in parts. Nobody may change them any more. `done` is called when all of it has left for the kernel,
   * or never will.
   */
  send(parts, done) {
    let length = 0;
    for (const part of parts)
      length += part.length;
    const prefix = Buffer.allocUnsafe(prefixBytes);
    prefix[0] = 0;
    prefix.writeUInt32BE(length, 1);
    if (!this.hasResponded)
      this.stream.respond(responseHeaders);
    this.hasResponded = true;
    this.stream.write([prefix, ...parts], done);
  }
  /** Ends the call once everything that was sent has left. Further calls do nothing. */
  end(how) {
    if (this.isOver)
      return;
    if (this.hasResponded)
      this.stream.end(trailers(how));
    else
      this.stream.respond(trailersOnly(how), true);
    this.over();
  }
  /** Ends the call with an error's status. */
  fail(error) {
    if (this.isOver)
      return;
    try {
      this.handler?.failed(error);
    } finally {
      this.end(this.owner.statusOf(error));
    }
  }
  /**
   * The client is late: a message has not come, or no more of the answer was taken.
   * @internal
   */
  late(count) {
    const { unframed } = this.stream;
    if (!this.isOver)
      this.fail(count());
    else if (unframed !== this.unframed)
      this.awaitEnd(unframed);
    else {
      count();
      this.stream.reset(errorCode.CANCEL);
    }
  }
  /**
   * Ends the call with an error's status. If the call is over, drops the part of the answer that the client has not
   * taken.
   */
  abandon(error) {
    if (this.isOver)
      this.stream.reset(errorCode.CANCEL);
    else
      this.fail(error);
  }
  /** Gives no more messages until {@link resume}. The client can still fill its window. */
  pause() {
    if (this.isOver)
      return;
    this.isPaused = true;
    this.reader.pause();
    this.awaits(false);
  }
  resume() {
    if (!this.isPaused || this.isOver)
      return;
    this.isPaused = false;
    if (!this.isQueued)
      this.goOn();
  }
  /**
   * A waiting message may be handled now.
   * @internal
   */
  turn() {
    this.isQueued = false;
    if (!this.isOver && !this.isPaused)
      this.goOn();
  }
  goOn() {
    try {
      this.reader.resume();
      this.afterReading();
    } catch (error) {
      this.fail(error);
    }
  }
  /** Cuts the call's connection. */
  cut() {
    this.owner.cut();
  }
  /** @internal */
  data(bytes) {
    if (this.isOver)
      return;
    try {
      this.reader.read(bytes);
      this.afterReading();
    } catch (error) {
      this.fail(error);
    }
  }
  /** @internal */
  begins(bytes) {
    const { maxBytes: maxBytes4 = Number.POSITIVE_INFINITY } = this.handler ?? {};
    if (bytes > maxBytes4)
      throw new StatusError(status.RESOURCE_EXHAUSTED, `a request of ${bytes} bytes; ${maxBytes4} are allowed`);
    this.owner.begins(this, bytes);
  }
  /** @internal */
  mayTake(bytes) {
    if (this.owner.hasTurn(this, bytes))
      return true;
    this.isQueued = true;
    this.awaits(false);
    return false;
  }
  /** @internal */
  message(bytes) {
    const { handler } = this;
    if (!handler)
      return;
    let message = bytes;
    if (handler.isUnary) {
      this.countMessage(bytes.length);
      if (bytes.buffer.byteLength > 2 * bytes.length)
        message = Buffer.from(bytes);
    } else
      this.awaits(false);
    this.hasMessage = true;
    const before = performance.now();
    try {
      handler.message(message);
    } finally {
      this.owner.worked(performance.now() - before);
    }
  }
  /** @internal The client has sent all. */
  ended() {
    this.hasEnded = true;
    try {
      this.afterReading();
    } catch (error) {
      this.fail(error);
    }
  }
  /** @internal The stream is over. */
  closed() {
    this.isStreamClosed = true;
    this.over();
    this.awaits(false);
    const { unfinishedHandler } = this;
    this.unfinishedHandler = void 0;
    unfinishedHandler?.finished?.();
  }
  afterReading() {
    const { reader, stream, handler } = this;
    if (this.isOver)
      return;
    if (this.isPaused || this.isQueued)
      return;
    if (this.hasEnded) {
      if (!reader.isEmpty)
        throw new StatusError(status.INTERNAL, "the request ends in the middle of a message");
      if (handler?.isUnary && !this.hasMessage)
        throw new StatusError(status.UNIMPLEMENTED, oneRequest);
      this.awaits(false);
      handler?.end();
    } else {
      if (reader.missing > stream.allowed || stream.allowed < initialWindow / 2)
        stream.allow(Math.min(largestWindow, Math.max(initialWindow, reader.missing)));
      this.awaits(handler?.isUnary || !this.hasMessage || !reader.isEmpty);
    }
  }
  /** A unary call's message has come. Counts its bytes until the call is over. */
  countMessage(bytes) {
    if (this.hasMessage)
      throw new StatusError(status.UNIMPLEMENTED, oneRequest);
    this.countedBytes = bytes;
    this.owner.receiving.add(bytes);
  }
  /** Gives the client time for the rest of the answer: it must take some of it. */
  awaitEnd(unframed) {
    this.unframed = unframed;
    this.awaits(false);
    this.awaits(true);
  }
  awaits(isAwaiting) {
    if (isAwaiting === this.isAwaiting)
      return;
    this.isAwaiting = isAwaiting;
    if (isAwaiting)
      this.awaitsSince = performance.now();
    this.owner.awaits(this, isAwaiting);
  }
  expire() {
    this.end({ code: status.DEADLINE_EXCEEDED, details: "the client's deadline has passed" });
  }
  over() {
    if (this.isOver)
      return;
    this.isOver = true;
    clearTimeout(this.timer);
    this.awaits(false);
    this.reader.close();
    if (this.countedBytes > 0)
      this.owner.receiving.add(-this.countedBytes);
    const { handler } = this;
    this.handler = void 0;
    this.unfinishedHandler = handler;
    if (!this.isStreamClosed && this.stream.unframed > 0)
      this.awaitEnd(this.stream.unframed);
    handler?.closed();
  }
};
var oneRequest = "this method takes one request, not more and not less";

// dist/grpc/refusal.js
var answers = {
  method: encodeHeaders([
    [":status", "405"],
    ["allow", "POST"],
    ["content-type", "text/plain"]
  ]),
  "content-type": encodeHeaders([
    [":status", "415"],
    ["content-type", "text/plain"]
  ])
};
var text = Buffer.from("This port serves gRPC only: requests of method POST and content-type application/grpc.\n");
var droppedBytes = 64 << 20;
var Refusal = class {
  stream;
  why;
  hasBody;
  awaiting;
  awaitsSince = performance.now();
  hasAnswered = false;
  dropped = 0;
  constructor(stream, why, hasBody, awaiting) {
    this.stream = stream;
    this.why = why;
    this.hasBody = hasBody;
    this.awaiting = awaiting;
    awaiting.add(this);
  }
  data(bytes) {
    this.dropped += bytes.length;
    if (this.dropped > droppedBytes)
      this.fail();
    else if (this.stream.allowed < initialWindow / 2)
      this.stream.allow(initialWindow);
  }
  ended() {
    this.fail();
  }
  closed() {
    this.awaiting.delete(this);
  }
  late(count) {
    count();
    if (this.hasAnswered)
      this.stream.reset(errorCode.CANCEL);
    else
      this.fail();
  }
  /** Answers now. Further calls do nothing. */
  fail() {
    if (this.hasAnswered)
      return;
    this.hasAnswered = true;
    this.awaitsSince = performance.now();
    this.awaiting.delete(this);
    this.awaiting.add(this);
    this.stream.respond(answers[this.why], !this.hasBody);
    if (this.hasBody)
      this.stream.end(void 0, [text]);
  }
};

// dist/grpc/timeout.js
var units = { H: 36e5, M: 6e4, S: 1e3, m: 1, u: 1e-3, n: 1e-6 };
var longest = 2 ** 31 - 1;
function readTimeout(text2) {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text2) ?? [];
  if (digits === void 0 || unit === void 0)
    return void 0;
  const ms = Number(digits) * units[unit];
  return ms > longest ? Number.POSITIVE_INFINITY : ms;
}

// dist/grpc/server.js
var lookEveryMs2 = 1e3;
var lateAtOnce = 1e3;
var GrpcServer = class {
  options;
  host;
  http2;
  /** @internal */
  methods = /* @__PURE__ */ new Map();
  /**
   * Calls that wait for a message, and refused requests that wait for their end. Oldest first.
   * @internal
   */
  awaiting = /* @__PURE__ */ new Set();
  timer;
  constructor(options, host) {
    this.options = options;
    this.host = host;
    this.http2 = new Http2Server(options, {
      opened: (connection, socket) => new GrpcConnection(this, connection, socket),
      limitHit: (limit, peer) => host.limitHit(limit, peer),
      handshakeFailed: (error, socket) => host.handshakeFailed(error, socket)
    });
    const every = Math.min(lookEveryMs2, Math.max(1, options.limits.messageMs / 4));
    this.timer = setInterval(() => this.endLate(performance.now()), every).unref();
  }
  /** The listening server. The caller calls `listen`. */
  get listener() {
    return this.http2.listener;
  }
  /** How many connections are open. */
  get connections() {
    return this.http2.connections;
  }
  /** Adds a method. `path`: `/package.Service/Method`. */
  add(path, method) {
    this.methods.set(path, method);
  }
  /** Sets the certificates for new connections. */
  setTls(context) {
    this.http2.setTls(context);
  }
  /** Takes no new connections, sends GOAWAY on the open ones, and resolves when all are closed. */
  stop() {
    return this.http2.stop();
  }
  /** Takes no new connections, and ends the open ones. */
  close() {
    clearInterval(this.timer);
    this.http2.close();
  }
  endLate(now) {
    const { messageMs } = this.options.limits;
    let left = lateAtOnce;
    const count = () => this.host.limitHit("messageMs", "");
    for (const call of this.awaiting) {
      if (now - call.awaitsSince < messageMs)
        return;
      if (left-- === 0) {
        setImmediate(() => this.endLate(now));
        return;
      }
      call.late(count);
    }
  }
};
var GrpcConnection = class {
  server;
  connection;
  socket;
  receiving;
  context;
  constructor(server, connection, socket) {
    this.server = server;
    this.connection = connection;
    this.socket = socket;
    this.context = server.host.connected(connection, socket);
    this.receiving = server.host.receiving(this.context);
  }
  request(stream, headers) {
    const { methods, awaiting } = this.server;
    if (!headers)
      return this.refuse(stream, httpStatus(431));
    const notGrpc = whyNotGrpc(headers);
    if (notGrpc) {
      this.connection.charge();
      return new Refusal(stream, notGrpc, headers.method !== "HEAD", awaiting);
    }
    const method = methods.get(headers.path);
    if (!method)
      return this.refuse(stream, unimplemented(`there is no method ${headers.path.slice(0, 200)}`));
    const encoding = fieldOf(headers, "grpc-encoding") ?? "identity";
    if (encoding !== "identity")
      return this.refuse(stream, unimplemented(`grpc-encoding ${encoding.slice(0, 50)} is not supported; send identity`));
    const timeout = fieldOf(headers, "grpc-timeout");
    const timeoutMs2 = timeout === void 0 ? Number.POSITIVE_INFINITY : readTimeout(timeout);
    if (timeoutMs2 === void 0)
      return this.refuse(stream, trailersOnly({ code: status.INTERNAL, details: "grpc-timeout is not a time" }));
    const call = new Call(stream, this);
    try {
      call.start(method(call, this.context), timeoutMs2);
    } catch (error) {
      call.fail(error);
    }
    return call;
  }
  /** Ends a request at once, and charges the client for it, because a refused request costs the client less than us. */
  refuse(stream, block) {
    this.connection.charge();
    stream.respond(block, true);
    return refused;
  }
  failed(error) {
    this.server.host.connectionFailed(error, peerOf(this.socket));
  }
  otherProtocol(is) {
    const { host, options } = this.server;
    const what = otherProtocols[is];
    host.otherProtocolCame(peerOf(this.socket), what);
    return `${what}, but this port speaks gRPC, which is HTTP/2${options.tls ? " with TLS" : " without TLS"}`;
  }
  closed() {
    this.server.host.disconnected(this.context);
  }
  begins(_call, bytes) {
    this.server.host.begins(bytes, this.context);
  }
  hasTurn(call, bytes) {
    return this.server.host.hasTurn(call, bytes, this.context);
  }
  worked(ms) {
    this.server.host.worked(ms, this.context);
  }
  awaits(call, isAwaited) {
    const { awaiting } = this.server;
    if (isAwaited)
      awaiting.add(call);
    else
      awaiting.delete(call);
  }
  statusOf(error) {
    return error instanceof StatusError ? { code: error.code, details: error.details } : this.server.host.statusOf(error);
  }
  cut() {
    this.connection.destroy();
  }
};
var otherProtocols = {
  "HTTP/1.1": "this is a request of HTTP/1.1",
  TLS: "this is a TLS handshake",
  "something else": "these bytes are not the beginning of HTTP/2"
};
function whyNotGrpc(headers) {
  if (headers.method !== "POST")
    return "method";
  return /^application\/grpc($|[+;])/.test(fieldOf(headers, "content-type") ?? "") ? void 0 : "content-type";
}
var unimplemented = (details) => trailersOnly({ code: status.UNIMPLEMENTED, details });
var refused = { data: () => {
}, ended: () => {
}, closed: () => {
} };

// dist/protocol/delta.js
var none7 = [];
var delta = {
  name: "delta",
  announcesRemovals: true,
  ttlFeatures: [["xds.config.supports-resource-ttl"]],
  staleRequestsCount: true,
  subscribedNames: ({ resourceNamesSubscribe }) => resourceNamesSubscribe,
  longestNameList: ({ resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions }) => Math.max(resourceNamesSubscribe.length, resourceNamesUnsubscribe.length, initialResourceVersions.size),
  nameLists: ({ resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions }) => [
    resourceNamesSubscribe,
    resourceNamesUnsubscribe,
    initialResourceVersions.keys()
  ],
  subscribe(subscription, request2, first) {
    const { resourceNamesSubscribe, resourceNamesUnsubscribe } = request2;
    if (!first && resourceNamesSubscribe.length === 0 && resourceNamesUnsubscribe.length === 0)
      return void 0;
    return subscribe(subscription, request2, first);
  },
  respond(subscription, { changes: { changed, removed: gone }, unresolved }) {
    const { type, view, names, mustAnswer } = subscription;
    if (changed.length === 0 && gone.length === 0 && !mustAnswer)
      return void 0;
    const removed = asSent(subscription, gone);
    const content = { version: view.version, resources: changed, removed, unresolved: none7 };
    if (!type.unknownWithoutBody || unresolved.length === 0)
      return content;
    const subscribed = new Set(unresolved.filter((name3) => names.has(name3)));
    return { ...content, removed: removed.filter((name3) => !subscribed.has(name3)), unresolved: [...subscribed] };
  },
  keepAlive({ ledger }, heartbeats) {
    return { version: ledger.sent?.version ?? "", resources: [], removed: none7, unresolved: none7, heartbeats };
  }
};
function* subscribe(subscription, request2, first) {
  const { resourceNamesSubscribe: subscribe3, resourceNamesUnsubscribe: unsubscribe } = request2;
  const { type, names, view, namesToAnswer } = subscription;
  if (first && subscribe3.length === 0 && unsubscribe.length === 0) {
    subscription.setWildcard(type.emptyIsWildcard);
    subscription.mustAnswer = true;
  }
  const everything = subscribe3.includes("*");
  const leavesWildcard = unsubscribe.includes("*");
  if (everything && leavesWildcard && subscription.wildcard)
    for (const { key: key2 } of view.all())
      namesToAnswer.add(key2);
  if (everything)
    subscription.setWildcard(true);
  const stay = new Set(unsubscribe.length === 0 ? none7 : subscribe3);
  let count = 0;
  for (const spelling of unsubscribe) {
    count = counted(count, spelling);
    if (count === 0)
      yield;
    if (spelling === "*" || stay.has(spelling))
      continue;
    const name3 = canonicalName(spelling);
    const isKnown = names.has(name3) || view.get(name3);
    subscription.drop(spelling);
    if (subscription.wildcard && isKnown)
      namesToAnswer.add(name3);
  }
  for (const name3 of subscribe3) {
    count = counted(count, name3);
    if (count === 0)
      yield;
    if (name3 !== "*")
      subscription.add(name3);
  }
  if (leavesWildcard && !everything)
    subscription.setWildcard(false);
  if (!first)
    return;
  subscription.listedNames = subscribe3;
  for (const [spelling, version] of request2.initialResourceVersions) {
    count = counted(count, spelling);
    if (count === 0)
      yield;
    const name3 = canonicalName(spelling);
    const placeholder = type.placeholder?.inDelta && !view.get(name3) ? Resource.placeholder(type, name3) : void 0;
    subscription.report(spelling, version, placeholder);
  }
}
function asSent(subscription, removed) {
  if (!removed.some(hasSpellings))
    return removed;
  const spelt = (name3) => hasSpellings(name3) && !subscription.spellings.has(name3);
  return removed.map((name3) => spelt(name3) && subscription.state.repeatable(name3)?.name || name3);
}

// dist/protocol/sotw.js
var none8 = [];
var sotw = {
  name: "sotw",
  announcesRemovals: false,
  ttlFeatures: [
    ["xds.config.supports-resource-ttl"],
    ["xds.config.resource-in-sotw", "xds.config.supports-resource-in-sotw"]
  ],
  staleRequestsCount: false,
  subscribedNames: ({ resourceNames: resourceNames2 }) => resourceNames2,
  longestNameList: ({ resourceNames: resourceNames2 }) => resourceNames2.length,
  nameLists: ({ resourceNames: resourceNames2 }) => [resourceNames2],
  subscribe(subscription, request2, first) {
    if (request2.resourceNames === subscription.listedNames)
      return void 0;
    return subscribe2(subscription, request2, first);
  },
  respond(subscription, difference) {
    const { fullStateInSotw } = subscription.type;
    const { changed, removed } = difference.changes;
    const different = changed.length > 0 || fullStateInSotw && removed.length > 0;
    if (!different && !subscription.mustAnswer)
      return void 0;
    if (!fullStateInSotw)
      return { version: versionBeside(subscription, difference), resources: changed, removed: none8, unresolved: none8 };
    return fullState(subscription, covered(subscription), difference.withheld);
  },
  // Heartbeats have bodies. Envoy 1.40 takes one without a body for the absence of a cluster or listener, and does not
  // prolong the TTL of other types. Its incremental side does it right.
  keepAlive(subscription, resources) {
    if (subscription.type.fullStateInSotw)
      return fullState(subscription, livingState(subscription, covered(subscription)), subscription.waiting);
    return { version: subscription.ledger.sent?.version ?? "", resources, removed: none8, unresolved: none8 };
  }
};
function* subscribe2(subscription, { resourceNames: resourceNames2, versionInfo }, first) {
  const { type, names, view } = subscription;
  const legacy = resourceNames2.length === 0 && !subscription.hasNamed && type.emptyIsWildcard;
  const wanted = /* @__PURE__ */ new Set();
  let count = 0;
  for (const name3 of resourceNames2) {
    wanted.add(canonicalName(name3));
    count = counted(count, name3);
    if (count === 0)
      yield;
  }
  const distinct = wanted.size;
  const wildcard = wanted.delete("*") || legacy;
  if (resourceNames2.length > 0)
    subscription.hasNamed = true;
  subscription.setWildcard(wildcard);
  for (const name3 of names) {
    if (!wanted.has(name3))
      subscription.drop(name3);
    count = counted(count, name3);
    if (count === 0)
      yield;
  }
  const isBack = first && versionInfo !== "";
  const was = isBack ? subscription.meetEarlier(versionInfo) : void 0;
  for (const name3 of wanted) {
    if (!names.has(name3))
      subscription.add(name3);
    if (isBack)
      subscription.bring(name3, was);
    count = counted(count, name3);
    if (count === 0)
      yield;
  }
  subscription.listedNames = resourceNames2.length === distinct ? resourceNames2 : void 0;
  const hasAll2 = first && legacy && type.fullStateInSotw && subscription.isTrusted;
  if (hasAll2 && view.serving && view.versionIsContent && versionInfo === view.version)
    subscription.assumeCurrent();
}
function fullState({ view, state }, served, withheld) {
  const repeated2 = withheld.size > 0 ? [...withheld.keys()].flatMap((name3) => state.repeatable(name3) ?? []) : none8;
  const resources = withOld(served, repeated2);
  const version = view.versionIsContent ? mixedVersion(versionOf(view, served), repeated2) : view.version;
  return { version, resources, repeated: repeated2, removed: none8, unresolved: none8 };
}
function versionBeside(subscription, { changes, to }) {
  const { view, state, type, waiting } = subscription;
  const isExact = to !== void 0 && waiting.size === 0 && state.isPositionOnly && state.removedInUse.size === 0;
  if (isExact || !type.remembered || !view.versionIsContent || !view.earlier)
    return view.version;
  const copies = new Set(subscription.outdated());
  for (const { inUse } of state.removedInUse.values())
    for (const resource of inUse)
      copies.add(resource);
  for (const name3 of waiting.keys())
    for (const resource of state.possible(name3))
      copies.add(resource);
  const told = new Set(changes.changed.map(({ key: key2 }) => key2));
  return mixedVersion(view.version, [...copies].filter(({ key: key2 }) => !told.has(key2)));
}

// dist/wire/shared-lists.js
var SharedLists = class {
  mostBytes;
  itemBytes;
  /** The lists by their bytes, as latin1, least recently used first. */
  lists = /* @__PURE__ */ new Map();
  size = 0;
  /** `mostBytes` limits the encoded size of all lists together. Each item counts as `itemBytes` more. */
  constructor(mostBytes3, itemBytes = 0) {
    this.mostBytes = mostBytes3;
    this.itemBytes = itemBytes;
  }
  /** Returns the list for these bytes. `read` decodes it if it is new, and must return it frozen. */
  get(bytes, read) {
    const known2 = this.lists.get(bytes);
    const list = known2 ?? read();
    if (known2)
      this.lists.delete(bytes);
    else
      this.size += this.sizeOf(bytes, list);
    this.lists.set(bytes, list);
    for (const [oldest, itsList] of this.lists) {
      if (this.size <= this.mostBytes)
        break;
      this.lists.delete(oldest);
      this.size -= this.sizeOf(oldest, itsList);
    }
    return list;
  }
  sizeOf(bytes, list) {
    return bytes.length + list.length * this.itemBytes;
  }
};

// dist/wire/name-lists.js
var NameLists = class {
  /** The limit counts bytes in requests. In memory, the lists take a few times as much. */
  lists = new SharedLists(2 * 2 ** 20);
  /** Reads consecutive values of a repeated field, whose first tag has been read. */
  read(reader, fieldNo) {
    const start = reader.pos;
    reader.passRepeated(fieldNo);
    return this.lists.get(reader.latin1(start), () => {
      const names = [];
      const end = reader.pos;
      reader.pos = start;
      do
        names.push(reader.text(reader.valueEnd()));
      while (reader.pos < end && reader.skipTag(lengthDelimited(fieldNo)));
      return Object.freeze(names);
    });
  }
};

// dist/wire/request-bounds.js
var unbounded = {
  mostNames: Number.POSITIVE_INFINITY,
  mostNodeBytes: Number.POSITIVE_INFINITY,
  tooManyValues: (most, kind) => new Error(`more than ${most} ${kind}`),
  checkNode: () => {
  }
};
var smallBytes = 16 << 10;
var mostNodeMessages = 2e4;
var mostNodeFields = 1e5;
var tooManyNodeParts = (most, parts) => new XdsError("LIMIT_EXCEEDED", `a node with more than ${most} ${parts}`);
var otherFields = 64;
var ValueCount = class {
  /** The list of a field, by field number; 0 for a field that belongs to none. */
  listOf;
  isMessage;
  constructor({ lists: lists2, messages: messages2 }) {
    const numbers = Array.from({ length: 16 }, (_, field2) => field2);
    this.listOf = numbers.map((field2) => lists2.findIndex((fields) => fields.includes(field2)) + 1);
    this.isMessage = numbers.map((field2) => messages2.includes(field2));
  }
  /**
   * Checks how many values each list of a request has, and how many fields are beside the lists. Nothing is decoded, so
   * this costs a fraction of what reading costs.
   * @throws RangeError for bytes that are not protobuf, and the error of `bounds.tooManyValues()`
   */
  check(bytes, bounds) {
    if (bytes.length <= smallBytes)
      return;
    const { mostNames: mostNames2 } = bounds;
    const left = this.listOf.map(() => mostNames2);
    left[0] = otherFields;
    const count = (list) => {
      if (--left[list] >= 0)
        return;
      throw list === 0 ? bounds.tooManyValues(otherFields, "fields beside its lists") : bounds.tooManyValues(mostNames2, "names in one list");
    };
    const reader = new WireReader(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.fieldTag();
      const field2 = tag >>> 3;
      count(this.listOf[field2] ?? 0);
      if ((tag & 7) !== WireType.LengthDelimited || !this.isMessage[field2]) {
        reader.pass(tag);
        continue;
      }
      const end = reader.valueEnd();
      for (let fields = 1; reader.pos < end; fields++) {
        reader.pass(reader.fieldTag());
        if (fields > 2)
          count(0);
      }
      mustEndAt(reader, end);
    }
  }
};

// dist/wire/requests.js
var noNames5 = [];
var noVersions = /* @__PURE__ */ new Map();
var lists = new NameLists();
var discoveryValues = new ValueCount({ lists: [[3, 7]], messages: [6, 7] });
var deltaValues = new ValueCount({
  lists: [[3, 8], [4, 9], [5]],
  messages: [5, 7, 8, 9]
});
var nackBytes = 32 << 10;
function joined2(names, more) {
  if (names.length === 0)
    return more;
  const all = Object.isFrozen(names) ? [...names] : names;
  for (const name3 of more)
    all.push(name3);
  return all;
}
function decodeDiscoveryRequest(bytes, registry, bounds = unbounded) {
  const request2 = {
    node: void 0,
    typeUrl: "",
    responseNonce: "",
    errorDetail: void 0,
    versionInfo: "",
    resourceNames: noNames5
  };
  const last = {};
  walk(bytes, "DiscoveryRequest", discoveryValues, bounds, (field2, reader) => {
    if (field2 === 1)
      request2.versionInfo = string(reader);
    else if (field2 === 2)
      last.node = reader.bytes();
    else if (field2 === 3)
      request2.resourceNames = joined2(request2.resourceNames, lists.read(reader, field2));
    else if (field2 === 4)
      request2.typeUrl = string(reader);
    else if (field2 === 5)
      request2.responseNonce = string(reader);
    else if (field2 === 6)
      last.error = reader.bytes();
    else if (field2 === 7)
      request2.resourceNames = joined2(request2.resourceNames, [locatorName(reader)]);
    else
      return false;
    return true;
  });
  readLast(request2, "DiscoveryRequest", last, registry, bounds);
  return request2;
}
function decodeDeltaDiscoveryRequest(bytes, registry, bounds = unbounded) {
  const request2 = {
    node: void 0,
    typeUrl: "",
    responseNonce: "",
    errorDetail: void 0,
    resourceNamesSubscribe: noNames5,
    resourceNamesUnsubscribe: noNames5,
    initialResourceVersions: noVersions
  };
  let versions2;
  const subscribe3 = (names) => {
    request2.resourceNamesSubscribe = joined2(request2.resourceNamesSubscribe, names);
  };
  const unsubscribe = (names) => {
    request2.resourceNamesUnsubscribe = joined2(request2.resourceNamesUnsubscribe, names);
  };
  const last = {};
  walk(bytes, "DeltaDiscoveryRequest", deltaValues, bounds, (field2, reader) => {
    if (field2 === 1)
      last.node = reader.bytes();
    else if (field2 === 2)
      request2.typeUrl = string(reader);
    else if (field2 === 3)
      subscribe3(lists.read(reader, field2));
    else if (field2 === 4)
      unsubscribe(lists.read(reader, field2));
    else if (field2 === 5) {
      const [name3, version] = strings(reader, 1, 2);
      request2.initialResourceVersions = versions2 = (versions2 ?? /* @__PURE__ */ new Map()).set(name3, version);
    } else if (field2 === 6)
      request2.responseNonce = string(reader);
    else if (field2 === 7)
      last.error = reader.bytes();
    else if (field2 === 8)
      subscribe3([locatorName(reader)]);
    else if (field2 === 9)
      unsubscribe([locatorName(reader)]);
    else
      return false;
    return true;
  });
  readLast(request2, "DeltaDiscoveryRequest", last, registry, bounds);
  return request2;
}
function readLast(request2, message, last, registry, bounds) {
  try {
    if (last.node)
      request2.node = node(last.node, registry, bounds);
    if (last.error)
      request2.errorDetail = errorDetail(last.error);
  } catch (cause) {
    throw unreadable(message, cause);
  }
}
function walk(bytes, message, values, bounds, take) {
  try {
    values.check(bytes, bounds);
    const reader = new WireReader(bytes);
    while (reader.pos < reader.len) {
      const [field2, wireType] = reader.tag();
      if (wireType !== WireType.LengthDelimited || !take(field2, reader))
        reader.skip(wireType, field2);
    }
  } catch (cause) {
    throw unreadable(message, cause);
  }
}
var unreadable = (message, cause) => cause instanceof XdsError ? cause : new XdsError("INVALID_REQUEST", `not a ${message}: ${messageOf(cause)}`, { cause });
var string = (reader) => reader.text(reader.valueEnd());
function wholeNode(type, bytes) {
  if (bytes.length > smallBytes) {
    const excess = tooManyParts(type, bytes, mostNodeParts);
    if (excess)
      throw tooManyNodeParts(mostNodeParts[excess], excess);
  }
  return fromBinary(type, bytes);
}
var mostNodeParts = { messages: mostNodeMessages, fields: mostNodeFields };
var extensionsField = 9;
var leastShared = 4096;
var extensionLists = /* @__PURE__ */ new WeakMap();
var newExtensionLists = () => new SharedLists(2 ** 20, 64);
function node(bytes, registry, bounds) {
  bounds.checkNode(bytes.length);
  const schema = apiMessage(registry, "envoy.config.core.v3.Node");
  if (bytes.length < leastShared)
    return wholeNode(schema, bytes);
  const reader = new WireReader(bytes);
  const start = toExtensions(reader);
  if (reader.pos - start < leastShared)
    return wholeNode(schema, bytes);
  const [before, list, after] = [bytes.subarray(0, start), reader.slice(start), bytes.subarray(reader.pos)];
  const node3 = wholeNode(schema, after.length === 0 ? before : Buffer.concat([before, after]));
  const lists2 = extensionLists.get(schema) ?? newExtensionLists();
  extensionLists.set(schema, lists2);
  const read = () => frozen(wholeNode(schema, Uint8Array.from(list)).extensions);
  const shared2 = lists2.get(reader.latin1(start), read);
  const more = node3.extensions;
  node3.extensions = more.length === 0 ? shared2 : [...shared2, ...more];
  return node3;
}
function toExtensions(reader) {
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field2, wireType] = reader.tag();
    if (field2 !== extensionsField)
      reader.skip(wireType, field2);
    else {
      reader.passRepeated(field2);
      return start;
    }
  }
  return reader.pos;
}
function frozen(value) {
  for (const part of Object.values(value))
    if (typeof part === "object" && part !== null && !ArrayBuffer.isView(part))
      frozen(part);
  return Object.freeze(value);
}
function cutNack(text2) {
  const left = text2.length - nackBytes;
  const start = new TextDecoder().decode(text2.subarray(0, nackBytes));
  return left > 0 ? `${start}\u2026 (${left} bytes more)` : start;
}
function errorDetail(bytes) {
  const reader = new BinaryReader(bytes);
  let code = 0;
  let message;
  while (reader.pos < reader.len) {
    const [field2, wireType] = reader.tag();
    if (field2 === 1 && wireType === WireType.Varint)
      code = reader.int32();
    else if (field2 === 2 && wireType === WireType.LengthDelimited)
      message = reader.bytes();
    else
      reader.skip(wireType, field2);
  }
  return { code, message: message ? cutNack(message) : "" };
}
var locatorName = (reader) => strings(reader, 1, 0)[0];
function strings(reader, first, second) {
  const found = ["", ""];
  const end = reader.valueEnd();
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(first))
      found[0] = reader.text(reader.valueEnd(end));
    else if (tag === lengthDelimited(second))
      found[1] = reader.text(reader.valueEnd(end));
    else
      reader.pass(tag);
  }
  mustEndAt(reader, end);
  return found;
}

// dist/wire/responses.js
function encodeDiscoveryResponse(response2) {
  return encode(response2, response2.ttl ? sotwWithTtl : sotw2, []);
}
function encodeDeltaDiscoveryResponse(response2) {
  const { heartbeats, unresolved, spellings } = response2;
  const spelt = (name3) => spellings.get(name3) ?? name3;
  const more = [
    ...heartbeats.map(({ key: key2, name: name3, version, ttlMs }) => emptyDeltaEntry({ name: spellings.get(key2) ?? name3, version, aliases: [], ttlMs })),
    ...unresolved.map(spelt).map((name3) => emptyDeltaEntry({ name: name3, version: "", aliases: [name3] }))
  ];
  return encode(response2, response2.ttl ? deltaWithTtl : delta2, more);
}
var form = (entryOf) => ({ entryOf, bodies: /* @__PURE__ */ new WeakMap(), single: void 0 });
var sotw2 = form((resource) => resource.sotwEntry(false));
var sotwWithTtl = form((resource) => resource.sotwEntry(true));
var delta2 = form((resource, name3) => resource.deltaEntry(false, name3));
var deltaWithTtl = form((resource, name3) => resource.deltaEntry(true, name3));
function encode(response2, form2, more) {
  const { entryOf, bodies: bodies2 } = form2;
  const { resources, removedResources: removed, versionInfo: version, spellings } = response2;
  const [resource] = resources.length === 1 ? resources : [];
  let bytes;
  const known2 = resource && form2.single?.resource === resource ? form2.single : bodies2.get(resources);
  if (spellings.size > 0)
    bytes = encodeBody(response2, (resource2) => entryOf(resource2, spellings.get(resource2.key)));
  else if (known2?.version === version && known2.removed === removed)
    bytes = known2.bytes;
  else {
    bytes = encodeBody(response2, (resource2) => entryOf(resource2, void 0));
    if (resource)
      form2.single = { resource, version, removed, bytes };
    else
      bodies2.set(resources, { version, removed, bytes });
  }
  const nonce = nonceField(response2.nonce);
  return more.length > 0 ? [bytes, ...more, nonce] : [bytes, nonce];
}
function encodeBody(response2, entryOf) {
  const { versionInfo, typeUrl, resources, removedResources, spellings } = response2;
  const parts = [stringField(1, versionInfo), stringField(4, typeUrl)];
  for (const resource of resources)
    parts.push(entryOf(resource));
  for (const name3 of removedResources)
    parts.push(stringField(6, spellings.get(name3) ?? name3));
  return Buffer.concat(parts);
}
var nonceField = (nonce) => Buffer.from(`*${String.fromCharCode(nonce.length)}${nonce}`, "latin1");
function stringField(field2, value) {
  return new BinaryWriter().tag(field2, WireType.LengthDelimited).string(value).finish();
}

// dist/server/access/certificate-names.js
import { TLSSocket } from "node:tls";
function certificateNames(certificate) {
  if (!certificate?.raw)
    return [];
  const altNames = parseAltNames(certificate.subjectaltname ?? "");
  return Object.entries(usable).flatMap(([kind, isUsable]) => altNames.filter((name3) => name3.kind === kind && isUsable.test(name3.value)).map(({ value }) => value));
}
function certificateNamesOf(socket) {
  return socket instanceof TLSSocket && socket.authorized ? certificateNames(socket.getPeerCertificate()) : [];
}
var usable = { URI: /^[a-z][a-z0-9+.-]*:[!-~]+$/i, DNS: /^[\w*.-]+$/ };
var altName = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;
function parseAltNames(text2) {
  const names = [];
  altName.lastIndex = 0;
  while (altName.lastIndex < text2.length) {
    const [, kind = "", value = ""] = altName.exec(text2) ?? [];
    if (kind === "")
      return [{ kind: "unreadable", value: text2 }];
    names.push({ kind, value: value.startsWith('"') ? unquoted(value) : value });
  }
  return names;
}
function unquoted(json) {
  try {
    return String(JSON.parse(json));
  } catch {
    return "";
  }
}

// dist/server/grpc/grpc-methods.js
function statusOf(error) {
  if (error instanceof XdsError)
    return { code: error.grpcStatus, details: error.message };
  const { code, details } = Object(error);
  const hasStatus = typeof code === "number" && code > status.OK && code <= status.UNAUTHENTICATED;
  return {
    code: hasStatus ? code : status.INTERNAL,
    details: typeof details === "string" ? details : messageOf(error)
  };
}
var ok = { code: status.OK, details: "" };
var unsentOf = ({ unsent }, call, account) => unsent.of((error) => {
  call.fail(error);
  call.cut();
}, account);
function sendCounted(call, response2, parts, sent) {
  let bytes = 0;
  for (const part of parts)
    bytes += part.length;
  response2.written(bytes);
  call.send(parts, () => {
    response2.sent();
    sent?.();
  });
}
function admitted({ refused: refused2 }, what, { peer }, enter) {
  try {
    return enter();
  } catch (error) {
    refused2.tell(what, error, { peer });
    throw error;
  }
}
function unary(context, form2, answer2) {
  return (call, caller) => {
    const leave = admitted(context, "request", caller, () => context.admission.enterCall(caller));
    const response2 = unsentOf(context, call, caller.account);
    const over = new AbortController();
    let request2;
    return {
      isUnary: true,
      message: (bytes) => {
        context.limits.checkRequest(bytes.length, form2);
        request2 = bytes;
      },
      end: () => {
        answer2(request2, caller, over.signal).then((parts) => {
          sendCounted(call, response2, parts);
          call.end(ok);
        }, (error) => call.fail(error));
      },
      failed: (error) => context.refused.tell("request", error, { peer: caller.peer }),
      closed: () => over.abort(),
      finished: leave
    };
  };
}
function messages(context, open, maxBytes4 = Number.POSITIVE_INFINITY) {
  return (call, caller) => {
    const { admission, refused: refused2 } = context;
    const stream = { answered: true, fail: (error) => call.fail(error) };
    const slot = admitted(context, "stream", caller, () => admission.enter(caller, stream));
    const response2 = unsentOf(context, call, caller.account);
    const handler = open(caller);
    let isOpen = true;
    let isFirst = true;
    const handle = async (bytes) => {
      const answer2 = await handler.message(bytes);
      if (!isOpen)
        return;
      if (answer2)
        sendCounted(call, response2, [answer2], () => call.resume());
      else
        call.resume();
    };
    return {
      maxBytes: maxBytes4,
      message: (bytes) => {
        slot.request(bytes.length, "protobuf");
        if (isFirst)
          slot.firstRequest(bytes.length);
        isFirst = false;
        call.pause();
        handle(bytes).catch((error) => call.fail(error));
      },
      end: () => call.end(ok),
      failed: (error) => refused2.tell("stream", error, { peer: caller.peer }),
      closed: () => {
        isOpen = false;
        handler.closed?.();
      },
      finished: () => slot.leave()
    };
  };
}

// dist/server/csds/csds.js
var clientStatusPath = "/v3/discovery:client_status";
var name = "envoy.service.status.v3.ClientStatusDiscoveryService";
var maxBytes = 64 << 20;
var maxRequestBytes = 128 << 10;
async function answerClientStatus(host, form2, call) {
  const { body, caller, signal } = call;
  const { limits, work, queue } = host;
  const { registry } = host.api;
  const { account } = caller;
  const mostBytes3 = limits.limits.nodeBytes + maxRequestBytes;
  if (body.length > mostBytes3)
    throw new XdsError("REQUEST_TOO_LARGE", `a request of ${body.length} bytes; the client status service accepts at most ${mostBytes3}`);
  const [{ clientStatusResponse }, { jsonFormat, protobufFormat }] = await Promise.all([
    import("./client-config-LBUDF53A.js"),
    import("./client-status-format-RJDQLUNP.js")
  ]);
  const format = (form2 === "json" ? jsonFormat : protobufFormat)(registry);
  const request2 = await queue.finish(account, inOneStep(() => format.decode(body, limits.checkNode)), signal);
  const { node: node3 = call.node, nodeMatchers, excludeResourceContents } = request2;
  await host.asked(caller, node3);
  const options = { registry, format, withContents: !excludeResourceContents, maxBytes };
  const filter = nodeMatchers.length > 0 ? (await import("./node-matcher-VHY7S4W2.js")).nodeFilter : void 0;
  const begin = function* () {
    const picks = filter && (yield* filter(nodeMatchers));
    return yield* clientStatusResponse(host.clients(caller), picks, options);
  };
  const answer2 = await work.run(signal, begin, (ms) => account.charge(ms));
  return { node: node3, body: answer2 };
}
function addClientStatusService(server, host, context) {
  const open = (caller) => {
    const call = new AbortController();
    let first;
    const message = async (body) => {
      const request2 = { body, caller, node: first?.node, signal: call.signal };
      const answer2 = await answerClientStatus(host, "protobuf", request2);
      first ??= { node: answer2.node };
      return answer2.body;
    };
    return { message, closed: () => call.abort() };
  };
  const fetch2 = async (body, caller, signal) => [
    (await answerClientStatus(host, "protobuf", { body, caller, signal })).body
  ];
  server.add(`/${name}/StreamClientStatus`, messages(context, open));
  server.add(`/${name}/FetchClientStatus`, unary(context, "protobuf", fetch2));
  return name;
}

// dist/server/grpc/discovery-call.js
function streamMethod(host, variant, decode, encode2, type) {
  const method = { host, variant, decode, encode: encode2, type };
  return (call, caller) => new DiscoveryCall(method, call, caller);
}
var DiscoveryCall = class {
  method;
  call;
  caller;
  stream;
  unsent;
  slot;
  isOpen = true;
  hasSent = false;
  /** Called when a response was passed to the kernel, or when it never will be. */
  written = () => {
    this.unsent.sent();
    if (this.isOpen)
      this.stream.writable();
  };
  constructor(method, call, caller) {
    this.method = method;
    this.call = call;
    this.caller = caller;
    const { host, variant, type } = method;
    this.stream = host.stream(variant, this, type);
    this.unsent = unsentOf(host, call, caller.account);
    try {
      this.slot = host.admission.enter(caller, this.stream);
    } catch (error) {
      this.stream.fail(error);
      return;
    }
    this.paced(this.stream.open());
  }
  get peer() {
    return this.caller.peer;
  }
  get account() {
    return this.caller.account;
  }
  get certificateNames() {
    return this.caller.certificateNames;
  }
  // What the protocol's stream does with the call
  send(response2) {
    const { host, variant, encode: encode2 } = this.method;
    const parts = encode2(response2);
    let bytes = 0;
    for (const part of parts)
      bytes += part.length;
    host.traffic[variant.name].of(response2.typeUrl).bytes += bytes;
    this.stream.encoded(response2, bytes);
    this.slot?.response();
    this.hasSent = true;
    this.unsent.written(bytes);
    this.call.send(parts, this.written);
    return false;
  }
  /** Ends the call with the error's status; without an error, after the client has ended its side, with OK. */
  end(error) {
    this.call.end(error === void 0 ? ok : statusOf(error));
  }
  // What the call does with the protocol's stream
  message(bytes) {
    const { host, decode } = this.method;
    const { account } = this.caller;
    if (this.hasSent && account.unsent === 0)
      account.hasAnswered = true;
    this.slot?.request(bytes.length, "discovery");
    this.paced(this.stream.receive(decode(bytes, host.api.registry, host.limits)));
  }
  failed(error) {
    this.stream.fail(error);
  }
  closed() {
    this.isOpen = false;
    this.stream.close();
  }
  finished() {
    this.slot?.leave();
  }
  paced(waiting) {
    if (!waiting)
      return;
    this.call.pause();
    void waiting.then(() => this.call.resume());
  }
};

// dist/server/grpc/health.js
var health = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 };
var maxBytes2 = 4096;
var mostWaiting = 1e3;
var HealthService = class {
  admission;
  state = health.SERVING;
  names;
  watching = /* @__PURE__ */ new Map();
  /** The open Check calls, the oldest first. */
  waiting = /* @__PURE__ */ new Set();
  constructor(server, services, admission) {
    this.admission = admission;
    this.names = /* @__PURE__ */ new Set(["", ...services]);
    server.add("/grpc.health.v1.Health/Check", this.check);
    server.add("/grpc.health.v1.Health/Watch", this.watch);
  }
  /** Ends all Watch calls with this error. */
  close(error) {
    for (const call of [...this.watching.keys()])
      call.fail(error);
  }
  /** Reports NOT_SERVING from now on. */
  stop() {
    this.state = health.NOT_SERVING;
    for (const [call, service] of this.watching)
      call.send([this.answer(service)]);
  }
  check = (call) => {
    const answer2 = (service) => {
      if (!this.names.has(service))
        throw new StatusError(status.NOT_FOUND, "the server has no such service");
      call.send([this.answer(service)]);
      call.end(ok);
    };
    const { waiting } = this;
    waiting.add(call);
    if (waiting.size > mostWaiting)
      for (const oldest of waiting) {
        oldest.abandon(new StatusError(status.RESOURCE_EXHAUSTED, "too many Check calls are open"));
        break;
      }
    return oneRequest2(answer2, { finished: () => waiting.delete(call) });
  };
  watch = (call, caller) => {
    const leave = this.admission.enterCall(caller);
    const begin = (service) => {
      this.watching.set(call, service);
      call.send([this.answer(service)]);
    };
    return oneRequest2(begin, { closed: () => this.watching.delete(call), finished: leave });
  };
  /** An encoded HealthCheckResponse. */
  answer(service) {
    return Uint8Array.of(8, this.names.has(service) ? this.state : health.SERVICE_UNKNOWN);
  }
};
function oneRequest2(onService, { closed = () => {
}, finished }) {
  let service;
  return {
    isUnary: true,
    maxBytes: maxBytes2,
    message: (bytes) => {
      service = serviceOf(bytes);
    },
    end: () => onService(service),
    failed: () => {
    },
    closed,
    finished
  };
}
function serviceOf(bytes) {
  try {
    const reader = new BinaryReader(bytes);
    let service = "";
    while (reader.pos < reader.len) {
      const [field2, type] = reader.tag();
      if (field2 === 1 && type === WireType.LengthDelimited)
        service = reader.string();
      else
        reader.skip(type, field2);
    }
    return service;
  } catch {
    throw new StatusError(status.INVALID_ARGUMENT, "not a HealthCheckRequest");
  }
}

// dist/server/grpc/reflection.js
function addReflectionService(server, services, api, context) {
  const open = ({ account }) => ({
    message: async (request2) => {
      context.unsent.check(account);
      try {
        return answer(request2, services, api.registry);
      } catch (cause) {
        throw new XdsError("INVALID_REQUEST", "not a ServerReflectionRequest", { cause });
      }
    }
  });
  for (const version of ["v1", "v1alpha"])
    server.add(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, messages(context, open, maxBytes3));
}
var maxBytes3 = 16 << 10;
var request = { host: 1, fileByName: 3, fileBySymbol: 4, listServices: 7 };
var response = { host: 1, request: 2, files: 4, services: 6, error: 7 };
function answer(bytes, services, registry) {
  const reader = new BinaryReader(bytes);
  let host;
  let asked = { field: 0, value: "" };
  while (reader.pos < reader.len) {
    const [field2, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited)
      reader.skip(wireType, field2);
    else if (field2 === request.host)
      host = reader.string();
    else
      asked = { field: field2, value: reader.string() };
  }
  const out = new BinaryWriter();
  const put = (field2, value) => out.tag(field2, WireType.LengthDelimited).bytes(value);
  if (host !== void 0)
    out.tag(response.host, WireType.LengthDelimited).string(host);
  put(response.request, bytes);
  put(...answerTo(asked.field, asked.value, services, registry));
  return Buffer.from(out.finish());
}
function answerTo(field2, value, services, registry) {
  const fileWith = (file) => file === void 0 ? [response.error, errorResponse(status.NOT_FOUND, `this server does not know ${JSON.stringify(value)}`)] : [response.files, withImports(registry, file)];
  switch (field2) {
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
var named = (name3) => new BinaryWriter().tag(1, WireType.LengthDelimited).string(name3).finish();
function repeated(values) {
  const out = new BinaryWriter();
  for (const value of values)
    out.tag(1, WireType.LengthDelimited).bytes(value);
  return out.finish();
}
function errorResponse(code, message) {
  return new BinaryWriter().tag(1, WireType.Varint).int32(code).tag(2, WireType.LengthDelimited).string(message).finish();
}
function withImports(registry, name3) {
  const files = /* @__PURE__ */ new Map();
  const add = (file) => {
    const bytes = registry.fileBytes(file);
    if (!bytes || files.has(file))
      return;
    files.set(file, bytes);
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field2, wireType] = reader.tag();
      if (field2 === 3)
        add(reader.string());
      else
        reader.skip(wireType, field2);
    }
  };
  add(name3);
  return repeated(files.values());
}

// dist/server/lrs/lrs.js
var name2 = "envoy.service.load_stats.v3.LoadReportingService";
function addLoadReportingService(server, loads, context) {
  server.add(`/${name2}/StreamLoadStats`, messages(context, (caller) => loads.open(caller)));
  return name2;
}

// dist/server/grpc-port.js
var aggregated = {
  name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
  stream: "StreamAggregatedResources",
  delta: "DeltaAggregatedResources"
};
var GrpcPort = class {
  server;
  health;
  /** @throws XdsError INVALID_OPTION for certificates that cannot be used */
  constructor(host, options) {
    const { tls, connectionAge, keepaliveMs, keepaliveTimeoutMs } = options;
    const limits = grpcLimits(host.limits.limits);
    this.server = new GrpcServer({ tls: tls && tlsServerOptions(tls), limits, keepaliveMs, keepaliveTimeoutMs }, connectionHost(host, connectionAge));
    const services = [];
    const rows = [
      { service: aggregated, type: void 0 },
      ...host.api.resourceTypes().map((type) => ({ service: type.service, type }))
    ];
    for (const { service, type } of rows) {
      if (!service)
        continue;
      const { name: name3, stream, delta: incremental } = service;
      const add = (method, handler) => {
        if (method)
          this.server.add(`/${name3}/${method}`, handler);
      };
      add(stream, streamMethod(host, sotw, decodeDiscoveryRequest, encodeDiscoveryResponse, type));
      add(incremental, streamMethod(host, delta, decodeDeltaDiscoveryRequest, encodeDeltaDiscoveryResponse, type));
      if (type && "fetch" in service)
        add(service.fetch, fetchMethod(host, type));
      services.push(name3);
    }
    if (host.clientStatus)
      services.push(addClientStatusService(this.server, host.clientStatus, host));
    if (host.loads)
      services.push(addLoadReportingService(this.server, host.loads, host));
    this.health = new HealthService(this.server, services, host.admission);
    addReflectionService(this.server, [...services, "grpc.health.v1.Health"], host.api, host);
  }
  /** The number of open connections. */
  get connections() {
    return this.server.connections;
  }
  /**
   * Listens, and returns the port.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host, port) {
    return listenOn(this.server.listener, host, port, "gRPC");
  }
  /** Sets the certificates for new connections. */
  setTls(context) {
    this.server.setTls(context);
  }
  /** Refuses new connections, sends GOAWAY on the open ones, and resolves when the last one has ended. */
  stop() {
    this.health.stop();
    return this.server.stop();
  }
  /** Ends the Watch calls of the health service, which would not end by themselves. */
  endWatches(error) {
    this.health.close(error);
  }
  /** Ends everything at once. */
  close() {
    this.server.close();
  }
};
var limitNames = {
  connections: "connections",
  connectionsPerPeer: "connectionsPerPeer",
  streams: "streamsPerConnection",
  headerBytes: "headerBytes",
  continuations: "continuationFrames",
  controlFrames: "controlFrames",
  handshakeMs: "handshakeMs",
  messageMs: "messageMs",
  frameMs: "messageMs",
  idleMs: "idleConnectionMs"
};
var grpcLimits = (limits) => Object.fromEntries(Object.entries(limitNames).map(([transportName, name3]) => [transportName, limits[name3]]));
var limitMessages = {
  connections: "too many connections",
  connectionsPerPeer: "too many connections from one address",
  streams: "too many streams on one connection",
  headerBytes: "the headers of a call are too large",
  continuations: "too many CONTINUATION frames",
  controlFrames: "too many frames that ask for nothing",
  handshakeMs: "the TLS handshake or the HTTP/2 preface took too long",
  messageMs: "a message took too long to arrive",
  frameMs: "an HTTP/2 frame took too long to arrive",
  idleMs: "a connection had no streams for too long"
};
var refusedThings = {
  streams: "stream",
  headerBytes: "request"
};
function connectionHost(host, age) {
  const { limits, refused: refused2, receiving, accounts, queue } = host;
  return {
    receiving: ({ account }) => receiving.of(account),
    connected: (connection, socket) => {
      const peer = peerOf(socket);
      const caller = { peer, certificateNames: certificateNamesOf(socket), account: accounts.open(networkOf(peer)) };
      age?.opened(caller, connection);
      return caller;
    },
    disconnected: (caller) => {
      age?.closed(caller);
      accounts.close(networkOf(caller.peer));
    },
    hasTurn: (call, bytes, { account }) => {
      if (queue.hasTurn(bytes))
        return true;
      queue.add(new RequestTurn(account, call));
      return false;
    },
    worked: (ms, { account }) => queue.worked(account, ms),
    begins: (bytes) => limits.checkRequest(bytes, "discovery"),
    limitHit: (limit, peer) => {
      const error = limits.exceeded(limitNames[limit], limitMessages[limit]);
      if (peer !== "" && limit !== "idleMs")
        refused2.tell(refusedThings[limit] ?? "connection", error, { peer });
      return error;
    },
    statusOf,
    handshakeFailed: (error, socket) => refused2.logHandshake(error, socket),
    otherProtocolCame: (peer, what) => refused2.logNotHttp2(peer, what),
    connectionFailed: (error, peer) => {
      if (!(error instanceof ConnectionError))
        refused2.tell("connection", error, { peer });
      else if (error.code === errorCode.INADEQUATE_SECURITY)
        refused2.logNotHttp2(peer, error.message);
      else
        refused2.logProtocolError(error, peer);
    }
  };
}
var RequestTurn = class {
  account;
  call;
  writes = false;
  constructor(account, call) {
    this.account = account;
    this.call = call;
  }
  flush() {
    this.call.turn();
  }
};
function fetchMethod(host, type) {
  return unary(host, "discovery", (bytes, caller, signal) => host.fetch(type, {
    caller,
    signal,
    read: () => decodeDiscoveryRequest(bytes, host.api.registry, host.limits),
    write: (response2) => inOneStep(() => encodeDiscoveryResponse(response2))
  }));
}

// dist/server/lrs/node-loads.js
var markMs = 6e5;
var mostNodes = 5e4;
var none9 = { succeeded: 0, failed: 0 };
var NodeLoads = class {
  now;
  /** By node id, in the order of the last reports. */
  nodes = /* @__PURE__ */ new Map();
  /** `now`: a clock in milliseconds that only grows. */
  constructor(now = () => performance.now()) {
    this.now = now;
  }
  /** Adds a report of a node. */
  add(id, { succeeded, failed }) {
    const now = this.now();
    const entry = this.nodes.get(id) ?? entryAt(now);
    this.nodes.delete(id);
    if (now - entry.markedAt >= markMs) {
      entry.before = entry.mark;
      entry.mark = entry.total;
      entry.markedAt = now;
    }
    entry.total = { succeeded: entry.total.succeeded + succeeded, failed: entry.total.failed + failed };
    entry.reportedAt = now;
    this.nodes.set(id, entry);
    this.dropOld(now);
  }
  get(id) {
    return this.nodes.get(id);
  }
  get size() {
    return this.nodes.size;
  }
  dropOld(now) {
    for (const [id, { reportedAt }] of this.nodes) {
      if (this.nodes.size <= mostNodes && now - reportedAt < markMs)
        return;
      this.nodes.delete(id);
    }
  }
};
var entryAt = (now) => ({
  total: none9,
  mark: none9,
  before: none9,
  markedAt: now,
  reportedAt: now,
  get recent() {
    return { succeeded: this.total.succeeded - this.before.succeeded, failed: this.total.failed - this.before.failed };
  }
});

// dist/server/lrs/load-reporting.js
var fieldsPerMessage = 10;
var LoadReporting = class {
  options;
  logger;
  api;
  anonymous;
  permit;
  limits;
  counts = {
    streams: 0,
    reports: 0,
    clusters: 0,
    invalid: 0,
    issued: 0,
    succeeded: 0,
    failed: 0,
    dropped: 0
  };
  /** What each node has reported. */
  nodes = new NodeLoads();
  intervalMs;
  /** @throws XdsError INVALID_OPTION */
  constructor(options, logger, api, anonymous, permit, limits) {
    this.options = options;
    this.logger = logger;
    this.api = api;
    this.anonymous = anonymous;
    this.permit = permit;
    this.limits = limits;
    this.intervalMs = options.intervalMs ?? 1e4;
    if (!(this.intervalMs > 0 && Number.isFinite(this.intervalMs)))
      throw new XdsError("INVALID_OPTION", `loadReporting: intervalMs must be a finite number greater than 0, is ${this.intervalMs}`);
  }
  get counters() {
    return { ...this.counts };
  }
  open(caller) {
    this.counts.streams++;
    let node3;
    let lastClusters;
    return {
      message: async (bytes) => {
        const request2 = this.decode(bytes);
        const isFirst = node3 === void 0;
        node3 ??= request2.node ?? this.anonymous();
        if (!node3)
          throw new XdsError("INVALID_REQUEST", "the first message of a stream of load reports needs a node");
        if (isFirst)
          await this.permit(caller, node3);
        if (isFirst)
          this.note(node3, { succeeded: 0, failed: 0 });
        if (!isFirst || request2.clusterStats.length > 0)
          await this.take(node3, caller, request2.clusterStats);
        const clusters = this.options.clusters?.(node3) ?? "all";
        const encodedClusters = JSON.stringify(clusters);
        if (encodedClusters === lastClusters)
          return void 0;
        lastClusters = encodedClusters;
        return this.response(clusters);
      },
      closed: () => {
        this.counts.streams--;
      }
    };
  }
  async take(node3, caller, stats) {
    const clusters = stats.filter(({ clusterName }) => clusterName !== "");
    const invalid = stats.length - clusters.length;
    if (invalid > 0)
      this.logger.warn({ node: node3.id, peer: caller.peer, invalid }, "load report: clusters without a name");
    this.counts.reports++;
    this.counts.invalid += invalid;
    this.counts.clusters += clusters.length;
    let [succeeded, failed] = [0, 0];
    for (const { upstreamLocalityStats, totalDroppedRequests } of clusters) {
      this.counts.dropped += Number(totalDroppedRequests);
      for (const locality of upstreamLocalityStats) {
        this.counts.issued += Number(locality.totalIssuedRequests);
        succeeded += Number(locality.totalSuccessfulRequests);
        failed += Number(locality.totalErrorRequests);
      }
    }
    this.counts.succeeded += succeeded;
    this.counts.failed += failed;
    this.note(node3, { succeeded, failed });
    try {
      const { peer, certificateNames: certificateNames2 } = caller;
      await this.options.onReport?.(node3, { peer, certificateNames: certificateNames2, receivedAt: Date.now(), clusters });
    } catch (error) {
      const fields = { callback: "onReport", node: node3.id, peer: caller.peer, error: messageOf(error) };
      this.logger.error(fields, "a callback failed");
    }
  }
  note({ id }, load) {
    if (id !== "")
      this.nodes.add(id, load);
  }
  /** @throws XdsError LIMIT_EXCEEDED for more messages or fields than one report may have; INVALID_REQUEST */
  decode(bytes) {
    const type = apiMessage(this.api.registry, "envoy.service.load_stats.v3.LoadStatsRequest");
    const messages2 = this.limits.limits.names;
    const most = { messages: messages2, fields: fieldsPerMessage * messages2 };
    try {
      const excess = tooManyParts(type, bytes, most);
      if (excess)
        throw this.limits.exceeded("names", `a load report of more than ${most[excess]} ${excess}`);
      return fromBinary(type, bytes);
    } catch (cause) {
      if (cause instanceof XdsError)
        throw cause;
      throw new XdsError("INVALID_REQUEST", `not a LoadStatsRequest: ${messageOf(cause)}`, { cause });
    }
  }
  /** The response that requests reports of these clusters. */
  response(clusters) {
    const { intervalMs } = this;
    const init = {
      clusters: clusters === "all" ? [] : [...clusters],
      sendAllClusters: clusters === "all",
      loadReportingInterval: durationOf(intervalMs),
      reportEndpointGranularity: this.options.perEndpoint ?? false
    };
    const type = apiMessage(this.api.registry, "envoy.service.load_stats.v3.LoadStatsResponse");
    return Buffer.from(toBinary(type, create(type, init)));
  }
};

// dist/wire/json.js
var resourcesAtOnce = 50;
function* encodeJsonResponse(response2) {
  const { typeUrl, resources } = response2;
  let body = bodies.get(resources)?.deref();
  if (!body?.isOf(response2)) {
    body = new Body(response2);
    bodies.set(resources, new WeakRef(body));
  }
  try {
    for (; ; ) {
      const bytes = body.step();
      if (bytes)
        return bytes;
      yield;
    }
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `the ${typeUrl} resources cannot be written as JSON: ${messageOf(cause)}`, {
      cause
    });
  }
}
var Body = class {
  response;
  bytes;
  lists = /* @__PURE__ */ new Map();
  written = 0;
  constructor(response2) {
    this.response = response2;
  }
  isOf({ typeUrl, versionInfo }) {
    return this.response.typeUrl === typeUrl && this.response.versionInfo === versionInfo;
  }
  /** Writes some more of it. Returns all of it when it is complete. */
  step() {
    if (this.bytes)
      return this.bytes;
    const { resources } = this.response;
    for (const resource of resources.slice(this.written, this.written + resourcesAtOnce)) {
      for (const [list, json] of entriesOf(resource)) {
        const entries = this.lists.get(list);
        if (entries)
          entries.push(json);
        else
          this.lists.set(list, [json]);
      }
      this.written++;
    }
    if (this.written === resources.length)
      this.bytes = this.join();
    return this.bytes;
  }
  join() {
    const { typeUrl, versionInfo } = this.response;
    const fields = [`"typeUrl":${JSON.stringify(typeUrl)}`];
    if (versionInfo !== "")
      fields.push(`"versionInfo":${JSON.stringify(versionInfo)}`);
    for (const [list, entries] of this.lists)
      fields.push(`"${list}":[${entries.join(",")}]`);
    this.lists.clear();
    return Buffer.from(`{${fields.join(",")}}`);
  }
};
var bodies = /* @__PURE__ */ new WeakMap();
function entriesOf(resource) {
  let entries = known.get(resource);
  if (!entries) {
    const { registry } = resource;
    const message = apiMessage(registry, "envoy.service.discovery.v3.DiscoveryResponse");
    const response2 = toJson(message, fromBinary(message, resource.sotwEntry(false)), { registry });
    entries = Object.entries(response2).map(([list, [json]]) => [
      list,
      JSON.stringify(json)
    ]);
    known.set(resource, entries);
  }
  return entries;
}
var known = /* @__PURE__ */ new WeakMap();

// dist/wire/json-requests.js
function decodeJsonRequest(body, registry, bounds = unbounded) {
  checkValues(body, bounds);
  try {
    const json = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8"));
    const fields = objectOf(json, "the body");
    return {
      node: node2(field(fields, "node"), registry, bounds),
      typeUrl: stringField2(fields, "type_url", "typeUrl"),
      responseNonce: stringField2(fields, "response_nonce", "responseNonce"),
      errorDetail: errorDetail2(field(fields, "error_detail", "errorDetail")),
      versionInfo: stringField2(fields, "version_info", "versionInfo"),
      resourceNames: resourceNames(fields)
    };
  } catch (cause) {
    if (cause instanceof XdsError)
      throw cause;
    throw new XdsError("INVALID_JSON", `the body is not a DiscoveryRequest in JSON: ${messageOf(cause)}`, { cause });
  }
}
var quote = 34;
var comma = 44;
var colon = 58;
var bracket = 91;
var backslash = 92;
var brace = 123;
var valueBytes = 2;
var memberBytes2 = 5;
var otherValues = 64;
function checkValues(body, bounds) {
  const { mostNames: mostNames2, mostNodeBytes } = bounds;
  const mostValues = mostNames2 + Math.ceil(mostNodeBytes / valueBytes) + otherValues;
  const mostMembers = Math.ceil(mostNodeBytes / memberBytes2) + otherValues;
  let values = 0;
  let members = 0;
  let isInText = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (isInText) {
      if (byte === backslash)
        at++;
      else if (byte === quote)
        isInText = false;
    } else if (byte === quote)
      isInText = true;
    else if (byte === comma || byte === bracket || byte === brace) {
      if (++values > mostValues)
        throw bounds.tooManyValues(mostValues, "names and other values");
    } else if (byte === colon && ++members > mostMembers)
      throw bounds.tooManyValues(mostMembers, "members of objects");
  }
}
var field = (fields, name3, jsonName = name3) => fields[jsonName] ?? fields[name3] ?? void 0;
function objectOf(value, what) {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value;
  throw new Error(`${what} is not an object`);
}
function stringField2(fields, name3, jsonName) {
  const value = field(fields, name3, jsonName) ?? "";
  if (typeof value !== "string")
    throw new Error(`${name3} is not a string`);
  return value;
}
function listField(fields, name3, jsonName) {
  const value = field(fields, name3, jsonName) ?? [];
  if (!Array.isArray(value))
    throw new Error(`${name3} is not a list`);
  return value;
}
function resourceNames(fields) {
  const listed2 = listField(fields, "resource_names", "resourceNames");
  for (const [at, name3] of listed2.entries())
    if (typeof name3 !== "string")
      throw new Error(`resource_names[${at}] is not a string`);
  const locators = listField(fields, "resource_locators", "resourceLocators");
  for (const [at, locator] of locators.entries())
    listed2.push(stringField2(objectOf(locator, `resource_locators[${at}]`), "name"));
  return listed2;
}
function errorDetail2(value) {
  if (value === void 0)
    return void 0;
  const fields = objectOf(value, "error_detail");
  const code = Number(field(fields, "code") ?? 0);
  if (!Number.isInteger(code))
    throw new Error("code of error_detail is not an integer");
  return { code, message: cutNack(Buffer.from(stringField2(fields, "message"))) };
}
function node2(value, registry, bounds) {
  if (value === void 0)
    return void 0;
  const { size, containers } = measure(value, bounds.mostNodeBytes);
  bounds.checkNode(size);
  if (containers > mostNodeMessages)
    throw tooManyNodeParts(mostNodeMessages, "objects and lists");
  const options = { registry, ignoreUnknownFields: true };
  return fromJson(apiMessage(registry, "envoy.config.core.v3.Node"), value, options);
}
function measure(json, most) {
  let size = 0;
  let containers = 0;
  const open = [json];
  while (open.length > 0 && size <= most) {
    const value = open.pop();
    if (typeof value === "string")
      size += value.length + 3;
    else if (typeof value !== "object" || value === null)
      size += valueBytes;
    else if (Array.isArray(value)) {
      containers++;
      size += 3;
      for (const item of value)
        open.push(item);
    } else {
      containers++;
      size += 3;
      for (const [name3, member] of Object.entries(value)) {
        size += name3.length + 3;
        open.push(member);
      }
    }
  }
  return { size, containers };
}

// dist/server/http/request-body.js
var firstRoom = 1024;
function readBody(request2, response2, limits, receiving) {
  return new Promise((resolve, reject) => {
    const announced = Number(request2.headers["content-length"] ?? Number.POSITIVE_INFINITY);
    if (announced < Number.POSITIVE_INFINITY)
      limits.checkRequest(announced, "json");
    if (/^100-continue$/i.test(request2.headers.expect ?? ""))
      response2.writeContinue();
    let body = nothing8;
    let size = 0;
    let counted2 = 0;
    let isOver = false;
    const over = (error) => {
      isOver = true;
      clearTimeout(timer);
      if (!error)
        resolve(body.subarray(0, size));
      else {
        body = nothing8;
        reject(error);
      }
    };
    const late = () => over(limits.exceeded("messageMs", `only ${size} bytes of the request's body arrived in time`));
    const timer = setTimeout(late, timerMs(limits.limits.messageMs));
    const take = (piece) => {
      const needed = size + piece.length;
      limits.checkRequest(needed, "json");
      if (needed > body.length) {
        const room = Math.max(needed, Math.min(announced, Math.max(firstRoom, 2 * body.length)));
        counted2 += room - body.length;
        receiving?.add(room - body.length);
        const before = body;
        body = Buffer.allocUnsafeSlow(room);
        before.copy(body);
      }
      piece.copy(body, size);
      size = needed;
    };
    request2.on("data", (piece) => {
      if (isOver)
        return;
      try {
        take(piece);
      } catch (error) {
        over(error);
      }
    });
    request2.on("end", () => over());
    response2.once("close", () => {
      receiving?.add(-counted2);
      if (!isOver)
        over(new XdsError("INVALID_REQUEST", "the client has disconnected"));
    });
  });
}
var nothing8 = Buffer.alloc(0);

// dist/server/rest/rest.js
var droppedBytes2 = 64 << 20;
var RestTransport = class {
  host;
  options;
  server;
  routes = /* @__PURE__ */ new Map();
  /** The caller of each connection that has made a request. */
  callers = /* @__PURE__ */ new WeakMap();
  constructor(host, options) {
    this.host = host;
    this.options = options;
    for (const type of host.api.resourceTypes()) {
      if (!type.restPath)
        continue;
      this.routes.set(`/v3/discovery:${type.restPath}`, (body, caller, signal) => host.poll(type, {
        caller,
        signal,
        read: () => decodeJsonRequest(body, host.api.registry, host.limits),
        write: encodeJsonResponse
      }));
    }
    const { clientStatus } = host;
    if (clientStatus)
      this.routes.set(clientStatusPath, async (body, caller, signal) => (await answerClientStatus(clientStatus, "json", { body, caller, signal })).body);
    this.server = this.createServer();
  }
  createServer() {
    const { refused: refused2, receiving, limits, accounts, queue } = this.host;
    const { messageMs, handshakeMs, connections, requestBytes } = limits.limits;
    const { tls } = this.options;
    const options = {
      tls: tls && { ...tlsServerOptions(tls), handshakeTimeout: timerMs(handshakeMs) },
      connections,
      headersMs: messageMs,
      droppedBytes: droppedBytes2 + requestBytes
    };
    return new HttpServer(options, {
      accounts,
      queue,
      receiving,
      handle: (request2, response2, connection) => void this.handle(request2, response2, connection),
      headersTooLate: () => limits.exceeded("messageMs", "the headers of a request took too long to arrive"),
      tooManyConnections: () => limits.exceeded("connections", "too many connections"),
      refused: (error, peer) => refused2.tell("connection", error, { peer }),
      handshakeFailed: (error, socket) => refused2.logHandshake(error, socket)
    });
  }
  /**
   * Listens, and returns the port.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(port) {
    return this.server.listen(this.options.host, port, "REST");
  }
  /** Sets the certificates for new connections. */
  setTls(context) {
    this.server.setTls(context);
  }
  /** Refuses new connections, and resolves when all present requests are answered. */
  stop() {
    return this.server.stop();
  }
  close() {
    void this.server.close();
  }
  async handle(request2, response2, connection) {
    const { peer } = connection;
    const caller = this.callerOf(connection);
    const disconnected = new AbortController();
    response2.once("close", () => disconnected.abort());
    try {
      const { host, allowedHosts } = this.options;
      const address = this.server.address?.address;
      refuseWebPages(request2.headers, { what: "REST", host, address, allowedHosts, plainNames: true });
      this.host.admission.enterOnce();
      const route = this.route(request2);
      const body = await readBody(request2, response2, this.host.limits, connection.receiving);
      const answer2 = await route(body, caller, disconnected.signal);
      if (connection.destroyed)
        return;
      if (answer2 !== void 0) {
        const unsent = this.host.unsent.of(() => connection.destroy(), caller.account);
        unsent.written(Buffer.byteLength(answer2));
        response2.once("close", () => unsent.sent());
      }
      const write2 = inOneStep(() => writeAnswer(response2, answer2));
      await this.host.queue.finish(caller.account, write2, disconnected.signal);
    } catch (error) {
      if (disconnected.signal.aborted || connection.destroyed || response2.headersSent)
        return;
      this.host.refused.tell("request", error, { peer });
      const known2 = error instanceof XdsError ? error : new XdsError("INTERNAL", messageOf(error), { cause: error });
      if (known2.code === "METHOD_NOT_ALLOWED")
        response2.setHeader("allow", "POST");
      sendError(response2, known2);
    }
  }
  /**
   * The caller of a connection. A connection has one request at a time, so a client that sends another one has read the
   * answer to the one before.
   */
  callerOf(connection) {
    const known2 = this.callers.get(connection);
    if (known2) {
      known2.account.hasAnswered = true;
      return known2;
    }
    const { peer, socket, account } = connection;
    const caller = { peer, certificateNames: certificateNamesOf(socket), account };
    this.callers.set(connection, caller);
    return caller;
  }
  route(request2) {
    const path = (request2.url ?? "").split("?")[0] ?? "";
    const route = this.routes.get(path);
    if (!route)
      throw new XdsError("UNKNOWN_PATH", `unknown path ${path}; the paths are ${[...this.routes.keys()].join(", ")}`);
    if (request2.method !== "POST")
      throw new XdsError("METHOD_NOT_ALLOWED", `${request2.method} ${path}: only POST is supported`);
    const type = request2.headers["content-type"];
    if (!/^application\/json *(;|$)/i.test(type ?? ""))
      throw new XdsError("UNSUPPORTED_MEDIA_TYPE", `the content type must be application/json, is ${type === void 0 ? "missing" : JSON.stringify(type.slice(0, 100))}`);
    return route;
  }
};
function writeAnswer(response2, answer2) {
  if (answer2 === void 0)
    response2.writeHead(304).end();
  else
    response2.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer2) }).end(answer2);
}

// dist/server/server-report.js
function serverReport(sources) {
  const { grpc, unsent, receiving, limits, permissions, streams: streams2, polling, counts, loads } = sources;
  return {
    get connections() {
      return grpc?.connections ?? 0;
    },
    get unsentBytes() {
      return unsent.bytes;
    },
    get receivingBytes() {
      return receiving.bytes;
    },
    get refusals() {
      return { ...limits.hits, authorize: permissions.refusals };
    },
    get counters() {
      return counts.report(streams2);
    },
    get loads() {
      return loads?.counters;
    },
    get nodeStates() {
      return nodeStates(streams2);
    },
    get streams() {
      return [...streams2].map((stream) => streamStatus(stream, stream.subscriptions.values()));
    },
    get pollingNodes() {
      return polling.all();
    }
  };
}

// dist/server/status/applied.js
var NotAppliedError = class extends XdsError {
  lacking;
  constructor(code, message, lacking) {
    super(code, message);
    this.lacking = lacking;
  }
};
var versionLookMs = 250;
var AppliedWaits = class {
  streams;
  waits = /* @__PURE__ */ new Set();
  constructor(streams2) {
    this.streams = streams2;
  }
  /**
   * Resolves when every stream of the matching nodes has applied what is served.
   * @throws XdsError INVALID_OPTION; NotAppliedError (as a rejection) after a NACK or at the end of `timeoutMs`
   */
  wait(matches, options) {
    checkOptions("applied()", options, { version: true, timeoutMs: true });
    const { version, timeoutMs: timeoutMs2 = 1e4 } = options;
    if (!(timeoutMs2 >= 0))
      throw new XdsError("INVALID_OPTION", `timeoutMs must be at least 0, is ${timeoutMs2}`);
    return new Promise((resolve, reject) => {
      const wait = new Wait(matches, version);
      const timers = [];
      const settle = (settled) => {
        this.waits.delete(wait);
        for (const timer of timers)
          clearTimeout(timer);
        settled();
      };
      wait.onDone = () => settle(resolve);
      wait.onFailed = (error) => settle(() => reject(error));
      this.waits.add(wait);
      const checkAll = () => wait.check(this.streams);
      timers.push(setTimeout(() => wait.timeOut(timeoutMs2), Math.min(timeoutMs2, 2 ** 31 - 1)));
      if (version !== void 0)
        timers.push(setInterval(checkAll, versionLookMs));
      checkAll();
    });
  }
  /** Called when a stream has handled a request or a change. */
  flushed(stream) {
    for (const wait of this.waits)
      wait.check([stream]);
  }
  /** Called when a stream has ended. No wait waits for it any longer. */
  ended(stream) {
    for (const wait of this.waits)
      wait.forget(stream);
  }
  /** Ends all waits with an error. */
  close(error) {
    for (const wait of this.waits)
      wait.onFailed(error);
  }
};
var Wait = class {
  matches;
  version;
  onDone = () => {
  };
  onFailed = () => {
  };
  /** Streams that have not applied everything yet. */
  pending = /* @__PURE__ */ new Set();
  progress = /* @__PURE__ */ new WeakMap();
  atVersion = /* @__PURE__ */ new WeakSet();
  constructor(matches, version) {
    this.matches = matches;
    this.version = version;
  }
  check(streams2) {
    try {
      for (const stream of streams2) {
        if (!stream.node || !this.matches(stream.node, stream.caller))
          continue;
        const verdicts = [...stream.subscriptions.values()].map((one) => ({ one, verdict: this.verdict(one) }));
        const refused2 = verdicts.find(({ verdict }) => verdict === "refused");
        if (refused2) {
          this.refuse(describe(stream, refused2.one), refused2.one.type);
          return;
        }
        const isDone = verdicts.every(({ verdict }) => verdict === "applied") && this.hasVersion(stream);
        if (isDone)
          this.pending.delete(stream);
        else
          this.pending.add(stream);
      }
      if (this.pending.size === 0)
        this.onDone();
    } catch (cause) {
      this.onFailed(new XdsError("INTERNAL", `the function that selects nodes failed: ${messageOf(cause)}`, { cause }));
    }
  }
  forget(stream) {
    if (this.pending.delete(stream) && this.pending.size === 0)
      this.onDone();
  }
  timeOut(timeoutMs2) {
    const lacking = [...this.pending].flatMap((stream) => {
      const all = [...stream.subscriptions.values()];
      const pending = all.filter((one) => this.verdict(one) !== "applied");
      return (pending.length > 0 ? pending : all).map((one) => ({ type: one.type, row: describe(stream, one) }));
    });
    const shown = lacking.slice(0, mostShown).map(({ type, row }) => `${nameOf(row.node)} ${type.name} ${row.state}${whyFirst(row.waits)}`);
    if (lacking.length > mostShown)
      shown.push(`and ${lacking.length - mostShown} more`);
    const wanted = this.version === void 0 ? "" : `; waited for version ${JSON.stringify(this.version)}`;
    const message = `not applied within ${timeoutMs2} ms: ${shown.join(", ") || "the nodes subscribe to nothing"}${wanted}`;
    this.onFailed(new NotAppliedError("TIMED_OUT", message, Array.from(lacking, ({ row }) => row)));
  }
  refuse(refusal, type) {
    const { node: node3, refused: refused2, nack } = refusal;
    const names = refused2.slice(0, mostShown).map((name3) => JSON.stringify(name3));
    if (refused2.length > mostShown)
      names.push("\u2026");
    const message = `${nameOf(node3)} refused ${type.name} ${names.join(", ")}: ${nack?.error.message}`;
    this.onFailed(new NotAppliedError("NOT_APPLIED", message, [refusal]));
  }
  /**
   * Whether one of the stream's types is at the version, if a single version is waited for. Not all types must be at
   * it, because a type that is not in the snapshot has another version.
   */
  hasVersion({ subscriptions }) {
    const { version } = this;
    return typeof version !== "string" || [...subscriptions.values()].some((one) => this.isAt(one, version));
  }
  verdict(subscription) {
    const { version } = this;
    if (version === void 0 || typeof version === "string")
      return this.current(subscription, version);
    const wanted = version[subscription.type.typeUrl];
    if (wanted === void 0 || this.isAt(subscription, wanted))
      return "applied";
    return this.current(subscription, wanted) === "refused" ? "refused" : "pending";
  }
  /** Whether it has ACKed this version, or is in sync with a view of this version. */
  isAt(subscription, version) {
    if (subscription.ledger.acked?.version === version || isInSync(subscription) && subscription.view.version === version)
      this.atVersion.add(subscription);
    return this.atVersion.has(subscription);
  }
  /** Whether it has applied what is served. A NACK of a version other than the one waited for does not count. */
  current(subscription, version) {
    const { state, ledger, view, isLookedAt } = subscription;
    if (ledger.nacked && state.inFlight.length === 0 && isLookedAt && view.serving) {
      const concerns = version === void 0 || view.version === version || ledger.nacked.version === version;
      return concerns ? "refused" : "pending";
    }
    return isInSync(subscription) || this.hasCaughtUp(subscription) ? "applied" : "pending";
  }
  /**
   * Whether it has ACKed everything that was served when the wait began, even if something has changed since. Without
   * this, a wait would never end while changes keep coming.
   */
  hasCaughtUp(subscription) {
    const { state, ledger, names, namesToAnswer, isWaiting } = subscription;
    const latest = state.inFlight.at(-1);
    const known2 = this.progress.get(subscription);
    const progress = known2 ?? { names: names.size, inFlightBefore: latest?.nonce, nonce: void 0, acked: false };
    if (!known2)
      this.progress.set(subscription, progress);
    if (progress.names !== names.size)
      Object.assign(progress, { names: names.size, nonce: void 0, acked: false });
    if (progress.nonce !== void 0 && progress.nonce === ledger.acked?.nonce) {
      if (!isWaiting)
        progress.acked = true;
      else
        progress.nonce = void 0;
    }
    const isFull = latest && !isWaiting && !latest.partial && latest.nonce !== progress.inFlightBefore && namesToAnswer.size === 0 && !state.nextPiece;
    if (progress.nonce === void 0 && isFull)
      progress.nonce = latest.nonce;
    return progress.acked;
  }
};
var mostShown = 10;
var whyFirst = (waits) => {
  const first = waits.find(({ why }) => why !== "draining");
  return first ? ` (${JSON.stringify(first.name)}: ${first.reason})` : "";
};
var nameOf = (node3) => `node ${JSON.stringify(node3.id)}`;
function isInSync({ state, upToDate, ledger, view }) {
  return state.inFlight.length === 0 && (!view.serving || upToDate && !ledger.nacked);
}
function describe(stream, subscription) {
  const { nacked: nack } = subscription.ledger;
  return {
    node: stream.node,
    stream: stream.id,
    typeUrl: subscription.type.typeUrl,
    state: syncState(subscription),
    version: subscription.view.version,
    nack,
    refused: nack?.names ?? [],
    waits: waitsOf(subscription)
  };
}
var mostGroupsShown = 20;
function unknownGroup(group, known2) {
  const some = known2.slice(0, mostGroupsShown).map((key2) => JSON.stringify(key2));
  const groups = `${some.join(", ") || "none yet"}${known2.length > some.length ? ", \u2026" : ""}`;
  return new XdsError("INVALID_OPTION", `no connected node is in the group ${JSON.stringify(group)}, and it has no configuration; groups that have one: ${groups}`);
}

// dist/server/status/node-resources.js
function nodeResources(streams2, state) {
  return Array.from(subscriptionsByType(streams2), ([typeUrl, all]) => {
    const subscriptions = all.sort((a, b) => rankOf(syncState(a)) - rankOf(syncState(b)));
    const resources = /* @__PURE__ */ new Map();
    const refused2 = /* @__PURE__ */ new Set();
    for (const subscription of subscriptions) {
      const found = state === "acked" ? ackedResources(subscription, refused2) : servedResources(subscription);
      for (const [name3, resource] of found)
        resources.set(name3, resource);
    }
    if (state === "served") {
      const version = subscriptions[0]?.view.version ?? "";
      return { typeUrl, version, updatedAt: 0, resources, nack: void 0, refused: refused2 };
    }
    const last = subscriptions.map(({ ledger }) => ledger.acked).reduce(laterEntry);
    const nack = subscriptions.map(({ ledger }) => ledger.nacked).reduce(laterEntry);
    return {
      typeUrl,
      version: last?.version ?? "",
      updatedAt: last?.at ?? 0,
      resources,
      nack: nack && { version: nack.version, at: nack.at, message: nack.error.message },
      refused: refused2
    };
  });
}
function* ackedResources(subscription, refused2) {
  for (const known2 of nameStatesOf(subscription)) {
    const has = known2.has?.isPlaceholder ? void 0 : known2.has;
    const name3 = has?.name ?? subscription.spellings.get(known2.name) ?? known2.name;
    if (known2.refused)
      refused2.add(name3);
    if (has || known2.refused)
      yield [name3, has];
  }
}
function* servedResources({ wildcard, view, names }) {
  if (wildcard)
    for (const resource of view.all())
      yield [resource.name, resource];
  for (const name3 of names) {
    if (isGlob(name3))
      for (const member of view.members(name3))
        yield [member.name, member];
    const resource = view.get(name3);
    if (resource)
      yield [resource.name, resource];
  }
}

// dist/server/status/connected-node.js
var ConnectedNode = class _ConnectedNode {
  /** The node as its oldest stream describes it. */
  node;
  /** The client of its oldest stream. */
  caller;
  /** The ids of its streams. */
  streams;
  /** When its oldest stream was opened, in milliseconds since 1970. */
  connectedAt;
  /** The worst state of its types. From worst to best: ERROR, STALE, NOT_SENT, DRAINING, SYNCED. */
  state;
  /**
   * Its types, in the order in which a change is sent. A type on several streams has the worst state of them, and the
   * latest of each entry.
   */
  types;
  #streams;
  constructor({ node: node3, caller, streams: streams2 }) {
    this.node = node3;
    this.caller = caller;
    this.streams = streams2.map(({ id }) => id);
    this.connectedAt = streams2.reduce((first, { openedAt }) => Math.min(first, openedAt), Number.POSITIVE_INFINITY);
    this.types = [...subscriptionsByType(streams2).values()].map((all) => all.map(typeStatus).reduce(mergedStatus));
    this.state = worstState(this.types.map(({ state }) => state));
    this.#streams = streams2;
  }
  /** @internal The node that these streams are of. */
  static of(streams2) {
    return new _ConnectedNode(streams2);
  }
  /** The resources that the node has ACKed, or that it is served for its subscriptions, at the time of this call. */
  resources(state) {
    return nodeResources(this.#streams, state);
  }
};

// dist/server/status/polling-nodes.js
import { hash } from "node:crypto";
var forgetAfterMs = 6e5;
var longestText = 256;
var unexplainedNack = {
  code: 0,
  message: "the node still requests with its previous version, so it has not taken this one; its own log says why"
};
var PollingNodes = class {
  mostPolls;
  /** The polls, the least recent first. */
  polls = /* @__PURE__ */ new Map();
  /** The nodes that have polls, by id. */
  nodes = /* @__PURE__ */ new Map();
  /** `mostPolls` is the most polls that are kept. Above it, the least recent are forgotten. */
  constructor(mostPolls = 2e4) {
    this.mostPolls = mostPolls;
  }
  /**
   * Records a request. `response` is undefined if the node already has the served version. A node without an id is
   * ignored, because nothing distinguishes it from others.
   */
  polled(type, node3, request2, peer, response2) {
    if (node3.id === "" || Math.max(node3.id.length, request2.versionInfo.length) > longestText)
      return;
    const at = Date.now();
    const key2 = hash("sha1", JSON.stringify([node3.id, type.typeUrl, request2.resourceNames]), "base64");
    const before = this.polls.get(key2);
    const { firstPollAt = at, polls = 0 } = this.nodes.get(node3.id) ?? {};
    this.nodes.set(node3.id, {
      id: node3.id,
      cluster: cut(node3.cluster),
      agent: cut(node3.userAgentName),
      version: cut(userAgentVersion(node3)),
      peer,
      firstPollAt,
      lastPollAt: at,
      polls: before ? polls : polls + 1
    });
    this.polls.delete(key2);
    const polledAt = performance.now();
    this.polls.set(key2, { nodeId: node3.id, type, polledAt, ...pollOf(request2, response2, before, at) });
    this.forget();
  }
  /** All known nodes, each with the types that it polls. */
  all() {
    this.forget();
    const typesOf = /* @__PURE__ */ new Map();
    for (const poll of this.polls.values()) {
      const types = typesOf.get(poll.nodeId) ?? /* @__PURE__ */ new Map();
      typesOf.set(poll.nodeId, types);
      const known2 = types.get(poll.type);
      types.set(poll.type, known2 ? mergedStatus(known2, typeStatus2(poll)) : typeStatus2(poll));
    }
    return Array.from(this.nodes, ([id, { polls: _, ...node3 }]) => {
      const types = [...typesOf.get(id) ?? []].sort(([a], [b]) => a.order - b.order).map(([, status2]) => status2);
      return { ...node3, state: worstState(types.map(({ state }) => state)), types };
    });
  }
  forget() {
    const now = performance.now();
    for (const [key2, { nodeId, polledAt }] of this.polls) {
      if (this.polls.size <= this.mostPolls && now - polledAt < forgetAfterMs)
        return;
      this.polls.delete(key2);
      const node3 = this.nodes.get(nodeId);
      if (node3 && --node3.polls === 0)
        this.nodes.delete(nodeId);
    }
  }
};
function pollOf({ versionInfo, resourceNames: resourceNames2, errorDetail: errorDetail3 }, response2, before, at) {
  const { sent, acked } = before ?? {};
  const isRefused = sent !== void 0 && sent.version !== versionInfo && (acked?.version ?? "") === versionInfo;
  const entry = (version) => ({ version, nonce: "", at });
  return {
    wildcard: resourceNames2.length === 0 || resourceNames2.includes("*"),
    names: resourceNames2.filter((name3) => name3 !== "*").length,
    isAnswered: response2 !== void 0,
    sent: response2 ? entry(response2.versionInfo) : sent,
    acked: acked?.version === versionInfo ? acked : versionInfo === "" ? void 0 : entry(versionInfo),
    ...response2 && (errorDetail3 || isRefused) ? {
      nacked: {
        ...entry(sent?.version ?? ""),
        error: errorDetail3 ? shortened(errorDetail3) : unexplainedNack,
        names: []
      }
    } : { nacked: void 0 }
  };
}
function typeStatus2({ type, isAnswered, wildcard, names, sent, acked, nacked }) {
  const state = nacked ? "ERROR" : isAnswered ? "STALE" : "SYNCED";
  return { typeUrl: type.typeUrl, state, wildcard, names, sent, acked, nacked, retryAt: void 0, waits: [] };
}
var shortened = ({ code, message }) => ({ code, message: cut(message) });
var cut = (text2) => cutText(text2, longestText);

// dist/protocol/node-streams.js
var maxRelatedStreams = 64;
var none10 = [];
var maxWatchedNames = 1e4;
var NodeStreams = class {
  byNode = /* @__PURE__ */ new Map();
  /** By node id, and by connection and node id. Only if there are separate streams. */
  groups = /* @__PURE__ */ new Map();
  /** Called once the node is known. A stream of a node without an id is related to no other. */
  add(stream) {
    const id = stream.node?.id;
    if (!id)
      return;
    const known2 = this.byNode.get(id);
    if (!known2)
      this.byNode.set(id, stream);
    else if (known2 instanceof Set)
      known2.add(stream);
    else
      this.byNode.set(id, /* @__PURE__ */ new Set([known2, stream]));
    for (const key2 of keysOf(stream)) {
      const group = this.groups.get(key2);
      if (group)
        group.add(stream);
      else if (stream.typeUrl !== "") {
        const made = new Group();
        for (const other of this.withId(id))
          if (keysOf(other).includes(key2))
            made.add(other);
        this.groups.set(key2, made);
      }
    }
  }
  remove(stream) {
    const id = stream.node?.id;
    if (!id)
      return;
    const known2 = this.byNode.get(id);
    if (known2 === stream)
      this.byNode.delete(id);
    else if (known2 instanceof Set && known2.delete(stream) && known2.size === 0)
      this.byNode.delete(id);
    for (const key2 of keysOf(stream)) {
      const group = this.groups.get(key2);
      group?.remove(stream);
      if (group?.aggregated === group?.streams.size)
        this.groups.delete(key2);
    }
  }
  withId(id) {
    const known2 = this.byNode.get(id);
    return known2 instanceof Set ? known2 : known2 ? [known2] : [];
  }
  /** The streams of the same client, this one included. If separate streams share only an id, the first of them. */
  *of(stream) {
    yield stream;
    const isAggregated = stream.typeUrl === "";
    const group = isAggregated ? this.groups.get(connectionKey(stream)) : this.groupOf(stream);
    let count = 0;
    for (const other of group?.streams ?? []) {
      if (other === stream || isAggregated && other.typeUrl === "")
        continue;
      if (++count > maxRelatedStreams)
        return;
      yield other;
    }
  }
  /**
   * Whether any stream of a separate stream's client refers to a name. If so, `waiter` is woken when none does any
   * more.
   */
  isUsed(stream, typeUrl, name3, waiter) {
    return this.groupOf(stream)?.isUsed(typeUrl, name3, waiter) ?? false;
  }
  /** A request has changed what the stream's client has. */
  answered(stream) {
    if (stream.node?.id)
      for (const key2 of keysOf(stream))
        this.groups.get(key2)?.answered(stream);
  }
  /** The cache has something new for the stream. */
  changed(stream) {
    if (stream.node?.id)
      for (const key2 of keysOf(stream))
        this.groups.get(key2)?.changed();
  }
  /** The aggregated streams on the connection of a separate stream. */
  *aggregatedBeside(stream) {
    if (stream.typeUrl === "" || !stream.node?.id)
      return;
    const group = this.groups.get(connectionKey(stream));
    if (group?.aggregated) {
      for (const other of group.streams)
        if (other.typeUrl === "")
          yield other;
    }
  }
  groupOf(stream) {
    if (!stream.node?.id)
      return void 0;
    const beside2 = this.groups.get(connectionKey(stream));
    return beside2?.aggregated ? beside2 : this.groups.get(nodeKey(stream));
  }
};
var nodeKey = ({ node: node3 }) => ` ${node3?.id}`;
var connectionKey = ({ node: node3, peer }) => `${peer} ${node3?.id}`;
var keysOf = (stream) => [nodeKey(stream), connectionKey(stream)];
var Group = class {
  streams = /* @__PURE__ */ new Set();
  aggregated = 0;
  watched = /* @__PURE__ */ new Map();
  byWitness = /* @__PURE__ */ new Map();
  byWaiter = /* @__PURE__ */ new Map();
  /** Names that nothing refers to, until something changes. */
  free = /* @__PURE__ */ new Set();
  /** The stream from which the search for the next witness goes on. */
  search;
  add(stream) {
    this.streams.add(stream);
    if (stream.typeUrl === "")
      this.aggregated++;
    this.free.clear();
  }
  remove(stream) {
    if (!this.streams.delete(stream))
      return;
    if (stream.typeUrl === "")
      this.aggregated--;
    for (const subscription of stream.subscriptions.values()) {
      for (const one of this.byWaiter.get(subscription) ?? none10)
        one.waiters.delete(subscription);
      this.byWaiter.delete(subscription);
    }
    this.answered(stream, true);
  }
  changed() {
    if (this.free.size > 0)
      this.free.clear();
  }
  isUsed(typeUrl, name3, waiter) {
    const key2 = `${typeUrl} ${name3}`;
    const known2 = this.watched.get(key2);
    if (known2) {
      this.waitFor(known2, waiter);
      if (uses(known2.witness, typeUrl, name3))
        return true;
      this.findNext(known2);
      return this.watched.has(key2);
    }
    if (this.free.has(key2) || this.watched.size >= maxWatchedNames)
      return false;
    const witness = this.find(typeUrl, name3);
    if (!witness) {
      this.free.add(key2);
      return false;
    }
    const one = { typeUrl, name: name3, witness, waiters: /* @__PURE__ */ new Set() };
    this.watched.set(key2, one);
    note(this.byWitness, witness, one);
    this.waitFor(one, waiter);
    return true;
  }
  answered(stream, isClosed = false) {
    if (this.byWitness.size === 0)
      return;
    for (const subscription of stream.subscriptions.values())
      for (const one of [...this.byWitness.get(subscription) ?? []])
        if (isClosed || !uses(subscription, one.typeUrl, one.name))
          this.findNext(one);
  }
  findNext(one) {
    forget(this.byWitness, one.witness, one);
    const witness = this.find(one.typeUrl, one.name);
    if (witness) {
      one.witness = witness;
      note(this.byWitness, witness, one);
      return;
    }
    const key2 = `${one.typeUrl} ${one.name}`;
    this.watched.delete(key2);
    this.free.add(key2);
    for (const waiter of one.waiters) {
      forget(this.byWaiter, waiter, one);
      waiter.lookAgain();
    }
  }
  waitFor(one, waiter) {
    if (one.waiters.has(waiter))
      return;
    one.waiters.add(waiter);
    note(this.byWaiter, waiter, one);
  }
  /** Finds a subscription that refers to a name. Each search goes on with the stream after the last one's. */
  find(typeUrl, name3) {
    for (let ends = 0; ends < 2; ) {
      this.search ??= this.streams.values();
      const { value: stream, done } = this.search.next();
      if (done) {
        this.search = void 0;
        ends++;
        continue;
      }
      for (const subscription of stream.subscriptions.values())
        if (uses(subscription, typeUrl, name3))
          return subscription;
    }
    return void 0;
  }
};
function note(index, subscription, one) {
  const known2 = index.get(subscription);
  if (known2)
    known2.add(one);
  else
    index.set(subscription, /* @__PURE__ */ new Set([one]));
}
function forget(index, subscription, one) {
  const known2 = index.get(subscription);
  if (known2?.delete(one) && known2.size === 0)
    index.delete(subscription);
}
function uses(subscription, typeUrl, name3) {
  for (const resource of subscription.outdated())
    if (refersTo(resource, typeUrl, name3))
      return true;
  return false;
}

// dist/protocol/open-refusals.js
var maxMarks = 1e4;
var endedStream = 0;
var maxCharacters = 1 << 20;
var OpenRefusals = class {
  onChange;
  /** `<type URL> <node id>` → ids of the streams with an open refusal. */
  marks = /* @__PURE__ */ new Map();
  /** @param onChange Called after a mark was added or removed. It must not throw, and must return soon. */
  constructor(onChange = () => {
  }) {
    this.onChange = onChange;
  }
  /** The marks, newest first, as {@link OpenRefusals.add} takes them. */
  known() {
    const known2 = [];
    let room = maxCharacters;
    for (const mark of [...this.marks.keys()].reverse()) {
      room -= mark.length;
      if (room < 0)
        break;
      known2.push(mark);
    }
    return known2;
  }
  /** Adds the result of {@link OpenRefusals.known}. Call it before there are streams. Other values are ignored. */
  add(known2) {
    for (const mark of [...known2].slice(0, maxMarks).reverse())
      if (typeof mark === "string" && mark.includes(" "))
        this.marks.set(mark, /* @__PURE__ */ new Set([endedStream]));
  }
  /** Whether a node has refused something of a type and has not taken its replacement. */
  has(nodeId, typeUrl) {
    return this.marks.size > 0 && this.marks.has(keyOf3(nodeId, typeUrl));
  }
  /** A response was answered. `isOpen`: something that was refused on the stream is not replaced. */
  note(nodeId, typeUrl, stream, isOpen) {
    if (!isOpen && this.marks.size === 0)
      return;
    const key2 = keyOf3(nodeId, typeUrl);
    const known2 = this.marks.get(key2);
    if (isOpen) {
      if (known2)
        known2.add(stream);
      else
        this.mark(key2, stream);
      return;
    }
    known2?.delete(stream);
    known2?.delete(endedStream);
    if (known2?.size === 0) {
      this.marks.delete(key2);
      this.onChange();
    }
  }
  /** A stream has ended. Its marks stay. */
  closed(nodeId, typeUrls, stream) {
    if (this.marks.size === 0)
      return;
    for (const typeUrl of typeUrls) {
      const streams2 = this.marks.get(keyOf3(nodeId, typeUrl));
      if (streams2?.delete(stream))
        streams2.add(endedStream);
    }
  }
  mark(key2, stream) {
    this.marks.set(key2, /* @__PURE__ */ new Set([stream]));
    if (this.marks.size > maxMarks)
      for (const oldest of this.marks.keys()) {
        this.marks.delete(oldest);
        break;
      }
    this.onChange();
  }
};
var keyOf3 = (nodeId, typeUrl) => `${typeUrl} ${nodeId}`;

// dist/protocol/retry.js
var retryWaits = { first: 1e4, second: 6e4, longest: 9e5 };
function retryTimes(waits) {
  return {
    next: (tries) => {
      if (!waits)
        return void 0;
      const { first, second, longest: longest2 } = waits;
      const wait = tries <= 1 ? first : Math.min(longest2, second * 2 ** Math.min(tries - 2, 20));
      return performance.now() + wait * (1 + Math.random() / 5);
    }
  };
}

// dist/server/xds-server-options.js
var serverNames = {
  callbacks: true,
  logger: true,
  api: true,
  tls: true,
  requireNode: true,
  limits: true,
  authorize: true,
  maxConnectionAgeMs: true,
  makeBeforeBreak: true,
  onDemand: true,
  orderTimeoutMs: true,
  drainTimeMs: true,
  openRefusals: true,
  retryRefused: true,
  maxResponseBytes: true,
  csds: true,
  loadReporting: true,
  keepaliveMs: true,
  keepaliveTimeoutMs: true
};
var loadReportingNames = {
  clusters: true,
  intervalMs: true,
  perEndpoint: true,
  onReport: true
};
var listenNames = {
  host: true,
  port: true,
  restPort: true,
  allowedHosts: true
};
function checkServerOptions(options) {
  checkOptions("XdsServer", options, serverNames);
  const { callbacks = {} } = options;
  const handlers = Object.entries(callbacks).filter(([name3]) => /^on[A-Z]/.test(name3));
  checkOptions("callbacks", Object.fromEntries(handlers), callbackNames);
  if (options.openRefusals && !(options.openRefusals instanceof OpenRefusals))
    throw new XdsError("INVALID_OPTION", "openRefusals must be an OpenRefusals; make one with new OpenRefusals()");
  if (options.onDemand)
    checkOptions("onDemand", options.onDemand, { resolve: true, timeoutMs: true });
  if (options.loadReporting)
    checkOptions("loadReporting", options.loadReporting, loadReportingNames);
}
var checkListenOptions = (options) => checkOptions("listen()", options, listenNames);
function milliseconds(option, value, otherwise) {
  if (value === void 0)
    return otherwise;
  if (Number.isFinite(value) && value >= 0)
    return value;
  throw new XdsError("INVALID_OPTION", `${option} must be a number of milliseconds, 0 or more; it is ${value}`);
}
var mostResponseBytes = 4 * 2 ** 20 - 4096;
function responseBytes(value = mostResponseBytes) {
  if (Number.isFinite(value) && value > 0)
    return value;
  throw new XdsError("INVALID_OPTION", `maxResponseBytes must be a number greater than 0; it is ${value}`);
}

// dist/server/stream-contexts.js
function streamContexts(owner, options) {
  const { cache, api, callbacks, logger, queue, limits, permissions, counts, refused: refused2, streams: streams2, waits, anonymous } = owner;
  const shared2 = {
    watcher: cache,
    api,
    logger,
    queue,
    resolver: options.onDemand && { timeoutMs: 1e3, ...options.onDemand },
    ordered: options.makeBeforeBreak ?? true,
    patience: milliseconds("orderTimeoutMs", options.orderTimeoutMs, 5e3),
    drainTimeMs: milliseconds("drainTimeMs", options.drainTimeMs, 6e5),
    missingAfterMs: 15e3,
    // Envoy's initial fetch timeout
    retryTimes: retryTimes(options.retryRefused === false ? void 0 : retryWaits),
    maxResponseBytes: responseBytes(options.maxResponseBytes),
    openRefusals: options.openRefusals ?? new OpenRefusals(),
    nodeStreams: new NodeStreams(),
    anonymous,
    permit: (stream, node3) => permissions.permit("stream", stream, node3),
    checkGrowth: (account, grows) => limits.checkGrowth(account, grows),
    mayGrow: (account) => limits.mayGrow(account),
    checkNames: (names, typeUrl) => limits.checkNames(names, typeUrl),
    failed: ({ id, peer }, error, node3) => refused2.tell("stream", error, { stream: id, node: node3?.id, peer }),
    flushed: (stream) => waits.flushed(stream),
    ended: (stream) => {
      streams2.delete(stream);
      waits.ended(stream);
    }
  };
  return {
    sotw: { ...shared2, traffic: counts.traffic.sotw, events: streamEvents(callbacks, "sotw") },
    delta: { ...shared2, traffic: counts.traffic.delta, events: streamEvents(callbacks, "delta") }
  };
}

// dist/server/xds-server.js
var XdsServer = class {
  cache;
  options;
  /** The API that the server was given, or the default one. */
  api;
  streams = /* @__PURE__ */ new Set();
  waits = new AppliedWaits(this.streams);
  /** The logger for events that clients cause. */
  logger;
  refused;
  callbacks;
  contexts;
  permissions;
  fetches;
  loads;
  counts = new Counters();
  polling = new PollingNodes();
  limits;
  age;
  admission;
  tls;
  grpc;
  /** @internal The accounts for the work that clients cause, also on the admin port. */
  accounts = new Accounts();
  /** @internal */
  queue;
  unsent;
  receiving;
  rest;
  phase = "new";
  /** Whether all ports are open. */
  isOpen = false;
  /** Resolves when `listen()` has succeeded or failed. */
  opening;
  /** @throws XdsError INVALID_OPTION */
  constructor(cache, options = {}) {
    this.cache = cache;
    this.options = options;
    if (typeof cache?.watch !== "function")
      throw new XdsError("INVALID_OPTION", "XdsServer takes a cache first: new XdsServer(new SnapshotCache())");
    checkServerOptions(options);
    this.api = options.api ?? XdsApi.default;
    this.tls = options.tls;
    this.permissions = new Permissions(options.authorize);
    this.limits = new LimitCounts(options.limits ?? {}, this.accounts.all);
    this.age = options.maxConnectionAgeMs === void 0 ? void 0 : new ConnectionAge(options.maxConnectionAgeMs);
    this.admission = new Admission(this.limits, this.age, () => this.phase !== "listening");
    this.receiving = new ReceivingBytes(this.limits);
    this.logger = new RationedLog(options.logger ?? silentLogger);
    this.refused = new RefusalLog(this.logger);
    this.callbacks = options.callbacks ?? {};
    this.loads = options.loadReporting && new LoadReporting(options.loadReporting, this.logger, this.api, this.anonymous, (caller, node3) => this.permissions.permit("lrs", caller, node3), this.limits);
    this.queue = new FlushQueue(this.accounts.all, (account) => this.unsent.hasRoom(account));
    this.unsent = new UnsentResponses(this.limits, () => this.queue.resume());
    const { api, queue, limits, unsent, permissions, logger, callbacks, counts, refused: refused2, anonymous, streams: streams2, waits } = this;
    const isListening = () => this.phase === "listening";
    this.fetches = new Fetches({ cache, callbacks, logger, queue, limits, unsent, permissions, counts, anonymous, isListening }, this.polling);
    this.contexts = streamContexts({ cache, api, callbacks, logger, queue, limits, permissions, counts, refused: refused2, anonymous, streams: streams2, waits }, options);
  }
  /**
   * Listens, and resolves with the addresses. `rest` is there only if a `restPort` was given.
   * @throws XdsError CANNOT_LISTEN, INVALID_OPTION; WRONG_STATE if it was called before, or if the server is closed
   * before or during the call
   */
  async listen(options = {}) {
    checkListenOptions(options);
    if (this.phase !== "new")
      throw new XdsError("WRONG_STATE", "a server listens once; make a new one");
    this.phase = "listening";
    const opened = this.open(options);
    this.opening = opened.catch(() => {
    });
    return opened;
  }
  async open(options) {
    const { host = "127.0.0.1", port = 18e3, restPort, allowedHosts = [] } = options;
    const { keepaliveMs = 3e4, keepaliveTimeoutMs = 1e4 } = this.options;
    const { tls, limits, admission, age: connectionAge } = this;
    try {
      const hosts = {
        api: this.api,
        stream: this.openStream.bind(this),
        fetch: this.fetches.fetch.bind(this.fetches),
        poll: this.fetches.poll.bind(this.fetches),
        traffic: this.counts.traffic,
        clientStatus: this.clientStatus(),
        loads: this.loads,
        limits,
        admission,
        refused: this.refused,
        unsent: this.unsent,
        accounts: this.accounts,
        queue: this.queue,
        receiving: this.receiving
      };
      this.grpc = new GrpcPort(hosts, { tls, connectionAge, keepaliveMs, keepaliveTimeoutMs });
      const grpc = { host, port: await this.grpc.listen(host, port) };
      this.mustNotBeClosed();
      connectionAge?.start(admission.slots);
      if (restPort !== void 0)
        this.rest = new RestTransport(hosts, { tls: this.tls, host, allowedHosts });
      const rest = this.rest && { host, port: await this.rest.listen(restPort) };
      this.mustNotBeClosed();
      this.isOpen = true;
      return { grpc, ...rest && { rest } };
    } catch (error) {
      const reason = this.phase === "listening" ? error : closedWhileOpening();
      this.end();
      throw reason;
    }
  }
  mustNotBeClosed() {
    if (this.phase !== "listening")
      throw closedWhileOpening();
  }
  /** The state of the server. It is `new` until all ports are open. */
  get state() {
    return this.phase === "listening" && !this.isOpen ? "new" : this.phase;
  }
  /**
   * Replaces the certificates, even while the server listens. New connections get the new ones. Open connections go on.
   * If the certificates cannot be used, nothing changes.
   * @throws XdsError INVALID_OPTION if the certificates cannot be used, or if a listening server would have to start or
   * stop using TLS or a `clientCa`
   */
  setTls(tls) {
    const context = secureContextOptions(tls);
    if (this.phase !== "new") {
      const { tls: old } = this;
      if (!old)
        throw new XdsError("INVALID_OPTION", "the server listens without TLS, which cannot be changed any more");
      if (old.clientCa === void 0 !== (tls.clientCa === void 0))
        throw new XdsError("INVALID_OPTION", `the server listens ${old.clientCa ? "with" : "without"} a clientCa; whether there is one cannot be changed any more`);
    }
    this.tls = tls;
    this.grpc?.setTls(context);
    this.rest?.setTls(context);
  }
  /** What the server does now, and what it has done since it was made. A field is computed when it is read. */
  report() {
    const { grpc, unsent, receiving, limits, permissions, streams: streams2, polling, counts, loads } = this;
    return serverReport({ grpc, unsent, receiving, limits, permissions, streams: streams2, polling, counts, loads });
  }
  /**
   * The connected nodes, or those that are selected. A node with several streams appears once.
   * @throws XdsError INVALID_OPTION for a group if the cache has no groups
   */
  nodes(selector) {
    const matches = selector === void 0 ? () => true : this.selects(selector);
    return streamsByNode(this.streams).filter(({ node: node3, caller }) => matches(node3, caller)).map((one) => ConnectedNode.of(one));
  }
  /** @internal The load that each node has reported. undefined without the option `loadReporting`. */
  get nodeLoads() {
    return this.loads?.nodes;
  }
  /**
   * Resolves when every selected node has applied what is served. For each type that a node subscribes to, it must have
   * ACKed what was served at the call, or something newer. It must also have ACKed the removals of the change that had
   * to wait (docs/protocol.md, P54).
   * - Nodes that connect meanwhile count too. Nodes that disconnect no longer count. Without any node it resolves at
   *   once.
   * - With `version`, the nodes must have ACKed this version, or have its content already. The version can be set
   *   later.
   * @throws XdsError (as a rejection) {@link NotAppliedError} with what is lacking: NOT_APPLIED as soon as a node
   * refuses what is served, TIMED_OUT after `timeoutMs`. INVALID_OPTION for a group if the cache has no groups, and for
   * a group with neither nodes nor a configuration. WRONG_STATE if the server shuts down before or during the call
   */
  async applied(selector, options = {}) {
    if (this.phase === "draining" || this.phase === "closed")
      throw endedWhileWaiting();
    const selects = this.selects(selector);
    if (typeof selector === "string")
      this.mustBeKnown(selector, selects);
    return this.waits.wait(selects, options);
  }
  /**
   * Shuts down without a sudden end for clients. The server takes no new streams. It ends the open ones with
   * UNAVAILABLE, one after the other, each after at least one response. The time is bounded (P13). Resolves when
   * everything is closed. While `listen()` is running, it closes at once.
   */
  async drain(options = {}) {
    checkOptions("drain()", options, { timeoutMs: true, paceMs: true });
    const { timeoutMs: timeoutMs2 = 5e3, paceMs = 5 } = options;
    if (this.phase !== "listening" || !this.isOpen)
      return this.close();
    this.phase = "draining";
    this.waits.close(endedWhileWaiting());
    const stopped = Promise.all([this.grpc?.stop(), this.rest?.stop()]);
    const until = performance.now() + timeoutMs2;
    const unavailable = new XdsError("DRAINING", "the server is shutting down; connect again, elsewhere if you can");
    await endPaced(this.admission.slots, unavailable, { timeoutMs: timeoutMs2, paceMs });
    this.grpc?.endWatches(unavailable);
    let timer;
    const timeIsUp = new Promise((resolve) => {
      timer = setTimeout(resolve, Math.max(100, until - performance.now()));
    });
    await Promise.race([stopped, timeIsUp]);
    clearTimeout(timer);
    await this.close();
  }
  /** Shuts down at once. Afterwards nothing listens. A running `listen()` rejects with WRONG_STATE. */
  async close() {
    this.end();
    await this.opening;
  }
  /** Like {@link XdsServer.close}, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.close();
  }
  end() {
    this.phase = "closed";
    this.waits.close(endedWhileWaiting());
    this.age?.stop();
    this.grpc?.close();
    this.rest?.close();
    for (const stream of [...this.streams])
      stream.close();
    this.logger.close();
  }
  /**
   * Refuses a group that is probably a typing mistake. Such a group has no nodes, so it would seem to have applied
   * everything.
   * @throws XdsError INVALID_OPTION for a group with neither nodes nor a configuration
   */
  mustBeKnown(group, selects) {
    for (const { node: node3, caller } of this.streams)
      if (node3 && selects(node3, caller))
        return;
    const known2 = this.cache.keys?.();
    if (known2 && !known2.includes(group))
      throw unknownGroup(group, known2);
    this.logger.info({ group }, "applied() waits for nothing: no connected node is in this group");
  }
  selects(selector) {
    if (typeof selector === "function")
      return selector;
    const { cache } = this;
    if (cache.inGroup)
      return (node3, caller) => cache.inGroup?.(node3, selector, caller) ?? false;
    const group = JSON.stringify(selector);
    throw new XdsError("INVALID_OPTION", `this cache has no node groups, so no ${group}; give a function that picks nodes`);
  }
  /** The node of a client that sends none. undefined if a client must send one. */
  anonymous = () => this.options.requireNode ? void 0 : anonymousNode(this.api.registry);
  openStream(variant, transport, type) {
    const stream = new Stream(variant, this.contexts[variant.name], transport, type);
    this.streams.add(stream);
    this.counts.streamOpened(variant.name, stream.typeUrl);
    return stream;
  }
  clientStatus() {
    const { csds, authorize } = this.options;
    if (csds === false)
      return void 0;
    const rules = typeof csds === "function" ? [csds] : csds ? [authorize] : [loopbackOrSan(), authorize];
    return {
      api: this.api,
      limits: this.limits,
      work: new SharedWork("the client status service"),
      queue: this.queue,
      clients: ({ account }) => {
        this.unsent.check(account);
        return streamsByNode(this.streams);
      },
      asked: async (caller, node3) => {
        for (const rule of rules)
          await this.permissions.permit("csds", caller, node3, rule);
        await this.callbacks.onClientStatusRequest?.(callerOf(caller), node3);
      }
    };
  }
};
var closedWhileOpening = () => new XdsError("WRONG_STATE", "the server was closed while it was about to listen; make a new one");
var endedWhileWaiting = () => new XdsError("WRONG_STATE", "the server is shutting down or closed: what its nodes apply is no longer known");

// dist/serving/joined-callbacks.js
function joinedCallbacks(watching, own) {
  if (!own)
    return watching;
  const joined3 = {};
  for (const name3 of Object.keys(callbackNames)) {
    if (!watching[name3] && !own[name3])
      continue;
    joined3[name3] = (...args) => {
      watching[name3]?.apply(watching, args);
      return own[name3]?.apply(own, args);
    };
  }
  return joined3;
}

// dist/serving/refusal-marks.js
import { setTimeout as sleep2 } from "node:timers/promises";
var key = "refused/marks";
var retryMs = 1e4;
var restMs = 100;
var RefusalMarks = class {
  store;
  logger;
  openRefusals = new OpenRefusals(() => this.changed());
  /** Aborted when the store is about to be closed. */
  closing = new AbortController();
  isDirty = false;
  writing;
  constructor(store, logger) {
    this.store = store;
    this.logger = logger;
  }
  /**
   * Reads the marks of the previous server. Call it before there are streams.
   * @throws XdsError as the store's calls do
   */
  async open() {
    const known2 = await this.store.readRecord(key);
    if (Array.isArray(known2))
      this.openRefusals.add(known2);
  }
  /** Writes the last changes. Call it before the store is closed. */
  async close() {
    this.closing.abort();
    await this.writing;
  }
  changed() {
    this.isDirty = true;
    this.writing ??= this.write();
  }
  async write() {
    const { signal } = this.closing;
    while (this.isDirty) {
      this.isDirty = false;
      let rest = restMs;
      try {
        await this.store.putRecords({ [key]: this.openRefusals.known() });
      } catch (error) {
        this.logger.warn({ error: messageOf(error) }, notKept);
        this.isDirty = !signal.aborted;
        rest = retryMs;
      }
      await sleep2(rest, void 0, { signal, ref: false }).catch(() => {
      });
    }
    this.writing = void 0;
  }
};
var notKept = "the nodes with an open refusal could not be written to the store; it is tried again. If the server restarts before that, it trusts what these nodes report";

// dist/rollout/gates/two-proportions.js
var requestsOf = ({ succeeded, failed }) => succeeded + failed;
var errorRate = (load) => requestsOf(load) === 0 ? 0 : load.failed / requestsOf(load);
function zScore(a, b) {
  const [ofA, ofB] = [requestsOf(a), requestsOf(b)];
  if (ofA === 0 || ofB === 0)
    return 0;
  const pooled = (a.failed + b.failed) / (ofA + ofB);
  const variance = pooled * (1 - pooled) * (1 / ofA + 1 / ofB);
  return variance > 0 ? (errorRate(a) - errorRate(b)) / Math.sqrt(variance) : 0;
}
var isWorse = (a, b, { margin, z }) => errorRate(a) - errorRate(b) > margin && zScore(a, b) > z;
var zOfMany = (z, comparisons) => Math.sqrt(z * z + 2 * Math.log(Math.max(1, comparisons)));
var sumOf = (loads) => {
  let [succeeded, failed] = [0, 0];
  for (const load of loads) {
    succeeded += load.succeeded;
    failed += load.failed;
  }
  return { succeeded, failed };
};

// dist/rollout/gates/load-report-gate.js
var none11 = { succeeded: 0, failed: 0 };
var LoadReportGate = class {
  loads;
  name = "load reports";
  everyMs = 1e3;
  requests;
  margin;
  z;
  rolloutId = "";
  /** The totals when the bake began. */
  starts = /* @__PURE__ */ new Map();
  /** The recent load of nodes before they had the candidate. */
  before = /* @__PURE__ */ new Map();
  constructor(loads, { requests = 100, margin = 0.01, z = 3 } = {}) {
    this.loads = loads;
    this.requests = requests;
    this.margin = margin;
    this.z = z;
  }
  begin({ rollout, candidates, others }) {
    if (rollout.id !== this.rolloutId)
      this.before.clear();
    this.rolloutId = rollout.id;
    this.starts.clear();
    for (const node3 of [...candidates, ...others])
      this.starts.set(node3, this.loads.get(node3)?.total ?? none11);
    for (const node3 of rollout.wave === 0 ? [...candidates, ...others] : others) {
      const load = this.loads.get(node3)?.recent;
      if (load)
        this.before.set(node3, load);
    }
  }
  verdict({ candidates, others }) {
    if (![...candidates, ...others].some((node3) => this.loads.get(node3)))
      return { verdict: "pass", text: "no load reports" };
    const load = sumOf(candidates.map((node3) => this.since(node3)));
    if (requestsOf(load) < this.requests)
      return { verdict: "inconclusive", text: `fewer than ${this.requests} requests on the candidate` };
    const other = sumOf(others.map((node3) => this.since(node3)));
    const known2 = candidates.filter((node3) => this.before.has(node3));
    const same = {
      load: sumOf(known2.map((node3) => this.since(node3))),
      before: sumOf(known2.map((node3) => this.before.get(node3) ?? none11))
    };
    const total = this.compare(load, other, same.load, same.before, this.z);
    if (total.verdict !== "pass")
      return total;
    const z = zOfMany(this.z, candidates.length);
    for (const node3 of candidates) {
      const own = this.since(node3);
      if (requestsOf(own) < this.requests)
        continue;
      const { verdict, text: text2 } = this.compare(own, other, own, this.before.get(node3) ?? none11, z);
      if (verdict === "fail")
        return { verdict, text: `node ${JSON.stringify(node3)}: ${text2}` };
    }
    return total;
  }
  /**
   * Compares `load` with that of `others`, and `sameLoad` with `before`. The last two are about the same nodes: those
   * whose load before the candidate is known.
   */
  compare(load, others, sameLoad, before, z) {
    const { margin } = this;
    const isEnough = (one) => requestsOf(one) >= this.requests;
    const texts = [`${percent2(load)} of ${requestsOf(load)} requests failed on the candidate`];
    const results = [];
    if (isEnough(others)) {
      results.push(isWorse(load, others, { margin, z }));
      texts.push(`${percent2(others)} of ${requestsOf(others)} on the others`);
    }
    if (isEnough(sameLoad) && isEnough(before)) {
      results.push(isWorse(sameLoad, before, { margin, z }));
      texts.push(`${percent2(before)} of ${requestsOf(before)} on the same nodes before`);
    }
    const text2 = texts.join(", ");
    if (results.length > 0)
      return { verdict: results.every((isRed) => isRed) ? "fail" : "pass", text: text2 };
    if (errorRate(load) <= margin)
      return { verdict: "pass", text: text2 };
    return { verdict: "inconclusive", text: `${text2}; fewer than ${this.requests} other requests to compare with` };
  }
  /** The load of a node since the bake began, or since the first look at a node that connected later. */
  since(node3) {
    const now = this.loads.get(node3)?.total ?? none11;
    const start = this.starts.get(node3);
    if (!start)
      this.starts.set(node3, now);
    if (!start || requestsOf(start) > requestsOf(now))
      return start ? now : none11;
    return { succeeded: now.succeeded - start.succeeded, failed: now.failed - start.failed };
  }
};
var percent2 = (load) => `${(100 * errorRate(load)).toFixed(2)} %`;

// dist/serving/leadership.js
import { setTimeout as sleep3 } from "node:timers/promises";
var yieldMs = 5e3;
var afterErrorMs = 1e4;
var Leadership = class {
  store;
  options;
  closing = new AbortController();
  logger;
  running;
  held;
  hasYielded = false;
  lastError = "";
  constructor(store, options = {}) {
    this.store = store;
    this.options = options;
    this.logger = options.logger ?? silentLogger;
    this.running = this.run();
  }
  /** The lease. undefined while another process leads, or nobody can know. */
  get lease() {
    return this.held?.lost.aborted ? void 0 : this.held;
  }
  /** Gives the lease away for a while. If no other process takes it, this one has it again. */
  yield() {
    this.hasYielded = true;
    void this.held?.release();
  }
  /** Gives the lease back, so that another process can lead at once. */
  async close() {
    this.closing.abort();
    await this.running;
  }
  async run() {
    const { signal } = this.closing;
    while (!signal.aborted) {
      const waitMs = await this.lead();
      await sleep3(waitMs, void 0, { signal, ref: false }).catch(() => {
      });
    }
  }
  /** Leads until the lease is lost, if it is free. Resolves with the wait before the next try, in milliseconds. */
  async lead() {
    const { everyMs = 1e3, onGained } = this.options;
    try {
      this.held = await this.store.lease("leader");
      this.lastError = "";
      if (!this.held)
        return everyMs;
    } catch (error) {
      if (messageOf(error) !== this.lastError && !this.closing.signal.aborted && !this.store.away)
        this.logger.warn({ error: messageOf(error) }, "this server cannot lead rollouts now; it still takes them back");
      this.lastError = messageOf(error);
      return this.store.away ? everyMs : afterErrorMs;
    }
    this.logger.info({}, "this server leads the rollouts");
    onGained?.();
    await this.ended(this.held);
    const { hasYielded } = this;
    if (hasYielded)
      this.logger.info({}, "this server lets another one lead the rollout: it changes nothing for its nodes");
    else if (!this.closing.signal.aborted)
      this.logger.warn({}, "this server does not lead the rollouts any more");
    await this.held.release();
    this.held = void 0;
    this.hasYielded = false;
    return hasYielded ? yieldMs : everyMs;
  }
  /** Resolves when the lease is lost, or this is closed. */
  ended({ lost }) {
    const either = AbortSignal.any([lost, this.closing.signal]);
    return new Promise((resolve) => {
      if (either.aborted)
        resolve();
      either.addEventListener("abort", () => resolve(), { once: true });
    });
  }
};

// dist/serving/gate-runner.js
var GateRunner = class {
  gates;
  timeoutMs;
  onVerdict;
  asked = /* @__PURE__ */ new Map();
  /** A gate can take `timeoutMs` to answer. `onVerdict` is called for each answer that does not come at once. */
  constructor(gates, timeoutMs2, onVerdict) {
    this.gates = gates;
    this.timeoutMs = timeoutMs2;
    this.onVerdict = onVerdict;
  }
  /** Starts with a wave that begins to bake. Earlier verdicts are dropped. */
  begin(question) {
    this.stop();
    for (const gate of this.gates) {
      const asked = { at: void 0, waiting: void 0, verdict: void 0, verdictAt: 0 };
      this.asked.set(gate, asked);
      try {
        gate.begin?.(question);
      } catch (error) {
        this.take(asked, question.now, unsure(gate, messageOf(error)));
      }
    }
  }
  /**
   * Asks each gate whose interval is over, or that was not asked since `since`. Times are in milliseconds since 1970.
   */
  ask(question, since) {
    for (const [gate, asked] of this.asked) {
      if (asked.waiting)
        continue;
      if (asked.at !== void 0 && asked.at >= since && question.now - asked.at < gate.everyMs)
        continue;
      this.askOne(gate, asked, question);
    }
  }
  /**
   * The last verdicts. `isComplete` is true if each gate has answered a question that was asked at `since` or later.
   */
  verdicts(since) {
    const all = [...this.asked.values()];
    return {
      verdicts: all.flatMap(({ verdict }) => verdict ? [verdict] : []),
      isComplete: all.every(({ verdict, verdictAt }) => verdict && verdictAt >= since)
    };
  }
  /** Stops waiting for answers, and forgets all verdicts. */
  stop() {
    const { asked } = this;
    this.asked = /* @__PURE__ */ new Map();
    for (const { waiting } of asked.values())
      waiting?.abort();
  }
  askOne(gate, asked, question) {
    const { now } = question;
    asked.at = now;
    const controller = new AbortController();
    let answer2;
    try {
      answer2 = gate.verdict({ ...question, signal: controller.signal });
    } catch (error) {
      answer2 = { verdict: "inconclusive", text: messageOf(error) };
    }
    if (!(answer2 instanceof Promise)) {
      this.take(asked, now, { gate: gate.name, ...answer2 });
      return;
    }
    asked.waiting = controller;
    const answered = (verdict) => {
      if (asked.waiting !== controller)
        return;
      clearTimeout(timer);
      asked.waiting = void 0;
      this.take(asked, now, verdict);
      controller.abort();
      if (this.asked.get(gate) === asked)
        this.onVerdict();
    };
    const timer = setTimeout(() => answered(unsure(gate, `no answer within ${this.timeoutMs / 1e3} s`)), this.timeoutMs);
    controller.signal.addEventListener("abort", () => clearTimeout(timer));
    answer2.then((judgement) => answered({ gate: gate.name, ...judgement }), (error) => answered(unsure(gate, messageOf(error))));
  }
  take(asked, at, verdict) {
    asked.verdict = verdict;
    asked.verdictAt = at;
  }
};
var unsure = ({ name: name3 }, text2) => ({ gate: name3, verdict: "inconclusive", text: text2 });

// dist/serving/rollout-driver.js
var soonMs = 200;
var waitsForMs = 6e4;
var RolloutDriver = class {
  revisions;
  options;
  gates;
  logger;
  now;
  stopListening;
  rollout;
  /** The id and wave of the bake that the gates judge. */
  baking = "";
  /** How many nodes were affected, and had the candidate, at the last look. */
  counts = { affected: 0, candidates: 0 };
  /** Since when the cache has not shown the rollout. undefined while it shows it. */
  unservedSince;
  frozenUntil = 0;
  /** The id of the rollout for which the lead was given away. */
  yieldedFor = "";
  waitsForAt = Number.NEGATIVE_INFINITY;
  settling;
  timer;
  soon;
  isClosed = false;
  constructor(revisions, options) {
    this.revisions = revisions;
    this.options = options;
    this.logger = options.logger ?? silentLogger;
    this.now = options.now ?? Date.now;
    this.gates = new GateRunner(options.gates ?? [], options.gateTimeoutMs ?? 1e4, () => this.wake());
  }
  /** Starts driving the present rollout and later ones. */
  open() {
    const { evidence } = this.options;
    this.takeOver();
    this.stopListening = this.revisions.onMove(() => this.wake());
    evidence.onChange = (isUrgent) => isUrgent ? this.wake() : this.wakeSoon();
    this.wake();
  }
  /** Does not take a present rollout forward for a while: its nodes may have to come back first. */
  takeOver() {
    const { returnMs = 3e4 } = this.options;
    if (this.revisions.head.rollout)
      this.frozenUntil = this.now() + returnMs;
  }
  /** Applies another policy from now on, even to the present rollout. */
  use(policy) {
    this.options.policy = policy;
    this.wake();
  }
  /** Looks at the rollout now. Call it when the cache shows another head. */
  wake() {
    if (this.isClosed || this.settling)
      return;
    try {
      this.look();
    } catch (error) {
      this.logger.error({ error: messageOf(error) }, "the next step of the rollout could not be decided; it stays as it is");
    }
  }
  /** The gates' last verdicts. */
  get verdicts() {
    return this.gates.verdicts(0).verdicts;
  }
  /** Stops driving. Resolves when a step that has begun is stored. */
  async close() {
    this.isClosed = true;
    this.stopListening?.();
    this.options.evidence.onChange = () => {
    };
    this.gates.stop();
    clearInterval(this.timer);
    clearTimeout(this.soon);
    await this.settling;
  }
  wakeSoon() {
    if (this.soon || this.isClosed)
      return;
    this.soon = setTimeout(() => {
      this.soon = void 0;
      this.wake();
    }, soonMs);
  }
  look() {
    const { evidence, policy } = this.options;
    const { rollout } = this.revisions.head;
    this.follow(rollout);
    const observed = evidence.observe();
    if (!rollout)
      return;
    this.counts = { affected: observed.affected.length, candidates: observed.candidates.length };
    const now = this.now();
    if (!hasSameNodes(evidence.served?.head.rollout, rollout)) {
      this.unservedSince ??= now;
      if (now - this.unservedSince < policy.appliedWithinMs)
        return;
      const why = `this server could not serve the candidate within ${policy.appliedWithinMs / 1e3} s; its log has the reason`;
      this.settle({ rollout, outcome: { end: "rolledBack", why }, observed, gates: [], now });
      return;
    }
    this.unservedSince = void 0;
    const { verdicts: gates, isComplete } = this.askGates(rollout, observed, now);
    const isFrozen = this.revisions.isFrozen || now < this.frozenUntil || !isComplete;
    const { affected, nodes } = observed;
    const outcome = step(rollout, policy, { affected, nodes, gates, isFrozen }, now);
    const isBack = "end" in outcome && outcome.end === "rolledBack";
    if (!isBack && !this.mayGoForward(rollout, affected.length))
      return;
    if ("next" in outcome && (outcome.next === rollout || this.isOnlyAnotherWait(rollout, outcome.next, now)))
      return;
    this.settle({ rollout, outcome, observed, gates, now });
  }
  /**
   * Whether this process leads. A leader sees only the nodes of its own server. If the rollout changes nothing for
   * them, it lets another process lead, once.
   */
  mayGoForward({ id }, affected) {
    const { leadership } = this.options;
    if (!leadership)
      return true;
    if (!leadership.lease)
      return false;
    if (affected > 0 || this.yieldedFor === id)
      return true;
    this.yieldedFor = id;
    leadership.yield();
    return false;
  }
  /** Asks the gates while the wave bakes, and once more when the bake is over. */
  askGates(rollout, { candidates, others }, now) {
    if (rollout.state === "applying") {
      this.baking = "";
      return { verdicts: [], isComplete: true };
    }
    const question = { rollout, candidates, others, now };
    const wave = `${rollout.id} ${rollout.wave}`;
    if (wave !== this.baking)
      this.gates.begin(question);
    this.baking = wave;
    const isBaking = rollout.state === "baking";
    const end = rollout.since + (isBaking ? bakeMsOf(rollout, this.options.policy) : 0);
    const since = now >= end ? end : 0;
    this.gates.ask(question, since);
    return this.gates.verdicts(since);
  }
  isOnlyAnotherWait(before, after, now) {
    if (before.state !== "held" || after.state !== "held")
      return false;
    if (now - this.waitsForAt < waitsForMs)
      return true;
    this.waitsForAt = now;
    return false;
  }
  settle(step2) {
    if (this.isClosed)
      return;
    this.settling = this.write(step2).then((isWritten) => {
      this.settling = void 0;
      if (isWritten)
        this.wake();
    });
  }
  /** Stores a step. Returns false if the store cannot be written now. */
  async write({ rollout, outcome, observed, gates, now }) {
    try {
      const isBack = "end" in outcome && outcome.end === "rolledBack";
      await this.revisions.settle(rollout.id, outcome, isBack ? void 0 : this.options.leadership?.lease);
    } catch (error) {
      this.logger.error({ error: messageOf(error), rollout: rollout.id }, "a step of the rollout could not be stored");
      return false;
    }
    this.tell({ rollout, outcome, observed, gates, now });
    return true;
  }
  tell({ rollout, outcome, observed, gates, now }) {
    if (!hasHappened(this.revisions.head, rollout, outcome))
      return;
    const counts = { affected: observed.affected.length, candidates: observed.candidates.length };
    if ("end" in outcome)
      this.forget();
    else
      this.rollout = outcome.next;
    this.options.observer?.decided?.({ rollout, outcome, isOrdered: false, ...counts, gates, at: now });
  }
  /** Reports a rollout that has ended without a step of this driver. */
  tellEnd(rollout) {
    const { observer } = this.options;
    const outcome = orderedEnd(this.revisions.head, rollout);
    const { counts, verdicts: gates } = this;
    if (!outcome)
      observer?.replaced?.(rollout);
    else
      observer?.decided?.({ rollout, outcome, isOrdered: true, ...counts, gates, at: this.now() });
  }
  /** Starts with another rollout, or stops if there is none. */
  follow(rollout) {
    const { observer, everyMs = 1e3 } = this.options;
    const before = this.rollout;
    if (before?.id === rollout?.id) {
      this.rollout = rollout;
      return;
    }
    if (before)
      this.tellEnd(before);
    this.forget();
    if (!rollout)
      return;
    this.rollout = rollout;
    this.timer = setInterval(() => this.wake(), everyMs);
    observer?.began?.(rollout);
  }
  forget() {
    this.rollout = void 0;
    this.baking = "";
    this.unservedSince = void 0;
    this.gates.stop();
    clearInterval(this.timer);
  }
};
function orderedEnd({ stable, barred }, { revision }) {
  if (stable === revision)
    return { end: "done" };
  const bar = barred.find((one) => one.revision === revision);
  return bar && { end: "rolledBack", why: bar.why };
}
function hasHappened(head, rollout, outcome) {
  if ("next" in outcome) {
    const { id, wave, state, since } = head.rollout ?? {};
    const { next } = outcome;
    return id === rollout.id && wave === next.wave && state === next.state && since === next.since;
  }
  if (head.rollout?.id === rollout.id)
    return false;
  if (outcome.end === "done")
    return head.stable >= rollout.revision;
  return head.barred.some(({ revision, why }) => revision === rollout.revision && why === outcome.why);
}

// dist/serving/rollout-evidence.js
var loopEnds = 3;
var loopMs = 6e5;
var togetherMs = 1e3;
var mostNames = 3;
var RolloutEvidence = class {
  cache;
  options;
  /** Called after an event that can change the decision. `isUrgent` is true if a node has refused the candidate. */
  onChange = () => {
  };
  rollout;
  isIn = () => false;
  seen = /* @__PURE__ */ new Map();
  /** The groups of each node, as {@link RolloutEvidence.groupsFor} shows them. */
  groups = /* @__PURE__ */ new WeakMap();
  groupsFor;
  now;
  constructor(cache, options) {
    this.cache = cache;
    this.options = options;
    this.now = options.now ?? Date.now;
  }
  /** The server whose nodes are watched must call these. `joinedCallbacks()` combines them with other callbacks. */
  callbacks = {
    onStreamAck: ({ stream }) => {
      if (stream.node && this.seen.get(stream.node.id)?.pendingSince !== void 0)
        this.onChange(false);
    },
    onStreamNack: (nack) => this.refused(nack),
    onStreamClosed: ({ node: node3 }) => this.ended(node3),
    onDeltaStreamClosed: ({ node: node3 }) => this.ended(node3)
  };
  /** What the cache shows. */
  get served() {
    return this.options.served();
  }
  /** How many nodes have an entry. */
  get size() {
    return this.seen.size;
  }
  /** Looks at all connected nodes. Without a rollout all lists are empty, and all entries are dropped. */
  observe() {
    const { served } = this;
    const now = this.now();
    const affected = [];
    const candidates = [];
    const others = [];
    const rollout = served?.head.rollout;
    this.follow(rollout);
    if (!served || !rollout)
      return { affected, candidates, others, nodes: [] };
    const connected = /* @__PURE__ */ new Set();
    const pending = this.options.nodes((node3, caller) => {
      const { id } = node3;
      if (id === "" || isOwnCommand(node3))
        return false;
      const [stable, candidate] = this.sidesOf(node3, caller, served);
      const isAffected = changesOf(stable, candidate).size > 0;
      if (isAffected)
        affected.push(id);
      if (!isAffected || !this.isIn(node3)) {
        others.push(id);
        this.seen.delete(id);
        return false;
      }
      candidates.push(id);
      connected.add(id);
      const seen = this.seenOf(id, now);
      if (seen.goneSince !== void 0) {
        seen.goneSince = void 0;
        seen.pendingSince = now;
      }
      return seen.pendingSince !== void 0;
    });
    for (const node3 of pending) {
      if (!this.hasApplied(node3, served))
        continue;
      const seen = this.seenOf(node3.node.id, now);
      seen.pendingSince = void 0;
      seen.hasTaken = true;
    }
    for (const [id, seen] of this.seen) {
      if (connected.has(id))
        continue;
      seen.goneSince ??= now;
      if (!hasCandidate(rollout, { id }) || now - seen.goneSince >= loopMs)
        this.seen.delete(id);
    }
    return { affected, candidates, others, nodes: this.candidateNodes(now) };
  }
  candidateNodes(now) {
    const { lostAfterMs = 3e4, lostShare = 0.05 } = this.options;
    const lost = /* @__PURE__ */ new Map();
    for (const [id, { goneSince, hasTaken, ends }] of this.seen) {
      if (goneSince !== void 0 && now - goneSince >= lostAfterMs)
        lost.set(id, hasTaken ? "has gone away after it took the candidate" : "has gone away before it took the candidate");
      else if (ends.length >= loopEnds && now - ends[0] < loopMs)
        lost.set(id, `has connected again ${loopEnds} times since it was given the candidate`);
    }
    const isMany = lost.size > lostShare * this.seen.size;
    const nodes = [];
    for (const [id, { pendingSince, goneSince, refused: refused2, mostRefusals }] of this.seen) {
      const why = lost.get(id);
      if (why !== void 0 && goneSince !== void 0 && !isMany && refused2 === void 0)
        continue;
      const since = goneSince ?? pendingSince;
      nodes.push({
        id,
        ...since !== void 0 && { pendingSince: since },
        ...refused2 !== void 0 && { refused: refused2, refusals: mostRefusals },
        ...why !== void 0 && isMany && { lost: why }
      });
    }
    return nodes;
  }
  refused({ stream, typeUrl, resources, removedResources, error }) {
    const { served } = this;
    const { node: node3 } = stream;
    const rollout = served?.head.rollout;
    if (!rollout || !node3 || node3.id === "" || isOwnCommand(node3))
      return;
    this.follow(rollout);
    if (!this.isIn(node3))
      return;
    const [stable, candidate] = this.sidesOf(node3, callerOf(stream), served);
    if (!stable || !candidate)
      return;
    const versionIn = (snapshot, name3) => snapshot.get(typeUrl, name3)?.version;
    const isNew = ({ name: name3, version }) => versionIn(candidate, name3) === version && versionIn(stable, name3) !== version;
    const isRemoved = (name3) => versionIn(candidate, name3) === void 0 && versionIn(stable, name3) !== void 0;
    const changed = resources.filter(isNew);
    const names = [...changed.map(({ name: name3 }) => name3), ...removedResources.filter(isRemoved)];
    if (names.length === 0)
      return;
    const shown = names.slice(0, mostNames).map((name3) => JSON.stringify(name3));
    if (names.length > mostNames)
      shown.push(`${names.length - mostNames} more`);
    const type = findResourceType(typeUrl)?.name ?? typeUrl;
    const now = this.now();
    const seen = this.seenOf(node3.id, now);
    seen.pendingSince ??= now;
    seen.refusals ??= /* @__PURE__ */ new Map();
    let most = names.length > changed.length ? Number.POSITIVE_INFINITY : 0;
    for (const { key: key2 } of changed) {
      const refusals2 = (seen.refusals.get(`${typeUrl} ${key2}`) ?? 0) + 1;
      seen.refusals.set(`${typeUrl} ${key2}`, refusals2);
      most = Math.max(most, refusals2);
    }
    if (most > seen.mostRefusals)
      seen.refused = `${type} ${shown.join(", ")}: ${error.message}`;
    seen.mostRefusals = Math.max(most, seen.mostRefusals);
    this.onChange(true);
  }
  ended(node3) {
    const seen = node3 && !isOwnCommand(node3) && this.seen.get(node3.id);
    if (!seen)
      return;
    const now = this.now();
    seen.pendingSince ??= now;
    if (now - (seen.ends.at(-1) ?? Number.NEGATIVE_INFINITY) < togetherMs)
      return;
    seen.ends = [...seen.ends, now].slice(-loopEnds);
    this.onChange(false);
  }
  /** Forgets everything about another rollout. */
  follow(rollout) {
    const before = this.rollout;
    this.rollout = rollout;
    if (!hasSameNodes(before, rollout))
      this.isIn = rollout ? picking(rollout) : () => false;
    if (rollout?.id === before?.id)
      return;
    this.seen.clear();
  }
  seenOf(id, now) {
    let seen = this.seen.get(id);
    if (!seen) {
      seen = {
        ...{ pendingSince: now, hasTaken: false, goneSince: void 0, ends: [] },
        ...{ refused: void 0, refusals: void 0, mostRefusals: 0 }
      };
      this.seen.set(id, seen);
    }
    return seen;
  }
  /**
   * What a node is served without the candidate, and with it. The candidate's rules can move the node to another group.
   */
  sidesOf(node3, caller, served) {
    if (this.groupsFor !== served)
      this.groups = /* @__PURE__ */ new WeakMap();
    this.groupsFor = served;
    let groups = this.groups.get(node3);
    if (!groups) {
      const group = served.groupsOf ? "" : this.cache.servedGroup(node3, caller);
      groups = served.groupsOf?.(node3, caller) ?? [group, group];
      this.groups.set(node3, groups);
    }
    const [without, having] = groups;
    return [served.stable.get(without), served.candidates.get(having) ?? served.stable.get(having)];
  }
  /** Whether a node has every changed resource that it subscribes to. */
  hasApplied(connected, served) {
    const [stable, candidate] = this.sidesOf(connected.node, connected.caller, served);
    const changes = changesOf(stable, candidate);
    if (connected.types.length === 0)
      return false;
    return connected.types.every(({ typeUrl, state }) => {
      const changed = changes.get(typeUrl);
      if (!changed || state === "SYNCED" || state === "DRAINING")
        return true;
      return state !== "STALE" && hasAll(connected, typeUrl, changed);
    });
  }
};
function hasAll(connected, typeUrl, changed) {
  const resourcesIn = (state) => connected.resources(state).find((one) => one.typeUrl === typeUrl)?.resources;
  const [wanted, has] = [resourcesIn("served"), resourcesIn("acked")];
  return changed.every(({ name: name3, version }) => !wanted?.has(name3) || has?.get(name3)?.version === version);
}

// dist/serving/webhook-queue.js
var mostWaiting2 = 100;
var timeoutMs = 5e3;
var pauseMs = 1e3;
var WebhookQueue = class {
  options;
  logger;
  waiting = [];
  url;
  closed = new AbortController();
  sending;
  constructor(options, logger) {
    this.options = options;
    this.logger = logger;
    this.url = new URL(options.url);
  }
  /** Queues a notice, which is sent as JSON. Returns at once. */
  send(notice) {
    if (this.closed.signal.aborted)
      return;
    if (this.waiting.length === mostWaiting2) {
      this.waiting.shift();
      this.logger.warn({ host: this.url.host }, "a notice of a rollout was dropped, because too many notices wait");
    }
    this.waiting.push(notice);
    this.sending ??= this.sendAll().finally(() => {
      this.sending = void 0;
    });
  }
  /** Drops the queue. Resolves when nothing is being sent. */
  async close() {
    this.waiting.length = 0;
    this.closed.abort();
    await this.sending;
  }
  async sendAll() {
    for (let notice = this.waiting.shift(); notice; notice = this.waiting.shift()) {
      const body = JSON.stringify(notice);
      const error = await this.failureOf(body) && await this.pause() && await this.failureOf(body);
      if (error && !this.closed.signal.aborted)
        this.logger.warn({ host: this.url.host, error }, "a notice of a rollout could not be delivered");
    }
  }
  /** Why a notice could not be delivered. */
  async failureOf(body) {
    try {
      const response2 = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json", ...this.options.headers },
        body,
        redirect: "error",
        signal: AbortSignal.any([this.closed.signal, AbortSignal.timeout(timeoutMs)])
      });
      await response2.body?.cancel();
      return response2.ok ? void 0 : `the server answers ${response2.status}`;
    } catch (error) {
      return messageOf(error);
    }
  }
  /** Waits before the second try. Resolves with false if the queue was closed meanwhile. */
  pause() {
    const { signal } = this.closed;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), pauseMs);
      const stop = () => {
        clearTimeout(timer);
        resolve(false);
      };
      if (signal.aborted)
        stop();
      else
        signal.addEventListener("abort", stop, { once: true });
    });
  }
};

// dist/serving/rollout-notices.js
var RolloutNotices = class {
  options;
  logger;
  queue;
  span;
  /** @throws TypeError if the webhook's URL is not valid */
  constructor(options = {}) {
    this.options = options;
    this.logger = options.logger ?? silentLogger;
    this.queue = options.webhook && new WebhookQueue(options.webhook, this.logger);
  }
  began(rollout) {
    const { id, revision, first, wave, state } = rollout;
    this.logger.info({ rollout: id, revision, wave, state, first: first.slice(0, 10) }, "a rollout is going on");
    this.startSpan(rollout);
  }
  decided(decision) {
    const { rollout, outcome, isOrdered, affected, candidates, gates, at } = decision;
    const { id, revision } = rollout;
    const fields = { rollout: id, revision, wave: rollout.wave, candidates, affected };
    const event = eventOf(rollout, outcome);
    if ("next" in outcome) {
      const { next } = outcome;
      if (next.wave !== rollout.wave) {
        this.logger.info({ ...fields, wave: next.wave, share: next.share }, "the next wave of the rollout begins");
        this.endSpan();
        this.startSpan(next);
      } else if (next.state === "baking" && rollout.state === "applying")
        this.logger.info(fields, "all nodes of the wave have applied the candidate; its bake begins");
      else if (event === "held")
        this.logger.warn({ ...fields, waitsFor: next.waitsFor }, "the rollout is held: it waits for evidence");
      else if (next.state === "applying" && next.waitsFor !== void 0 && next.waitsFor !== rollout.waitsFor)
        this.logger.warn({ ...fields, waitsFor: next.waitsFor }, "the rollout waits for its first node");
      else if (next.first !== rollout.first)
        this.logger.info({ ...fields, first: next.first.slice(0, 10) }, "another node is the first of the rollout");
    } else if (outcome.end === "done") {
      this.logger.info(fields, isOrdered ? promoted : "the rollout is done: all nodes have the revision");
      this.endSpan();
    } else {
      this.logger.error({ ...fields, why: outcome.why }, "the rollout was rolled back; its content is barred");
      this.endSpan(outcome.why);
    }
    if (!event)
      return;
    const why = "next" in outcome ? outcome.next.waitsFor : outcome.end === "rolledBack" ? outcome.why : void 0;
    const notice = {
      ...{ event, rollout: id, revision, wave: rollout.wave },
      ...why !== void 0 && { why },
      ...{ affected, candidates, gates, at }
    };
    this.queue?.send(notice);
  }
  replaced({ id, revision, wave }) {
    this.logger.info({ rollout: id, revision, wave }, "the rollout was ended by another edit");
    this.endSpan();
  }
  /** Sends nothing more. */
  async close() {
    this.endSpan();
    await this.queue?.close();
  }
  startSpan({ id, revision, wave, share }) {
    this.endSpan();
    this.span = this.options.startSpan?.("xds.rollout.wave");
    this.span?.set({
      "xds.rollout": id,
      "xds.revision": revision,
      "xds.rollout.wave": wave,
      "xds.rollout.share": share
    });
  }
  endSpan(why) {
    this.span?.end(why);
    this.span = void 0;
  }
};
var promoted = "the rollout was ended by a command: all nodes are served the revision";
function eventOf(rollout, outcome) {
  if ("end" in outcome)
    return outcome.end === "done" ? "done" : "rolled_back";
  return outcome.next.state === "held" && rollout.state !== "held" ? "held" : void 0;
}

// dist/serving/rollouts.js
var Rollouts = class {
  server;
  logger;
  options;
  evidence;
  notices;
  policy;
  driver;
  follower;
  leadership;
  /** `server` returns the server, which is made later, because it needs {@link Rollouts.callbacks}. */
  constructor(cache, server, logger, options) {
    this.server = server;
    this.logger = logger;
    this.options = options;
    const { policy, webhook, startSpan } = options;
    this.policy = { ...defaultPolicy, ...policy };
    this.evidence = new RolloutEvidence(cache, {
      served: () => this.follower?.served,
      nodes: (selector) => server().nodes(selector)
    });
    this.notices = new RolloutNotices({ logger, ...webhook && { webhook }, ...startSpan && { startSpan } });
  }
  /** The server whose nodes are watched must call these. */
  get callbacks() {
    return this.evidence.callbacks;
  }
  /**
   * Starts with the present rollout of a store, and follows later ones. `follower` shows them in the cache. `shared` is
   * the store, if other servers have it too: one of them leads.
   */
  open(revisions, follower, shared2) {
    const { nodeLoads } = this.server();
    this.follower = follower;
    const onGained = () => {
      this.driver?.takeOver();
      this.driver?.wake();
    };
    this.leadership = shared2 && new Leadership(shared2, { logger: this.logger, onGained });
    this.driver = new RolloutDriver(revisions, {
      policy: this.policy,
      evidence: this.evidence,
      gates: [...nodeLoads ? [new LoadReportGate(nodeLoads)] : [], ...this.options.gates ?? []],
      observer: this.observed(),
      ...this.leadership && { leadership: this.leadership },
      logger: this.logger
    });
    this.driver.open();
  }
  /** How many rollouts were done, and how many were rolled back. */
  ended = { done: 0, rolledBack: 0 };
  observed() {
    const { notices, ended } = this;
    return {
      began: (rollout) => notices.began(rollout),
      decided: (decision) => {
        if ("end" in decision.outcome)
          ended[decision.outcome.end]++;
        notices.decided(decision);
      },
      replaced: (rollout) => notices.replaced?.(rollout)
    };
  }
  /** Call it when the cache shows another head. */
  wake() {
    this.driver?.wake();
  }
  /** Applies another policy from now on. */
  use(policy) {
    this.driver?.use({ ...defaultPolicy, ...policy });
  }
  /** What is known of the nodes now, and the gates' last verdicts. */
  report() {
    return { ...this.evidence.observe(), gates: this.driver?.verdicts ?? [] };
  }
  /** Stops. Resolves when a step that has begun is stored, and no notice is being sent. */
  async close() {
    await this.driver?.close();
    await this.leadership?.close();
    await this.notices.close();
  }
};

// dist/serving/source-server.js
var defaultLiveTypes = [endpointType, secretType];
var retryMs2 = 1e4;
var optionNames = {
  nodeGroup: true,
  rules: true,
  store: true,
  checkRules: true,
  sourceName: true,
  keepRevisions: true,
  guards: true,
  control: true,
  rollout: true,
  isGradual: true,
  liveTypes: true,
  checks: true,
  unmatchedNodes: true,
  validation: true,
  server: true,
  tls: true,
  admin: true,
  logger: true,
  locate: true
};
var SourceServer = class {
  source;
  options;
  /** The served resources, by node group. {@link commonGroup} is the group for nodes without a group. */
  cache;
  server;
  logger;
  log;
  gate;
  rollouts;
  store;
  marks;
  rules;
  openedRevisions;
  follower;
  openedPublisher;
  controlServer;
  startedAdmin;
  openedCertificates;
  /** A reading that the gate has not checked yet. A newer reading replaces it. */
  next;
  /** Publishes a reading again after the store has failed. */
  retry;
  /** The last reading that could not be published. The log has the reason. */
  failed;
  noted;
  isOpen = false;
  /** The number of the last revision that passed the gate, if it is served. */
  passedRevision;
  isClosed = false;
  /** @throws XdsError INVALID_OPTION */
  constructor(source, options = {}) {
    this.source = source;
    this.options = options;
    checkOptions("SourceServer", options, optionNames);
    oneOf("unmatchedNodes", options.unmatchedNodes, ["default", "none"]);
    oneOf("validation", options.validation, ["on", "strict", "off"]);
    if (options.nodeGroup && options.rules)
      throw new XdsError("INVALID_OPTION", "nodeGroup and rules are both given; give only one of them");
    const { unmatchedNodes = "default", validation = "on", logger = silentLogger, locate, checks } = options;
    const { rules, rollout, server, nodeGroup = rules && nodeGroups(rules.rules, rules.field) } = options;
    const servesOthers = unmatchedNodes === "default";
    this.logger = logger;
    this.log = new ServingLog(logger);
    this.store = options.store ?? new MemoryStore();
    this.rules = rules ?? { rules: [] };
    this.cache = new SnapshotCache({
      ...nodeGroup && { nodeGroup },
      ...servesOthers && { fallbackGroup: commonGroup }
    });
    this.rollouts = rollout && new Rollouts(this.cache, () => this.server, logger, rollout);
    const callbacks = this.rollouts ? joinedCallbacks(this.rollouts.callbacks, server?.callbacks) : server?.callbacks;
    this.marks = new RefusalMarks(this.store, logger);
    const { openRefusals } = this.marks;
    this.server = new XdsServer(this.cache, { logger, openRefusals, ...server, ...callbacks && { callbacks } });
    const liveTypes = new Set(options.liveTypes ?? defaultLiveTypes);
    this.gate = new ConfigurationGate({ validation, servesOthers, liveTypes, ...checks }, this.log.findings, locate);
  }
  /** The admin port. undefined before {@link SourceServer.open}, or if there is none. */
  get admin() {
    return this.startedAdmin;
  }
  /** The server's certificates. undefined before {@link SourceServer.open}, or without TLS. */
  get certificates() {
    return this.openedCertificates;
  }
  /** The revisions. undefined before {@link SourceServer.open}. */
  get revisions() {
    return this.openedRevisions;
  }
  /** The publisher of revisions. undefined before {@link SourceServer.open}, and without a source. */
  get publisher() {
    return this.openedPublisher;
  }
  /** A report on the nodes of the present rollout. `undefined` without gradual rollouts. */
  rolloutReport() {
    return this.rollouts?.report();
  }
  /**
   * Uses another level of validation from now on, and other rules for the readings that come from now on. A reading
   * that came before keeps the rules that it came with.
   */
  use({ validation, rules }) {
    if (validation)
      this.gate.use(validation);
    if (rules)
      this.rules = rules;
  }
  /**
   * Starts serving. Call it once, then {@link SourceServer.listen}. It reads the certificates, starts the admin port,
   * publishes the first configuration, and follows the source from then on. `read` is called with the first reading.
   * Without a source, it follows the store only.
   *
   * Resolves with what is served, or with the problems of the first configuration. After problems, the last revision of
   * the store is served. If the store has none, and after any error, everything is closed.
   * @throws XdsError INVALID_OPTION for certificates that cannot be used; CANNOT_LISTEN for the admin port; the errors
   * of the store
   */
  async open(read = () => {
  }) {
    try {
      const { tls, admin } = this.options;
      if (tls)
        this.openedCertificates = await ServerCertificates.open(tls, this.server, this.logger);
      const { revisions, follower } = await this.openRevisions();
      const publisher = this.source && this.makePublisher(revisions, follower);
      const control = this.makeControl(revisions, follower, publisher);
      if (admin)
        this.startedAdmin = await this.startAdmin(admin, control);
      const { stateDirectory } = this.options.control ?? {};
      if (stateDirectory !== void 0)
        await this.takeOrders(control, stateDirectory);
      await this.marks.open();
      const first = this.source && publisher ? await this.publishFirst(this.source, publisher, read) : await this.follow(follower);
      await this.noteEarlier();
      this.isOpen = true;
      if ("problems" in first && first.lastGood === void 0)
        await this.close();
      return first;
    } catch (error) {
      await this.close();
      throw error;
    }
  }
  makeControl(revisions, follower, publisher) {
    const { liveTypes } = this.options;
    return new Control(revisions, {
      ...publisher && { approvals: publisher },
      checkUndo: (revision) => checkUndo(revision, revisions, follower),
      ...liveTypes && { liveTypes },
      isGradual: this.isGradual,
      evidence: () => this.waveReport()
    });
  }
  /**
   * Takes orders on a socket, if possible. Some systems and file systems have no sockets. Everything else works there.
   */
  async takeOrders(control, stateDirectory) {
    try {
      this.controlServer = await ControlServer.start(control, stateDirectory, { logger: this.logger });
    } catch (error) {
      this.logger.warn({ error: messageOf(error) }, "orders cannot be taken on a socket; commands such as `xds undo` need the admin port and a token file");
    }
  }
  get isGradual() {
    return this.options.isGradual ?? this.rollouts !== void 0;
  }
  revisionFacts() {
    const { openedRevisions: revisions, openedPublisher: publisher, rollouts, store } = this;
    const { away } = store;
    if (!revisions)
      return void 0;
    const { stable, rollout, frozen: frozen2, barred } = revisions.head;
    const held = publisher?.held();
    const { ended = { done: 0, rolledBack: 0 } } = rollouts ?? {};
    return {
      ...{ stable, barred: barred.length, ended },
      ...rollout && { rollout: rolloutFacts(rollout) },
      ...store instanceof ReplicaStore && { store: { ...away && { away } } },
      ...held && { held },
      ...frozen2 && revisions.isFrozen && { frozen: { by: frozen2.by, why: frozen2.why } }
    };
  }
  waveReport() {
    const report = this.rollouts?.report();
    if (!report)
      return void 0;
    const { affected, candidates, nodes, gates } = report;
    const pending = nodes.filter(({ pendingSince }) => pendingSince !== void 0).map(({ id }) => id);
    return { affected: affected.length, candidates: candidates.length, pending: pending.slice(0, 100), gates };
  }
  async startAdmin(options, control) {
    const { AdminServer } = await import("./admin-server-FP2EE6W6.js");
    const { cache: groups, certificates, logger } = this;
    const { tokenFile } = this.options.control ?? {};
    const tokens = tokenFile === void 0 ? void 0 : await TokenFile.open(tokenFile);
    const revisions = () => this.revisionFacts();
    const port = new ControlPort(control, tokens, new RationedLog(logger));
    return AdminServer.start(this.server, {
      ...options,
      groups,
      certificates,
      logger,
      group: commonGroup,
      control: port,
      revisions
    });
  }
  async openRevisions() {
    const { cache, logger, options, rollouts, store } = this;
    const { keepRevisions, rules, unmatchedNodes, checkRules } = options;
    const revisions = await Revisions.open(store, keepRevisions === void 0 ? {} : { keep: keepRevisions });
    const follower = new HeadFollower(revisions, cache, {
      viewing: (layers, stored) => {
        checkRules?.(nodeRulesIn(stored));
        return viewing(configurationIn(layers, stored));
      },
      ...rules && { groupsOf: nodeGroupIn },
      ...unmatchedNodes !== "none" && { fallbackGroup: commonGroup },
      logger,
      onServed: ({ head }) => {
        rollouts?.wake();
        if (store instanceof ReplicaStore)
          store.served(head);
        if (this.isOpen)
          void this.noteEarlier();
      }
    });
    this.openedRevisions = revisions;
    this.follower = follower;
    return { revisions, follower };
  }
  makePublisher(revisions, follower) {
    const { cache, logger, options } = this;
    const { rules, unmatchedNodes, guards, sourceName, liveTypes = defaultLiveTypes } = options;
    const removal = guards?.removal ?? 0.5;
    const publisher = new RevisionPublisher(revisions, follower, {
      ...sourceName !== void 0 && { source: sourceName },
      liveTypes: new Set(liveTypes),
      removalShare: removal === "off" ? void 0 : removal,
      isGradual: () => this.isGradual,
      nodes: () => cache.status(),
      hadNodes: () => this.server.report().counters.streams.length > 0,
      servesOthers: unmatchedNodes !== "none",
      hasRules: rules !== void 0,
      logger,
      watch: () => this.admin?.changes,
      onOrdered: (change) => this.log.published(change)
    });
    this.openedPublisher = publisher;
    return publisher;
  }
  /** Serves what the store has, and follows it from then on. */
  async follow(follower) {
    await follower.open();
    return { follows: follower.served?.head.stable ?? 0 };
  }
  /** Tells the cache once what nodes were served before. It waits until something is served. */
  noteEarlier() {
    if (!this.follower?.served)
      return Promise.resolve();
    this.noted ??= this.follower.noteEarlier();
    return this.noted;
  }
  async publishFirst(source, publisher, read) {
    let isBusy = true;
    const publishAll = async () => {
      isBusy = true;
      clearTimeout(this.retry);
      for (let next = this.next; next && !this.isClosed; next = this.next) {
        this.next = void 0;
        const found = next;
        if (await this.publish(found, publisher))
          continue;
        const again = () => {
          this.next ??= found;
          if (!isBusy)
            void publishAll();
        };
        if (!this.next && !this.isClosed)
          this.retry = setTimeout(again, retryMs2).unref();
      }
      isBusy = false;
    };
    const reading = await source.open((later) => {
      this.next = { reading: later, rules: this.rules };
      if (!isBusy)
        void publishAll();
    });
    const { rules } = this;
    read(reading);
    const lastGood = publisher.lastGood;
    const first = await this.gate.check(reading, () => publisher.served());
    if ("problems" in first) {
      if (lastGood === 0)
        return { problems: first.problems };
      publisher.failed(first.problems);
      await publisher.open();
      void publishAll();
      return { problems: first.problems, lastGood };
    }
    try {
      const { published } = await publisher.publish(first.configuration, rules, first.places, this.publishedBy);
      this.passed(published);
      this.log.revision(published);
      void publishAll();
      return { ...first, published };
    } catch (error) {
      if (!isAway(error))
        throw error;
      const found = { reading, rules };
      this.notPublished(found, error, publisher);
      await publisher.open();
      this.next ??= found;
      void publishAll();
      return { follows: publisher.lastGood };
    }
  }
  /**
   * Publishes a new configuration, or logs why the previous one is still served. Returns false if it should be tried
   * again later, because the store has failed.
   */
  async publish(found, publisher) {
    try {
      if (publisher.lastGood !== this.passedRevision)
        this.gate.forget();
      const reading = await this.gate.check(found.reading, () => publisher.served());
      if (this.isClosed)
        return true;
      if ("problems" in reading) {
        this.log.refused(reading.problems);
        publisher.failed(reading.problems);
        return true;
      }
      const change = await publisher.publish(reading.configuration, found.rules, reading.places, this.publishedBy);
      this.passed(change.published);
      this.log.published(change);
      return true;
    } catch (error) {
      this.notPublished(found, error, publisher);
      return !(error instanceof XdsError && (error.code === "STORE_FAILED" || isAway(error)));
    }
  }
  /** Publishers that share a store do not replace what they do not know. */
  get publishedBy() {
    const { openedRevisions: revisions } = this;
    return this.store instanceof ReplicaStore && revisions ? { after: revisions.head.next - 1 } : {};
  }
  /** Reports why a configuration could not be published. For each reading the log has one line. */
  notPublished(found, error, publisher) {
    const text2 = "the configuration cannot be published, because the store is away; it is tried again until it answers";
    if (found !== this.failed && isAway(error))
      this.logger.error({ error: messageOf(error) }, text2);
    else if (found !== this.failed)
      this.log.failed(error);
    this.failed = found;
    this.gate.forget();
    publisher.failedWith(error);
  }
  passed(published) {
    const isStable = published.result === "served" || published.result === "unchanged";
    this.passedRevision = isStable ? published.revision.number : void 0;
  }
  /**
   * Listens for gRPC, and for REST if a port is given. Resolves with the addresses.
   * @throws XdsError as {@link XdsServer.listen}
   */
  async listen(options = {}) {
    const addresses = await this.server.listen(options);
    if (this.openedRevisions && this.follower) {
      const shared2 = this.store instanceof ReplicaStore ? this.store : void 0;
      this.rollouts?.open(this.openedRevisions, this.follower, shared2);
    }
    return addresses;
  }
  /** Stops following the source, drains all streams (see {@link XdsServer.drain}), and closes. */
  async drain(options = {}) {
    this.isClosed = true;
    await this.rollouts?.close();
    await Promise.all([this.source?.close(), this.server.drain(options)]);
    await this.close();
  }
  /** Closes the source and all listeners. Resolves when nothing is left that keeps the process running. */
  async close() {
    this.isClosed = true;
    clearTimeout(this.retry);
    const { source, server, certificates, admin } = this;
    await Promise.all([
      source?.close(),
      server.close(),
      certificates?.close(),
      admin?.close(),
      this.rollouts?.close(),
      this.controlServer?.close()
    ]);
    await this.openedPublisher?.close();
    this.follower?.close();
    this.openedRevisions?.close();
    await this.noted;
    await this.marks.close();
    await this.store.close();
  }
  /** Like {@link SourceServer.close}. */
  async [Symbol.asyncDispose]() {
    await this.close();
  }
};
function rolloutFacts({ revision, wave, share, state, waitsFor, paused }) {
  const why = waitsFor === void 0 ? {} : { waitsFor };
  return { revision, wave, share, state, ...why, ...paused && { paused: paused.why } };
}
var isAway = (error) => error instanceof XdsError && error.code === "STORE_AWAY";
function oneOf(name3, value, allowed) {
  if (value !== void 0 && !allowed.includes(value))
    throw new XdsError("INVALID_OPTION", `${name3} must be one of ${allowed.join(", ")}, is ${JSON.stringify(value)}`);
}
export {
  SourceServer
};
