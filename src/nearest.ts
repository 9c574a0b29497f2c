/**
 * Returns the candidate that a mistyped word most likely means; undefined if there is none.
 *
 * That is the candidate with the smallest edit distance, if one is close. Otherwise it is the only candidate that has
 * all parts of the word, as `unmatched_nodes` has `unmatched`.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: string | undefined;
  const fuller: string[] = [];
  const parts = partsOf(word);
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const others = partsOf(candidate);
    if (wanted.length > 2 && parts.every((part) => others.includes(part))) fuller.push(candidate);
    const distance = distanceBelow(wanted, plain(candidate), least);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best ?? (fuller.length === 1 ? fuller[0] : undefined);
}

/** The parts of a name, in lower case. */
const partsOf = (name: string) =>
  name
    .slice(0, longestWord)
    .toLowerCase()
    .split(/[^a-z0-9]+/);

/** Only this many characters of a word are compared. */
const longestWord = 200;

/** Makes different spellings of a word equal, such as `connectTimeout` and `connect_timeout`. */
const plain = (word: string) => word.slice(0, longestWord).replaceAll("_", "").toLowerCase();

/** Three rows of the distance table: the row before the last one, the last one, and the one being filled. */
const rows = [0, 1, 2].map(() => new Uint16Array(longestWord + 1));

/** The number of letters to add, drop, change or swap with a neighbour; `limit` if the number is not below it. */
function distanceBelow(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let [beforeLast, last, row] = rows as [Uint16Array, Uint16Array, Uint16Array];
  for (let j = 0; j <= b.length; j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    let least = i;
    let left = i;
    const letter = a.charCodeAt(i - 1);
    const letterBefore = a.charCodeAt(i - 2);
    for (let j = 1; j <= b.length; j++) {
      const other = b.charCodeAt(j - 1);
      const changed = (last[j - 1] as number) + (letter === other ? 0 : 1);
      let distance = Math.min((last[j] as number) + 1, left + 1, changed);
      if (j > 1 && i > 1 && letter === b.charCodeAt(j - 2) && letterBefore === other)
        distance = Math.min(distance, (beforeLast[j - 2] as number) + 1);
      row[j] = distance;
      left = distance;
      if (distance < least) least = distance;
    }
    if (least >= limit) return limit;
    [beforeLast, last, row] = [last, row, beforeLast];
  }
  return Math.min(last[b.length] as number, limit);
}
