import { existsSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { Address } from "../../server/xds-server-options.js";
import type { TlsFilePaths } from "../../source/secrets/tls-files.js";

/** The server's port in the bootstrap of the example. */
const examplePort = 18000;

interface Listening {
  readonly rest?: Address | undefined;
  readonly admin?: Address | undefined;
  readonly tls?: TlsFilePaths | undefined;
  /** The file of an Envoy's static configuration, if that is what is served. */
  readonly from?: string | undefined;
}

/** The message when the program serves: its addresses, and how to point an Envoy at it. */
export function startupMessage(
  paths: readonly string[],
  grpc: Address,
  { rest, admin, tls, from }: Listening = {},
): string {
  const lines = [`xDS over gRPC  ${written(grpc)}`];
  if (rest) lines.push(`xDS over REST  http${tls ? "s" : ""}://${written(rest)}/v3/discovery:<type>`);
  if (admin) lines.push(`Admin port     http://${written(admin)}`);
  lines.push("", "Point an Envoy at it:", "", ...envoyCommand(paths, grpc, tls, from).map((line) => `  ${line}`), "");
  return `${lines.join("\n")}\n`;
}

function envoyCommand(
  paths: readonly string[],
  grpc: Address,
  tls: TlsFilePaths | undefined,
  from: string | undefined,
): string[] {
  const bootstrap = join(dirname(paths[0] ?? ""), "envoy.yaml");
  const isExample = paths.length === 1 && basename(paths[0] ?? "") === "quickstart" && existsSync(bootstrap);
  if (isExample && grpc.port === examplePort && !tls)
    return [`envoy -c ${relative("", bootstrap)}`, "curl http://127.0.0.1:10000   # once it runs"];
  const server = written({ ...grpc, host: anyAddress.has(grpc.host) ? "127.0.0.1" : grpc.host });
  const kept = from === undefined ? "" : ` --from ${from}`;
  return [
    `${calledAs()} bootstrap${kept} --server ${server}${tlsFlags(tls)} > bootstrap.yaml`,
    "envoy -c bootstrap.yaml",
  ];
}

/** The flags for TLS. The names of the files are examples: they are the client's own files. */
function tlsFlags(tls: TlsFilePaths | undefined): string {
  if (!tls) return "";
  const own = tls.clientCaFile === undefined ? "" : " --tls-cert client.pem --tls-key client-key.pem";
  return ` --tls-ca ca.pem${own}`;
}

const anyAddress = new Set(["0.0.0.0", "::"]);

/** How to call this program again: as it was called. */
function calledAs(): string {
  if (process.env.npm_command === "exec") return "npx ts-control-plane";
  const script = process.argv[1] ?? "xds";
  return basename(script) === "xds" ? "xds" : `node ${relative("", script)}`;
}

const written = ({ host, port }: Address) => `${host.includes(":") ? `[${host}]` : host}:${port}`;
