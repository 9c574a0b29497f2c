import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  readForHandingOver
} from "../../chunk-V3U6TY2X.js";
import "../../chunk-J5PPFYCF.js";
import {
  Locator
} from "../../chunk-T3KJFUI7.js";
import "../../chunk-CZML2OM4.js";
import "../../chunk-B5Y3DCLC.js";
import "../../chunk-UGVPRJXZ.js";
import "../../chunk-BAMRFF5H.js";
import "../../chunk-JXEHVJSA.js";
import "../../chunk-BWU6O4MA.js";
import {
  findResourceType,
  registerResourceType
} from "../../chunk-5S6OCP5I.js";
import "../../chunk-IDIDKZNG.js";
import "../../chunk-D2S3E5CW.js";
import "../../chunk-ENVTCLV6.js";
import "../../chunk-ZCNRJYSX.js";
import "../../chunk-7P7SAT7Z.js";
import "../../chunk-AIYMUFE6.js";
import "../../chunk-3DMVKFOY.js";
import "../../chunk-PTJNKBKB.js";
import "../../chunk-TCS7TSVQ.js";
import {
  XdsApi
} from "../../chunk-ZTJUYVIA.js";
import "../../chunk-QXIDAFG2.js";
import "../../chunk-QXKIQDKC.js";
import "../../chunk-GUQET7K7.js";
import "../../chunk-4IMF5HEM.js";
import "../../chunk-WL5SM7VB.js";
import "../../chunk-5RCTYBO5.js";
import "../../chunk-MVPEH63J.js";
import "../../chunk-2XSFRHN3.js";
import "../../chunk-LOQZ6ZLP.js";
import {
  messageOf
} from "../../chunk-27MTFUNG.js";
import "../../chunk-QBN2T32X.js";

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
