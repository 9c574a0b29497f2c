import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Expressions
} from "./chunk-DSMDQZRA.js";
import "./chunk-U7IGFR2H.js";
import "./chunk-27MTFUNG.js";
export {
  Expressions
};
