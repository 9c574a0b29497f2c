import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  tells
} from "./chunk-Z6FO2CLJ.js";
import "./chunk-XLI3BY3B.js";
import "./chunk-WSFHJ34A.js";
import {
  EnvoyValidator,
  entriesOf,
  fromRemark,
  locatedBy,
  mostRefused,
  ownCodes,
  printReport,
  readingThread,
  reportOf,
  severities
} from "./chunk-DSS3NJDI.js";
import {
  pathsHelp,
  useConfiguration
} from "./chunk-ATRFV6ZO.js";
import {
  Heap
} from "./chunk-BVPH6CDF.js";
import "./chunk-PZFUJURE.js";
import "./chunk-K7FWRZOE.js";
import "./chunk-D5GLPEAO.js";
import {
  addGroupOptions,
  checkPaths,
  chosenGroup,
  configOption,
  readFilesCall
} from "./chunk-R5576SU6.js";
import "./chunk-LDT72UKC.js";
import {
  addApiOptions,
  apiHelp,
  typeOption,
  useApi
} from "./chunk-H5AN4Y5K.js";
import {
  Option,
  addExamples,
  outputOption
} from "./chunk-J3J7LZXM.js";
import {
  print
} from "./chunk-R2MMVVGI.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-UUDCD6VN.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-UYUWU3HF.js";
import {
  inOrder,
  located,
  wordsOf
} from "./chunk-P2PIW5AR.js";
import "./chunk-HCKWFFCM.js";
import "./chunk-KZCVAWTX.js";
import "./chunk-4DK7NEUR.js";
import "./chunk-3HUGTRVO.js";
import "./chunk-V3U6TY2X.js";
import "./chunk-J5PPFYCF.js";
import "./chunk-T3KJFUI7.js";
import "./chunk-CZML2OM4.js";
import {
  referrerTypes
} from "./chunk-B5Y3DCLC.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import {
  configurationOf,
  viewOf
} from "./chunk-BWU6O4MA.js";
import {
  findResourceType
} from "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-D2S3E5CW.js";
import {
  dumpForms
} from "./chunk-VMU57E7V.js";
import "./chunk-BXRIZRRP.js";
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
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/compare/dump-parts.js
var DumpParts = class {
  reading;
  /** File → the type URLs of the references that it leaves open. */
  open = /* @__PURE__ */ new Map();
  constructor(reading) {
    this.reading = reading;
  }
  /**
   * Whether a finding could be wrong because the dump is only a part: the finding is about references to or from types
   * that the dump does not contain.
   */
  leavesOpen({ of, code, target, targetName }) {
    const [file, dump] = this.dumpOf(of);
    if (!dump || target === void 0 && code !== "UNREFERENCED")
      return false;
    const types = target === void 0 ? (referrerTypes[of.type.typeUrl] ?? []).filter((type) => dumpForms[type]) : [target];
    const absent = types.filter((typeUrl) => !tells({ dump }, typeUrl, targetName));
    const known = this.open.get(file) ?? /* @__PURE__ */ new Set();
    this.open.set(file, known);
    for (const typeUrl of absent)
      known.add(typeUrl);
    return absent.length > 0;
  }
  /** An entry for each file, with the types that were left open. */
  entries() {
    return [...this.open].flatMap(([file, types]) => {
      const names = Array.from(types, (typeUrl) => findResourceType(typeUrl)?.name ?? typeUrl);
      const message = `the dump may lack ${names.join(", ")}; references to and from them were not checked (--strict checks them)`;
      return names.length > 0 ? [{ file, severity: ownCodes.NOT_CHECKED, code: "NOT_CHECKED", path: "", message }] : [];
    });
  }
  dumpOf(of) {
    const { places, dumps } = "problems" in this.reading ? {} : this.reading;
    const file = places?.get(of)?.file ?? "";
    return [file, dumps?.get(file)];
  }
};

// dist/cli/report/sarif.js
import { isAbsolute, sep } from "node:path";
import { pathToFileURL } from "node:url";
var levels = { error: "error", warning: "warning", info: "note" };
function sarifOf(entries, version, envoy) {
  const codes = [...new Set(entries.map(({ code }) => code))].sort();
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: { name: "xds", version, rules: codes.map((id) => ({ id })) },
          ...envoy && { extensions: [{ name: "envoy", version: envoy.version }] }
        },
        columnKind: "utf16CodeUnits",
        results: entries.map((entry) => ({
          ruleId: entry.code,
          ruleIndex: codes.indexOf(entry.code),
          level: levels[entry.severity],
          message: { text: wordsOf(entry) },
          locations: [locationOf(entry)]
        }))
      }
    ]
  };
}
function locationOf({ file, line, column, type, resource, path }) {
  const uri = isAbsolute(file) ? pathToFileURL(file).href : file.split(sep).map(encodeURIComponent).join("/");
  const artifactLocation = { uri };
  const region = line === void 0 ? {} : { region: { startLine: line, startColumn: column } };
  const logicalLocation = {
    name: resource,
    fullyQualifiedName: `${type}/${resource}${path && `: ${path}`}`,
    kind: "object"
  };
  return {
    physicalLocation: { artifactLocation, ...region },
    ...resource !== void 0 && { logicalLocations: [logicalLocation] }
  };
}

