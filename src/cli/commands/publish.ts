import { setTimeout as sleep } from "node:timers/promises";
import type { JsonValue } from "@bufbuild/protobuf";
import { type Command, InvalidArgumentError, Option } from "commander";
import { thisUser } from "../../control/control-client.js";
import { XdsError } from "../../errors.js";
import { isAsNew, replicaRecord } from "../../fleet/replica.js";
import { resourceType } from "../../resource/default-api.js";
import type { Revision } from "../../revisions/revision.js";
import { Revisions } from "../../revisions/revisions.js";
import type { Head } from "../../rollout/head.js";
import { Heap } from "../../server/admission/heap.js";
import { mostLines } from "../../serving/configuration-gate.js";
import type { ConfigurationFinding } from "../../serving/findings.js";
import type { PublishedOnce } from "../../serving/publish-once.js";
import type { Store } from "../../store/store.js";
import { envoyVerdict } from "../envoy/served-verdict.js";
import { pathsHelp, useConfiguration } from "../report/load-configuration.js";
import { formatEntry } from "../report/report.js";
import { useApi } from "../settings/api-options.js";
import { checkPaths, configOption, groupField, readCall } from "../settings/call.js";
import { locatedBy, readingThread } from "../settings/reading.js";
import { rolloutOptions } from "../settings/rollout-options.js";
import { addSettings } from "../settings/setting-options.js";
import { settingNames } from "../settings/settings.js";
import { etcdOptions, openEtcd, storeSettings } from "../settings/store-options.js";
import { closeAtEnd } from "../terminal/at-end.js";
import {
  addExamples,
  type Exit,
  type OutputOptions,
  outputOption,
  parseDuration,
  UsageError,
} from "../terminal/command.js";
import { plainLog } from "../terminal/log.js";
import { complain, print } from "../terminal/output.js";
import { parseRevision } from "../terminal/revision.js";
import { countsText } from "./history.js";

interface PublishOptions extends OutputOptions {
  readonly config?: string;
  readonly message?: string;
  readonly base?: number;
  readonly approve?: string;
  readonly wait?: boolean;
  readonly timeout?: number;
}

const description = `Publish files to a store that servers share, as a new revision. \`xds serve --store …\` without paths serves it.

The files are the same as for \`xds serve\`, and pass the same checks: what Envoy would refuse, references that the change breaks, and \
changes that remove much. With \`--rollout-strategy gradual\`, the servers bring the revision to one node first, and then to more and more.

Exit codes: 0 the revision is published, or is what was published last; with --wait: all nodes have it. 1 it is not: a check fails, the \
change is held, changes are frozen, the content is barred, another publisher was faster, or the store does not answer; with --wait: a node refuses \
the revision, or it was rolled back or replaced. 2 wrong usage.`;

/** `xds publish`. */
export function addPublish(program: Command, exit: Exit): void {
  const command = program
    .command("publish")
    .summary("publish files to a store that servers share")
    .description(description)
    .argument("[path...]", pathsHelp)
    .addOption(configOption())
    .option("-m, --message <text>", "what the change is about; `xds history` shows it")
    .addOption(
      new Option(
        "--base <revision>",
        "publish only if this is the newest revision that is served or rolled out, such as @12",
      ).argParser(parseRevision),
    )
    .addOption(
      new Option(
        "--approve <hash>",
        "publish a change that is held for what it removes; the message of a held change has the hash",
      ).argParser(parseHash),
    )
    .option(
      "--wait",
      "wait until all nodes of all replicas have applied the revision, or one refuses it, or it is rolled back or replaced",
    )
    .addOption(new Option("--timeout <time>", "how long --wait waits; then exit code 1").argParser(parseDuration))
    .addOption(outputOption());
  addSettings(command, [
    ...storeSettings,
    ...(["nodeGroup", "unmatchedNodes", "validation", "resourceType", "descriptors", "envoy", "liveTypes"] as const),
    ...(["missingTarget", "knownClusters", "checkEnvoy", "removalGuard", "rolloutStrategy", "keepRevisions"] as const),
  ]);
  addExamples(command, [
    [
      "xds publish config/ --store etcd://etcd-1:2379/edge -m 'timeout of checkout: 2s'",
      "publishes the files in config/",
    ],
    ['xds publish --wait --timeout 1h -m "$(git log -1 --format=%s)"', "in a CI job, with paths and store in xds.yaml"],
    ["xds publish config/ --base @12 -m 'as reviewed'", "only if nobody has published since revision 12"],
  ]);
  command.action(async (paths: string[], options: PublishOptions) => exit(await publish(paths, options, command)));
}

