import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Format, formats, type Row } from "./rows.js";

const atOnce = 4;

/**
 * What an Envoy makes of each row, by the row's id: the JSON of the message, null where it refuses the row, or
 * "accepted" where the message has no JSON. `isAlone`: which rows it is asked about one by one; the others it is asked
 * about together.
 */
export async function askEnvoy(
  binary: string,
  rows: readonly Row[],
  isAlone: (row: Row) => boolean,
): Promise<Map<string, JsonValue>> {
  const directory = mkdtempSync(join(tmpdir(), "xds-leniency-"));
  const answers = new Map<string, JsonValue>();
  try {
    // What it takes, it takes all at once. Of what it refuses, it names only the first.
    const queue = rows.filter(isAlone);
    const accepted = rows.filter((row) => !isAlone(row));
    const worker = async (id: number) => {
      for (let row = queue.pop(); row; row = queue.pop())
        if (await validates(binary, join(directory, `${id}.${row.format}`), [row])) accepted.push(row);
        else answers.set(row.id, null);
    };
    await Promise.all(Array.from({ length: atOnce }, (_, id) => worker(id)));
    for (const format of formats) {
      const own = accepted.filter((row) => row.format === format);
      const file = join(directory, `all.${format}`);
      for (const [id, value] of await dumped(binary, file, own)) answers.set(id, value);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  return answers;
}

function validates(binary: string, file: string, rows: readonly Row[]): Promise<boolean> {
  writeFileSync(file, bootstrap(rows, file.endsWith(".json") ? "json" : "yaml", 0));
  const options = ["--mode", "validate", "-l", "critical", "-c", file];
  return new Promise((resolve) => execFile(binary, options, { timeout: 30_000 }, (error) => resolve(error === null)));
}

/** What a running Envoy tells of its own configuration, by the ids of the rows. */
async function dumped(binary: string, file: string, rows: readonly Row[]): Promise<[string, JsonValue][]> {
  if (rows.length === 0) return [];
  const port = await freePort();
  writeFileSync(file, bootstrap(rows, file.endsWith(".json") ? "json" : "yaml", port));
  const envoy = spawn(binary, ["--use-dynamic-base-id", "-l", "critical", "-c", file]);
  let log = "";
  envoy.stderr.on("data", (chunk) => (log += chunk));
  const ended = new Promise((resolve) => envoy.once("close", resolve));
  try {
    const text = await configDump(
      port,
      () => envoy.exitCode === null,
      () => log,
    );
    const dump = typedMetadata(text);
    // One message that has no JSON spoils the whole dump.
    if (!dump && rows.length === 1) return rows.map(({ id }) => [id, "accepted"]);
    if (!dump) {
      const half = rows.length >> 1;
      return [...(await dumped(binary, file, rows.slice(0, half))), ...(await dumped(binary, file, rows.slice(half)))];
    }
    return rows.map((row, index) => {
      const { "@type": _, ...json } = dump[`row-${index}`] as JsonObject;
      return [row.id, json];
    });
  } finally {
    envoy.kill("SIGKILL");
    await ended;
  }
}

async function configDump(port: number, isRunning: () => boolean, log: () => string): Promise<string> {
  for (const start = Date.now(); Date.now() - start < 30_000 && isRunning(); ) {
    const response = await fetch(`http://127.0.0.1:${port}/config_dump`).catch(() => undefined);
    if (response) return response.text();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the Envoy did not tell its configuration: ${log().slice(0, 2_000)}`);
}

function typedMetadata(dump: string): JsonObject | undefined {
  if (!dump.startsWith("{")) return undefined;
  return JSON.parse(dump).configs[0].bootstrap.static_resources.clusters[0].metadata.typed_filter_metadata;
}

/** A file with a message for each row. In typed metadata Envoy reads the message, but applies no rules to it. */
function bootstrap(rows: readonly Row[], format: Format, adminPort: number): string {
  const admin = adminPort === 0 ? {} : { address: { socket_address: { address: "127.0.0.1", port_value: adminPort } } };
  if (format === "json") {
    const messages = rows.map((row, index) => `"row-${index}": ${contentOf(row)}`).join(",\n");
    const cluster = `{ "name": "c", "metadata": { "typed_filter_metadata": {\n${messages}\n} } }`;
    return `{ "admin": ${JSON.stringify(admin)}, "static_resources": { "clusters": [${cluster}] } }`;
  }
  const messages = rows.map((row, index) => indented(`row-${index}:\n${indented(contentOf(row), 2)}`, 8)).join("\n");
  const metadata = `metadata:\n      typed_filter_metadata:\n${messages}`;
  return `admin: ${JSON.stringify(admin)}\nstatic_resources:\n  clusters:\n  - name: c\n    ${metadata}\n`;
}

/** The message as it stands in a file, with its `@type`. */
export function contentOf({ type, text, format }: Row): string {
  const typeUrl = `"@type": "type.googleapis.com/${type}"`;
  return format === "json" ? `{ ${typeUrl}, ${text} }` : `${typeUrl}\n${text}`;
}

const indented = (text: string, by: number) => text.replace(/^(?=.)/gm, " ".repeat(by));

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
