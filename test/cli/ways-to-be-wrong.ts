import { execFile } from "node:child_process";
import { rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";

/** A way to get a configuration wrong, and what the program says to it. */
export interface Way {
  /** What is done. */
  readonly way: string;
  /** Does it in a directory that has {@link soundFiles}. */
  readonly spoil: (directory: string) => Promise<unknown>;
  /** Each line: place, code and words. The directory is DIR. */
  readonly says: readonly (readonly [place: string, code: string, words: string])[];
}

const cluster = `- "@type": ${clusterType}
  name: backend
  type: EDS
  connect_timeout: 1s
  eds_cluster_config:
    eds_config: { ads: {}, resource_api_version: V3 }
`;

/** A sound configuration: a route configuration that refers to a cluster, which refers to its endpoints. */
export const soundFiles: Readonly<Record<string, string>> = {
  "clusters.yaml": `resources:\n${cluster}`,
  "endpoints.json": JSON.stringify({ "@type": endpointType, clusterName: "backend" }, undefined, 2),
  "routes.yaml": `"@type": ${routeType}
name: local
virtual_hosts:
- name: all
  domains: ["*"]
  routes:
  - match: { prefix: / }
    route: { cluster: backend }
`,
};

/** Puts a sound configuration in the place of whatever the directory has. */
export async function heal(directory: string): Promise<void> {
  for (const name of [...added, ...Object.keys(soundFiles)]) await rm(join(directory, name), { force: true });
  for (const [name, text] of Object.entries(soundFiles)) await writeFile(join(directory, name), text);
}

/** The names of files that a way may add. */
const added = ["more.yaml", "groups"];

const put = (name: string, text: string | Uint8Array) => (directory: string) => writeFile(join(directory, name), text);
/** Puts the good clusters with something replaced. */
const edit = (from: string, to: string) => {
  if (!cluster.includes(from)) throw new Error(`the cluster has no ${from}`);
  return put("clusters.yaml", `resources:\n${cluster.replace(from, to)}`);
};

const run = promisify(execFile);

export const ways: readonly Way[] = [
  { way: "a tab for indentation", spoil: edit("  connect_timeout", "\tconnect_timeout"), says: [] },
  { way: "a wrong indentation", spoil: edit("  connect_timeout", "   connect_timeout"), says: [] },
  { way: "a key twice", spoil: edit("type: EDS", "name: other"), says: [] },
  { way: "a bracket that is not closed", spoil: edit("V3 }", "V3"), says: [] },
  { way: "an alias of no anchor", spoil: edit("type: EDS", "type: *kind"), says: [] },
  { way: "JSON that ends early", spoil: put("endpoints.json", '{ "clusterName": "backend",'), says: [] },
  { way: "text that is not UTF-8", spoil: put("more.yaml", new Uint8Array([0x23, 0x20, 0xe4, 0x0a])), says: [] },
  { way: "a field that does not exist", spoil: edit("connect_timeout", "conect_timeout"), says: [] },
  { way: "a value that an enum does not have", spoil: edit("EDS", "EDDS"), says: [] },
  { way: "a duration without its unit", spoil: edit("1s", "1"), says: [] },
  { way: "a text for a number", spoil: edit("1s", "1s\n  max_requests_per_connection: many"), says: [] },
  { way: "a list for an object", spoil: edit("{ ads: {}, resource_api_version: V3 }", "[]"), says: [] },
  { way: "two fields of which one can be set", spoil: edit("{ ads: {}", "{ ads: {}, self: {}"), says: [] },
  { way: "a wrong @type", spoil: edit(clusterType, "type.googleapis.com/envoy.config.cluster.v3.Clutser"), says: [] },
  { way: "the @type of what is no resource", spoil: edit(clusterType, "type.googleapis.com/envoy.config.core.v3.Node"), says: [] },
  { way: "no @type", spoil: edit(`"@type": ${clusterType}\n  name`, "name"), says: [] },
  { way: "no name", spoil: edit("name: backend", "alt_stat_name: backend"), says: [] },
  { way: "a name that another file has", spoil: put("more.yaml", `resources:\n${cluster}`), says: [] },
  { way: "a bootstrap for resources", spoil: put("more.yaml", "static_resources: { clusters: [] }\nadmin: {}\n"), says: [] },
  { way: "a value against the API's rules", spoil: edit("1s", "0s"), says: [] },
  { way: "a field that the API requires is not there", spoil: edit("1s", "1s\n  health_checks: [{ interval: 1s }]"), says: [] },
  { way: "a field in an Any against the API's rules", spoil: put("more.yaml", `"@type": ${listenerType}
name: tcp
filter_chains:
- filters:
  - name: tcp
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
      cluster: backend
`), says: [] },
  { way: "a reference to what is not there", spoil: edit("name: backend", "name: backends"), says: [] },
  { way: "an empty file, where others refer to what it had", spoil: put("clusters.yaml", ""), says: [] },
  { way: "a file removed, where others refer to what it had", spoil: (directory) => rm(join(directory, "endpoints.json")), says: [] },
  { way: "a symbolic link to nothing", spoil: (directory) => symlink("nowhere", join(directory, "more.yaml")), says: [] },
  { way: "a symbolic link that leads back", spoil: (directory) => symlink(".", join(directory, "more.yaml")), says: [] },
  { way: "a pipe for a file", spoil: (directory) => run("mkfifo", [join(directory, "more.yaml")]), says: [] },
  { way: "a file where groups have directories", spoil: put("groups", ""), says: [] },
  {
    way: "a file of 100 MB",
    spoil: async (directory) => {
      await writeFile(join(directory, "more.yaml"), "");
      await truncate(join(directory, "more.yaml"), 100_000_000);
    },
    says: [],
  },
  { way: "the directory renamed", spoil: (directory) => rename(directory, `${directory}.away`), says: [] },
];
