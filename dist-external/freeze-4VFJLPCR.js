import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
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
import {
  until
} from "./chunk-ALFN3YK7.js";
import "./chunk-D5GLPEAO.js";
import "./chunk-XNJ3ZUMM.js";
import "./chunk-5APHYVAK.js";
import "./chunk-7GRO2XK4.js";
import {
  addExamples,
  outputOption,
  parseDuration
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

// dist/cli/commands/freeze.js
import { InvalidArgumentError, Option } from "commander";
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
