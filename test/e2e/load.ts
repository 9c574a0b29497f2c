import { Agent as HttpAgent, request as http, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as https } from "node:https";

/** Which clients of a load keep their connections. */
export type KeepAlive = "all" | "half" | "none";

export interface LoadOptions extends Pick<RequestOptions, "headers"> {
  /** Port of 127.0.0.1. */
  readonly port: number;
  /** Requests go over TLS to a server named `localhost` that has this certificate. By default plain text. */
  readonly ca?: string | undefined;
  /** Default "half". */
  readonly keepAlive?: KeepAlive | undefined;
}

const clients = 8;

/** Eight clients that send requests without a pause, until stopped. */
export class Load {
  ok = 0;
  /** How often each failure was seen: a status other than 200, or an error's message. */
  readonly failures = new Map<string, number>();
  private running = true;
  private readonly workers: Promise<void>[];

  constructor(private readonly options: LoadOptions) {
    const { keepAlive = "half" } = options;
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
      const failure = await this.request(agent);
      if (failure === undefined) this.ok++;
      else this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1);
    }
    agent.destroy();
  }

  private request(agent: HttpAgent): Promise<string | undefined> {
    const { port, ca, headers } = this.options;
    const options = { host: "127.0.0.1", port, agent, timeout: 10_000, ...(headers && { headers }) };
    return new Promise((resolve) => {
      const call = ca === undefined ? http(options) : https({ ...options, ca, servername: "localhost" });
      call.on("response", (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode === 200 ? undefined : String(response.statusCode)));
      });
      call.on("timeout", () => call.destroy(new Error("no answer")));
      call.on("error", (error: NodeJS.ErrnoException) => {
        // Both sides may close an idle connection at the same moment; every HTTP client tries such a request again.
        if (call.reusedSocket && error.code === "ECONNRESET") resolve(this.request(agent));
        else resolve(error.message);
      });
      call.end();
    });
  }
}
