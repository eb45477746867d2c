import { join } from "node:path";
import { expect, test } from "vitest";
import { openApi } from "../../../src/api/server.ts";
import { reachDaemon } from "../../../src/cli/reach.ts";
import { runCli } from "../../../src/cli/run-cli.ts";
import type { Clock } from "../../../src/message/clock.ts";
import { isFinalState, type State } from "../../../src/message/lifecycle.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";
import type { MessageDetail } from "../../../src/runtime/operate/table/messages.ts";
import { openDoor } from "../../harness/fake-operations.ts";
import { inputOf } from "../../harness/input.ts";
import { listLog } from "../../harness/list-log.ts";
import { atTestEnd, tempDir } from "../../harness/temp.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

/** Each end of a command as an operator meets it: on the command line, in the API, in the log and in the metrics. */
const WORK = "ship1.command.work.os";
const SHELL = "ship1.command.shellcommand.os";

interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The real command line beside central's daemon. */
async function commandLine(world: World): Promise<(...argv: string[]) => Promise<Printed>> {
  const directory = await tempDir();
  const path = join(directory, "s.sock");
  const api = await openApi({
    daemon: { header: "central" },
    operations: world.daemon("central").operations,
    reception: openDoor(world.daemon("central").operations),
    path,
    clock: systemClock,
    log: listLog(),
  });
  atTestEnd(
    () => api.stop(),
    () => undefined,
  );
  const clock: Clock = { ...systemClock, now: () => world.time.now() };
  return async (...argv) => {
    const printed = { out: "", err: "" };
    const sink = (to: "out" | "err") => ({
      write: (chunk: string | Uint8Array) => {
        printed[to] += Buffer.from(chunk).toString();
      },
    });
    const io = {
      stdin: inputOf(undefined),
      stdout: sink("out"),
      stderr: sink("err"),
      env: { STEWARD_SOCKET: path },
      cwd: directory,
      clock,
      signals: { on: () => () => undefined },
      outliveReaders: () => undefined,
      exitNow: () => undefined,
    };
    const code = await runCli(argv, io, reachDaemon);
    return { code, ...printed };
  };
}

interface Case {
  readonly state: State;
  /** What an operator reads at the end of `--follow`. */
  readonly line: RegExp;
  readonly code: number;
  /** Who says so. */
  readonly by: "ship1" | "central";
  readonly log: RegExp;
  reach(world: World): Promise<string>;
}

const running = (world: World, id: string): Promise<void> =>
  world.until(() => world.state(id) === "running", "it runs");

const CASES: readonly Case[] = [
  {
    state: "succeeded",
    line: /^✓ {2}ship1 {2}succeeded/,
    code: 0,
    by: "ship1",
    log: /^$/,
    reach: (world) => world.send(SHELL, ["print", "hi"]),
  },
  {
    state: "failed",
    line: /^✗ {2}ship1 {2}failed {2}exit 3 {2}\d+\.\d+ s$/m,
    code: 1,
    by: "ship1",
    log: /^commands ended: failed exit code 3/,
    reach: (world) => world.send(SHELL, ["exit", "3"]),
  },
  {
    state: "timedOut",
    line: /^✗ {2}ship1 {2}timed out .* ended after 2 s, its timeout/,
    code: 1,
    by: "ship1",
    log: /^commands ended: timedOut ended after 2 s/,
    reach: (world) => world.send(SHELL, ["stay"], { timeout: 2_000 }),
  },
  {
    state: "cancelled",
    line: /^⊘ {2}ship1 {2}cancelled .* ended on request while it ran/,
    code: 4,
    by: "ship1",
    log: /^commands ended: cancelled ended on request/,
    reach: async (world) => {
      const id = await world.send(SHELL, ["stay"]);
      await running(world, id);
      await world.drive(world.daemon("central").operations.cancel(id));
      return id;
    },
  },
  {
    state: "rejected",
    line: /^✗ {2}ship1 {2}rejected .*work\.nowhere/,
    code: 1,
    by: "ship1",
    log: /^commands ended: rejected/,
    reach: (world) => world.send("ship1.command.work.nowhere"),
  },
  {
    state: "interrupted",
    line: /^✗ {2}ship1 {2}interrupted .* the daemon ended while it ran/,
    code: 1,
    by: "ship1",
    log: /^commands ended: interrupted the daemon ended/,
    reach: async (world) => {
      const id = await world.send(WORK, { ms: 60_000 });
      await running(world, id);
      world.crash("ship1");
      await world.start("ship1");
      return id;
    },
  },
  {
    state: "expired",
    line: /^⊖ {2}ship1 {2}expired .* not delivered before its deadline: ship1 was away/,
    code: 3,
    by: "central",
    log: /^commands ended: expired not delivered/,
    reach: async (world) => {
      await world.stop("ship1");
      return await world.send(WORK, {}, { deliverBy: 5_000 });
    },
  },
  {
    state: "expired",
    line: /^⊖ {2}ship1 {2}expired .* its deadline passed while it waited on the node/,
    code: 3,
    by: "ship1",
    log: /^commands ended: expired its deadline passed/,
    reach: async (world) => {
      await world.send(WORK, { ms: 20_000 });
      return await world.send(WORK, {}, { deliverBy: 5_000 });
    },
  },
];

