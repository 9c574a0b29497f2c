import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { selfSigned } from "../e2e/certificate.js";
import { describeWithEnvoy, startEnvoy } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { Load } from "../e2e/load.js";
import { adsDelta, adsSotw } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder } from "./serving.js";

const google = "type.googleapis.com";

/** A listener that asks for a token, runs a script on each answer and answers with a page, all of them in files. */
const listenerOf = (port: number) => `resources:
- "@type": ${google}/envoy.config.listener.v3.Listener
  name: edge
  address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
  filter_chains:
  - filters:
    - name: http
      typed_config:
        "@type": ${google}/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: edge
        http_filters:
        - name: jwt
          typed_config:
            "@type": ${google}/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
            providers: { own: { issuer: here, local_jwks: { filename: jwks.json } } }
            rules: [{ match: { prefix: / }, requires: { provider_name: own } }]
        - name: lua
          typed_config:
            "@type": ${google}/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code: { filename: mark.lua }
        - name: router
          typed_config: { "@type": ${google}/envoy.extensions.filters.http.router.v3.Router }
        route_config:
          name: edge
          virtual_hosts:
          - name: all
            domains: ["*"]
            routes: [{ match: { prefix: / }, direct_response: { status: 200, body: { filename: page.html } } }]
`;

const script = (mark: string) => `function envoy_on_response(handle) handle:headers():add("x-mark", "${mark}") end\n`;

const pairOfKeys = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
const [first, second] = [pairOfKeys(), pairOfKeys()];
const jwks = (...named: { publicKey: KeyObject }[]) =>
  JSON.stringify({ keys: named.map(({ publicKey }) => ({ ...publicKey.export({ format: "jwk" }), alg: "RS256" })) });

