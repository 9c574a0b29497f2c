import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { pinned } from "../../scripts/envoy-wheel.mjs";
import { xdsHere } from "./in-process.js";

const quickstart = fileURLToPath(new URL("../../examples/quickstart", import.meta.url));

describe("a variable of the environment that no option has", () => {
  const told = async (variables: NodeJS.ProcessEnv) => {
    const { code, stderr } = await xdsHere.with(variables, "serve", quickstart, "--check");
    expect(code).toBe(0);
    return stderr;
  };

  test("is told, with the one that was likely meant", async () => {
    expect(await told({ XDS_PROT: "1", XDS_TIMEOUT: "5s" })).toBe(
      "xds: XDS_PROT in the environment is ignored: no option has this name; did you mean XDS_PORT?\n" +
        "xds: XDS_TIMEOUT in the environment is ignored: no option has this name\n",
    );
  });

  test("is told by every command", async () => {
    const { code, stderr } = await xdsHere.with({ XDS_SEVER: "x:1" }, "completion", "bash");
    expect(stderr).toMatch(/^xds: XDS_SEVER in the environment is ignored: .*; did you mean XDS_SERVER\?\n$/);
    expect(code).toBe(0);
  });

  test("is not told where it is Kubernetes' of a Service, empty, or another program's", async () => {
    const ofServices = {
      XDS_SERVICE_HOST: "10.0.0.1",
      XDS_SERVICE_PORT: "18000",
      XDS_SERVICE_PORT_GRPC: "18000",
      XDS_PORT_18000_TCP: "tcp://10.0.0.1:18000",
      XDS_PORT_18000_TCP_ADDR: "10.0.0.1",
      XDS_OTHER_PORT: "tcp://10.0.0.2:1",
    };
    expect(await told({ ...ofServices, XDS_PROT: "", GRPC_XDS_PROT: "1" })).toBe("");
  });

  test("is none that an option has", async () => {
    const variables = { XDS_PORT: "0", XDS_HOST: "", XDS_SERVER: "x:1", XDS_ADMIN: "http://x:1" };
    expect(await told({ ...variables, XDS_LIMITS_NAMES: "7" })).toBe("");
  });
});

test("an empty variable that would restrict who may connect is told, for it does not", async () => {
  const { code, stderr } = await xdsHere.with({ XDS_TLS_NODE_SAN: "" }, "serve", quickstart, "--check");
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: "xds: XDS_TLS_NODE_SAN in the environment is empty, so it has no effect\n",
  });
});

test.each([["XDS_ENVOY"], ["XDS_DESCRIPTORS"], ["XDS_SERVER"], ["XDS_ADMIN"], ["XDS_PORT"]])(
  "an empty %s is as if it were not set",
  async (name) => {
    const validated = await xdsHere.with({ [name]: "" }, "validate", quickstart);
    expect(validated).toMatchObject({ code: 0, stderr: "" });
    const bootstrap = await xdsHere.with({ [name]: "" }, "bootstrap");
    expect(bootstrap).toMatchObject({ code: 0, stderr: "" });
    expect(bootstrap.stdout).toContain("port_value: 18000");
    const served = await xdsHere.with({ [name]: "" }, "serve", quickstart, "--check");
    expect(served).toMatchObject({ code: 0, stderr: "" });
  },
);

test.each([
  ["diff", quickstart, quickstart],
  ["explain", "backend", quickstart],
])("a group that no directory has is told: %s", async (...args) => {
  expect(await xdsHere(...args, "--group", "nope")).toEqual({
    code: 2,
    stdout: "",
    stderr: `xds: --group "nope": there is no such node group; there are no node groups\n`,
  });
});

describe("a command that there is not", () => {
  const hint = "(xds --help, or xds <command> --help, shows the usage)\n";

  test.each([[["servee"]], [["help", "servee"]], [["servee", "--help"]]])("is told: %j", async (args) => {
    expect(await xdsHere(...args)).toEqual({
      code: 2,
      stdout: "",
      stderr: `xds: unknown command 'servee'\n(Did you mean serve?)\n${hint}`,
    });
  });

  test("is told where it is one of another command's", async () => {
    expect(await xdsHere("schema", "help", "frob")).toEqual({
      code: 2,
      stdout: "",
      stderr: `xds: unknown command 'frob'\n${hint}`,
    });
  });

  test.each([
    [["help"], "Usage: xds [options] [command]"],
    [["help", "serve"], "Usage: xds serve [options]"],
    [["schema", "--help"], "Usage: xds schema [options]"],
    [["schema", "help", "show"], "Usage: xds schema show [options]"],
    [["get", "--help"], "Usage: xds get [options]"],
  ])("is none of those whose help is printed: %j", async (args, usage) => {
    const { code, stdout, stderr } = await xdsHere(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.startsWith(usage)).toBe(true);
  });
});

test.each([
  [["get", "--nope"]],
  [["get", "--timeout", "soon"]],
  [["get", "clutsers"]],
  [["validate"]],
  [["validate", ".", "-o", "xml"]],
  [["completion", "fish"]],
  [["schema", "types"]],
])("errors of the call begin with the program's name: %j", async (args) => {
  const { code, stderr } = await xdsHere(...args);
  expect(stderr).toMatch(/^xds: /);
  expect(code).toBe(2);
});

describe("xds version", () => {
  test("tells which Envoy the built-in API is from", async () => {
    const { code, stdout } = await xdsHere("version");
    expect(code).toBe(0);
    const node = process.versions.node;
    expect(stdout).toMatch(/^xds \d+\.\d+\.\d+\n/);
    expect(stdout.split("\n").slice(1)).toEqual([`built-in API: Envoy ${pinned.version}`, `Node.js ${node}`, ""]);
  });
});
