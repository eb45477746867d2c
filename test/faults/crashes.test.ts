import { writeFile } from "node:fs/promises";
import { expect } from "vitest";
import type { Draft } from "../../src/message/draft.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, type NodeOptions, startFleet } from "../harness/fleet/fleet.ts";
import { processesOfRun } from "../harness/fleet/runner.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { check } from "./scene/checker.ts";
import { ledgerOf } from "./scene/ledger.ts";
import { metric } from "./scene/metric.ts";
import { row } from "./scene/row.ts";

/** Rows 1 to 4 and 28: daemons, and all that they live by, killed at any point and at the worst ones. */

const subscribe = ["several", "ordered"].map((domain) => ({
  subject: `command.shellcommand.${domain}`,
  from: ["central"],
  concurrency: domain === "several" ? 4 : 1,
}));
const ship: NodeOptions = { config: { subscribe } };

row(
  {
    number: 1,
    fault: "kill -9 of the edge daemon at random points",
    suite: { kills: 5, commands: 30, drain: 30_000 },
    full: { kills: 200, commands: 1000, drain: 240_000 },
  },
  async ({ size, random, over, pass }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: ship } });
    const ship1 = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    const each = Math.ceil(size.commands / size.kills);
    let kills = 0;
    for (; kills < size.kills && !over(); kills++) {
      const drafts = Array.from({ length: Math.min(each, size.commands - accepted.length) }, (_, i): Draft => {
        // One of them goes on for long enough to be caught by a kill in the middle, and to outlive its daemon.
        if (i === 0) return ledger.draft("ship1", { domain: "several", seconds: 2 });
        return ledger.draft("ship1", { domain: i % 2 === 0 ? "several" : "ordered" });
      });
      if (drafts.length > 0) accepted.push(...(await fleet.central.api.submit(drafts)).map(({ id }) => id));
      // While it starts, takes over, runs or answers.
      await pass(random.next() * (kills % 2 === 0 ? 1500 : 700));
      await ship1.kill();
      ship1.launch();
    }
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"], within: size.drain });
    return { faults: kills, verdict };
  },
);

row(
  {
    number: 2,
    fault: "the edge's host lost between a side effect and its record",
    suite: { rounds: 1 },
    full: { rounds: 20 },
  },
  async ({ size, over }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: ship } });
    const ship1 = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    let faults = 0;
    for (; faults < size.rounds && !over(); faults++) {
      const stays = `while [ ! -e ${fleet.file("never")} ]; do sleep 0.05; done`;
      const drafts = [
        ledger.draft("ship1", { domain: "ordered", after: stays }),
        ledger.draft("ship1", { domain: "ordered" }),
      ];
      const [first, second] = (await fleet.central.api.submit(drafts)).map(({ id }) => id);
      if (first === undefined || second === undefined) throw new Error("two commands were not accepted");
      accepted.push(first, second);
      await eventuallySeen("its side effect", async () => (await ledger.ran()).includes(first));
      // Daemon and runner at once: nobody is left who could tell how it ends.
      await ship1.killWithRunner();
      await ship1.start();
      expect((await fleet.central.message(first, "interrupted")).outcome?.reason).toBeTruthy();
      expect(processesOfRun(first)).toEqual([]);
      await fleet.central.message(second, "succeeded");
    }
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
    expect(verdict.unknown, "what was in the middle is interrupted, and nothing else").toBe(faults);
    return { faults, verdict };
  },
);

row(
  {
    number: 3,
    fault: "the edge killed between `received` and its ACK",
    suite: { rounds: 1 },
    full: { rounds: 20 },
  },
  async ({ size, over }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: { ...ship, proxied: true } } });
    const ship1 = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    let faults = 0;
    let duplicates = 0;
    for (; faults < size.rounds && !over(); faults++) {
      // It hears, and nobody hears it: the ACK is lost with the daemon that sent it.
      ship1.proxy.blackhole("toServer");
      // None of them ends before the frame has come again: an outcome would prove as much as an ACK.
      const gate = fleet.file(`gate-${faults}`);
      const after = `while [ ! -e ${gate} ]; do sleep 0.02; done`;
      const drafts = Array.from({ length: 5 }, () => ledger.draft("ship1", { domain: "ordered", after }));
      accepted.push(...(await fleet.central.api.submit(drafts)).map(({ id }) => id));
      // What runs is durable on ship1, and what came in the same frame with it.
      const first = accepted.at(-5) ?? "";
      await eventuallySeen("ship1 runs the first", async () => (await ledger.ran()).includes(first));
      await ship1.kill();
      await ship1.proxy.heal();
      await ship1.start();
      duplicates += await eventuallySeen("they come again", async () => {
        const count = await metric(ship1, "steward_messages_duplicate_total");
        return count > 0 && count;
      });
      await writeFile(gate, "");
      await finalAt(fleet, accepted);
    }
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
    return { faults, verdict, note: `${duplicates} came again and were not run` };
  },
);

