import { createPrivateKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { clusterType, endpointType, listenerType, routeType, secretType } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { describeWithEnvoy, startEnvoyWith } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder } from "./serving.js";

const own = selfSigned();
const ownKey = createPrivateKey(own.key);
/** The same key in another text. */
const sameKey = ownKey.export({ type: "sec1", format: "pem" }).toString();
/** The same again, but for who has the password. */
const lockedKey = ownKey
  .export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: "not what is in PATH" })
  .toString();
const ads = { ads: {}, resource_api_version: "V3" };
const http = "type.googleapis.com/envoy.extensions.filters";
const tls = (name: string) => `type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${name}TlsContext`;
const address = (port: number) => ({ address: { socket_address: { address: "127.0.0.1", port_value: port } } });

/** What changes in a test. */
interface Variable {
  readonly listenerPort: number;
  readonly backendPort?: number;
  readonly key?: string;
  readonly timeout?: string;
  readonly token?: string;
}

/**
 * Clusters with endpoints by EDS, told with and without what is a default; a listener with TLS by SDS and routes by
 * RDS; an inline key.
 */
function resources({
  listenerPort,
  backendPort = 1,
  key = own.key,
  timeout = "1s",
  token = "a",
}: Variable): JsonObject[] {
  const cluster = (name: string, more: JsonObject = {}) => ({
    "@type": clusterType,
    name,
    type: "EDS",
    connect_timeout: timeout,
    eds_cluster_config: { eds_config: ads },
    ...more,
  });
  const inline = { certificate_chain: { inline_string: own.cert }, private_key: { inline_string: own.key } };
  const upstream = { "@type": tls("Upstream"), common_tls_context: { tls_certificates: [inline] } };
  const route = { match: { prefix: "/" }, route: { cluster: "plain" } };
  const router = { name: "router", typed_config: { "@type": `${http}.http.router.v3.Router` } };
  const manager = {
    "@type": `${http}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "front",
    rds: { route_config_name: "routes", config_source: ads },
    http_filters: [router],
  };
  const sds = { tls_certificate_sds_secret_configs: [{ name: "pair", sds_config: ads }] };
  return [
    cluster("plain"),
    cluster("told", { transport_socket: { name: "tls", typed_config: upstream } }),
    {
      "@type": endpointType,
      cluster_name: "plain",
      endpoints: [{ lb_endpoints: [2, backendPort, 3].map((port) => ({ endpoint: address(port) })) }],
    },
    {
      "@type": endpointType,
      cluster_name: "told",
      endpoints: [
        {
          locality: { region: "z" },
          load_balancing_weight: 2,
          proximity: 1,
          lb_endpoints: [{ endpoint: address(4), health_status: "DRAINING", load_balancing_weight: 1 }],
        },
        { locality: { region: "a" }, lb_endpoints: [{ endpoint: address(5), health_status: "HEALTHY" }] },
        { locality: { region: "z" }, lb_endpoints: [{ endpoint: address(6), load_balancing_weight: 7 }] },
        { locality: { region: "none" } },
        { priority: 1, lb_endpoints: [{ endpoint: address(7), health_status: "DEGRADED" }] },
      ],
      policy: {
        overprovisioning_factor: 140,
        endpoint_stale_after: "600s",
        drop_overloads: [{ category: "x", drop_percentage: { numerator: 1 } }],
      },
    },
    {
      "@type": secretType,
      name: "pair",
      tls_certificate: {
        certificate_chain: { inline_string: own.cert },
        private_key: { inline_string: key },
        password: { environment_variable: "PATH" },
      },
    },
    {
      "@type": listenerType,
      name: "front",
      ...address(listenerPort),
      filter_chains: [
        {
          transport_socket: { name: "tls", typed_config: { "@type": tls("Downstream"), common_tls_context: sds } },
          filters: [{ name: "http", typed_config: manager }],
        },
      ],
    },
    { "@type": routeType, name: "routes", virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
    ...(token === "a"
      ? []
      : [{ "@type": secretType, name: "token", generic_secret: { secret: { inline_string: token } } }]),
  ];
}

/** What of secrets in files changes in a test. */
interface Naming {
  readonly chain?: JsonObject;
  readonly watched?: string;
  readonly san?: string;
}

/**
 * An Envoy's own file, in a folder of its own: a listener with TLS, and its secrets, whose files, in `files`, the Envoy
 * is to read.
 */
function fileNaming(
  files: Folder,
  listenerPort: number,
  { chain, watched = files.path, san = "a" }: Naming = {},
): string {
  const { cert, key } = files.pair("server", own);
  const pair = {
    certificate_chain: { ...(chain ?? { filename: cert }), watched_directory: { path: watched } },
    private_key: { filename: key },
    password: { filename: files.write("password", "") },
    watched_directory: { path: files.path },
  };
  const clients = {
    trusted_ca: { filename: cert },
    match_typed_subject_alt_names: [{ san_type: "DNS", matcher: { exact: san } }],
  };
  const secrets = [
    { name: "pair", tls_certificate: pair },
    { name: "clients", validation_context: clients },
  ];
  const sds = {
    tls_certificate_sds_secret_configs: [{ name: "pair" }],
    validation_context_sds_secret_config: { name: "clients" },
  };
  const socket = { name: "tls", typed_config: { "@type": tls("Downstream"), common_tls_context: sds } };
  const echo = { name: "echo", typed_config: { "@type": `${http}.network.echo.v3.Echo` } };
  const filterChains = [{ transport_socket: socket, filters: [echo] }];
  const listeners = [{ name: "front", ...address(listenerPort), filter_chains: filterChains }];
  return new Folder().write("envoy.yaml", JSON.stringify({ static_resources: { secrets, listeners } }));
}

/** A folder with a configuration. */
function folderOf(variable: Variable): Folder & { rewrite(next: Variable): void } {
  const folder = new Folder();
  const rewrite = (next: Variable) => void folder.write("all.json", JSON.stringify({ resources: resources(next) }));
  rewrite(variable);
  return Object.assign(folder, { rewrite });
}

const sameSoFar = { code: 0, stdout: "no difference in what was compared\n" };
/** No difference, with these notes of what was not compared. */
const sameWith = (stderr: string) =>
  stderr === "" ? { code: 0, stdout: "no difference\n", stderr } : { ...sameSoFar, stderr };
const noEndpoints = "xds: the dump has no endpoints (ask for /config_dump?include_eds); not compared\n";
const redacted = (...names: string[]) =>
  names.length === 0
    ? ""
    : `xds: not compared, because the dump does not contain it: what is [redacted] in ${names.join(", ")}\n`;

describeWithEnvoy("xds diff with a real Envoy", () => {
  // In delta, the Envoy has the hash of each resource for its version, which tells that secrets are the same. In SotW
  // that is so where there is one resource of the type only.
  const untold = { delta: [], sotw: ['clusters "told"'] };
  it.each(["delta", "sotw"] as const)("tells just what is different from what the files say (%s)", async (variant) => {
    const listenerPort = await freePort();
    const adminPort = await freePort();
    const folder = folderOf({ listenerPort });
    const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "off");
    const { grpc, admin } = await server.ports();
    const ways = ["--node-id", "edge-1", "--variant", variant, "--admin-port", String(adminPort)];
    const { stdout } = await xdsHere("bootstrap", "--server", `127.0.0.1:${grpc}`, ...ways);
    const envoy = startEnvoyWith(stdout);
    await envoy.ready();
    const dump = `http://127.0.0.1:${adminPort}/config_dump`;
    const withEndpoints = `${dump}?include_eds`;

    const note = redacted(...untold[variant]);
    await eventually(async () =>
      expect(await xdsHere("diff", folder.path, withEndpoints)).toMatchObject(sameWith(note)),
    );
    expect(await xdsHere("diff", folder.path, withEndpoints)).toEqual(sameWith(note));
    expect(await xdsHere("diff", withEndpoints, folder.path, "--show-secrets")).toEqual(sameWith(note));
    expect(await xdsHere("diff", folder.path, dump)).toEqual(sameWith(noEndpoints + note));
    const saved = folderOf({ listenerPort }).write("dump.json", (await get(withEndpoints)).body);
    expect(await xdsHere("diff", folder.path, saved)).toEqual(sameWith(note));
    expect(await xdsHere("diff", saved, dump)).toMatchObject({ code: 0, stderr: expect.stringContaining(noEndpoints) });

    const changed = folderOf({ listenerPort, backendPort: 9 });
    expect(await xdsHere("diff", changed.path, withEndpoints)).toEqual({
      code: 1,
      stdout: "~ endpoints plain\n    endpoints[0].lb_endpoints[1].endpoint.address.socket_address.port_value: 9 → 1\n",
      stderr: note,
    });
    expect(await xdsHere("diff", changed.path, dump)).toMatchObject(sameSoFar);
    const rotated = folderOf({ listenerPort, key: sameKey, token: "b" });
    expect(await xdsHere("diff", rotated.path, withEndpoints)).toEqual({
      code: 1,
      stdout: "- secrets token\n",
      stderr: redacted(...untold[variant], 'secrets "pair"'),
    });

    const ofNode = () => xdsHere("diff", "--node", "edge-1", "--admin", `http://127.0.0.1:${admin}`);
    expect(await ofNode()).toEqual(sameWith(""));
    folder.rewrite({ listenerPort, key: lockedKey }); // which the Envoy refuses
    await server.logged({ level: "warn", type: "secrets" });
    expect(await ofNode()).toEqual({
      code: 1,
      stdout: "~ secrets pair\n    only parts that are not shown, such as secrets, are different\n",
      stderr: "",
    });
  });

  // In SotW the version does not tell that the password is in the same file.
  const mayBeElsewhere = { delta: [], sotw: ['secrets "pair"'] };
  it.each(["delta", "sotw"] as const)(
    "compares of secrets all but the files that the Envoy has read (%s)",
    async (variant) => {
      const folder = new Folder();
      const listenerPort = await freePort();
      const adminPort = await freePort();
      const file = fileNaming(folder, listenerPort);
      const { grpc } = await xds.start("serve", file, "--port", "0", "--rest-port", "off").ports();
      const ways = ["--variant", variant, "--admin-port", String(adminPort)];
      const envoy = startEnvoyWith((await xdsHere("bootstrap", "--server", `127.0.0.1:${grpc}`, ...ways)).stdout);
      await envoy.ready();
      const dump = `http://127.0.0.1:${adminPort}/config_dump?include_eds`;
      await eventually(async () => expect(await xdsHere("diff", file, dump)).toMatchObject(sameSoFar));

      const names = 'the files named in secrets "clients", secrets "pair"';
      const files = `xds: not compared, because an Envoy's dump has the content of files, not their names: ${names}\n`;
      const stderr = redacted(...mayBeElsewhere[variant]) + files;
      expect(await xdsHere("diff", file, dump)).toEqual(sameWith(stderr));
      expect(await xdsHere("diff", dump, file, "--show-secrets")).toEqual(sameWith(stderr));

      const changed = fileNaming(folder, listenerPort, { watched: "/other", san: "b" });
      const path = "tls_certificate.certificate_chain";
      expect(await xdsHere("diff", changed, dump)).toEqual({
        code: 1,
        stdout:
          '~ secrets clients\n    validation_context.match_typed_subject_alt_names[0].matcher.exact: "b" → "a"\n' +
          `~ secrets pair\n    ${path}.watched_directory.path: "/other" → "${folder.path}"\n`,
        stderr: redacted('secrets "pair"') + files,
      });
      // A text stays one in an Envoy, so these bytes are of a file.
      const inline = fileNaming(folder, listenerPort, { chain: { inline_string: "a text" } });
      const { code, stdout } = await xdsHere("diff", inline, dump);
      expect(code).toBe(1);
      expect(stdout).toContain(`~ secrets pair\n    ${path}.inline_string: - "a text"\n    ${path}.inline_bytes: + "`);
    },
  );
});

