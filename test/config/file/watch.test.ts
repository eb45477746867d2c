import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ConfigWatch, signOfPart } from "../../../src/config/file/watch.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { atTestEnd, tempDir } from "../../harness/temp.ts";
import { configOf, minimal } from "../samples.ts";

const SUBSCRIBE = "subscribe:\n- subject: command.a.b\n- subject: command.c.d\n";

/** A file that is watched; `answers` are what the looks at it say, then always that it was dealt with. */
async function watched(answers: boolean[] = []) {
  const file = join(await tempDir(), "steward.yaml");
  writeFileSync(file, "as it was\n");
  const clock = new SimulatedClock();
  const looks: boolean[] = [];
  const watch = new ConfigWatch({
    file,
    clock,
    changed: async (sure) => {
      looks.push(sure);
      return answers.shift() ?? true;
    },
  });
  atTestEnd(
    async () => watch.end(),
    () => undefined,
  );
  return { file, clock, looks };
}

it("tells of a change once the file has stood still, and once", async () => {
  const { file, clock, looks } = await watched();
  await clock.advance(60_000);
  expect(looks).toEqual([]);
  for (let piece = 1; piece < 6; piece++) {
    writeFileSync(file, "x\n".repeat(piece));
    await clock.advance(2_500);
  }
  expect(looks).toEqual([]);
  await clock.advance(60_000);
  expect(looks).toEqual([false]);
});

it("tells of a change that may be a part again when it is the same half a minute later", async () => {
  const { file, clock, looks } = await watched([false]);
  writeFileSync(file, "half\n");
  await clock.advance(20_000);
  expect(looks).toEqual([false]);
  await clock.advance(20_000);
  expect(looks).toEqual([false, true]);
  await clock.advance(120_000);
  expect(looks).toHaveLength(2);
});

it("begins anew with each change: a part is told as a first look again", async () => {
  const { file, clock, looks } = await watched([false]);
  writeFileSync(file, "half\n");
  await clock.advance(20_000);
  writeFileSync(file, "half and the rest\n");
  await clock.advance(60_000);
  expect(looks).toEqual([false, false]);
});

it("says nothing of a file that is gone, nor of one that is as it was", async () => {
  const { file, clock, looks } = await watched();
  rmSync(file);
  await clock.advance(60_000);
  expect(looks).toEqual([]);
  writeFileSync(file, "anew\n");
  await clock.advance(10_000);
  expect(looks).toEqual([false]);
});

it.each([
  ["all subscriptions gone", SUBSCRIBE, "subscribe:\n", "has lost all of 2 subscriptions"],
  ["one of two gone", SUBSCRIBE, "subscribe:\n- subject: command.a.b\n", "has lost 1 of 2 subscriptions"],
  ["a section gone", "limits: {nodes: 5}\n", "", "has lost `limits:`"],
  ["cut in a number", SUBSCRIBE, `${SUBSCRIBE}  concurrency: 1`, "ends without a line break"],
  ["one more", "", SUBSCRIBE, undefined],
  ["another value", "limits: {nodes: 5}\n", "limits: {nodes: 6}", undefined],
])("a file with %s may be a part of a longer one, or not", (_, before, after, sign) => {
  const [old, now] = [minimal(before), minimal(after)];
  expect(signOfPart(configOf(old), configOf(now), now)).toBe(sign);
});
