import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** The name of the socket in a state directory. */
const socketName = "control.sock";
/** The name of the file with the socket's path, if the socket is outside the state directory. */
const pathName = "control.path";

/** The longest path of a Unix socket that the operating system allows, in bytes. */
const mostBytes = process.platform === "linux" ? 107 : 103;

const fits = (path: string) => Buffer.byteLength(path) <= mostBytes;

/** A folder for a socket outside the state directory has a name that begins with this. */
const folderStart = "xds-control-";

/** The path of the socket for a state directory. The socket need not exist. */
export async function socketOf(stateDirectory: string): Promise<string> {
  const path = join(stateDirectory, socketName);
  return fits(path) ? path : ((await elsewhere(stateDirectory)) ?? path);
}

/** The place of a new socket. */
export interface SocketPlace {
  readonly path: string;
  /** Removes what {@link placeSocket} made. */
  remove(): Promise<void>;
}

/**
 * Chooses the place of a state directory's socket. Normally it is in the directory. If the directory's path is too long
 * for a socket, a new folder with mode 0700 is made among the temporary files, and a file in the state directory has
 * the path. The folder and the file of a dead server are removed.
 */
export async function placeSocket(stateDirectory: string): Promise<SocketPlace> {
  const path = join(stateDirectory, socketName);
  const file = join(stateDirectory, pathName);
  const left = await elsewhere(stateDirectory);
  if (left !== undefined && isOwn(dirname(left))) await rm(dirname(left), { recursive: true, force: true });
  await rm(file, { force: true });
  if (fits(path)) return { path, remove: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), folderStart)); // its mode is 0700
  const there = join(folder, "s");
  await writeFile(file, there, { mode: 0o600 });
  return {
    path: there,
    remove: async () => {
      if ((await elsewhere(stateDirectory)) === there) await rm(file, { force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether a folder is one that {@link placeSocket} made. */
const isOwn = (folder: string): boolean =>
  dirname(folder) === resolve(tmpdir()) && /^xds-control-\w+$/.test(basename(folder));

/** The path in the file. undefined if there is no file. */
async function elsewhere(stateDirectory: string): Promise<string | undefined> {
  const text = await readFile(join(stateDirectory, pathName), "utf8").catch(() => "");
  return text.trim() === "" ? undefined : resolve(text.trim());
}
