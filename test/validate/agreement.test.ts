import { describe, expect, test } from "vitest";
import { validateResource } from "../../src/resource/validate.js";
import { messageOf, readCorpus } from "./corpus.js";

describe.each(readCorpus())("$case", (one) => {
  test("has the errors that the corpus tells", () => {
    const errors = validateResource(messageOf(one)).filter(({ severity }) => severity === "error");
    expect(errors.map(({ code, path }) => `${code} ${path}`)).toEqual(one.errors ?? []);
  });
});
