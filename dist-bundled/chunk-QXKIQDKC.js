import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/nearest.js
function nearest(word, candidates) {
  const wanted = plain(word);
  let best;
  const fuller = [];
  const parts = partsOf(word);
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const others = partsOf(candidate);
    if (wanted.length > 2 && parts.every((part) => others.includes(part)))
      fuller.push(candidate);
    const distance = distanceBelow(wanted, plain(candidate), least);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best ?? (fuller.length === 1 ? fuller[0] : void 0);
}
var partsOf = (name) => name.slice(0, longestWord).toLowerCase().split(/[^a-z0-9]+/);
var longestWord = 200;
var plain = (word) => word.slice(0, longestWord).replaceAll("_", "").toLowerCase();
var rows = [0, 1, 2].map(() => new Uint16Array(longestWord + 1));
function distanceBelow(a, b, limit) {
  if (Math.abs(a.length - b.length) >= limit)
    return limit;
  let [beforeLast, last, row] = rows;
  for (let j = 0; j <= b.length; j++)
    last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    let least = i;
    let left = i;
    const letter = a.charCodeAt(i - 1);
    const letterBefore = a.charCodeAt(i - 2);
    for (let j = 1; j <= b.length; j++) {
      const other = b.charCodeAt(j - 1);
      const changed = last[j - 1] + (letter === other ? 0 : 1);
      let distance = Math.min(last[j] + 1, left + 1, changed);
      if (j > 1 && i > 1 && letter === b.charCodeAt(j - 2) && letterBefore === other)
        distance = Math.min(distance, beforeLast[j - 2] + 1);
      row[j] = distance;
      left = distance;
      if (distance < least)
        least = distance;
    }
    if (least >= limit)
      return limit;
    [beforeLast, last, row] = [last, row, beforeLast];
  }
  return Math.min(last[b.length], limit);
}

export {
  nearest
};
