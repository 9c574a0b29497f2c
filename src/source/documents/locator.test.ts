import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configurationOf } from "../../../test/contract/source.js";
import { Snapshot } from "../../resource/snapshot.js";
import { validate } from "../../validation/validate.js";
import { DirectorySource } from "../directory.js";
import { viewOf } from "../reading/layers.js";
import { Locator } from "./locator.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-locator-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Reads a file, and gives the text at the place of a path in its resource of that name: the rest of the line. */
async function located(text: string, name: string, path: string): Promise<string> {
  const file = join(directory, "f.yaml");
  await writeFile(file, text);
  const source = new DirectorySource([file]);
  const reading = await source.open(() => {});
  await source.close();
  const resource = configurationOf(reading).common.find((each) => each.name === name);
  const place = resource && "places" in reading ? reading.places.get(resource) : undefined;
  if (!place) throw new Error(`no place of ${name}`);
  const { line, column } = new Locator().locate(place, path);
  return `${line}: ${text.split("\n")[line - 1]?.slice(column - 1)}`;
}

const clusters = `resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: a
  health_checks:
  - timeout: 0s
  - { timeout: 1s, unhealthyThreshold: 2 }
  typed_extension_protocol_options:
    "a.b": &options
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicitHttpConfig: { http2ProtocolOptions: { max_concurrent_streams: 0 } }
- "@type": type.googleapis.com/envoy.service.discovery.v3.Resource
  name: b
  resource:
    "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
    typed_extension_protocol_options: { o: *options }
    filters:
    - name: f
      typed_config:
        "@type": type.googleapis.com/xds.type.v3.TypedStruct
        type_url: type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
        value: { stat_prefix: p, cluster: c }
`;

describe("Locator", () => {
  test.each<[string, string, string, string]>([
    ["the resource", "a", "", '2: "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster'],
    ["a field", "a", "name", "3: a"],
    ["an element of a list", "a", "health_checks[1]", "6: { timeout: 1s, unhealthyThreshold: 2 }"],
    ["a field of an element", "a", "health_checks[0].timeout", "5: 0s"],
    ["a field in lowerCamelCase", "a", "health_checks[1].unhealthy_threshold", "6: 2 }"],
    ["a field inside a scalar", "a", "health_checks[0].timeout.seconds", "5: 0s"],
    ["a field that is not there, in what lacks it", "a", "health_checks[0].interval", "5: timeout: 0s"],
    ["an element that is not there, in its list", "a", "health_checks[7].interval", "5: - timeout: 0s"],
    [
      "the message in an Any, in a map",
      "a",
      'typed_extension_protocol_options["a.b"]<HttpProtocolOptions>.explicit_http_config.http2_protocol_options.max_concurrent_streams.value',
      "10: 0 } }",
    ],
    [
      "a message that an alias stands for, in a wrapped resource",
      "b",
      'typed_extension_protocol_options["o"]<HttpProtocolOptions>.explicit_http_config',
      "10: { http2ProtocolOptions: { max_concurrent_streams: 0 } }",
    ],
    [
      "a field of a TypedStruct",
      "b",
      "filters[0].typed_config<TypedStruct>.type_url",
      "20: type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    ],
    ["a field in a TypedStruct", "b", "filters[0].typed_config<TypedStruct><TcpProxy>.cluster", "21: c }"],
    ["what is no path", "a", "health_checks(0)", "5: - timeout: 0s"],
  ])("finds %s", async (_, name, path, expected) => {
    expect(await located(clusters, name, path)).toBe(expected);
  });

  test("finds what validate() tells", async () => {
    const file = join(directory, "f.yaml");
    await writeFile(file, clusters);
    const source = new DirectorySource([file]);
    const reading = await source.open(() => {});
    await source.close();
    if (!("places" in reading)) throw new Error("no places");
    const snapshot = Snapshot.of(viewOf(reading.configuration, undefined));
    const locator = new Locator();
    const told = validate(snapshot).map(({ code, typeUrl, resource, path }) => {
      const found = snapshot.resources(typeUrl).get(resource);
      const place = found && reading.places.get(found);
      const { line, column } = place ? locator.locate(place, path) : { line: 0, column: 0 };
      return `${line}:${column} ${code} ${path}`;
    });
    expect(told).toContain("5:14 FIELD_RULE health_checks[0].timeout");
    expect(told).toContain("5:5 MISSING_FIELD health_checks[0].interval");
    expect(told.filter((line) => line.startsWith("0:"))).toEqual([]);
  });

  test("gives the resource's own place when the file has changed or is gone", async () => {
    const file = join(directory, "g.yaml");
    const place = { file, line: 2, column: 3 };
    expect(new Locator().locate(place, "name")).toEqual(place);
    await writeFile(file, "[");
    expect(new Locator().locate(place, "name")).toEqual(place);
  });
});
