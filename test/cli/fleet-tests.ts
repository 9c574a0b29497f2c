import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { healthChecked } from "../e2e/edge.js";
import { describeWithEnvoy } from "../e2e/envoy.js";
import { startBackend } from "../e2e/http.js";
import { adsDelta, adsSotw } from "../e2e/modes.js";
import { refusedCluster } from "../e2e/refused.js";
import { appCluster, Fleet, type FleetSize, staticCluster } from "./fleet.js";
import { until } from "./stateful-server.js";

const gradual = ["--rollout-strategy", "gradual", "--rollout-bake", "300ms"];
/** A first wave that lasts until somebody ends it. */
const slow = ["--rollout-strategy", "gradual", "--rollout-bake", "10m"];
const rolledBack = "the rollout was rolled back; its content is barred";
const done = "the rollout is done: all nodes have the revision";
const first = "a01";

/**
 * What a gradual rollout to a fleet of Envoys and scripted nodes does while requests go through the Envoys. `isLong`:
 * with both variants of the first Envoy.
 */
export function fleetTests(size: FleetSize, { isLong = false } = {}): void {
  const { envoys, scripted } = size;
  describeWithEnvoy(`a rollout to ${envoys} Envoys and ${scripted} scripted nodes`, () => {
    for (const mode of isLong ? [adsDelta, adsSotw] : [adsDelta])
      it(`goes back when the first Envoy refuses the change; no other node was sent it: ${mode.name}`, async () => {
        const flags = [...gradual, "--validation", "off"]; // otherwise the server itself refuses the change
        const fleet = await Fleet.start({ ...size, first: mode, flags });
        const attempts = () =>
          Promise.all(fleet.envoys.map((envoy) => envoy.stat("cluster_manager.cds.update_attempt")));
        const rejected = () =>
          Promise.all(fleet.envoys.map((envoy) => envoy.stat("cluster_manager.cds.update_rejected")));
        const [attemptsBefore, sentBefore] = [await attempts(), fleet.nodes.map(({ sent }) => sent.length)];
        fleet.writeResources("app.json", [appCluster(2), refusedCluster("refused", mode)]);
        await fleet.program.logged({ msg: rolledBack });
        await fleet.settlesAt(fleet.all(1));
        const { stable, candidate, barred } = await fleet.rollout();
        expect({ stable, candidate }).toEqual({ stable: 1, candidate: undefined });
        expect(barred.map(({ why }) => why)).toEqual([expect.stringMatching(/^node "a01" refuses clusters .*EDS/is)]);
        expect((await rejected()).map((count) => count > 0)).toEqual(fleet.envoys.map((_, at) => at === 0));
        expect((await attempts()).slice(1)).toEqual(attemptsBefore.slice(1));
        expect(fleet.nodes.map(({ sent }) => sent.length)).toEqual(sentBefore);
        // The corrected change reaches all.
        fleet.writeResources("app.json", [appCluster(2), staticCluster("refused")]);
        await fleet.program.logged({ msg: done });
        await fleet.settlesAt(fleet.all(2));
        const waves = fleet.program.log().filter(({ msg }) => msg === "the next wave of the rollout begins");
        expect(waves.map(({ share }) => share)).toEqual([0.05, 0.25, 1]);
        await fleet.noneFailed();
      });

    it("lets endpoints and rotated secrets flow to all nodes, also after an undo; new nodes get what is stable", async () => {
      const fleet = await Fleet.start({ ...size, flags: slow });
      fleet.writeApp(appCluster(2));
      await fleet.settlesAt(fleet.butFirst(2, 1));
      const [second, third] = [await startBackend("second"), await startBackend("third")];
      fleet.writeEndpoints(second);
      fleet.writeSecret(1);
      await fleet.hasLive(second, 1);
      // Their ids are before that of the first node.
      fleet.addEnvoy("a00");
      for (const id of ["a000", "a001"]) fleet.addNode(id);
      await fleet.settlesAt(fleet.butFirst(2, 1));
      await fleet.hasLive(second, 1);
      expect((await fleet.rollout()).candidate).toMatchObject({ wave: 0, first: [first], state: "baking" });
      expect(fleet.nodes.filter(({ sent }) => sent.includes(2))).toEqual([]);
      await fleet.order("rollout", "promote", "--why", "fine");
      await fleet.settlesAt(fleet.all(2));
      await fleet.order("undo", "--why", "not fine");
      await fleet.settlesAt(fleet.all(1));
      await fleet.hasLive(second, 1);
      fleet.writeEndpoints(third);
      fleet.writeSecret(2);
      await fleet.hasLive(third, 2);
      await fleet.settlesAt(fleet.all(1));
      await fleet.noneFailed();
    });

    it("is one rollout with one first node for a common file of three groups, also with an edit, an undo and a freeze", async () => {
      const nodeClusters = ["one", "two", "three"];
      const fleet = await Fleet.start({ ...size, flags: slow, nodeClusters, layer: "base/" }, (made) => {
        for (const layer of ["base", ...nodeClusters]) mkdirSync(join(made.config, layer));
        const groups = nodeClusters.map(
          (name) => `- { name: ${name}, match: { cluster: ${name} }, layers: [config/base, config/${name}] }\n`,
        );
        for (const name of nodeClusters) made.writeOwn(name, 1);
        return ["--config", made.folder.write("xds.yaml", `paths: [config/base]\ngroups:\n${groups.join("")}`)];
      });
      fleet.writeApp(appCluster(2));
      await fleet.settlesAt(fleet.butFirst(2, 1));
      const affected = envoys + scripted;
      const { candidate } = await fleet.rollout();
      expect(candidate).toMatchObject({ revision: 2, first: [first], evidence: { affected, candidates: 1 } });
      // A second edit in the middle, of the common file and of a group of which the first node is not.
      fleet.writeOwn("two", 2);
      fleet.writeApp(appCluster(3));
      await fleet.settlesAt(fleet.butFirst(3, 1));
      expect((await fleet.rollout()).candidate).toMatchObject({
        first: [first],
        evidence: { affected, candidates: 1 },
      });
      expect(fleet.own("two")).toEqual([1]);
      await fleet.order("rollout", "promote", "--why", "fine");
      await fleet.settlesAt(fleet.all(3));
      expect([fleet.own("one"), fleet.own("two"), fleet.own("three")]).toEqual([[1], [2], [1]]);
      // An undo to a revision ends the rollout that is going on.
      fleet.writeApp(appCluster(4));
      await fleet.settlesAt(fleet.butFirst(4, 3));
      await fleet.order("undo", "--to", "@1", "--why", "all of it");
      await fleet.settlesAt(fleet.all(1));
      expect(fleet.own("two")).toEqual([1]);
      expect((await fleet.rollout()).candidate).toBeUndefined();
      // A freeze holds the next edit, and endpoints flow.
      await fleet.order("freeze", "--why", "sale");
      fleet.writeApp(appCluster(5));
      await until(async () => expect((await fleet.history()).held?.reasons[0]).toContain("sale"));
      const other = await startBackend("other");
      fleet.writeEndpoints(other);
      await fleet.hasLive(other, 0);
      await fleet.settlesAt(fleet.all(1));
      await fleet.order("unfreeze", "--why", "over");
      await fleet.settlesAt(fleet.butFirst(5, 1));
      expect((await fleet.rollout()).candidate).toMatchObject({ first: [first] });
      await fleet.noneFailed();
    });

    for (const mode of isLong ? [adsDelta, adsSotw] : [adsSotw])
      it(`goes back from a cluster that never warms, or goes on when it is corrected: ${mode.name}`, async () => {
        const health = "/health";
        const answerTime = (path: string) => (path.startsWith(health) ? Number.POSITIVE_INFINITY : 0);
        const flags = [...gradual, "--rollout-applied-within", "8s"];
        const fleet = await Fleet.start({ ...size, first: mode, flags, answerTime });
        const cold = (path: string) => healthChecked(appCluster(2), path);
        const warming = () => fleet.envoys[0]?.stat("cluster_manager.warming_clusters");
        fleet.writeApp(cold(health));
        await until(async () => expect(await warming()).toBe(1));
        await fleet.program.logged({ msg: rolledBack });
        expect((await fleet.rollout()).barred.map(({ why }) => why)).toEqual([
          expect.stringMatching(`^node "${first}" has not applied .*within 8 s`),
        ]);
        await until(async () => expect(await warming()).toBe(0));
        await fleet.settlesAt(fleet.all(1));

        fleet.writeApp(cold(`${health}/2`));
        await until(async () => expect(await warming()).toBe(1));
        fleet.writeApp(appCluster(3));
        await fleet.program.logged({ msg: done });
        await fleet.settlesAt(fleet.all(3));
        expect(await warming()).toBe(0);
        await fleet.noneFailed();
      });
  });
}
