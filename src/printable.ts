/**
 * Controls (C0, DEL, C1), separators of lines and paragraphs, and what turns the direction of text (U+202E and the
 * like).
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const escaped = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;

/**
 * A text as it may stand in one line on a terminal, whoever wrote it: clients, other servers and files choose some of
 * what is shown, and must not move the cursor by it, begin a line or turn one around. JSON and its values stay the
 * same.
 */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

/** The same for a text of several lines, which keeps its line breaks. */
export function printableLines(text: string): string {
  return text.replace(unprintable, (sign) => (sign === "\n" ? sign : escaped(sign)));
}
