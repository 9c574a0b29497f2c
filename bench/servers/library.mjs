// The library under test, as its users run it: a cache, a server, and messages made with its schemas.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LinearCache, Resource, Snapshot, SnapshotCache, XdsServer } from "ts-control-plane";
import { administrate } from "./admin.mjs";
import { cluster, emptyCluster, endpoints, listener, marker, refused, routes, routesTo } from "./resources.mjs";

const { values: options } = parseArgs({
  options: {
    type: { type: "string", default: "cluster" },
    n: { type: "string", default: "100" },
    cache: { type: "string", default: "snapshot" },
    all: { type: "boolean", default: false },
    bad: { type: "boolean", default: false },
    moves: { type: "boolean", default: false },
    tls: { type: "string" },
  },
});
const n = Number(options.n);
const make = options.type === "endpoint" ? endpoints : cluster;
const resources = Array.from({ length: n }, (_, i) => Resource.of(make(i)));
// Not the first, which is the one that changes.
if (options.bad) resources[n >> 1] = Resource.of(cluster(n >> 1, refused));
const others = options.all
  ? [
      ...Array.from({ length: n }, (_, i) => Resource.of((make === cluster ? endpoints : cluster)(i))),
      Resource.of(listener()),
      Resource.of(routes(n)),
    ]
  : [];

const { cache, change } = options.moves ? moving() : options.cache === "linear" ? linear() : snapshot();
const server = new XdsServer(cache, options.tls ? { tls: certificates(options.tls) } : {});
const { grpc } = await server.listen({ port: 0 });
administrate(grpc.port, change);

/** The server's certificate, and the CA that the clients' must come from. @param {string} folder */
function certificates(folder) {
  const read = (/** @type {string} */ name) => readFileSync(join(folder, name));
  return { cert: read("server.pem"), key: read("server-key.pem"), clientCa: read("ca.pem") };
}

function linear() {
  const typeUrl = resources[0]?.type.typeUrl ?? "type.googleapis.com/envoy.config.cluster.v3.Cluster";
  const cache = new LinearCache(typeUrl, { resources });
  resources.length = 0;
  return { cache, change: (/** @type {number} */ k, /** @type {number} */ i) => cache.set(make(i, marker(k))) };
}

function snapshot() {
  const cache = new SnapshotCache({ nodeGroup: (node) => node.cluster });
  cache.set("fleet", Snapshot.of([...resources, ...others]));
  return {
    cache,
    /** A whole new snapshot that shares what did not change. @param {number} k @param {number} i */
    change(k, i) {
      resources[i] = Resource.of(make(i, marker(k)));
      cache.set("fleet", Snapshot.of([...resources, ...others]));
    },
  };
}

/** One cluster, and a route to it. A change replaces the cluster by one of another name, and the route moves there. */
function moving() {
  const cache = new SnapshotCache({ nodeGroup: (node) => node.cluster });
  const change = (/** @type {number} */ k) =>
    void cache.set("fleet", Snapshot.of([emptyCluster(marker(k)), routesTo([marker(k)])]));
  change(0);
  return { cache, change };
}
