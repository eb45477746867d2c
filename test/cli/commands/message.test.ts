import { expect, test } from "vitest";
import { withTimes } from "../../../src/message/text/time-words.ts";
import { sampleMessage } from "../../harness/fake-operations.ts";
import { world } from "../world.ts";

test("message shows state, outcome, history and output", async () => {
  const w = await world();
  const [first] = w.ops.messageList;
  const { code, out } = await w.run(["message", first?.id.toLowerCase() ?? ""]);
  expect(code).toBe(0);
  expect(out).toContain("state      ✓ succeeded, 5 s ago\n");
  expect(out).toContain("exit code  0\n");
  expect(out).toContain("took       0.50 s\n");
  expect(out).toContain("HISTORY\n  2029-12-31T23:59:55.000Z  ○ queued, says central\n");
  expect(out).toContain("\nSTDOUT\n  Linux\n");
  expect(JSON.parse((await w.run(["message", first?.id ?? "", "--json"])).out)).toEqual(withTimes(first));
});

test("message --output prints the output byte for byte and nothing else", async () => {
  const w = await world();
  expect(await w.run(["message", w.ops.messageList[0]?.id ?? "", "--output"])).toEqual({
    code: 0,
    out: "Linux\n",
    err: "",
  });
});

test("message says in its place that a piece of the output is missing", async () => {
  const w = await world();
  const id = w.ops.messageList[0]?.id ?? "";
  w.ops.assert(id, "succeeded", {
    output: [
      { stream: "stdout", offset: 0, text: "begin" },
      { stream: "stdout", offset: 2053, text: "end\n" },
    ],
  });
  expect((await w.run(["message", id])).out).toContain(
    "STDOUT\n  begin\n  … 2.0 KB of stdout were not kept …\n  end\n",
  );
});

test("an open message tells its deadline and how to follow it", async () => {
  const w = await world();
  const id = "01Q3DCBD00ZZZZZZZZZZZZZZZZ";
  w.ops.messageList.push(
    sampleMessage(id, "ship2.command.shellcommand.os", "queued", w.ops.clock.now(), {
      deliverBy: w.ops.clock.now() + 7_200_000,
    }),
  );
  const { out, err } = await w.run(["message", id]);
  expect(out).toContain("state     ○ queued, now (not final)");
  expect(out).toContain("deadline  2030-01-01T02:00:00.000Z (in 2 h), to start");
  expect(err).toContain(`steward message ${id} --follow`);
});

test("a second, different final state is shown as a conflict", async () => {
  const w = await world();
  const id = w.ops.messageList[0]?.id ?? "";
  w.ops.assert(id, "succeeded", { conflict: { state: "failed", at: w.ops.clock.now(), by: "ship1" } });
  expect((await w.run(["message", id])).out).toContain(
    "! conflict: ship1 also said ✗ failed, now; the first final state stands",
  );
});

test("message --follow waits for a node out of reach until the message is final, with the exit codes of run", async () => {
  const w = await world();
  const id = w.ops.messageList[1]?.id ?? "";
  const running = w.start(["message", id, "--follow"]);
  await w.until(() => w.ops.callsOf("message").length >= 2);
  w.ops.assert(id, "failed", {
    outcome: { state: "failed", at: 2_000, startedAt: 0, code: 2 },
    output: [{ stream: "stdout", offset: 0, text: "late\n" }],
  });
  expect(await running.code).toBe(1);
  expect(running.out()).toBe("late\n");
  expect(running.err()).toBe("✗  ship2  failed  exit 2  2.00 s\n");
});

test("message --follow of one that is final prints its output and ends at once", async () => {
  const w = await world();
  const { code, out } = await w.run(["message", w.ops.messageList[0]?.id ?? "", "--follow"]);
  expect([code, out]).toEqual([0, "Linux\n"]);
});

test("Ctrl-C ends --follow and nothing else", async () => {
  const w = await world();
  const running = w.start(["message", w.ops.messageList[1]?.id ?? "", "-f"]);
  await w.until(() => w.ops.callsOf("node").length >= 1);
  running.signal("SIGINT");
  expect(await running.code).toBe(3);
  expect(w.ops.callsOf("cancel")).toEqual([]);
});

test("an unknown or ambiguous id is bad usage with what to type next", async () => {
  const w = await world();
  const unknown = await w.run(["message", "7ZZZ"]);
  expect(unknown.code).toBe(2);
  expect(unknown.err).toBe(
    "✗ error: no message has the id 7ZZZ\n  → `steward messages --limit 1000` lists the newest messages with their ids.\n",
  );
  const ambiguous = await w.run(["message", "01Q"]);
  expect(ambiguous.code).toBe(2);
  expect(ambiguous.err).toContain("is the beginning of 3 ids");
});

test("cancel has three answers: done, requested, too late", async () => {
  const w = await world();
  const [done, queued] = w.ops.messageList.map((message) => message.id);
  expect(await w.run(["cancel", queued ?? ""])).toEqual({ code: 0, out: `${queued} ⊘ cancelled\n`, err: "" });
  expect(await w.run(["cancel", queued ?? ""])).toEqual({ code: 0, out: `${queued} ⊘ cancelled already\n`, err: "" });
  expect(await w.run(["cancel", done ?? ""])).toEqual({
    code: 1,
    out: `${done} not cancelled: it is ✓ succeeded already\n`,
    err: "",
  });
  w.ops.messageList.push(sampleMessage("01Q3DCBD00ZZZZZZZZZZZZZZZZ", "ship1.command.shellcommand.os", "running", 0));
  const { code, out } = await w.run(["cancel", "01Q3DCBD00ZZ", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual([
    { kind: "requested", id: "01Q3DCBD00ZZZZZZZZZZZZZZZZ", reason: "the node was asked" },
  ]);
});

test("cancel of several cancels none when one of the ids is unknown", async () => {
  const w = await world();
  const { code } = await w.run(["cancel", w.ops.messageList[1]?.id ?? "", "7ZZZ"]);
  expect(code).toBe(2);
  expect(w.ops.callsOf("cancel")).toEqual([]);
});
