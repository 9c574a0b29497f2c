import { resolve } from "node:path";
import { messageOf, XdsError } from "../../errors.js";
import { Revisions } from "../../revisions/revisions.js";
import { isCopy } from "../../serving/local-copy.js";
import { ReplicaStore } from "../../serving/replica-store.js";
import { DirectoryStore } from "../../store/directory-store.js";
import { MemoryStore } from "../../store/memory-store.js";
import type { Store } from "../../store/store.js";
import { defaultStateDirectory } from "../settings/state-directory.js";
import { etcdOptions, openEtcd, type StoreSettings, storePlace } from "../settings/store-options.js";
import type { Log } from "../terminal/log.js";

/** A store for revisions, and its directory. The directory is `undefined` for a store in memory. */
export interface OpenedStore {
  readonly store: Store;
  readonly directory: string | undefined;
}

/** Opens a directory. The revisions that are served from it must be readable. */
async function openDirectory(directory: string): Promise<Store> {
  const store = await DirectoryStore.open(directory);
  try {
    if (isCopy((await store.readHead()).head))
      throw new XdsError(
        "STORE_FAILED",
        `the state directory ${directory} is the copy of a store: give --store too, or use another directory`,
      );
    const revisions = await Revisions.open(store);
    const { stable, rollout } = revisions.head;
    for (const number of [stable, rollout?.revision ?? 0])
      if (number > 0) await revisions.groupsOf(await revisions.read(number));
    await revisions.live();
    revisions.close();
    return store;
  } catch (error) {
    await store.close();
    if (!(error instanceof XdsError) || error.code !== "STORE_DAMAGED") throw error;
    const remedy = "restore it from a backup, or move it away and start again, without its history";
    throw new XdsError(error.code, `the state directory ${directory} is damaged: ${error.message}; ${remedy}`);
  }
}

/** The settings that say where a server keeps its revisions. */
type Places = StoreSettings & { readonly stateDir: string | undefined };

/** How long, in milliseconds, the first try to reach a store may take. Others follow. */
const firstTryMs = 3_000;

/**
 * Opens the store of a server of these paths: the one of the setting `store`, with a copy in the state directory, or
 * else the state directory. Without the setting `state_dir`, the default directory is used, or memory if that cannot be
 * used; then the log has a warning.
 * @throws XdsError as {@link DirectoryStore.open}, for a directory that was given; as {@link ReplicaStore.open}
 */
export async function openStore(settings: Places, paths: readonly string[], log: Log): Promise<OpenedStore> {
  const etcd = etcdOptions(settings);
  if (!etcd) {
    const { store, directory } = await openState(settings.stateDir, paths, log, openDirectory);
    return { store: store ?? new MemoryStore(), directory };
  }
  const { configuration } = etcd;
  const places = [storePlace(etcd), ...paths];
  const { store: copy, directory } = await openState(settings.stateDir, places, log, DirectoryStore.open);
  const connect = () => openEtcd({ ...etcd, openTimeoutMs: firstTryMs }, log);
  return { store: await ReplicaStore.open({ connect, configuration, copy, logger: log }), directory };
}

/** Opens the state directory. Without `store`, the state is in memory. */
async function openState(
  given: string | undefined,
  paths: readonly string[],
  log: Log,
  open: (directory: string) => Promise<Store>,
): Promise<{ readonly store: Store | undefined; readonly directory: string | undefined }> {
  if (given === "memory") return { store: undefined, directory: undefined };
  const directory = given === undefined ? defaultStateDirectory(paths) : resolve(given);
  try {
    return { store: await open(directory), directory };
  } catch (error) {
    if (given !== undefined) throw error;
    log.warn(
      { directory, error: messageOf(error) },
      "revisions are kept in memory only, because the default state directory cannot be used; --state-dir names another one",
    );
    return { store: undefined, directory: undefined };
  }
}
