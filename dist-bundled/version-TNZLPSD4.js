import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  addExamples,
  outputOption
} from "./chunk-J3J7LZXM.js";
import {
  print
} from "./chunk-R2MMVVGI.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-JESIV7YD.js";
import {
  apiOrigin,
  packageVersion
} from "./chunk-5RCTYBO5.js";
import "./chunk-QBN2T32X.js";

// dist/cli/commands/version.js
function addVersion(program, exit) {
  const command = program.command("version").summary("print the versions of xds, of its built-in API and of Node.js").description("Print the version of this program, the Envoy of its built-in API, and the version of Node.js. Commands with --envoy or --descriptors can use the API of another Envoy.").addOption(outputOption()).action(({ output }) => {
    const data = { version: packageVersion, api: apiOrigin, node: process.versions.node };
    print(output, data, () => `xds ${data.version}
built-in API: ${data.api}
Node.js ${data.node}`);
    exit(0);
  });
  addExamples(command, [["xds version", "for a bug report, for example"]]);
}
export {
  addVersion
};
