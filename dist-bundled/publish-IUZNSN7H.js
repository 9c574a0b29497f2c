import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  parseRevision
} from "./chunk-2DJQ7KEW.js";
import {
  envoyVerdict,
  rolloutOptions
} from "./chunk-6JPJUG6T.js";
import {
  formatEntry,
  locatedBy,
  readingThread
} from "./chunk-DSS3NJDI.js";
import {
  pathsHelp,
  useConfiguration
} from "./chunk-ATRFV6ZO.js";
import {
  Heap
} from "./chunk-BVPH6CDF.js";
import "./chunk-PZFUJURE.js";
import {
  Revisions
} from "./chunk-ISRY64JR.js";
import "./chunk-22CGKJEQ.js";
import {
  countsText
} from "./chunk-LJ4B6LA5.js";
import {
  thisUser
} from "./chunk-3P6YG6D3.js";
import {
  closeAtEnd
} from "./chunk-HR4TENBB.js";
import "./chunk-TUFE6ZWA.js";
import "./chunk-DHNIKOB3.js";
import {
  plainLog
} from "./chunk-YDSDQWQI.js";
import {
  etcdOptions,
  openEtcd,
  storeSettings
} from "./chunk-UWRNQDM4.js";
import "./chunk-Q7XJEDFK.js";
import "./chunk-K7FWRZOE.js";
import "./chunk-4RDZYBRZ.js";
import "./chunk-D5GLPEAO.js";
import {
  addSettings,
  checkPaths,
  configOption,
  groupField,
  readCall
} from "./chunk-R5576SU6.js";
import {
  settingNames
} from "./chunk-LDT72UKC.js";
import {
  useApi
} from "./chunk-H5AN4Y5K.js";
import {
  InvalidArgumentError,
  Option,
  UsageError,
  addExamples,
  outputOption,
  parseDuration
} from "./chunk-J3J7LZXM.js";
import {
  complain,
  print
} from "./chunk-R2MMVVGI.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-UUDCD6VN.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-RZ4DQXNT.js";
import {
  mostLines
} from "./chunk-LZZ3K5Q7.js";
import "./chunk-UYUWU3HF.js";
import "./chunk-P2PIW5AR.js";
import "./chunk-HCKWFFCM.js";
import "./chunk-UHTHQG76.js";
import "./chunk-KZCVAWTX.js";
import "./chunk-U7CKKRTO.js";
import "./chunk-4DK7NEUR.js";
import "./chunk-3HUGTRVO.js";
import "./chunk-V3U6TY2X.js";
import "./chunk-J5PPFYCF.js";
import "./chunk-T3KJFUI7.js";
import "./chunk-CZML2OM4.js";
import "./chunk-B5Y3DCLC.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-BWU6O4MA.js";
import {
  resourceType
} from "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-R3YROBDM.js";
import "./chunk-MN2RV65N.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-4YBW5ZFI.js";
import "./chunk-ENVTCLV6.js";
import "./chunk-ZCNRJYSX.js";
import "./chunk-7P7SAT7Z.js";
import "./chunk-AIYMUFE6.js";
import "./chunk-3DMVKFOY.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-TCS7TSVQ.js";
import "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-GUQET7K7.js";
import "./chunk-4IMF5HEM.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-LOQZ6ZLP.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/commands/publish.js
var description = `Publish files to a store that servers share, as a new revision. \`xds serve --store \u2026\` without paths serves it.

The files are the same as for \`xds serve\`, and pass the same checks: what Envoy would refuse, references that the change breaks, and changes that remove much. With \`--rollout-strategy gradual\`, the servers bring the revision to one node first, and then to more and more.

Exit codes: 0 the revision is published, or is what was published last; with --wait: all nodes have it. 1 it is not: a check fails, the change is held, changes are frozen, the content is barred, another publisher was faster, or the store does not answer; with --wait: the revision was rolled back or replaced. 2 wrong usage.`;
function addPublish(program, exit) {
  const command = program.command("publish").summary("publish files to a store that servers share").description(description).argument("[path...]", pathsHelp).addOption(configOption()).option("-m, --message <text>", "what the change is about; `xds history` shows it").addOption(new Option("--base <revision>", "publish only if this is the newest revision that is served or rolled out, such as @12").argParser(parseRevision)).addOption(new Option("--approve <hash>", "publish a change that is held for what it removes; the message of a held change has the hash").argParser(parseHash)).option("--wait", "wait until all nodes are served the revision, or it is rolled back or replaced").addOption(new Option("--timeout <time>", "how long --wait waits; then exit code 1").argParser(parseDuration)).addOption(outputOption());
  addSettings(command, [
    ...storeSettings,
    ...["nodeGroup", "unmatchedNodes", "validation", "resourceType", "descriptors", "envoy", "liveTypes"],
    ...["missingTarget", "knownClusters", "checkEnvoy", "removalGuard", "rolloutStrategy", "keepRevisions"]
  ]);
  addExamples(command, [
    [
      "xds publish config/ --store etcd://etcd-1:2379/edge -m 'timeout of checkout: 2s'",
      "publishes the files in config/"
    ],
    ['xds publish --wait --timeout 1h -m "$(git log -1 --format=%s)"', "in a CI job, with paths and store in xds.yaml"],
    ["xds publish config/ --base @12 -m 'as reviewed'", "only if nobody has published since revision 12"]
  ]);
  command.action(async (paths, options) => exit(await publish(paths, options, command)));
}
async function publish(given, options, command) {
  const { config, message, base, approve: approved, wait = false, timeout, output } = options;
  if (timeout !== void 0 && !wait)
    throw new UsageError("--timeout is about --wait; give both");
  const call = await readCall(given, config, command, settingNames);
  const { settings, paths, file, groupRules } = call;
  checkPaths(call, "publish");
  const etcd = etcdOptions(settings);
  if (!etcd)
    throw new UsageError("publish to which store? Name it with --store, XDS_STORE or `store:` in xds.yaml");
  await useApi(settings);
  const thread = readingThread(settings);
  const files = {
    except: file === void 0 ? [] : [file],
    groups: call.layered,
    checks: settings.validation !== "off",
    resourceType: settings.resourceType,
    ...thread && { thread },
    heap: new Heap()
  };
  const store = await openEtcd(etcd, plainLog);
  closeAtEnd(() => store.close());
  const revisions = await Revisions.open(store, { keep: settings.keepRevisions });
  if (base !== void 0)
    checkBase(base, revisions.head);
  const { publishOnce } = await import("./publish-once-HEBJ5I32.js");
  const result = await useConfiguration(paths, files, async (reading) => publishOnce(reading, revisions, {
    gate: {
      validation: settings.validation,
      servesOthers: settings.unmatchedNodes === "default",
      missingTarget: settings.missingTarget,
      knownClusters: settings.knownClusters,
      verdict: settings.checkEnvoy === void 0 ? void 0 : await envoyVerdict(settings.checkEnvoy)
    },
    rules: { rules: groupRules, field: groupField(call) },
    authorship: {
      by: `claimed ${thisUser()}`,
      source: paths.join(", "),
      ...message !== void 0 && { message }
    },
    liveTypes: settings.liveTypes,
    removalShare: settings.removalGuard === "off" ? void 0 : settings.removalGuard,
    isGradual: rolloutOptions(settings) !== void 0,
    approved,
    onFindings: (findings, more) => printFindings(findings, more),
    locate: thread && locatedBy(thread)
  }));
  const revision = revisionIn(result, revisions.isFrozen);
  if (!revision)
    return 1;
  const state = stateOf(result);
  print(output, { revision: revision.number, content: revision.content, result: state }, () => publishedText(state, revision.number, countsText(named(revision.counts))));
  return wait ? waitFor(revision.number, revisions, timeout) : 0;
}
function checkBase(base, head) {
  const newest = head.rollout?.revision ?? head.stable;
  if (newest === base)
    return;
  const what = newest === 0 ? "nothing is published yet" : `@${newest} is the newest revision`;
  throw new XdsError("WRONG_STATE", `${what}, and not @${base}: look at what it has changed, then publish again`);
}
var printFindings = (findings, more) => {
  const lines = findings.slice(0, mostLines).map((finding) => formatEntry(finding));
  if (more + findings.length > lines.length)
    lines.push("\u2026 and more; xds validate prints all");
  process.stderr.write(`${lines.join("\n")}
`);
};
function revisionIn(result, isFrozen) {
  if ("problems" in result) {
    const { problems } = result;
    printFindings(problems, 0);
    complain(`${problems.length === 1 ? "1 problem" : `${problems.length} problems`}; nothing is published`);
    return void 0;
  }
  const { published, held } = result;
  if (published.result === "barred") {
    const { revision, why } = published.barred;
    complain(`this content is barred: it was published as @${revision}, and ${why}; edit it, or allow it with \`xds rollout again @${revision}\``);
    return void 0;
  }
  if (published.result !== "held")
    return published.revision;
  for (const reason of held?.reasons ?? [])
    complain(reason);
  complain(isFrozen ? "nothing but live resources is published during a freeze; `xds unfreeze` ends it" : `the change is held, and nothing is published; if it is right, publish it with --approve ${published.content.slice(0, 12)}`);
  return void 0;
}
function stateOf(result) {
  if ("problems" in result || result.published.result === "held" || result.published.result === "barred")
    return "unchanged";
  const { published, counts } = result;
  const isSame = counts.added + counts.changed + counts.removed === 0;
  return published.result === "unchanged" && !isSame ? "live" : published.result;
}
var named = (counts) => Object.fromEntries(Object.entries(counts).map(([typeUrl, count]) => [resourceType(typeUrl).name, count]));
function publishedText(state, number, counts) {
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
async function waitFor(number, revisions, timeoutMs) {
  let wave = "";
  const ended = await new Promise((resolve) => {
    const look = (head) => {
      const { rollout } = head;
      const end = endOf(number, head);
      if (end !== "waiting")
        return resolve(end);
      const now = rollout ? `wave ${rollout.wave}, ${rollout.state}${rollout.paused ? ", paused" : ""}` : "";
      if (now !== wave)
        complain(`@${number}: ${now}${rollout?.waitsFor ? `, waits: ${rollout.waitsFor}` : ""}`);
      wave = now;
    };
    revisions.onMove(look);
    if (timeoutMs !== void 0)
      setTimeout(() => resolve(`@${number} does not reach all nodes within ${timeoutMs / 1e3} s`), timeoutMs).unref();
    look(revisions.head);
  });
  if (ended === void 0)
    complain(`@${number} is served to all nodes`);
  else
    complain(ended);
  return ended === void 0 ? 0 : 1;
}
function endOf(number, { stable, rollout, barred }) {
  if (stable === number)
    return void 0;
  if (rollout?.revision === number)
    return "waiting";
  const bar = barred.find(({ revision }) => revision === number);
  if (bar)
    return `@${number} was rolled back: ${bar.why}`;
  return `@${number} was replaced by @${rollout?.revision ?? stable}`;
}
function parseHash(text) {
  if (/^[0-9a-f]{8,64}$/i.test(text))
    return text.toLowerCase();
  throw new InvalidArgumentError("expected at least 8 digits of the hash of a held change");
}
export {
  addPublish
};
