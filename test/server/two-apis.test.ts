import { create, fromBinary, type Message, setExtension, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { anyPack, FieldOptionsSchema, FileDescriptorSetSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { TypedExtensionConfigSchema } from "../../gen/envoy/config/core/v3/extension_pb.js";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.js";
import { sensitive } from "../../gen/udpa/annotations/sensitive_pb.js";
import { XdsClient, type XdsClientOptions } from "../../src/client/index.js";
import {
  clusterType,
  extensionConfigType,
  findResourceType,
  LinearCache,
  MuxCache,
  type Node,
  Resource,
  type ResourceTypeRow,
  referencesOf,
  routeType,
  Snapshot,
  SnapshotCache,
  validate,
  validateResource,
  XdsApi,
  type XdsServerOptions,
} from "../../src/index.js";
import { ask, type Json, page, startBoth } from "../admin/harness.js";
import { TestServer } from "../protocol/harness.js";
import { builtInSet, messageIn, newerApi } from "../schema/newer-api.js";

const noteType = "type.googleapis.com/google.protobuf.StringValue";
const noteRow: ResourceTypeRow = {
  typeUrl: noteType,
  name: "notes",
  order: 10,
  fullStateInSotw: false,
  emptyIsWildcard: true,
  service: {
    name: "example.NoteDiscoveryService",
    stream: "StreamNotes",
    delta: "DeltaNotes",
    fetch: "FetchNotes",
  },
  restPath: "notes",
};

/** An API with a type that the default one does not have. */
function apiWithNotes(): XdsApi {
  const api = new XdsApi();
  api.registerResourceType(noteRow);
  return api;
}
const note = (name: string, api: XdsApi) =>
  Resource.of(create(StringValueSchema, { value: `of ${name}` }), { name, api });

/** An API whose clusters have more fields, among them `newer_text`. */
const newer = new XdsApi({ descriptors: newerApi() });
const NewerClusterSchema = newer.registry.getMessage(ClusterSchema.typeName) as GenMessage<Message>;
const newerCluster = (name: string, newerText = "there") => create(NewerClusterSchema, { name, newerText } as object);

const cacheOf = (snapshot: Snapshot) => {
  const cache = new SnapshotCache({ nodeGroup: () => "all" });
  cache.set("all", snapshot);
  return cache;
};

/** A client that has subscribed to all resources of a type. */
function clientOf(test: TestServer, typeUrl: string, options: Partial<XdsClientOptions> = {}): XdsClient {
  const client = new XdsClient({ address: `127.0.0.1:${test.port}`, node: { id: "n" }, variant: "delta", ...options });
  onTestFinished(() => client.close());
  client.subscribe(typeUrl);
  return client;
}

/** The JSON that a REST path answers. */
async function posted(test: TestServer, path: string): Promise<{ status: number; body: Json }> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ node: { id: "n" } });
  const answer = await fetch(test.url(`/v3/discovery:${path}`), { method: "POST", headers, body });
  return { status: answer.status, body: (await answer.json()) as Json };
}

