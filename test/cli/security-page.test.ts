import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { flagOf, settings } from "../../src/cli/settings/settings.js";
import { SnapshotCache, XdsServer } from "../../src/index.js";
import { LimitCounts } from "../../src/server/admission/limits.js";

const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
const { limits } = new LimitCounts({});
const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** A limit of memory has no fixed default. */
const ofMemory: Record<string, string> = {
  responseBytes: "a quarter of the memory",
  receivingBytes: "an eighth of the memory",
};
/** The setting of a limit in milliseconds is a time: `handshakeMs` is `limits.handshake_time`. */
const keyOf = (name: string) => `limits.${snakeCase(name).replace(/_ms$/, "_time")}`;

function written(name: string, value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "off";
  if (name.endsWith("Ms")) return value % 60_000 === 0 ? `${value / 60_000} m` : `${value / 1_000} s`;
  if (name.endsWith("Bytes")) return value % 2 ** 20 === 0 ? `${value / 2 ** 20} MiB` : `${value / 2 ** 10} KiB`;
  return value.toLocaleString("en");
}

test("docs/security.md has each limit with its flag, default and reason, and both defaults are one", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| `--limits-"));
  const cells = rows.map((row) => row.split(" | ").map((cell) => cell.replaceAll(/^\| | \|$/g, "")));
  const wanted = Object.entries(limits).map(([name, value]) => {
    const setting = Object.values(settings).find(({ key }) => key === keyOf(name));
    if (!setting) throw new Error(`no setting for the limit ${name}`);
    const told = ofMemory[name] ?? written(name, value);
    if (setting.default === undefined) expect(setting.help).toContain(told);
    else if (setting.default === "off") expect(value, name).toBe(Number.POSITIVE_INFINITY);
    else expect(setting.parse(setting.default), name).toBe(value);
    return [`\`${flagOf(setting)}\``, `\`${name}\``, told, `\`${snakeCase(name)}\``];
  });
  expect(cells.map(([flag = "", ...rest]) => [flag.replace(/,.*/, ""), ...rest]).sort()).toEqual(wanted.sort());
});

test("docs/security.md has every reason of xds_refusals_total", () => {
  const reasons = Object.keys(new XdsServer(new SnapshotCache()).report().refusals);
  for (const reason of reasons) expect(page).toMatch(new RegExp(`^\\| .* \\| \`${snakeCase(reason)}\` \\|$`, "m"));
});