// dist/cli/commands/validate.js
var description = `Check resources in files. Three things are checked: the files can be read, the fields keep the API's rules, and the referenced resources exist. Nothing is served, and no Envoy is needed. With --envoy, an Envoy checks the resources as well.

The files are the same as for \`xds serve\`. By default they are those that xds.yaml or XDS_PATHS names. An xds.yaml also chooses the API, and whether nodes without a group are served. The files in <directory>/groups/<group>/ are checked together with those for all nodes. Each finding is one line: \`file:line:column severity CODE message\`. docs/validation.md explains the codes. Exit codes: 0 no error, 1 at least one error, 2 wrong usage.`;
function addValidate(program, exit) {
  const command = program.command("validate").summary("check files: the API's rules, and whether referenced resources exist").description(description).argument("[path...]", pathsHelp).addOption(configOption()).addOption(typeOption()).option("--strict", "make errors of references that lead out of these files, and of fields and types that this API does not know", false).addOption(new Option("--severity <least>", "the least severity that is printed").choices([...severities]).default("info")).addOption(outputOption("sarif")).action(async (paths, options) => exit(await validate(paths, options, command)));
  addGroupOptions(command);
  addApiOptions(command, `${apiHelp.envoy}; this Envoy also checks the resources, with its --mode validate; a script that runs an Envoy has no API, so give the API with --descriptors`);
  addExamples(command, [
    ["xds validate config/", "prints what Envoy would refuse in config/, and probable mistakes"],
    ["xds validate config/ --envoy /usr/bin/envoy", "also prints what this Envoy refuses"],
    ["istioctl proxy-config clusters POD -o json | xds validate -", "checks the clusters of a proxy, without a file"],
    ["xds validate --group edge", "checks what the nodes of group edge of xds.yaml are served"],
    [
      "xds validate config/ --strict -o sarif > findings.sarif",
      "for a CI system; config/ must contain everything that it refers to"
    ]
  ]);
}
async function validate(given, { output, strict, severity, config, ...groupOptions }, command) {
  const call = await readFilesCall(given, config, command);
  checkPaths(call, "validate");
  const { paths, api, files, settings } = call;
  const validator = api.envoy === void 0 ? void 0 : await EnvoyValidator.find(api.envoy);
  await useApi(api.descriptors === void 0 ? api : { descriptors: api.descriptors });
  const thread = readingThread(settings);
  const options = { ...files, ...thread && { thread }, heap: new Heap(), checks: true };
  return await useConfiguration(paths, options, async (whole) => {
    const reading = "problems" in whole ? whole : onlyOf(whole, chosenGroup(call, groupOptions, whole.configuration));
    const verdict = "problems" in reading ? void 0 : await validator?.ask(reading.configuration);
    const servesOthers = settings.unmatchedNodes === "default";
    const parts = new DumpParts(reading);
    const found = entriesOf(reading, { strict, servesOthers }, (finding) => strict || !parts.leavesOpen(finding));
    const locate = thread && locatedBy(thread);
    const all = inOrder([
      ...await located(found, locate),
      ...parts.entries(),
      ...entriesOfEnvoy(verdict, reading, paths)
    ]);
    const shown = all.filter((entry) => severities.indexOf(entry.severity) <= severities.indexOf(severity));
    const report = { ...reportOf(all, reading), findings: shown, envoy: verdict && tallyOf(verdict) };
    if (output === "sarif")
      print("json", sarifOf(shown, command.parent?.version() ?? "", report.envoy), String);
    else
      printReport(output, report);
    return report.counts.error > 0 ? 1 : 0;
  });
}
function onlyOf(reading, chosen) {
  if (chosen === void 0)
    return reading;
  const view = viewOf(reading.configuration, chosen === "none" ? void 0 : chosen.group);
  const places = new Map(view.flatMap((resource) => {
    const place = reading.places.get(resource);
    return place ? [[resource, place]] : [];
  }));
  return { ...reading, configuration: configurationOf(view), places };
}
function entriesOfEnvoy(verdict, reading, paths) {
  if (!verdict || "problems" in reading)
    return [];
  const message = `Envoy refused ${mostRefused} resources, and the others were not tried; correct these first`;
  return [
    ...verdict.refused.map((remark) => fromRemark(remark, reading, "ENVOY")),
    ...verdict.notTried.map((remark) => fromRemark(remark, reading, "NOT_TRIED")),
    ...verdict.isPartial ? [{ file: paths.join(", "), severity: ownCodes.NOT_TRIED, code: "NOT_TRIED", path: "", message }] : []
  ];
}
var tallyOf = ({ version, refused, notTried }) => ({
  version,
  refused: refused.length,
  notTried: notTried.length
});
export {
  addValidate
};
