import fc from "fast-check";
import { expect, it } from "vitest";
import { OrderedSet } from "./ordered-set.js";

const elements = Array.from({ length: 6 }, (_, id) => ({ id }));
type Element = (typeof elements)[number];

it("has the element first that was added first, whatever is added, removed and looked at", () => {
  const element = fc.constantFrom(...elements);
  const kinds = ["add", "delete", "look", "again"] as const;
  const step = fc.record({ kind: fc.constantFrom(...kinds), element });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const set = new OrderedSet<Element>();
      const model: Element[] = [];
      for (const { kind, element } of steps) {
        const at = model.indexOf(element);
        if (kind === "delete" || kind === "again") {
          expect(set.delete(element)).toBe(at >= 0);
          if (at >= 0) model.splice(at, 1);
        }
        if ((kind === "add" && at < 0) || kind === "again") model.push(element);
        if (kind === "add" || kind === "again") set.add(element);
        if (kind === "look") expect(set.first).toBe(model[0]);
        expect(set.size).toBe(model.length);
        expect(set.has(element)).toBe(model.includes(element));
      }
      expect(set.first).toBe(model[0]);
    }),
    { numRuns: 2_000 },
  );
});
