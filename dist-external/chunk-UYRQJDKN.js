import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/server/access/loopback.js
var isLoopback = (host) => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);

export {
  isLoopback
};
