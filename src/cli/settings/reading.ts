import { totalmem } from "node:os";
import type { Locate } from "../../serving/findings.js";
import { Locator } from "../../source/documents/locator.js";
import { isStream } from "../../source/files/stream.js";
import { ReadingThread } from "../../source/thread/reading-thread.js";
import { workerFile } from "../../source/thread/worker-file.js";
import type { Log } from "../terminal/log.js";
import type { Settings } from "./settings.js";

const memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());
const mostHeapBytes = 2 ** 30;

/**
 * The thread that reads files, with these limits. It is undefined if reading-worker.js is not beside this program; then
 * the log has a warning.
 */
export function readingThread(
  { fileMemory, fileTime }: Pick<Settings, "fileMemory" | "fileTime">,
  log?: Log,
): ReadingThread | undefined {
  const file = workerFile();
  if (!file) {
    log?.warn({}, "files are read without limits of time and memory: reading-worker.js is not beside this program");
    return undefined;
  }
  const heapBytes = fileMemory ?? Math.min(memory / 4, mostHeapBytes);
  return new ReadingThread({ heapBytes, timeMs: fileTime }, file);
}

/**
 * Finds the places of fields in the reading thread. Fields of a stream are found in this thread, because only this
 * thread has read the stream. If the reading thread fails, the places are those of the resources.
 */
export const locatedBy =
  (thread: ReadingThread): Locate =>
  async (asked) => {
    const here = new Locator();
    const inFiles = asked.filter(({ resource }) => !isStream(resource.file));
    const found = await thread.locate(inFiles).catch(() => inFiles.map(({ resource }) => resource));
    const next = found.values();
    return asked.map(({ resource, path }) =>
      isStream(resource.file) ? here.locate(resource, path) : (next.next().value ?? resource),
    );
  };
