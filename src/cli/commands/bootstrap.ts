import { type Command, Option } from "commander";
import { bootstrapFrom } from "../bootstrap/bootstrap-from.js";
import { type BootstrapOptions, envoyBootstrap, grpcBootstrap } from "../bootstrap/client-bootstrap.js";
import { addExamples, type Exit, parsePort, UsageError } from "../terminal/command.js";
import { complain, jsonOf, yamlOf } from "../terminal/output.js";
import { serviceOption } from "../terminal/service-option.js";

interface Options extends Omit<BootstrapOptions, "servers" | "replicas" | "locality" | "adminPort"> {
  readonly server?: readonly string[];
  readonly replica?: readonly string[];
  readonly from?: string;
  readonly locality?: string;
  readonly adminPort: number | "off";
  readonly grpc?: boolean;
  readonly output?: "yaml" | "json";
}

const noAdsOverRest =
  "an Envoy refuses resources that name `ads` as a source, also those that `xds serve` makes of static secrets; use an `api_config_source` in them";

const drainTimes =
  "An Envoy uses a replaced listener for its --drain-time-s (600 by default). The server keeps what that listener refers to for its " +
  "own --envoy-drain-time (10m by default; in code, drainTimeMs). Both must agree: change them together.";

/** `xds bootstrap`. */
export function addBootstrap(program: Command, exit: Exit): void {
  const command = program
    .command("bootstrap")
    .summary("print the bootstrap with which an Envoy or a gRPC client connects to an xDS server")
    .description(
      "Print a bootstrap with which an Envoy gets its configuration from this server. With --grpc, print one for a gRPC client " +
        "(GRPC_XDS_BOOTSTRAP). The paths of TLS files are those on the client's machine.\n\n" +
        "Resources can name `ads` as the source of other resources, as EDS clusters do. With --service separate, these other resources come " +
        "on an additional aggregated stream, and changes are not ordered across the streams: a changed cluster can wait 15 s for its " +
        `endpoints, and a removed resource can still be in use. With --service rest there is no ADS: ${noAdsOverRest}.\n\n` +
        "If --server is given twice, an Envoy uses the second server when the first does not answer from the start. An Envoy that has " +
        "received a response from the first server stays with it. Envoy calls this experimental, and supports at most two servers, on the " +
        "aggregated stream. A gRPC client takes any number of servers, and uses the next one when it lacks a resource that it needs.\n\n" +
        "--replica is for servers that have the same configuration, such as those of one `xds serve --store`. An Envoy connects to any of " +
        "them, and to another one when its connection ends. There may be any number.\n\n" +
        "With --from, the bootstrap is that of the file, without dynamic_resources and without the static resources that `xds serve` serves " +
        "from the same file. Some resources stay, because an Envoy takes them from its own file only: clusters that tracing, stats sinks or " +
        "access logs of the admin page name, and API listeners. A line on stderr says for each why it stays. Comments are lost. The options " +
        "about the node, and --admin-port, replace values of the file only if they are given.\n\n" +
        "The bootstrap for Envoy announces the client feature xds.config.supports-resource-ttl. An Envoy does not announce this feature by " +
        `itself, and without it the server sends no TTL.\n\n${drainTimes}`,
    )
    .addOption(
      new Option(
        "--server <host:port>",
        "the xDS server (default 127.0.0.1:18000); give it again for a server to use when the ones before do not answer",
      )
        .argParser((server, before: readonly string[] = []) => [...before, server])
        .env("XDS_SERVER"),
    )
    .addOption(
      new Option(
        "--replica <host:port>",
        "a further address of the --server, where a replica answers; may be given again",
      ).argParser((replica, before: readonly string[] = []) => [...before, replica]),
    )
    .option(
      "--from <file>",
      "an Envoy's own bootstrap file, or - for standard input: keep all of it except what `xds serve` serves",
    )
    .option("--node-id <id>", "the node's id", "my-node")
    .option("--node-cluster <name>", "the node's cluster", "my-cluster")
    .option("--locality <region/zone/sub-zone>", "where the node runs; zone and sub-zone are optional")
    .addOption(
      new Option("--variant <variant>", "incremental, or state of the world")
        .choices(["delta", "sotw"])
        .default("delta"),
    )
    .addOption(
      serviceOption(
        "one aggregated stream, a separate stream for each type, or polling over REST (--server then has the REST port)",
        ["ads", "separate", "rest"],
      ),
    )
    .option("--tls", "use TLS; each --tls option below implies it")
    .option(
      "--tls-ca <file>",
      "authorities of the server's certificate, in PEM; without it, Envoy accepts any certificate",
    )
    .option("--tls-cert <file>", "the client's own certificate, in PEM (mTLS)")
    .option("--tls-key <file>", "the private key of --tls-cert, in PEM")
    .option(
      "--tls-server-name <name>",
      "a DNS name that the server's certificate must have; by default the server's host",
    )
    .addOption(
      new Option("--admin-port <port>", 'port of Envoy\'s admin page, on loopback, or "off"')
        .argParser((text) => (text === "off" ? text : parsePort(text)))
        .default(9901),
    )
    .option("--load-reports", "report the Envoy's load to the server (LRS), which gradual rollouts compare")
    .option("--grpc", "a bootstrap for gRPC clients, as JSON")
    .addOption(
      new Option("-o, --output <format>", "output format (default yaml; json with --grpc)").choices(["yaml", "json"]),
    );
  addExamples(command, [
    [
      "xds bootstrap > bootstrap.yaml && envoy -c bootstrap.yaml",
      "an Envoy that gets its configuration from 127.0.0.1:18000",
    ],
    ["xds bootstrap --server xds.example.com:443 --tls-ca ca.pem --node-id edge-1 --node-cluster edge", "over TLS"],
    [
      "xds bootstrap --from envoy.yaml > bootstrap.yaml && xds serve envoy.yaml",
      "the Envoy keeps its admin page, tracing and stats sinks; its listeners and clusters come from the server",
    ],
    [
      "xds bootstrap --server xds-1.example.com:18000 --server xds-2.example.com:18000",
      "an Envoy that uses the second server if the first is down at its start",
    ],
    [
      "xds bootstrap --server xds-1.example.com:18000 --replica xds-2.example.com:18000",
      "an Envoy that connects to one of two replicas, and to the other one when the first ends",
    ],
    ["xds bootstrap --grpc > grpc.json && GRPC_XDS_BOOTSTRAP=grpc.json ./my-grpc-client", "for a gRPC client"],
  ]);
  command.action(async (options: Options) => {
    if (options.grpc) checkGrpc(command);
    const {
      grpc = false,
      output = grpc ? "json" : "yaml",
      server,
      replica,
      from,
      locality,
      adminPort,
      ...rest
    } = options;
    const of: BootstrapOptions = {
      ...rest,
      servers: server ?? ["127.0.0.1:18000"],
      ...(replica && { replicas: replica }),
      ...(locality !== undefined && { locality: locality.split("/") }),
      ...(adminPort !== "off" && { adminPort }),
    };
    const isGiven = (option: string) => !["default", undefined].includes(command.getOptionValueSource(option));
    const bootstrap = grpc
      ? grpcBootstrap(of)
      : from === undefined
        ? envoyBootstrap(of)
        : await bootstrapFrom(from, of, isGiven);
    if (of.service === "rest") complain(`over REST there is no ADS: ${noAdsOverRest}`);
    if (output === "yaml" && !grpc) process.stdout.write(`# ${drainTimes}\n`);
    process.stdout.write(output === "yaml" ? yamlOf(bootstrap) : jsonOf(bootstrap));
    exit(0);
  });
}

/**
 * Refuses options that a gRPC bootstrap has no place for. Defaults are not refused.
 * @throws UsageError
 */
function checkGrpc(command: Command): void {
  const { variant, adminPort, from, loadReports } = command.opts<Options>();
  if (loadReports) throw new UsageError("clusters tell gRPC clients where to report load; leave out --load-reports");
  if (from !== undefined) throw new UsageError("--from is an Envoy's file; leave it out, or --grpc");
  const isGiven = (option: string) => command.getOptionValueSource(option) !== "default";
  if (isGiven("adminPort") && adminPort !== "off")
    throw new UsageError("gRPC clients have no admin page; leave out --admin-port");
  if (isGiven("variant") && variant !== "sotw")
    throw new UsageError(`gRPC clients use the state of the world only; leave out --variant ${variant}`);
}
