import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
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
import {
  until
} from "./chunk-4RDZYBRZ.js";
import "./chunk-D5GLPEAO.js";
import "./chunk-R5576SU6.js";
import "./chunk-LDT72UKC.js";
import "./chunk-H5AN4Y5K.js";
import {
  InvalidArgumentError,
  Option,
  addExamples,
  outputOption,
  parseDuration
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

// dist/cli/commands/freeze.js
function addFreeze(program, exit) {
  const command = program.command("freeze").summary("hold changes and rollouts").description("Freeze a running server: changes of the files are held, and no rollout goes forward. Live resources, which are endpoints and secrets, still change. Going back stays possible: a rollout that fails is rolled back, and `xds undo` works. When the freeze ends, the held change is published, unless it needs an approval.").argument("[path...]", servedPathsHelp).addOption(whyOption()).addOption(new Option("--until <time>", "when it ends by itself: 2h, or 2030-01-31T12:00:00Z").argParser(parseUntil));
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds freeze --why 'sale until Monday' --until 48h", "for two days"],
    ["xds freeze --why incident", "until xds unfreeze"]
  ]);
  command.action(async (paths, options) => {
    const client = await controlOf(paths, options, command);
    const report = await client.freeze(options.why, options.until);
    const end = report.frozen?.until;
    print(options.output, report, () => end === void 0 ? "frozen until `xds unfreeze`: changes are held, and no rollout goes forward" : `frozen until ${end} (${until(end, Date.now())}): changes are held, and no rollout goes forward`);
    exit(0);
  });
}
function addUnfreeze(program, exit) {
  const command = program.command("unfreeze").summary("end a freeze").description("End a freeze: the held change is published, unless it needs an approval, and rollouts go forward again.").argument("[path...]", servedPathsHelp).addOption(whyOption());
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [["xds unfreeze --why 'the sale is over'", "changes and rollouts go on"]]);
  command.action(async (paths, options) => {
    const client = await controlOf(paths, options, command);
    const report = await client.unfreeze(options.why);
    print(options.output, report, () => "the freeze is over: changes and rollouts go on");
    exit(0);
  });
}
function parseUntil(text) {
  if (/^\d{4}-\d\d-\d\dT/.test(text)) {
    const time = Date.parse(text);
    if (time > Date.now())
      return time;
  } else if (/^\d/.test(text))
    return Date.now() + parseDuration(text);
  throw new InvalidArgumentError("expected a time in the future: 30m, 2h, or 2030-01-31T12:00:00Z");
}
export {
  addFreeze,
  addUnfreeze
};