function tokenOf({ privateKey }: { privateKey: KeyObject }): string {
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
  const text = `${part({ alg: "RS256" })}.${part({ iss: "here", exp: 4_000_000_000 })}`;
  return `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
}

/** A request on a connection of its own. */
function answerTo(port: number, token: string): Promise<{ status: number | undefined; mark: unknown; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, connection: "close" };
    const call = request({ host: "127.0.0.1", port, agent: false, headers }, (response) => {
      let body = "";
      response.on("data", (part) => {
        body += String(part);
      });
      response.on("end", () => resolve({ status: response.statusCode, mark: response.headers["x-mark"], body }));
    });
    call.on("error", reject);
    call.end();
  });
}

class Site extends Folder {
  constructor(port: number) {
    super();
    this.write("edge.yaml", listenerOf(port));
    this.write("page.html", "<h1>first</h1>\n");
    this.write("jwks.json", jwks(first));
    this.write("mark.lua", script("first"));
  }

  /** As careful programs do it. */
  replace(name: string, content: string): void {
    renameSync(this.write(`.${name}.new`, content), join(this.path, name));
  }
}

describeWithEnvoy("an Envoy whose script, keys and page are files beside the YAML", () => {
  for (const mode of [adsDelta, adsSotw])
    test(`takes each when it changes, without a failed request, ${mode.name}`, async () => {
      const port = await freePort();
      const site = new Site(port);
      const server = xds.start("serve", site.path, "--port", "0", "--rest-port", "off");
      const envoy = startEnvoy({ mode, xdsPort: (await server.ports()).grpc });
      const answers = (expected: { mark?: string; body?: string; status?: number }, token = tokenOf(first)) =>
        eventually(async () => expect(await answerTo(port, token)).toMatchObject(expected));
      await answers({ status: 200, mark: "first", body: "<h1>first</h1>\n" });
      await answers({ status: 401 }, tokenOf(second));

      const load = new Load({ port, headers: { authorization: `Bearer ${tokenOf(first)}` } });
      site.replace("mark.lua", script("second"));
      await answers({ status: 200, mark: "second" });
      site.write("page.html", "<h1>second</h1>\n");
      await answers({ status: 200, mark: "second", body: "<h1>second</h1>\n" });
      site.replace("jwks.json", jwks(first, second));
      await answers({ status: 200 }, tokenOf(second));

      site.write("page.html", "x".repeat(4097));
      await server.logged({ level: "error", msg: "still serving the last good configuration" });
      await answers({ status: 200, mark: "second", body: "<h1>second</h1>\n" });
      site.write("page.html", "<h1>third</h1>\n");
      await answers({ status: 200, body: "<h1>third</h1>\n" });
      await load.stop();
      expect([...load.failures]).toEqual([]);
      expect(load.ok).toBeGreaterThan(0);
      expect(server.log()).toContainEqual(
        expect.objectContaining({
          level: "error",
          msg: expect.stringMatching(
            /edge\.yaml:28:\d+: .*\.direct_response\.body: has 4097 bytes, and Envoy accepts 4096; /,
          ),
        }),
      );
      expect(await envoy.stat("listener_manager.lds.update_rejected")).toBe(0);
    });
});

describe("files that resources name", () => {
  test("are seen by get, diff, explain and validate as they are served", async () => {
    const site = new Site(18_000);
    const server = xds.start("serve", site.path, "--port", "0", "--rest-port", "off");
    const address = `127.0.0.1:${(await server.ports()).grpc}`;
    const got = await xdsHere("get", "listeners", "--server", address, "-o", "json");
    expect(got).toMatchObject({ code: 0, stderr: "" });
    for (const text of [script("first"), "<h1>first</h1>\n", jwks(first)])
      expect(got.stdout).toContain(JSON.stringify({ inline_string: text }, undefined, 1).replace(/^\{\s*|\s*\}$/g, ""));
    expect(got.stdout).not.toContain("filename");
    expect(await xdsHere("diff", address, site.path)).toMatchObject({ code: 0 });
    expect(await xdsHere("validate", site.path)).toMatchObject({ code: 0 });
    expect(await xdsHere("explain", "edge", site.path)).toMatchObject({ code: 0 });

    const other = new Site(18_000);
    other.write("mark.lua", script("other"));
    const different = await xdsHere("diff", address, other.path);
    expect(different).toMatchObject({ code: 1 });
    expect(different.stdout).toContain("default_source_code.inline_string");
  });

  test("are redacted where they are private keys in a listener or a cluster", async () => {
    const { cert, key } = selfSigned();
    const folder = new Folder();
    folder.pair("own", { cert, key });
    folder.write(
      "a.yaml",
      `"@type": ${google}/envoy.config.cluster.v3.Cluster
name: tls
transport_socket:
  name: tls
  typed_config:
    "@type": ${google}/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    common_tls_context:
      tls_certificates: [{ certificate_chain: { filename: own.pem }, private_key: { filename: own-key.pem } }]
`,
    );
    const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "off");
    const { grpc, admin } = await server.ports();
    const chain = JSON.stringify(cert);
    const get = (...options: string[]) =>
      xdsHere("get", "clusters", "--server", `127.0.0.1:${grpc}`, "-o", "json", ...options);
    const dump = await (await fetch(`http://127.0.0.1:${admin}/config_dump`)).text();
    for (const text of [(await get()).stdout, dump]) {
      expect(text).toContain(chain);
      expect(text).toContain('"[redacted]"');
      expect(text).not.toContain("PRIVATE KEY");
    }
    expect((await get("--show-secrets")).stdout).toContain(JSON.stringify(key));
  });

  test("are mistakes of the YAML file where they are missing, the same for serve, explain and validate, as SARIF too", async () => {
    const site = new Site(18_000);
    renameSync(join(site.path, "mark.lua"), join(site.path, "mark"));
    const line = `${join(site.path, "edge.yaml")}:20:46`;
    const message = '.default_source_code.filename: "mark.lua" does not exist; ';
    for (const command of ["validate", "serve"]) {
      const { code, stdout, stderr } = await xdsHere(command, site.path);
      expect([command, code]).toEqual([command, 1]);
      expect(stdout + stderr).toContain(`${line} error INVALID resources[0].filter_chains[0]`);
      expect(stdout + stderr).toContain(message);
    }
    expect((await xdsHere("explain", "edge", site.path)).stderr).toContain(message);
    const { stdout } = await xdsHere("validate", site.path, "-o", "sarif");
    const { runs } = JSON.parse(stdout) as { runs: { results: { locations: unknown[] }[] }[] };
    expect(runs[0]?.results[0]?.locations).toMatchObject([
      { physicalLocation: { region: { startLine: 20, startColumn: 46 } } },
    ]);
  });
});

test("a directory that is emptied is warned of, with how many resources went", async () => {
  const folder = new Folder();
  mkdirSync(join(folder.path, "sub"));
  const cluster = (name: string) => `{ "@type": ${google}/envoy.config.cluster.v3.Cluster, name: ${name} }`;
  folder.write("a.yaml", cluster("a"));
  const file = folder.write("sub/b.yaml", `resources: [${cluster("b")}, ${cluster("c")}]`);
  const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "off");
  await server.ports();
  rmSync(file);
  await server.logged({
    level: "warn",
    directory: join(folder.path, "sub"),
    resources: 2,
    msg: "this directory has no resources any more; its resources are removed",
  });
  await server.logged({ msg: "serving the changed configuration", removed: 2 });
  folder.write("sub/b.yaml", "resources:\n");
  await server.logged({
    level: "error",
    msg: expect.stringMatching(/sub\/b\.yaml:1:1: resources: expected a list of/),
  });
});
