import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect as connectNats } from "nats";
import { expect } from "vitest";
import type { Random } from "../../src/message/clock.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { processesOfRun } from "../harness/fleet/runner.ts";
import { check } from "./scene/checker.ts";
import { LAST_WORD, ledgerOf } from "./scene/ledger.ts";
import { metric } from "./scene/metric.ts";
import { row } from "./scene/row.ts";

/** Rows 12, 13, 16, 17 and 18: messages, programs, operators, strangers and methods that misbehave. */

const beside = (name: string): string => fileURLToPath(new URL(`scene/${name}`, import.meta.url));
const OS = "command.shellcommand.operatingsystem";

row(
  {
    number: 12,
    fault: "a poisoned message that crashes its process each time",
    suite: { poisoned: 1 },
    full: { poisoned: 10 },
  },
  async ({ size, over }) => {
    const subscribe = [{ subject: "command.digest.food" }, { subject: OS }];
    const supervision = { backoff: { min: "10ms", max: "50ms" }, intensity: 100 };
    const config = { methods: [beside("poison-method.mjs")], subscribe, supervision };
    const fleet = await startFleet({ nodes: { central: {}, ship1: { config } } });
    const ship1 = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    let faults = 0;
    for (; faults < size.poisoned && !over(); faults++) {
      const submitted = await fleet.central.api.submit([
        { subject: "ship1.command.digest.food", data: "bread" },
        { subject: "ship1.command.digest.food", data: "poison" },
        { subject: "ship1.command.digest.food", data: "cheese" },
        ledger.draft("ship1"),
      ]);
      const [bread = "", poison = "", cheese = "", other = ""] = submitted.map(({ id }) => id);
      accepted.push(other);
      await Promise.all([bread, cheese, other].map((id) => fleet.central.message(id, "succeeded")));
      await fleet.central.message(poison, "failed");
      expect(await ship1.api.dead()).toContainEqual(expect.objectContaining({ id: poison, attempts: 3 }));
    }
    const { processes } = await ship1.api.processes();
    expect(processes.find(({ subject }) => subject === `ship1.${OS}`)).toMatchObject({ restarts: 0 });
    return { faults, verdict: await check({ fleet, ledger, accepted }) };
  },
);

const MB = 1024 * 1024;

row(
  {
    number: 13,
    fault: "a command that prints without end, ignores TERM, leaves grandchildren, holds the pipe",
    suite: { bytes: 100 * MB },
    full: { bytes: 10 * 1024 * MB },
  },
  async ({ size }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
    const ship1 = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const holds = `trap "" TERM; (sleep 1000; :) & (trap "" TERM; sleep 1001 & sleep 1002; :) &`;
    const drafts = [
      // It ends by itself once all is printed, and leaves its grandchildren with the pipe in their hands.
      ledger.draft("ship1", { after: `${holds} yes 0123456789abcde | head -c ${size.bytes}` }),
      ledger.draft("ship1", { after: `${holds} yes 0123456789abcde`, timeout: 2_000 }),
      ledger.draft("ship1"),
    ];
    const accepted = (await fleet.central.api.submit(drafts)).map(({ id }) => id);
    const [ends = "", endless = ""] = accepted;
    const all = [
      await fleet.central.message(ends, "succeeded", 200_000),
      await fleet.central.message(endless, "timedOut", 20_000),
    ];
    expect(all[0]?.outcome?.totals?.stdout.bytes).toBe(size.bytes + LAST_WORD.length);
    for (const { id, output } of all) {
      const kept = output.filter(({ stream }) => stream === "stdout").reduce((sum, { text }) => sum + text.length, 0);
      expect(kept).toBeLessThanOrEqual(MB);
      expect(output[0]?.text.startsWith("0123456789abcde\n")).toBe(true);
      expect(processesOfRun(id), "the whole group is gone").toEqual([]);
    }
    const most = Math.max(peakMb(ship1.daemon.pid), peakMb(ship1.runnerPid() ?? ship1.daemon.pid));
    expect(most, "MB of memory that daemon or runner ever had").toBeLessThan(400);
    const verdict = await check({ fleet, ledger, accepted });
    return {
      faults: 2,
      verdict,
      note: `${size.bytes / MB} MB printed, counted and cut; daemon and runner below ${most < 200 ? 200 : 400} MB of memory`,
    };
  },
);

row(
  {
    number: 16,
    fault: "cancel racing completion, two cancels at once",
    suite: { races: 16 },
    full: { races: 400 },
  },
  async ({ size, random, over, pass }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
    const { central } = fleet;
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    const kinds = new Map<string, number>();
    while (accepted.length < size.races && !over()) {
      // One of them would go on for long: there is no race, it has to end on request.
      const drafts = Array.from({ length: 4 }, (_, i) => ledger.draft("ship1", { seconds: i === 0 ? 60 : 0.05 }));
      const ids = (await central.api.submit(drafts)).map(({ id }) => id);
      accepted.push(...ids);
      const races = ids.map(async (id, i) => {
        await pass(random.next() * 150);
        const answers = await Promise.all([central.api.cancel(id), central.api.cancel(id)]);
        for (const { kind } of answers) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        const { state } = await eventuallySeen(`${id} is final`, async () => {
          const detail = await central.api.message(id);
          return detail.final && detail;
        });
        expect(i === 0 ? ["cancelled"] : ["succeeded", "cancelled"]).toContain(state);
      });
      await Promise.all(races);
    }
    const verdict = await check({ fleet, ledger, accepted });
    expect([...kinds.values()].reduce((sum, count) => sum + count, 0)).toBe(2 * accepted.length);
    return {
      faults: accepted.length,
      verdict,
      note: [...kinds]
        .map(([kind, count]) => `${count} ${kind}`)
        .sort()
        .join(", "),
    };
  },
);

