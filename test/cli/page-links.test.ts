import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const docs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const pages = ["README.md", "CONTRIBUTING.md", ...docs.map((name) => `docs/${name}`)];

const withoutCode = (text: string) => text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");

/** The anchors that GitHub gives to a page's headings, and those that it gives itself. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set(Array.from(text.matchAll(/<\w+ [^>]*\b(?:id|name)="([^"]+)"/g), ([, id = ""]) => id));
  for (const [, heading = ""] of withoutCode(text).matchAll(/^#{1,6} +(.*)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** What a page's links lead to within the repository. */
function linksOf(text: string): string[] {
  const links = withoutCode(text).matchAll(/\]\(([^()\s]+)\)|<(?:img|a)\b[^>]*\b(?:src|href)="([^"]+)"/g);
  return Array.from(links, ([, link = "", tag = ""]) => link || tag).filter((link) => !/^[a-z]+:/.test(link));
}

/** Why a link of a page leads nowhere; undefined: it does not. */
function flawOf(page: string, link: string): string | undefined {
  const [path = "", anchor] = link.split("#");
  const file = path === "" ? page : join(dirname(page), decodeURIComponent(path));
  if (relative(root, join(root, file)).startsWith("..") || !existsSync(join(root, file))) return "is not there";
  if (anchor === undefined) return undefined;
  if (!statSync(join(root, file)).isFile()) return "is no page";
  return anchorsOf(readFileSync(join(root, file), "utf8")).has(anchor) ? undefined : "has no such anchor";
}

test("the links of the pages lead to files and headings that there are", () => {
  const links = pages.flatMap((page) =>
    linksOf(readFileSync(join(root, page), "utf8")).map((link) => ({ page, link })),
  );
  expect(links.length).toBeGreaterThan(40);
  expect(links.some(({ link }) => link.includes("#"))).toBe(true);
  const flaws = links.flatMap(({ page, link }) => {
    const flaw = flawOf(page, link);
    return flaw ? [`${page}: ${link} ${flaw}`] : [];
  });
  expect(flaws).toEqual([]);
});

test.each([
  ["nowhere.md", "is not there"],
  ["../../README.md", "is not there"],
  ["cli.md#xds-sreve", "has no such anchor"],
  ["#none", "has no such anchor"],
  ["../examples/server#x", "is no page"],
  ["cli.md#xds-serve", undefined],
  ["../README.md#the-library", undefined],
])("a link of docs/configuration.md to %s: %s", (link, flaw) => {
  expect(flawOf("docs/configuration.md", link)).toBe(flaw);
});