async function publish(given: readonly string[], options: PublishOptions, command: Command): Promise<number> {
  const { config, message, base, approve: approved, wait = false, timeout, output } = options;
  if (timeout !== undefined && !wait) throw new UsageError("--timeout is about --wait; give both");
  const call = await readCall(given, config, command, settingNames);
  const { settings, paths, file, groupRules } = call;
  checkPaths(call, "publish");
  const etcd = etcdOptions(settings);
  if (!etcd) throw new UsageError("publish to which store? Name it with --store, XDS_STORE or `store:` in xds.yaml");
  await useApi(settings);
  const thread = readingThread(settings);
  const files = {
    except: file === undefined ? [] : [file],
    groups: call.layered,
    checks: settings.validation !== "off",
    resourceType: settings.resourceType,
    ...(thread && { thread }),
    heap: new Heap(),
  };
  const store = await openEtcd(etcd, plainLog);
  closeAtEnd(() => store.close());
  const revisions = await Revisions.open(store, { keep: settings.keepRevisions });
  if (base !== undefined) checkBase(base, revisions.head);
  const { publishOnce } = await import("../../serving/publish-once.js"); // loads what --help does not need
  const result = await useConfiguration(paths, files, async (reading) =>
    publishOnce(reading, revisions, {
      gate: {
        validation: settings.validation,
        servesOthers: settings.unmatchedNodes === "default",
        missingTarget: settings.missingTarget,
        knownClusters: settings.knownClusters,
        verdict: settings.checkEnvoy === undefined ? undefined : await envoyVerdict(settings.checkEnvoy),
      },
      rules: { rules: groupRules, field: groupField(call) },
      authorship: {
        by: `claimed ${thisUser()}`,
        source: paths.join(", "),
        ...(message !== undefined && { message }),
      },
      liveTypes: settings.liveTypes,
      removalShare: settings.removalGuard === "off" ? undefined : settings.removalGuard,
      isGradual: rolloutOptions(settings) !== undefined,
      approved,
      onFindings: (findings, more) => printFindings(findings, more),
      locate: thread && locatedBy(thread),
    }),
  );
  const revision = revisionIn(result, revisions.isFrozen);
  if (!revision) return 1;
  const state = stateOf(result);
  print(output, { revision: revision.number, content: revision.content, result: state }, () =>
    publishedText(state, revision.number, countsText(named(revision.counts))),
  );
  return wait ? waitForNodes(revision.number, revisions, store, timeout) : 0;
}

function checkBase(base: number, head: Head): void {
  const newest = head.rollout?.revision ?? head.stable;
  if (newest === base) return;
  const what = newest === 0 ? "nothing is published yet" : `@${newest} is the newest revision`;
  throw new XdsError("WRONG_STATE", `${what}, and not @${base}: look at what it has changed, then publish again`);
}

const printFindings = (findings: readonly ConfigurationFinding[], more: number) => {
  const lines = findings.slice(0, mostLines).map((finding) => formatEntry(finding));
  if (more + findings.length > lines.length) lines.push("… and more; xds validate prints all");
  process.stderr.write(`${lines.join("\n")}\n`);
};

/** The revision that has the configuration. undefined if it is not published; then the reason is printed. */
function revisionIn(result: PublishedOnce, isFrozen: boolean): Revision | undefined {
  if ("problems" in result) {
    const { problems } = result;
    printFindings(problems, 0);
    complain(`${problems.length === 1 ? "1 problem" : `${problems.length} problems`}; nothing is published`);
    return undefined;
  }
  const { published, held } = result;
  if (published.result === "barred") {
    const { revision, why } = published.barred;
    complain(
      `this content is barred: it was published as @${revision}, and ${why}; edit it, or allow it with \`xds rollout again @${revision}\``,
    );
    return undefined;
  }
  if (published.result !== "held") return published.revision;
  for (const reason of held?.reasons ?? []) complain(reason);
  complain(
    isFrozen
      ? "nothing but live resources is published during a freeze; `xds unfreeze` ends it"
      : `the change is held, and nothing is published; if it is right, publish it with --approve ${published.content.slice(0, 12)}`,
  );
  return undefined;
}

type State = "served" | "started" | "unchanged" | "reverted" | "live";

function stateOf(result: PublishedOnce): State {
  if ("problems" in result || result.published.result === "held" || result.published.result === "barred")
    return "unchanged";
  const { published, counts } = result;
  const isSame = counts.added + counts.changed + counts.removed === 0;
  return published.result === "unchanged" && !isSame ? "live" : published.result;
}