row(
  {
    number: 4,
    fault: "kill -9 of central, while it accepts and folds",
    suite: { kills: 4, commands: 40, drain: 30_000 },
    full: { kills: 200, commands: 1000, drain: 240_000 },
  },
  async ({ size, random, over, pass }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: ship } });
    const { central } = fleet;
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    const faults: string[] = [];
    const each = Math.ceil(size.commands / size.kills);
    let kills = 0;
    for (; kills < size.kills && !over(); kills++) {
      const drafts = Array.from({ length: each }, (_, i) =>
        ledger.draft("ship1", { domain: i % 2 === 0 ? "several" : "ordered" }),
      );
      // Whoever gets no answer was promised nothing; but what is known then must still run once at most.
      const submitting = Promise.all([
        central.api.submit(drafts.slice(1)).catch(() => []),
        pass(random.next() * 20).then(() => central.api.submit(drafts.slice(0, 1)).catch(() => [])),
      ]);
      await pass(random.next() * (kills % 2 === 0 ? 300 : 20));
      await central.kill();
      accepted.push(...(await submitting).flat().map(({ id }) => id));
      await central.start();
      // Its own clock of grace runs for 6 hellos of 500 ms: nobody can be offline before, and nobody was away.
      const { changes } = await central.api.node("ship1");
      if (changes.some(({ region, to }) => region === "link" && to === "offline"))
        faults.push("I9: ship1 was called offline");
    }
    const verdict = await check({ fleet, ledger, accepted, faults, within: size.drain });
    return { faults: kills, verdict };
  },
);

row(
  {
    number: 28,
    fault: "kill -9 of any daemon, runner, host or the broker, each at random points",
    suite: { kills: 6, drain: 30_000 },
    full: { kills: 2000, drain: 240_000 },
  },
  async ({ size, random, over, pass }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: ship, ship2: ship } });
    const { broker, central } = fleet;
    const ledger = ledgerOf(fleet);
    const edges = ["ship1", "ship2"].map((name) => fleet.node(name));
    const killDaemon = async (node: TestNode): Promise<void> => {
      await node.kill();
      node.launch();
    };
    const killHost = async (node: TestNode): Promise<void> => {
      // Neither sees the other's end.
      node.daemon.signal("SIGSTOP");
      node.killRunner();
      await killDaemon(node);
    };
    const killCentral = async (): Promise<void> => {
      await central.kill();
      await central.start();
    };
    const killBroker = async (): Promise<void> => await broker?.restart();
    const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["central", killCentral],
      ["broker", killBroker],
      ["central and broker", () => Promise.all([killCentral(), killBroker()])],
      ...edges.flatMap((node): [string, () => Promise<unknown>][] => [
        ["daemon", () => killDaemon(node)],
        ["runner", async () => node.killRunner()],
        ["host", () => killHost(node)],
      ]),
      ["all", () => Promise.all([killCentral(), killBroker(), ...edges.map(killHost)])],
    ];
    const struck = new Map(ways.map(([name]) => [name, 0]));
    const accepted: string[] = [];
    let kills = 0;
    for (; kills < size.kills && !over(); kills++) {
      const drafts = edges.flatMap(({ name }) => [
        ledger.draft(name, { domain: "ordered" }),
        ledger.draft(name, { domain: "several", seconds: 1 }),
        ledger.draft(name, { domain: "ordered" }),
      ]);
      // Whoever gets no answer was promised nothing.
      const submitting = central.api.submit(drafts).catch(() => []);
      await pass(random.next() * 1000);
      const [name, strike] = ways[Math.floor(random.next() * ways.length)] ?? ["", async () => undefined];
      await strike();
      struck.set(name, (struck.get(name) ?? 0) + 1);
      accepted.push(...(await submitting).map(({ id }) => id));
    }
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"], within: size.drain });
    return { faults: kills, verdict, note: [...struck].map(([name, count]) => `${name} ${count}`).join(", ") };
  },
);

async function finalAt(fleet: Fleet, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await eventuallySeen(`${id} is final`, async () => (await fleet.central.api.message(id)).final);
  }
}
