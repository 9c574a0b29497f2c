import { type Event, parseEvents, YAMLException } from "js-yaml";
import type { Fault } from "./problem.js";

/** A text as the YAML parser's events; after an error of syntax only those of the documents before it. */
export function yamlEvents(text: string, maxDepth: number): { events: Event[]; fault?: Fault } {
  try {
    return { events: parseEvents(text, { maxDepth }) };
  } catch (error) {
    if (!(error instanceof YAMLException) || !error.mark) throw error;
    const at = Math.min(error.mark.position, text.length);
    const fault = { at, path: "", message: `not valid YAML: ${error.reason}${adviceFor(error.reason)}` };
    const separator = text.lastIndexOf("\n---", at - 1);
    if (separator === -1) return { events: [], fault };
    const before = yamlEvents(text.slice(0, separator + 1), maxDepth);
    return { events: before.events, fault: before.fault ?? fault };
  }
}

/** What to do about the parser's commonest complaints, some of which do not say what is amiss. */
const advice: readonly (readonly [complaint: string, advice: string])[] = [
  ["bad indentation", '; align the line with its neighbours, and quote a value that holds ": " or begins with a sign'],
  ["deficient indentation", "; indent the line, or close the quote or the bracket that is open above"],
  ["end of the stream or a document separator", "; a document is one object, so align the line with the first one"],
  ["a multiline key", '; write "key: value", or indent the line'],
  ["tab characters", "; use spaces"],
  ["maxDepth", "; write it flatter"],
];

function adviceFor(reason: string): string {
  return advice.find(([complaint]) => reason.includes(complaint))?.[1] ?? "";
}
