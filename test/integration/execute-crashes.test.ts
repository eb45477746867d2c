import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import { processesOfRun } from "../harness/fleet/runner.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** Writes itself into the ledger, prints, waits for a file, prints again. */
function gated(fleet: Fleet, gate: string): string {
  const record = `echo "$STEWARD_RUN" >> ${fleet.file("ledger")}`;
  return `${record}; echo first; while [ ! -e ${gate} ]; do sleep 0.02; done; echo last; echo oops >&2`;
}

async function ledger(fleet: Fleet, name = "ledger"): Promise<string[]> {
  return (await readFile(fleet.file(name), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
}

/** Accepts a script for ship1 and resolves with its id once its first output is at central. */
async function begun(fleet: Fleet, script: string): Promise<string> {
  const [accepted] = await fleet.central.api.submit([draft(script)]);
  const id = accepted?.id ?? "";
  await eventuallySeen(`output of ${id}`, async () => (await fleet.central.api.message(id)).output.length > 0);
  return id;
}

test("commands survive the death of their daemon, and the next one takes over what they print and how they end", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ship1 = fleet.node("ship1");
  const [early, late] = [fleet.file("early"), fleet.file("late")];
  // On a busy machine the node may be offline for a moment, which would end the waiting.
  const run = fleet.begin("run", "ship1", "--wait", "forever", "--script", "--", gated(fleet, late));
  await run.saw(/first\n/);
  const endsMeanwhile = await begun(fleet, gated(fleet, early));

  await ship1.kill();
  expect(processesOfRun(endsMeanwhile)).not.toEqual([]);
  await writeFile(early, "");
  await eventuallySeen("it ended under its runner", () => processesOfRun(endsMeanwhile).length === 0);
  await ship1.start();
  await fleet.central.message(endsMeanwhile, "succeeded");
  expect(await fleet.steward("message", endsMeanwhile, "--output")).toMatchObject({
    stdout: "first\nlast\n",
    stderr: "oops\n",
  });

  await writeFile(late, "");
  expect(await run.within(15_000)).toMatchObject({ code: 0, stdout: "first\nlast\n" });
  expect(await ledger(fleet)).toHaveLength(2);
});

test("a command whose daemon and runner died is interrupted, its processes are ended, and it is not run again", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ship1 = fleet.node("ship1");
  const id = await begun(fleet, gated(fleet, fleet.file("never")));
  await ship1.killWithRunner();
  expect(processesOfRun(id)).not.toEqual([]);
  await ship1.start();
  const detail = await fleet.central.message(id, "interrupted");
  expect(detail).toMatchObject({ final: true, outcome: { state: "interrupted" } });
  expect(processesOfRun(id)).toEqual([]);
  // Whatever would run it again has had its turn once a later command of the same lane is over.
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
  expect(await ledger(fleet)).toEqual([id]);
});

test("a runner that dies alone costs only what it ran: interrupted, and the next command has a new one", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const id = await begun(fleet, gated(fleet, fleet.file("never")));
  process.kill(fleet.node("ship1").runnerPid() ?? 0, "SIGKILL");
  await fleet.central.message(id, "interrupted");
  expect(processesOfRun(id)).toEqual([]);
  expect((await fleet.steward("run", "ship1", "--", "echo", "next")).stdout).toBe("next\n");
  expect(await ledger(fleet)).toEqual([id]);
});

test("a daemon that is told to stop says bye, hands a long command over, and the next one brings its outcome", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ship1 = fleet.node("ship1");
  const gate = fleet.file("gate");
  const id = await begun(fleet, gated(fleet, gate));
  const stopping = performance.now();
  const end = await ship1.stop();
  const stopped = performance.now() - stopping;
  expect(end.code).toBe(0);
  expect(await fleet.central.api.node("ship1")).toMatchObject({
    link: "offline",
    cause: expect.stringMatching(/^bye/),
  });
  expect(await fleet.central.api.message(id)).toMatchObject({ state: "unknown", final: false });
  expect(processesOfRun(id)).not.toEqual([]);

  const starting = performance.now();
  await ship1.start();
  // The stop did not wait for the command; a start is the yardstick of a machine that may be busy.
  expect(stopped).toBeLessThan(3 * (performance.now() - starting));
  await fleet.central.message(id, "running");
  await writeFile(gate, "");
  await fleet.central.message(id, "succeeded");
  expect((await fleet.steward("message", id, "--output")).stdout).toBe("first\nlast\n");
  expect(await ledger(fleet)).toEqual([id]);
});

