import { expect } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { check, RECONNECTS } from "./scene/checker.ts";
import { cpuMs } from "./scene/cpu.ts";
import { ledgerOf } from "./scene/ledger.ts";
import { metric } from "./scene/metric.ts";
import { row } from "./scene/row.ts";

/** Rows 5 to 9: a broker that dies, links that are cut, silent, slow and false. */

const subscribe = [{ subject: "command.shellcommand.ordered", from: ["central"], concurrency: 1 }];
const ship = { config: { subscribe } };
const ordered = { domain: "ordered" };

row(
  {
    number: 5,
    fault: "kill -9 of the broker under load, started again empty",
    suite: { kills: 2, commands: 20, watched: 1_000 },
    full: { kills: 40, commands: 400, watched: 20_000 },
  },
  async ({ size, random, over, pass }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: ship } });
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    const each = Math.ceil(size.commands / size.kills);
    let kills = 0;
    let busiest = 0;
    for (; kills < size.kills && !over(); kills++) {
      const drafts = Array.from({ length: each }, () => ledger.draft("ship1", ordered));
      accepted.push(...(await fleet.central.api.submit(drafts)).map(({ id }) => id));
      await pass(random.next() * 150);
      if (kills % 2 === 0) {
        await Promise.all(
          fleet.nodes.map(({ name, api }) =>
            eventuallySeen(`${name} is connected`, async () => (await api.health()).broker.state === "connected"),
          ),
        );
        await fleet.link("ship1", "online", RECONNECTS);
        // What is on its way now was handed to the broker, and dies with it.
        fleet.broker?.freeze();
        const [last] = await fleet.central.api.submit([ledger.draft("ship1", ordered)]);
        accepted.push(last?.id ?? "");
        await fleet.central.message(last?.id ?? "", "sent");
      }
      await fleet.broker?.kill();
      if (kills === 0) {
        // What runs on the ship comes to its end; then there is nothing to do, and nothing may go round in a circle.
        await eventuallySeen(
          "ship1 is idle",
          async () => (await fleet.node("ship1").api.messages({ open: true })).length === 0,
        );
        const before = fleet.nodes.map((node) => cpuMs(node.daemon.pid));
        await pass(size.watched);
        busiest = Math.max(...fleet.nodes.map((node, i) => (cpuMs(node.daemon.pid) - (before[i] ?? 0)) / size.watched));
      }
      await fleet.broker?.restart();
    }
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
    expect(busiest, "share of a core that a daemon takes without a broker").toBeLessThan(0.2);
    return { faults: kills, verdict, note: `without a broker a daemon takes ${Math.ceil(busiest * 100)} % of a core` };
  },
);

/** A hello of 500 ms makes the broker's probe one of 1 s, and a node offline after 3 s of silence. */
const PROBE = 1_000;
/** How late a busy machine may see it. */
const BUSY = 2_000;

row(
  {
    number: 6,
    fault: "a half-open link: bytes vanish, no reset",
    suite: { rounds: 1 },
    full: { rounds: 10 },
  },
  async ({ size, over }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: { ...ship, proxied: true } } });
    const ship1 = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    let slowest = 0;
    let faults = 0;
    for (; faults < size.rounds && !over(); faults++) {
      const begun = fleet.central.api.submit([ledger.draft("ship1", { ...ordered, seconds: 1 })]);
      accepted.push(...(await begun).map(({ id }) => id));
      await eventuallySeen("it runs", async () => (await ledger.ran()).length === accepted.length);
      const from = performance.now();
      ship1.proxy.blackhole();
      accepted.push(...(await fleet.central.api.submit([ledger.draft("ship1", ordered)])).map(({ id }) => id));
      const disconnected = async () => (await ship1.api.health()).broker.state !== "connected";
      await Promise.all([
        fleet.link("ship1", "offline", 6 * 500 + BUSY),
        eventuallySeen("ship1 knows that it has no broker", disconnected, 2 * PROBE + BUSY),
      ]);
      slowest = Math.max(slowest, performance.now() - from);
      await ship1.proxy.heal();
      await fleet.link("ship1", "online", RECONNECTS);
    }
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
    return {
      faults,
      verdict,
      note: `noticed by both ends within ${(slowest / 1000).toFixed(1)} s (hello 500 ms, probe 1 s)`,
    };
  },
);