row(
  {
    number: 17,
    fault:
      "real frames again, cut short, with flipped bits and garbage behind, on every subject; garbage in every intake",
    suite: { packets: 400 },
    full: { packets: 40_000 },
  },
  async ({ size, random, over }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
    const { central } = fleet;
    const ledger = ledgerOf(fleet);
    const nats = await connectNats({ servers: fleet.broker?.url ?? "" });
    const accepted: string[] = [];
    let sent = 0;
    try {
      const heard: { readonly subject: string; readonly data: Uint8Array }[] = [];
      const listening = nats.subscribe(">");
      const recording = (async () => {
        for await (const { subject, data } of listening) if (heard.length < 500) heard.push({ subject, data });
      })();
      await nats.flush();
      const submit = async (): Promise<void> => {
        const drafts = Array.from({ length: 10 }, () => ledger.draft("ship1"));
        const ids = (await central.api.submit(drafts)).map(({ id }) => id);
        accepted.push(...ids);
        await central.message(ids.at(-1) ?? "", "succeeded");
      };
      await submit();
      listening.unsubscribe();
      await recording;
      expect(heard.length).toBeGreaterThan(4);
      for (; sent < size.packets && !over(); sent++) {
        const { subject } = pick(heard, random);
        nats.publish(subject, damaged(pick(heard, random).data, random), { reply: "_INBOX.stranger.x" });
        if (sent % 100 === 0) await nats.flush();
      }
      await nats.flush();
      const inbox = join(central.data, "inbox");
      await mkdir(inbox, { recursive: true });
      for (let i = 0; i < 5; i++) await writeFile(join(inbox, `${i}.yaml`), randomBytes(2_000));
      await submit();
    } finally {
      await nats.close();
    }
    const refused = await Promise.all(fleet.nodes.map((node) => metric(node, "steward_refused_total")));
    for (const { api, daemon } of fleet.nodes) {
      const { quarantined } = await api.health();
      expect(quarantined).toEqual([]);
      expect(daemon.alive).toBe(true);
    }
    const count = refused.reduce((sum, one) => sum + one, 0);
    expect(count).toBeGreaterThan(0);
    const verdict = await check({ fleet, ledger, accepted });
    return { faults: sent, verdict, note: `${count} refused and counted` };
  },
);

row(
  {
    number: 18,
    fault: "a method that throws, rejects, never resolves, blocks the loop for 2 s, calls back after its deadline",
    suite: { deeds: ["throws", "rejects", "blocks", "late", "nonsense"] },
    // Fifteen seconds go by until what never resolves is given up.
    full: { deeds: ["throws", "rejects", "blocks", "late", "nonsense", "never"] },
  },
  async ({ size }) => {
    const domains = size.deeds.map((deed) => ({ subject: `command.hostile.${deed}` }));
    const config = {
      methods: [beside("hostile-method.mjs")],
      subscribe: [{ subject: OS, concurrency: 4 }, ...domains],
    };
    const fleet = await startFleet({ nodes: { central: {}, ship1: { config } } });
    const { central } = fleet;
    const ledger = ledgerOf(fleet);
    const bad = await central.api.submit(
      size.deeds.map((deed) => ({ subject: `ship1.command.hostile.${deed}`, data: deed, timeout: 1_000 })),
    );
    const accepted = (await central.api.submit(Array.from({ length: 10 }, () => ledger.draft("ship1")))).map(
      ({ id }) => id,
    );
    for (const id of accepted) await central.message(id, "succeeded");
    const ended: string[] = [];
    for (const [i, { id }] of bad.entries()) {
      const { state } = await eventuallySeen(
        `${size.deeds[i]} is final`,
        async () => {
          const detail = await central.api.message(id);
          return detail.final && detail;
        },
        30_000,
      );
      ended.push(`${size.deeds[i]}: ${state}`);
    }
    // A defect is told as one; a method that is slow or late has still done its work.
    const done = (deed: string): boolean => deed === "blocks" || deed === "late";
    expect(ended).toEqual(size.deeds.map((deed) => `${deed}: ${done(deed) ? "succeeded" : "failed"}`));
    const { processes } = await fleet.node("ship1").api.processes();
    expect(processes.find(({ subject }) => subject === `ship1.${OS}`)).toMatchObject({ restarts: 0 });
    return { faults: bad.length, verdict: await check({ fleet, ledger, accepted }), note: ended.join(", ") };
  },
);

function pick<T>(from: readonly T[], random: Random): T {
  const found = from[Math.floor(random.next() * from.length)];
  if (found === undefined) throw new Error("there is nothing to pick from");
  return found;
}

/** The same packet again, or what a bad wire or a bad neighbour makes of it. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = Math.floor(random.next() * copy.length);
  switch (Math.floor(random.next() * 5)) {
    case 0:
      return copy;
    case 1:
      return copy.subarray(0, at);
    case 2:
      return Buffer.concat([copy, randomBytes(100)]);
    case 3:
      return randomBytes(copy.length);
    default:
      if (copy.length > 0) copy.writeUInt8(copy.readUInt8(at) ^ (1 << Math.floor(random.next() * 8)), at);
      return copy;
  }
}

/** The most memory that a process ever had. */
function peakMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}
