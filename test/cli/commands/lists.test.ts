import { expect, test } from "vitest";
import { withTimes } from "../../../src/message/text/time-words.ts";
import type { ProcessTransition } from "../../../src/runtime/operate/table/processes.ts";
import { sampleMessage, sampleNode, sampleProcess } from "../../harness/fake-operations.ts";
import { world } from "../world.ts";

test("nodes shows link, since when, last life, work and what waits; sorted by name", async () => {
  const w = await world();
  w.ops.nodeList.reverse();
  const { code, out, err } = await w.run(["nodes"]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toBe(
    [
      "NODE     LINK          SINCE  SEEN     WORK      WAITING",
      "central  ● online      1 min  here     idle      -",
      "ship1    ● online      1 min  1 s ago  busy (1)  -",
      "ship2    ○ offline     1 h    2 h ago  idle      1, oldest 1 h",
      "ship3    · never seen  1 min  never    idle      -",
      "",
    ].join("\n"),
  );
});

test("nodes --absolute prints ISO times; --json prints what the daemon answered", async () => {
  const w = await world();
  expect((await w.run(["nodes", "--absolute"])).out).toContain("2029-12-31T23:59:59.000Z");
  const { out } = await w.run(["--json", "nodes"]);
  expect(JSON.parse(out)).toEqual(withTimes(w.ops.nodes()));
});

test("nodes --limit asks for no more than it shows, and a large fleet is fetched page by page", async () => {
  const w = await world();
  expect(await w.run(["nodes", "--limit", "2"])).toMatchObject({
    code: 0,
    err: "the first 2 by name; more with --limit\n",
  });
  expect(w.ops.callsOf("nodes").map(({ args }) => args)).toEqual([[{ limit: 2 }]]);
  for (let n = 1_000; n < 3_000; n++) w.ops.nodeList.push(sampleNode(`x${n}`, w.ops.clock.now()));
  const { out } = await w.run(["nodes", "--json"]);
  expect(JSON.parse(out)).toHaveLength(2_004);
  expect(
    w.ops
      .callsOf("nodes")
      .slice(1)
      .map(({ args }) => args),
  ).toEqual([[{ limit: 1_000 }], [{ limit: 1_000, after: "x1995" }], [{ limit: 1_000, after: "x2995" }]]);
});

test("a table on a terminal is cut to its width, in a pipe it is whole", async () => {
  const w = await world();
  w.ops.messageList.push(
    sampleMessage("01Q3DCBD00ZZZZZZZZZZZZZZZZ", "ship1.command.shellcommand.os", "queued", w.ops.clock.now(), {
      summary: "x".repeat(300),
    }),
  );
  const narrow = await w.run(["messages"], { columns: 80, env: { NO_COLOR: "1" } });
  for (const line of narrow.out.trimEnd().split("\n")) expect([...line].length).toBeLessThanOrEqual(80);
  expect((await w.run(["messages"])).out).toContain("x".repeat(300));
});

test("node shows lanes with why nothing moves, and the latest changes", async () => {
  const w = await world();
  const { out } = await w.run(["node", "ship2"]);
  expect(out).toContain("link       ○ offline since 1 h (silence)");
  expect(out).toMatch(/ship2\.command\.shellcommand\.operatingsystem +1 +0 +1 h +in 1 h +the node is offline/);
  expect((await w.run(["node", "ship1"])).out).toContain("1 min ago  link    neverSeen  online  hello");
  expect(JSON.parse((await w.run(["node", "ship1", "--json"])).out)).toEqual(withTimes(w.ops.node("ship1")));
});

test("messages lists the newest last, with the whole id", async () => {
  const w = await world();
  const { out } = await w.run(["messages"]);
  const lines = out.trimEnd().split("\n").slice(1);
  expect(lines.map((line) => line.slice(0, 26))).toEqual([1, 0, 2].map((i) => w.ops.messageList[i]?.id));
  expect(lines[0]).toMatch(/→ {2}ship2 {2}○ queued +1 h ago +uname -a$/);
});

test("messages names method and domain only where they are not the usual ones", async () => {
  const w = await world();
  const at = w.ops.clock.now();
  w.ops.messageList.push(sampleMessage("01Q3DCBD002FTJ57QXDT273Z00", "ship1.command.shellcommand.nginx", "queued", at));
  w.ops.messageList.push(sampleMessage("01Q3DCBD002FTJ57QXDT273Z01", "central.event.report.d", "received", at));
  const { out } = await w.run(["messages"]);
  expect(out).toContain("[shellcommand.nginx]\n");
  expect(out).toContain("[event report.d]\n");
  expect(out).not.toContain("operatingsystem");
});

test("messages hands its filters to the daemon", async () => {
  const w = await world();
  await w.run([
    "messages",
    "--node",
    "ship1",
    "--state",
    "timed out",
    "--method",
    "m",
    "--domain",
    "d",
    "--in",
    "--open",
    "--limit",
    "7",
  ]);
  expect(w.ops.callsOf("messages")[0]?.args[0]).toEqual({
    node: "ship1",
    state: "timedOut",
    method: "m",
    domain: "d",
    direction: "in",
    open: true,
    limit: 7,
  });
  const wrong = await w.run(["messages", "--state", "done"]);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain("there is no such state; there are held, queued");
  expect((await w.run(["messages", "--limit", "0"])).code).toBe(2);
});

test("an empty list says so beside the output, and is [] for programs", async () => {
  const w = await world();
  w.ops.messageList.length = 0;
  w.ops.deadList.length = 0;
  expect(await w.run(["messages"])).toEqual({ code: 0, out: "", err: "no messages\n" });
  expect(await w.run(["dead"])).toEqual({ code: 0, out: "", err: "no dead letters\n" });
  expect((await w.run(["messages", "--json"])).out).toBe("[]\n");
});

test("ps lists the processes of another node, as of when", async () => {
  const w = await world();
  const { out, err } = await w.run(["ps", "ship1"]);
  expect(out).toMatch(/ship1\.command\.shellcommand\.nginx +subscriber +✗ quarantined +1 min +0 +0 +5 +boom/);
  expect(err).toBe("ship1, as of now\n");
  expect((await w.run(["ps", "shp1"])).err).toContain("did you mean ship1?");
});

test("ps of one process adds its last changes, in words and as JSON, and says so where there are none to tell", async () => {
  const w = await world();
  const subject = "ship1.command.shellcommand.operatingsystem";
  const at = w.ops.clock.now();
  const set = (transitions?: ProcessTransition[]) =>
    w.ops.processList.set("ship1", [
      { ...sampleProcess(subject, "subscriber", at), ...(transitions === undefined ? {} : { transitions }) },
    ]);
  const changes = [
    { at: at - 60_000, machine: "child", event: "failed", from: "running", to: "backingOff", cause: "boom\u001b[2J" },
    { at: at - 2_000, machine: "subscriber", event: "work", from: "", to: "working" },
  ];
  set(changes);
  const { code, out } = await w.run(["ps", "ship1", "command.shellcommand.operatingsystem"]);
  expect(code).toBe(0);
  expect(out).toMatch(/PROCESS.*\nship1\.command\.shellcommand\.operatingsystem.*\n\nCHANGED +OF/);
  expect(out).toMatch(/1 min ago +supervision +running +backingOff +failed +boom\\x1b\[2J\n/);
  expect(out).toMatch(/2 s ago +subscriber +\(start\) +working +work/);
  expect(w.ops.callsOf("processes")[0]?.args).toEqual([
    { node: "ship1", subject: "command.shellcommand.operatingsystem" },
  ]);
  const { out: json } = await w.run(["ps", "ship1", subject, "--json"]);
  expect(JSON.parse(json).processes[0].transitions).toMatchObject(changes);
  set([]);
  expect((await w.run(["ps", "ship1", subject])).err).toContain(
    "no change of this subscriber is remembered by the daemon of ship1\n",
  );
  set();
  expect((await w.run(["ps", "ship1", subject])).err).toContain(
    "ship1 runs an older version of steward, which does not tell the last changes of a process\n",
  );
  const unknown = await w.run(["ps", "ship1", "command.shellcommand.operatingsytem"]);
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain(`did you mean ${subject}?`);
});

test("ps --tree shows each supervisor with its children, their restarts and why, and of this node alone", async () => {
  const w = await world();
  const since = w.ops.clock.now() - 60_000;
  const rule = { intensity: 3, period: 30_000 } as const;
  const child = { state: "running", restarts: 0, restart: "permanent", since } as const;
  w.ops.supervisionNow = {
    node: "central",
    asOf: since,
    supervisors: [
      {
        ...rule,
        ...{ id: "central", parent: null, strategy: "restForOne", onGiveUp: "escalate", left: 0 },
        children: [{ ...child, id: "processes" }],
      },
      {
        ...rule,
        ...{ id: "processes", parent: "central", strategy: "oneForOne", onGiveUp: "quarantine", left: 9 },
        children: [{ ...child, id: "publisher a.b", state: "backingOff", restarts: 2, lastError: "boom" }],
      },
    ],
  };
  const { out } = await w.run(["ps", "--tree"]);
  expect(out).toBe(
    [
      "central  rest for one, 3 restarts within 30 s, then escalate",
      "  ● running  processes  1 min",
      "    processes  one for one, 3 restarts within 30 s, then quarantine",
      "      ↻ backing off  publisher a.b  1 min  2 restarts  boom",
      "      and 9 more, which run and were never restarted",
      "",
    ].join("\n"),
  );
  const { code, err } = await w.run(["ps", "ship1", "--tree"]);
  expect(code).toBe(2);
  expect(err).toContain("--tree shows this node alone");
});

test.each(["start", "stop", "restart", "revive"] as const)(
  "%s controls a process by its subject, the node's name left out or not",
  async (verb) => {
    const w = await world();
    const { code, out } = await w.run([verb, "ship1", "command.shellcommand.nginx"]);
    expect(code).toBe(0);
    expect(out).toBe(`ship1 ship1.command.shellcommand.nginx ${verb === "stop" ? "■ stopped" : "● idle"}\n`);
    await w.run([verb, "ship1", "ship1.command.shellcommand.nginx"]);
    expect(w.ops.callsOf("control").map((call) => call.args)).toEqual(
      Array(2).fill(["ship1", "ship1.command.shellcommand.nginx", verb]),
    );
  },
);

test("a process that is not there is refused with the one that was probably meant", async () => {
  const w = await world();
  const { code, err } = await w.run(["revive", "ship1", "command.shellcommand.ngnx"]);
  expect(code).toBe(2);
  expect(err).toContain("ship1.command.shellcommand.ngnx (did you mean ship1.command.shellcommand.nginx?)");
  expect(err).toContain("→ `steward ps ship1` lists the processes of ship1.");
});

test("dead letters are listed, retried and dropped by an unambiguous beginning of the id", async () => {
  const w = await world();
  const id = w.ops.deadList[0]?.id ?? "";
  expect((await w.run(["dead"])).out).toContain(`${id}  ship1  central.event.syslogforwarding.nginx  10 s ago`);
  const retried = await w.run(["dead", "retry", id.slice(0, 26).toLowerCase()]);
  expect(retried).toEqual({ code: 0, out: `${id} handed to its process again\n`, err: "" });
  expect((await w.run(["dead", "drop", id])).code).toBe(2);
  expect((await w.run(["dead", "drop"])).err).toContain("drop needs the id of a dead letter");
  expect((await w.run(["dead", "retri", id])).err).toContain("'retri' is none of: retry, drop");
  expect((await w.run(["dead", "drop", "@9"])).err).toMatch(/no dead letter has the id @9\n.*`steward dead`/);
});

test("reload says what changed and what needs a restart", async () => {
  const w = await world();
  expect((await w.run(["reload"])).out).toBe("the configuration has not changed\n");
  w.ops.reloadAnswer = { changes: ["hello: 10s → 20s"], needRestart: ["data: a → b"] };
  expect((await w.run(["reload"])).out).toBe("hello: 10s → 20s\n! needs a restart of the daemon: data: a → b\n");
  expect(JSON.parse((await w.run(["reload", "--json"])).out)).toEqual(w.ops.reloadAnswer);
});

test("names and reasons from elsewhere cannot steer the terminal", async () => {
  const w = await world();
  w.ops.nodeList.push(sampleNode("evil\u001b[2J", w.ops.clock.now(), { cause: "a\nb" }));
  expect((await w.run(["nodes"])).out).toContain("evil\\x1b[2J");
  expect((await w.run(["nodes"], { columns: 120 })).out).not.toContain("\u001b[2J");
});
