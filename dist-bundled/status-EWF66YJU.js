import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  addStatus,
  adminOf,
  adminOption,
  ask
} from "./chunk-4RDZYBRZ.js";
import "./chunk-D5GLPEAO.js";
import "./chunk-R5576SU6.js";
import "./chunk-LDT72UKC.js";
import "./chunk-H5AN4Y5K.js";
import "./chunk-J3J7LZXM.js";
import "./chunk-R2MMVVGI.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-UUDCD6VN.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-4DK7NEUR.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-BWU6O4MA.js";
import "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-TCS7TSVQ.js";
import "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";
export {
  addStatus,
  adminOf,
  adminOption,
  ask
};
