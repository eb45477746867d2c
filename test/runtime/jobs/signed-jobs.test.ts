import { expect, test } from "vitest";
import type { StewardError } from "../../../src/message/errors.ts";
import type { AskedBy, Json, SignedJob } from "../../../src/message/message.ts";
import { falseCentral } from "../../harness/world/false-central.ts";
import { expectSound } from "../../harness/world/sound.ts";
import { OperatorScene } from "../operate/operator-scene.ts";
import { ended, job, lists, note } from "./scene.ts";

const SIGNED = { subscribe: [{ subject: "command.work.os", from: ["central"], signed: true }] };
const MINUTE = 60_000;

async function ordered(scene: OperatorScene, name: string, more: object): Promise<string> {
  const { id } = await scene.world.drive(
    scene.as(name).createJob({ subject: "command.work.os", data: {}, ...more } as never),
  );
  note(scene.world, id);
  return id;
}

async function refusal(scene: OperatorScene, act: Promise<unknown>): Promise<string> {
  return scene.world.drive(
    act.then(
      () => "done",
      (error: StewardError) => `${error.code} ${String(error.details.fault ?? "")}`,
    ),
  );
}

test("a job that an operator signed runs where nodes ask for a signature, wave by wave; without one it is rejected there", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED, ship2: SIGNED });
  const { world } = scene;
  const nodes = ["ship1", "ship2"];
  const plan = { to: "ship1,ship2", waves: "1,100%", soak: 2 * MINUTE };
  const unsigned = await ordered(scene, "ann", { ...plan, soak: 0, max: ["rejected=100%"] });
  await world.advance(10_000);
  expect(lists(world, unsigned).rejected).toContain("ship1");
  await world.drive(world.daemon("central").operations.steerJob(unsigned, "cancel"));
  expect(world.ledger.runs).toEqual([]);
  const signed = scene.signedJob("ann", nodes);
  const id = await ordered(scene, "ann", { ...plan, signed });
  await world.advance(MINUTE);
  // The later wave goes with its signature also after a restart of central.
  world.crash("central");
  await world.start("central");
  await ended(world, id, "done", 5 * MINUTE);
  expect(lists(world, id)).toEqual({ succeeded: nodes });
  for (const { id: message } of world.daemon("central").operations.jobNodes(id))
    expect(world.message(message)).toMatchObject({ operator: "ann@central", signed: true, job: id });
  await expectSound(world);
});

test("central refuses signatures on a job that do not fit it", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED, ship2: SIGNED });
  const order = (name: string, signed: SignedJob, more: object = {}) =>
    scene.as(name).createJob({ to: "ship1,ship2", subject: "command.work.os", data: {}, signed, ...more } as never);
  const signed = scene.signedJob("ann", ["ship1", "ship2"]);
  expect(await refusal(scene, order("bob", signed))).toContain("command-signature");
  expect(await refusal(scene, order("ann", signed, { data: { other: 1 } }))).toContain("command-signature");
  expect(await refusal(scene, order("ann", { ...signed, runs: 2 }))).toContain("command-signature");
  expect(await refusal(scene, order("ann", scene.signedJob("ann", ["ship1"])))).toContain("does not speak of ship2");
  const long = scene.signedJob("ann", ["ship1", "ship2"], {}, { until: scene.world.time.now() + 40 * 86_400_000 });
  expect(await refusal(scene, order("ann", long))).toContain("longer than 30 days");
  const nameless = scene.world.daemon("central").operations;
  expect(
    await refusal(
      scene,
      nameless.createJob({ to: "ship1,ship2", subject: "command.work.os", data: {}, signed } as never),
    ),
  ).toContain("signature-refused");
});

