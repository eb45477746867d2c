import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { whyNoSmallDisk } from "../harness/fleet/small-disk.ts";
import { tempDir } from "../harness/temp.ts";
import { check } from "./scene/checker.ts";
import { ledgerOf } from "./scene/ledger.ts";
import { row } from "./scene/row.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** Rows 10 and 11: a clock that lies, a disk that is full. */

const subscribe = [{ subject: "command.shellcommand.ordered", from: ["central"], concurrency: 1 }];
const ordered = { domain: "ordered" };
const beside = (name: string): string => fileURLToPath(new URL(`scene/${name}`, import.meta.url));

const DAY = 86_400_000;
const CLOCKS = { "+10 years": 3650 * DAY, "-1 day": -DAY, "1970 at boot": -Date.now(), right: 0 };

row(
  {
    number: 10,
    fault: "the edge's clock at +10 years, -1 day, 1970 at boot, jumping between them",
    suite: { rounds: 1 },
    full: { rounds: 10 },
  },
  async ({ size, over }) => {
    // Not in the ship's own directory: it is read by the ship alone, and no file of its.
    const clock = `${await tempDir()}/clock`;
    await writeFile(clock, String(CLOCKS["1970 at boot"]));
    const env = { NODE_OPTIONS: `--import=${beside("shifted-clock.mjs")}`, STEWARD_TEST_CLOCK: clock };
    const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe }, env } } });
    const { central } = fleet;
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    let jumps = 0;
    for (let round = 0; round < size.rounds && !over(); round++) {
      for (const [name, offset] of Object.entries(CLOCKS)) {
        await writeFile(clock, String(offset));
        await eventuallySeen(`${name} is shown as the ship's skew`, async () => {
          const { clockSkew } = await central.api.node("ship1");
          return clockSkew !== undefined && Math.abs(clockSkew - offset) < 60_000;
        });
        // Nothing of what central says of time is judged by that clock.
        const drafts = [1, 2, 3].map(() => ledger.draft("ship1", { ...ordered, deliverBy: 60_000, timeout: 20_000 }));
        accepted.push(...(await central.api.submit(drafts)).map(({ id }) => id));
        await central.message(accepted.at(-1) ?? "", "succeeded");
        jumps++;
      }
    }
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
    const states = new Set((await central.api.messages({ domain: "ordered", limit: 1000 })).map(({ state }) => state));
    expect([...states]).toEqual(["succeeded"]);
    expect((await ledger.ran()).length).toBe(accepted.length);
    return { faults: jumps, verdict };
  },
);

const DISK = 24 * 1024 * 1024;
const noDisk = whyNoSmallDisk();

row(
  {
    number: 11,
    fault: "the disk of central full, then that of the edge",
    suite: { rounds: 1 },
    full: { rounds: 10 },
    impossible: noDisk,
  },
  async ({ size, over }) => {
    const fleet = await startFleet({
      nodes: { central: { disk: DISK }, ship1: { config: { subscribe }, disk: DISK } },
    });
    const { central } = fleet;
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    const codes = new Set<string>();
    let refused = 0;
    let ended = 0;
    let faults = 0;
    for (let round = 0; round < size.rounds && !over(); round++) {
      for (const node of fleet.nodes) {
        const gate = fleet.file(`gate-${faults}`);
        faults++;
        const waits = `while [ ! -e ${gate} ]; do sleep 0.02; done`;
        const [begun] = await central.api.submit([ledger.draft("ship1", { ...ordered, after: waits })]);
        const owed = begun?.id ?? "";
        accepted.push(owed);
        await eventuallySeen("it runs", async () => (await ledger.ran()).includes(owed));
        await node.disk.fill();
        await eventuallySeen("the node says so", async () =>
          ["full", "failed"].includes((await node.api.health()).journal.state),
        );
        for (let i = 0; i < 5; i++) {
          const submitted = await central.api.submit([ledger.draft("ship1", ordered)]).catch((thrown: unknown) => {
            codes.add((thrown as { code: string }).code);
            refused++;
            return [];
          });
          accepted.push(...submitted.map(({ id }) => id));
        }
        // What is owed still passes, at both ends.
        await writeFile(gate, "");
        await central.message(owed, "succeeded");
        await node.disk.free();
        for (const { daemon, start } of fleet.nodes.map((one) => ({ daemon: one.daemon, start: () => one.start() }))) {
          const goesOn = await Promise.race([daemon.gone.then(() => false), settled().then(() => true)]);
          if (goesOn) continue;
          ended++;
          await start();
        }
        // It takes and runs commands again.
        const [one] = await eventuallySeen("a command is accepted", () =>
          central.api.submit([ledger.draft("ship1", ordered)]),
        );
        accepted.push(one?.id ?? "");
        await central.message(one?.id ?? "", "succeeded");
      }
    }
    const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
    expect(ended).toBe(0);
    // By central while its own disk is full; what the edge has no room for waits.
    expect(refused).toBe(5 * (faults / 2));
    expect([...codes].filter((code) => !["journal-disk-full", "journal-failed"].includes(code))).toEqual([]);
    return { faults, verdict, note: `${refused} refused by name; what was owed passed meanwhile; no daemon ended` };
  },
);

test.runIf(noDisk === undefined)(
  "a daemon whose disk is full refuses new messages with a clear error, and goes on by itself once there is room",
  async () => {
    const fleet = await startFleet({ nodes: { central: { disk: DISK }, ship1: { config: { subscribe } } } });
    const { central } = fleet;
    const ledger = ledgerOf(fleet);
    await central.disk.fill();
    await eventuallySeen(
      "it is refused",
      async () => {
        const error = await central.api.submit([ledger.draft("ship1", ordered)]).then(
          () => undefined,
          (thrown: unknown) => thrown as { code: string },
        );
        if (error?.code === "no-daemon") throw new Error("the daemon ended");
        return error?.code.startsWith("journal-") === true;
      },
      5_000,
    );
    expect((await central.api.health()).journal.state).not.toBe("ok");
    await central.disk.free();
    const [one] = await eventuallySeen("it is accepted", () => central.api.submit([ledger.draft("ship1", ordered)]));
    await central.message(one?.id ?? "", "succeeded");
  },
);

test("a clock that jumps while a command waits on the edge decides no deadline", async () => {
  const clock = `${await tempDir()}/clock`;
  await writeFile(clock, "0");
  const env = { NODE_OPTIONS: `--import=${beside("shifted-clock.mjs")}`, STEWARD_TEST_CLOCK: clock };
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe }, env } } });
  const ledger = ledgerOf(fleet);
  const gate = fleet.file("gate");
  const drafts = [
    ledger.draft("ship1", { ...ordered, after: `while [ ! -e ${gate} ]; do sleep 0.02; done` }),
    ledger.draft("ship1", { ...ordered, deliverBy: 60_000 }),
  ];
  const ids = (await fleet.central.api.submit(drafts)).map(({ id }) => id);
  await fleet.central.message(ids[1] ?? "", "received");
  await writeFile(clock, String(CLOCKS["+10 years"]));
  await eventuallySeen("the ship shows its new time", async () => {
    return Math.abs((await fleet.node("ship1").api.health()).asOf - Date.now()) > DAY;
  });
  await writeFile(gate, "");
  // It waited for seconds, of the minute that it may.
  const { state } = await eventuallySeen("it is final", async () => {
    const detail = await fleet.central.api.message(ids[1] ?? "");
    return detail.final && detail;
  });
  expect(state).toBe("succeeded");
});

/** A daemon that a full disk ends does so within its next few writes. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 500));
}