describe("xds diff", () => {
  it("tells another file's name, and a file's name from content, where no Envoy has put the one for the other", async () => {
    const folder = new Folder();
    const file = fileNaming(folder, 10_000);
    const { admin } = await xds.start("serve", file, "--port", "0", "--rest-port", "off").ports();
    const renamed = fileNaming(folder, 10_000, { chain: { filename: "/other.pem" } });
    const inline = fileNaming(folder, 10_000, { chain: { inline_bytes: "AAAA" } });
    const path = "tls_certificate.certificate_chain";
    const name = `"${folder.path}/server.pem"`;
    for (const served of [file, `http://127.0.0.1:${admin}/config_dump`]) {
      const stderr = served === file ? "" : redacted('secrets "pair"'); // the dump does not tell the password
      expect(await xdsHere("diff", served, renamed)).toEqual({
        code: 1,
        stdout: `~ secrets pair\n    ${path}.filename: ${name} → "/other.pem"\n`,
        stderr,
      });
      expect(await xdsHere("diff", served, inline)).toEqual({
        code: 1,
        stdout: `~ secrets pair\n    ${path}.filename: - ${name}\n    ${path}.inline_bytes: + "AAAA"\n`,
        stderr,
      });
    }
  });

  it("compares all that this server's dump tells of what has secrets, and says what it does not", async () => {
    const listenerPort = 10_000;
    const folder = folderOf({ listenerPort });
    const flags = ["--port", "0", "--rest-port", "off", "--guards-removal", "off"];
    const { admin } = await xds.start("serve", folder.path, ...flags).ports();
    const dump = `http://127.0.0.1:${admin}/config_dump`;
    expect(await xdsHere("diff", folder.path, dump)).toEqual(sameWith(""));
    const changed = folderOf({ listenerPort, key: sameKey, timeout: "2s" });
    expect(await xdsHere("diff", changed.path, dump)).toEqual({
      code: 1,
      stdout: ["plain", "told"].map((name) => `~ clusters ${name}\n    connect_timeout: "2s" → "1s"\n`).join(""),
      stderr: redacted('clusters "told"', 'secrets "pair"'),
    });
    // It has all types, so what is not in it is not there.
    folder.write("all.json", JSON.stringify({ resources: [] }));
    await eventually(async () =>
      expect((await xdsHere("diff", changed.path, dump)).stdout).toContain("- endpoints plain\n"),
    );
  });

  it("does not take two dumps for the same where versions of their own are, and the secrets cannot be seen", async () => {
    const folder = new Folder();
    const dump = (name: string, version: string) => {
      const entry = {
        name: "s",
        version_info: version,
        secret: { "@type": secretType, name: "s", generic_secret: { secret: { inline_string: "[redacted]" } } },
      };
      const section = {
        "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump",
        dynamic_active_secrets: [entry],
      };
      return folder.write(name, JSON.stringify({ configs: [section] }));
    };
    const note = redacted('secrets "s"');
    expect(await xdsHere("diff", dump("a.json", "1"), dump("b.json", "1"))).toEqual(sameWith(note));
    expect(await xdsHere("diff", dump("a.json", "1"), dump("b.json", "2"))).toEqual(sameWith(note));
    expect(await xdsHere("diff", dump("a.json", ""), dump("b.json", ""))).toEqual(sameWith(note));
  });

  it("tells that secrets differ without telling them, and so does xds watch", async () => {
    const [before, after] = ["old token", "new token"].map((token) => folderOf({ listenerPort: 10_000, token }));
    if (!before || !after) throw new Error("two folders were made");
    const hidden = "~ secrets token\n    only parts that are not shown, such as secrets, are different\n";
    expect(await xdsHere("diff", before.path, after.path)).toEqual({ code: 1, stdout: hidden, stderr: "" });
    const { changes } = JSON.parse((await xdsHere("diff", before.path, after.path, "-o", "json")).stdout);
    expect(changes).toMatchObject([{ name: "token", change: "changed", hidden: true, fields: [] }]);
    expect((await xdsHere("diff", before.path, after.path, "--show-secrets")).stdout).toContain(
      '"old token" → "new token"',
    );

    const { grpc } = await xds.start("serve", before.path, "--port", "0", "--rest-port", "off").ports();
    expect((await xdsHere("diff", after.path, `127.0.0.1:${grpc}`)).stdout).not.toContain("pair");
    const watch = xds.start("watch", "secrets", "--server", `127.0.0.1:${grpc}`);
    onTestFinished(() => watch.signal("SIGKILL"));
    await watch.printed(/\+ secrets token\n/);
    writeFileSync(
      `${before.path}/all.json`,
      JSON.stringify({ resources: resources({ listenerPort: 10_000, token: "new token" }) }),
    );
    await watch.printed(/~ secrets token\n {4}only parts that are not shown/);
    expect(watch.stdout).not.toContain("new token");
  });
});
