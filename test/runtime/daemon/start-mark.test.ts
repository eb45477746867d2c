import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { markStart } from "../../../src/runtime/daemon/start-mark.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { listLog } from "../../harness/list-log.ts";
import { tempDir } from "../../harness/temp.ts";

/** Starts of a daemon in one directory; `said`: what each of them says, and that it was written out before it went on. */
async function scene() {
  const directory = await tempDir();
  const clock = new SimulatedClock();
  const start = () => {
    const log = listLog();
    let flushed = 0;
    const flushNow = (): void => {
      flushed = log.lines.length;
    };
    const { settled } = markStart(directory, clock, { ...log, flushNow });
    expect(flushed).toBe(log.lines.length);
    return { settled, said: log.lines.map(({ text }) => text) };
  };
  return { directory, clock, start, marked: () => readdirSync(directory).length > 0 };
}

const DIED = "the last daemon died within 10 s of its start without a word";

describe("a daemon that dies in its first seconds", () => {
  it("is told of by the next one, and how many they are in a row", async () => {
    const { start } = await scene();
    expect(start().said).toEqual([]);
    expect(start().said).toEqual([expect.stringMatching(new RegExp(`^${DIED}: if nobody .*\\bsteward doctor\\b`))]);
    expect(start().said).toEqual([expect.stringContaining(`${DIED}, 2 times in a row: `)]);
  });

  it("is none that ended with a word, or lived on", async () => {
    const { start, clock, marked } = await scene();
    start().settled();
    expect(marked()).toBe(false);
    expect(start().said).toEqual([]);
    expect(marked()).toBe(true);
    await clock.advance(10_000);
    expect(marked()).toBe(false);
    expect(start().said).toEqual([]);
  });

  it("leaves no timer when it ends", async () => {
    const { start, clock } = await scene();
    start().settled();
    expect(clock.armed).toBe(0);
  });

  it.each(["", "{}", '{"deaths":-1}', "null"])("counts as one when its mark says %j", async (text) => {
    const { start, directory } = await scene();
    writeFileSync(join(directory, "starting.json"), text);
    expect(start().said).toEqual([expect.stringContaining(`${DIED}: `)]);
  });

  it("never keeps one from starting for want of a place for the mark", async () => {
    const { settled } = markStart("/proc/none", new SimulatedClock(), { ...listLog(), flushNow: () => undefined });
    settled();
    expect(existsSync("/proc/none")).toBe(false);
  });
});
