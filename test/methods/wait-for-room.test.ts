import { describe, expect, it } from "vitest";
import type { EventContext } from "../../src/methods/define.ts";
import { waitForRoom } from "../../src/methods/wait-for-room.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { RecordingContext } from "./syslog/harness.ts";

const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });

function inContext() {
  const clock = new SimulatedClock();
  const stopping = new AbortController();
  const recorder = new RecordingContext();
  const context: EventContext = {
    node: "central",
    origin: "ship1",
    domain: "nginx",
    directory: "/logs",
    checkpoint: undefined,
    clock,
    stopping: stopping.signal,
    log: recorder.log,
  };
  return { clock, stopping, context, said: recorder.said };
}

describe("a disk that takes nothing", () => {
  it("makes the batch wait until it does, and says so once", async () => {
    const { clock, context, said } = inContext();
    let attempts = 0;
    const stored = waitForRoom(context, "/logs", async () => {
      if (attempts++ < 5) throw full;
      return "stored";
    });
    await clock.advance(60_000);
    expect(await stored).toBe("stored");
    expect(attempts).toBe(6);
    expect(said.map(({ level }) => level)).toEqual(["error", "info"]);
    expect(clock.armed).toBe(0);
  });

  it("ends the waiting when the process is to stop", async () => {
    const { clock, stopping, context } = inContext();
    const waiting = waitForRoom(context, "/logs", () => Promise.reject(full));
    const ended = expect(waiting).rejects.toThrow("no space");
    await clock.advance(1_500);
    stopping.abort();
    await ended;
    expect(clock.armed).toBe(0);
  });
});
