/**
 * Who may import whom in `src/`, type imports included (docs/architecture.md, "The parts"). A room is a folder; files
 * directly in `src/` are leaves, which every room may import, and `src/index.ts`, which nobody imports.
 */
const below = {
  schema: [],
  json: ["schema"],
  wire: ["schema"],
  resource: ["schema", "json", "wire", "resource/references"],
  "resource/references": ["schema", "json", "resource"],
  validation: ["schema", "json", "resource", "resource/references"],
  cache: ["schema", "resource"],
  "grpc-client": ["@grpc/grpc-js"],
  ipc: [],
  store: [],
  fleet: ["store"],
  "fleet/network": ["fleet", "grpc-client", "@grpc/grpc-js"],
  rollout: ["store"],
  "rollout/gates": ["rollout"],
  revisions: ["wire", "resource", "store", "rollout"],
  protocol: ["schema", "wire", "resource", "resource/references", "cache/config-watcher.ts"],

  "http2/hpack": ["http2/errors.ts"],
  http2: ["http2/hpack"],
  grpc: ["http2", "http2/hpack"],

  "server/admission": ["wire", "protocol", "grpc"],
  "server/access": ["schema", "protocol", "validation/pem.ts"],
  "server/http": ["protocol", "http2", "grpc", "server/admission"],
  "server/grpc": ["schema", "wire", "resource", "protocol", "grpc", "server/admission"],
  "server/status": ["schema", "wire", "resource", "cache", "protocol", "server/admission"],
  "server/csds": [
    ...["schema", "json", "wire", "resource", "validation", "cache", "protocol", "grpc"],
    ...["server/admission", "server/grpc", "server/status"],
  ],
  "server/lrs": ["schema", "wire", "resource", "cache", "protocol", "grpc", "server/admission", "server/grpc"],
  "server/rest": ["wire", "resource", "protocol", "server/access", "server/admission", "server/csds", "server/http"],
  "server/peers": ["fleet", "fleet/network/peer-request.ts", "protocol", "grpc", "server/grpc"],
  server: ["schema", "wire", "resource", "cache", "protocol", "http2", "grpc", "server/**"],
  admin: ["schema", "resource", "protocol", "fleet", "server", "server/**"],
  client: ["schema", "wire", "resource", "grpc-client", "@grpc/grpc-js"],

  "source/files": ["json"],
  "source/yaml": ["json", "source/files"],
  "source/documents": ["schema", "json", "resource", "validation", "source/files", "source/yaml"],
  "source/reading": [
    ...["schema", "json", "resource", "resource/references", "validation"],
    ...["source/files", "source/yaml", "source/documents"],
  ],
  "source/thread": [
    ...["schema", "resource", "resource/references", "validation"],
    ...["source/files", "source/documents", "source/reading"],
  ],
  "source/secrets": ["source/files"],
  source: ["resource", "source/**"],
  "store/etcd": ["store", "grpc-client", "source/files/whole-file.ts", "@grpc/grpc-js"],
  "store/ipc": ["store", "ipc"],
  control: [
    ...["schema", "resource", "store", "rollout", "revisions", "admin", "server/csds", "source/files/whole-file.ts"],
  ],
  serving: [
    ...["protocol/open-refusals.ts", "fleet", "fleet/**"],
    ...["resource", "resource/references", "validation", "cache"],
    ...["store", "rollout", "rollout/gates", "revisions", "control", "admin", "server", "server/**"],
    ...["source/files", "source/documents", "source/reading", "source/secrets"],
  ],

  "cli/**": ["**"],
};

const leaves = "^src/[^/]+\\.ts$";
const pathOf = (to) => {
  if (to === "**") return "^src/";
  if (to.endsWith("/**")) return `^src/${to.slice(0, -2)}`;
  if (to.endsWith(".ts")) return `^src/${to}$`;
  return to.startsWith("@") ? `node_modules/${to}/` : `^src/${to}/[^/]+$`;
};

const rooms = Object.entries(below).map(([room, allowed]) => ({
  name: `rooms-below-${room}`,
  comment: `src/${room} may import: ${["leaves", ...allowed].join(", ")}`,
  severity: "error",
  from: { path: pathOf(room) },
  to: {
    path: ["^src/", "node_modules/@grpc/"],
    pathNot: [leaves, `^src/${room.replace(/\/\*\*$/, "")}/[^/]+$`, ...allowed.map(pathOf)],
  },
}));

export default {
  forbidden: [
    ...rooms,
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    {
      name: "leaves",
      severity: "error",
      from: { path: leaves, pathNot: "^src/index\\.ts$" },
      to: { path: "^src/.+/" },
    },
    {
      name: "default-api-for-one-api-only",
      comment: "rooms that may have several APIs in a process take an XdsApi",
      severity: "error",
      from: { path: "^src/.+/", pathNot: "^src/(revisions|source|serving|control|cli)/" },
      to: { path: "^src/resource/default-api\\.ts$" },
    },
    { name: "nobody-imports-index", severity: "error", from: { path: "^src/" }, to: { path: "^src/index\\.ts$" } },
    {
      name: "every-room-has-a-rule",
      severity: "error",
      from: { path: "^src/.+/", pathNot: Object.keys(below).map(pathOf) },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    exclude: { path: "\\.test\\.ts$" },
    doNotFollow: { path: ["node_modules", "^gen/"] },
  },
};
