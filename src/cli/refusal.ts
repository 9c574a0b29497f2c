import { printable } from "../printable.js";

/** What an HTTP server says with an error: the `message` that this program's own answers have, or the body's begin. */
export function refusalIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") return printable(message);
  } catch {
    // Some other server's page.
  }
  return printable(body.trim().slice(0, 500));
}
