import type { Resource } from "../resource/resource.js";
import type { OrderContext } from "./ordered-stream.js";
import { targetsOf } from "./reference-targets.js";
import type { Subscription } from "./subscription.js";

/**
 * Finds what on the client still uses the resources of one type (P54). It is made for one look at a subscription. It
 * walks what the client has once, at the first question.
 */
export class ReferenceUsers {
  /** Each name that an outdated resource refers to, with the last such resource that was found. */
  private used: Map<string, Resource> | undefined;
  /** Each name that a removed or draining resource uses, with the end of that use as `performance.now()`. */
  private drained: Map<string, number> | undefined;

  constructor(
    private readonly context: OrderContext,
    private readonly subscription: Subscription,
  ) {}

  /** Whether an outdated resource on the client refers to a name. */
  isUsed(name: string): boolean {
    const { context, subscription } = this;
    const { typeUrl } = subscription.type;
    if (context.stream.isSeparate) return context.stream.isUsed(typeUrl, name, subscription);
    this.used ??= this.findUsed(typeUrl);
    return this.used.has(name);
  }

  /** An outdated resource that refers to a name. Known on aggregated streams only, and after {@link isUsed}. */
  user(name: string): Resource | undefined {
    return this.used?.get(name);
  }

  /**
   * When the client stops using a name for resources that were replaced or removed, as `performance.now()`. Undefined
   * if no such resource uses the name.
   */
  drainedAt(name: string, now: number): number | undefined {
    const { typeUrl } = this.subscription.type;
    this.drained ??= this.findDrained(typeUrl);
    const oldListeners = this.context.draining?.until(typeUrl, name, now);
    const removed = this.drained.get(name);
    return removed !== undefined && (oldListeners === undefined || removed > oldListeners) ? removed : oldListeners;
  }

  private findUsed(typeUrl: string): Map<string, Resource> {
    const used = new Map<string, Resource>();
    for (const other of this.context.stream.related())
      for (const resource of other.outdated())
        for (const name of targetsOf(resource, typeUrl)) used.set(name, resource);
    return used;
  }

  private findDrained(typeUrl: string): Map<string, number> {
    const { stream, times } = this.context;
    const drained = new Map<string, number>();
    const extend = (resource: Resource, until: number) => {
      for (const name of targetsOf(resource, typeUrl)) drained.set(name, Math.max(until, drained.get(name) ?? 0));
    };
    for (const { state, waiting } of stream.related()) {
      for (const { inUse, at } of state.removedInUse.values())
        for (const resource of inUse) extend(resource, at + times.drainTimeMs);
      for (const [other, { why, until }] of waiting)
        if (why === "draining" && until !== undefined)
          for (const resource of state.possible(other)) extend(resource, until);
    }
    return drained;
  }
}
