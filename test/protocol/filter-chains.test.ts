import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { extensionConfigType, filterChainType, listenerType, routeType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { extensionConfig, filterChainToExtension, filterChainToR, listener, route } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
const drainTimeMs = 30 * second;

/** A listener `<name>@<content>` that names the filter chain `f<content>`. The built-in API has no FCDS. */
function listenerToF(name: string, content: number): Resource {
  const made = listener(name, content);
  made.references = [{ typeUrl: filterChainType, name: `f${content}`, path: "filter_chain_matcher" }];
  return made;
}

/** A client that has all listeners, and these by name. FCDS exists in delta only. */
function start(names: Record<string, string[]>, ...resources: Resource[]) {
  const cache = cacheOf(...resources);
  const server = new DirectServer(cache, {}, { drainTimeMs });
  const client = server.open("delta");
  for (const [typeUrl, list] of Object.entries({ [listenerType]: [], ...names })) {
    client.want(typeUrl, ...list);
    for (let answer = client.next(); answer; answer = client.next()) client.ack(answer);
  }
  client.quiet();
  return { server, client, serve: (...next: Resource[]) => cache.set("n", Snapshot.of(next)) };
}

describe("the filter chain of a listener that is replaced", () => {
  const first = [listenerToF("l", 1), filterChainToR("f1", 1), route("r1")];
  const names = { [filterChainType]: ["f1"], [routeType]: ["r1"] };

  it("P54 stays until the new one is answered, and the old listener has drained", () => {
    const { client, server, serve } = start(names, ...first);
    serve(listenerToF("l", 2), filterChainToR("f2", 1), route("r1"));
    client.take(listenerType, ["l@2"]);
    client.want(filterChainType, "f1", "f2");
    const chain = client.expect(filterChainType, ["f2@1"]);
    client.take(routeType, ["r1@1"]); // again, for the new filter chain (P55)
    client.quietFor(10 * drainTimeMs);
    client.ack(chain);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(filterChainType, [], ["f1"]);
  });

  it("P54 stays until the routes of the new one are answered", () => {
    const { client, server, serve } = start(names, ...first);
    serve(listenerToF("l", 2), filterChainToR("f2", 2), route("r2"));
    client.take(listenerType, ["l@2"]);
    client.want(filterChainType, "f1", "f2");
    client.take(filterChainType, ["f2@2"]);
    client.want(routeType, "r1", "r2");
    const routes = client.expect(routeType, ["r2@1"]);
    client.quietFor(10 * drainTimeMs);
    client.ack(routes);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(filterChainType, [], ["f1"]);
  });

  it("P54 stays for 15 s more if an extension config of the new one does not exist", () => {
    const { client, server, serve } = start(names, ...first);
    serve(listenerToF("l", 2), filterChainToExtension("f2", 2));
    client.take(listenerType, ["l@2"]);
    client.want(filterChainType, "f1", "f2");
    client.take(filterChainType, ["f2@2"]);
    client.want(extensionConfigType, "ext");
    client.quietFor(15 * second + drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(filterChainType, [], ["f1"]);
  });

  it("P54 stays until the extension config of the new one has come", () => {
    const { client, server, serve } = start(names, ...first);
    const next = [listenerToF("l", 2), filterChainToExtension("f2", 2)];
    serve(...next);
    client.take(listenerType, ["l@2"]);
    client.want(filterChainType, "f1", "f2");
    client.take(filterChainType, ["f2@2"]);
    client.want(extensionConfigType, "ext");
    client.quietFor(10 * second);
    serve(...next, extensionConfig("ext"));
    client.take(extensionConfigType, ["ext@1"]);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(filterChainType, [], ["f1"]);
  });

  it("P54 stays when a filter chain with the listener's own name is replaced meanwhile", () => {
    const other = (content: number) => [filterChainToR("l", content), route("r1"), route("r2")];
    const { client, server, serve } = start(
      { [filterChainType]: ["f1", "l"], [routeType]: ["r1", "r2"] },
      listenerToF("l", 1),
      filterChainToR("f1", 1),
      ...other(1),
    );
    serve(listenerToF("l", 2), ...other(1));
    client.take(listenerType, ["l@2"]);
    serve(listenerToF("l", 2), ...other(2));
    client.take(filterChainType, ["l@2"]);
    client.take(routeType, ["r2@1"]);
    client.quietFor(15 * second + drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(filterChainType, [], ["f1"]);
  });
});
