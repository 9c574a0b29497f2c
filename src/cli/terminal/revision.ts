import { InvalidArgumentError } from "commander";

/** A number of a revision, such as 12 or @12. */
export function parseRevision(text: string): number {
  const number = Number(/^@?(\d{1,15})$/.exec(text)?.[1]);
  if (number >= 1) return number;
  throw new InvalidArgumentError("expected a revision such as @12");
}
