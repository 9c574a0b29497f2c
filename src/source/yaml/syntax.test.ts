import { parseEvents } from "js-yaml";
import { expect, test, vi } from "vitest";
import { yamlEvents } from "./syntax.js";

vi.mock("js-yaml", { spy: true });

/** How often the parser was called for a text, and how many events are left of it. */
function parsed(text: string) {
  vi.mocked(parseEvents).mockClear();
  const { events, fault } = yamlEvents(text, 100);
  return {
    calls: vi.mocked(parseEvents).mock.calls.length,
    events: events.length,
    line: fault && lineOf(text, fault.at),
  };
}
const lineOf = (text: string, at: number) => text.slice(0, at).split("\n").length;

test("takes what stands before the document with an error of syntax", () => {
  const before = parsed("a: 1\n---\nb: 2\n");
  expect(before).toEqual({ calls: 1, events: expect.any(Number), line: undefined });
  expect(parsed("a: 1\n---\nb: 2\n---\nc: d: e\n---\nf: 1\n")).toEqual({ calls: 2, events: before.events, line: 5 });
});

test("looks for it before lines that separate documents only, and not again and again", () => {
  expect(parsed(`[\n${"---a,\n".repeat(500)}`)).toMatchObject({ calls: 1, events: 0 });
  expect(parsed("a: b: c\n---\n".repeat(500))).toMatchObject({ calls: 1, events: 0 });
  expect(parsed(`"\n${"---\n".repeat(500)}`).calls).toBeLessThanOrEqual(3);
  expect(parsed(`${"---\n[\n".repeat(500)}`).calls).toBeLessThanOrEqual(3);
});