const named = (counts: Revision["counts"]) =>
  Object.fromEntries(Object.entries(counts).map(([typeUrl, count]) => [resourceType(typeUrl).name, count]));

function publishedText(state: State, number: number, counts: string): string {
  switch (state) {
    case "served":
      return `@${number} is published for all nodes (${counts})`;
    case "started":
      return `@${number} is published, and its rollout begins (${counts})`;
    case "reverted":
      return `the files have the content of @${number}, which is stable: the rollout of the other revision has ended`;
    case "live":
      return `live resources have changed, and are served at once; all else is as in @${number}`;
    case "unchanged":
      return `nothing has changed since @${number}`;
  }
}

/** Waits until all nodes of all replicas have a revision (0), or cannot get it (1). */
async function waitForNodes(
  number: number,
  revisions: Revisions,
  store: Store,
  timeoutMs = Number.POSITIVE_INFINITY,
): Promise<number> {
  const until = performance.now() + timeoutMs;
  const why = (await becomesStable(number, revisions, timeoutMs)) ?? (await isApplied(number, revisions, store, until));
  if (why !== undefined) complain(why);
  return why === undefined ? 0 : 1;
}

/** Resolves when a revision is stable, or with the reason why it does not become so. */
function becomesStable(number: number, revisions: Revisions, timeoutMs: number): Promise<string | undefined> {
  let wave = "";
  return new Promise((resolve) => {
    const look = (head: Head) => {
      const { rollout } = head;
      const end = endOf(number, head);
      if (end !== "waiting") return resolve(end);
      const now = rollout ? `wave ${rollout.wave}, ${rollout.state}${rollout.paused ? ", paused" : ""}` : "";
      if (now !== wave) complain(`@${number}: ${now}${rollout?.waitsFor ? `, waits: ${rollout.waitsFor}` : ""}`);
      wave = now;
    };
    revisions.onMove(look);
    if (timeoutMs < Number.POSITIVE_INFINITY) setTimeout(() => resolve(tooLate(number)), timeoutMs).unref();
    look(revisions.head);
  });
}

const tooLate = (number: number) => `@${number} does not reach all nodes in the time of --timeout`;

/** How often the announcements of the replicas are read, in milliseconds. */
const lookMs = 1_000;

/**
 * Resolves when the nodes of all replicas have applied a stable revision, or with the reason why they do not. Each
 * replica announces in the store what its nodes have applied.
 */
async function isApplied(
  number: number,
  revisions: Revisions,
  store: Store,
  until: number,
): Promise<string | undefined> {
  const wanted = { stable: number, live: revisions.head.live };
  const told = new Set<string>();
  for (;;) {
    const present = [...((await store.present?.()) ?? new Map<string, JsonValue>()).values()];
    const replicas = present.map((value) => replicaRecord(value));
    const late = replicas.filter((replica) => !isAsNew(replica?.applied, wanted));
    if (late.length === 0) {
      const count = replicas.length === 1 ? "1 replica" : `${replicas.length} replicas`;
      const nodes =
        replicas.length === 0 ? "no replica runs that announces itself" : `the nodes of ${count} have applied it`;
      complain(`@${number} is served to all nodes: ${nodes}`);
      return undefined;
    }
    for (const replica of late) {
      if (!replica?.lacking || !isAsNew(replica.served, wanted)) continue;
      const { isRefused, text } = replica.lacking;
      if (isRefused) return `@${number} is not applied by all nodes of ${replica.address}: ${text}`;
      const line = `@${number}: waits for nodes of ${replica.address}: ${text}`;
      if (!told.has(line)) complain(line);
      told.add(line);
    }
    const { stable, rollout } = revisions.head;
    if (stable !== number) return `@${number} was replaced by @${rollout?.revision ?? stable}`;
    if (performance.now() >= until)
      return `${tooLate(number)}: ${late.map((one) => one?.address ?? "a replica of another version").join(", ")}`;
    await sleep(Math.min(lookMs, Math.max(1, until - performance.now())));
  }
}

/** undefined: the revision is stable. A text: why it will not be. */
function endOf(number: number, { stable, rollout, barred }: Head): "waiting" | string | undefined {
  if (stable === number) return undefined;
  if (rollout?.revision === number) return "waiting";
  const bar = barred.find(({ revision }) => revision === number);
  if (bar) return `@${number} was rolled back: ${bar.why}`;
  return `@${number} was replaced by @${rollout?.revision ?? stable}`;
}

/** At least 8 digits of a hash. */
function parseHash(text: string): string {
  if (/^[0-9a-f]{8,64}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("expected at least 8 digits of the hash of a held change");
}
