import { connect } from "node:net";
import { toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { ConfigWatcher } from "../../src/cache/config-watcher.js";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { MuxCache } from "../../src/cache/mux-cache.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  routeType,
  runtimeType,
  scopedRouteType,
  secretType,
} from "../../src/resource/types.js";
import { cacheOf, TestServer, until } from "./harness.js";
import { cluster, endpoints, extensionConfig, listener, route, runtime, scopedRoute, secret } from "./resources.js";

const paths = [
  { path: "clusters", typeUrl: clusterType, make: cluster },
  { path: "endpoints", typeUrl: endpointType, make: endpoints },
  { path: "listeners", typeUrl: listenerType, make: listener },
  { path: "routes", typeUrl: routeType, make: route },
  { path: "scoped-routes", typeUrl: scopedRouteType, make: scopedRoute },
  { path: "secrets", typeUrl: secretType, make: secret },
  { path: "runtime", typeUrl: runtimeType, make: runtime },
  { path: "extension_configs", typeUrl: extensionConfigType, make: extensionConfig },
];
const everything = Snapshot.of(paths.flatMap(({ make }) => [make("a"), make("b", 2)]));

/** What comes back as JSON. */
interface Body {
  versionInfo: string;
  typeUrl: string;
  resources?: { "@type": string; name: string; clusterName?: string }[];
  code?: string;
  message?: string;
}

const start = (cache: ConfigWatcher, requestBytes?: number) =>
  TestServer.start(cache, { rest: true, ...(requestBytes && { limits: { requestBytes } }) });

async function ask(server: TestServer, path: string, body: unknown, method = "POST") {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "content-type": "application/json" };
  const answer = await fetch(server.url(path), { method, headers, ...(method !== "GET" && { body: text }) });
  const got = await answer.text();
  return { status: answer.status, headers: answer.headers, text: got, body: (got ? JSON.parse(got) : {}) as Body };
}
const clusters = "/v3/discovery:clusters";
const node = { id: "n" };
const namesOf = ({ body }: { body: Body }) =>
  (body.resources ?? []).map(({ name, clusterName }) => name ?? clusterName).sort();

