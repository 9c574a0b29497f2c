/**
 * Where in a message a field is, spelt as in the API, such as
 * `filter_chains[0].filters[0].typed_config<HttpConnectionManager>.rds.route_config_name`:
 * what is in angle brackets is the message in the Any before it. Made while walking, put into words when there is
 * something to say.
 */
export class FieldPath {
  private constructor(
    private readonly parent: FieldPath | undefined,
    private readonly last: string,
    private readonly index: number | string | undefined,
  ) {}

  /** A field of the message at `parent` (undefined: of the resource itself); in a list or a map, one of its elements. */
  static field(parent: FieldPath | undefined, name: string, index?: number | string): FieldPath {
    return new FieldPath(parent, parent ? `.${name}` : name, index);
  }

  /** The message that the Any here holds. */
  typed(messageName: string): FieldPath {
    return new FieldPath(this, `<${messageName}>`, undefined);
  }

  toString(): string {
    const element = this.index === undefined ? "" : `[${JSON.stringify(this.index)}]`;
    return `${this.parent ?? ""}${this.last}${element}`;
  }
}
