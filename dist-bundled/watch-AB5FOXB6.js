import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  changeOf,
  changeText
} from "./chunk-DV3NBWPF.js";
import "./chunk-NKUTPTLO.js";
import {
  addRemoteOptions,
  adviceOnNoAnswer,
  asResource,
  connect,
  serverOption
} from "./chunk-XLI3BY3B.js";
import "./chunk-WSFHJ34A.js";
import "./chunk-DHNIKOB3.js";
import "./chunk-K7FWRZOE.js";
import {
  addApiOptions,
  typeArgument,
  typeNamed,
  useApi
} from "./chunk-H5AN4Y5K.js";
import {
  addExamples,
  outputOption
} from "./chunk-J3J7LZXM.js";
import {
  complain,
  jsonOf,
  paint,
  print
} from "./chunk-R2MMVVGI.js";
import {
  ending
} from "./chunk-3HUGTRVO.js";
import "./chunk-B5Y3DCLC.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-5S6OCP5I.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-4YBW5ZFI.js";
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
import {
  printable
} from "./chunk-JESIV7YD.js";
import "./chunk-4IMF5HEM.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

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
