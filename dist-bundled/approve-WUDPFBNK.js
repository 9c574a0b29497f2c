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
  Argument,
  addExamples,
  completedWith,
  outputOption,
  unknownWords
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

// dist/cli/commands/approve.js
function addApprove(program, exit) {
  const command = program.command("approve").summary("publish a change that is held").description("Publish a change that a running server holds, for example because it removes most clusters. HASH is the hash of this content: the files as they are now. If the files are edited again, the new content needs its own approval. `xds history` and `xds rollout status` show what is held, and why.").addArgument(completedWith(new Argument("<hash>", "hash of the content; its first 8 digits are enough"), unknownWords)).argument("[path...]", servedPathsHelp).option("--why <text>", "the reason, for the audit log");
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [["xds approve 4f1d9a2bc0de", "publishes the change with this hash"]]);
  command.action(async (hash, paths, options) => {
    const client = await controlOf(paths, options, command, true);
    const approved = await client.approve(hash.toLowerCase(), options.why);
    print(options.output, approved, () => `${approved.content.slice(0, 12)} is approved`);
    exit(0);
  });
}
export {
  addApprove
};
