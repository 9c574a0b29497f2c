import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  RevisionPublisher
} from "./chunk-FMQ2WI77.js";
import {
  ConfigurationGate
} from "./chunk-LZZ3K5Q7.js";
import "./chunk-UYUWU3HF.js";
import "./chunk-P2PIW5AR.js";
import {
  HeadFollower,
  SnapshotCache
} from "./chunk-ID6UNV2B.js";
import "./chunk-HCKWFFCM.js";
import {
  configurationIn,
  nodeGroupIn,
  viewing
} from "./chunk-UHTHQG76.js";
import "./chunk-KZCVAWTX.js";
import "./chunk-U7CKKRTO.js";
import {
  commonGroup
} from "./chunk-4DK7NEUR.js";
import "./chunk-T3KJFUI7.js";
import "./chunk-CZML2OM4.js";
import "./chunk-B5Y3DCLC.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-BWU6O4MA.js";
import "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-BXRIZRRP.js";
import "./chunk-ENVTCLV6.js";
import "./chunk-ZCNRJYSX.js";
import "./chunk-7P7SAT7Z.js";
import "./chunk-AIYMUFE6.js";
import "./chunk-3DMVKFOY.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-TCS7TSVQ.js";
import "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-GUQET7K7.js";
import "./chunk-4IMF5HEM.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-LOQZ6ZLP.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/serving/publish-once.js
async function publishOnce(reading, revisions, options) {
  const { gate, rules, authorship, liveTypes, removalShare, isGradual, approved, logger = silentLogger } = options;
  const { servesOthers } = gate;
  const after = revisions.head.next - 1;
  const cache = new SnapshotCache(servesOthers ? { fallbackGroup: commonGroup } : {});
  const follower = new HeadFollower(revisions, cache, {
    viewing: (layers, stored) => viewing(configurationIn(layers, stored)),
    groupsOf: nodeGroupIn,
    ...servesOthers && { fallbackGroup: commonGroup }
  });
  const publisher = new RevisionPublisher(revisions, follower, {
    ...authorship.source !== void 0 && { source: authorship.source },
    liveTypes: new Set(liveTypes),
    removalShare,
    isGradual: () => isGradual,
    nodes: () => [],
    servesOthers,
    hasRules: true,
    logger
  });
  try {
    await publisher.open();
    await follower.applied();
    const checked = await new ConfigurationGate(gate, options.onFindings, options.locate).check(reading, () => publisher.served());
    if ("problems" in checked)
      return { problems: checked.problems };
    const { configuration, places } = checked;
    const change = await publisher.publish(configuration, rules, places, { authorship, approved, after });
    const held = publisher.held();
    return { ...change, ...held && { held } };
  } finally {
    await publisher.close();
    follower.close();
  }
}
export {
  publishOnce
};
