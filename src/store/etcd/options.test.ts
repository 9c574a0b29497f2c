import { describe, expect, it } from "vitest";
import { EtcdStore } from "./etcd-store.js";
import type { EtcdStoreOptions } from "./options.js";

const endpoints = ["127.0.0.1:2379"];

describe("the options of EtcdStore", () => {
  it.each<[string, object, RegExp]>([
    ["no endpoint", { endpoints: [] }, /^endpoints must be .*host:port each, is \[\]/],
    ["an endpoint with a scheme", { endpoints: ["http://a:1"] }, /without a scheme; TLS is the option tls, is "http/],
    ["an endpoint without a port", { endpoints: ["a"] }, /an endpoint must be host:port/],
    ["a path as the configuration", { endpoints, configuration: "a/b" }, /configuration must be .*, is "a\/b"/],
    ["a time that is no number", { endpoints, timeoutMs: "1" }, /timeoutMs must be a number, 1 or more, is "1"/],
    ["an unknown option", { endpoints, timeout: 1 }, /no option "timeout"; did you mean timeoutMs\?/],
    ["half a certificate", { endpoints, tls: { cert: "a" } }, /needs both, tls.cert and tls.key/],
    ["half a login", { endpoints, login: { user: "a" } }, /needs both, login.user and login.password/],
  ])("refuse %s", async (_, options, message) => {
    await expect(EtcdStore.open(options as EtcdStoreOptions)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringMatching(message),
    });
  });
});
