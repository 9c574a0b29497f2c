import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request on a connection of its own. Throws when there is no answer within 10 seconds. */
export function get(url: string, method = "GET", headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent: false, method, headers, timeout: 10_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error(`${method} ${url}: no answer`)));
    call.on("error", reject);
    call.end();
  });
}

/** How long, in milliseconds, a backend takes to answer a request to this path; Infinity: it never answers. */
export type AnswerTime = (path: string) => number;

/** A server that answers everything with its name, until the test ends. Returns its port. */
export async function startBackend(name: string, answerTime: AnswerTime = () => 0): Promise<number> {
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer(({ url = "/" }, response) => {
    const ms = answerTime(url);
    if (ms === 0) response.end(name);
    else if (Number.isFinite(ms)) timers.add(setTimeout(() => response.end(name), ms));
  });
  onTestFinished(() => {
    for (const timer of timers) clearTimeout(timer);
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Requests one after the other, until stopped. */
export class Traffic {
  sent = 0;
  readonly failures: string[] = [];
  private running = true;
  private readonly done: Promise<void>;

  constructor(private readonly url: string) {
    this.done = this.run();
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.done;
  }

  private async run(): Promise<void> {
    while (this.running) {
      const failure = await get(this.url).then(
        ({ status, body }) => (status === 200 ? undefined : `${status} ${body}`),
        (error: Error) => error.message,
      );
      this.sent++;
      if (failure !== undefined) this.failures.push(failure);
    }
  }
}
