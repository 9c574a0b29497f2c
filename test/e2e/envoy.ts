import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { describe, inject, it, onTestFinished } from "vitest";
import {
  ApiConfigSourceSchema,
  ApiConfigSource_ApiType as ApiType,
  ConfigSourceSchema,
} from "../../gen/envoy/config/core/v3/config_source_pb.js";
import type { Certificate } from "./certificate.js";
import { eventually } from "./eventually.js";
import { get } from "./http.js";
import { apiConfigSource, configSource, type Mode, xdsCluster } from "./modes.js";

/** The Envoy that most tests are written for, or one of an older version. */
export type EnvoyChoice = "envoy" | "olderEnvoy";

/**
 * A group of tests that need an Envoy. Without one they are skipped; with XDS_REQUIRE_ENVOY=1 that is a failure
 * instead.
 */
export function describeWithEnvoy(name: string, tests: () => void, which: EnvoyChoice = "envoy"): void {
  const found = inject(which);
  if ("binary" in found) describe(name, tests);
  else if (process.env.XDS_REQUIRE_ENVOY === "1")
    describe(name, () => {
      it("has an Envoy", () => {
        throw new Error(found.missing);
      });
    });
  else describe.skip(`${name} (skipped: ${found.missing})`, tests);
}

export interface EnvoyOptions {
  readonly mode: Mode;
  /** Port of the management server on 127.0.0.1. */
  readonly xdsPort: number;
  readonly id?: string;
  readonly cluster?: string;
  /** Speaks TLS with the server, if that has one of these certificates, and shows its own. */
  readonly tls?: { readonly trusted: string; readonly own: Certificate };
  /** Names of runtime layers that come from the server. */
  readonly runtimeLayers?: readonly string[];
}

/**
 * Starts an Envoy that is told everything by the server at `xdsPort`. It ends with the test; its log is shown if that
 * fails.
 */
export function startEnvoy(options: EnvoyOptions, run: RunOptions = {}): Envoy {
  return startEnvoyWith(JSON.stringify(bootstrap(options)), run);
}

/** How an Envoy is run, where not as all are. */
export interface RunOptions {
  /** Its drain time in seconds, default 1; "default": Envoy's own, which is 600. */
  readonly drainTimeS?: number | "default";
  readonly which?: EnvoyChoice;
}

/** The same with a bootstrap of one's own, in YAML or JSON. */
export function startEnvoyWith(bootstrapText: string, { drainTimeS = 1, which = "envoy" }: RunOptions = {}): Envoy {
  const found = inject(which);
  if (!("binary" in found)) throw new Error(found.missing);
  const envoy = new Envoy(found.binary, bootstrapText, drainTimeS);
  onTestFinished(async ({ task }) => {
    await envoy.stop();
    if (task.result?.state === "fail") console.error(`Envoy's log:\n${envoy.log()}`);
    envoy.forget();
  });
  return envoy;
}

/** How often an Envoy, of any type of resource, has gone on without its first answer. */
export const initFetchTimeouts = /.*\.init_fetch_timeout/;

/** A running Envoy, and what its admin interface tells. */
export class Envoy {
  /** As of `performance.now()`. */
  readonly startedAt = performance.now();
  private readonly directory = mkdtempSync(join(tmpdir(), "envoy-"));
  private readonly child: ChildProcess;
  private readonly exit: Promise<void>;

