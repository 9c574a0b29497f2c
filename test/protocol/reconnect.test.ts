import { describe, it } from "vitest";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { cacheOf, TestServer, type Way } from "./harness.js";
import { edsCluster, endpoints, type Maker, rdsListener, route } from "./resources.js";
import type { ScriptedStream } from "./scripted-stream.js";

const delta: Way = { variant: "delta", kind: "ADS" };

interface Pair {
  readonly parentType: string;
  readonly parent: Maker;
  readonly childType: string;
  /** What the parent of the same name refers to. */
  readonly child: Maker;
}

const pairs: readonly Pair[] = [
  { parentType: clusterType, parent: edsCluster, childType: endpointType, child: endpoints },
  { parentType: listenerType, parent: rdsListener, childType: routeType, child: route },
];

for (const { parentType, parent, childType, child } of pairs)
  describe(`a new delta stream whose client has ${parentType.replace(/.*\./, "")}s and what they refer to`, () => {
    const children = [child("changed"), child("same")];
    const versions = (...resources: { name: string; version: string }[]) => ({
      initialResourceVersions: Object.fromEntries(resources.map(({ name, version }) => [name, version])),
    });
    const askParents = (stream: ScriptedStream) =>
      stream.of(parentType).wantWith(versions(parent("changed"), parent("same")), "*");
    const askChildren = (stream: ScriptedStream) =>
      stream.of(childType).wantWith(versions(...children), "changed", "same");
    /** A server on which one of the parents has changed. */
    const changedServer = () =>
      TestServer.start(cacheOf(parent("changed", 2), parent("same"), ...children), { orderTimeoutMs: 600_000 });

    it("P55 is sent what a changed one refers to, though the client reports its version, before the ACK", async () => {
      const stream = (await changedServer()).open(delta, parentType);
      askParents(stream);
      const changed = await stream.of(parentType).expect(["changed@2"]);
      askChildren(stream);
      await stream.of(childType).take(["changed@1"]);
      stream.ack(changed);
      await stream.quiet();
    });

    it("P55 is sent it also when the client has named it first", async () => {
      const stream = (await changedServer()).open(delta, childType);
      askChildren(stream);
      await stream.quiet();
      askParents(stream);
      const changed = await stream.of(parentType).expect(["changed@2"]);
      await stream.of(childType).take(["changed@1"]);
      stream.ack(changed);
      await stream.quiet();
    });

    it("P49 is sent no resource when nothing has changed", async () => {
      const cache = cacheOf(parent("changed"), parent("same"), ...children);
      const stream = (await TestServer.start(cache)).open(delta, parentType);
      askParents(stream);
      await stream.of(parentType).take([]);
      askChildren(stream);
      await stream.quiet();
    });
  });
