import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  addHistory,
  countsText
} from "./chunk-B74WMQHF.js";
import "./chunk-RLHPDD4O.js";
import "./chunk-HR4TENBB.js";
import "./chunk-MSQBXV6K.js";
import "./chunk-YPK3NTLS.js";
import "./chunk-ETZYIBCP.js";
import "./chunk-W75H6G5K.js";
import "./chunk-OTIELJGT.js";
import "./chunk-4C7NFQI4.js";
import "./chunk-ALFN3YK7.js";
import "./chunk-D5GLPEAO.js";
import "./chunk-XNJ3ZUMM.js";
import "./chunk-5APHYVAK.js";
import "./chunk-7GRO2XK4.js";
import "./chunk-M4PHON7U.js";
import "./chunk-VMMSHLDO.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-VTU7YHMV.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-LJEOXCCV.js";
import "./chunk-U7CKKRTO.js";
import "./chunk-4DK7NEUR.js";
import "./chunk-QZJZLV5G.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-M2ZGPBJF.js";
import "./chunk-BWU6O4MA.js";
import "./chunk-C24J2H5X.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-MN2RV65N.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-ZAJWG27E.js";
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
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-27MTFUNG.js";
export {
  addHistory,
  countsText
};