row(
  {
    number: 7,
    fault: "one direction of the link cut, then the other",
    suite: { rounds: 1 },
    full: { rounds: 10 },
  },
  async ({ size, over }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: { ...ship, proxied: true } } });
    const { central } = fleet;
    const ship1 = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    const submit = async (): Promise<string> => {
      const [one] = await central.api.submit([ledger.draft("ship1", { ...ordered, seconds: 0.3 })]);
      accepted.push(one?.id ?? "");
      return one?.id ?? "";
    };
    let faults = 0;
    for (; faults < 2 * size.rounds && !over(); faults += 2) {
      // It hears and is not heard: the command runs, its outcome waits.
      ship1.proxy.blackhole("toServer");
      const unheard = await submit();
      await eventuallySeen("it ran", async () => (await ledger.ran()).includes(unheard));
      await fleet.link("ship1", "offline");
      expect(await central.api.message(unheard)).toMatchObject({ final: false });
      await ship1.proxy.heal();
      await central.message(unheard, "succeeded", RECONNECTS);

      // It is heard and does not hear: what it has comes home, what is new waits.
      const begun = await submit();
      await eventuallySeen("it runs", async () => (await ledger.ran()).includes(begun));
      ship1.proxy.blackhole("toClient");
      const waits = await submit();
      await central.message(begun, "succeeded");
      expect(await ledger.ran()).not.toContain(waits);
      await ship1.proxy.heal();
      await central.message(waits, "succeeded", RECONNECTS);
    }
    return { faults, verdict: await check({ fleet, ledger, accepted, ordered: ["ordered"] }) };
  },
);

row(
  {
    number: 8,
    fault: "messages doubled (30 %), overtaken (50 %), with a flipped bit (1 % to 5 %)",
    suite: { commands: 60, flip: 0.05 },
    full: { commands: 1000, flip: 0.01 },
  },
  async ({ size, random, over }) => {
    const nodes = { central: { proxied: true }, ship1: { ...ship, proxied: true } };
    const fleet = await startFleet({ nodes });
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    for (const { proxy } of fleet.nodes) proxy.disturb({ duplicate: 0.3, reorder: 0.5, flip: size.flip, random });
    while (accepted.length < size.commands && !over()) {
      const drafts = Array.from({ length: 5 }, () => ledger.draft("ship1", ordered));
      accepted.push(...(await fleet.central.api.submit(drafts)).map(({ id }) => id));
      const last = accepted.at(-1) ?? "";
      await eventuallySeen("most of them ran", async () => (await fleet.central.api.message(last)).state !== "queued");
    }
    await eventuallySeen(
      "all are final",
      async () => (await fleet.central.api.messages({ direction: "out", open: true })).length === 0,
      60_000,
    );
    const refused = await Promise.all(fleet.nodes.map((node) => metric(node, "steward_refused_total")));
    const done = fleet.nodes.map(({ proxy }) => ({ ...proxy.disturbed }));
    const sum = (kind: "duplicated" | "reordered" | "flipped"): number =>
      done.reduce((total, one) => total + one[kind], 0);
    for (const { proxy } of fleet.nodes) await proxy.heal();
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
    expect(sum("flipped")).toBeGreaterThan(0);
    expect(
      refused.reduce((total, count) => total + count, 0),
      "the flipped are refused and counted",
    ).toBeGreaterThan(0);
    const note = `${sum("duplicated")} doubled, ${sum("reordered")} overtaken, ${sum("flipped")} flipped`;
    return { faults: sum("duplicated") + sum("reordered") + sum("flipped"), verdict, note };
  },
);

row(
  {
    number: 9,
    fault: "flapping, 600 ms round trip, 64 kbit/s, 5 % loss",
    suite: { flaps: 2, up: 1_500, down: 500, commands: 6 },
    full: { flaps: 6, up: 5_000, down: 20_000, commands: 60 },
  },
  async ({ size, random, over, pass }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: { ...ship, proxied: true } } });
    const { central } = fleet;
    const { proxy } = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    const slow = (): void => {
      proxy.delay(300);
      proxy.bandwidth(8_000);
      proxy.loss(0.05, random);
    };
    slow();
    const each = Math.ceil(size.commands / size.flaps);
    let flaps = 0;
    for (; flaps < size.flaps && !over(); flaps++) {
      const drafts = Array.from({ length: each }, () => ledger.draft("ship1", ordered));
      accepted.push(...(await central.api.submit(drafts)).map(({ id }) => id));
      await pass(size.up);
      await proxy.refuse();
      await pass(size.down);
      await proxy.heal();
      slow();
    }
    const final = async () => (await central.api.messages({ direction: "out", open: true })).length === 0;
    await eventuallySeen("all are final, over the slow link", final, 60_000);
    const resent = await metric(central, "steward_messages_resent_total");
    await proxy.heal();
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
    expect(resent, "sent again, of so many").toBeLessThanOrEqual(accepted.length);
    return { faults: flaps, verdict, note: `${resent} of ${accepted.length} were sent again` };
  },
);
