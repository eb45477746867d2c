import { appendFile, readFile, writeFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import { startFleet } from "../../harness/fleet/fleet.ts";
import { check } from "./checker.ts";
import { ledgerOf } from "./ledger.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const subscribe = [{ subject: "command.shellcommand.ordered", from: ["central"], concurrency: 1 }];
const STRANGER = "01J00000000000000000000000";

it("the check finds what it is there to find: a second run, a lost command, a run that nobody knows, a wrong order", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe } } } });
  const ledger = ledgerOf(fleet);
  const drafts = Array.from({ length: 3 }, () => ledger.draft("ship1", { domain: "ordered" }));
  const accepted = (await fleet.central.api.submit(drafts)).map(({ id }) => id);
  const sound = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
  expect(sound).toEqual({ commands: 3, ok: 3, lost: 0, doubled: 0, disordered: 0, unknown: 0, breaches: [] });

  const file = fleet.file("ledger");
  const [first = "", second = "", third = ""] = (await readFile(file, "utf8")).split("\n");
  await writeFile(file, `${second}\n${first}\n${third}\n`);
  await appendFile(file, `${third}\n${STRANGER} ran\n`);
  const lost = "01J00000000000000000000001";
  const found = await check({ fleet, ledger, accepted: [...accepted, lost], ordered: ["ordered"] });
  expect(found).toMatchObject({ lost: 2, doubled: 1, disordered: 2 });
  expect(found.breaches.map((breach) => breach.slice(0, 2)).sort()).toEqual(["I1", "I2", "I3", "I6", "I6"]);

  // A command that is said to have succeeded and left no line.
  await writeFile(file, `${first}\n${second}\n`);
  const forged = await check({ fleet, ledger, accepted });
  expect(forged).toMatchObject({ lost: 1, doubled: 0 });
  expect(forged.breaches).toEqual([expect.stringMatching(/^I3: .* succeeded and is not in the ledger$/)]);
});
