import { expect, it } from "vitest";
import { asDumped } from "./dumped-endpoints.js";

const at = (port: number) => ({ address: { socket_address: { address: "127.0.0.1", port_value: port } } });

it("makes the same of endpoints as they were told and as an Envoy dumps them", () => {
  const told = {
    cluster_name: "a",
    endpoints: [
      { locality: { region: "b" }, lb_endpoints: [{ endpoint: at(1) }], load_balancing_weight: 3 },
      { locality: { region: "a" }, lb_endpoints: [{ endpoint: at(2), health_status: "TIMEOUT" }] },
      { locality: { region: "b" }, lb_endpoints: [{ endpoint: at(3), load_balancing_weight: 2 }] },
      { locality: { region: "c" } },
      { priority: 1, lb_endpoints: [{ endpoint: at(4) }] },
    ],
    policy: { endpoint_stale_after: "1s", drop_overloads: [{ category: "x", drop_percentage: { numerator: 5 } }] },
  };
  const filled = { health_status: "HEALTHY", load_balancing_weight: 1 };
  const has = (port: number) => ({ ...at(port), health_check_config: {} });
  const dumped = {
    cluster_name: "a",
    endpoints: [
      { locality: { region: "a" }, lb_endpoints: [{ ...filled, endpoint: has(2), health_status: "UNHEALTHY" }] },
      {
        locality: { region: "b" },
        lb_endpoints: [
          { ...filled, endpoint: has(1) },
          { ...filled, endpoint: has(3), load_balancing_weight: 2 },
        ],
        load_balancing_weight: 3,
      },
      { locality: {}, lb_endpoints: [{ ...filled, endpoint: has(4) }], priority: 1 },
    ],
    policy: {
      overprovisioning_factor: 140,
      drop_overloads: [{ category: "x", drop_percentage: { numerator: 50_000, denominator: "MILLION" } }],
    },
  };
  expect(asDumped(told)).toEqual(asDumped(dumped));
  expect(asDumped(told).endpoints).toHaveLength(3);
});

it("leaves what is no default, and the order of the endpoints of a locality, as they are", () => {
  const endpoints = [
    { locality: { zone: "z" }, lb_endpoints: [{ endpoint: at(2), load_balancing_weight: 5 }, { endpoint: at(1) }] },
  ];
  const policy = { overprovisioning_factor: 200 };
  const assignment = { cluster_name: "a", endpoints, policy };
  expect(asDumped(assignment)).toEqual(assignment);
  expect(asDumped({ cluster_name: "a", policy: { overprovisioning_factor: 140 } })).toEqual({ cluster_name: "a" });
});
