/**
 * Control characters (C0, DEL, C1), line and paragraph separators, and characters that change the direction of text
 * (U+202E and similar ones).
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const escaped = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;

/**
 * Escapes a text so that it is safe in one line of a terminal.
 *
 * Clients, other servers and files choose some of what is printed. Such text must not move the cursor, begin a new line
 * or reverse a line. JSON stays JSON with the same values.
 */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

/** How many characters of a foreign text are logged, counted after escaping. */
const longestText = 256;

/** {@link printable} text, cut to at most `longest` characters for a log. A cut text ends with its full length. */
export function printableCut(text: string, longest = longestText): string {
  const shown = printable(text.slice(0, longest));
  if (text.length <= longest && shown.length <= longest) return shown;
  return `${shown.slice(0, longest)}… (${text.length} characters)`;
}

/** {@link printable} text that keeps its line breaks. */
export function printableLines(text: string): string {
  return text.replace(unprintable, (sign) => (sign === "\n" ? sign : escaped(sign)));
}
