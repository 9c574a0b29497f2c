import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/cli/terminal/revision.js
import { InvalidArgumentError } from "commander";
function parseRevision(text) {
  const number = Number(/^@?(\d{1,15})$/.exec(text)?.[1]);
  if (number >= 1)
    return number;
  throw new InvalidArgumentError("expected a revision such as @12");
}

export {
  parseRevision
};
