/** A reference from one resource to another one by name. A discovery service serves the other one. */
export interface Reference {
  readonly typeUrl: string;
  /**
   * The name of the other resource, or of a collection: `*` for all resources of the type, or a name that ends in `/*`.
   */
  readonly name: string;
  /**
   * The field with the reference, such as `virtual_hosts[0].routes[2].route.cluster`; the first one if there are
   * several.
   */
  readonly path: string;
}
