import { afterAll, beforeAll } from "vitest";
import { EtcdStore } from "../../src/store/etcd/index.js";
import { storeContract } from "../contract/store.js";
import { describeWithEtcd, type Etcd, newConfiguration, startMembers } from "./etcd.js";

describeWithEtcd("EtcdStore keeps the store contract", () => {
  let etcd: Etcd;
  beforeAll(async () => {
    [etcd] = (await startMembers(1)) as [Etcd];
    await etcd.serves();
  });
  afterAll(() => etcd.forget());

  storeContract(() =>
    EtcdStore.open({ endpoints: [etcd.endpoint], configuration: newConfiguration(), unusedBlobsMs: 0 }),
  );
});
