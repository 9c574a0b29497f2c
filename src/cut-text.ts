/**
 * Returns the first `most` characters of a text. A cut text is a copy, because a substring would keep the whole text in
 * memory.
 */
export const cutText = (text: string, most: number): string =>
  text.length > most ? Buffer.from(text.slice(0, most)).toString() : text;
