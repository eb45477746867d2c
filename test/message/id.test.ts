import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Random } from "../../src/message/clock.ts";
import { idMaker, idTime, isId } from "../../src/message/id.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { seededRandom } from "../harness/random.ts";

const constant = (byte: number): Random => ({ next: () => 0, bytes: (length) => new Uint8Array(length).fill(byte) });

describe("ids", () => {
  it("sort in the order in which they were made, whatever the clock does", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.integer({ min: -5_000, max: 5_000 }), { maxLength: 100 }),
        (seed, jumps) => {
          const clock = new SimulatedClock();
          const newId = idMaker(clock, seededRandom(seed));
          const ids = [newId()];
          for (const jump of jumps) {
            clock.jump(jump);
            ids.push(newId());
          }
          expect([...ids].sort()).toEqual(ids);
          expect(new Set(ids).size).toBe(ids.length);
          expect(ids.every(isId)).toBe(true);
        },
      ),
    );
  });

  it("tell when they were made", () => {
    const clock = new SimulatedClock(Date.UTC(2031, 4, 6, 7, 8, 9, 10));
    const id = idMaker(clock, seededRandom(1))();
    expect(idTime(id)).toBe(Date.UTC(2031, 4, 6, 7, 8, 9, 10));
    expect(idTime(idMaker(new SimulatedClock(0), seededRandom(1))())).toBe(0);
    expect(idTime(idMaker(new SimulatedClock(2 ** 48 - 1), seededRandom(1))())).toBe(2 ** 48 - 1);
  });

  it("keep the latest time that was seen when the clock goes back", () => {
    const clock = new SimulatedClock();
    const newId = idMaker(clock, seededRandom(7));
    const time = idTime(newId());
    clock.jump(-86_400_000);
    expect(idTime(newId())).toBe(time);
    clock.jump(86_400_001);
    expect(idTime(newId())).toBe(time + 1);
  });

  it("go on in order when all numbers of a millisecond are used up", () => {
    const newId = idMaker(new SimulatedClock(), constant(31));
    const ids = Array.from({ length: 5 }, () => newId());
    expect(ids[0]?.slice(10)).toBe("Z".repeat(16));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(5);
    expect(idTime(ids[1] ?? "")).toBe(idTime(ids[0] ?? "") + 1);
  });

  it("of two makers do not meet in one millisecond", () => {
    const clock = new SimulatedClock();
    const makers = Array.from({ length: 200 }, (_, seed) => idMaker(clock, seededRandom(seed)));
    const ids = makers.flatMap((newId) => [newId(), newId(), newId()]);
    expect(new Set(ids).size).toBe(600);
  });

  it("are told from everything else", () => {
    const id = idMaker(new SimulatedClock(), seededRandom(3))();
    expect(isId(id)).toBe(true);
    for (const other of [
      "",
      id.slice(1),
      `${id}0`,
      id.toLowerCase(),
      `8${id.slice(1)}`,
      `${id.slice(0, 25)}U`,
      `${id.slice(0, 25)}/`,
      `${id}\n`,
    ]) {
      expect(isId(other)).toBe(false);
    }
    for (const other of [undefined, null, 7, {}, [id]]) expect(isId(other)).toBe(false);
  });
});
