import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  UsageError
} from "./chunk-M4PHON7U.js";

// dist/cli/settings/store-options.js
var storeSettings = [
  "store",
  "storeTlsCa",
  "storeTlsCert",
  "storeTlsKey",
  "storeTlsServerName",
  "storeUser",
  "storePasswordFile"
];
var passwordVariable = "XDS_STORE_PASSWORD";
function etcdOptions(settings) {
  const { store, storeTlsCa: ca, storeTlsCert: cert, storeTlsKey: key, storeTlsServerName: serverName } = settings;
  const { storeUser: user, storePasswordFile: passwordFile } = settings;
  if (!store) {
    const others = { ca, cert, key, serverName, user, passwordFile };
    if (Object.values(others).some((value) => value !== void 0))
      throw new UsageError("--store-tls-\u2026, --store-user and --store-password-file are about the store; name it with --store");
    return void 0;
  }
  if (cert === void 0 !== (key === void 0))
    throw new UsageError("--store-tls-cert and --store-tls-key go together; give both");
  const hasPassword = passwordFile !== void 0 || process.env[passwordVariable] !== void 0;
  if (user !== void 0 && !hasPassword)
    throw new UsageError(`--store-user needs a password: in a file that --store-password-file names, or in the variable ${passwordVariable}`);
  if (user === void 0 && hasPassword)
    throw new UsageError("the store's password is given, but not its user; give it with --store-user");
  const hasTls = store.hasTls || [ca, cert, key, serverName].some((value) => value !== void 0);
  const password = passwordFile === void 0 ? { variable: passwordVariable } : { file: passwordFile };
  return {
    endpoints: store.endpoints,
    configuration: store.configuration,
    ...hasTls && {
      tls: {
        ...ca !== void 0 && { ca: { file: ca } },
        ...cert !== void 0 && { cert: { file: cert } },
        ...key !== void 0 && { key: { file: key } },
        ...serverName !== void 0 && { serverName }
      }
    },
    ...user !== void 0 && { login: { user, password } }
  };
}
var storePlace = ({ endpoints, configuration }) => `store ${[...endpoints].sort().join(",")}/${configuration}`;
async function openEtcd(options, logger) {
  const { EtcdStore } = await import("./etcd-UW437LF3.js");
  return EtcdStore.open({ ...options, logger });
}

export {
  storeSettings,
  passwordVariable,
  etcdOptions,
  storePlace,
  openEtcd
};
