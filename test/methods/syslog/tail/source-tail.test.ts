import { appendFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../../src/message/clock.ts";
import type { RunningSource } from "../../../../src/methods/define.ts";
import { tailSource } from "../../../../src/methods/syslog/tail/source-tail.ts";
import { systemClock } from "../../../../src/platform/system-clock.ts";
import { SimulatedClock } from "../../../harness/clock.ts";
import { gate, RecordingContext, temporaryDirectories } from "../harness.ts";

const directory = temporaryDirectories();
const running: RunningSource[] = [];
afterEach(async () => {
  for (const source of running.splice(0)) await source.stop();
});

async function follow(path: string, context = new RecordingContext()) {
  const source = await tailSource.start(path, context);
  running.push(source);
  return { source, context };
}

/** Advances a simulated clock until `condition` holds; disk work takes real time in between. */
async function advanceUntil(clock: SimulatedClock, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000 && !condition(); i++) await clock.advance(500);
  expect(condition()).toBe(true);
}

describe("the setting", () => {
  it.each([[""], [7], ["relative/access.log"], ["/var/log/"], ["/var/\0log"], ["/var/log/*.log"]])(
    "%j is refused",
    (setting) => {
      expect(() => tailSource.check(setting)).toThrow(/^tail: /);
    },
  );
});

describe("a followed file", () => {
  it("is followed from where it ended when the source had started", async () => {
    const path = join(await directory(), "a.log");
    await writeFile(path, "old\n");
    const { context } = await follow(path);
    await appendFile(path, "new\n");
    await context.until(() => context.lines.length === 1);
    expect(context.texts).toEqual(["new"]);
  });

  it("is followed by the poll alone, where the system sends no notice", async () => {
    const real = await directory();
    await mkdir(join(real, "later"));
    const path = join(real, "missing", "a.log");
    const clock = new SimulatedClock();
    const { context } = await follow(path, new RecordingContext({ clock }));
    expect(context.said.at(-1)?.text).toContain("does not exist; waiting for it");
    await rename(join(real, "later"), join(real, "missing"));
    await writeFile(path, "first\n");
    await advanceUntil(clock, () => context.lines.length === 1);
    expect(context.texts).toEqual(["first"]);
  });

  it("keeps its lines through rotation while it is written", async () => {
    const path = join(await directory(), "a.log");
    const { context } = await follow(path);
    for (let i = 0; i < 200; i++) {
      await appendFile(path, `${i}\n`);
      if (i % 50 === 49) await rename(path, `${path}.${9 - Math.floor(i / 50)}`);
    }
    await context.until(() => context.lines.length >= 200);
    expect(context.texts.map(Number)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it("is read on only when what was read is durable", async () => {
    const path = join(await directory(), "a.log");
    const { context } = await follow(path);
    const held = gate();
    context.gate = held.closed;
    await writeFile(path, "x\n".repeat(2_000));
    let emits = 0;
    const emit = context.emit.bind(context);
    context.emit = (data, checkpoint) => {
      emits++;
      return emit(data, checkpoint);
    };
    await appendFile(path, "y\n");
    while (emits === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(emits).toBe(1);
    held.open();
    await context.until(() => context.lines.length === 2_001);
    expect(emits).toBeGreaterThanOrEqual(5);
  });

  it("that cannot be read is warned about once, with what to do, and followed when it can", async () => {
    const path = join(await directory(), "a.log");
    await mkdir(path);
    const clock = new SimulatedClock();
    const { context } = await follow(path, new RecordingContext({ clock }));
    await clock.advance(120_000);
    const warnings = context.said.filter(({ level }) => level === "warn");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.text).toContain("it is a directory: name one file");
    await rm(path, { recursive: true });
    await advanceUntil(clock, () => context.said.at(-1)?.text.includes("does not exist") === true);
    await writeFile(path, "first\n");
    await advanceUntil(clock, () => context.lines.length === 1);
  });

  it("that is absent while it is rotated blocks nothing, and that stays away is told once", async () => {
    const path = join(await directory(), "a.log");
    await writeFile(path, "");
    const clock = new SimulatedClock();
    const { context } = await follow(path, new RecordingContext({ clock }));
    await advanceUntil(clock, () => context.faults.length > 0);
    expect(context.faults).toEqual([undefined]);
    await rename(path, `${path}.1`);
    await advanceUntil(clock, () => context.said.at(-1)?.text.includes("does not exist") === true);
    expect(context.faults).toEqual([undefined]);
    await advanceUntil(clock, () => context.alerts.length > 0);
    expect(context.faults).toEqual([undefined, `${path} does not exist`]);
    await clock.advance(60_000);
    expect(context.alerts.map(({ code }) => code)).toEqual(["log-absent"]);
    await writeFile(path, "");
    await advanceUntil(clock, () => context.faults.at(-1) === undefined);
  });

  it("is looked at less and less often while it cannot be read", async () => {
    const path = join(await directory(), "a.log");
    await mkdir(path);
    const delays: number[] = [];
    const fires: (() => void)[] = [];
    const clock: Clock = {
      ...systemClock,
      setTimeout: (fn, ms) => {
        delays.push(ms);
        fires.push(fn);
        return ms;
      },
      clearTimeout: () => undefined,
    };
    await follow(path, new RecordingContext({ clock }));
    while (delays.at(-1) !== 30_000) {
      const fire = fires.shift();
      if (fire !== undefined) fire();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([...delays].sort((a, b) => a - b)).toEqual(delays);
  });

  it("fails when an event cannot be kept, and goes on after the last durable line when it is started again", async () => {
    const path = join(await directory(), "a.log");
    const { context, source } = await follow(path);
    await writeFile(path, "one\n");
    await context.until(() => context.lines.length === 1);
    context.broken = new Error("the journal is gone");
    await appendFile(path, "two\n");
    await context.until(() => context.failures.length === 1);
    expect(context.failures[0]?.message).toBe("the journal is gone");
    await source.stop();
    const again = await follow(path, new RecordingContext({ checkpoint: context.checkpoint }));
    await again.context.until(() => again.context.lines.length === 1);
    expect(again.context.texts).toEqual(["two"]);
  });

  it("is let go when the source is stopped: no timer stays, and what is on its way is waited for", async () => {
    const path = join(await directory(), "a.log");
    const clock = new SimulatedClock();
    const { context, source } = await follow(path, new RecordingContext({ clock }));
    const held = gate();
    context.gate = held.closed;
    await writeFile(path, "one\n");
    for (let i = 0; i < 50; i++) await clock.advance(100);
    const stopped = source.stop();
    held.open();
    await stopped;
    expect(context.texts.length).toBeLessThanOrEqual(1);
    expect(clock.armed).toBe(0);
  });
});