describe("a type that only one of two servers has", () => {
  it("is served by that one, on ADS, by its own service, by a unary call and over REST", async () => {
    const api = apiWithNotes();
    const test = await TestServer.start(cacheOf(Snapshot.of([note("a", api)])), { api, rest: true });
    for (const service of ["ads", "separate"] as const) {
      const client = clientOf(test, noteType, { api, service });
      const { resources } = await client.synced(noteType);
      expect(resources.get("a")?.message).toMatchObject({ value: "of a" });
    }
    const answer = await test.fetch("/example.NoteDiscoveryService/FetchNotes", { node: { id: "n" } });
    expect(answer.resources).toMatchObject([{ typeUrl: noteType }]);
    expect((await posted(test, "notes")).body.resources).toEqual([{ "@type": noteType, value: "of a" }]);
  });

  it("is unknown to the other one, even where both have the same cache", async () => {
    const api = apiWithNotes();
    const cache = cacheOf(Snapshot.of([note("a", api), Resource.of(create(ClusterSchema, { name: "c" }))]));
    const having = await TestServer.start(cache, { api });
    const other = await TestServer.start(cache, { rest: true });
    expect((await clientOf(having, noteType, { api }).synced(noteType)).resources.size).toBe(1);

    const client = clientOf(other, noteType, { api });
    client.subscribe(clusterType);
    expect((await client.synced(clusterType)).resources.size).toBe(1);
    expect(client.state(noteType)).toMatchObject({ version: "", complete: false });
    const separate = clientOf(other, noteType, { api, service: "separate", reconnect: false });
    await expect(separate.synced(noteType)).rejects.toMatchObject({ cause: { code: status.UNIMPLEMENTED } });
    expect((await posted(other, "notes")).status).toBe(404);
  });

  it("has its short name where the server that has it reports", async () => {
    const api = apiWithNotes();
    const cache = cacheOf(Snapshot.of([note("a", api)]));
    const { test, admin } = await startBoth(cache, { group: "all" }, { api });
    await clientOf(test, noteType, { api }).synced(noteType);
    await test.server.applied("all");
    expect((await page(admin, "/status")).nodes[0].types).toMatchObject([{ type: "notes", state: "SYNCED" }]);
    expect((await ask(admin, "/metrics")).body).toContain('xds_resources{type="notes"} 1');
    const other = await startBoth(cache, { group: "all" });
    expect((await ask(other.admin, "/metrics")).body).toContain('xds_resources{type="unknown"} 1');
  });

  it("needs the API where a resource, a cache or a subscription is made of its type URL", async () => {
    const api = apiWithNotes();
    const unknown = expect.objectContaining({ code: "UNKNOWN_TYPE" }) as Error;
    expect(findResourceType(noteType)).toBeUndefined();
    const message = create(StringValueSchema, { value: "x" });
    expect(() => Resource.of(message, { name: "a" })).toThrow(unknown);
    expect(() => Resource.fromBytes(noteType, new Uint8Array(), { name: "a" })).toThrow(unknown);
    expect(() => Resource.failed(noteType, "a", { code: 5, message: "none" })).toThrow(unknown);
    expect(() => Snapshot.of([anyPack(StringValueSchema, message)])).toThrow(unknown);
    expect(() => new LinearCache(noteType)).toThrow(unknown);
    expect(() => Snapshot.empty.with(noteType, [])).toThrow(unknown);
    expect(() => clientOf({ port: 1 } as TestServer, noteType)).toThrow(unknown);

    const wrapped = { "@type": "type.googleapis.com/envoy.service.discovery.v3.Resource", name: "a" };
    const json = { ...wrapped, resource: { "@type": noteType, value: "x" } };
    expect(() => Resource.fromJson(json)).toThrow("expected the type of a resource");
    const made = [
      Resource.of(message, { name: "a", api }),
      Resource.fromJson(json, { api }),
      Resource.fromBytes(noteType, toBinary(StringValueSchema, message), { name: "a", api }),
    ];
    expect(made.map(({ version }) => version)).toEqual(Array(3).fill(made[0]?.version));
    expect(made.map((resource) => resource.type.api)).toEqual(Array(3).fill(api));
    expect(Resource.failed(noteType, "a", { code: 5, message: "none" }, api).type.name).toBe("notes");
    expect(Snapshot.of([], { api, version: { [noteType]: "1" } }).typeUrls()).toEqual([noteType]);
    expect(Snapshot.of(made.slice(0, 1)).with(noteType, made.slice(1, 2)).resources(noteType).size).toBe(1);
  });

  it("may come from a LinearCache of that API, beside a cache of the default one", async () => {
    const api = apiWithNotes();
    const notes = new LinearCache(noteType, { api, resources: [note("a", api)] });
    const clusters = new LinearCache(clusterType, { resources: [create(ClusterSchema, { name: "c" })] });
    const caches = new MuxCache(({ type }) => (type.typeUrl === noteType ? notes : clusters));
    const test = await TestServer.start(caches, { api });
    const client = clientOf(test, noteType, { api });
    client.subscribe(clusterType);
    expect([...(await client.synced(noteType)).resources.keys()]).toEqual(["a"]);
    expect([...(await client.synced(clusterType)).resources.keys()]).toEqual(["c"]);
    notes.set(note("b", api));
    expect((await client.synced(noteType, ({ resources }) => resources.size === 2)).resources.size).toBe(2);
  });

  it("may be another type in each of two APIs", () => {
    const [one, other] = [apiWithNotes(), new XdsApi()];
    other.registerResourceType({ ...noteRow, name: "remarks", fullStateInSotw: true });
    expect([one, other].map((api) => api.resourceType(noteType).name)).toEqual(["notes", "remarks"]);
    expect([one, other].map((api) => api.resourceType(noteType).fullStateInSotw)).toEqual([false, true]);
    expect(() => one.registerResourceType(noteRow)).toThrow("that type URL is in the table already");
  });

  it("is no part of what a log line or a JSON text has of a type", () => {
    const type = apiWithNotes().resourceType(noteType);
    expect(JSON.parse(JSON.stringify(type))).toEqual(noteRow);
    expect(structuredClone(type)).toEqual(noteRow);
  });
});

