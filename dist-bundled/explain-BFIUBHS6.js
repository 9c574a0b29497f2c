import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  isUnserved,
  unservedLines,
  unservedNote
} from "./chunk-ITRQ3BU4.js";
import {
  configurationHelp,
  hasPartOf,
  loadOperands,
  tells,
  unansweredLines,
  unreadLines
} from "./chunk-Z6FO2CLJ.js";
import {
  addRemoteOptions
} from "./chunk-XLI3BY3B.js";
import "./chunk-WSFHJ34A.js";
import "./chunk-ATRFV6ZO.js";
import "./chunk-PZFUJURE.js";
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
  typeOption,
  useApiFor
} from "./chunk-H5AN4Y5K.js";
import {
  NoConfiguration,
  addExamples,
  outputOption
} from "./chunk-J3J7LZXM.js";
import {
  complain,
  paint,
  print,
  table
} from "./chunk-R2MMVVGI.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-UUDCD6VN.js";
import "./chunk-UYRQJDKN.js";
import {
  placeOf
} from "./chunk-P2PIW5AR.js";
import "./chunk-4DK7NEUR.js";
import "./chunk-V3U6TY2X.js";
import "./chunk-J5PPFYCF.js";
import {
  Locator,
  ReferenceGraph,
  namesOf,
  needsTarget
} from "./chunk-T3KJFUI7.js";
import "./chunk-CZML2OM4.js";
import {
  referencesOf,
  referrerTypes
} from "./chunk-B5Y3DCLC.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import {
  allResources,
  commonLayer,
  isOwnLayer,
  viewOf
} from "./chunk-BWU6O4MA.js";
import {
  findResourceType,
  resourceTypes
} from "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-D2S3E5CW.js";
import {
  dumpForms
} from "./chunk-VMU57E7V.js";
import "./chunk-BXRIZRRP.js";
import "./chunk-ENVTCLV6.js";
import "./chunk-ZCNRJYSX.js";
import {
  canonicalName
} from "./chunk-7P7SAT7Z.js";
import "./chunk-AIYMUFE6.js";
import "./chunk-3DMVKFOY.js";
import {
  findTypeNamed
} from "./chunk-PTJNKBKB.js";
import "./chunk-TCS7TSVQ.js";
import {
  XdsApi
} from "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import "./chunk-GUQET7K7.js";
import "./chunk-4IMF5HEM.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-LOQZ6ZLP.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/compare/reference-tree.js
var mostSteps = 20;
var ReferenceTrees = class {
  reading;
  /** Resource → its layer, for resources that are not for all nodes. */
  layers = /* @__PURE__ */ new Map();
  graph;
  locator = new Locator();
  /** With `chosen`, only what the nodes of this group, or of no group, are served. */
  constructor(reading, chosen) {
    this.reading = reading;
    const { configuration } = reading;
    const group = chosen === "none" ? void 0 : chosen?.group;
    const shown = chosen ? new Set(viewOf(configuration, group)) : allResources(configuration);
    const common = new Set(configuration.layers.get(commonLayer)?.resources);
    for (const [name, { resources }] of configuration.layers)
      for (const resource of resources)
        if (!common.has(resource))
          this.layers.set(resource, name);
    this.graph = new ReferenceGraph([...shown]);
  }
  /** The names of all resources and references, with the short names of their types. */
  names() {
    return resourceTypes().flatMap(({ typeUrl, name: type }) => Array.from(this.graph.names(typeUrl), (name) => ({ type, name })));
  }
  /**
   * Explains a name. There is one explanation, none for an unknown name, or several if groups have their own resources.
   */
  explain(typeUrl, name) {
    if (!this.graph.names(typeUrl).has(canonicalName(name)))
      return [];
    const resources = this.graph.targets({ typeUrl, name });
    const subjects = resources.length > 0 ? resources.map(subjectOf) : [{ typeUrl, name }];
    return subjects.map((subject) => ({
      ...this.described(subject),
      ...subject.resource && this.reading.places.get(subject.resource),
      referredToBy: this.tree(subject, this.referrers),
      refersTo: this.tree(subject, this.targets)
    }));
  }
  /** A line for each thing that a part of a dump leaves open about resources of these types. */
  *notes(typeUrls) {
    const { dump } = this.reading;
    for (const line of unansweredLines(this.reading))
      yield `${line}; their references are not known`;
    if (!dump)
      return;
    const above = new Set(typeUrls);
    for (const typeUrl of above)
      for (const referrer of referrerTypes[typeUrl] ?? [])
        above.add(referrer);
    const isAbsent = ({ typeUrl }) => above.has(typeUrl) && dumpForms[typeUrl] && !hasPartOf(dump, typeUrl);
    const absent = resourceTypes().filter(isAbsent);
    if (absent.length > 0)
      yield `the dump does not contain ${absent.map(({ name }) => name).join(", ")}`;
    if (dump.isOfSomeNames)
      yield "the dump has only some names (?name_regex=); other resources may exist";
    if (dump.cut.size > 0)
      yield "the dump has only some fields of some resources (?mask=); their other references are not known";
  }
  /**
   * The tree of branches of a subject. A subject that is reached several times has its branches only the first time.
   */
  tree(root, stepsFrom) {
    const onTheWay = /* @__PURE__ */ new Set();
    const done = /* @__PURE__ */ new Map();
    const branchesOf = (subject, above) => {
      const scope = this.layerOf(subject) ?? above;
      const key = keyOf(subject, scope);
      onTheWay.add(key);
      const branches = stepsFrom(subject, scope).map(({ to, from, path }) => {
        const next = keyOf(to, this.layerOf(to) ?? scope);
        const { mark = markOf(next) } = this.described(to);
        const isOpen = mark === void 0 && !done.has(next);
        return {
          ...this.described(to),
          path,
          ...this.placeOf(from, path),
          ...mark && { mark },
          branches: isOpen ? branchesOf(to, scope) : []
        };
      });
      onTheWay.delete(key);
      done.set(key, branches.length > 0);
      return branches;
    };
    const markOf = (key) => {
      if (onTheWay.has(key))
        return "cycle";
      if (done.get(key))
        return "above";
      return onTheWay.size >= mostSteps ? "deep" : void 0;
    };
    return branchesOf(root);
  }
  referrers = ({ typeUrl, name, resource }, scope) => (resource ? namesOf(resource) : [canonicalName(name)]).flatMap((each) => this.graph.referrersOf(typeUrl, each)).filter((referrer) => this.isFor(referrer.resource, scope)).map(({ resource: from, reference: { path } }) => ({ to: subjectOf(from), from, path }));
  targets = ({ resource: from }, scope) => {
    if (!from)
      return [];
    return referencesOf(from).flatMap(({ typeUrl, name, path }) => {
      const there = this.graph.targets({ typeUrl, name }).filter((target) => this.isFor(target, scope));
      const subjects = there.length > 0 ? there.map(subjectOf) : [{ typeUrl, name }];
      return subjects.map((to) => ({ to, from, path }));
    });
  };
  /**
   * Whether some node is served a resource together with a layer. Without a layer: with the resources for all nodes.
   */
  isFor(resource, scope) {
    const layer = this.layers.get(resource);
    if (layer === void 0 || scope === void 0 || layer === scope)
      return true;
    const { groups } = this.reading.configuration;
    return [...groups.values()].some((order) => order.includes(layer) && order.includes(scope));
  }
  layerOf({ resource }) {
    return resource && this.layers.get(resource);
  }
  described(subject) {
    const { typeUrl, name, resource } = subject;
    const layer = this.layerOf(subject);
    const isOwn = layer !== void 0 && isOwnLayer(this.reading.configuration, layer);
    const unknown = this.reading.unanswered ? "unanswered" : "not_in_dump";
    const isKnown = tells(this.reading, typeUrl, name);
    const mark = isUnserved(this.reading, typeUrl, name) ? "unserved" : isKnown ? "missing" : unknown;
    return {
      type: findResourceType(typeUrl)?.name ?? typeUrl,
      name,
      ...layer !== void 0 && (isOwn ? { group: layer } : { layer }),
      ...!resource && needsTarget(subject, XdsApi.default) && { mark }
    };
  }
  placeOf(resource, path) {
    const place = this.reading.places.get(resource);
    return place && this.locator.locate(place, path);
  }
};
var subjectOf = (resource) => ({
  typeUrl: resource.type.typeUrl,
  name: resource.name,
  resource
});
var keyOf = ({ typeUrl, name }, scope) => JSON.stringify([typeUrl, name, scope]);

