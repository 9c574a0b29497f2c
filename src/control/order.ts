import { XdsError } from "../errors.js";

/** The most characters of a reason or a message. */
const longestText = 1_000;

const wrong = (what: string) => new XdsError("INVALID_REQUEST", what);

/** The fields of an order that a client sent as JSON. A field is checked when it is read. */
export class Order {
  private readonly fields: Readonly<Record<string, unknown>>;

  /** @throws XdsError INVALID_JSON if the body is not a JSON object; INVALID_REQUEST for a field not in `known` */
  constructor(body: Uint8Array, known: readonly string[]) {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    } catch {
      throw new XdsError("INVALID_JSON", "the body of the request is not JSON");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new XdsError("INVALID_JSON", "the body of the request is not a JSON object");
    this.fields = value as Record<string, unknown>;
    const unknown = Object.keys(value).find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw wrong(`the order has no field ${JSON.stringify(unknown.slice(0, 100))}; its fields: ${known.join(", ")}`);
  }

  /** A required text. @throws XdsError INVALID_REQUEST */
  text(name: string): string {
    const value = this.textIfAny(name);
    if (value === undefined) throw wrong(`the order lacks ${JSON.stringify(name)}`);
    return value;
  }

  /** An optional text. @throws XdsError INVALID_REQUEST */
  textIfAny(name: string): string | undefined {
    const value = this.fields[name];
    if (value === undefined) return undefined;
    if (typeof value === "string" && value.trim() !== "" && value.length <= longestText) return value;
    throw wrong(`${JSON.stringify(name)} must be a text of 1 to ${longestText} characters`);
  }

  /** An optional whole number from 1. @throws XdsError INVALID_REQUEST */
  countIfAny(name: string): number | undefined {
    const value = this.fields[name];
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
    throw wrong(`${JSON.stringify(name)} must be a whole number from 1`);
  }

  /** An optional future time in ISO 8601. Returns milliseconds since 1970. @throws XdsError INVALID_REQUEST */
  futureIfAny(name: string, now: number): number | undefined {
    const text = this.textIfAny(name);
    if (text === undefined) return undefined;
    const time = Date.parse(text);
    if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(time))
      throw wrong(`${JSON.stringify(name)} must be a time such as 2030-01-31T12:00:00Z, is ${JSON.stringify(text)}`);
    if (time > now) return time;
    throw wrong(`${JSON.stringify(name)} must be in the future, is ${text}`);
  }
}
