import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { clusterType } from "../../src/index.js";
import { eventually } from "../e2e/eventually.js";
import { xds } from "./program.js";
import { Folder, openStream } from "./serving.js";

const cluster = (seconds: number) =>
  `resources: [{ "@type": "${clusterType}", name: a, connect_timeout: ${seconds}s }]\n`;

/** Opens so many connections one after the other; the server may end some at once. */
async function hold(port: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const socket: Socket = connect({ port, host: "127.0.0.1" }).on("error", () => {});
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  }
}

describe.skipIf(process.platform !== "linux")("a process that may have few files open (needs /proc)", () => {
  test.each([128, 256])(
    "%i: reads files that change while every port has all the connections it takes",
    async (files) => {
      const folder = new Folder();
      const config = folder.write("a.yaml", cluster(1));
      const serve = ["serve", config, "--port", "0", "--rest-port", "0"];
      const program = xds.shell(`ulimit -n ${files}; exec "$@"`, ...serve);
      const { grpc, rest, admin } = await program.ports();
      await program.logged({ level: "warn", files, msg: expect.stringContaining("ulimit -n") });
      const bystander = openStream(grpc, "bystander");
      bystander.send({});
      await eventually(() => expect(bystander.responses).toBe(1));
      for (const port of [grpc, rest, admin]) await hold(port, files);
      for (let edit = 2; edit < 6; edit++) {
        folder.write("a.yaml", cluster(edit));
        await eventually(() => expect(bystander.responses).toBe(edit));
      }
      expect(program.log().filter(({ msg }) => /EMFILE|still serving/.test(msg))).toEqual([]);
      program.signal("SIGTERM");
      expect(await program.end()).toBe(0);
    },
  );
});
