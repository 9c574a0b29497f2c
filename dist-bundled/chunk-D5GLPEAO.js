import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  printable
} from "./chunk-JESIV7YD.js";

// dist/cli/report/error-message.js
function errorMessageIn(body) {
  try {
    const { message } = JSON.parse(body);
    if (typeof message === "string")
      return printable(message);
  } catch {
  }
  return printable(body.trim().slice(0, 500));
}

export {
  errorMessageIn
};
