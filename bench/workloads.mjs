// The workloads. Each has subjects (servers of some setup that are measured side by side), and says how one round with
// one of them goes.

import { setTimeout as sleep } from "node:timers/promises";
import { clusterBytes, refused } from "./servers/resources.mjs";
import { Session } from "./session.mjs";
import { median } from "./statistics.mjs";

/** @import { Setup, Target } from "./session.mjs" */
/**
 * How large: `full` is what the goals are about, `quick` fits into two minutes, `tiny` shows that the harness runs, and
 * where it
 *   has the full number of resources, that the ratios are sane.
 * @typedef {"full" | "quick" | "tiny"} Size
 * @typedef {{ target: Target, setup: Setup }} Subject
 * @typedef {Record<string, number>} Figures one round's, by metric
 * @typedef {{ title: string, unit: string, goals?: Goal[], meaning?: string, fleet?: Fleet }} Metric `meaning`: what it
 *   is, where the title is not enough; `fleet`: what a figure comes to for who has many Envoys
 * @typedef {{ count: (figure: number) => string, what: string }} Fleet how many of what
 * @typedef {{ of?: string, over?: string, most?: number, why?: string }} Goal a ratio of two subjects' figures, round
 *   by round, or a figure itself. `of` is "library" by default. Without `most`, the ratio is printed and not judged.
 */
/**
 * @template {Record<string, any>} [S=any] the scale
 * @typedef {object} Workload
 * @property {string} id
 * @property {string} title
 * @property {string} meaning what it means for a fleet
 * @property {Record<Size, S & { rounds: number }>} scale
 * @property {(scale: S) => Record<string, Subject>} subjects
 * @property {Record<string, Metric>} metrics
 * @property {(scale: S, subject: string) => Record<string, unknown> | undefined} [clients] opened before each subject's
 * first round
 * @property {boolean} [weighs] it is all about memory: garbage is collected before the first client comes
 * @property {boolean} [standing] the subjects live through all rounds, which take turns; else each round has a fresh
 * process
 * @property {(round: Round<S>) => Promise<Figures>} measure
 */
/**
 * @template S
 * @typedef {object} Round
 * @property {Session} session
 * @property {S} scale
 * @property {string} subject
 * @property {import("./session.mjs").Answer | undefined} opened what the clients answered when they were opened; in a
 * standing session's first round
 * @property {number} before resident memory before any client came
 * @property {number} cpuBefore
 * @property {(count: number) => number} changes takes so many numbers for changes, and returns the first
 */

/** @param {number} number */
const rounded = (number) => Number(number.toPrecision(2)).toLocaleString("en");
/** @param {string} what */
const eachSecond = (what) => ({
  count: (/** @type {number} */ us) => rounded(1e6 / us),
  what: `${what} a second with one core`,
});
const forEnvoys = {
  count: (/** @type {number} */ kb) => `${rounded((kb * 10_000) / mebi)} GB`,
  what: "for 10,000 Envoys",
};

const mebi = 2 ** 20;
/** As Envoy has it: a response goes out at once, without waiting for the client's window. */
const wide = 256 * mebi;

/** @template {Record<string, any>} S @param {Workload<S>} workload @returns {Workload<any>} */
const define = (workload) => workload;

/** After so many pushes a server's code is compiled, and its heap has its size. */
const warmUpPushes = 5_000;

/** @param {Round<any>} round @param {number} expect how many streams see a change @param {number} [pushes] */
async function warmUp({ session, changes }, expect, pushes = warmUpPushes) {
  const count = Math.ceil(pushes / expect);
  await session.clients({ op: "changes", from: changes(count), count, expect });
  await sleep(200);
}

/**
 * CPU of the server for a change on one stream: what it does from the change to the ACK of all, by the number of
 * streams.
 * @param {Round<{ streams: number, count: number, warm?: number }>} round
 */
