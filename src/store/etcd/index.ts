/// <reference types="node" preserve="true" />
// The store in etcd: `import { EtcdStore } from "ts-control-plane/etcd"`.
// It is a separate entry point, because it loads grpc-js.

export { EtcdStore } from "./etcd-store.js";
export type { EtcdLogin, EtcdStoreOptions, EtcdTlsOptions } from "./options.js";
export type { TextSource } from "./text-source.js";
