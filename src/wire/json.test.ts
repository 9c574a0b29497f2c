import { expect, it } from "vitest";
import { cluster } from "../../test/protocol/resources.js";
import { clusterType } from "../resource/types.js";
import { encodeJsonResponse } from "./json.js";
import type { Encodable, EncodableResponse } from "./messages.js";

const other = { nonce: "", removedResources: [], heartbeats: [], unresolved: [], ttl: false, spellings: new Map() };

/** A response of so many clusters, and how many of them were read to be written. */
function clusters(count: number) {
  const read: string[] = [];
  const resources = Array.from({ length: count }, (_, i): Encodable => {
    const { key, name, version, ttlMs, registry, deltaEntry, ...one } = cluster(`json-${count}-${i}`);
    const sotwEntry = () => {
      read.push(name);
      return cluster(name).sotwEntry(false);
    };
    return { ...one, key, name, version, ttlMs, registry, deltaEntry, sotwEntry };
  });
  const response: EncodableResponse = { typeUrl: clusterType, versionInfo: "1", resources, ...other };
  return { response, read };
}

function written(work: Generator<void, Buffer>): Buffer {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

it("those who poll for the same resources get the same bytes, and share the work when they come at once", () => {
  const { response, read } = clusters(1_000);
  const works = [encodeJsonResponse(response), encodeJsonResponse(response)];
  for (let steps = 0; steps < 5; steps++) for (const work of works) expect(work.next().done).toBe(false);
  expect(read).toHaveLength(500);
  const [first, second] = works.map(written);
  expect(second).toBe(first);
  expect(written(encodeJsonResponse(response))).toBe(first);
  expect(read).toHaveLength(1_000);
  const { typeUrl, versionInfo, resources } = JSON.parse(String(first));
  expect({ typeUrl, versionInfo }).toEqual({ typeUrl: clusterType, versionInfo: "1" });
  expect(resources.map(({ name }: { name: string }) => name)).toEqual(response.resources.map(({ name }) => name));
});

it("another version or type is written anew", () => {
  const { response } = clusters(1);
  for (const field of ["versionInfo", "typeUrl"] as const)
    expect(JSON.parse(String(written(encodeJsonResponse({ ...response, [field]: "x" }))))).toMatchObject({
      [field]: "x",
    });
});

it("what cannot be written throws each time", () => {
  const { response } = clusters(60);
  const unknown: Encodable = { ...(response.resources[55] as Encodable), sotwEntry: () => Buffer.of(0x12, 2, 0x0a, 9) };
  const bad = { ...response, resources: [...response.resources.slice(0, 59), unknown] };
  for (let times = 0; times < 2; times++) expect(() => written(encodeJsonResponse(bad))).toThrow(/cannot be written/);
});
