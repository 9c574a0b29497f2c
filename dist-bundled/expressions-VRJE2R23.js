import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Expressions
} from "./chunk-SDBEMMKZ.js";
import "./chunk-LOQZ6ZLP.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";
export {
  Expressions
};
