import { totalmem } from "node:os";
import { ReadingThread, workerFile } from "../source/reading-thread.js";
import type { Locate } from "./configuration-gate.js";
import type { Log } from "./log.js";
import type { Settings } from "./settings.js";

const memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());
const mostHeapBytes = 2 ** 30;

/** The thread that reads files by these settings; undefined, with a warning, where its program is not there. */
export function readingThread({ fileMemory, fileTime }: Settings, log: Log): ReadingThread | undefined {
  const file = workerFile();
  if (!file) {
    log.warn({}, "files are read without limits of time and memory, for reading-worker.js is not beside this program");
    return undefined;
  }
  const heapBytes = fileMemory ?? Math.min(memory / 4, mostHeapBytes);
  return new ReadingThread({ heapBytes, timeMs: fileTime }, file);
}

/** Finds fields by that thread; where it fails, their resources. */
export const locatedBy =
  (thread: ReadingThread): Locate =>
  async (asked) => {
    try {
      return await thread.locate(asked);
    } catch {
      return asked.map(({ resource }) => resource);
    }
  };
