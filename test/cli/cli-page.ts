import type { Command } from "commander";

/** docs/cli.md, made from the commands themselves. */
export function cliPage(program: Command): string {
  return `# xds

${program.description()} Made from the program's own help; \`npx vitest run test/cli/cli-page.test.ts -u\` writes it anew.

Exit codes, of all commands: 0 fine, 1 findings or a failure, such as a file or a server that is not there, 2 wrong usage. Tables have colour on a terminal
only; \`NO_COLOR\` takes it away there.
${sections(program, "").join("")}`;
}

function sections(command: Command, path: string): string[] {
  command.configureHelp({ helpWidth: 120 });
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text), getOutHasColors: () => false });
  command.outputHelp();
  const name = path === "" ? command.name() : `${path} ${command.name()}`;
  return [`\n## ${name}\n\n\`\`\`text\n${help}\`\`\`\n`, ...command.commands.flatMap((sub) => sections(sub, name))];
}
