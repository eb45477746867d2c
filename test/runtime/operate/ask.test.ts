import { expect, test } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import { RecentTransitions } from "../../../src/observe/recent-transitions.ts";
import { NodeQuestions } from "../../../src/runtime/operate/node-questions.ts";
import { ownProcesses } from "../../../src/runtime/operate/processes/own-processes.ts";
import type { OperateOptions } from "../../../src/runtime/operate/rooms.ts";
import type { ProcessList } from "../../../src/runtime/operate/table/processes.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld } from "../../harness/world/world.ts";

test("a node that refuses is told with its own reason, and how to look at it", async () => {
  const world = await settled(await createWorld());
  const asked = world.daemon("central").operations.control("ship1", "command.none.os", "start");
  await expect(world.drive(asked)).rejects.toMatchObject({
    code: "node-refused",
    message: "ship1 did not do this (failed): node ship1 has no process ship1.command.none.os",
    remedy: "`steward ps ship1` lists the processes of ship1, `steward node ship1` tells how it is.",
  });
  await expectSound(world);
});

test("a node that is away is told as silent, not as an answer of the daemon", async () => {
  const world = await settled(await createWorld());
  world.crash("ship1");
  const asked = world.daemon("central").operations.processes({ node: "ship1" });
  await expect(world.drive(asked)).rejects.toMatchObject({
    code: "node-silent",
    message: "ship1 did not answer within 10 s",
    exit: 3,
  });
  await world.start("ship1");
  await expectSound(world);
});

const WORK = "ship1.command.work.os";

test("one process of a node is told with its last transitions and those of its supervision, a list without any", async () => {
  const world = await settled(await createWorld());
  const { operations } = world.daemon("central");
  await world.ended(await world.send(WORK, { n: 1 }));
  await world.advance(2_000);
  const { node, processes } = await world.drive(operations.processes({ node: "ship1", subject: "command.work.os" }));
  expect(node).toBe("ship1");
  expect(processes).toMatchObject([{ subject: WORK, role: "subscriber", state: "idle" }]);
  expect(processes[0]?.transitions?.map(({ machine, from, to }) => `${machine} ${from} → ${to}`)).toEqual([
    "child stopped → starting",
    "subscriber  → idle",
    "child starting → running",
    "subscriber idle → working",
    "subscriber working → idle",
  ]);
  const own = await world.drive(world.daemon("ship1").operations.processes({ subject: WORK }));
  expect(own.processes).toEqual(processes);
  const list = await world.drive(operations.processes({ node: "ship1" }));
  expect(list.processes.length).toBeGreaterThan(1);
  expect(list.processes.filter(({ transitions }) => transitions !== undefined)).toEqual([]);
  await expectSound(world);
});

test("a process that a node does not have is unknown, wherever it is asked for", async () => {
  const world = await settled(await createWorld());
  const unknown = { code: "process-unknown", details: { node: "ship1", subject: "ship1.command.none.os" } };
  for (const daemon of ["central", "ship1"]) {
    const asked = world.daemon(daemon).operations.processes({ node: "ship1", subject: "command.none.os" });
    await expect(world.drive(asked)).rejects.toMatchObject(unknown);
  }
  await expectSound(world);
});

/** The question about one process, where ship1 answers it in a way of its own. */
function askOne(answer: Json): Promise<ProcessList> {
  const options = { config: () => ({ node: "central" }) } as unknown as OperateOptions;
  const questions = new NodeQuestions(
    options,
    { insist: () => undefined },
    { word: () => ({ allowed: true, layer: "", where: "" }) },
    { ask: async () => answer },
    { record: () => undefined },
  );
  return questions.processes({ node: "ship1", subject: WORK });
}

const told = { subject: WORK, role: "subscriber", state: "idle", since: 1, restarts: 0, queued: 0, active: 0 };

test("a node of an older version answers for one process with all: it is found among them, without transitions", async () => {
  const other = { ...told, subject: "ship1.command.redo.os" };
  const answer = { node: "ship1", asOf: 5, processes: [other, told] };
  expect(await askOne(answer)).toEqual({ node: "ship1", asOf: 5, processes: [told] });
});

test("a node of a newer version is understood as far as it is known here", async () => {
  const transitions = [{ at: 1, machine: "pump", event: "go", from: "a", to: "b", by: "x" }];
  const newer = { ...told, state: "dreaming", depth: 3, transitions };
  const { processes } = await askOne({ node: "ship1", asOf: 5, processes: [newer], more: true });
  expect(processes).toEqual([
    { ...told, state: "dreaming", transitions: [{ at: 1, machine: "pump", event: "go", from: "a", to: "b" }] },
  ]);
});

test.each([null, "gone", { node: "ship1" }, { node: "ship1", asOf: 9e15, processes: [] }, [told]])(
  "an answer that is no list of processes is a refusal, not a list: %j",
  async (answer) => {
    await expect(askOne(answer as Json)).rejects.toMatchObject({ code: "node-refused", details: { node: "ship1" } });
  },
);

test("the transitions of one process are bounded in number and in bytes, the newest are kept", () => {
  const transition = (n: number, cause: string) => ({
    ...{ at: n, actor: WORK, role: "subscriber", event: "work", from: "idle", to: "working", cause },
  });
  const ask = (cause: string) => {
    const recent = new RecentTransitions();
    for (let n = 1; n <= 200; n++) recent.add(transition(n, cause));
    const options = {
      clock: { now: () => 7 },
      config: () => ({ node: "ship1" }),
      processes: () => ({ views: () => [told] }),
      transitions: recent,
    } as unknown as OperateOptions;
    return ownProcesses(options, WORK).processes[0]?.transitions ?? [];
  };
  expect(ask("").map(({ at }) => at)).toEqual(Array.from({ length: 50 }, (_, i) => 151 + i));
  const long = ask("é".repeat(100_000));
  expect(Buffer.byteLength(JSON.stringify(long))).toBeLessThan(4_500);
  expect(long.length).toBeGreaterThan(3);
  expect(long.at(-1)?.at).toBe(200);
});
