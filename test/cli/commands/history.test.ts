import { expect, test } from "vitest";
import { world } from "../world.ts";

const HOUR = 3_600_000;

test("node --history draws the link as a band that is read without colour, unknown times as such", async () => {
  const w = await world();
  const until = w.ops.clock.now();
  const from = until - 80 * HOUR;
  w.ops.historyNow = {
    ...{ asOf: until, from, until, keptSince: from + 20 * HOUR },
    unknown: [
      [from, from + 20 * HOUR],
      [from + 60 * HOUR, from + 70 * HOUR],
    ],
    nodes: [
      {
        name: "ship1",
        regions: {
          link: [
            [from - HOUR, "online", "hello"],
            [from + 30 * HOUR, "offline", "silence"],
            [from + 40 * HOUR, "online", "hello"],
            [from + 50 * HOUR + 60_000, "late", "no sign of life"],
            [from + 50 * HOUR + 120_000, "online", "hello"],
          ],
        },
      },
    ],
  };
  const { out } = await w.run(["node", "ship1", "--history", "80h"]);
  const lines = out.split("\n");
  expect(lines[1]).toBe(
    `${"?".repeat(20)}${"█".repeat(10)}${"_".repeat(10)}${"█".repeat(10)}~${"█".repeat(9)}${"?".repeat(10)}${"█".repeat(10)}`,
  );
  expect(out).toContain("_ 12.5 % offline");
  expect(out).toContain("? 37.5 % not known: the daemon here did not run");
  expect(out).toContain("offline for 10 h (silence)");
  expect(w.ops.callsOf("history").at(-1)?.args).toEqual([{ node: "ship1", since: from, until }]);
  expect(JSON.parse((await w.run(["node", "ship1", "--history", "80h", "--json"])).out)).toMatchObject({
    keptSince: from + 20 * HOUR,
  });
});
