import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  changeOf,
  changeText
} from "./chunk-KWCWIBTF.js";
import "./chunk-BHKIGZZV.js";
import {
  addRemoteOptions,
  adviceOnNoAnswer,
  asResource,
  connect,
  serverOption
} from "./chunk-VV7PIHL5.js";
import "./chunk-LRFMP6YI.js";
import "./chunk-YPK3NTLS.js";
import "./chunk-4C7NFQI4.js";
import {
  addApiOptions,
  typeArgument,
  typeNamed,
  useApi
} from "./chunk-7GRO2XK4.js";
import {
  addExamples,
  outputOption
} from "./chunk-M4PHON7U.js";
import {
  complain,
  jsonOf,
  paint,
  print
} from "./chunk-VMMSHLDO.js";
import {
  ending
} from "./chunk-3HUGTRVO.js";
import "./chunk-2FHVCSGV.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-M2ZGPBJF.js";
import "./chunk-C24J2H5X.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-BXRIZRRP.js";
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
import "./chunk-IKJYNGYW.js";
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/cli/commands/watch.js
import { once } from "node:events";
function addWatch(program, exit) {
  const command = program.command("watch").summary("stay connected to any xDS server, and print changes").description("Subscribe to all resources of some types, ACK each response, and print what it changed: time, type, version, and the fields that are different. The command reconnects when the connection is lost. SIGINT or SIGTERM ends it. With JSON each response is one object on one line; with YAML it is one document.").addArgument(typeArgument("<type...>", "types: clusters, endpoints, listeners, routes, \u2026")).addOption(serverOption()).option("--show-secrets", "print private keys and other secrets instead of [redacted]").addOption(outputOption());
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds watch clusters endpoints --node-id edge-1", "changes of the clusters and endpoints of node edge-1"],
    ["xds watch listeners -o json | jq .changes", "changes as JSON, for programs"]
  ]);
  command.action(async (types, options) => exit(await watch(types, options)));
}
async function watch(typeNames, options) {
  const { output, showSecrets = false } = options;
  await useApi(options);
  const types = typeNames.map(typeNamed);
  let isTold = false;
  const client = await connect(options, {
    onStreamClosed: ({ error, retryInMs }) => {
      if (!error)
        return;
      isTold = true;
      const next = retryInMs === void 0 ? "" : `; trying again in ${(retryInMs / 1e3).toFixed(1)} s`;
      complain(`${printable(error.message)}${next}`);
    },
    onChange: ({ typeUrl, version, changes }) => {
      const { name: type } = typeNamed(typeUrl);
      const told = changes.flatMap((change) => changeIn(change, showSecrets) ?? []);
      const time = (/* @__PURE__ */ new Date()).toISOString();
      if (output === "yaml")
        process.stdout.write("---\n");
      if (output === "json")
        process.stdout.write(jsonOf({ time, type, version, changes: told }, 0));
      else
        print(output, { time, type, version, changes: told }, () => {
          const head = paint.faint(`${time} ${type} version ${printable(version) || "(none)"}`);
          return `${head}
${told.map(changeText).join("")}`;
        });
    }
  }, true);
  for (const { typeUrl } of types)
    client.subscribe(typeUrl);
  void warnOfNoAnswer(client, types, options, () => isTold);
  await Promise.race([ending(), once(process.stdout, "error")]);
  await client.close();
  return 0;
}
async function warnOfNoAnswer(client, types, { server, nodeId, timeout: timeoutMs }, isTold) {
  const isSilent = async ({ typeUrl }) => {
    try {
      await client.synced(typeUrl, ({ accepted, nacked }) => accepted > 0 || nacked !== void 0, { timeoutMs });
      return false;
    } catch (error) {
      return error instanceof XdsError && error.code === "TIMED_OUT";
    }
  };
  const answers = await Promise.all(types.map(isSilent));
  const silent = types.filter((_, index) => answers[index]);
  if (silent.length === 0 || isTold())
    return;
  const names = silent.map(({ name }) => name).join(", ");
  complain(`${server} has not answered for ${names} within ${timeoutMs / 1e3} s; ${adviceOnNoAnswer(nodeId)}; still waiting`);
}
var changeIn = ({ before, after }, withSecrets) => changeOf(before && asResource(before), after && asResource(after), withSecrets);
export {
  addWatch
};
