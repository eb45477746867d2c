import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { ledgerOf } from "./scene/ledger.ts";

/** What the files of a data directory hold. */
type Image = ReadonlyMap<string, Uint8Array>;

async function imageOf({ data }: TestNode): Promise<Image> {
  const image = new Map<string, Uint8Array>();
  for (const file of await filesIn(data)) image.set(file, await readFile(join(data, file)));
  return image;
}

/** Puts it into the very files that are there, as a disk that is rolled back has them. */
async function putBack(image: Image, { data }: TestNode): Promise<void> {
  for (const file of await filesIn(data)) if (!image.has(file)) await rm(join(data, file));
  for (const [file, content] of image) {
    await mkdir(dirname(join(data, file)), { recursive: true });
    await writeFile(join(data, file), content);
  }
}

/** Without what belongs to a living daemon. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".lock"))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

test("a data directory that is put back into its own files: what waited in it, and ran since, does not run again", {
  timeout: 60_000,
}, async () => {
  const subscribe = [{ subject: "command.shellcommand.ordered", from: ["central"], concurrency: 1 }];
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe } } } });
  const ship1 = fleet.node("ship1");
  const ledger = ledgerOf(fleet);
  const after = `while [ ! -e ${fleet.file("gate")} ]; do sleep 0.05; done`;
  const drafts = [
    ledger.draft("ship1", { domain: "ordered", after }),
    ledger.draft("ship1", { domain: "ordered" }),
    ledger.draft("ship1", { domain: "ordered" }),
  ];
  const [first = "", ...waiting] = (await fleet.central.api.submit(drafts)).map(({ id }) => id);
  await eventuallySeen("the first of them runs", async () => (await ledger.ran()).includes(first));
  for (const id of waiting) await fleet.central.message(id, "received");
  await ship1.killWithRunner();
  const image = await imageOf(ship1);
  await ship1.start();
  for (const id of waiting) await fleet.central.message(id, "succeeded");
  await ship1.killWithRunner();
  await putBack(image, ship1);
  await ship1.start();
  for (const id of waiting) await ship1.message(id, "interrupted");
  const [next = ""] = (await fleet.central.api.submit([ledger.draft("ship1", { domain: "ordered" })])).map(
    ({ id }) => id,
  );
  await fleet.central.message(next, "succeeded");
  expect(await ledger.ran()).toEqual([first, ...waiting, next]);
  for (const id of waiting) expect((await fleet.central.api.message(id)).state).toBe("succeeded");
});
