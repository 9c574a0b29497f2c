import { fromJson } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ConfigDumpSchema } from "../../gen/envoy/admin/v3/config_dump_pb.js";
import {
  clusterType,
  endpointType,
  envoyRegistry,
  listenerType,
  Resource,
  registerResourceType,
  routeType,
  Snapshot,
  secretType,
} from "../../src/index.js";
import { adsWays, allWays, cacheOf, on } from "../protocol/harness.js";
import {
  cluster,
  endpoints,
  extensionConfig,
  listener,
  route,
  runtime,
  scopedRoute,
  secret,
  unreadable,
} from "../protocol/resources.js";
import { ask, type Json, page, startBoth } from "./harness.js";

/** The names and contents of what a dump has, `<type> <name>@<content>`. */
function contents(dump: Json): string[] {
  const found: string[] = [];
  for (const { "@type": type, ...config } of dump.configs)
    for (const list of Object.values(config).filter(Array.isArray))
      for (const entry of list) {
        const any = entry.cluster ?? entry.endpoint_config ?? entry.active_state?.listener ?? entry.secret;
        const content = any?.per_connection_buffer_limit_bytes ?? any?.policy?.overprovisioning_factor ?? "";
        const shown = any ? `${any.name ?? any.cluster_name}@${content}` : `${entry.name ?? ""} none`;
        found.push(`${type.replace(/.*\.(\w+)ConfigDump$/, "$1")} ${shown}`);
      }
  return found;
}

/** The messages of a dump that have something in their lists. */
const filled = ({ configs }: Json): Json[] =>
  configs.filter((config: Json) => Object.values(config).some((value) => Array.isArray(value) && value.length > 0));

it("has an empty list of each type of which there is nothing, where it is asked for as a whole", async () => {
  const { admin } = await startBoth(cacheOf(cluster("c")), { group: "n" });
  const lists = async (query: string) =>
    (await page(admin, `/config_dump${query}`)).configs.map(
      (config: Json) => (Object.values(config).at(-1) as unknown[]).length,
    );
  expect(await lists("")).toEqual([1, 0, 0, 0, 0, 0, 0]);
  expect(await lists("?name_regex=c")).toEqual([1]);
});

it("shows each type in Envoy's message for it, types without one as generic, and no secrets", async () => {
  const all = [
    cluster("c"),
    endpoints("e"),
    listener("l"),
    scopedRoute("s"),
    route("r"),
    secret("k"),
    runtime("t"),
    extensionConfig("x"),
  ];
  const { admin } = await startBoth(cacheOf(...all), { group: "n" });
  const dump = await page(admin, "/config_dump");
  expect(() => fromJson(ConfigDumpSchema, dump, { registry: envoyRegistry() })).not.toThrow();
  const shape = dump.configs.map(({ "@type": type, ...config }: Json) => [type, ...Object.keys(config)]);
  const at = "type.googleapis.com/envoy.admin.v3.";
  expect(shape).toEqual([
    [`${at}ClustersConfigDump`, "dynamic_active_clusters"],
    [`${at}EndpointsConfigDump`, "dynamic_endpoint_configs"],
    [`${at}ListenersConfigDump`, "dynamic_listeners"],
    [`${at}ScopedRoutesConfigDump`, "dynamic_scoped_route_configs"],
    [`${at}RoutesConfigDump`, "dynamic_route_configs"],
    [`${at}SecretsConfigDump`, "dynamic_active_secrets"],
    ["type.googleapis.com/envoy.service.status.v3.ClientConfig", "generic_xds_configs"],
    [`${at}EcdsConfigDump`, "ecds_filters"],
  ]);
  const [clusters, , listeners, , , secrets, generic] = dump.configs;
  expect(clusters.dynamic_active_clusters).toEqual([
    {
      version_info: cluster("c").version,
      cluster: { "@type": clusterType, name: "c", per_connection_buffer_limit_bytes: 1 },
    },
  ]);
  expect(listeners.dynamic_listeners).toEqual([
    {
      name: "l",
      active_state: {
        version_info: listener("l").version,
        listener: { "@type": listenerType, name: "l", per_connection_buffer_limit_bytes: 1 },
      },
    },
  ]);
  expect(secrets.dynamic_active_secrets[0].secret).toEqual({
    "@type": secretType,
    name: "k",
    generic_secret: { secret: { inline_string: "[redacted]" } },
  });
  expect(generic.generic_xds_configs).toMatchObject([{ name: "t", xds_config: { name: "t", layer: { content: 1 } } }]);
});

