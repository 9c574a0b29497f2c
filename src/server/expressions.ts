import { createContext, Script } from "node:vm";
import { messageOf, type XdsError } from "../errors.js";
import { re2 } from "../resource/re2.js";

/** How long all expressions of a request may take together, in milliseconds. */
const patience = 200;
const script = new Script("texts.map((text) => expression.test(text))");

/** The regular expressions of one request. They are a client's, and JavaScript's may take forever, so their time is limited. */
export class Expressions {
  private readonly context = createContext({ expression: /(?:)/, texts: [] });
  private left = patience;

  /** `refuse` makes the error for an expression that cannot be, or takes too long. */
  constructor(private readonly refuse: (why: string, cause: unknown) => XdsError) {}

  /** Tells of each text whether all of it matches. */
  test(pattern: string): (texts: readonly string[]) => boolean[] {
    let expression: RegExp;
    try {
      expression = re2(pattern);
    } catch (cause) {
      throw this.refuse(`${JSON.stringify(pattern)}: ${messageOf(cause)}`, cause);
    }
    return (texts) => {
      Object.assign(this.context, { expression, texts });
      const from = performance.now();
      try {
        return script.runInContext(this.context, { timeout: Math.max(1, Math.ceil(this.left)) }) as boolean[];
      } catch (cause) {
        throw this.refuse(`${JSON.stringify(pattern)} takes too long`, cause);
      } finally {
        this.left -= performance.now() - from;
      }
    };
  }
}
