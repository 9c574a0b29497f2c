import type { EtcdStoreOptions } from "../../store/etcd/options.js";
import type { Store } from "../../store/store.js";
import { UsageError } from "../terminal/command.js";
import type { Log } from "../terminal/log.js";
import type { Settings } from "./settings.js";

/** The settings by which a store is reached. Commands that act on a store have these flags too. */
export const storeSettings = [
  "store",
  "storeTlsCa",
  "storeTlsCert",
  "storeTlsKey",
  "storeTlsServerName",
  "storeUser",
  "storePasswordFile",
] as const;
export type StoreSettings = Pick<Settings, (typeof storeSettings)[number]>;

/** The variable that has the password. A password in the arguments would be seen by all users of the machine. */
export const passwordVariable = "XDS_STORE_PASSWORD";

/**
 * How the store of these settings is reached. undefined without a store.
 * @throws UsageError for settings that do not go together
 */
export function etcdOptions(
  settings: StoreSettings,
): (EtcdStoreOptions & { readonly configuration: string }) | undefined {
  const { store, storeTlsCa: ca, storeTlsCert: cert, storeTlsKey: key, storeTlsServerName: serverName } = settings;
  const { storeUser: user, storePasswordFile: passwordFile } = settings;
  if (!store) {
    const others = { ca, cert, key, serverName, user, passwordFile };
    if (Object.values(others).some((value) => value !== undefined))
      throw new UsageError(
        "--store-tls-…, --store-user and --store-password-file are about the store; name it with --store",
      );
    return undefined;
  }
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError("--store-tls-cert and --store-tls-key go together; give both");
  const hasPassword = passwordFile !== undefined || process.env[passwordVariable] !== undefined;
  if (user !== undefined && !hasPassword)
    throw new UsageError(
      `--store-user needs a password: in a file that --store-password-file names, or in the variable ${passwordVariable}`,
    );
  if (user === undefined && hasPassword)
    throw new UsageError("the store's password is given, but not its user; give it with --store-user");
  const hasTls = store.hasTls || [ca, cert, key, serverName].some((value) => value !== undefined);
  const password = passwordFile === undefined ? { variable: passwordVariable } : { file: passwordFile };
  return {
    endpoints: store.endpoints,
    configuration: store.configuration,
    ...(hasTls && {
      tls: {
        ...(ca !== undefined && { ca: { file: ca } }),
        ...(cert !== undefined && { cert: { file: cert } }),
        ...(key !== undefined && { key: { file: key } }),
        ...(serverName !== undefined && { serverName }),
      },
    }),
    ...(user !== undefined && { login: { user, password } }),
  };
}

/** Tells the default state directory of servers of this store from others. */
export const storePlace = ({ endpoints, configuration }: EtcdStoreOptions): string =>
  `store ${[...endpoints].sort().join(",")}/${configuration}`;

/** Connects to a store in etcd. grpc-js is loaded only here. @throws XdsError as `EtcdStore.open` */
export async function openEtcd(options: EtcdStoreOptions, logger: Log): Promise<Store> {
  const { EtcdStore } = await import("../../store/etcd/index.js");
  return EtcdStore.open({ ...options, logger });
}