async function cpuPerPush(round, expect = round.scale.streams) {
  const { session, scale, changes } = round;
  const { count, warm } = scale;
  await warmUp(round, expect, warm);
  const before = session.cpu;
  await session.clients({ op: "changes", from: changes(count), count, expect, pauseMs: 20 });
  await sleep(200);
  return (session.cpu - before) / count / expect;
}

/**
 * CPU of the server for a change that `expect` streams see. The server makes the changes by itself: an order for each,
 * and its answer, would be a good part of what so few pushes take.
 * @param {Round<{ count: number }>} round @param {number} expect
 */
async function cpuPerChange(round, expect) {
  const { session, changes } = round;
  const { count } = round.scale;
  await warmUp(round, expect);
  const from = changes(count);
  const before = session.cpu;
  const arrived = session.clients({ op: "await", from: from + count - 1, expect });
  await sleep(100);
  await session.order(`changes ${from} ${count} 1 20`);
  const { responses } = await arrived;
  await sleep(200);
  // On a machine that others use, two changes are one push now and then.
  return ((session.cpu - before) / responses) * expect;
}

/** @param {Round<{ count: number }>} round The median of some changes, in ms. */
async function changeToAck({ session, scale: { count }, changes }) {
  const { ms } = await session.clients({ op: "changes", from: changes(count), count, expect: 1, pauseMs: 30 });
  return median(ms);
}

/** @param {Setup} setup @param {Target[]} targets @returns {Record<string, Subject>} */
const each = (setup, targets = ["library", "peer"]) =>
  Object.fromEntries(targets.map((target) => [target, { target, setup }]));

/** The floor on our HTTP/2, on Node's, and on grpc-js. @type {Target[]} */
const floors = ["floor", "floor node:http2", "floor grpc-js"];

const halfAsMany = "library, half as many streams";
const nobody = "library, no client";
const afterNack = "library, after a NACK";
const unreported = "library, nothing reported";
const libraryTickets = "library with tickets";
const peerTickets = "peer with tickets";
const oneId = "library, one node id";
const oneIdHalf = "library, one node id, half as many clients";

/**
 * One stream for each client, of one type.
 * @param {{ streams: number }} scale
 * @param {string} subject
 * @param {string} mode
 */
function ownStreams({ streams: all }, subject, mode) {
  const streams = subject === oneIdHalf ? all / 2 : all;
  return { streams, delta: true, mode, ids: subject === "library" ? streams : 1 };
}

/** All clients disconnect, and connect again. @param {Session} session @param {number} streams */
async function connectAgain(session, streams) {
  await session.clients({ op: "close" });
  await sleep(500); // until the server has let go of them
  const before = session.cpu;
  const again = await session.clients({ op: "reopen" });
  await sleep(200);
  return { again, cpu: (session.cpu - before) / streams };
}

/** @param {string} subject */
const hasTickets = (subject) => subject === libraryTickets || subject === peerTickets;

/**
 * Throws unless the clients made exactly so many TLS handshakes, of which so many resumed a session.
 * @param {string} subject @param {import("./session.mjs").Answer | undefined} answer
 * @param {number} count @param {number} resumed
 */
function expectHandshakes(subject, answer, count, resumed) {
  const [made = 0, again = 0] = [answer?.handshakes, answer?.resumed];
  if (made === count && again === resumed) return;
  throw new Error(
    `${subject}: ${made} TLS handshakes, ${again} of them resumed a session; expected ${count} and ${resumed}`,
  );
}

/**
 * One of many clusters is bad, and another one changes. The clients take everything, or refuse the bad one.
 * @param {boolean} delta
 * @param {Pick<Workload<any>, "id" | "title" | "meaning" | "scale">} about
 */