test("central that was killed knows all it had accepted and folds the outcomes that come later", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const gate = fleet.file("gate");
  const id = await begun(fleet, gated(fleet, gate));
  await fleet.central.kill();
  await writeFile(gate, "");
  await eventuallySeen("it ended", () => processesOfRun(id).length === 0);
  await fleet.central.start();
  await fleet.central.message(id, "succeeded");
  expect((await fleet.steward("message", id, "--output")).stdout).toBe("first\nlast\n");
});

test("central that is killed whenever it has just accepted something loses none of it and doubles none", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ids: string[] = [];
  for (let round = 0; round < 6; round++) {
    const drafts = Array.from({ length: 10 }, () => draft(`echo "$STEWARD_RUN" >> ${fleet.file("ledger")}`));
    ids.push(...(await fleet.central.api.submit(drafts)).map(({ id }) => id));
    await fleet.central.kill();
    await fleet.central.start();
  }
  const states = new Set((await allFinal(fleet, ids, "central was killed")).map(({ state }) => state));
  expect([...states]).toEqual(["succeeded"]);
  expect((await ledger(fleet)).sort()).toEqual(ids);
});

test("an edge that is killed twenty times during a hundred commands runs each once, and each succeeds", {
  timeout: 90_000,
}, async () => {
  const subscribe = ["several", "ordered"].map((domain) => ({
    subject: `command.shellcommand.${domain}`,
    from: ["central"],
    concurrency: domain === "several" ? 4 : 1,
  }));
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe } } } });
  const ship1 = fleet.node("ship1");
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = mulberry(seed);
  const scripts = (domain: string) => {
    const record = `echo "$STEWARD_RUN" >> ${fleet.file(domain)}`;
    // Every other one is slow to begin: what ran beside it would overtake it in the ledger.
    return Array.from({ length: 50 }, (_, i) =>
      draft(i % 2 === 0 ? `sleep 0.1; ${record}; echo done` : `${record}; sleep 0.1; echo done`, domain),
    );
  };
  const accepted = await fleet.central.api.submit([...scripts("several"), ...scripts("ordered")]);
  for (let kills = 0; kills < 20; kills++) {
    // At a random point of its life: while it starts, takes over, runs or answers.
    const life = random() * (kills % 2 === 0 ? 1_500 : 700);
    await new Promise((resolve) => setTimeout(resolve, life));
    await ship1.kill();
    ship1.launch();
  }
  const ids = accepted.map(({ id }) => id);
  const details = await allFinal(fleet, ids, `seed ${seed}`);
  const [several, ordered] = [await ledger(fleet, "several"), await ledger(fleet, "ordered")];
  const ran = new Set([...several, ...ordered]);
  expect(ran.size, `seed ${seed}: no id ran twice`).toBe(several.length + ordered.length);
  expect(ordered, `seed ${seed}: one lane runs in the order in which it was accepted`).toEqual([...ordered].sort());
  for (const { id, state, conflict, output } of details) {
    // The runner lives on, and so does the host: of none it cannot be told whether it began, or how it ended.
    expect(state, `seed ${seed}: ${id}`).toBe("succeeded");
    expect(conflict, `seed ${seed}: ${id}`).toBeUndefined();
    expect(ran.has(id), `seed ${seed}: ${id} succeeded, so it ran`).toBe(true);
    expect(output.map(({ text }) => text).join(""), `seed ${seed}: ${id}`).toBe("done\n");
  }
  const runs = () => readdirSync(join(ship1.data, "runs")).filter((name) => ids.includes(name));
  await eventuallySeen(`seed ${seed}: no record of a run stays behind`, () => runs().length === 0);
});

function draft(script: string, domain = "operatingsystem") {
  return { subject: `ship1.command.shellcommand.${domain}`, data: ["sh", "-c", script] };
}

/** Resolves with what central knows of each once all are final. */
function allFinal(fleet: Fleet, ids: readonly string[], hint: string) {
  const final = async (id: string) => {
    const detail = await fleet.central.api.message(id);
    return detail.final ? detail : undefined;
  };
  return Promise.all(ids.map((id) => eventuallySeen(`${id} is final (${hint})`, () => final(id), 40_000)));
}

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