test("another attempt needs another signature, and carries the name of whoever asks for it", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED });
  const { world } = scene;
  const fails = { do: "fail" };
  const id = await ordered(scene, "ann", {
    to: "ship1",
    data: fails,
    signed: scene.signedJob("ann", ["ship1"], fails),
  });
  await ended(world, id, "doneWithFailures");
  expect(world.ledger.runs).toHaveLength(1);
  await world.drive(scene.as("bob").retryJob(id, { of: "failed" }));
  note(world, id);
  await world.advance(10_000);
  expect(lists(world, id)).toEqual({ rejected: ["ship1"] });
  const signed = scene.signedJob("bob", ["ship1"], fails);
  await world.drive(scene.as("bob").retryJob(id, { of: "failed", signed } as never));
  note(world, id);
  await world.advance(10_000);
  expect(lists(world, id)).toEqual({ failed: ["ship1"] });
  expect(world.ledger.runs).toHaveLength(2);
  const [{ id: message = "" } = {}] = world.daemon("central").operations.jobNodes(id);
  expect(world.message(message)).toMatchObject({ operator: "bob@central", signed: true });
  await expectSound(world);
});

test("a job with a schedule runs as often as its operator has signed; after that nodes that ask for a signature refuse it", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED });
  const { world } = scene;
  const every = "*/2 * * * *";
  const { beginAt } = world
    .daemon("central")
    .operations.planJob({ to: "ship1", subject: "command.work.os", data: {}, every });
  const runs = { from: beginAt ?? 0, runs: 2, gap: 2 * MINUTE };
  const id = await ordered(scene, "ann", { to: "ship1", every, signed: scene.signedJob("ann", ["ship1"], {}, runs) });
  await world.until(() => world.ledger.runs.length === 2, "two runs", 6 * MINUTE);
  await world.until(() => job(world, id).attempts.length === 4, "a third time", 6 * MINUTE);
  note(world, id);
  expect(world.ledger.runs).toHaveLength(2);
  await world.drive(world.daemon("central").operations.steerJob(id, "cancel"));
});

test("central in other hands moves no signature of a job to another node, content, order or run, uses none twice, and none early or late", async () => {
  const scene = await OperatorScene.open({ ship1: SIGNED, ship2: SIGNED }, { sealed: false });
  const { world } = scene;
  const step = 10 * MINUTE;
  const runs = { from: world.time.now() + step, runs: 2, gap: step, until: world.time.now() + 4 * step };
  const signed = scene.signedJob("ann", ["ship1", "ship2"], { n: 1 }, runs);
  const { send, refused, ran } = await falseCentral(scene);
  const by = (node: string, run: number, change: Partial<SignedJob> = {}, name = "ann"): AskedBy => {
    const { order, from, runs: most, gap, until, signatures } = { ...signed, ...change };
    const statement = { until, signature: signatures[node] ?? "", run: { order, run, from, runs: most, gap } };
    return { name, statement };
  };
  let no = 0;
  const come = (operator: AskedBy, data: Json = { n: 1 }): Promise<void> =>
    send(`01K0000000000000000000000${no++}`, data, operator);
  await come(by("ship2", 1));
  await come(by("ship1", 1), { n: 2 });
  await come(by("ship1", 1, { order: "01K00000000000000000000009" }));
  await come(by("ship1", 3, { runs: 3 }));
  await come(by("ship1", 1, { from: 0 }));
  await come(by("ship1", 1, { gap: 0 }));
  await come(by("ship1", 1, { until: signed.until + step }));
  await come(by("ship1", 1, {}, "bob"));
  expect(await refused()).toHaveLength(8);
  for (const why of await refused()) expect(why).toContain("it is not on this command, for this node");
  await come(by("ship1", 1));
  expect((await refused()).at(-1)).toContain("run 1 of 2 is for");
  expect(ran()).toEqual([]);
  await world.advance(step);
  await come(by("ship1", 1));
  expect(ran()).toHaveLength(1);
  no = 0;
  const again = (operator: AskedBy): Promise<void> => send(`01K0000000000000000000001${no++}`, { n: 1 }, operator);
  // The first run comes once, also with another id and after a restart of the node; the second one not before its time.
  await again(by("ship1", 1));
  expect((await refused()).at(-1)).toContain("it was used already");
  world.crash("ship1");
  await world.start("ship1");
  await again(by("ship1", 1));
  expect((await refused()).at(-1)).toContain("it was used already");
  await again(by("ship1", 2));
  expect((await refused()).at(-1)).toContain("run 2 of 2 is for");
  await world.advance(3.6 * step);
  await again(by("ship1", 2));
  expect((await refused()).at(-1)).toContain("it held until");
  expect(ran()).toHaveLength(1);
});
