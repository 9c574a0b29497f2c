/** The layer of the paths given, for nodes without a group. `/` cannot be the name of a directory. */
export const commonLayer = "/";

/** A layer and its path. */
export interface LayerPath {
  /** The name of the layer. */
  readonly name: string;
  /** A directory, or a file. */
  readonly path: string;
}
