import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { ConfigWatcher, ResourceView, Watch, Watcher } from "../../src/cache/config-watcher.js";
import { envoyRegistry, resourceType } from "../../src/resource/default-api.js";
import { Resource } from "../../src/resource/resource.js";
import { clusterType } from "../../src/resource/types.js";
import { anonymousNode } from "../../src/schema/node.js";

/** A cache under test, and how to make these clusters all that node "n" is served. */
export interface CacheUnderTest {
  readonly cache: ConfigWatcher;
  set(resources: readonly Resource[]): void;
}

/** A cluster whose content is told apart by `content`. */
export const cluster = (name: string, content = 1): Resource =>
  Resource.of(create(ClusterSchema, { name, perConnectionBufferLimitBytes: content }));

/** A reader that writes down how it is woken. */
export class Reader implements Watcher {
  readonly node = { ...anonymousNode(envoyRegistry()), id: "n" };
  readonly lastRequestAt = 1;
  readonly lastResponseAt = 2;
  woken: (string | undefined)[] = [];
  moved: ResourceView[] = [];
  beats = 0;
  beat(): void {
    this.beats++;
  }
  wake(name?: string): void {
    this.woken.push(name);
  }
  move(view: ResourceView): void {
    this.moved.push(view);
  }
}

const names = (view: ResourceView) => view.all().map(({ name }) => name);

/** What every Config Watcher promises to the streams that read it. */
export function cacheContract(make: () => CacheUnderTest): void {
  const open = (cache: ConfigWatcher) => {
    const reader = new Reader();
    const watch = cache.watch({ node: reader.node, type: resourceType(clusterType) }, reader) as Watch;
    return { reader, watch, view: watch.view };
  };
  const request = { node: { ...anonymousNode(envoyRegistry()), id: "n" }, type: resourceType(clusterType) };

  it("is not ready before its first configuration, and ready with an empty one", () => {
    const { cache, set } = make();
    expect(cache.ready(request)).toBe(false);
    set([]);
    expect(cache.ready(request)).toBe(true);
  });

  it("wakes those who follow a name, or everything, when it starts to serve", () => {
    const { cache, set } = make();
    const [one, all] = [open(cache), open(cache)];
    expect(one.view.serving).toBe(false);
    one.view.follow(one.reader, "a");
    all.view.followAll(all.reader);
    set([]);
    expect(one.view.serving).toBe(true);
    expect(one.reader.woken).toEqual(["a"]);
    expect(all.reader.woken).toEqual([undefined]);
  });

  it("shows what was set, in its order", () => {
    const { cache, set } = make();
    set([cluster("b"), cluster("a")]);
    const { view } = open(cache);
    expect(names(view)).toEqual(["b", "a"]);
    expect(view.get("a")?.version).toBe(cluster("a").version);
    expect(view.get("c")).toBeUndefined();
  });

  it("wakes only those who follow a name that changed, by that name", () => {
    const { cache, set } = make();
    set([cluster("a"), cluster("b")]);
    const [a, b, gone] = [open(cache), open(cache), open(cache)];
    a.view.follow(a.reader, "a");
    b.view.follow(b.reader, "b");
    gone.view.follow(gone.reader, "a");
    gone.view.unfollow(gone.reader, "a");
    set([cluster("a", 2), cluster("b")]);
    expect(a.reader.woken).toEqual(["a"]);
    expect(b.reader.woken).toEqual([]);
    expect(gone.reader.woken).toEqual([]);
  });

  it("is silent about the same content, and its version stays", () => {
    const { cache, set } = make();
    set([cluster("a"), cluster("b")]);
    const { view, reader } = open(cache);
    view.followAll(reader);
    const { version, position } = view;
    set([cluster("b"), cluster("a")]);
    expect(reader.woken).toEqual([]);
    expect(view).toMatchObject({ version, position });
  });

  it("has a version of the content, whatever the way to it", () => {
    const [one, other] = [make(), make()];
    one.set([cluster("a", 1), cluster("x")]);
    one.set([cluster("b"), cluster("a", 2)]);
    other.set([cluster("a", 2), cluster("b")]);
    expect(open(one.cache).view.version).toBe(open(other.cache).view.version);
    one.set([cluster("a", 2)]);
    expect(open(one.cache).view.version).not.toBe(open(other.cache).view.version);
  });

  it("tells what differs between a retained position and now, and nothing else", () => {
    const { cache, set } = make();
    set([cluster("same"), cluster("edited"), cluster("removed"), cluster("there and back")]);
    const { view } = open(cache);
    const { position } = view;
    view.retain(position);
    set([cluster("same"), cluster("edited", 2), cluster("there and back", 2), cluster("brief")]);
    set([cluster("same"), cluster("edited", 3), cluster("there and back"), cluster("added")]);
    const { changed, removed } = view.since(position);
    expect(changed.map(({ name }) => name).sort()).toEqual(["added", "edited"]);
    expect(removed).toEqual(["removed"]);
    expect(view.at("edited", position)?.version).toBe(cluster("edited").version);
    expect(view.at("removed", position)?.name).toBe("removed");
    expect(view.at("added", position)).toBeUndefined();
    expect(view.since(position)).toBe(view.since(position));
    expect(view.since(view.position)).toEqual({ changed: [], removed: [] });
    view.release(position);
  });

  it("tells one change among thousands as one", () => {
    const { cache, set } = make();
    const many = Array.from({ length: 2_000 }, (_, i) => cluster(`c${i}`));
    set(many);
    const { view, reader } = open(cache);
    view.followAll(reader);
    view.retain(view.position);
    const { position } = view;
    set([...many.slice(0, -1), cluster("c1999", 2)]);
    expect(reader.woken).toEqual([undefined]);
    expect(view.since(position).changed).toHaveLength(1);
  });

  it("forgets a reader that has closed", () => {
    const { cache, set } = make();
    set([cluster("a")]);
    const { watch, view, reader } = open(cache);
    view.followAll(reader);
    view.unfollowAll(reader);
    watch.close();
    set([cluster("a", 2)]);
    expect(reader.woken).toEqual([]);
  });
}
