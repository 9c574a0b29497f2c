import { connect as connectTcp } from "node:net";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { clientPreface, frame, frameType } from "../../src/http2/frames.js";
import { clusterType } from "../../src/index.js";
import { eventually } from "../e2e/eventually.js";
import { streamPath } from "../protocol/harness.js";
import { post } from "../server/post.js";
import { framed, RawClient } from "../server/raw-http2.js";
import { delta, paths } from "../soak/requests.js";
import { xds } from "./program.js";
import { Folder, metric, openStream, type TestStream } from "./serving.js";

const cluster = (seconds: number) =>
  `resources: [{ "@type": "${clusterType}", name: a, connect_timeout: ${seconds}s }]\n`;

/** `xds serve` with these flags and one client that asks for little. */
const start = (...flags: string[]) => startWith({}, ...flags);

async function startWith(variables: NodeJS.ProcessEnv, ...flags: string[]) {
  const folder = new Folder();
  const config = folder.write("a.yaml", cluster(1));
  const server = xds.startWith(variables, "serve", config, "--port", "0", "--rest-port", "0", ...flags);
  const ports = await server.ports();
  const bystander = openStream(ports.grpc, "bystander");
  bystander.send({});
  await eventually(() => expect(bystander.responses).toBe(1));
  /** What is changed reaches the one who has done nothing wrong. */
  const undisturbed = async () => {
    folder.write("a.yaml", cluster(2));
    await eventually(() => expect(bystander.responses).toBe(2));
  };
  const refusals = (reason: string) => metric(ports.admin, `xds_refusals_total{reason="${reason}"}`);
  return { server, ports, undisturbed, refusals };
}

/** Opens so many streams that ask for all clusters; the last one. */
function open(port: number, count: number): TestStream {
  const streams = Array.from({ length: count }, () => openStream(port));
  for (const stream of streams) stream.send({});
  return streams.at(-1) as TestStream;
}

const requests = (port: number, ...all: string[][]) => {
  const stream = openStream(port);
  for (const resourceNamesSubscribe of all) stream.send({ resourceNamesSubscribe });
  return stream;
};

interface Case {
  readonly flag: string;
  readonly value: string;
  readonly reason: string;
  /** Goes one beyond the limit; the stream that is refused. */
  readonly exceed: (port: number) => TestStream;
  readonly says: string;
}

const cases: Case[] = [
  {
    flag: "--limits-streams",
    value: "1",
    reason: "streams",
    exceed: (port) => open(port, 1),
    says: "too many streams; the server's limit streams is 1",
  },
  {
    flag: "--limits-streams-per-peer",
    value: "1",
    reason: "streams_per_peer",
    exceed: (port) => open(port, 1),
    says: "too many streams from 127.0.0.1; the server's limit streamsPerPeer is 1",
  },
  {
    flag: "--limits-requests-per-second",
    value: "1",
    reason: "requests_per_second",
    exceed: (port) => requests(port, ...Array.from({ length: 40 }, (_, i) => [`unknown-${i}`])),
    says: "too many requests on one stream; the server's limit requestsPerSecond is 1",
  },
  {
    flag: "--limits-request-bytes",
    value: "1KiB",
    reason: "request_bytes",
    exceed: (port) => requests(port, ["x".repeat(1_200)]),
    says: "bytes; the server's limit requestBytes is 1024",
  },
  {
    flag: "--limits-node-bytes",
    value: "1KiB",
    reason: "node_bytes",
    exceed: (port) => {
      const stream = openStream(port, "n".repeat(1_100));
      stream.send({});
      return stream;
    },
    says: "a node of 1103 bytes; the server's limit nodeBytes is 1024",
  },
  {
    flag: "--limits-message-time",
    value: "500ms",
    reason: "message_ms",
    exceed: (port) => openStream(port),
    says: "a message took too long to arrive; the server's limit messageMs is 500",
  },
  {
    flag: "--limits-names",
    value: "3",
    reason: "names",
    exceed: (port) => requests(port, ["a", "b", "c"], ["d"]),
    says: `4 names in one subscription of ${clusterType}; the server's limit names is 3`,
  },
];

