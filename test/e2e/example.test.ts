import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { describeWithEnvoy, initFetchTimeouts, startEnvoy, startEnvoyWith } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get } from "./http.js";
import { adsSotw } from "./modes.js";
import { freePort } from "./ports.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

// As `npm run example` does; the library itself is built before the tests are run.
beforeAll(() => {
  execFileSync(process.execPath, ["node_modules/typescript/lib/tsc.js", "-p", "examples/server"], { cwd: root });
});

/** The example server, until the test ends. */
class Example {
  readonly log: { readonly msg: string; readonly [field: string]: unknown }[] = [];
  private readonly child: ChildProcess;
  private readonly closed: Promise<unknown>;

  constructor(...flags: (string | number)[]) {
    this.child = spawn(process.execPath, ["examples/server/dist/main.js", ...flags.map(String)], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.closed = once(this.child, "close");
    let text = "";
    this.child.stdout?.setEncoding("utf8").on("data", (part: string) => {
      const lines = (text + part).split("\n");
      text = lines.pop() ?? "";
      this.log.push(...lines.map((line) => JSON.parse(line)));
    });
    onTestFinished(() => void this.child.kill("SIGKILL"));
  }

  async says(message: string): Promise<void> {
    await eventually(() => expect(this.log.map(({ msg }) => msg)).toContain(message));
  }

  /** How it ends after SIGTERM: its exit code, or the signal that it died of. */
  async terminate(): Promise<number | NodeJS.Signals | null> {
    this.child.kill("SIGTERM");
    return this.ended();
  }

  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.closed;
    return this.child.exitCode ?? this.child.signalCode;
  }
}

const listening = "management server listening";

for (const apiType of ["GRPC", "DELTA_GRPC"])
  describeWithEnvoy(`the example server and an Envoy with the bootstrap beside it, ${apiType}`, () => {
    it("answers through the Envoy, and drains on SIGTERM", async () => {
      const [port, listenerPort, upstreamPort] = [await freePort(), await freePort(), await freePort()];
      const ports = ["--port", port, "--listener-port", listenerPort, "--upstream-port", upstreamPort];
      const example = new Example(...ports, "--debug");
      await example.says(listening);

      const bootstrap = readFileSync(`${root}/examples/server/envoy.yaml`, "utf8")
        .replace("api_type: GRPC", `api_type: ${apiType}`)
        .replace("port_value: 18000", `port_value: ${port}`)
        .replace("port_value: 19000", "port_value: 0");
      const envoy = startEnvoyWith(bootstrap);
      await eventually(async () =>
        expect(await get(`http://127.0.0.1:${listenerPort}/hello`)).toMatchObject({
          status: 200,
          body: "The upstream got GET /hello\n",
        }),
      );
      expect(await envoy.total(initFetchTimeouts)).toBe(0);
      await example.says("an Envoy has come");

      expect(await example.terminate()).toBe(0);
      const delta = apiType === "DELTA_GRPC";
      await example.says(delta ? "delta stream closed" : "stream closed");
      const counters = example.log.at(-1);
      expect(counters?.[delta ? "deltaResponses" : "responses"]).toBe(4); // clusters, endpoints, listeners, the route
      expect(counters?.[delta ? "responses" : "deltaResponses"]).toBe(0);
      await envoy.ready(); // it serves on
    });
  });

describeWithEnvoy("the example server and an Envoy of another node id", () => {
  it("says that it has nothing for it", async () => {
    const port = await freePort();
    const example = new Example("--port", port, "--upstream-port", 0, "--node-id", "other");
    await example.says(listening);
    startEnvoy({ mode: adsSotw, xdsPort: port, id: "test-id" });
    const message = "nothing is configured for this node; it waits until something is";
    await eventually(() =>
      expect(example.log).toContainEqual(expect.objectContaining({ msg: message, node: "test-id" })),
    );
    expect(await example.terminate()).toBe(0);
  });
});

describe("the example server", () => {
  it("ends on SIGTERM with 0", async () => {
    const example = new Example("--port", 0, "--upstream-port", 0);
    await example.says(listening);
    expect(await example.terminate()).toBe(0);
    await example.says("xDS callbacks");
  });

  it("ends with 1 and says why when a port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const example = new Example("--port", port ?? 0, "--upstream-port", 0);
    expect(await example.ended()).toBe(1);
    expect(example.log.at(-1)?.msg).toMatch(`cannot listen for gRPC on 127.0.0.1:${port}`);
  });

  it.each([
    [["--port", "abc"], '"abc" is not a port'],
    [["--ports", "1"], "Unknown option '--ports'"],
  ])("ends with 1 and says what is wrong with %s", async (flags, message) => {
    const example = new Example(...flags);
    expect(await example.ended()).toBe(1);
    expect(example.log.at(-1)?.msg).toMatch(message);
  });
});
