import { get as getTls } from "node:https";
import { create } from "@bufbuild/protobuf";
import { expect, it, onTestFinished } from "vitest";
import { type Secret, SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { DownstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { type Runtime, RuntimeSchema } from "../../gen/envoy/service/runtime/v3/rtds_pb.js";
import { endpointType, type ResourceInput, Snapshot, SnapshotCache, secretType, XdsServer } from "../../src/index.js";
import { type Certificate, selfSigned } from "./certificate.js";
import { edsCluster, endpoints, httpFilterChain, listener, pack, routeAll } from "./edge.js";
import { describeWithEnvoy, type Envoy, initFetchTimeouts, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, adsSotw, configSource, type Mode } from "./modes.js";
import { freePort } from "./ports.js";

const group = "test-node";

/** A server until the test ends, with this to serve. */
async function serve(...resources: ResourceInput[]) {
  const cache = new SnapshotCache();
  cache.set(group, Snapshot.of(resources));
  const server = new XdsServer(cache);
  const { grpc } = await server.listen({ port: 0 });
  onTestFinished(() => server.close());
  return { cache, xdsPort: grpc.port };
}

async function startedAtOnce(envoy: Envoy): Promise<void> {
  await envoy.ready();
  expect(await envoy.total(initFetchTimeouts)).toBe(0);
}

/** A runtime layer of one integer. */
function runtime(name: string, key: string, value: number): Runtime {
  return create(RuntimeSchema, { name, layer: { [key]: value } });
}

/** A server's certificate, as a secret. */
function secret(name: string, { cert, key }: Certificate): Secret {
  const inline = (inlineString: string) => ({ specifier: { case: "inlineString" as const, value: inlineString } });
  const certificate = { certificateChain: inline(cert), privateKey: inline(key) };
  return create(SecretSchema, { name, type: { case: "tlsCertificate", value: certificate } });
}

function tlsListener(mode: Mode, port: number, secretName: string) {
  const tls = pack(DownstreamTlsContextSchema, {
    commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: secretName, sdsConfig: configSource(mode) }] },
  });
  const transportSocket = { name: "tls", configType: { case: "typedConfig" as const, value: tls } };
  const chain = httpFilterChain({ mode, statPrefix: "edge", routeName: "edge" });
  return listener("edge", port, [{ ...chain, transportSocket }]);
}

/** One request over TLS on a connection of its own, to a server with just this certificate. */
function getOverTls(port: number, { cert }: Certificate): Promise<number | undefined> {
  const options = { port, ca: cert, servername: "localhost", agent: false, timeout: 10_000 };
  return new Promise((resolve, reject) => {
    const call = getTls({ host: "127.0.0.1", ...options }, (response) => {
      resolve(response.resume().statusCode);
    });
    call.on("timeout", () => call.destroy(new Error("no answer")));
    call.on("error", reject);
  });
}

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: its start does not wait in vain (P56)`, () => {
    it("when there is nothing for it", async () => {
      const { xdsPort } = await serve();
      await startedAtOnce(startEnvoy({ mode, xdsPort, id: group }));
    });

    it("when a cluster has no endpoints yet; it takes them when they come", async () => {
      const port = await freePort();
      const edge = listener("edge", port, [httpFilterChain({ mode, statPrefix: "edge", routeName: "edge" })]);
      const { cache, xdsPort } = await serve(edsCluster("a", mode), edge, routeAll("edge", "a"));
      await startedAtOnce(startEnvoy({ mode, xdsPort, id: group }));
      await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).status).toBe(503));
      const snapshot = cache.get(group) as Snapshot;
      cache.set(group, snapshot.with(endpointType, [endpoints("a", await startBackend("a"))]));
      await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).status).toBe(200));
    });

    it("when a runtime layer does not exist; it takes the layer when it comes", async () => {
      const { cache, xdsPort } = await serve();
      const envoy = startEnvoy({ mode, xdsPort, id: group, runtimeLayers: ["later"] });
      await startedAtOnce(envoy);
      cache.set(group, Snapshot.of([runtime("later", "some.key", 17)]));
      await eventually(async () =>
        expect(JSON.parse(await envoy.admin("/runtime"))).toMatchObject({
          entries: { "some.key": { final_value: "17" } },
        }),
      );
      cache.set(group, Snapshot.of([runtime("later", "some.key", 18)]));
      await eventually(async () =>
        expect(JSON.parse(await envoy.admin("/runtime"))).toMatchObject({
          entries: { "some.key": { final_value: "18" } },
        }),
      );
    });

    it("for the secret of a TLS listener; it takes a new certificate", async () => {
      const [first, second] = [selfSigned(), selfSigned()];
      const port = await freePort();
      const { cache, xdsPort } = await serve(
        edsCluster("a", mode),
        endpoints("a", await startBackend("a")),
        tlsListener(mode, port, "certificate"),
        routeAll("edge", "a"),
        secret("certificate", first),
      );
      await startedAtOnce(startEnvoy({ mode, xdsPort, id: group }));
      await eventually(async () => expect(await getOverTls(port, first)).toBe(200));
      const snapshot = cache.get(group) as Snapshot;
      cache.set(group, snapshot.with(secretType, [secret("certificate", second)]));
      await eventually(async () => expect(await getOverTls(port, second)).toBe(200));
    });
  });
