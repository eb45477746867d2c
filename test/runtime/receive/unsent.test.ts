import { expect, test } from "vitest";
import { idMaker } from "../../../src/message/id.ts";
import type { Json } from "../../../src/message/message.ts";
import { encodeFrame } from "../../harness/packets.ts";
import { seededRandom } from "../../harness/random.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { quiet } from "../../harness/world/time.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "ship1.command.work.os";
const REPLIES = "central.event.work.os";

/** Somebody at the broker who reports in the name of ship1. */
async function forger(world: World): Promise<(id: string, report: Json) => Promise<void>> {
  const link = world.broker.connect("forger");
  await quiet();
  const newId = idMaker(world.time, seededRandom(99));
  let first = 1;
  return async (inReplyTo, data) => {
    const now = world.time.now();
    const item = { id: newId(), createdAt: now, deliverBy: null, timeout: null, data, inReplyTo };
    const frame = { origin: "ship1", epoch: "forged", sentAt: now, first: first++, acked: 0, items: [item] };
    link.publish(REPLIES, encodeFrame(REPLIES, frame, null));
    await world.advance(100);
  };
}

test("a report on a command that was never sent is refused and told; the command runs when its node is there", async () => {
  const world = await createWorld({ sealed: false });
  await world.start("central");
  const id = await world.send(WORK, {}, { deliverBy: null });
  const report = await forger(world);
  const at = world.time.now();
  await report(id, { state: "succeeded", at, code: 0 });
  await report(id, { state: "running", at, startedAt: at });
  expect(world.message(id)).toMatchObject({ state: "queued", final: false, output: [] });
  expect(await world.count("central", "steward_refused_total", "report-unsent")).toBe(2);
  expect(world.lines("central").filter(({ fields }) => JSON.stringify(fields).includes("report-unsent"))).not.toEqual(
    [],
  );
  await world.start("ship1");
  expect(await world.ended(id)).toMatchObject({ state: "succeeded" });
  expect(world.ledger.runsOf(id)).toBe(1);
  await expectSound(world);
});

test("a report against the end of a command that was taken back before it was sent is an alert", async () => {
  const world = await createWorld({ sealed: false });
  await world.start("central");
  const id = await world.send(WORK, {}, { deliverBy: null });
  await world.drive(world.daemon("central").operations.cancel(id));
  const report = await forger(world);
  const forged = { state: "succeeded", at: world.time.now(), code: 0 };
  await report(id, forged);
  expect(world.state(id)).toBe("cancelled");
  await world.start("ship1");
  await world.drained();
  await report(id, forged);
  expect(world.alerts()).toContain("conflict");
});

test("an outcome that tells of output which is not here says that the output is lost", async () => {
  const world = await settled(await createWorld({ sealed: false }));
  world.freeze("ship1");
  const id = await world.send(WORK, {}, { deliverBy: null });
  await world.until(() => world.state(id) === "sent", "it is sent");
  const report = await forger(world);
  const totals = { stdout: { bytes: 8, kept: 8 }, stderr: { bytes: 2, kept: 2 } };
  const output = [{ stream: "stderr", offset: 0, text: "ok" }];
  await report(id, { state: "succeeded", at: world.time.now(), code: 0, totals, output });
  expect(world.message(id)).toMatchObject({
    state: "succeeded",
    reason: "output lost: 8 B of stdout never came to this journal",
  });
});