describe("requests that come at once", () => {
  it("are answered one at a time, with other work in between", async () => {
    const ticks: number[] = [];
    let tick = 0;
    let ticking = true;
    const count = () => {
      tick++;
      if (ticking) setImmediate(count);
    };
    const server = await TestServer.start(new LinearCache(clusterType, { resources: [cluster("a"), cluster("b")] }), {
      rest: true,
      callbacks: { onFetchResponse: () => void ticks.push(tick) },
    });
    const { port, hostname } = new URL(server.url(clusters));
    const body = JSON.stringify({ node });
    const one = `POST ${clusters} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    count();
    const socket = connect(Number(port), hostname);
    let answers = "";
    socket.on("data", (data) => (answers += data));
    socket.write(one.repeat(50));
    await until(() => answers.match(/HTTP\/1.1 200/g)?.length === 50, "all are answered");
    ticking = false;
    socket.destroy();
    expect(ticks).toHaveLength(50);
    expect(new Set(ticks).size).toBe(50);
  });
});

describe("a path", () => {
  for (const { path, typeUrl, make } of paths) {
    it(`P66 :${path} gives 200 and a DiscoveryResponse in JSON`, async () => {
      const cache = new SnapshotCache();
      cache.set("n", everything);
      const answer = await ask(await start(cache), `/v3/discovery:${path}`, { node, typeUrl });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.body).toMatchObject({ typeUrl, versionInfo: expect.stringMatching(/./) });
      expect(answer.body.resources?.map((resource) => resource["@type"])).toEqual([typeUrl, typeUrl]);
      expect(namesOf(answer)).toEqual(["a", "b"]);
      // Every path by the names that it is asked for, and twice the same version for the same.
      const part = await ask(await start(cache), `/v3/discovery:${path}`, { node, resourceNames: ["b", "no such"] });
      expect(namesOf(part)).toEqual([make("b").name]);
    });

    it(`P67 :${path} of the current version gives 304 and no body`, async () => {
      const cache = new SnapshotCache();
      cache.set("n", everything);
      const server = await start(cache);
      const { body } = await ask(server, `/v3/discovery:${path}`, { node });
      const again = await ask(server, `/v3/discovery:${path}`, { node, versionInfo: body.versionInfo });
      expect([again.status, again.text]).toEqual([304, ""]);
    });
  }

  it("P66 sets the type, even if the body has another one", async () => {
    const server = await start(cacheOf(cluster("a"), listener("l")));
    const { body } = await ask(server, clusters, { node, typeUrl: listenerType });
    expect(body).toMatchObject({ typeUrl: clusterType, resources: [{ name: "a" }] });
  });

  it("P66 gives resources as proto3 JSON, with Any inside Any", async () => {
    const server = await start(cacheOf(cluster("a", 7), extensionConfig("x")));
    const { body } = await ask(server, clusters, { node });
    const [first] = body.resources ?? [];
    expect(first).toEqual({
      "@type": clusterType,
      ...(toJson(ClusterSchema, cluster("a", 7).message() as never) as object),
    });
    const extension = await ask(server, "/v3/discovery:extension_configs", { node });
    expect(extension.body.resources).toEqual([
      {
        "@type": extensionConfigType,
        name: "x",
        typedConfig: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "1" },
      },
    ]);
  });

  it("P66 takes both spellings of a field, a wildcard, and fields that it does not know", async () => {
    const server = await start(cacheOf(cluster("a"), cluster("b")));
    const body = { node: { id: "n", user_agent_name: "x" }, resource_names: ["*"], from_the_future: [1] };
    expect(namesOf(await ask(server, `${clusters}?x=1`, body))).toEqual(["a", "b"]);
  });
});

describe("a version", () => {
  it("P67 that is not current gives all that is asked for", async () => {
    const cache = cacheOf(cluster("a"));
    const server = await start(cache);
    const { body } = await ask(server, clusters, { node });
    cache.set("n", Snapshot.of([cluster("a", 2), cluster("b")]));
    const next = await ask(server, clusters, { node, versionInfo: body.versionInfo });
    expect([next.status, namesOf(next)]).toEqual([200, ["a", "b"]]);
    cache.set("n", Snapshot.of([]));
    const none = await ask(server, clusters, { node, versionInfo: next.body.versionInfo });
    expect([none.status, namesOf(none)]).toEqual([200, []]);
    expect((await ask(server, clusters, { node, versionInfo: none.body.versionInfo })).status).toBe(304);
  });

  it("P67 of some names is current until one of them changes", async () => {
    const cache = cacheOf(cluster("a"), cluster("b"));
    const server = await start(cache);
    const request = { node, resourceNames: ["a"] };
    const { versionInfo } = (await ask(server, clusters, request)).body;
    cache.set("n", Snapshot.of([cluster("a"), cluster("b", 2)]));
    expect((await ask(server, clusters, { ...request, versionInfo })).status).toBe(304);
    cache.set("n", Snapshot.of([cluster("a", 2), cluster("b", 2)]));
    expect((await ask(server, clusters, { ...request, versionInfo })).status).toBe(200);
  });

  it("P67 of the user's own is compared as well", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([cluster("a")], { version: "mine" }));
    const server = await start(cache);
    expect((await ask(server, clusters, { node })).body.versionInfo).toBe("mine");
    expect((await ask(server, clusters, { node, versionInfo: "mine" })).status).toBe(304);
  });

  it("P67 is a linear cache's with its prefix, also for a part", async () => {
    const server = await start(
      new LinearCache(clusterType, { resources: [cluster("a"), cluster("b")], versionPrefix: "east-" }),
    );
    for (const resourceNames of [[], ["a"]]) {
      const { versionInfo } = (await ask(server, clusters, { resourceNames })).body;
      expect(versionInfo).toMatch(/^east-[0-9a-f]{16}$/);
      expect((await ask(server, clusters, { resourceNames, versionInfo })).status).toBe(304);
    }
  });
});

describe("a request that cannot be answered", () => {
  const bad = [
    "",
    "{",
    "not json",
    "[]",
    "7",
    "null",
    '{"resourceNames":"a"}',
    '{"node":{"id":7}}',
    '{"versionInfo":{}}',
  ];
  for (const body of bad)
    it(`P68 ${JSON.stringify(body)} is bad JSON: 400`, async () => {
      const answer = await ask(await start(cacheOf(cluster("a"))), clusters, body);
      expect(answer).toMatchObject({ status: 400, body: { code: "INVALID_JSON" } });
    });

  for (const path of [
    "/",
    "/v3/discovery",
    "/v3/discovery:",
    "/v3/discovery:nothing",
    "/v2/discovery:clusters",
    "/v3/discovery:clusters/x",
  ])
    it(`P68 ${path} is an unknown path: 404`, async () => {
      const answer = await ask(await start(cacheOf(cluster("a"))), path, { node });
      expect(answer).toMatchObject({ status: 404, body: { code: "UNKNOWN_PATH" } });
    });

  for (const method of ["GET", "PUT", "DELETE", "PATCH"])
    it(`P68 ${method} is another method: 405`, async () => {
      const answer = await ask(await start(cacheOf(cluster("a"))), clusters, { node }, method);
      expect(answer).toMatchObject({ status: 405, body: { code: "METHOD_NOT_ALLOWED" } });
      expect(answer.headers.get("allow")).toBe("POST");
    });

  it("P68 a body over the limit: 413, announced or not", async () => {
    const server = await start(cacheOf(cluster("a")), 1_000);
    const fits = JSON.stringify({ node });
    const large = JSON.stringify({ node, resourceNames: ["x".repeat(1_000)] });
    expect((await ask(server, clusters, fits.padEnd(1_000))).status).toBe(200);
    expect(await ask(server, clusters, large)).toMatchObject({ status: 413, body: { code: "REQUEST_TOO_LARGE" } });
    const pieces = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(large));
        controller.close();
      },
    });
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: pieces, duplex: "half" as const };
    expect((await fetch(server.url(clusters), init)).status).toBe(413);
  });

  it("P68 a node without configuration: 404, and before there is any: 503", async () => {
    const cache = new SnapshotCache();
    const server = await start(cache);
    expect(await ask(server, clusters, { node })).toMatchObject({ status: 503, body: { code: "NOT_READY" } });
    cache.set("other", Snapshot.of([cluster("a")]));
    expect(await ask(server, clusters, { node })).toMatchObject({ status: 404, body: { code: "NO_CONFIGURATION" } });
    expect((await ask(server, clusters, { node: { id: "other" } })).status).toBe(200);
  });

  it("P68 leaves the server as it was", async () => {
    const server = await start(cacheOf(cluster("a")));
    for (const body of ["{", "[]"]) await ask(server, clusters, body);
    expect((await ask(server, clusters, { node })).status).toBe(200);
  });
});

const caches: {
  name: string;
  make: (resources: readonly Resource[]) => ConfigWatcher & { put(resources: readonly Resource[]): void };
}[] = [
  {
    name: "snapshot",
    make: (resources) => {
      const cache = new SnapshotCache();
      const put = (next: readonly Resource[]) => cache.set("n", Snapshot.of(next));
      put(resources);
      return Object.assign(cache, { put });
    },
  },
  {
    name: "linear",
    make: (resources) => {
      const cache = new LinearCache(clusterType, { resources });
      return Object.assign(cache, { put: (next: readonly Resource[]) => cache.replace(next) });
    },
  },
  {
    name: "mux",
    make: (resources) => {
      const linear = new LinearCache(clusterType, { resources });
      const cache = new MuxCache(({ type }) => (type.typeUrl === clusterType ? linear : undefined));
      return Object.assign(cache, { put: (next: readonly Resource[]) => linear.replace(next) });
    },
  },
];

for (const { name, make } of caches)
  describe(`a ${name} cache`, () => {
    it("P69 answers requests without a nonce, for all or some names, with what is new", async () => {
      const cache = make([cluster("a"), cluster("b")]);
      const server = await start(cache);
      const { body } = await ask(server, clusters, { node });
      expect(body.resources).toHaveLength(2);
      expect(namesOf(await ask(server, clusters, { node, resourceNames: ["b"] }))).toEqual(["b"]);
      expect((await ask(server, clusters, { node, versionInfo: body.versionInfo })).status).toBe(304);
      cache.put([cluster("a", 2)]);
      expect(namesOf(await ask(server, clusters, { node, versionInfo: body.versionInfo }))).toEqual(["a"]);
    });

    it("P69 leaves no watcher behind", async () => {
      const cache = make([cluster("a")]);
      const server = await start(cache);
      await ask(server, clusters, { node });
      if (cache instanceof SnapshotCache) expect(cache.status()).toEqual([]);
      expect(server.server.report().streams).toEqual([]);
    });

    it("P69 serves neither ADS nor delta over REST", async () => {
      const server = await start(make([cluster("a")]));
      for (const path of [
        "/v3/discovery:ads",
        "/v3/discovery:aggregated",
        "/v3/delta_discovery:clusters",
        "/v3/discovery:virtual-hosts",
      ])
        expect((await ask(server, path, { node, typeUrl: clusterType })).status).toBe(404);
    });
  });

describe("a type that no cache serves", () => {
  it("P69 is no configuration: 404", async () => {
    const server = await start(new LinearCache(clusterType, { resources: [cluster("a")] }));
    expect(await ask(server, "/v3/discovery:listeners", { node })).toMatchObject({
      status: 404,
      body: { code: "NO_CONFIGURATION" },
    });
  });
});