test.each(CASES)(
  "$state, said by $by, is told apart on the command line, in the API, the log and the metrics",
  async ({ state, line, code, by, log, reach }) => {
    const world = await settled(await createWorld());
    const id = await reach(world);
    await world.ended(id);
    const cli = await commandLine(world);

    const detail = JSON.parse((await cli("message", id, "--json")).out) as MessageDetail;
    expect(detail).toMatchObject({ id, state, final: true, outcome: { state } });
    expect(detail.history.at(-1)).toMatchObject({ state, by });
    expect(detail.history.map((said) => said.state)).toContain("queued");

    const followed = await cli("message", id, "--follow");
    expect(followed.err.trim()).toMatch(line);
    expect(followed.code).toBe(code);
    const shown = await cli("message", id);
    expect(shown.code).toBe(0);
    const [last = ""] = shown.out.slice(shown.out.indexOf("HISTORY")).trim().split("\n").slice(-1);
    if (!shown.out.includes("STDOUT")) expect(last).toContain(`says ${by}`);
    expect((await cli("messages", "--state", state)).out).toContain(id);

    expect(await world.count("central", "steward_outcomes_total", `"${state}"`)).toBe(1);
    const lines = world.lines("central").flatMap(({ fields, text }) => {
      const { id: about, reason = "" } = fields as { id?: string; reason?: string };
      return about === id ? [`${text} ${reason}`] : [];
    });
    expect(lines.join("\n")).toMatch(log);
    await world.allEnded();
    if (!world.isUp("ship1")) await world.start("ship1");
    await expectSound(world);
  },
);

test("unknown is told everywhere while it lasts, and a late outcome says that it was late", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(SHELL, ["sleep", "90000"], { deliverBy: 60_000 });
  await running(world, id);
  const cli = await commandLine(world);
  world.cut("ship1");
  await world.until(() => world.state(id) === "unknown", "it is unknown");
  await world.advance(5_000);

  expect(world.message(id)).toMatchObject({ state: "unknown", final: false });
  const followed = await cli("message", id, "--follow", "--wait", "20ms");
  expect(followed.code).toBe(3);
  expect(followed.err).toMatch(
    /\? {2}ship1 {2}unknown {2}offline since \d+ s; the command began on ship1; its outcome comes when ship1 is back\n/,
  );
  const shown = await cli("message", id);
  expect(shown.out).toMatch(/state {5}\? unknown, \d+ s ago \(not final\)/);
  expect(shown.out).toMatch(/ \? unknown, says central \(ship1 was offline \(no sign of life\)\)\n/);
  expect(await world.count("central", "steward_commands_open", "unknown")).toBe(1);
  const log = (): string[] => world.lines("central").map(({ text }) => text);
  expect(log()).toContain("ship1: what became of its commands is unknown");

  await world.advance(60_000);
  world.heal("ship1");
  await world.ended(id);
  expect(log()).toContain("ship1: its commands are no longer unknown");
  expect(await world.count("central", "steward_commands_open")).toBe(0);
  const { out } = await cli("message", id);
  expect(out).toContain("state       ✓ succeeded");
  expect(out).toMatch(
    /heard late {2}.*; its state had been unknown, and its deadline had passed, and it had started before/,
  );
  expect(out).toMatch(/ \? unknown, says central \(ship1 was offline \(no sign of life\), and back \d+ s later\)\n/);
  expect(world.message(id).history.map(({ state }) => state)).toEqual([
    "queued",
    "sent",
    "received",
    "running",
    "unknown",
    "succeeded",
  ]);
  await expectSound(world);
});

test("a program that takes its whole grace to end has timed out, and was not given up before", async () => {
  const world = await settled(
    await createWorld({
      nodes: { ship1: { shell: { grace: "60s" } } },
      programs: {
        stubborn: ({ ended, clock }) =>
          new Promise((resolve) => {
            ended.addEventListener("abort", () => void clock.setTimeout(() => resolve(0), 50_000));
          }),
      },
    }),
  );
  const id = await world.send(SHELL, ["stubborn"], { timeout: 5_000 });
  expect(await world.ended(id)).toMatchObject({ state: "timedOut", reason: "ended after 5 s, its timeout" });
  await expectSound(world);
});

test("a timeout that is longer than a timer can be does not end a command", async () => {
  const world = await settled(await createWorld());
  const id = await world.send(SHELL, ["sleep", "5000"], { timeout: 30 * 86_400_000 });
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  await expectSound(world);
});

