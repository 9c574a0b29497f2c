import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/printable.js
var unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
var escaped = (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
function printable(text) {
  return text.replace(unprintable, escaped);
}
var longestText = 256;
function printableCut(text, longest = longestText) {
  const shown = printable(text.slice(0, longest));
  if (text.length <= longest && shown.length <= longest)
    return shown;
  return `${shown.slice(0, longest)}\u2026 (${text.length} characters)`;
}
function printableLines(text) {
  return text.replace(unprintable, (sign) => sign === "\n" ? sign : escaped(sign));
}

export {
  printable,
  printableCut,
  printableLines
};
