import { expect, test } from "vitest";
import { edge } from "../e2e/edge.js";
import { describeWithEnvoy, startEnvoyWith } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { startBackend, Traffic } from "../e2e/http.js";
import { adsDelta, adsSotw } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { answers, Folder, fileOf, metric } from "./serving.js";

describeWithEnvoy("xds serve with --max-connection-age, and an Envoy under load", () => {
  test.each([
    ["delta", "no resource is sent again", adsDelta],
    ["sotw", "what it asks for by name is sent once more (P36)", adsSotw],
  ])("has it connect anew without a failed request or a change that it misses; in %s %s", async (variant, _, mode) => {
    const folder = new Folder();
    const [port, a, b] = [await freePort(), await startBackend("a"), await startBackend("b")];
    const route = (routeTo: string) =>
      folder.write("config.json", fileOf(edge({ mode, port, backends: { a, b }, routeTo })));
    const config = route("a");
    const server = xds.start("serve", config, "--port", "0", "--rest-port", "off", "--max-connection-age", "2s");
    const { grpc, admin } = await server.ports();
    const { stdout } = await xdsHere(
      "bootstrap",
      "--server",
      `127.0.0.1:${grpc}`,
      "--variant",
      variant,
      "--admin-port",
      "0",
    );
    const envoy = startEnvoyWith(stdout);
    await answers(port, "a");
    const sent = (type: string) => metric(admin, `xds_resources_sent_total{variant="${variant}",type="${type}"}`);
    const opened = () => metric(admin, `xds_streams_opened_total{variant="${variant}",type="ads"}`);
    /** What may have been sent after so many changes of the route. */
    const checkSent = async (changes: number) => {
      expect([await sent("clusters"), await sent("listeners")]).toEqual([2, 1]);
      const [endpoints, routes] = [await sent("endpoints"), await sent("routes")];
      if (variant === "delta") expect([endpoints, routes]).toEqual([2, 1 + changes]);
      const streams = await opened();
      expect(endpoints).toBeLessThanOrEqual(2 * streams);
      expect(routes).toBeLessThanOrEqual(streams + changes);
    };
    await checkSent(0);

    const traffic = new Traffic(`http://127.0.0.1:${port}/`);
    for (const [before, routeTo] of ["b", "a", "b"].entries()) {
      const streams = await opened();
      await eventually(async () => expect(await opened()).toBeGreaterThan(streams));
      route(routeTo);
      await answers(port, routeTo);
      await checkSent(before + 1);
    }
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(traffic.sent).toBeGreaterThan(100);
    expect(await opened()).toBeGreaterThanOrEqual(4);
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
    expect(server.log().filter(({ level }) => level !== "info")).toEqual([]);
  });
});