// dist/cli/commands/explain.js
function addExplain(program, exit) {
  const command = program.command("explain").summary("show what refers to a resource, and what the resource refers to").description(`Show what refers to a resource, and what the resource refers to, in all steps up and down. Each step has the field that refers and its place in the file. NAME alone means the resources of all types with this name. TYPE/NAME, as in clusters/backend, means one.

WHERE can be ${configurationHelp}. Several files and directories can be given. An Envoy's dump has endpoints only with ?include_eds. Exit code 1 if no resource has the name.`).argument("<name>", "the name of a resource, or type/name").argument("[where...]", "the configuration; by default the files that xds.yaml or XDS_PATHS names").addOption(configOption()).option("--all", "print all lines, even more than a hundred").addOption(typeOption()).addOption(outputOption());
  addGroupOptions(command);
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds explain backend config/", "the resources named backend in config/: a cluster, its endpoints, \u2026"],
    [
      "xds explain secrets/server-cert 127.0.0.1:18000 --node-id edge-1",
      "what uses this secret, among the resources of node edge-1"
    ],
    ["xds explain listeners/ingress config/ -o json", "the same as JSON, always complete"]
  ]);
  command.action(async (name, where, options) => exit(await explain(name, where, options, command)));
}
async function explain(wanted, given, options, command) {
  const { all = false, output, config } = options;
  const call = await readFilesCall(given, config, command);
  checkPaths(call, `explain ${wanted}`);
  await useApiFor(call.paths, call.api, options.timeout);
  const operand = await loadOperands(call.paths, options, call.files);
  const chosen = chosenGroup(call, options, operand.configuration);
  for (const line of unreadLines(operand.dump?.unread ?? []))
    complain(line);
  const trees = new ReferenceTrees(operand, chosen);
  const [, before = "", after = ""] = /^([^/]+)\/(.+)$/s.exec(wanted) ?? [];
  const type = findTypeNamed(before, XdsApi.default);
  const explained = [
    ...resourceTypes().flatMap(({ typeUrl }) => trees.explain(typeUrl, wanted)),
    ...type ? trees.explain(type.typeUrl, after) : []
  ];
  const types = explained.map((one) => findTypeNamed(one.type, XdsApi.default)?.typeUrl ?? one.type);
  const notes = [...trees.notes(explained.length > 0 ? types : resourceTypes().map(({ typeUrl }) => typeUrl))];
  const isThere = explained.some(({ mark }) => mark === void 0);
  const unserved = isThere ? [] : unservedLines(operand, wanted);
  if (explained.length === 0)
    throw new NoConfiguration([...unserved.length > 0 ? unserved : [nothingOf(wanted, trees)], ...notes].join("\n"));
  const nothing = notes.length > 0 ? `nothing in what the ${operand.unanswered ? "server sent" : "dump has"}` : "nothing";
  print(output, { explained }, () => explained.map((one) => text(one, all, nothing)).join("\n"));
  const leftOut = unservedNote(operand);
  for (const note of [...unserved, ...notes, ...leftOut === void 0 ? [] : [leftOut]])
    complain(note);
  return isThere ? 0 : 1;
}
var mostNames = 5;
function nothingOf(wanted, trees) {
  const names = trees.names().map(({ type, name }) => ({ name, full: `${type}/${name}` }));
  const known = names.flatMap(({ name, full }) => [name, full]);
  const meant = nearest(wanted, known) ?? nearest(wanted.replace(/^[^/]+\//, ""), known);
  const near = names.filter(({ name, full }) => name === meant || full === meant).map(({ full }) => full);
  const advice = meant === void 0 ? "the configuration has no similar name" : `did you mean ${near.slice(0, mostNames).map(printable).join(", ")}?`;
  return `no resource is called ${JSON.stringify(wanted)}; ${advice}`;
}
var mostLines = 100;
var widths = [Number.POSITIVE_INFINITY, 20, 10, 5, 2, 1];
function text(explanation, all, nothing) {
  let rows = [];
  for (const width of all ? widths.slice(0, 1) : widths) {
    rows = rowsOf(explanation, width, nothing);
    if (rows.length <= mostLines)
      break;
  }
  const hasPlaces = rows.some(([, where]) => where !== "");
  return hasPlaces ? table(["resource", "where", "field"], rows, "") : table(["resource", "field"], rows.map(([resource, , field]) => [resource, field]), "");
}
function rowsOf(explanation, width, nothing) {
  const { referredToBy, refersTo } = explanation;
  const part = (title, branches) => [
    [{ text: title, paint: paint.strong }, "", ""],
    ...branches.length > 0 ? rowsBelow(branches, "  ", width) : [[`  ${nothing}`, "", ""]]
  ];
  return [
    [cell(explanation, ""), whereOf(explanation), ""],
    ...part("referred to by", referredToBy),
    ...part("refers to", refersTo)
  ];
}
function rowsBelow(branches, indent, width) {
  const rows = branches.slice(0, width).flatMap((branch) => [
    [cell(branch, indent), whereOf(branch), branch.path],
    ...rowsBelow(branch.branches, `${indent}  `, width)
  ]);
  const more = branches.length - width;
  if (more > 0)
    rows.push([{ text: `${indent}\u2026 and ${more} more; --all shows them`, paint: paint.faint }, "", ""]);
  return rows;
}
var marks = {
  missing: { words: "missing", paint: paint.bad },
  unserved: { words: "not served", paint: paint.warn },
  not_in_dump: { words: "not in the dump", paint: paint.faint },
  unanswered: { words: "not answered by the server", paint: paint.faint },
  cycle: { words: "cycle", paint: paint.warn },
  above: { words: "see above", paint: paint.faint },
  deep: { words: "not followed further", paint: paint.warn }
};
function cell({ type, name, group, layer, mark }, indent) {
  const of = group === void 0 ? layer === void 0 ? "" : `layer ${layer}` : `group ${group}`;
  const words = [of, mark ? marks[mark].words : ""].filter(Boolean);
  const text2 = `${indent}${type}/${name}${words.length > 0 ? ` (${words.join(", ")})` : ""}`;
  return { text: text2, paint: mark ? marks[mark].paint : String };
}
var whereOf = ({ file, line, column }) => file === void 0 ? "" : placeOf({ file, ...line !== void 0 && { line }, ...column !== void 0 && { column } });
export {
  addExplain
};