on(allWays, (way) => {
  it("shows what a node has ACKed, what it refused, and what it is to have", async () => {
    const cache = cacheOf(cluster("a"), cluster("b"));
    const { test, admin } = await startBoth(cache);
    const stream = test.open(way, clusterType);
    const isDelta = way.variant === "delta";
    const acked = async () => contents(await page(admin, "/config_dump?node=n"));
    const served = async () => contents(await page(admin, "/config_dump?node=n&state=served"));
    expect((await ask(admin, "/config_dump?node=n")).status, "not connected").toBe(404);
    stream.want();
    const first = await stream.expect(["a@1", "b@1"]);
    expect(await acked(), "unanswered").toEqual([]);
    expect(await served()).toEqual(["Clusters a@1", "Clusters b@1"]);
    stream.ack(first);
    await test.barrier();
    expect(await acked()).toEqual(await served());

    cache.set("n", Snapshot.of([cluster("a"), cluster("c")]));
    const second = await stream.next();
    expect(await acked(), "the change is unanswered").toEqual(["Clusters a@1", "Clusters b@1"]);
    expect(await served()).toEqual(["Clusters a@1", "Clusters c@1"]);
    stream.ack(second);
    await test.barrier();
    if (way.kind === "ADS") {
      // The removal goes in a response of its own (P54).
      expect((await acked()).sort()).toEqual(["Clusters a@1", "Clusters b@1", "Clusters c@1"]);
      await stream.take(isDelta ? [] : ["a@1", "c@1"], ["b"]);
      await test.barrier();
    }
    expect((await acked()).sort()).toEqual(["Clusters a@1", "Clusters c@1"]);

    cache.set("n", Snapshot.of([cluster("a", 2), cluster("c"), cluster("d")]));
    stream.nack(await stream.expect(isDelta ? ["a@2", "d@1"] : ["a@2", "c@1", "d@1"]), "no such thing");
    if (isDelta) {
      // The bad ones are looked for (P17).
      const third = await stream.expect(["a@2"]);
      const { configs } = await page(admin, "/config_dump?node=n");
      const states = configs[0].dynamic_active_clusters.map((entry: Json) => [entry.cluster.name, entry.client_status]);
      expect(states, "not refused alone yet").toEqual([
        ["a", "ACKED"],
        ["c", "ACKED"],
      ]);
      stream.nack(third, "no such thing");
      stream.nack(await stream.expect(["d@1"]), "no such thing");
    }
    await test.barrier();
    expect(await served()).toEqual(["Clusters a@2", "Clusters c@1", "Clusters d@1"]);
    const { configs } = await page(admin, "/config_dump?node=n");
    const entries = new Map<string, Json>(
      configs[0].dynamic_active_clusters.map((entry: Json) => [entry.cluster?.name ?? "", entry]),
    );
    expect(entries.get("a")).toMatchObject({
      version_info: cluster("a").version,
      cluster: { per_connection_buffer_limit_bytes: 1 },
      client_status: "NACKED",
      error_state: { details: "no such thing" },
    });
    expect(entries.get("c"), "unchanged").toMatchObject({ client_status: "ACKED" });

    // Another client that says it is the same node, such as `xds watch`, and takes all.
    const other = test.open(way, clusterType);
    other.want();
    other.ack(await other.next());
    await test.barrier();
    const again = await page(admin, "/config_dump?node=n");
    expect(again.configs[0].dynamic_active_clusters.find((entry: Json) => entry.cluster?.name === "a")).toMatchObject({
      version_info: cluster("a").version,
      client_status: "NACKED",
    });
    expect(entries.get("")).toMatchObject({ client_status: "NACKED", error_state: { details: "no such thing" } });
  });
});

on(adsWays, (way) => {
  it("shows of named resources only what the node asks for, and nothing that stands in for what is missing", async () => {
    const { test, admin } = await startBoth(cacheOf(cluster("a"), cluster("z"), endpoints("a"), endpoints("b")));
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.take(["a@1", "z@1"]);
    const eds = stream.of(endpointType);
    eds.want("a", "z");
    endpoints("z", "");
    await eds.take(way.variant === "sotw" ? ["a@1", "z@"] : ["a@1"], ["z"]);
    await test.barrier();
    const wanted = ["Clusters a@1", "Clusters z@1", "Endpoints a@1"];
    expect(contents(await page(admin, "/config_dump?node=n"))).toEqual(wanted);
    expect(contents(await page(admin, "/config_dump?node=n&state=served"))).toEqual(wanted);
  });

  it("leaves out a route configuration that does not exist, and has it as refused when it comes and is bad (P40)", async () => {
    const cache = cacheOf(listener("l"));
    const { test, admin } = await startBoth(cache);
    const stream = test.open(way, routeType);
    stream.want("r");
    const placeholder = await stream.expect([way.variant === "delta" ? "r (unknown content)" : "? (unknown content)"]);
    const routes = async (state: string) => {
      const { configs } = await page(admin, `/config_dump?node=n&state=${state}`);
      return configs.flatMap((config: Json) => config.dynamic_route_configs ?? []);
    };
    expect(await routes("acked"), "unanswered").toEqual([]);
    stream.ack(placeholder);
    await test.barrier();
    expect(await routes("acked")).toEqual([]);
    expect(await routes("served")).toEqual([]);
    cache.set("n", Snapshot.of([listener("l"), route("r")]));
    stream.nack(await stream.expect(["r@1"]), "no such thing");
    await test.barrier();
    const dump = await page(admin, "/config_dump?node=n");
    const configs = filled(dump);
    expect(configs).toMatchObject([
      { dynamic_route_configs: [{ client_status: "NACKED", error_state: { details: "no such thing" } }] },
    ]);
    expect(configs[0].dynamic_route_configs[0].route_config, "nothing was taken before").toBeUndefined();
  });
});

