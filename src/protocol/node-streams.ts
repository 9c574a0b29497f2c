import type { Node } from "../cache/config-watcher.js";

/** A stream, as far as this needs to know. */
interface OfNode {
  readonly typeUrl: string;
  readonly node: Node | undefined;
}

/** The streams of types' own services, by their nodes' ids, so that a node's can be found together. */
export class NodeStreams<S extends OfNode> {
  private readonly byNode = new Map<string, Set<S>>();

  /** Called once the node is known. Aggregated streams stand alone, and so do those of nodes without an id. */
  add(stream: S): void {
    if (!stream.typeUrl || !stream.node?.id) return;
    const streams = this.byNode.get(stream.node.id);
    if (streams) streams.add(stream);
    else this.byNode.set(stream.node.id, new Set([stream]));
  }

  remove(stream: S): void {
    const id = stream.node?.id;
    if (id === undefined) return;
    const streams = this.byNode.get(id);
    if (streams?.delete(stream) && streams.size === 0) this.byNode.delete(id);
  }

  /** All streams of the same node, this one included. */
  of(stream: S): Iterable<S> {
    return this.byNode.get(stream.node?.id ?? "") ?? [stream];
  }
}
