import { afterEach, beforeEach, expect, it } from "vitest";
import type { StoredHead } from "../../src/store/store.js";
import { describeWithEtcd, type Etcd, eventually, newConfiguration, openStore, startMembers } from "./etcd.js";

describeWithEtcd("three members of etcd", () => {
  let members: Etcd[];
  beforeEach(async () => {
    members = await startMembers(3);
    await Promise.all(members.map((member) => member.serves()));
  });
  afterEach(() => Promise.all(members.map((member) => member.forget())));

  /** Two publishers and a follower, and what moves one publisher's head until it is stopped. */
  async function scene() {
    const endpoints = members.map(({ endpoint }) => endpoint);
    const options = { endpoints, configuration: newConfiguration(), keepaliveMs: 1_000, keepaliveTimeoutMs: 1_000 };
    const [publisher, follower] = [await openStore(options), await openStore(options)];
    const heard: StoredHead[] = [];
    follower.onMove((head) => heard.push(head));
    const lease = await publisher.lease("leader");
    if (!lease) throw new Error("no lease");
    let isOver = false;
    const move = async () => {
      let moved = 0;
      while (!isOver) {
        expect(await publisher.moveHead(moved, { head: moved + 1, put: { [`k/${moved}`]: moved }, lease })).toBe(
          moved + 1,
        );
        moved++;
      }
      return moved;
    };
    const moving = move();
    const more = async () => {
      const { version } = heard.at(-1) ?? { version: 0 };
      await eventually(() => (heard.at(-1)?.version ?? 0) > version + 20, `20 moves after ${version} are heard`);
    };
    const end = async () => {
      isOver = true;
      const moved = await moving;
      await eventually(() => heard.at(-1)?.version === moved, "the last move is heard");
      expect(await follower.readHead()).toEqual({ version: moved, head: moved });
      expect(await follower.listRecords("k")).toHaveLength(moved);
      expect(lease.lost.aborted).toBe(false);
      // Each was heard once, and in order.
      expect(heard.map(({ version }) => version)).toEqual(
        [...new Set(heard.map(({ version }) => version))].sort(byNumber),
      );
    };
    return { more, end };
  }
  const byNumber = (a: number, b: number) => a - b;

  it("take every move while the leader is killed, and while it comes back", async () => {
    const { more, end } = await scene();
    await more();
    const leaders = await Promise.all(members.map((member) => member.isLeader()));
    const leader = members[leaders.indexOf(true)] as Etcd;
    await leader.kill();
    await more();
    leader.start();
    await leader.serves(2);
    await more();
    await end();
  });

  it("take every move while one after the other stands still (SIGSTOP)", async () => {
    const { more, end } = await scene();
    for (const member of members) {
      await more();
      await member.pause();
      await more();
      member.resume();
    }
    await more();
    await end();
  });
});