describe("xds serve", () => {
  test.each(cases)(
    "ends with RESOURCE_EXHAUSTED what goes beyond $flag, counts and logs it, and nobody else is disturbed",
    async ({ flag, value, reason, exceed, says }) => {
      const { server, ports, undisturbed, refusals } = await start(flag, value);
      const { code, details } = await exceed(ports.grpc).ended;
      expect(details).toContain(says);
      expect(code).toBe(status.RESOURCE_EXHAUSTED);
      await server.logged({ level: "warn", msg: "a stream is ended", error: details });
      expect(await refusals(reason)).toBe(1);
      await undisturbed();
    },
  );

  test("takes ten times --limits-new-streams-per-second at once, and no more", async () => {
    const { server, ports, undisturbed, refusals } = await start("--limits-new-streams-per-second", "1");
    const { code, details } = await open(ports.grpc, 30).ended;
    expect({ code, details }).toEqual({
      code: status.RESOURCE_EXHAUSTED,
      details: "too many new streams at once; the server's limit newStreamsPerSecond is 1",
    });
    await server.logged({ level: "warn", error: details });
    // Another may come each second; the bystander's was one of the ten.
    expect(await refusals("new_streams_per_second")).toBeGreaterThan(10);
    expect(await refusals("new_streams_per_second")).toBeLessThanOrEqual(21);
    await undisturbed();
  });

  test("refuses REST requests beyond --limits-new-streams-per-second, counts and logs them", async () => {
    const { server, ports, undisturbed, refusals } = await start("--limits-new-streams-per-second", "1");
    const ask = () => post({ port: ports.rest }, "/v3/discovery:clusters", { node: { id: "n" } });
    const statuses = (await Promise.all(Array.from({ length: 30 }, ask))).map((answer) => answer?.status);
    const refused = statuses.filter((code) => code === 429).length;
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(await refusals("new_streams_per_second")).toBe(refused);
    await server.logged({ level: "warn", msg: "a request is refused", error: expect.stringMatching(/too many calls/) });
    await undisturbed();
  });

  test("refuses over REST what goes beyond --limits-names and --limits-request-bytes", async () => {
    const { server, ports, undisturbed, refusals } = await start(
      "--limits-names",
      "3",
      "--limits-request-bytes",
      "1KiB",
    );
    const ask = (...resource_names: string[]) =>
      post({ port: ports.rest }, "/v3/discovery:clusters", { node: { id: "n" }, resource_names });
    expect(await ask("a", "b", "c", "d")).toMatchObject({ status: 429, body: { code: "LIMIT_EXCEEDED" } });
    expect(await ask("x".repeat(1_100))).toMatchObject({ status: 413, body: { code: "REQUEST_TOO_LARGE" } });
    expect(await ask("a")).toMatchObject({ status: 200 });
    await server.logged({
      level: "warn",
      msg: "a request is refused",
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
    expect([await refusals("names"), await refusals("request_bytes")]).toEqual([1, 1]);
    await undisturbed();
  });

  test("outlives clients that bring more than its heap can hold, serves those that it serves, and then takes new ones again", async () => {
    const { server, ports, undisturbed, refusals } = await startWith({ NODE_OPTIONS: "--max-old-space-size=256" });
    const mib = 1 << 20;
    // Nodes, long names, versions: all clients together bring more than the heap.
    const nodes = Array.from({ length: 600 }, (_, i) => {
      const stream = openStream(ports.grpc);
      stream.send({ node: { id: `n${i}`, userAgentName: "u".repeat(mib / 5) } });
      return stream;
    });
    const names = Array.from({ length: 50 }, () => openStream(ports.grpc));
    for (let i = 0; i < 20; i++)
      for (const [j, stream] of names.entries())
        stream.send({
          resourceNamesSubscribe: Array.from({ length: 128 }, (_, k) => `${i} ${j} ${k} ${"x".repeat(4_000)}`),
        });
    const versions = Array.from({ length: 20 }, (_, i) => {
      const stream = openStream(ports.grpc);
      const initialResourceVersions = Object.fromEntries(Array.from({ length: 20_000 }, (_, j) => [`${i} ${j}`, "1"]));
      stream.send({ initialResourceVersions });
      return stream;
    });
    const greedy = [...nodes, ...names, ...versions];
    expect((await Promise.race(greedy.map(({ ended }) => ended))).code).toBe(status.RESOURCE_EXHAUSTED);
    // Ten MB of many small values: each is hundreds of bytes once it is read.
    const small = { node: { id: "n", metadata: { a: Array.from({ length: 5_000_000 }, () => 0) } } };
    expect(await post({ port: ports.rest }, "/v3/discovery:clusters", small)).toMatchObject({ status: 429 });
    await server.logged({ level: "warn", error: expect.stringMatching(/limit heapPercent is 75$/) });
    await undisturbed();
    expect(await refusals("heap_percent")).toBeGreaterThan(10);
    for (const stream of greedy) stream.close();
    await eventually(async () => {
      const late = openStream(ports.grpc, "late");
      late.send({});
      await Promise.race([late.ended, new Promise((resolve) => setTimeout(resolve, 500))]);
      late.close();
      expect(late.responses).toBe(1);
    });
  });

  test("leaves room for others when the clients of one address bring as much as they may", async () => {
    const { server, ports } = await startWith({ NODE_OPTIONS: "--max-old-space-size=256" });
    const node = { id: "n", userAgentName: "u".repeat(240_000) };
    // They come one after the other, so that none is refused before the address has its share.
    let refusal: string | undefined;
    for (let i = 0; refusal === undefined; i++) {
      expect(i).toBeLessThan(2_000);
      const stream = openStream(ports.grpc);
      stream.send({ node });
      const served = eventually(() => expect(stream.responses).toBe(1)).then(() => undefined);
      refusal = await Promise.race([served, stream.ended.then(({ details }) => details)]);
      served.catch(() => {});
    }
    expect(refusal).toMatch(/^this address has three quarters of the memory for clients.*limit heapPercent is 75$/);
    const other = new RawClient(connectTcp({ host: "127.0.0.1", port: ports.grpc, localAddress: "127.0.0.2" }));
    other.send(clientPreface, frame(frameType.SETTINGS, 0, 0, Buffer.of()));
    for (let i = 0; i < 20; i++) {
      const id = other.call(paths.delta);
      other.data(id, delta({ node: { id: `other ${i}` } }));
      await eventually(() => expect(other.messages(id)).toHaveLength(1));
    }
    expect(server.stderr).not.toContain("memory is short");
  }, 60_000);

  test("bounds connections, what they may cost before they ask for anything, and what is being received", async () => {
    const { server, ports, undisturbed, refusals } = await start(
      ...["--limits-connections", "4", "--limits-connections-per-peer", "3", "--limits-streams-per-connection", "2"],
      ...["--limits-header-bytes", "1KiB", "--limits-continuation-frames", "2", "--limits-control-frames", "5"],
      ...["--limits-handshake-time", "1s", "--limits-idle-connection-time", "1s", "--limits-receiving-bytes", "20KiB"],
    );
    const open = () => RawClient.connect(ports.grpc);
    const goes = (client: RawClient) => eventually(() => expect(client.isClosed()).toBe(true));
    const counts = (reason: string, count: number) =>
      eventually(async () => expect(await refusals(reason)).toBe(count));
    const adsPath = streamPath({ variant: "delta", kind: "ADS" }, clusterType);

    const [first, second] = [await open(), await open()];
    await eventually(async () => expect(await metric(ports.admin, "xds_connections")).toBe(3));
    await goes(await open());
    await counts("connections_per_peer", 1);

    const ids = Array.from({ length: 3 }, () => first.call(adsPath));
    await counts("streams_per_connection", 1);
    expect(await second.ended(second.call(adsPath, { more: { "x-large": "x".repeat(1_024) } }))).toMatchObject({
      httpStatus: "431",
    });
    await counts("header_bytes", 1);

    first.data(ids[0] as number, framed(Buffer.alloc(100_000)).subarray(0, 10_000));
    await eventually(async () => {
      const bytes = await metric(ports.admin, "xds_receiving_request_bytes");
      expect(bytes).toBeGreaterThanOrEqual(9_995);
    });
    first.data(ids[1] as number, framed(Buffer.alloc(100_000)).subarray(0, 16_000));
    expect(await first.ended(ids[1] as number)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    await counts("receiving_bytes", 1);

    first.send(...Array.from({ length: 200 }, () => frame(frameType.PING, 0, 0, Buffer.alloc(8))));
    await goes(first);
    await counts("control_frames", 1);
    await goes(second); // which has no stream
    await counts("idle_connection_ms", 1);
    await goes(await RawClient.silent(ports.grpc));
    await counts("handshake_ms", 1);
    const third = await open();
    third.send(frame(frameType.HEADERS, 0, 1, Buffer.of()));
    third.send(...Array.from({ length: 3 }, () => frame(frameType.CONTINUATION, 0, 1, Buffer.of())));
    await goes(third);
    await counts("continuation_frames", 1);
    await undisturbed();
    const warned = server.log().filter(({ level }) => level === "warn");
    expect(warned.some(({ msg }) => msg === "a connection is refused or ended")).toBe(true);
    expect(warned.filter(({ error }) => String(error).includes("idleConnectionMs"))).toEqual([]);
  });

  test("takes so many connections as --limits-connections says", async () => {
    const { ports, undisturbed, refusals } = await start("--limits-connections", "2");
    const client = await RawClient.connect(ports.grpc);
    await client.barrier();
    const late = await RawClient.connect(ports.grpc);
    await eventually(() => expect(late.isClosed()).toBe(true));
    expect(await refusals("connections")).toBe(1);
    await undisturbed();
  });

  test("lets others wait while more than --limits-response-bytes is not taken", async () => {
    const { ports, undisturbed } = await start("--limits-response-bytes", "1");
    await undisturbed(); // one response at a time
    expect(await metric(ports.admin, "xds_unsent_response_bytes")).toBe(0);
    expect(await post({ port: ports.rest }, "/v3/discovery:clusters", { node: { id: "n" } })).toMatchObject({
      status: 200,
    });
  });

  test("logs ten of three hundred refusals of an address, and counts them all", async () => {
    const { server, ports, undisturbed, refusals } = await start("--limits-streams", "1");
    await Promise.all(Array.from({ length: 300 }, () => open(ports.grpc, 1).ended));
    expect(await refusals("streams")).toBe(300);
    await undisturbed();
    // One for the bystander's stream, and whatever a reload says.
    const lines = server.log().filter(({ msg }) => msg === "a stream is ended" || msg === "stream opened");
    expect(lines).toHaveLength(11);
    expect(server.log().length).toBeLessThan(30);
  });
});