const afterRefusal = (delta, about) =>
  define({
    ...about,
    subjects: ({ n }) => {
      const subject = /** @type {const} */ ({ target: "library", setup: { n, cache: "linear", bad: true } });
      return { library: subject, [afterNack]: subject };
    },
    clients: ({ streams, n }, subject) => ({
      streams,
      delta,
      mode: "clusters",
      total: n,
      window: wide,
      refuse: subject === afterNack ? refused : "",
    }),
    metrics: {
      cpu: {
        title: "CPU per push",
        unit: "µs",
        meaning: "Both subjects serve the same. “library”: the clients accept everything.",
        goals: [{ of: afterNack, over: "library", most: 2 }],
      },
      live: {
        title: "what is alive for a stream, after a forced garbage collection",
        unit: "KB",
        meaning:
          "This is the memory that is freed when the streams end. It does not include memory of connections outside of V8.",
      },
    },
    async measure(round) {
      const { session, scale } = round;
      const cpu = await cpuPerPush(round);
      const live = await session.live();
      await session.clients({ op: "close" });
      return { cpu, live: (live - (await session.live())) / 1024 / scale.streams };
    },
  });

/** @type {Workload[]} */
export const workloads = [
  define({
    id: "sotw-push",
    title: "SotW, 1,000 streams × 100 clusters, one changed",
    meaning:
      "A fleet of 1,000 Envoys uses plain xDS, and a deployment changes a cluster. The figure is the control plane's work for each Envoy.",
    scale: {
      full: { rounds: 5, streams: 1000, n: 100, count: 10 },
      quick: { rounds: 2, streams: 200, n: 100, count: 4 },
      tiny: { rounds: 1, streams: 200, n: 100, count: 10 },
    },
    subjects: ({ n }) => each({ n }, ["library", "peer", ...floors]),
    clients: ({ streams, n }) => ({ streams, mode: "clusters", total: n, window: wide }),
    metrics: {
      cpu: {
        title: "CPU per push",
        unit: "µs",
        fleet: eachSecond("Envoys sent a change"),
        goals: [
          { over: "peer", most: 0.22 },
          { over: "floor", most: 1.3 },
        ],
      },
    },
    measure: async (round) => ({ cpu: await cpuPerPush(round) }),
  }),
  define({
    id: "delta-push",
    title: "Delta, 1,000 streams × 1,000 clusters, one changed",
    meaning:
      "The same with incremental xDS and ten times the clusters. Only the changed cluster is sent. The floor sends to all streams in one loop and does not record what they have.",
    scale: {
      full: { rounds: 5, streams: 1000, n: 1000, count: 10 },
      quick: { rounds: 2, streams: 200, n: 1000, count: 4 },
      tiny: { rounds: 1, streams: 200, n: 1000, count: 10 },
    },
    subjects: ({ n }) => each({ n, cache: "linear" }, ["library", "peer", ...floors]),
    clients: ({ streams, n }) => ({ streams, delta: true, mode: "clusters", total: n, window: wide }),
    metrics: {
      cpu: {
        title: "CPU per push",
        unit: "µs",
        fleet: eachSecond("Envoys sent a change"),
        goals: [
          { over: "peer", most: 0.1 },
          { over: "floor", most: 1.5 },
        ],
      },
      memory: { title: "memory per stream", unit: "KB", fleet: forEnvoys, goals: [{ over: "peer", most: 0.25 }] },
      live: { title: "the same after a forced garbage collection", unit: "KB" },
    },
    async measure(round) {
      const { session, scale, before } = round;
      const perStream = (/** @type {number} */ bytes) => (bytes - before) / 1024 / scale.streams;
      const cpu = await cpuPerPush(round);
      const memory = perStream(session.resident);
      return { cpu, memory, live: perStream(await session.memory()) };
    },
  }),
  define({
    id: "linear-latency",
    title: "Delta, one stream × 100,000 clusters, one changed, linear cache",
    meaning:
      "One of 100,000 services changes. The figure is the time until the client has the change and its ACK has come back.",
    scale: {
      full: { rounds: 9, n: 100_000, count: 5 },
      quick: { rounds: 5, n: 20_000, count: 3 },
      tiny: { rounds: 3, n: 100_000, count: 5 },
    },
    standing: true,
    subjects: ({ n }) => each({ n, cache: "linear" }),
    clients: ({ n }) => ({ streams: 1, delta: true, mode: "clusters", total: n, window: wide }),
    metrics: { ms: { title: "change → ACK", unit: "ms", goals: [{ over: "peer", most: 0.1 }] } },
    measure: async (round) => ({ ms: await changeToAck(round) }),
  }),
  define({
    id: "snapshot-latency",
    title: "The same through the snapshot cache: a whole new snapshot that shares what has not changed",
    meaning:
      "This control plane makes a whole snapshot for every change. Only the comparison with the snapshot before grows with the number of resources.",
    scale: {
      full: { rounds: 9, n: 100_000, count: 3 },
      quick: { rounds: 5, n: 20_000, count: 3 },
      tiny: { rounds: 3, n: 20_000, count: 5 },
    },
    standing: true,
    subjects: ({ n }) => each({ n }),
    clients: ({ n }) => ({ streams: 1, delta: true, mode: "clusters", total: n, window: wide }),
    metrics: { ms: { title: "change → ACK", unit: "ms", goals: [{ over: "peer", most: 0.3 }] } },
    measure: async (round) => ({ ms: await changeToAck(round) }),
  }),
  define({
    id: "growth",
    title: "The linear cache with more and more resources, one changed",
    meaning: "The cost of a change must not grow with the number of resources that do not change.",
    scale: {
      full: { rounds: 9, sizes: [1_000, 10_000, 100_000, 1_000_000], count: 5 },
      quick: { rounds: 2, sizes: [1_000, 10_000, 100_000], count: 3 },
      tiny: { rounds: 2, sizes: [10, 100], count: 3 },
    },
    standing: true,
    subjects({ sizes }) {
      /** @type {Record<string, Subject>} */
      const subjects = {};
      for (const n of sizes) subjects[`library ${n}`] = { target: "library", setup: { n, cache: "linear" } };
      for (const n of sizes)
        if (n <= 100_000) subjects[`peer ${n}`] = { target: "peer", setup: { n, cache: "linear" } };
      return subjects;
    },
    clients: () => ({ streams: 1, delta: true, mode: "clusters", window: wide }),
    metrics: {
      ms: { title: "change → ACK", unit: "ms", goals: [{ of: "library 1000000", over: "library 1000", most: 1.5 }] },
    },
    measure: async (round) => ({ ms: await changeToAck(round) }),
  }),
  define({
    id: "eds-by-name",
    title: "EDS by name: 1,000 streams × 200 names each, of 10,000; one endpoint changed, which 20 streams see",
    meaning:
      "Endpoints change more often than anything else. A change of one service goes to the Envoys that use it, and costs nothing for the others.",
    scale: {
      full: { rounds: 5, streams: 1000, names: 200, n: 10_000, count: 200 },
      quick: { rounds: 2, streams: 100, names: 200, n: 1_000, count: 20 },
      tiny: { rounds: 1, streams: 20, names: 10, n: 100, count: 10 },
    },
    subjects: ({ n, streams, names }) => {
      const setup = /** @type {const} */ ({ type: "endpoint", n, cache: "linear" });
      const floor = { ...setup, n: names, sees: (streams * names) / n };
      return { ...each(setup), ...each(floor, floors), [halfAsMany]: { target: "library", setup } };
    },
    clients: ({ streams, names, n }, subject) => ({
      streams: subject === halfAsMany ? streams / 2 : streams,
      delta: true,
      mode: "endpoints",
      names,
      total: n,
      window: wide,
    }),
    metrics: {
      cpu: {
        title: "CPU per change",
        unit: "µs",
        fleet: eachSecond("changes of an endpoint, each for 20 Envoys,"),
        goals: [
          { over: "peer", most: 0.37 },
          { over: "floor", most: 1.6 },
          { over: halfAsMany, most: 2.4, why: "twice the subscribers of that name" },
        ],
      },
    },
    async measure(round) {
      const { streams, names, n } = round.scale;
      const subscribers = ((round.subject === halfAsMany ? streams / 2 : streams) * names) / n;
      return { cpu: await cpuPerChange(round, subscribers) };
    },
  }),
  define({
    id: "connect",
    title: "1,000 Envoy-like clients connect at once on ADS: CDS, EDS, LDS and RDS of 100 clusters",
    meaning:
      "The control plane restarts, or a network comes back. All Envoys connect at once, and each asks for everything.",
    scale: {
      full: { rounds: 5, streams: 1000, n: 100 },
      quick: { rounds: 2, streams: 300, n: 100 },
      tiny: { rounds: 1, streams: 20, n: 10 },
    },
    subjects: ({ n }) => each({ n, all: true }, ["library", "peer", ...floors]),
    clients: ({ streams }) => ({ streams, mode: "envoy", window: wide }),
    metrics: {
      ms: { title: "until all have ACKed all", unit: "ms", goals: [{ over: "peer", most: 0.85 }] },
      cpu: {
        title: "CPU per client",
        unit: "µs",
        fleet: eachSecond("Envoys accepted"),
        goals: [
          { over: "peer", most: 0.85 },
          { over: "floor", most: 1.8 },
        ],
      },
      again: {
        title: "CPU per client, when they connect for the third time",
        unit: "µs",
        meaning:
          "The same clients and the same process. V8 has compiled the code by then. At the first time, compiling is half of the work.",
        goals: [{ over: "peer" }, { over: "floor" }],
      },
    },
    async measure({ session, scale: { streams }, opened, cpuBefore }) {
      const cpu = (session.cpu - cpuBefore) / streams;
      let again = Number.NaN;
      for (let wave = 2; wave <= 3; wave++) again = (await connectAgain(session, streams)).cpu;
      return { ms: opened?.ms[0] ?? Number.NaN, cpu, again };
    },
  }),
  define({
    id: "connect-tls",
    title: "1,000 Envoy-like clients connect at once with mTLS, and connect again with and without session tickets",
    meaning:
      "As above, with TLS 1.3 and client certificates (ECDSA P-256). “With tickets”: each client keeps its session tickets, as Envoy does, and resumes its session when it connects again. The other clients make a full handshake each time.",
    scale: {
      full: { rounds: 5, streams: 1000, n: 100 },
      quick: { rounds: 2, streams: 300, n: 100 },
      tiny: { rounds: 1, streams: 20, n: 10 },
    },
    subjects: ({ n }) => {
      const setup = { n, all: true, tls: true };
      return {
        ...each(setup),
        [libraryTickets]: { target: "library", setup },
        [peerTickets]: { target: "peer", setup },
      };
    },
    clients: ({ streams }, subject) => ({ streams, mode: "envoy", window: wide, tickets: hasTickets(subject) }),
    metrics: {
      ms: {
        title: "until all have ACKed all",
        unit: "ms",
        meaning:
          "The first time, in a new process, with full handshakes. “With tickets”: the server also issues the tickets.",
        goals: [{ over: "peer" }],
      },
      cpu: { title: "CPU per client", unit: "µs", fleet: eachSecond("Envoys accepted"), goals: [{ over: "peer" }] },
      againMs: {
        title: "until all have ACKed all, when they connect again",
        unit: "ms",
        meaning:
          "The same clients connect again after all of them have disconnected. “With tickets”: every handshake resumes a session.",
        goals: [{ over: "peer" }, { of: libraryTickets, over: peerTickets }],
      },
      againCpu: {
        title: "CPU per client, when they connect again",
        unit: "µs",
        goals: [{ over: "peer" }, { of: libraryTickets, over: peerTickets }],
      },
    },
    async measure({ session, scale: { streams }, subject, opened, cpuBefore }) {
      await sleep(200);
      const cpu = (session.cpu - cpuBefore) / streams;
      expectHandshakes(subject, opened, streams, 0);
      const { again, cpu: againCpu } = await connectAgain(session, streams);
      expectHandshakes(subject, again, streams, hasTickets(subject) ? streams : 0);
      await session.clients({ op: "strangers" });
      return { ms: opened?.ms[0] ?? Number.NaN, cpu, againMs: again.ms[0] ?? Number.NaN, againCpu };
    },
  }),
  afterRefusal(false, {
    id: "sotw-nack",
    title: "SotW, 50 streams × 5,000 clusters, one of which is refused; another one is changed",
    meaning:
      "A team deploys a cluster that Envoy refuses. In SotW every response has all clusters, so every response is refused until the bad cluster is corrected. Changes of other clusters must not cost more meanwhile.",
    scale: {
      full: { rounds: 5, streams: 50, n: 5_000, count: 10, warm: 500 },
      quick: { rounds: 1, streams: 10, n: 1_000, count: 4, warm: 50 },
      tiny: { rounds: 1, streams: 2, n: 100, count: 5, warm: 10 },
    },
  }),
  afterRefusal(true, {
    id: "delta-nack",
    title: "Delta, 200 streams × 5,000 clusters, one of which is refused; another one is changed",
    meaning:
      "The same with incremental xDS. The server finds the bad cluster, the others arrive, and changes go on as before.",
    scale: {
      full: { rounds: 5, streams: 200, n: 5_000, count: 10, warm: 2_000 },
      quick: { rounds: 1, streams: 10, n: 1_000, count: 4, warm: 50 },
      tiny: { rounds: 1, streams: 2, n: 100, count: 5, warm: 10 },
    },
  }),
  define({
    id: "reconnect",
    title: "500 delta streams × 1,000 clusters connect again, and report what they have",
    meaning:
      "The control plane restarts, and the Envoys report which versions they have. Nothing has changed, so the server sends only an empty response.",
    scale: {
      full: { rounds: 5, streams: 500, n: 1_000, times: 3 },
      quick: { rounds: 1, streams: 50, n: 1_000, times: 2 },
      tiny: { rounds: 1, streams: 10, n: 10, times: 2 },
    },
    subjects: ({ n }) => {
      const setup = /** @type {const} */ ({ n, cache: "linear" });
      return { ...each(setup), [unreported]: { target: "library", setup } };
    },
    clients: ({ streams, n }, subject) => ({
      streams,
      delta: true,
      mode: "clusters",
      total: n,
      window: wide,
      report: subject !== unreported,
    }),
    metrics: {
      cpu: {
        title: "CPU per client",
        unit: "µs",
        fleet: eachSecond("Envoys accepted again"),
        goals: [{ over: "peer", most: 1 }],
      },
      bytes: { title: "sent to each client", unit: "KB" },
    },
    async measure({ session, scale: { streams, times } }) {
      await session.clients({ op: "reopen" }); // compiles what reads reported versions
      await sleep(200);
      const before = session.cpu;
      let sent = 0;
      for (let i = 0; i < times; i++) sent += (await session.clients({ op: "reopen" })).bytes;
      await sleep(200);
      const clients = streams * times;
      return { cpu: (session.cpu - before) / clients, bytes: sent / clients / 1024 };
    },
  }),
  define({
    id: "shared-ids",
    title: "500 clients with a stream for CDS and one for RDS, all with one node id; their cluster is replaced",
    meaning:
      "Many Envoys share a node id, for example because it was copied with the image. Streams of one node wait for each other. The cost of each must not grow with their number.",
    scale: {
      full: { rounds: 5, streams: 500, count: 5, warm: 5_000 },
      quick: { rounds: 1, streams: 50, count: 3, warm: 200 },
      tiny: { rounds: 1, streams: 10, count: 3, warm: 20 },
    },
    subjects: () => {
      const subject = /** @type {const} */ ({ target: "library", setup: { n: 1, moves: true } });
      return { library: subject, [oneId]: subject, [oneIdHalf]: subject };
    },
    clients: (scale, subject) => ownStreams(scale, subject, "own clusters"),
    metrics: {
      cpu: {
        title: "CPU per client and replacement",
        unit: "µs",
        meaning: "“library”: each client has an id of its own.",
        goals: [
          { of: oneId, over: "library", most: 3 },
          { of: oneId, over: oneIdHalf, most: 1.3, why: "With linear cost this is 1." },
        ],
      },
    },
    async measure(round) {
      const { session, scale, subject } = round;
      const routes = ownStreams(scale, subject, "own routes");
      await session.clients({ op: "open", total: 1, timeoutMs: 120_000, ...routes });
      return { cpu: 2 * (await cpuPerPush(round, 2 * routes.streams)) };
    },
  }),
  define({
    id: "idle",
    weighs: true,
    title: "5,000 idle SotW streams, each on a connection of its own",
    meaning: "Most of the time nothing happens. The figure is the cost of an Envoy that is only connected.",
    scale: {
      full: { rounds: 5, streams: 5000, n: 1 },
      quick: { rounds: 2, streams: 1000, n: 1 },
      tiny: { rounds: 1, streams: 50, n: 1 },
    },
    subjects: ({ n }) => each({ n }, ["library", "peer", ...floors]),
    clients: ({ streams }) => ({ streams, mode: "clusters" }),
    metrics: {
      memory: { title: "memory per stream", unit: "KB", fleet: forEnvoys, goals: [{ over: "peer", most: 0.3 }] },
    },
    measure: async ({ session, scale, before }) => ({
      memory: ((await session.memory()) - before) / 1024 / scale.streams,
    }),
  }),
  define({
    id: "held",
    weighs: true,
    title: "100,000 clusters in the snapshot cache",
    meaning: "The memory of the resources themselves. Each is held once, for any number of Envoys.",
    scale: {
      full: { rounds: 5, n: 100_000 },
      quick: { rounds: 2, n: 20_000 },
      tiny: { rounds: 1, n: 1_000 },
    },
    subjects: ({ n }) => each({ n }),
    metrics: {
      bytes: {
        title: "memory per resource beyond its encoded bytes",
        unit: "B",
        meaning:
          "This is the growth of a process when it holds twice as many resources. So memory that a runtime reserves in any case is not counted (V8: up to 32 MB for young objects).",
        fleet: { count: (bytes) => `${rounded((bytes * 1e5) / mebi)} MB`, what: "for 100,000 resources" },
        goals: [{ over: "peer", most: 0.5 }],
      },
      live: { title: "of that, alive after a forced garbage collection", unit: "B" },
    },
    async measure({ session, before, subject, scale: { n } }) {
      const live = await session.live();
      const twice = await Session.start(/** @type {Target} */ (subject), { n: 2 * n });
      const each = (/** @type {number} */ more) => more / n - clusterBytes(0).length;
      try {
        return { bytes: each((await twice.memory()) - before), live: each((await twice.live()) - live) };
      } finally {
        await twice.stop();
      }
    },
  }),
  define({
    id: "mute",
    title: "A delta client that never reads, on 1,000 clusters, 10,000 changes",
    meaning:
      "An Envoy that hangs must not make the control plane grow. Changes that it does not read are merged, not queued.",
    scale: {
      full: { rounds: 5, n: 1000, count: 10_000 },
      quick: { rounds: 1, n: 1000, count: 2_000 },
      tiny: { rounds: 1, n: 10, count: 100 },
    },
    subjects: ({ n }) => ({
      ...each({ n, cache: "linear" }),
      [nobody]: { target: "library", setup: { n, cache: "linear" } },
    }),
    clients: (_, subject) => (subject === nobody ? undefined : { streams: 1, delta: true, mode: "mute" }),
    metrics: {
      growth: {
        title: "what is alive in the server grows by",
        unit: "KB",
        meaning: "In the second 10,000 changes. A response is 200 KB.",
        goals: [{ most: 200 }],
      },
      first: {
        title: "the same in the first 10,000",
        unit: "KB",
        meaning:
          "V8 still compiles code then, with and without a client. The client adds the one response that it does not read, and one earlier state of each resource. All clients that lag behind share that state.",
      },
    },
    async measure({ session, scale: { count, n } }) {
      const more = async (/** @type {number} */ from) => {
        const before = await session.live();
        await session.order(`changes ${from} ${count} ${n}`);
        return ((await session.live()) - before) / 1024;
      };
      return { first: await more(1), growth: await more(1 + count) };
    },
  }),
  define({
    id: "serve",
    title: "xds serve with 10,000 resources in 1,000 YAML files",
    meaning:
      "The program serves a large directory. The figures are the time until the first Envoy is served, and the time until an edit has reached it. Only the edited file is parsed.",
    scale: {
      full: { rounds: 5, files: 1000, n: 10_000, count: 5 },
      quick: { rounds: 2, files: 200, n: 2_000, count: 3 },
      tiny: { rounds: 1, files: 5, n: 50, count: 2 },
    },
    subjects: ({ files, n }) => ({ library: { target: "program", setup: { n, files } } }),
    clients: () => ({ streams: 1, delta: true, mode: "clusters", window: wide }),
    metrics: {
      ready: { title: "start → ready", unit: "s", goals: [{ most: 3 }] },
      edit: { title: "one file edited → pushed and ACKed", unit: "ms", goals: [{ most: 300 }] },
    },
    async measure({ session, scale: { count, n, files } }) {
      const took = [];
      for (let k = 1; k <= count; k++) {
        const arrival = session.clients({ op: "await", from: k, expect: 1 });
        await sleep(50); // until it awaits
        const start = performance.now();
        await session.edit(k, n / files);
        await arrival;
        took.push(performance.now() - start);
      }
      return { ready: session.readyMs / 1000, edit: median(took) };
    },
  }),
  define({
    id: "rate",
    title: "50 changes a second on 500 delta streams × 1,000 clusters",
    meaning:
      "Endpoints change all the time. Changes come faster than Envoys answer. What an Envoy has missed is sent as one response.",
    scale: {
      full: { rounds: 5, streams: 500, n: 1000, count: 600, perSecond: 50 }, // 60 s for each subject, in stretches that take turns
      quick: { rounds: 2, streams: 200, n: 1000, count: 50, perSecond: 50 },
      tiny: { rounds: 1, streams: 20, n: 10, count: 50, perSecond: 50 },
    },
    standing: true,
    subjects: ({ n }) => each({ n, cache: "linear" }),
    clients: ({ streams }) => ({ streams, delta: true, mode: "clusters", window: wide }),
    metrics: {
      ms: { title: "from the last change until all streams have it", unit: "ms", goals: [{ over: "peer", most: 1 }] },
      taken: {
        title: "changes a second that the server takes",
        unit: "1/s",
        meaning:
          "Each change is made when the server has handled the one before. This goes on for as long as all changes would take at 50 a second.",
      },
      cpu: { title: "CPU per second", unit: "ms" },
      p99: { title: "event loop delay, p99", unit: "ms", goals: [{ most: 50 }] },
    },
    async measure({ session, scale: { streams, count, perSecond }, changes, subject }) {
      const from = changes(count);
      if (subject !== "peer") await session.order("delay");
      const before = session.cpu;
      const start = performance.now();
      const { ms, changes: made = 0 } = await session.clients({ op: "rate", from, count, perSecond, expect: streams });
      const cpu = (session.cpu - before) / (performance.now() - start);
      const taken = Math.min(perSecond, made / (count / perSecond));
      const p99 = subject === "peer" ? {} : { p99: (await session.order("delay")).p99 };
      return { ms: ms[0] ?? Number.NaN, taken, cpu, ...p99 };
    },
  }),
];
