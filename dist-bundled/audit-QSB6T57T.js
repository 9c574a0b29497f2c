import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  addControlOptions,
  controlOf,
  servedPathsHelp
} from "./chunk-3P6YG6D3.js";
import "./chunk-HR4TENBB.js";
import "./chunk-TUFE6ZWA.js";
import "./chunk-DHNIKOB3.js";
import "./chunk-YDSDQWQI.js";
import "./chunk-UWRNQDM4.js";
import "./chunk-Q7XJEDFK.js";
import "./chunk-K7FWRZOE.js";
import "./chunk-4RDZYBRZ.js";
import "./chunk-D5GLPEAO.js";
import "./chunk-R5576SU6.js";
import "./chunk-LDT72UKC.js";
import "./chunk-H5AN4Y5K.js";
import {
  Option,
  addExamples,
  outputOption,
  parseCount
} from "./chunk-J3J7LZXM.js";
import {
  print,
  table
} from "./chunk-R2MMVVGI.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-UUDCD6VN.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-RZ4DQXNT.js";
import "./chunk-U7CKKRTO.js";
import "./chunk-4DK7NEUR.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-BWU6O4MA.js";
import "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
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
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/commands/audit.js
function addAudit(program, exit) {
  const command = program.command("audit").summary("show who published and ordered what, and why").description(`Show the audit log of a running server, the newest first: who published or ordered what, and why.

BY is "server", what a token proves ("token deploy"), or what the caller claims to be ("claimed uid 1000 (alice)"): only the server's user and root can use the socket in the state directory, but they can claim any name.`).argument("[path...]", servedPathsHelp).addOption(new Option("--limit <count>", "how many entries").argParser(parseCount).default(50));
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds audit", "the last 50 entries"],
    [`xds audit --limit 1000 -o json | jq '.entries[] | select(.what == "undo")'`, "what was undone"]
  ]);
  command.action(async (paths, options) => {
    const client = await controlOf(paths, options, command);
    const report = await client.audit(options.limit);
    print(options.output, report, () => auditTable(report));
    exit(0);
  });
}
var auditTable = ({ entries }) => table(["time", "by", "what", "details", "why"], entries.map(({ at, by, what, details = {}, why = "-" }) => [at, by, what, detailsText(details), why]), "nothing was published or ordered yet");
var detailsText = (details) => Object.entries(details).map(([name, value]) => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `${name} ${/^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text}`;
}).join(", ") || "-";
export {
  addAudit
};
