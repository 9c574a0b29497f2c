import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { flagOf, settings } from "../../src/cli/settings.js";
import { SnapshotCache, XdsServer } from "../../src/index.js";
import { LimitCounts } from "../../src/server/limits.js";

const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
const { limits } = new LimitCounts({});
const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** Of memory, the default is what the machine has. */
const quarter = "a quarter of the memory";
const written = (name: string, value: number) =>
  name.endsWith("Bytes") ? `${value / 2 ** 20} MiB` : value.toLocaleString("en");

test("docs/security.md has each limit with its flag, default and reason, and both defaults are one", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| `--limits-"));
  const cells = rows.map((row) => row.split(" | ").map((cell) => cell.replaceAll(/^\| | \|$/g, "")));
  const wanted = Object.entries(limits).map(([name, value]) => {
    const setting = Object.values(settings).find(({ key }) => key === `limits.${snakeCase(name)}`);
    if (!setting) throw new Error(`no setting for the limit ${name}`);
    if (setting.default === undefined) expect(setting.help).toContain(quarter);
    else expect(setting.parse(setting.default), name).toBe(value);
    const told = setting.default === undefined ? quarter : written(name, value);
    return [`\`${flagOf(setting)}\``, `\`${name}\``, told, `\`${snakeCase(name)}\``];
  });
  expect(cells.map(([flag = "", ...rest]) => [flag.replace(/,.*/, ""), ...rest]).sort()).toEqual(wanted.sort());
});

test("docs/security.md has every reason of xds_refusals_total", () => {
  const reasons = Object.keys(new XdsServer(new SnapshotCache()).refusals());
  for (const reason of reasons) expect(page).toMatch(new RegExp(`^\\| .* \\| \`${snakeCase(reason)}\` \\|$`, "m"));
});
