import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  RevisionPublisher
} from "./chunk-4APRX22I.js";
import {
  HeadFollower,
  SnapshotCache
} from "./chunk-QDUVZKKI.js";
import {
  ConfigurationGate
} from "./chunk-7IRCBLBE.js";
import "./chunk-SNOGX4O2.js";
import "./chunk-QD7ISA5E.js";
import "./chunk-3OQ52QZQ.js";
import {
  configurationIn,
  nodeGroupIn,
  viewing
} from "./chunk-UHTHQG76.js";
import "./chunk-ESPHAOJ2.js";
import "./chunk-U7CKKRTO.js";
import {
  commonGroup
} from "./chunk-4DK7NEUR.js";
import "./chunk-JFHIICP2.js";
import "./chunk-RV3J6E72.js";
import "./chunk-2FHVCSGV.js";
import "./chunk-QZJZLV5G.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-M2ZGPBJF.js";
import "./chunk-BWU6O4MA.js";
import "./chunk-C24J2H5X.js";
import "./chunk-IDIDKZNG.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-BXRIZRRP.js";
import "./chunk-IXIW5MLW.js";
import "./chunk-AKMKR4LC.js";
import "./chunk-342YQNNX.js";
import "./chunk-FZLOJTJW.js";
import "./chunk-Y6GK5AYW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-ZG5KWCWM.js";
import "./chunk-QMJ32M3M.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-XDPTIA73.js";
import "./chunk-IKJYNGYW.js";
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-U7IGFR2H.js";
import "./chunk-27MTFUNG.js";

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
