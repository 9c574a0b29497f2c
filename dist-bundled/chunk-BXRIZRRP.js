import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/own-command.js
var commandAgent = "xds";
var isOwnCommand = ({ userAgentName }) => userAgentName === commandAgent;

export {
  commandAgent,
  isOwnCommand
};
