import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { errorlog } from "../../src/methods/errorlog.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { tempDir } from "../harness/temp.ts";

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const { event } = errorlog({ received: () => undefined });
const noted = async (directory: string, origin: string): Promise<unknown> =>
  await event?.handle([{ id: "1", createdAt: 1, data: { at: 0, code: "dead-letter", text: "a\nb" } }], {
    ...{ node: "central", origin, domain: "steward", checkpoint: undefined, directory },
    ...{ clock: new SimulatedClock(), log: quiet },
  });

it("keeps the failures of a node in a file of its name, one line each, and follows no link there", async () => {
  const [root, outside] = [await tempDir(), join(await tempDir(), "victim")];
  const directory = join(root, "errorlog");
  await noted(directory, "ship1");
  expect(readFileSync(join(directory, "ship1.log"), "utf8")).toMatch(/^1970-01-01T.* steward dead-letter a b\n$/);
  writeFileSync(outside, "kept");
  symlinkSync(outside, join(directory, "ship2.log"));
  await expect(noted(directory, "ship2")).rejects.toThrow("it is a link");
  mkdirSync(join(directory, "ship3.log"));
  await expect(noted(directory, "ship3")).rejects.toThrow();
  await expect(noted(directory, "../ship1")).rejects.toThrow("it is a path");
  expect(readFileSync(outside, "utf8")).toBe("kept");
});
