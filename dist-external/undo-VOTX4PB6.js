import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  parseRevision
} from "./chunk-T6IURXJZ.js";
import {
  countsText
} from "./chunk-B74WMQHF.js";
import {
  addControlOptions,
  controlOf,
  servedPathsHelp,
  whyOption
} from "./chunk-RLHPDD4O.js";
import "./chunk-HR4TENBB.js";
import "./chunk-MSQBXV6K.js";
import "./chunk-YPK3NTLS.js";
import "./chunk-ETZYIBCP.js";
import "./chunk-W75H6G5K.js";
import "./chunk-OTIELJGT.js";
import "./chunk-4C7NFQI4.js";
import "./chunk-ALFN3YK7.js";
import "./chunk-D5GLPEAO.js";
import "./chunk-XNJ3ZUMM.js";
import "./chunk-5APHYVAK.js";
import "./chunk-7GRO2XK4.js";
import {
  addExamples,
  outputOption
} from "./chunk-M4PHON7U.js";
import {
  print
} from "./chunk-VMMSHLDO.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-VTU7YHMV.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-LJEOXCCV.js";
import "./chunk-U7CKKRTO.js";
import "./chunk-4DK7NEUR.js";
import "./chunk-QZJZLV5G.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-M2ZGPBJF.js";
import "./chunk-BWU6O4MA.js";
import "./chunk-C24J2H5X.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-MN2RV65N.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-ZAJWG27E.js";
import "./chunk-IXIW5MLW.js";
import "./chunk-AKMKR4LC.js";
import "./chunk-342YQNNX.js";
import "./chunk-FZLOJTJW.js";
import "./chunk-Y6GK5AYW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-ZG5KWCWM.js";
import "./chunk-QMJ32M3M.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-27MTFUNG.js";

// dist/cli/commands/undo.js
import { Option } from "commander";
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
