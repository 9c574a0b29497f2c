import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { userInfo } from "node:os";
import { type ErrorCode, errorTable, messageOf, XdsError } from "../errors.js";
import { Resource } from "../resource/resource.js";
import type { Control } from "./control.js";
import type { AuditReport, BarredReport, HeldReport, HistoryReport, RevisionReport, RolloutReport } from "./reports.js";
import type { ResourceEntry } from "./resource-entry.js";
import { controlPath, ownerOfSocket, routeOf } from "./routes.js";
import { socketOf } from "./socket-place.js";

/** The longest silence of a server during a request, in milliseconds. */
const silentMs = 30_000;

/** Where a server takes orders: in its state directory, or at the URL of its admin port with a token. */
export type ControlAddress =
  | { readonly stateDirectory: string }
  | { readonly admin: string; readonly token: string }
  /** No server: the orders are for a store, in this process. `store` is its name. */
  | { readonly control: Control; readonly store: string };

/** A resource of a revision. */
export interface RevisionResource {
  readonly resource: Resource;
  /** Whether secrets in it are replaced by `[redacted]`. */
  readonly isRedacted: boolean;
}

/**
 * Reads the state of a running server or of a store, and gives it orders. All methods throw XdsErrors: those of the
 * server or the store, or STREAM_ENDED if the server cannot be reached.
 */
export class ControlClient {
  constructor(
    private readonly address: ControlAddress,
    /** The name that the client claims. Only a socket uses it. By default it is the user of this process. */
    private readonly as: string = thisUser(),
  ) {}

  /** Whether the client can read private keys and other secrets. */
  get seesSecrets(): boolean {
    return !("admin" in this.address);
  }

  history(): Promise<HistoryReport> {
    return this.ask("history");
  }

  revision(number: number): Promise<RevisionReport> {
    return this.ask(`revisions/${number}`);
  }

  /** The resources of a layer in a revision. Secrets are replaced if the client cannot read them. */
  async resources(number: number, layer: string): Promise<RevisionResource[]> {
    const query = new URLSearchParams({ layer, form: "encoded", ...(this.seesSecrets && { secrets: "true" }) });
    const { resources } = await this.ask<{ resources: ResourceEntry[] }>(`revisions/${number}/resources?${query}`);
    return resources.map(({ typeUrl, body, redacted = false, ...options }) => ({
      resource: Resource.fromBytes(typeUrl, Buffer.from(body, "base64"), options),
      isRedacted: redacted,
    }));
  }

  rollout(): Promise<RolloutReport> {
    return this.ask("rollout");
  }

  audit(most: number): Promise<AuditReport> {
    return this.ask(`audit?most=${most}`);
  }

  /** The Envoy API that the server uses, as a serialized `FileDescriptorSet`. */
  descriptors(): Promise<Uint8Array> {
    return this.send("GET", "descriptors");
  }

  undo(order: { to?: number | undefined; why: string; message?: string | undefined }): Promise<RevisionReport> {
    return this.order("undo", order);
  }

  onRollout(order: "pause" | "resume" | "promote" | "promote-next" | "abort", why: string): Promise<RolloutReport> {
    return this.order(`rollout/${order}`, { why });
  }

  async again(of: string, why: string): Promise<BarredReport> {
    return (await this.order<{ again: BarredReport }>("rollout/again", { of, why })).again;
  }

  /** `until` in milliseconds since 1970. */
  freeze(why: string, until?: number): Promise<RolloutReport> {
    const order = { why, ...(until !== undefined && { until: new Date(until).toISOString() }) };
    return this.order("freeze", order);
  }

  unfreeze(why: string): Promise<RolloutReport> {
    return this.order("unfreeze", { why });
  }

  async approve(hash: string, why?: string): Promise<HeldReport> {
    return (await this.order<{ approved: HeldReport }>("approve", { hash, why })).approved;
  }

  private async ask<T>(path: string): Promise<T> {
    return this.parse(await this.send("GET", path));
  }

  private async order<T>(path: string, order: object): Promise<T> {
    return this.parse(await this.send("POST", path, JSON.stringify({ ...order, as: this.as })));
  }

  private parse<T>(bytes: Buffer): T {
    try {
      return JSON.parse(bytes.toString()) as T;
    } catch {
      throw new XdsError("STREAM_ENDED", `the server at ${this.place} is not \`xds serve\`: its answer is not JSON`);
    }
  }

