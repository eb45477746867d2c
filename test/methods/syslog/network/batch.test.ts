import { describe, expect, it } from "vitest";
import { Losses } from "../../../../src/methods/syslog/losses.ts";
import { Batcher } from "../../../../src/methods/syslog/network/batch.ts";
import type { LogRecord } from "../../../../src/methods/syslog/record.ts";
import { SimulatedClock, settle } from "../../../harness/clock.ts";
import { gate } from "../harness.ts";

function batcher() {
  const clock = new SimulatedClock();
  const events: (readonly LogRecord[])[] = [];
  const failed: { error: unknown; lost: number }[] = [];
  const state = { gate: Promise.resolve(), broken: false, drained: 0 };
  const made = new Batcher({
    clock,
    emit: async (lines) => {
      await state.gate;
      if (state.broken) throw new Error("no journal");
      events.push(lines);
    },
    drained: () => {
      state.drained++;
    },
    failed: (error, lost) => failed.push({ error, lost }),
  });
  return { made, clock, events, failed, state };
}

const line = (text: string): LogRecord => ({ text });

describe("a batcher", () => {
  it("sends a line at once when nothing is on its way, together with those of the same turn", async () => {
    const { made, events } = batcher();
    made.push(line("a"));
    made.push(line("b"));
    await settle();
    expect(events).toEqual([[line("a"), line("b")]]);
    expect(made.held).toBe(0);
  });

  it("gathers what comes while an event is on its way", async () => {
    const { made, events, state } = batcher();
    const slow = gate();
    state.gate = slow.closed;
    made.push(line("a"));
    await settle();
    made.push(line("b"));
    await settle();
    made.push(line("c"));
    expect(events).toEqual([]);
    expect(made.held).toBeGreaterThan(0);
    slow.open();
    await settle();
    expect(events).toEqual([[line("a")], [line("b"), line("c")]]);
    expect(state.drained).toBe(2);
  });

  it("puts at most 500 lines or 64 KB into an event, and a larger line into one of its own", async () => {
    const { made, events } = batcher();
    for (let i = 0; i < 1_200; i++) made.push(line(String(i)));
    await settle();
    expect(events.map((e) => e.length)).toEqual([500, 500, 200]);
    events.length = 0;
    const big = "x".repeat(30_000);
    made.push(line("\0".repeat(30_000)));
    for (let i = 0; i < 5; i++) made.push(line(big));
    await settle();
    expect(events.map((e) => e.length)).toEqual([1, 2, 2, 1]);
  });

  it("says how many lines are lost when an event cannot be kept, and takes nothing more", async () => {
    const { made, failed, state } = batcher();
    state.broken = true;
    made.push(line("a"));
    made.push(line("b"));
    await settle();
    expect(failed).toEqual([{ error: new Error("no journal"), lost: 2 }]);
    expect(made.push(line("c"))).toBe(false);
    expect(await made.close(1_000)).toBe(0);
  });

  it("hands over what it holds when it is closed, and reports what is not durable after the grace", async () => {
    const quick = batcher();
    quick.made.push(line("a"));
    expect(await quick.made.close(1_000)).toBe(0);
    expect(quick.events).toEqual([[line("a")]]);
    expect(quick.clock.armed).toBe(0);

    const { made, clock, state } = batcher();
    state.gate = gate().closed;
    made.push(line("a"));
    await settle();
    made.push(line("b"));
    const closed = made.close(1_000);
    await clock.advance(1_000);
    expect(await closed).toBe(2);
  });
});

describe("losses", () => {
  it("are reported at once, then as one sum a second, and to the last when closed", async () => {
    const clock = new SimulatedClock();
    const reports: [string, number][] = [];
    const losses = new Losses({ clock, dropped: (reason, count) => void reports.push([reason, count]) });
    for (let i = 0; i < 100; i++) losses.add("queue-full", 1);
    losses.add("not-utf8", 0);
    expect(reports).toEqual([["queue-full", 1]]);
    await clock.advance(1_000);
    expect(reports).toEqual([
      ["queue-full", 1],
      ["queue-full", 99],
    ]);
    losses.add("queue-full", 5);
    losses.close();
    expect(reports.at(-1)).toEqual(["queue-full", 5]);
    expect(clock.armed).toBe(0);
  });
});
