import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/logger.js
var nothing = () => {
};
var silentLogger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export {
  silentLogger
};
