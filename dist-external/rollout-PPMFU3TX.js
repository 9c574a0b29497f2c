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
  ago,
  until
} from "./chunk-ALFN3YK7.js";
import "./chunk-D5GLPEAO.js";
import "./chunk-XNJ3ZUMM.js";
import "./chunk-5APHYVAK.js";
import "./chunk-7GRO2XK4.js";
import {
  addExamples,
  completedWith,
  outputOption,
  unknownWords
} from "./chunk-M4PHON7U.js";
import {
  paint,
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
import {
  printable
} from "./chunk-JESIV7YD.js";
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-27MTFUNG.js";

// dist/cli/commands/rollout.js
import { Argument } from "commander";
function addRollout(program, exit) {
  const rollout = program.command("rollout").summary("show and steer how a new revision reaches the nodes").description("Show and steer the rollout of a running `xds serve`. A rollout brings a new revision to one node first, and then, wave by wave, to all nodes. It is rolled back at once if a node refuses a resource of it, or if a gate fails.");
  addExamples(rollout, [
    ["xds rollout status", "what is rolled out, and how far it is"],
    ["xds rollout pause --why 'looking at it'", "it goes no further; a failure still rolls it back"],
    ["xds rollout abort --why 'wrong timeout'", "all nodes get the stable revision again"]
  ]);
  addRolloutStatus(rollout, exit);
  for (const order of orders)
    addOrder(rollout, exit, order);
  addAgain(rollout, exit);
}
function addRolloutStatus(rollout, exit) {
  const command = rollout.command("status").summary("show what is served, rolled out, held and barred").description("Show what is served, what is rolled out and how far it is, and what keeps changes back.").argument("[path...]", servedPathsHelp);
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds rollout status -o json | jq .candidate", "the rollout, for programs; null if there is none"]
  ]);
  command.action(async (paths, options) => {
    const client = await controlOf(paths, options, command);
    const report = await client.rollout();
    print(options.output, report, () => statusText(report, Date.now()));
    exit(0);
  });
}
var candidateOf = ({ candidate }) => candidate ? `@${candidate.revision}` : "the candidate";
var orders = [
  {
    name: "pause",
    summary: "stop the rollout where it is",
    description: "Stop the rollout where it is. It is still rolled back if a node refuses a resource of it, or if a gate fails.",
    example: ["xds rollout pause --why 'looking at it'", "it stays in its wave until xds rollout resume"],
    done: (report) => `the rollout of ${candidateOf(report)} is paused`
  },
  {
    name: "resume",
    summary: "continue a paused rollout",
    description: "Have a paused rollout go on.",
    example: ["xds rollout resume --why 'looks good'", "ends xds rollout pause"],
    done: (report) => `the rollout of ${candidateOf(report)} goes on${report.frozen ? " when it is unfrozen" : ""}`
  },
  {
    name: "promote",
    summary: "serve the candidate to all nodes now",
    description: "Serve the candidate to all nodes now, and ignore its gates. This fails during a freeze.",
    example: ["xds rollout promote --why 'urgent fix'", "skips the waves and gates that are left"],
    done: ({ stable }) => `@${stable} is served to all nodes`,
    next: {
      order: "promote-next",
      help: "not the candidate, but the next change, if it comes within 10 minutes; checks and guards still apply",
      example: [
        "xds rollout promote --next --why 'fix for the outage'",
        "then edit the files: all nodes get it at once"
      ],
      done: ({ atOnce }) => atOnce ? `the next change is served to all nodes at once, if it comes before ${atOnce.until} (${until(atOnce.until, Date.now())})` : "the next change has come already, and is served to all nodes"
    }
  },
  {
    name: "abort",
    summary: "roll the candidate back",
    description: "Roll the candidate back: all nodes get the stable revision again. The candidate's content is barred: files that still have it are not served again, unless `xds rollout again` allows it.",
    example: ["xds rollout abort --why 'wrong timeout'", "as when a gate fails"],
    done: ({ stable }) => `the rollout is aborted; all nodes are served @${stable}`
  }
];
function addOrder(rollout, exit, order) {
  const { name, summary, description, example, done, next } = order;
  const command = rollout.command(name).summary(summary).description(description).argument("[path...]", servedPathsHelp).addOption(whyOption());
  if (next)
    command.option("--next", next.help);
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [example, ...next ? [next.example] : []]);
  command.action(async (paths, options) => {
    const client = await controlOf(paths, options, command);
    const chosen = options.next && next ? next : { order: name, done };
    const report = await client.onRollout(chosen.order, options.why);
    print(options.output, report, () => chosen.done(report));
    exit(0);
  });
}
function addAgain(rollout, exit) {
  const command = rollout.command("again").summary("allow content that was rolled back to be served again").description("Allow content that was rolled back, aborted or undone to be served again. REVISION is one that `xds history` shows as barred, such as @12, or the hash of its content. If the files still have this content, it is published at once, with its own rollout.").addArgument(completedWith(new Argument("<revision>", "such as @12, or at least the first 8 digits of a hash"), unknownWords)).argument("[path...]", servedPathsHelp).addOption(whyOption());
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [["xds rollout again @12 --why 'the backend is up again'", "tries revision 12 once more"]]);
  command.action(async (of, paths, options) => {
    const client = await controlOf(paths, options, command);
    const again = await client.again(of, options.why);
    print(options.output, again, () => `the content of @${again.revision} may be served again`);
    exit(0);
  });
}
function statusText({ stable, candidate, frozen, atOnce, held, barred }, now) {
  const facts = [["stable", stable === 0 ? "-" : `@${stable}`]];
  if (candidate)
    facts.push(...candidateFacts(candidate, now));
  else
    facts.push(["candidate", "-"]);
  if (frozen) {
    const end = frozen.until === void 0 ? "" : `, ends ${until(frozen.until, now)}`;
    facts.push(["frozen", `${ago(frozen.at, now)} by ${frozen.by}${end}: ${frozen.why}`]);
  }
  if (atOnce) {
    const { by, why, until: end } = atOnce;
    facts.push(["at once", `the next change, by order of ${by}, which ends ${until(end, now)}: ${why}`]);
  }
  const lines = facts.map(([name, value]) => `${`${name}:`.padEnd(11)}${printable(value)}
`);
  if (held) {
    const { content, at, reasons } = held;
    lines.push(`
${paint.warn(`a change is held, since ${ago(at, now)}`)}:
`);
    lines.push(...reasons.map((reason) => `  ${printable(reason)}
`));
    const remedy = frozen ? "it waits for the end of the freeze" : `\`xds approve ${printable(content.slice(0, 12))}\` publishes it`;
    lines.push(`${remedy}
`);
  }
  if (barred.length > 0)
    lines.push("\nbarred:\n");
  for (const { revision, content, why } of barred.slice(-mostBarred))
    lines.push(`  @${revision} ${printable(content.slice(0, 12))}: ${printable(why)}
`);
  if (barred.length > mostBarred)
    lines.push(`  and ${barred.length - mostBarred} older ones
`);
  return lines.join("");
}
var mostBarred = 10;
function candidateFacts(candidate, now) {
  const { revision, startedAt, wave, share, first, state, since, waitsFor, paused, evidence } = candidate;
  const others = share === 0 ? "" : `, and ${Math.round(share * 100)} % of the other nodes`;
  return [
    ["candidate", `@${revision}, started ${ago(startedAt, now)}`],
    ["wave", `${wave}: ${first.join(", ") || "no node"}${others}`],
    ["state", `${state}, ${ago(since, now)}`],
    ...waitsFor === void 0 ? [] : [["waits for", waitsFor]],
    ...paused ? [["paused", `by ${paused.by}: ${paused.why}`]] : [],
    ...evidence ? evidenceFacts(evidence) : []
  ];
}
function evidenceFacts({ affected, candidates, pending, gates }) {
  return [
    ["nodes", `${candidates} of ${affected} affected nodes have it`],
    ...pending.length > 0 ? [["pending", pending.join(", ")]] : [],
    ...gates.map(({ gate, verdict, text }) => ["gate", `${gate}: ${verdict}, ${text}`])
  ];
}
export {
  addRollout
};
