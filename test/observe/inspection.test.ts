import { expect, test } from "vitest";
import { setup } from "xstate";
import { startRoot } from "../../src/actors/root.ts";
import type { Happening } from "../../src/message/happening.ts";
import { Happenings } from "../../src/observe/happenings.ts";
import { inspector } from "../../src/observe/inspection.ts";
import { RecentTransitions } from "../../src/observe/recent-transitions.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { listLog } from "../harness/list-log.ts";

const machine = setup({ types: { events: {} as { type: "GO"; cause?: string } | { type: "BREAK" } } }).createMachine({
  initial: "idle",
  states: {
    idle: {
      on: {
        GO: "working",
        BREAK: {
          actions: () => {
            throw new Error("boom");
          },
        },
      },
    },
    working: {
      on: {
        GO: "idle",
        BREAK: {
          actions: () => {
            throw new Error("boom");
          },
        },
      },
    },
  },
});

function inspected(role: string) {
  const log = listLog();
  const happenings = new Happenings(log);
  const seen: Happening[] = [];
  const clock = new SimulatedClock();
  const recent = new RecentTransitions();
  const leave = happenings.subscribe((happening) => seen.push(happening));
  const actor = startRoot(machine, {
    actor: "ship1",
    role,
    clock,
    inspector: inspector(log, happenings, clock, recent),
    input: undefined as never,
  });
  return { log, seen, clock, actor, leave, recent };
}

test("each transition of a real actor is one line and one happening, with its cause", () => {
  const { log, seen, clock, actor } = inspected("publisher");
  actor.send({ type: "GO", cause: "a message" });
  actor.stop();
  const fields = { actor: "ship1", role: "publisher", event: "GO", from: "idle", to: "working", cause: "a message" };
  expect(log.lines.map((line) => line.fields)).toContainEqual(fields);
  expect(log.lines.filter((line) => (line.fields as { to?: string }).to === "working")).toHaveLength(1);
  expect(log.lines.at(-1)).toMatchObject({ level: "info", text: "ship1 idle -> working" });
  expect(seen).toContainEqual({ type: "transition", at: clock.now(), ...fields });
});

test.each([
  ["node", "info"],
  ["subscriber", "info"],
  ["source", "info"],
  ["link", "info"],
  ["supervisor", "info"],
  ["message", "debug"],
  ["whatever", "debug"],
])("a transition of a %s is logged at %s", (role, level) => {
  const { log, actor } = inspected(role);
  actor.send({ type: "GO" });
  actor.stop();
  expect(new Set(log.lines.map((line) => line.level))).toEqual(new Set([level]));
});

test("an actor that throws is an error line and a happening, and nobody else falls", () => {
  const { log, seen, actor } = inspected("node");
  actor.send({ type: "BREAK" });
  expect(log.lines.at(-1)).toMatchObject({
    level: "error",
    fields: { actor: "ship1", role: "node", err: { message: "boom" } },
  });
  expect(seen.at(-1)).toMatchObject({ type: "transition", to: "failed", cause: "boom" });
});

test("without listeners transitions are only logged", () => {
  const { log, seen, actor, leave } = inspected("node");
  leave();
  const before = seen.length;
  actor.send({ type: "GO" });
  actor.stop();
  expect(seen).toHaveLength(before);
  expect(log.lines.at(-1)?.text).toBe("ship1 idle -> working");
});

test("what a publisher does again and again is one line an hour; who goes out of reach is a warning", async () => {
  const log = listLog();
  const clock = new SimulatedClock();
  const { transition } = inspector(log, new Happenings(log), clock, new RecentTransitions());
  const seen = (level: string) => log.lines.filter((line) => line.level === level).length;
  const change = { actor: "ship9.command.m.d", role: "publisher", cause: "never seen" };
  for (let n = 0; n < 100; n++) {
    transition({ ...change, event: "xstate.after.backoff.publisher.backingOff", from: "backingOff", to: "working" });
    transition({ ...change, event: "SILENT", from: "working", to: "backingOff" });
  }
  expect([seen("info"), seen("debug")]).toEqual([2, 198]);
  expect(JSON.stringify(log.lines)).not.toContain("xstate");
  expect(log.lines[0]).toMatchObject({ fields: { event: "timer" } });
  await clock.advance(3_600_000);
  transition({ ...change, event: "SILENT", from: "working", to: "backingOff" });
  expect(seen("info")).toBe(3);
  transition({ actor: "ship1", role: "node", event: "silent", from: "link.late", to: "link.offline", cause: "" });
  transition({ actor: "broker", role: "link", event: "denied", from: "connected", to: "denied", cause: "" });
  expect(seen("warn")).toBe(2);
});

test("the last transitions are remembered, whether somebody watches or not, and no more than a bound of them", () => {
  const { actor, clock, recent, leave } = inspected("publisher");
  leave();
  actor.send({ type: "GO", cause: "first" });
  const fields = { actor: "ship1", role: "publisher", event: "GO" };
  const isOf = ({ role }: { role: string }): boolean => role === "publisher";
  expect(recent.last(10, isOf).at(-1)).toEqual({
    at: clock.now(),
    ...fields,
    from: "idle",
    to: "working",
    cause: "first",
  });
  expect(recent.last(10, () => false)).toEqual([]);
  for (let i = 1; i <= 10_000; i++) actor.send({ type: "GO", cause: `number ${i}` });
  expect(recent.last(2, isOf).map(({ cause }) => cause)).toEqual(["number 9999", "number 10000"]);
  const kept = recent.last(100_000, isOf).length;
  expect(kept).toBeGreaterThanOrEqual(2_000);
  expect(kept).toBeLessThan(4_001);
  actor.stop();
});