  private async send(method: "GET" | "POST", path: string, body?: string): Promise<Buffer> {
    const { address } = this;
    if ("control" in address) return answerHere(address.control, method, path, body);
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const options: RequestOptions = { method, timeout: silentMs, headers: { ...headers, connection: "close" } };
    let response: IncomingMessage;
    let bytes: Buffer;
    try {
      if ("admin" in address) {
        const url = new URL(`${address.admin.replace(/\/+$/, "")}${controlPath}${path}`);
        const request = url.protocol === "https:" ? httpsRequest : httpRequest;
        const authorization = `Bearer ${address.token}`;
        [response, bytes] = await finished(
          request(url, { ...options, headers: { ...options.headers, authorization } }),
          body,
        );
      } else {
        const socketPath = await socketOf(address.stateDirectory);
        [response, bytes] = await finished(httpRequest({ ...options, socketPath, path: controlPath + path }), body);
      }
    } catch (cause) {
      throw new XdsError("STREAM_ENDED", whyUnreachable(address, cause as NodeJS.ErrnoException), { cause });
    }
    if (response.statusCode === 200) return bytes;
    throw errorIn(bytes) ?? new XdsError("STREAM_ENDED", `the server at ${this.place} answers ${response.statusCode}`);
  }

  private get place(): string {
    const { address } = this;
    if ("control" in address) return address.store;
    return "admin" in address ? address.admin : address.stateDirectory;
  }
}

function finished(request: ReturnType<typeof httpRequest>, body?: string): Promise<[IncomingMessage, Buffer]> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`the server has sent nothing for ${silentMs / 1_000} s`)));
    request.on("response", (response) => {
      const pieces: Buffer[] = [];
      response.on("error", reject);
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("end", () => resolve([response, Buffer.concat(pieces)]));
      response.on("aborted", () => reject(new Error("the server's answer was cut off")));
    });
    request.end(body);
  });
}

/** Answers as a server does on its socket. */
async function answerHere(control: Control, method: string, path: string, body = ""): Promise<Buffer> {
  const answer = await routeOf(control, method, controlPath + path, ownerOfSocket).answer(Buffer.from(body));
  if ("bytes" in answer) return Buffer.from(answer.bytes);
  if ("json" in answer) return Buffer.from(JSON.stringify(answer.json));
  const items: object[] = [];
  for await (const item of answer.of) items.push(item);
  return Buffer.from(JSON.stringify({ [answer.list]: items }));
}

function whyUnreachable(
  address: Exclude<ControlAddress, { readonly control: Control }>,
  error: NodeJS.ErrnoException,
): string {
  if ("admin" in address)
    return `the admin port cannot be reached at ${address.admin}: ${messageOf(error)}; is \`xds serve\` running there? Name another port with --admin or XDS_ADMIN`;
  const { stateDirectory } = address;
  const others =
    "start `xds serve` with it, name another state directory with --state-dir or XDS_STATE_DIR, or use an admin port with --admin and --token-file";
  switch (error.code) {
    case "ENOENT":
    case "EINVAL": // the path is too long for a socket, and no file names another path
    case "ENAMETOOLONG":
      return `no server has the state directory ${stateDirectory}; ${others}`;
    case "ECONNREFUSED":
      return `the server of the state directory ${stateDirectory} is not running any more; ${others}`;
    case "EACCES":
    case "EPERM":
      return `another user runs the server of the state directory ${stateDirectory}; run this command as that user, or use the server's admin port with --admin and --token-file`;
    default:
      return `the server of the state directory ${stateDirectory} cannot be reached: ${messageOf(error)}`;
  }
}

/** The error in an answer. Orders and the rest of the admin port have it in different forms. */
function errorIn(bytes: Buffer): XdsError | undefined {
  try {
    const { error, ...whole } = JSON.parse(bytes.toString()) as { error?: { code?: string; message?: string } };
    const { code = "", message } = error ?? (whole as { code?: string; message?: string });
    if (typeof message !== "string") return undefined;
    return new XdsError(Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "INTERNAL", message);
  } catch {
    return undefined;
  }
}

/** The user of this process, such as `uid 1000 (alice)`. */
export function thisUser(): string {
  const uid = process.getuid?.();
  let name: string | undefined;
  try {
    name = userInfo().username;
  } catch {
    // The user has no entry in the system's list.
  }
  return uid === undefined ? (name ?? "unknown") : `uid ${uid}${name === undefined ? "" : ` (${name})`}`;
}
