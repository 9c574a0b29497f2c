import { existsSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { Address } from "../server/xds-server.js";
import type { TlsFilePaths } from "../source/tls-files.js";

/** Where the example's bootstrap looks for the server. */
const examplePort = 18000;

interface Besides {
  readonly rest?: Address | undefined;
  readonly admin?: Address | undefined;
  readonly tls?: TlsFilePaths | undefined;
}

/** What the program says when it serves: its addresses, and how to point an Envoy at it. */
export function introduction(paths: readonly string[], grpc: Address, { rest, admin, tls }: Besides = {}): string {
  const lines = [`xDS over gRPC  ${written(grpc)}`];
  if (rest) lines.push(`xDS over REST  http${tls ? "s" : ""}://${written(rest)}/v3/discovery:<type>`);
  if (admin) lines.push(`Admin port     http://${written(admin)}`);
  lines.push("", "Point an Envoy at it:", "", ...envoyCommand(paths, grpc, tls).map((line) => `  ${line}`), "");
  return `${lines.join("\n")}\n`;
}

function envoyCommand(paths: readonly string[], grpc: Address, tls: TlsFilePaths | undefined): string[] {
  const bootstrap = join(dirname(paths[0] ?? ""), "envoy.yaml");
  const isExample = paths.length === 1 && basename(paths[0] ?? "") === "quickstart" && existsSync(bootstrap);
  if (isExample && grpc.port === examplePort && !tls)
    return [`envoy -c ${relative("", bootstrap)}`, "curl http://127.0.0.1:10000   # once it runs"];
  const server = written({ ...grpc, host: anyAddress.has(grpc.host) ? "127.0.0.1" : grpc.host });
  return [`${calledAs()} bootstrap --server ${server}${tlsFlags(tls)} > bootstrap.yaml`, "envoy -c bootstrap.yaml"];
}

/** The files are the client's own, wherever it has them. */
function tlsFlags(tls: TlsFilePaths | undefined): string {
  if (!tls) return "";
  const own = tls.clientCaFile === undefined ? "" : " --tls-cert client.pem --tls-key client-key.pem";
  return ` --tls-ca ca.pem${own}`;
}

const anyAddress = new Set(["0.0.0.0", "::"]);

/** How this program was called, to call it again. */
function calledAs(): string {
  if (process.env.npm_command === "exec") return "npx ts-control-plane";
  const script = process.argv[1] ?? "xds";
  return basename(script) === "xds" ? "xds" : `node ${relative("", script)}`;
}

const written = ({ host, port }: Address) => `${host.includes(":") ? `[${host}]` : host}:${port}`;
