import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/cli/terminal/at-end.js
var opened = [];
function closeAtEnd(close) {
  opened.push(close);
}
async function closeAll() {
  for (let close = opened.pop(); close; close = opened.pop())
    await close().catch(() => {
    });
}

export {
  closeAtEnd,
  closeAll
};