  constructor(binary: string, bootstrapText: string, drainTimeS: number | "default") {
    const [config, log, adminAddress] = ["bootstrap.yaml", "log", "admin"].map((name) => join(this.directory, name));
    writeFileSync(config as string, bootstrapText);
    const output = openSync(log as string, "w");
    const options = ["--concurrency", "1", "--use-dynamic-base-id", "-l", "warning"];
    options.push("--file-flush-interval-msec", "100"); // access logs are written soon
    if (drainTimeS !== "default") options.push("--drain-time-s", String(drainTimeS));
    this.child = spawn(binary, [...options, "-c", config as string, "--admin-address-path", adminAddress as string], {
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    const kill = () => this.child.kill("SIGKILL");
    process.once("exit", kill);
    this.exit = new Promise((resolve) => {
      const done = () => {
        process.off("exit", kill);
        resolve();
      };
      this.child.once("exit", done);
      this.child.once("error", done);
    });
  }

  log(): string {
    return readFileSync(join(this.directory, "log"), "utf8");
  }

  /** What the admin interface answers; throws while it is not there yet, or answers with another status than 200. */
  async admin(path: string, method = "GET"): Promise<string> {
    const { exitCode, signalCode } = this.child;
    if (exitCode !== null || signalCode) throw new Error(`Envoy has ended (${exitCode ?? signalCode}):\n${this.log()}`);
    const address = readFileSync(join(this.directory, "admin"), "utf8");
    const { status, body } = await get(`http://${address}${path}`, method);
    if (status !== 200) throw new Error(`${path}: ${status} ${body}`);
    return body;
  }

  /** Counters and gauges whose whole name matches, by name. */
  async stats(filter: RegExp): Promise<Map<string, number>> {
    const text = await this.admin(`/stats?filter=${encodeURIComponent(`^(${filter.source})$`)}`);
    const stats = new Map<string, number>();
    for (const line of text.split("\n")) {
      const [name, value] = line.split(": ");
      if (name && /^\d+$/.test(value ?? "")) stats.set(name, Number(value));
    }
    return stats;
  }

  /** The sum of those that match. */
  async total(filter: RegExp): Promise<number> {
    return [...(await this.stats(filter)).values()].reduce((total, value) => total + value, 0);
  }

  /** One counter or gauge. */
  async stat(name: string): Promise<number> {
    const value = (await this.stats(new RegExp(name.replaceAll(".", "\\.")))).get(name);
    if (value === undefined) throw new Error(`Envoy has no stat named ${name}`);
    return value;
  }

  /** Waits until it has started: its first configuration is there. */
  async ready(): Promise<void> {
    await eventually(() => this.admin("/ready"));
  }

  async stop(): Promise<void> {
    const killer = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
    this.child.kill("SIGTERM");
    await this.exit;
    clearTimeout(killer);
  }

  /** Removes its files; not before it has stopped. */
  forget(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function bootstrap(options: EnvoyOptions): JsonObject {
  const { mode, id = "test-node", cluster = "test-cluster", runtimeLayers = [] } = options;
  const config = toJson(ConfigSourceSchema, configSource(mode));
  return {
    node: { id, cluster },
    admin: { address: loopback(0) },
    dynamic_resources: {
      ...(mode.ads && { ads_config: toJson(ApiConfigSourceSchema, apiConfigSource(mode)) }),
      cds_config: config,
      lds_config: config,
    },
    ...(runtimeLayers.length > 0 && {
      layered_runtime: {
        layers: runtimeLayers.map((name) => ({ name, rtds_layer: { name, rtds_config: config } })),
      },
    }),
    static_resources: { clusters: [managementServer(options)] },
  };
}

const loopback = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });

function managementServer({ mode: { apiType }, xdsPort, tls }: EnvoyOptions): JsonObject {
  const http2 = {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  };
  return {
    name: xdsCluster,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: xdsCluster,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(xdsPort) } }] }],
    },
    ...(tls && { transport_socket: { name: "tls", typed_config: upstreamTls(tls) } }),
    ...(apiType !== ApiType.REST && {
      typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2 },
    }),
  };
}

function upstreamTls({ trusted, own }: NonNullable<EnvoyOptions["tls"]>): JsonObject {
  const inline = (text: string) => ({ inline_string: text });
  return {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    sni: "localhost",
    common_tls_context: {
      tls_certificates: [{ certificate_chain: inline(own.cert), private_key: inline(own.key) }],
      validation_context: { trusted_ca: inline(trusted) },
    },
  };
}
