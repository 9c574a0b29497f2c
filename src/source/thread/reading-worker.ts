// The thread that reads files of configuration. ReadingThread starts it. It answers one job after the other.
import { getHeapStatistics } from "node:v8";
import { parentPort, resourceLimits, workerData } from "node:worker_threads";
import { messageOf } from "../../errors.js";
import { findResourceType, registerResourceType } from "../../resource/default-api.js";
import { XdsApi } from "../../resource/xds-api.js";
import { Locator } from "../documents/locator.js";
import type { Place } from "../files/problem.js";
import {
  type Answer,
  type Greeting,
  type HandedFile,
  type Job,
  readForHandingOver,
  type WorkerStart,
} from "./handed-over.js";

const { api, parts } = workerData as WorkerStart;
XdsApi.default.take(api);

function work(job: Job): HandedFile | Place[] {
  if (job.kind === "locate") {
    const locator = new Locator();
    return job.asked.map(({ resource, path }) => locator.locate(resource, path));
  }
  for (const type of job.types) if (!findResourceType(type.typeUrl)) registerResourceType(type);
  return readForHandingOver(job, (part) => parts.postMessage(part, [part.bodies.buffer]));
}

// V8's limit includes the space for young objects.
const young = (resourceLimits.maxYoungGenerationSizeMb ?? 0) * 2 ** 20;
const greeting: Greeting = { heapLimit: getHeapStatistics().heap_size_limit - young };
parentPort?.postMessage(greeting);
parentPort?.on("message", (job: Job) => {
  let answer: Answer<HandedFile | Place[]>;
  const heapBytes = () => getHeapStatistics().total_heap_size;
  try {
    const result = work(job);
    answer = { result, heapBytes: heapBytes() };
    parentPort?.postMessage(answer, "last" in result ? [result.last.bodies.buffer] : []);
  } catch (error) {
    answer = { error: messageOf(error), heapBytes: heapBytes() };
    parentPort?.postMessage(answer);
  }
});
