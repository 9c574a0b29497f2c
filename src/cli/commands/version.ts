import type { Command } from "commander";
import { apiOrigin, packageVersion } from "../../../gen/built-in.js";
import { addExamples, type Exit, type OutputOptions, outputOption } from "../terminal/command.js";
import { print } from "../terminal/output.js";

/** `xds version`. */
export function addVersion(program: Command, exit: Exit): void {
  const command = program
    .command("version")
    .summary("print the versions of xds, of its built-in API and of Node.js")
    .description(
      "Print the version of this program, the Envoy of its built-in API, and the version of Node.js. Commands " +
        "with --envoy or --descriptors can use the API of another Envoy.",
    )
    .addOption(outputOption())
    .action(({ output }: OutputOptions) => {
      const data = { version: packageVersion, api: apiOrigin, node: process.versions.node };
      print(output, data, () => `xds ${data.version}\nbuilt-in API: ${data.api}\nNode.js ${data.node}`);
      exit(0);
    });
  addExamples(command, [["xds version", "for a bug report, for example"]]);
}
