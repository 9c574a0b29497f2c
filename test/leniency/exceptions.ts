/** How we differ from Envoy, and why. */
export interface Exception {
  readonly ours: "refused" | "accepted" | "another value";
  readonly why: string;
  /** Parts of the ids of the rows. */
  readonly rows: readonly string[];
}

/** All rows in which our reader does not do what Envoy does. */
export const exceptions: readonly Exception[] = [
  {
    ours: "refused",
    why: "the fields make no time that has a JSON form, and Envoy refuses them where it uses the time",
    rows: [
      'Duration: { "seconds": 3, "nanos": -5 }',
      'Duration: { "seconds": 3, "nanos": 1000000000 }',
      'Duration: { "seconds": 315576000001 }',
      'Timestamp: { "nanos": -1 }',
    ],
  },
  {
    ours: "refused",
    why: "both spellings of one field; in YAML Envoy takes one of the two by chance",
    rows: ["connect_timeout: 1s\nconnectTimeout: 1s", '"connect_timeout": "1s", "connectTimeout": "2s"'],
  },
  {
    ours: "refused",
    why: "an object or a list twice in JSON; Envoy puts both together, which nobody means",
    rows: [
      '"connect_timeout": { "seconds": 1 }, "connect_timeout": { "nanos": 1 }',
      '"domains": ["a"], "domains": ["b"]',
    ],
  },
  {
    ours: "refused",
    why: "a key with a meaning in JavaScript",
    rows: ["__proto__"],
  },
  {
    ours: "refused",
    why: "a hexadecimal number with a point or an exponent",
    rows: ['double: "0x1.8p1"'],
  },
  {
    ours: "refused",
    why: "no JSON, though protobuf's reader takes it; read as YAML it would be something else",
    rows: ['string: "\\U0041"', "string: 'it\\'s'", '"name": "a\nb"'],
  },
  {
    ours: "refused",
    why: "a comma too many, or a dash as a text; Envoy reads a null where nobody means one, as a key it is called null",
    rows: ["{ a: [b, , c] }", "{ a: 1,, b: 2 }", "{ , a: 1 }", "{ a: -, b: 1 }"],
  },
  {
    ours: "refused",
    why: "a character that cannot be seen",
    rows: ["{ a: b\fc }"],
  },
  {
    ours: "accepted",
    why: "no JSON, but YAML, and clear; a file in JSON may have what YAML has",
    rows: ['json: string: "\\x41"', "json: string: 'it''s'", '"name": "a" # b', '"metadata": { "a": &a 1, "b": *a }'],
  },
  {
    ours: "accepted",
    why: "JSON in a file in YAML; yaml-cpp does not take the two halves of a character",
    rows: ['yaml: string: "\\ud83d\\ude00"'],
  },
  {
    ours: "accepted",
    why: "a key twice: which one counts does not depend on what the field is; a note tells of it",
    rows: ['"metadata": { "a": 1, "a": 2 }', '"type": "eds", "type": "static"'],
  },
  {
    ours: "accepted",
    why: "merge keys are resolved; to Envoy they are keys called <<",
    rows: ["Cluster: <<: { name: a }"],
  },
  {
    ours: "another value",
    why: "merge keys are resolved; to Envoy they are keys called <<",
    rows: ["y: { <<: *x, c: 2 }"],
  },
  {
    ours: "another value",
    why: "empty lines between an escape and the closing quote; one counts, as everywhere, to Envoy two do",
    rows: ['{ g: "h\\n'],
  },
];

export const exceptionOf = (id: string): Exception | undefined =>
  exceptions.find(({ rows }) => rows.some((part) => id.includes(part)));
