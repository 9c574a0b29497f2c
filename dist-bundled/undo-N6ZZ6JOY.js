import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  parseRevision
} from "./chunk-2DJQ7KEW.js";
import {
  countsText
} from "./chunk-LJ4B6LA5.js";
import {
  addControlOptions,
  controlOf,
  servedPathsHelp,
  whyOption
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
  outputOption
} from "./chunk-J3J7LZXM.js";
import {
  print
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

// dist/cli/commands/undo.js
function addUndo(program, exit) {
  const command = program.command("undo").summary("serve the content of an older revision again").description("Serve the content of an older revision to all nodes at once, as a new revision. A running rollout ends. The content that was served before is barred: files that still have it are not served again, unless `xds rollout again` allows it. Live resources, which are endpoints and secrets, stay as they are.").argument("[path...]", servedPathsHelp).addOption(new Option("--to <revision>", "the revision to serve; by default the one before the stable revision; after an undo there is no default").argParser(parseRevision)).addOption(whyOption()).option("--message <text>", "message of the new revision");
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds undo --why 'errors since 10:05'", "serves the revision before to all nodes at once"],
    ["xds undo --to @12 --why 'the last one that worked'", "serves revision 12; `xds history` lists the revisions"]
  ]);
  command.action(async (paths, options) => {
    const client = await controlOf(paths, options, command);
    const { to, why, message, output } = options;
    const report = await client.undo({ to, why, message });
    print(output, report, () => `@${report.revision} is served to all nodes (${countsText(report.counts)})`);
    exit(0);
  });
}
export {
  addUndo
};
