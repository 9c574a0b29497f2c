// Part of `npm run lint`: the lines of comments keep to 120 columns (the formatter sees to the lines of code).
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const mostColumns = 120;
const tracked = execFileSync("git", ["ls-files", "*.ts", "*.mjs"], { encoding: "utf8" }).split("\n");
const long = tracked
  .filter((file) => file && existsSync(file))
  .flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, index) =>
        /^\s*(\/\/|\/?\*)/.test(line) && line.length > mostColumns ? `${file}:${index + 1}` : [],
      ),
  );
for (const place of long) console.error(`${place} a comment line of more than ${mostColumns} columns`);
process.exitCode = long.length > 0 ? 1 : 0;
