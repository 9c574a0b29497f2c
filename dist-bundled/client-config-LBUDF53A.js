import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  clientStatus,
  clientStatusResponse
} from "./chunk-A776CEDB.js";
import "./chunk-VMU57E7V.js";
import "./chunk-LI4Y3MW2.js";
import "./chunk-4AEHITBM.js";
import "./chunk-4YBW5ZFI.js";
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
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";
export {
  clientStatus,
  clientStatusResponse
};
