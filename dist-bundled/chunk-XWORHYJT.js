import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  networkOf
} from "./chunk-DU6SCORG.js";
import {
  isLoopback
} from "./chunk-UYRQJDKN.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/server/access/web-pages.js
var plainName = /^(?!(\d+|0x[\da-f]*)$)[^.:]+$/;
var ownSites = [void 0, "none", "same-origin"];
function refuseWebPages(headers, rule) {
  const { host = "", origin, "sec-fetch-site": site } = headers;
  const { what, allowedHosts, plainNames } = rule;
  const name = hostName(host);
  const names = [rule.host, ...allowedHosts].map((allowed) => allowed.toLowerCase());
  const isKnown = isLoopback(name) || names.includes(name) || name === rule.address;
  if (!ownSites.includes(site))
    throw new XdsError("FORBIDDEN_ORIGIN", `${what} refuses web pages of another origin; the request's Sec-Fetch-Site is ${quoted(String(site))}`);
  if (origin !== void 0) {
    if (isKnown && /^https?:\/\/(.*)$/i.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase())
      return;
    throw new XdsError("FORBIDDEN_ORIGIN", `${what} refuses web pages of another origin; the request's Origin is ${quoted(origin)}, its Host ${quoted(host)}`);
  }
  const isChecked = allowedHosts.length > 0 || isLoopback(rule.address ?? rule.host);
  if (!isChecked || isKnown || headers.host === void 0 || plainNames && plainName.test(name))
    return;
  throw new XdsError("FORBIDDEN_HOST", `${what} does not serve the host ${quoted(host)}; the hosts are ${[.../* @__PURE__ */ new Set([...names, "localhost"])].join(", ")}; --allowed-hosts (allowedHosts) adds more`);
}
var hostName = (host) => host.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1").toLowerCase();
var quoted = (text) => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}\u2026` : text);

// dist/server/http/http-server.js
import { createServer as createServer2, STATUS_CODES } from "node:http";
import { createServer as createNetServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";

// dist/http2/entry.js
var Entry = class {
  socket;
  since;
  events;
  /** Both are undefined until bytes can be read in plain text. */
  connection;
  owner;
  /** The value of `connection.received` at the last look, and since when it has not changed, as `performance.now()`. */
  received = 0;
  quietSince;
  /** The connection was pinged since it became quiet. */
  isPinged = false;
  /** The counts of frames and writes at the last look, and since when one frame or write is unfinished. */
  frames = 0;
  writesDone = 0;
  inMiddleSince;
  sendingSince;
  /** The client was sent GOAWAY because no stream was open. */
  isIdle = false;
  constructor(socket, since, events) {
    this.socket = socket;
    this.since = since;
    this.events = events;
    this.quietSince = since;
  }
  request(stream, headers) {
    return this.owner.request(stream, headers);
  }
  failed(error) {
    this.owner?.failed(error);
  }
  otherProtocol(is) {
    return this.owner.otherProtocol(is);
  }
  limitHit(limit) {
    this.events.limitHit(limit, peerOf(this.socket));
  }
  closed() {
    this.connection?.closed();
    this.owner?.closed();
  }
  /** Ends the connection if it exceeds a time limit, and pings it if it is quiet. */
  look(now, options) {
    const { connection, socket } = this;
    const { limits, keepaliveMs, keepaliveTimeoutMs } = options;
    if (!connection)
      return;
    if (!connection.isReady) {
      if (now - this.since > limits.handshakeMs)
        this.expire("handshakeMs");
      return;
    }
    if (this.isStuck(connection, now, options))
      return;
    const { received, idleSince } = connection;
    if (received !== this.received) {
      this.received = received;
      this.quietSince = now;
      this.isPinged = false;
    }
    const quiet = now - this.quietSince;
    if (!this.isPinged && quiet >= keepaliveMs) {
      this.isPinged = true;
      connection.ping();
    } else if (this.isPinged && quiet >= keepaliveMs + keepaliveTimeoutMs)
      socket.destroy();
    if (idleSince !== void 0 && now - idleSince > limits.idleMs && !this.isIdle) {
      this.isIdle = true;
      this.limitHit("idleMs");
      connection.goAway();
    }
  }
  /** Cuts the connection if the client does not finish a frame, or reads nothing, not even PINGs. */
  isStuck(connection, now, options) {
    const { limits, keepaliveMs, keepaliveTimeoutMs } = options;
    const { frames, writesDone, isInMiddle, isSending } = connection;
    if (!isInMiddle || frames !== this.frames)
      this.inMiddleSince = void 0;
    if (isInMiddle)
      this.inMiddleSince ??= now;
    if (!isSending || writesDone !== this.writesDone)
      this.sendingSince = void 0;
    if (isSending)
      this.sendingSince ??= now;
    this.frames = frames;
    this.writesDone = writesDone;
    const isLate = now - (this.inMiddleSince ?? now) > limits.frameMs;
    if (isLate)
      this.expire("frameMs");
    const isDeaf = now - (this.sendingSince ?? now) > keepaliveMs + keepaliveTimeoutMs;
    if (isDeaf)
      this.socket.destroy();
    return isLate || isDeaf;
  }
  expire(limit) {
    this.limitHit(limit);
    this.socket.destroy();
  }
};
var peerOf = ({ remoteAddress, remotePort }) => `${remoteAddress}:${remotePort}`;

// dist/server/http/http-connection.js
import { Duplex } from "node:stream";
var keepAliveMs = 5e3;
var unreadMs = 3e4;
var closingMs = { unfinished: 1e4, finished: 1e3 };
var longestTimer = 2 ** 31 - 1;
var timerMs = (ms) => Math.min(ms, longestTimer);
var lineFeed = 10;
var carriageReturn = 13;
var HttpConnection = class extends Duplex {
  socket;
  account;
  queue;
  limits;
  receiving;
  onBadHead;
  peer;
  /** The request that is being read or answered, and its response. */
  request;
  response;
  /** Whether the connection ends after the present response. */
  isLast = false;
  /** Bytes that were read from the socket and not passed on yet. */
  unread;
  isReadWanted = false;
  hasEnded = false;
  /** Bytes of the present request's body that are still to come, by its Content-Length. */
  bodyLeft = 0;
  /** Bytes of unfinished headers, and whether the last line that was passed on is empty so far. */
  headBytes = 0;
  isLineEmpty = true;
  /** The bytes that {@link receiving} counts for this connection. */
  countedBytes = 0;
  droppedBytes = 0;
  isIdle = false;
  timer;
  /** The connection's entry in the queue: it is read when its account has its turn. */
  turn;
  constructor(socket, account, queue, limits, receiving, onBadHead) {
    super({ readableHighWaterMark: 1 });
    this.socket = socket;
    this.account = account;
    this.queue = queue;
    this.limits = limits;
    this.receiving = receiving;
    this.onBadHead = onBadHead;
    this.peer = peerOf(socket);
    this.turn = { account, writes: false, flush: () => this.passOn() };
    socket.allowHalfOpen = true;
    socket.on("readable", () => this.onReadable());
    socket.on("end", () => this.schedule());
    socket.on("error", nothing);
    socket.on("close", () => this.destroy());
    socket.setTimeout(unreadMs, () => {
      if (socket.writableLength > 0)
        socket.destroy();
    });
    this.startTimer(limits.headersMs, false);
  }
  /**
   * Starts a request whose headers have arrived. If another request is not answered yet, ends the connection and
   * returns false.
   */
  begin(request, response) {
    if (this.response) {
      this.destroy();
      return false;
    }
    clearTimeout(this.timer);
    this.request = request;
    this.response = response;
    this.headBytes = 0;
    this.bodyLeft = Number(request.headers["content-length"] ?? 0);
    response.once("close", () => this.answered());
    return true;
  }
  /** Ends the connection after the answer to the present request, or at once if there is none. */
  stop() {
    this.isLast = true;
    if (!this.response)
      this.destroy();
  }
  _read() {
    this.isReadWanted = true;
    this.schedule();
  }
  _write(chunk, encoding, done) {
    this.socket.write(chunk, encoding, () => done());
  }
  _writev(chunks, done) {
    const { socket } = this;
    socket.cork();
    for (const [i, { chunk, encoding }] of chunks.entries())
      socket.write(chunk, encoding, i === chunks.length - 1 ? () => done() : void 0);
    socket.uncork();
  }
  _final(done) {
    const { socket } = this;
    clearTimeout(this.timer);
    const ms = this.isUnfinished ? closingMs.unfinished : closingMs.finished;
    this.timer = setTimeout(() => socket.destroy(), ms).unref();
    this.hasEnded = true;
    this.release();
    this.discard();
    socket.end(() => done());
  }
  _destroy(error, done) {
    clearTimeout(this.timer);
    this.queue.remove(this.turn);
    this.unread = void 0;
    this.socket.destroy();
    this.release();
    done(error);
  }
  /** Whether the client has sent only a part of a request. */
  get isUnfinished() {
    return this.headBytes > 0 || this.bodyLeft > 0 || this.request?.complete === false || this.unread !== void 0;
  }
  answered() {
    this.request = void 0;
    this.response = void 0;
    if (this.destroyed || this.writableEnded)
      return;
    if (this.isLast)
      this.end();
    else {
      this.startTimer(keepAliveMs, true);
      this.schedule();
    }
  }
  startTimer(ms, isIdle) {
    clearTimeout(this.timer);
    this.isIdle = isIdle;
    this.timer = setTimeout(() => {
      if (this.isIdle || this.headBytes === 0)
        this.end();
      else
        this.onBadHead(this);
    }, timerMs(ms));
  }
  onReadable() {
    if (this.hasEnded)
      this.discard();
    else {
      this.count();
      this.schedule();
    }
  }
  /** Queues the next piece. One piece per turn lets node:http handle it first, and other clients have their turns. */
  schedule() {
    if (!this.destroyed)
      this.queue.add(this.turn);
  }
  passOn() {
    const { socket } = this;
    if (!this.isReadWanted || this.hasEnded || this.destroyed)
      return;
    if (this.request?.complete && (this.unread || socket.readableLength > 0)) {
      this.count();
      return;
    }
    const bytes = this.unread ?? socket.read();
    if (bytes === null) {
      if (!socket.readableEnded)
        return;
      this.isReadWanted = false;
      this.push(null);
      return;
    }
    const isBody = this.bodyLeft > 0;
    const end = isBody ? Math.min(this.bodyLeft, bytes.length) : this.endOfBlock(bytes);
    this.unread = end < bytes.length ? bytes.subarray(end) : void 0;
    if (isBody)
      this.bodyLeft -= end;
    else if (!this.response) {
      this.headBytes += end;
      if (this.isIdle)
        this.startTimer(this.limits.headersMs, false);
    }
    this.isReadWanted = false;
    this.push(bytes.subarray(0, end));
    this.count();
  }
  /**
   * The end of the first empty line, or of the bytes. Headers end with an empty line, so a piece whose only empty line
   * is at its end cannot contain the headers of two requests. A chunked body ends with an empty line too.
   */
  endOfBlock(bytes) {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === lineFeed && this.isLineEmpty)
        return i + 1;
      if (byte === lineFeed)
        this.isLineEmpty = true;
      else if (byte !== carriageReturn)
        this.isLineEmpty = false;
    }
    return bytes.length;
  }
  /**
   * Updates the count of received bytes. If there is no room for them, refuses the headers that are arriving, or ends
   * the connection if a later request is waiting.
   */
  count() {
    const { receiving } = this;
    if (!receiving || this.hasEnded || this.destroyed)
      return;
    const waiting = this.request?.complete ? (this.unread?.length ?? 0) + this.socket.readableLength : 0;
    const more = this.headBytes + waiting - this.countedBytes;
    this.countedBytes += more;
    try {
      receiving.add(more);
    } catch (error) {
      if (this.response)
        this.destroy();
      else
        this.onBadHead(this, error);
    }
  }
  release() {
    this.receiving?.add(-this.countedBytes);
    this.countedBytes = 0;
  }
  discard() {
    this.unread = void 0;
    this.droppedBytes += this.socket.read()?.length ?? 0;
    if (this.droppedBytes > this.limits.droppedBytes)
      this.socket.destroy();
  }
};
var nothing = () => {
};

// dist/server/http/listen-on.js
import { lookup } from "node:dns/promises";
import { createServer } from "node:net";
var missingCodes = /* @__PURE__ */ new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);
async function listenOn(server, host, port, what) {
  let bound;
  let missing;
  try {
    const addresses = new Set((await lookup(host, { all: true })).map(({ address }) => address));
    for (const address of addresses)
      try {
        bound = await listen(bound === void 0 ? server : secondServer(server), address, bound ?? port, server);
      } catch (error) {
        if (!missingCodes.has(error.code))
          throw error;
        missing = error;
      }
    if (bound === void 0)
      throw missing;
    return bound;
  } catch (cause) {
    server.close();
    const message = `cannot listen for ${what} on ${host}:${port}: ${messageOf(cause)}`;
    throw new XdsError("CANNOT_LISTEN", message, { cause });
  }
}
function secondServer(server) {
  const helper = createServer((socket) => {
    if (server.listening)
      server.emit("connection", socket);
    else
      socket.destroy();
  });
  server.once("close", () => helper.close());
  return helper;
}
function listen(server, address, port, main) {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error("the server was closed before it listened"));
    server.once("error", reject);
    server.once("close", closed);
    server.listen(port, address, () => {
      server.off("error", reject);
      server.off("close", closed);
      if (!main.listening) {
        server.close();
        closed();
        return;
      }
      const bound = server.address();
      resolve(typeof bound === "object" && bound ? bound.port : port);
    });
  });
}

// dist/server/http/http-server.js
var HttpServer = class {
  options;
  host;
  http;
  listener;
  tls;
  sockets = /* @__PURE__ */ new Set();
  connections = /* @__PURE__ */ new Set();
  isStopping = false;
  constructor(options, host) {
    this.options = options;
    this.host = host;
    const begin = (request, response) => {
      const connection = request.socket;
      if (connection.begin(request, response))
        host.handle(request, response, connection);
    };
    this.http = createServer2(begin).on("checkContinue", begin).on("checkExpectation", begin);
    this.http.on("clientError", (error, connection) => this.failed(error, connection));
    const noProxy = new XdsError("METHOD_NOT_ALLOWED", "CONNECT is not supported: this server is not a proxy");
    this.http.on("connect", (_, connection) => this.refuse(connection, noProxy));
    const sockets = { noDelay: true, highWaterMark: 1 };
    const open = (socket) => this.open(socket);
    this.tls = options.tls && createTlsServer({ ...options.tls, ...sockets, ALPNProtocols: ["http/1.1"] }, open);
    this.tls?.on("tlsClientError", (error, socket) => {
      host.handshakeFailed?.(error, socket);
      socket.destroy();
    });
    this.listener = this.tls ?? createNetServer(sockets, open);
    this.listener.prependListener("connection", (socket) => this.enter(socket));
  }
  /**
   * Listens, and returns the port. `what` names the server in error messages.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host, port, what) {
    return listenOn(this.listener, host, port, what);
  }
  /** The address that the server listens on. undefined while it does not listen. */
  get address() {
    const address = this.listener.address();
    return typeof address === "object" && address ? address : void 0;
  }
  /** Sets the certificates for new connections. */
  setTls(context) {
    this.tls?.setSecureContext(context);
  }
  /** Refuses new connections, and resolves when all present requests are answered. */
  stop() {
    this.isStopping = true;
    const closed = new Promise((resolve) => this.listener.close(() => resolve()));
    for (const connection of [...this.connections])
      connection.stop();
    return closed;
  }
  /** Refuses new connections, and ends the open ones. */
  close() {
    const closed = this.stop();
    for (const socket of this.sockets)
      socket.destroy();
    return closed;
  }
  enter(socket) {
    if (this.sockets.size >= this.options.connections) {
      this.host.refused(this.host.tooManyConnections(), peerOf(socket));
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
  }
  open(socket) {
    if (socket.destroyed || this.isStopping) {
      socket.destroy();
      return;
    }
    const { accounts, queue, receiving } = this.host;
    const address = networkOf(peerOf(socket));
    const account = accounts.open(address);
    const refuse = (connection2, error) => this.refuse(connection2, error instanceof XdsError ? error : this.host.headersTooLate());
    const connection = new HttpConnection(socket, account, queue, this.options, receiving?.of(account), refuse);
    this.connections.add(connection);
    connection.once("close", () => {
      this.connections.delete(connection);
      accounts.close(address);
    });
    this.http.emit("connection", connection);
  }
  /** Answers bytes that are not a complete HTTP/1.1 request. */
  failed(error, connection) {
    if (error.code === "HPE_HEADER_OVERFLOW")
      this.refuse(connection, new XdsError("REQUEST_TOO_LARGE", "the headers of a request are too large"), 431);
    else {
      const reason = error.reason ?? messageOf(error);
      this.refuse(connection, new XdsError("INVALID_REQUEST", `not an HTTP/1.1 request: ${reason}`));
    }
  }
  refuse(connection, error, status = error.httpStatus) {
    const { response, peer } = connection;
    if (connection.destroyed || connection.writableEnded || response?.writableEnded)
      return;
    this.host.refused(error, peer);
    if (response?.headersSent)
      connection.destroy();
    else if (response)
      sendError(response, error, status);
    else {
      const body = errorBody(error);
      const head = [
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
        "Connection: close",
        ...retryable.has(status) ? ["Retry-After: 1"] : [],
        "Content-Type: application/json",
        `Content-Length: ${Buffer.byteLength(body)}`
      ];
      connection.end(`${head.join("\r\n")}\r
\r
${body}`);
    }
  }
};
var retryable = /* @__PURE__ */ new Set([429, 503]);
var errorBody = ({ code, message }) => `${printable(JSON.stringify({ code, message }))}
`;
function sendError(response, error, status = error.httpStatus) {
  const body = errorBody(error);
  if (retryable.has(status))
    response.setHeader("retry-after", "1");
  if (!response.req.complete)
    response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
}

export {
  Entry,
  peerOf,
  listenOn,
  refuseWebPages,
  timerMs,
  HttpServer,
  sendError
};
