import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  clientStatus,
  clientStatusResponse
} from "./chunk-K3AIRHNU.js";
import "./chunk-2R5XDSOQ.js";
import "./chunk-VNWGVQRE.js";
import "./chunk-KAJN54RB.js";
import "./chunk-BXRIZRRP.js";
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
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-27MTFUNG.js";
export {
  clientStatus,
  clientStatusResponse
};
