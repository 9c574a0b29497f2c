import { printable } from "../../printable.js";

/** The message in an HTTP server's error: the `message` of this program's own answers, else the start of the body. */
export function errorMessageIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") return printable(message);
  } catch {
    // Some other server's page.
  }
  return printable(body.trim().slice(0, 500));
}
