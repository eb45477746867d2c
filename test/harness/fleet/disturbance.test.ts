import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { DisturbedStream } from "./disturbance.ts";

/** The faults of the proxy that no clock is needed for. */

const message = (n: number): string => {
  const payload = `message ${n} ${"x".repeat(n % 50)}`;
  return `PUB ship1.command.a.b _INBOX.${n} ${payload.length}\r\n${payload}\r\n`;
};
const lines = ["CONNECT {}\r\n", "PING\r\n", "SUB ship1.> 1\r\n"];
const text = [...lines, ...Array.from({ length: 400 }, (_, n) => message(n))].join("");
const numbers = (stream: string): number[] =>
  [...stream.matchAll(/PUB \S+ _INBOX\.(\d+) (\d+)\r\n/g)].map(([, n]) => Number(n));

/** Through the stream in pieces that care for nothing. */
function through(disturbance: { duplicate?: number; reorder?: number; flip?: number }) {
  const done = { duplicated: 0, reordered: 0, flipped: 0 };
  const stream = new DisturbedStream({ ...disturbance, random: seededRandom(7) }, done);
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 37) out.push(stream.take(bytes.subarray(at, at + 37)));
  out.push(stream.release());
  return { out: Buffer.concat(out).toString("latin1"), done };
}

describe("a disturbed stream", () => {
  it("passes everything as it came when no fault is asked for", () => {
    expect(through({}).out).toBe(text);
  });

  it("doubles the share that is asked for, and nothing else", () => {
    const { out, done } = through({ duplicate: 0.3 });
    expect(new Set(numbers(out)).size).toBe(400);
    expect(numbers(out).length).toBe(400 + done.duplicated);
    expect(done.duplicated).toBeGreaterThan(80);
    expect(done.duplicated).toBeLessThan(160);
  });

  it("lets later messages overtake, and loses none", () => {
    const { out, done } = through({ reorder: 0.5 });
    expect(numbers(out)).not.toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(numbers(out).sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(done.reordered).toBeGreaterThan(150);
  });

  it("flips one bit of a payload, never of the protocol", () => {
    const { out, done } = through({ flip: 0.1 });
    expect(numbers(out)).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(out.length).toBe(text.length);
    const different = [...out].filter((character, i) => character !== text[i]).length;
    expect(different).toBe(done.flipped);
    expect(done.flipped).toBeGreaterThan(10);
  });
});
