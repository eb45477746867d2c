import { describe, expect, it } from "vitest";
import { Pace } from "../../../src/runtime/deliver/flow/pace.ts";

const KB = 1024;
const LAN = 4 * KB * KB;
const GSM = 128 * KB;

/** A line of `rate` bytes per second and `there` ms there and back, over which frames go as a pace allows, for so many seconds. */
function played(
  pace: Pace,
  {
    rate,
    there,
    most,
    seconds,
    lost = () => 0,
  }: {
    rate: number;
    there: number;
    most: number;
    seconds: number;
    lost?: (frame: number) => number;
  },
) {
  const under: { bytes: number; sentAt: number; ahead: number; ackAt: number }[] = [];
  const waits: number[] = [];
  let [now, free, used, arrived] = [0, 0, 0, 0];
  for (let frame = 0; now < seconds * 1_000; frame++) {
    const bytes = pace.frame(256 * KB, most);
    while (under.length > 0 && used + bytes > pace.bytes(most)) {
      const first = under.shift();
      if (first === undefined) break;
      now = Math.max(now, first.ackAt);
      used -= first.bytes;
      arrived += first.bytes;
      pace.acknowledged(first.ahead, now - first.sentAt, now, most);
    }
    used += bytes;
    waits.push(Math.max(0, free - now));
    free = Math.max(free, now) + (bytes / rate) * 1_000 + lost(frame);
    under.push({ bytes, sentAt: now, ahead: used, ackAt: free + there });
  }
  const late = waits.slice(Math.floor(waits.length / 4));
  return {
    share: arrived / seconds / rate,
    longest: Math.max(...late),
    mean: late.reduce((a, b) => a + b, 0) / late.length,
  };
}

describe("the pace to a node", () => {
  it("allows a fast line all that its kind of link allows, after a few frames", () => {
    const pace = new Pace();
    expect(pace.bytes(LAN)).toBeLessThanOrEqual(LAN / 8);
    const { share } = played(pace, { rate: 100e6, there: 1, most: LAN, seconds: 3 });
    expect(pace.bytes(LAN)).toBe(LAN);
    expect(share).toBeGreaterThan(0.9);
  });

  it.each([
    ["64 kbit/s and 600 ms", 8_000, 600],
    ["64 kbit/s and 1,500 ms", 8_000, 1_500],
    ["1 Mbit/s and 600 ms", 125_000, 600],
  ])("keeps a line of %s full, and little waiting in it", (_line, rate, there) => {
    const { share, mean } = played(new Pace(), { rate, there, most: GSM, seconds: 300 });
    expect(share).toBeGreaterThan(0.7);
    expect(mean).toBeLessThan(2_000);
  });

  it("is not put off by single frames that were lost and sent again", () => {
    const lost = (frame: number): number => (frame % 8 === 7 ? 800 : 0);
    const { share } = played(new Pace(), { rate: 8_000, there: 600, most: GSM, seconds: 300, lost });
    expect(share).toBeGreaterThan(0.7);
  });

  it("learns nothing from a line that is not full, and allows more again when the line is faster", () => {
    const pace = new Pace();
    played(pace, { rate: 8_000, there: 600, most: GSM, seconds: 120 });
    const slow = pace.bytes(GSM);
    expect(slow).toBeLessThan(40 * KB);
    for (let n = 0; n < 100; n++) pace.acknowledged(200, 5_000, 200_000 + n, GSM);
    expect(pace.bytes(GSM)).toBe(slow);
    played(pace, { rate: 1e6, there: 100, most: GSM, seconds: 10 });
    expect(pace.bytes(GSM)).toBe(GSM);
  });

  it("always allows something", () => {
    const pace = new Pace();
    for (let n = 0; n < 100; n++) pace.acknowledged(GSM, 3_600_000, n, GSM);
    expect(pace.bytes(GSM)).toBeGreaterThanOrEqual(4 * KB);
    expect(pace.frame(32 * KB, GSM)).toBeGreaterThanOrEqual(2 * KB);
  });
});
