import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  readForHandingOver
} from "../../chunk-KDGB6NNX.js";
import "../../chunk-A7KZDFFX.js";
import {
  Locator
} from "../../chunk-JFHIICP2.js";
import "../../chunk-RV3J6E72.js";
import "../../chunk-2FHVCSGV.js";
import "../../chunk-QZJZLV5G.js";
import "../../chunk-BAMRFF5H.js";
import "../../chunk-M2ZGPBJF.js";
import "../../chunk-BWU6O4MA.js";
import {
  findResourceType,
  registerResourceType
} from "../../chunk-C24J2H5X.js";
import "../../chunk-IDIDKZNG.js";
import "../../chunk-D2S3E5CW.js";
import "../../chunk-IXIW5MLW.js";
import "../../chunk-AKMKR4LC.js";
import "../../chunk-342YQNNX.js";
import "../../chunk-FZLOJTJW.js";
import "../../chunk-Y6GK5AYW.js";
import "../../chunk-PTJNKBKB.js";
import "../../chunk-ZG5KWCWM.js";
import {
  XdsApi
} from "../../chunk-QMJ32M3M.js";
import "../../chunk-QXIDAFG2.js";
import "../../chunk-QXKIQDKC.js";
import "../../chunk-XDPTIA73.js";
import "../../chunk-IKJYNGYW.js";
import "../../chunk-BIVW5D3R.js";
import "../../chunk-5RCTYBO5.js";
import "../../chunk-UAQ3KOHG.js";
import "../../chunk-U7IGFR2H.js";
import {
  messageOf
} from "../../chunk-27MTFUNG.js";

// dist/source/thread/reading-worker.js
import { getHeapStatistics } from "node:v8";
import { parentPort, resourceLimits, workerData } from "node:worker_threads";
var { api, parts } = workerData;
XdsApi.default.take(api);
function work(job) {
  if (job.kind === "locate") {
    const locator = new Locator();
    return job.asked.map(({ resource, path }) => locator.locate(resource, path));
  }
  for (const type of job.types)
    if (!findResourceType(type.typeUrl))
      registerResourceType(type);
  return readForHandingOver(job, (part) => parts.postMessage(part, [part.bodies.buffer]));
}
var young = (resourceLimits.maxYoungGenerationSizeMb ?? 0) * 2 ** 20;
var greeting = { heapLimit: getHeapStatistics().heap_size_limit - young };
parentPort?.postMessage(greeting);
parentPort?.on("message", (job) => {
  let answer;
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
