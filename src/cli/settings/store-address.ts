import { InvalidArgumentError } from "commander";

/** Where a store is. */
export interface StoreAddress {
  /** As it was given. */
  readonly text: string;
  /** `host:port` of each member of etcd. */
  readonly endpoints: readonly string[];
  readonly configuration: string;
  readonly hasTls: boolean;
}

const expected = "expected etcd://host:2379[,host:2379…][/configuration], or etcds://… for TLS";

/** Reads a setting `store`. */
export function storeAddress(text: string): StoreAddress {
  const [, scheme, hosts = "", configuration] = /^(etcds?):\/\/([^/?#]*)(?:\/([^/?#]*)\/?)?$/.exec(text) ?? [];
  if (hosts.includes("@"))
    throw new InvalidArgumentError(
      "the user and the password are not part of the URL: give --store-user, and the password by --store-password-file or XDS_STORE_PASSWORD",
    );
  if (scheme === undefined || hosts === "") throw new InvalidArgumentError(expected);
  const endpoints = hosts.split(",").map((host) => (/(^|[^:\]]):\d+$|\]:\d+$/.test(host) ? host : `${host}:2379`));
  const wrong = endpoints.find((endpoint) => !/^(\[[\da-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/.test(endpoint));
  if (wrong !== undefined) throw new InvalidArgumentError(`${expected}; ${JSON.stringify(wrong)} is not host:port`);
  if (configuration !== undefined && configuration !== "" && !/^[\w-][\w.-]{0,99}$/.test(configuration))
    throw new InvalidArgumentError(
      "the name of the configuration, which is the path of the URL, has at most 100 letters, digits, '.', '_' and '-'",
    );
  return { text, endpoints, configuration: configuration || "default", hasTls: scheme === "etcds" };
}