describe("a field that only the API of one of two servers has", () => {
  const start = async (options: XdsServerOptions, snapshot: Snapshot) =>
    startBoth(cacheOf(snapshot), { group: "all" }, { rest: true, ...options });

  it("is served by both: a client decodes it by its own API", async () => {
    const [one, other] = [
      await start({ api: newer }, Snapshot.of([newerCluster("c")], { api: newer })),
      await start({}, Snapshot.of([create(ClusterSchema, { name: "c" })])),
    ];
    const messageOf = async ({ test }: typeof one, api: XdsApi) =>
      (await clientOf(test, clusterType, { api, variant: "sotw" }).synced(clusterType)).resources.get("c")?.message;
    expect(await messageOf(one, newer)).toMatchObject({ name: "c", newerText: "there" });
    expect(await messageOf(one, XdsApi.default)).not.toHaveProperty("newerText");
    expect(await messageOf(other, newer)).toMatchObject({ name: "c", newerText: "" });
    expect(await messageOf(other, XdsApi.default)).not.toHaveProperty("newerText");
  });

  it("is written over REST by the resource's API", async () => {
    const [one, other] = [
      await start({ api: newer }, Snapshot.of([newerCluster("c")], { api: newer })),
      await start({}, Snapshot.of([create(ClusterSchema, { name: "c" })])),
    ];
    const at = { "@type": clusterType, name: "c" };
    expect((await posted(one.test, "clusters")).body.resources).toEqual([{ ...at, newerText: "there" }]);
    expect((await posted(other.test, "clusters")).body.resources).toEqual([at]);
  });

  it("is in the dump, the client status and the descriptors of the server that has it, and in no other's", async () => {
    const snapshot = Snapshot.of([newerCluster("c")], { api: newer });
    const both = [await start({ api: newer }, snapshot), await start({}, snapshot)];
    const shown = both.map(async ({ test, admin }) => {
      const client = clientOf(test, clusterType);
      await client.synced(clusterType);
      await test.server.applied("all");
      const { configs } = await page(admin, "/config_dump");
      const csds = (await posted(test, "client_status")).body.config[0].genericXdsConfigs[0].xdsConfig;
      const dumpOfNode = await page(admin, "/config_dump?node=n&state=served");
      const descriptors = (await ask(admin, "/descriptors")).body;
      const entry = (dump: Json[]) => dump[0].dynamic_active_clusters[0].cluster.newer_text;
      return [entry(configs), entry(dumpOfNode.configs), csds.newerText, descriptors.includes("newer_text")];
    });
    expect(await Promise.all(shown)).toEqual([
      ["there", "there", "there", true],
      [undefined, undefined, undefined, false],
    ]);
  });

  it("is reported by clients: a server reads nodes by its own API", async () => {
    const seen = new Map<string, Node>();
    const options = (name: string) => ({
      callbacks: {
        onDeltaStreamOpen: () => {},
        onStreamDeltaRequest: (_: unknown, { node }: { node?: Node | undefined }) =>
          void (node && seen.set(name, node)),
      },
    });
    const snapshot = Snapshot.of([create(ClusterSchema, { name: "c" })]);
    const [one, other] = [
      await start({ api: newer, ...options("one") }, snapshot),
      await start(options("other"), snapshot),
    ];
    const locality: object = { region: "eu", newerList: ["x"] };
    const node = { id: "n", locality };
    for (const { test } of [one, other]) await clientOf(test, clusterType, { api: newer, node }).synced(clusterType);
    expect(seen.get("one")?.locality).toMatchObject({ region: "eu", newerList: ["x"] });
    expect(seen.get("other")?.locality).not.toHaveProperty("newerList");
  });

  it("is lost in a message of the other API, so that is refused", () => {
    expect(() => Resource.of(newerCluster("c"))).toThrow("has no field newerText in the Envoy API in use");
    expect(Resource.of(newerCluster("c"), { api: newer }).message()).toMatchObject({ newerText: "there" });
    const json = { "@type": clusterType, name: "c", newer_text: "there" };
    expect(() => Resource.fromJson(json)).toThrow("newer_text: envoy.config.cluster.v3.Cluster has no such field");
    expect(Resource.fromJson(json, { api: newer }).body).toEqual(Resource.of(newerCluster("c"), { api: newer }).body);
  });

  it("is validated by a resource's own API, or by the one that is asked for", () => {
    const short = newerCluster("c", "ab");
    const resource = Resource.of(short, { api: newer });
    const copy = Resource.fromBytes(clusterType, resource.body);
    const codes = (found: { code: string }[]) => found.map(({ code }) => code);
    for (let round = 0; round < 2; round++) {
      expect(codes(validateResource(resource))).toEqual(["FIELD_RULE"]);
      expect(codes(validateResource(copy))).toEqual(["UNKNOWN_FIELD"]);
      expect(codes(validateResource(resource, { api: XdsApi.default }))).toEqual(["UNKNOWN_FIELD"]);
      expect(codes(validate(Snapshot.of([copy]), { api: newer }))).toEqual(["FIELD_RULE"]);
    }
    expect(codes(validateResource(short, { api: newer }))).toEqual(["FIELD_RULE"]);
    expect(() => validateResource(short)).toThrow("has no field newerText");
  });
});