it("shows another group, names that match, and one list alone", async () => {
  const cache = cacheOf(cluster("alpha"), cluster("beta"), endpoints("alpha"));
  cache.set("m", Snapshot.of([listener("l")]));
  const { admin } = await startBoth(cache, { group: "n" });
  const shown = async (query: string) => contents(await page(admin, `/config_dump?${query}`));
  expect(await shown("group=m")).toEqual(["Listeners l@1"]);
  expect(await shown("include_eds")).toEqual(["Clusters alpha@1", "Clusters beta@1", "Endpoints alpha@1"]);
  expect(await shown("name_regex=al.*")).toEqual(["Clusters alpha@1", "Endpoints alpha@1"]);
  expect(await shown("name_regex=al")).toEqual([]);
  expect((await page(admin, "/config_dump?resource=dynamic_endpoint_configs")).configs).toEqual([
    expect.objectContaining({
      "@type": "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump.DynamicEndpointConfig",
      endpoint_config: expect.objectContaining({ cluster_name: "alpha" }),
    }),
  ]);
});

it("says what is wrong with a question", async () => {
  const { admin, test } = await startBoth(cacheOf(cluster("a".repeat(40))));
  const why = async (query: string) => {
    const { status, body } = await ask(admin, `/config_dump?${query}`);
    const { code, message } = JSON.parse(body) as { code: string; message: string };
    return `${status} ${code}: ${message}`;
  };
  expect(await why("")).toBe('400 INVALID_REQUEST: give group=<group> or node=<id>; groups: "n"');
  expect(await why("group=x")).toBe('404 NO_CONFIGURATION: no group "x" has a configuration of its own; groups: "n"');
  expect(await why("node=x")).toBe('404 UNKNOWN_NODE: no connected node has the id "x"; /clients lists them');
  expect(await why("node=n&state=sent")).toBe('400 INVALID_REQUEST: state must be acked or served, is "sent"');
  expect(await why("state=served")).toBe("400 INVALID_REQUEST: state needs node=<id>");
  expect(await why("node=n&group=n")).toBe("400 INVALID_REQUEST: give node or group, not both");
  expect(await why("group=n&resource=x")).toMatch(
    /^400 INVALID_REQUEST: resource must be one of dynamic_active_clusters, /,
  );
  expect(await why("group=n&name_regex=(")).toMatch(
    /^400 INVALID_REQUEST: name_regex: "\(" is not a valid RE2 regular expression: /,
  );
  expect(await why(`group=n&name_regex=${encodeURIComponent("(a+)+b")}`), "done at once").toMatch(/^200/);
  expect(await why(`group=n&name_regex=${"a|".repeat(600)}`)).toMatch(/^400 INVALID_REQUEST: name_regex: .*too large/);
  expect(await why("group=n&mask=x")).toMatch(
    /^400 INVALID_REQUEST: \/config_dump has no parameter "mask"; it accepts /,
  );
  expect(test.server.state).toBe("listening");
});

it("shows of a type that is not known here its name and version, and of a failed resource why", async () => {
  const foreign = registerResourceType({
    typeUrl: "type.googleapis.com/foreign.v1.Thing",
    name: "foreign-things",
    order: 9,
    fullStateInSotw: false,
    emptyIsWildcard: true,
  });
  const thing = Resource.fromBytes(foreign.typeUrl, Buffer.from([10, 6, 115, 101, 99, 114, 101, 116]), { name: "f" });
  const failed = Resource.failed(clusterType, "broken", { code: 5, message: "no such upstream" });
  const { admin } = await startBoth(cacheOf(thing, failed, unreadable("bad")), { group: "n" });
  const [clusters, extensions, things] = filled(await page(admin, "/config_dump"));
  const details = expect.stringContaining("its content cannot be written as JSON: ") as string;
  expect(extensions.ecds_filters).toEqual([{ version_info: unreadable("bad").version, error_state: { details } }]);
  expect(clusters.dynamic_active_clusters).toEqual([
    { version_info: failed.version, error_state: { details: "no such upstream" } },
  ]);
  expect(things.generic_xds_configs).toEqual([
    { type_url: foreign.typeUrl, name: "f", version_info: thing.version, xds_config: { "@type": foreign.typeUrl } },
  ]);
});

it("writes a large dump in pieces, and others are served meanwhile", async () => {
  const many = Array.from({ length: 20_000 }, (_, at) => cluster(`c${at}`));
  const { admin } = await startBoth(cacheOf(...many), { group: "n" });
  let turns = 0;
  let isDone = false;
  const turn = () => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  const { configs } = await page(admin, "/config_dump");
  isDone = true;
  expect(configs[0].dynamic_active_clusters).toHaveLength(20_000);
  expect(turns).toBeGreaterThan(20);
});
