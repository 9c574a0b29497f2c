import { Agent as HttpAgent, request as http, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as https } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** Which clients of a load keep their connections. */
export type KeepAlive = "all" | "half" | "none";

export interface LoadOptions extends Pick<RequestOptions, "headers"> {
  /** Port of 127.0.0.1. */
  readonly port: number;
  /** Requests go over TLS to a server named `localhost` that has this certificate. By default plain text. */
  readonly ca?: string | undefined;
  /** Default "half". */
  readonly keepAlive?: KeepAlive | undefined;
  /** Default 8. */
  readonly clients?: number;
  /** How long a client waits after each request, in milliseconds. Default 0. */
  readonly pauseMs?: number;
}

/** A request that failed. */
export interface FailedRequest {
  /** Of this request alone. */
  readonly path: string;
  /** When it failed, in milliseconds since 1970. */
  readonly at: number;
  /** A status other than 200, or an error's message. */
  readonly failure: string;
}

/** How many failed requests are kept. */
const mostFailed = 1_000;

/** Clients that send requests one after the other, each with a path of its own, until stopped. */
export class Load {
  ok = 0;
  /** How often each failure was seen: a status other than 200, or an error's message. */
  readonly failures = new Map<string, number>();
  /** The first that failed. */
  readonly failed: FailedRequest[] = [];
  private count = 0;
  private running = true;
  private readonly workers: Promise<void>[];

  constructor(private readonly options: LoadOptions) {
    const { keepAlive = "half", clients = 8 } = options;
    const keeps = (i: number) => keepAlive === "all" || (keepAlive === "half" && i % 2 === 0);
    this.workers = Array.from({ length: clients }, (_, i) => this.work(keeps(i)));
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  private async work(keepAlive: boolean): Promise<void> {
    const agent = new (this.options.ca === undefined ? HttpAgent : HttpsAgent)({ keepAlive, maxSockets: 1 });
    while (this.running) {
      const path = `/${this.count++}`;
      const failure = await this.request(agent, path);
      if (failure === undefined) this.ok++;
      else this.note({ path, at: Date.now(), failure });
      if (this.options.pauseMs) await sleep(this.options.pauseMs);
    }
    agent.destroy();
  }

  private note(request: FailedRequest): void {
    const { failure } = request;
    this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1);
    if (this.failed.length < mostFailed) this.failed.push(request);
  }

  private request(agent: HttpAgent, path: string): Promise<string | undefined> {
    const { port, ca, headers } = this.options;
    const options = { host: "127.0.0.1", port, path, agent, timeout: 10_000, ...(headers && { headers }) };
    return new Promise((resolve) => {
      const call = ca === undefined ? http(options) : https({ ...options, ca, servername: "localhost" });
      call.on("response", (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode === 200 ? undefined : String(response.statusCode)));
      });
      call.on("timeout", () => call.destroy(new Error("no answer")));
      call.on("error", (error: NodeJS.ErrnoException) => {
        // Both sides may close an idle connection at the same moment; every HTTP client tries such a request again.
        if (call.reusedSocket && error.code === "ECONNRESET") resolve(this.request(agent, path));
        else resolve(error.message);
      });
      call.end();
    });
  }
}
