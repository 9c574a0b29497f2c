// The thread that reads files of configuration: what ReadingThread starts. It answers one job after the other.
import { getHeapStatistics } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../errors.js";
import { findResourceType, registerResourceType } from "../resource/types.js";
import { takeApi } from "../schema/registry.js";
import {
  type Answer,
  type Greeting,
  type HandedFile,
  type Job,
  readForHandingOver,
  type WorkerStart,
} from "./handed-over.js";
import { Locator } from "./locator.js";
import type { Place } from "./problem.js";

takeApi((workerData as WorkerStart).api);

function work(job: Job): HandedFile | Place[] {
  if (job.kind === "locate") {
    const locator = new Locator();
    return job.asked.map(({ resource, path }) => locator.locate(resource, path));
  }
  for (const type of job.types) if (!findResourceType(type.typeUrl)) registerResourceType(type);
  return readForHandingOver(job);
}

const greeting: Greeting = { heapLimit: getHeapStatistics().heap_size_limit };
parentPort?.postMessage(greeting);
parentPort?.on("message", (job: Job) => {
  let answer: Answer<HandedFile | Place[]>;
  const heapBytes = () => getHeapStatistics().total_heap_size;
  try {
    const result = work(job);
    answer = { result, heapBytes: heapBytes() };
    parentPort?.postMessage(answer, "bodies" in result ? [result.bodies.buffer] : []);
  } catch (error) {
    answer = { error: messageOf(error), heapBytes: heapBytes() };
    parentPort?.postMessage(answer);
  }
});
