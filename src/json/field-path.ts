/**
 * The path of a field in a message, spelt as in the API, such as
 * `filter_chains[0].filters[0].typed_config<HttpConnectionManager>.rds.route_config_name`.
 *
 * Angle brackets give the message in the Any before them. A path is a linked list of its steps; only `toString()`
 * builds the text, because most paths are never printed.
 */
export class FieldPath {
  private constructor(
    private readonly parent: FieldPath | undefined,
    private readonly last: string,
    private readonly index: number | string | undefined,
  ) {}

  /**
   * The path of a field in the message at `parent`; undefined stands for the resource itself. `index` selects an
   * element of a list or a map.
   */
  static field(parent: FieldPath | undefined, name: string, index?: number | string): FieldPath {
    return new FieldPath(parent, parent ? `.${name}` : name, index);
  }

  /** The path of the message in the Any at this path. */
  typed(messageName: string): FieldPath {
    return new FieldPath(this, `<${messageName}>`, undefined);
  }

  toString(): string {
    const element = this.index === undefined ? "" : `[${JSON.stringify(this.index)}]`;
    return `${this.parent ?? ""}${this.last}${element}`;
  }
}
