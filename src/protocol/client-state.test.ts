import { beforeEach, describe, expect, it } from "vitest";
import { Reader } from "../../test/contract/cache.js";
import { cluster } from "../../test/protocol/resources.js";
import type { Changes } from "../cache/config-watcher.js";
import { LinearCache } from "../cache/linear-cache.js";
import { resourceType } from "../resource/default-api.js";
import type { Resource } from "../resource/resource.js";
import { clusterType } from "../resource/types.js";
import { noChanges } from "./changes.js";
import type { ClientState } from "./client-state.js";
import type { Delivery } from "./delivery.js";
import { nackEntry } from "./ledger.js";
import type { NackOptions } from "./refused.js";
import { Subscription } from "./subscription.js";

const [a1, a2, b1] = [cluster("a", 1), cluster("a", 2), cluster("b", 1)];

let cache: LinearCache;
let state: ClientState;
let subscription: Subscription;
let nonces = 0;

/** A client that subscribes names, or everything, and has nothing yet. */
function subscribe(names: readonly string[] | "*", resources: Resource[]): void {
  cache = new LinearCache(clusterType, { resources });
  const request = { node: new Reader().node, type: resourceType(clusterType) };
  subscription = Subscription.open(cache, request, () => {}) as Subscription;
  if (names === "*") subscription.setWildcard(true);
  else for (const name of names) subscription.add(name);
  ({ state } = subscription);
}

function send(changed: Resource[], removed: string[] = []): Delivery {
  const changes: Changes = { changed, removed };
  const to = subscription.wildcard ? subscription.view.position : undefined;
  const id = { nonce: String(++nonces), version: "", at: 0 };
  const rest = { partial: false, whole: false, piece: undefined, before: undefined, newer: undefined };
  const delivery: Delivery = { changes, fresh: changes, to, repeated: noChanges, ...id, ...rest };
  state.send(delivery);
  return delivery;
}

function refuse(delivery: Delivery): Changes | undefined {
  const options: NackOptions = {
    entry: (refused) => nackEntry(delivery, { code: 13, message: "no" }, 0, refused),
    tookNothing: false,
    mentioned: () => new Set(),
    taking: () => {},
    retryAt: (tries) => 1_000 * tries,
  };
  return state.nack(delivery, options);
}

describe("a client that subscribes by name", () => {
  beforeEach(() => subscribe(["a", "b"], [a1, b1]));

  it("may have what is unanswered, and certainly has what it has ACKed", () => {
    const delivery = send([a1]);
    expect(state.lastCertain("a")).toBeUndefined();
    expect(state.possible("a")).toEqual([a1]);
    expect(state.availability("a")).toBe("unanswered");
    state.ack(delivery);
    expect(state.lastCertain("a")).toBe(a1);
    expect(state.availability("a")).toBe("there");
    expect(state.availability("b")).toBe("missing");
  });

  it("has what it had before while a single refused resource is not replaced (P16)", () => {
    state.ack(send([a1]));
    const delivery = send([a2]);
    expect(refuse(delivery)).toBe(delivery.changes);
    expect(state.lastCertain("a")).toBe(a1);
    expect(state.refused.get("a")).toMatchObject({ resource: a2, tries: 1, retryAt: 1_000 });
    expect(state.hasRefused).toBe(true);
    refuse(send([a2]));
    expect(state.refused.get("a")).toMatchObject({ tries: 2, retryAt: 2_000 });
    state.ack(send([a1]));
    expect(state.hasRefused).toBe(false);
  });

  it("may have any of several that are refused together, which go out again in halves (P17)", () => {
    expect(refuse(send([a1, b1]))).toBeUndefined();
    expect([state.possible("a"), state.possible("b")]).toEqual([[a1], [b1]]);
    expect(state.isCertain("a")).toBe(false);
    expect(state.open.map((change) => change.next)).toEqual([{ changed: [a1], removed: [] }]);
  });

  it("may use a removed resource until it has ACKed the removal, and is remembered to use it after that (P54)", () => {
    state.ack(send([a1]));
    const removal = send([], ["a"]);
    expect(state.possible("a")).toEqual([a1]);
    state.ack(removal);
    expect(state.mayHave("a")).toBe(false);
    expect(state.removedInUse.get("a")?.inUse).toEqual([a1]);
  });

  it("has nothing of a name that it no longer subscribes", () => {
    state.ack(send([a1, b1]));
    subscription.drop("a");
    expect([state.lastCertain("a"), state.lastCertain("b")]).toEqual([undefined, b1]);
  });
});

describe("a client that subscribes everything", () => {
  beforeEach(() => subscribe("*", [a1, b1]));

  it("is remembered by its position alone, whatever it has ACKed", () => {
    state.ack(send([a1, b1]));
    cache.set(a2);
    expect([state.lastCertain("a"), state.exceptions.size]).toEqual([a1, 0]);
    expect([...state.outdated([])]).toEqual([a1]);
    state.ack(send([a2]));
    expect([state.lastCertain("a"), state.exceptions.size]).toEqual([a2, 0]);
    expect(state.position).toBe(subscription.view.position);
    expect(state.isPositionOnly).toBe(true);
  });

  it("is at its old position for what it has refused, until that is replaced", () => {
    state.ack(send([a1, b1]));
    cache.set(a2);
    refuse(send([a2]));
    expect([state.lastCertain("a"), state.lastCertain("b")]).toEqual([a1, b1]);
    expect([...state.exceptions.keys()]).toEqual(["a"]);
    const a3 = cluster("a", 3);
    cache.set(a3);
    state.ack(send([a3]));
    expect([state.lastCertain("a"), state.exceptions.size]).toEqual([a3, 0]);
  });

  it("may answer a later response first: both contents are possible until the earlier one is answered", () => {
    state.ack(send([a1, b1]));
    cache.set(a2);
    const earlier = send([a2]);
    const b2 = cluster("b", 2);
    cache.set(b2);
    state.ack(send([b2]));
    expect([state.lastCertain("a"), state.lastCertain("b")]).toEqual([a1, b2]);
    expect(state.possible("a")).toEqual([a1, a2]);
    state.ack(earlier);
    expect(state.lastCertain("a")).toBe(a2);
  });
});