describe("the options of a field in an API", () => {
  /** The built-in API after a change of its files. */
  function changed(change: (set: ReturnType<typeof builtInSet>) => void): XdsApi {
    const set = builtInSet();
    change(set);
    return new XdsApi({ descriptors: toBinary(FileDescriptorSetSchema, set) });
  }

  it("decide which resource it refers to: plans of one API are not used for another", () => {
    const without = changed((set) => {
      const action = messageIn(set, "envoy/config/route/v3/route_components.proto", "RouteAction");
      for (const field of action.field) if (field.name === "cluster") field.name = "upstream";
    });
    const routes = create(RouteConfigurationSchema, {
      name: "r",
      virtualHosts: [
        {
          name: "v",
          domains: ["*"],
          routes: [
            {
              match: { pathSpecifier: { case: "prefix", value: "/" } },
              action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: "c" } } },
            },
          ],
        },
      ],
    });
    const body = toBinary(RouteConfigurationSchema, routes);
    const referred = (api: XdsApi) =>
      referencesOf(Resource.fromBytes(routeType, body, { api })).map(({ typeUrl, name }) => [typeUrl, name]);
    expect(referred(without)).toEqual([]);
    expect(referred(XdsApi.default)).toEqual([[clusterType, "c"]]);
    expect(referred(without)).toEqual([]);
  });

  it("decide whether it is a secret: a server goes by its own API", async () => {
    const secretive = changed((set) => {
      const file = set.file.find(({ name }) => name === "envoy/config/cluster/v3/cluster.proto");
      file?.dependency.push("udpa/annotations/sensitive.proto");
      const options = create(FieldOptionsSchema);
      setExtension(options, sensitive, true);
      for (const field of messageIn(set, "envoy/config/cluster/v3/cluster.proto", "Cluster").field)
        if (field.name === "alt_stat_name") field.options = options;
    });
    const snapshot = Snapshot.of([create(ClusterSchema, { name: "c", altStatName: "hidden" })]);
    const cache = cacheOf(snapshot);
    const shown = async (options: XdsServerOptions) => {
      const { test, admin } = await startBoth(cache, { group: "all" }, { rest: true, ...options });
      await clientOf(test, clusterType).synced(clusterType);
      const { configs } = await page(admin, "/config_dump");
      const csds = (await posted(test, "client_status")).body.config[0].genericXdsConfigs[0].xdsConfig;
      return [configs[0].dynamic_active_clusters[0].cluster.alt_stat_name, csds.altStatName];
    };
    for (let round = 0; round < 2; round++) {
      expect(await shown({})).toEqual(["hidden", "hidden"]);
      expect(await shown({ api: secretive })).toEqual(["[redacted]", "[redacted]"]);
    }
  });

  it("decide which extensions there are", async () => {
    const without = changed((set) => {
      set.file = set.file.filter(({ name }) => name !== "envoy/extensions/filters/http/lua/v3/lua.proto");
    });
    const lua = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";
    const config = create(TypedExtensionConfigSchema, {
      name: "x",
      typedConfig: { typeUrl: lua, value: new Uint8Array() },
    });
    const answers = [XdsApi.default, without].map(async (api) => {
      const test = await TestServer.start(cacheOf(Snapshot.of([config], { api })), { api, rest: true });
      return posted(test, "extension_configs");
    });
    const [one, other] = await Promise.all(answers);
    expect(one?.body.resources).toMatchObject([{ "@type": extensionConfigType, typedConfig: { "@type": lua } }]);
    expect(other).toMatchObject({ status: 500, body: { code: "INVALID_RESOURCE" } });
  });
});

it("the built-in API is unpacked once for all that have it", () => {
  expect(new XdsApi().registry).toBe(new XdsApi().registry);
  expect(() => new XdsApi({ descriptors: new Uint8Array() })).toThrow("not a complete Envoy API");
  expect(() => new XdsApi({ descriptor: newerApi() } as object)).toThrow("XdsApi has no option");
  expect(fromBinary(FileDescriptorSetSchema, newer.descriptors).file.length).toBeGreaterThan(0);
});
