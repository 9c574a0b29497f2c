import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";

/**
 * The operations on files that a {@link DirectoryStore} needs. Paths are absolute. A machine can stop after any
 * operation, and tests simulate this for each one.
 */
export interface Disk {
  /** Reads a whole file. Returns undefined if there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The names in a folder. Empty if there is no such folder. */
  list(path: string): Promise<readonly string[]>;
  /** Makes a folder and its parents, for this user only. */
  makeFolder(path: string): Promise<void>;
  /** Writes a whole new file, for this user only. A crash before `sync` can lose it. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Appends to a file, or makes it for this user only. A crash before `sync` can lose the bytes. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes a file's content durable. */
  sync(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>;
  /** Removes a file, if there is one. */
  remove(path: string): Promise<void>;
}

/** The machine's disk. */
export const disk: Disk = {
  read: (path) =>
    readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }),
  list: (path) =>
    readdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    }),
  makeFolder: async (path) => void (await mkdir(path, { recursive: true, mode: 0o700 })),
  write: (path, bytes) => writeWith("w", path, bytes),
  append: (path, bytes) => writeWith("a", path, bytes),
  sync: (path) => syncWith("r+", path),
  rename,
  syncFolder: (path) =>
    syncWith("r", path).catch((error: NodeJS.ErrnoException) => {
      // Windows cannot sync folders.
      if (!["EPERM", "EISDIR", "EACCES"].includes(error.code ?? "") || process.platform !== "win32") throw error;
    }),
  remove: (path) => rm(path, { force: true }),
};

async function writeWith(flags: "w" | "a", path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

async function syncWith(flags: "r" | "r+", path: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Replaces a file. After a crash it has either the old content or the new one. The caller must sync the folder. */
export async function replaceFile(on: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const next = `${path}.new`;
  await on.write(next, bytes);
  await on.sync(next);
  await on.rename(next, path);
}
