import { readFileSync } from "node:fs";
import { test } from "vitest";
import { formatProblem } from "./problem.js";
import { readResourceFile } from "./resource-file.js";
test("x", () => {
  for (const p of readResourceFile("bad.yaml", readFileSync("/tmp/exp/y/bad.yaml")).problems) console.log(formatProblem(p));
  let t="resources:\n";
  for(let i=0;i<10000;i++) t+=`- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: cluster-${i}
  connect_timeout: 1.5s
  type: EDS
  lb_policy: ROUND_ROBIN
  eds_cluster_config:
    eds_config: { ads: {}, resource_api_version: V3 }
  circuit_breakers:
    thresholds:
    - max_connections: 1000
      max_requests: 1000
`;
  for (let k=0;k<3;k++){const s=performance.now(); const r=readResourceFile("x.yaml", Buffer.from(t)); console.log(r.problems, r.resources.length, performance.now()-s);}
});
