import { X509Certificate } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, onTestFinished } from "vitest";
import { type Cluster, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { DownstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { XdsClient } from "../../src/client/index.js";
import { type ResourceInput, Snapshot } from "../../src/index.js";
import { clusterType, endpointType, listenerType, routeType, secretType } from "../../src/resource/types.js";
import { failuresIn, loggingFailures } from "../e2e/access-log.js";
import { type Certificate, selfSigned } from "../e2e/certificate.js";
import { edsCluster, endpoints, httpFilterChain, listener, pack, routeAll } from "../e2e/edge.js";
import { type Envoy, startEnvoy } from "../e2e/envoy.js";
import { type AnswerTime, startBackend } from "../e2e/http.js";
import { Load } from "../e2e/load.js";
import { adsDelta, adsSotw, configSource, type Mode } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { fileOf } from "./serving.js";
import { StatefulServer, until } from "./stateful-server.js";

export interface FleetSize {
  readonly envoys: number;
  readonly scripted: number;
}

export interface FleetOptions extends FleetSize {
  /** Of `xds serve`. */
  readonly flags: readonly string[];
  /** The clusters of nodes: each node is in one of them, in turns. Default one. */
  readonly nodeClusters?: readonly string[];
  /** The directory of the common files, with a slash at its end. Default "": that of the configuration. */
  readonly layer?: string;
  /** The variant of the Envoy that is first in a rollout; the next one has the other, and so on. */
  readonly first?: Mode;
  readonly answerTime?: AnswerTime;
}

/** A node of the test process. */
class ScriptedNode {
  /** The timeouts of cluster `app` that it was sent, in order. */
  readonly sent: number[] = [];
  private readonly client: XdsClient;

  constructor(
    port: number,
    readonly id: string,
    readonly cluster: string,
    variant: "sotw" | "delta",
  ) {
    this.client = new XdsClient({
      address: `127.0.0.1:${port}`,
      node: { id, cluster },
      variant,
      reconnect: { initialMs: 100, maxMs: 500 },
      callbacks: {
        onResponse: ({ typeUrl, resources }) => {
          if (typeUrl !== clusterType) return undefined;
          for (const resource of resources)
            if (resource.name === app) this.sent.push(secondsOf(resource.as(ClusterSchema)));
          return undefined;
        },
      },
    });
    onTestFinished(() => this.client.close());
    for (const type of [clusterType, listenerType]) this.client.subscribe(type);
    for (const [type, name] of [[endpointType, app] as const, [routeType, edge] as const, [secretType, edge] as const])
      this.client.subscribe(type, [name]);
  }

  /** The timeout of a cluster, in seconds; undefined: the node does not have the cluster. */
  secondsOf(name: string): number | undefined {
    const cluster = this.client.resources(clusterType).get(name);
    return cluster && secondsOf(cluster.as(ClusterSchema));
  }

  /** The port of the endpoint of cluster `app`. */
  get port(): number | undefined {
    const endpoint = this.client.resources(endpointType).get(app)?.as(ClusterLoadAssignmentSchema).endpoints[0]
      ?.lbEndpoints[0];
    const host = endpoint?.hostIdentifier.case === "endpoint" ? endpoint.hostIdentifier.value : undefined;
    const address = host?.address?.address;
    return address?.case === "socketAddress" ? Number(address.value.portSpecifier.value) : undefined;
  }

  /** The chain of the certificate in PEM. */
  get certificate(): string | undefined {
    const type = this.client.resources(secretType).get(edge)?.as(SecretSchema).type;
    const chain = type?.case === "tlsCertificate" ? type.value.certificateChain?.specifier : undefined;
    return chain?.case === "inlineString" ? chain.value : undefined;
  }
}

const [app, edge] = ["app", "edge"];
const secondsOf = ({ connectTimeout }: Cluster) => Number(connectTimeout?.seconds ?? 0n);

/** Cluster `app` with a timeout of so many seconds, which tells versions of it apart. */
export const appCluster = (seconds: number): Cluster =>
  Object.assign(edsCluster(app, adsDelta), { connectTimeout: durationFromMs(seconds * 1_000) });

/** A cluster without endpoints. */
export const staticCluster = (name: string, seconds = 1): Cluster =>
  create(ClusterSchema, { name, connectTimeout: durationFromMs(seconds * 1_000) });

/**
 * Envoys that share a port, scripted nodes in both variants, and requests over TLS through the Envoys all the time. All
 * have a listener `edge` whose certificate is a secret, a route configuration, and cluster `app`.
 */
export class Fleet extends StatefulServer {
  readonly envoys: Envoy[] = [];
  readonly nodes: ScriptedNode[] = [];
  readonly certificates: readonly Certificate[] = [0, 1, 2].map((number) =>
    selfSigned({ commonName: `localhost ${number}` }),
  );
  private load: Load | undefined;

  private constructor(
    private readonly listenerPort: number,
    private readonly options: FleetOptions,
  ) {
    super();
  }

  /** Starts it all. `prepare` writes what else is in the configuration, and gives further flags of `xds serve`. */
  static async start(options: FleetOptions, prepare: (fleet: Fleet) => string[] = () => []): Promise<Fleet> {
    const fleet = new Fleet(await freePort(), options);
    const flags = [...options.flags, ...prepare(fleet)];
    fleet.writeApp(appCluster(1));
    fleet.writeEndpoints(await startBackend("backend", options.answerTime));
    fleet.writeSecret(0);
    const chain = httpFilterChain({ mode: adsDelta, statPrefix: edge, routeName: edge });
    const tls = pack(DownstreamTlsContextSchema, {
      commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: edge, sdsConfig: configSource(adsDelta) }] },
    });
    const transportSocket = { name: "tls", configType: { case: "typedConfig" as const, value: tls } };
    fleet.writeResources("edge.json", [
      loggingFailures(listener(edge, fleet.listenerPort, [{ ...chain, transportSocket }])),
      routeAll(edge, app),
    ]);
    await fleet.start(...flags);
    for (let at = 1; at <= options.envoys; at++) fleet.addEnvoy(`a${String(at).padStart(2, "0")}`);
    for (let at = 1; at <= options.scripted; at++) fleet.addNode(`n${String(at).padStart(3, "0")}`);
    await Promise.all(fleet.envoys.map((envoy) => envoy.ready()));
    await until(async () => expect(await fleet.seconds()).toEqual(fleet.all(1)));
    const ca = fleet.certificates.map(({ cert }) => cert).join("");
    fleet.load = new Load({ port: fleet.listenerPort, ca, pauseMs: 10 });
    await until(() => expect(fleet.load?.ok).toBeGreaterThan(100));
    return fleet;
  }

  /** Puts these resources into a file of the common layer. */
  writeResources(name: string, resources: readonly ResourceInput[]): void {
    this.write(`${this.options.layer ?? ""}${name}`, fileOf(Snapshot.of([...resources])));
  }

  writeApp(cluster: Cluster): void {
    this.writeResources("app.json", [cluster]);
  }

  /** Puts a cluster `own` into the layer of this name. */
  writeOwn(layer: string, seconds: number): void {
    this.write(`${layer}/own.json`, fileOf(Snapshot.of([staticCluster("own", seconds)])));
  }

  /** The timeouts of cluster `own` that the scripted nodes of a cluster have, each once. */
  own(nodeCluster: string): (number | undefined)[] {
    const nodes = this.nodes.filter(({ cluster }) => cluster === nodeCluster);
    return [...new Set(nodes.map((node) => node.secondsOf("own")))];
  }

  writeEndpoints(port: number): void {
    this.writeResources("endpoints.json", [endpoints(app, port)]);
  }

  /** The secret with the certificate of this number. */
  writeSecret(number: number): void {
    const { cert, key } = this.certificates[number] as Certificate;
    const inline = (inlineString: string) => ({ specifier: { case: "inlineString" as const, value: inlineString } });
    const value = { certificateChain: inline(cert), privateKey: inline(key) };
    this.writeResources("secret.json", [create(SecretSchema, { name: edge, type: { case: "tlsCertificate", value } })]);
  }

  addEnvoy(id: string): Envoy {
    const { first = adsDelta } = this.options;
    const other = first === adsDelta ? adsSotw : adsDelta;
    const at = this.envoys.length;
    const mode = at % 2 === 0 ? first : other;
    const envoy = startEnvoy({ mode, xdsPort: this.port, id, cluster: this.clusterOf(at) }, { drainTimeS: "default" });
    this.envoys.push(envoy);
    return envoy;
  }

  addNode(id: string): ScriptedNode {
    const at = this.nodes.length;
    const node = new ScriptedNode(this.port, id, this.clusterOf(at), at % 2 === 0 ? "delta" : "sotw");
    this.nodes.push(node);
    return node;
  }

  private clusterOf(at: number): string {
    const { nodeClusters = ["one"] } = this.options;
    return nodeClusters[at % nodeClusters.length] as string;
  }

  /** The timeouts of cluster `app` that are in use: first those of the Envoys, then those of the scripted nodes. */
  async seconds(): Promise<(number | undefined)[]> {
    const ofEnvoy = async (envoy: Envoy) => {
      const dump = await envoy.admin("/config_dump?resource=dynamic_active_clusters");
      const { configs } = JSON.parse(dump) as { configs: { cluster: { name: string; connect_timeout: string } }[] };
      const found = configs.find(({ cluster }) => cluster.name === app);
      return found && Number.parseInt(found.cluster.connect_timeout, 10);
    };
    return [...(await Promise.all(this.envoys.map(ofEnvoy))), ...this.nodes.map((node) => node.secondsOf(app))];
  }

  /** The same number for each node. */
  all(seconds: number): number[] {
    return new Array(this.envoys.length + this.nodes.length).fill(seconds);
  }

  /** `first` for the first Envoy, `seconds` for all other nodes. */
  butFirst(first: number, seconds: number): number[] {
    return [first, ...this.all(seconds).slice(1)];
  }

  /** Waits until cluster `app` has these timeouts, and looks whether that stays so for a second. */
  async settlesAt(seconds: readonly number[]): Promise<void> {
    await until(async () => expect(await this.seconds()).toEqual(seconds));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await this.seconds()).toEqual(seconds);
  }

  /** Waits until all nodes have this endpoint and the certificate of this number. */
  async hasLive(port: number, number: number): Promise<void> {
    const { cert } = this.certificates[number] as Certificate;
    const serial = serialOf(cert);
    await until(async () => {
      for (const node of this.nodes) expect([node.id, node.port, node.certificate]).toEqual([node.id, port, cert]);
      for (const envoy of this.envoys) {
        expect(await envoy.admin("/clusters")).toContain(`app::127.0.0.1:${port}::`);
        expect(await envoy.admin("/certs")).toContain(serial);
      }
    });
  }

  /** Ends the requests: none has failed. */
  async noneFailed(): Promise<void> {
    await this.load?.stop();
    await new Promise((resolve) => setTimeout(resolve, 300)); // Envoy writes its access log
    const lines = this.envoys.flatMap((envoy) => failuresIn(envoy.log()));
    expect(Object.fromEntries(this.load?.failures ?? []), lines.slice(0, 30).join("\n")).toEqual({});
  }
}

/** The serial number of a certificate, as Envoy's admin interface writes it. */
const serialOf = (cert: string): string => new X509Certificate(cert).serialNumber.toLowerCase();