test("a recorder that says nothing after the timeout leaves its command open, which is said, and its word counts when it comes", async () => {
  let speak: (code: number) => void = () => undefined;
  const silent = () =>
    new Promise<number>((resolve) => {
      speak = resolve;
    });
  const world = await settled(await createWorld({ programs: { silent } }));
  const id = await world.send(SHELL, ["silent"], { timeout: 5_000 });
  await world.advance(120_000);
  expect(world.message(id)).toMatchObject({ state: "running", final: false });
  expect(world.ledger.failures.filter(({ code }) => code === "command-waits")).toMatchObject([
    { text: expect.stringContaining("does not say how it ended") },
  ]);
  speak(0);
  expect(await world.ended(id)).toMatchObject({ state: "timedOut" });
  await expectSound(world);
});

test("what was sent and not answered says, after its deadline, that only the node can tell", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { in: { drop: 1 } });
  const id = await world.send(WORK, {}, { deliverBy: 5_000 });
  await world.advance(6_000);
  expect(world.message(id)).toMatchObject({ state: "sent", final: false });
  expect(world.reason(id)).toContain("its deadline has passed, and only ship1 can tell whether it began before");
  world.setFaults("ship1", {});
  expect(await world.ended(id)).toMatchObject({ state: "expired" });
  await expectSound(world);
});

test("a cancel has three answers, each told apart: done, too late, refused with its reason", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: { control: { from: [] } } } }));
  const { operations } = world.daemon("central");
  const cli = await commandLine(world);
  const said = async (id: string): Promise<string | undefined> =>
    /cancel +requested [^;]*; (.*)/.exec((await cli("message", id)).out)?.[1];
  const answered = (id: string): Promise<void> =>
    world.until(() => world.message(id).cancelAnswer !== undefined, "the node has answered");

  const long = await world.send(SHELL, ["stay"]);
  await running(world, long);
  expect(await world.drive(operations.cancel(long))).toMatchObject({ kind: "requested" });
  await answered(long);
  expect(await said(long)).toBe("ship1 says: done");
  expect(await world.ended(long)).toMatchObject({ state: "cancelled", cancelAnswer: { kind: "done" } });

  const short = await world.send(WORK, { ms: 1_000 });
  await running(world, short);
  // It ends on the node, and that cannot come home yet.
  world.setFaults("ship1", { out: { drop: 1 } });
  await world.advance(2_000);
  await world.drive(operations.cancel(short));
  expect(await said(short)).toBe("ship1 has not answered yet");
  await world.advance(2_000);
  world.setFaults("ship1", {});
  await answered(short);
  expect(await said(short)).toBe("ship1 says: too late, the command had ended");
  expect(await world.ended(short)).toMatchObject({ state: "succeeded", cancelAnswer: { kind: "tooLate" } });
  expect(await cli("cancel", short)).toMatchObject({
    code: 1,
    out: `${short} not cancelled: it is ✓ succeeded already\n`,
  });

  const guarded = await world.send("ship2.command.work.os", { ms: 10_000 });
  await running(world, guarded);
  await world.drive(operations.cancel(guarded));
  await answered(guarded);
  expect(await said(guarded)).toMatch(/^ship2 says: refused: .*central/);
  expect(await world.ended(guarded)).toMatchObject({ state: "succeeded", cancelAnswer: { kind: "refused" } });
  await expectSound(world);
});

test("nobody is told of a verdict that is not durable: a crash would take it back", async () => {
  const world = await settled(await createWorld());
  world.setFaults("ship1", { out: { delay: 500 } });
  const id = await world.send("ship1.command.work.other");
  world.setFlush("central", 1_000);
  await world.until(() => world.message(id).final, "the verdict has come");
  expect(world.finals.get(id)).toBeUndefined();
  let durable = false;
  const shown = world
    .daemon("central")
    .operations.durable()
    .then(() => {
      durable = true;
    });
  await world.advance(500);
  expect(durable).toBe(false);
  await world.drive(shown);
  expect(world.finals.get(id)).toEqual(["rejected"]);
  await expectSound(world);
});

test("who watches a node hears of the end of a command there once it is durable", async () => {
  const world = await settled(await createWorld());
  const id = await world.send("ship1.command.work.os", { ms: 1_000 });
  await world.until(() => world.state(id) === "running", "it runs");
  world.setFlush("ship1", 1_000);
  await world.advance(1_200);
  const ends = () => world.happenings("ship1", "message").filter((told) => told.id === id && isFinalState(told.state));
  expect(world.message(id, "ship1").state).toBe("succeeded");
  expect(ends()).toEqual([]);
  await world.ended(id);
  expect(ends().map(({ state }) => state)).toEqual(["succeeded"]);
  await expectSound(world);
});
