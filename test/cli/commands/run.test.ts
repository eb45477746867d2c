import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { settle } from "../../harness/clock.ts";
import { sampleNode } from "../../harness/fake-operations.ts";
import { type Settings, type World, world } from "../world.ts";

const OS = "command.shellcommand.operatingsystem";

/** Lets a command of the world run on its node: output, then its end. */
function ends(w: World, id: string, code: number, text = ""): void {
  const at = w.ops.clock.now();
  const subject = w.ops.messageList.find((message) => message.id === id)?.subject ?? "";
  if (text !== "") {
    const parts = [{ stream: "stdout" as const, offset: 0, text }];
    w.ops.emit({ type: "output", at, id, subject, parts });
    w.ops.assert(id, "running", { output: parts });
  }
  const state = code === 0 ? "succeeded" : "failed";
  w.ops.assert(id, state, { code, outcome: { state, at: at + 420, startedAt: at, code } });
}

const idOf = (w: World, node: string): string =>
  w.ops.messageList.findLast((message) => message.subject === `${node}.${OS}`)?.id ?? "";

test("prints the id and the node, streams the output, and ends with a line and exit code 0", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--timeout", "30s", "--", "uname", "-a"]);
  await running.shows("ship1  ● online");
  ends(w, w.latest, 0, "Linux\n");
  expect(await running.code).toBe(0);
  expect(running.out()).toBe("Linux\n");
  expect(running.err()).toBe(`${w.latest}  ship1  ● online\n✓  ship1  succeeded  exit 0  0.42 s\n`);
  expect(w.ops.callsOf("submit")[0]?.args[0]).toEqual([
    { to: "ship1", subject: OS, data: ["uname", "-a"], timeout: 30_000, knownNodesOnly: true },
  ]);
  expect(running.listeners()).toBe(0);
  await w.until(() => w.ops.clock.armed === 0);
});

test("asks three things of the daemon: the stream, the submission with its target, and the message at its end", async () => {
  const w = await world();
  for (let n = 10; n < 200; n++) w.ops.nodeList.push(sampleNode(`ship${n}`, w.ops.clock.now()));
  const running = w.start(["run", "ship1", "--", "true"]);
  await running.shows("ship1  ● online");
  ends(w, w.latest, 0);
  expect(await running.code).toBe(0);
  expect(w.ops.calls.map(({ operation }) => operation)).toEqual(["watch", "submit", "message"]);
});

test("an outcome that comes before the answer to the submission is not missed", async () => {
  const w = await world();
  const submit = w.ops.submit.bind(w.ops);
  w.ops.submit = async (drafts) => {
    const accepted = await submit(drafts);
    ends(w, accepted[0]?.id ?? "", 0, "fast\n");
    return accepted;
  };
  const { code, out } = await w.run(["run", "ship1", "--", "true"]);
  expect([code, out]).toEqual([0, "fast\n"]);
});

test("several nodes have their lines prefixed, a line each at the end, and the counts", async () => {
  const w = await world();
  w.ops.nodeList.push(sampleNode("ship10", w.ops.clock.now()));
  const running = w.start(["run", "ship1,ship10", "--", "df"]);
  await running.shows("ship10  ● online");
  ends(w, idOf(w, "ship1"), 0, "a\nb\n");
  ends(w, idOf(w, "ship10"), 3, "no newline");
  expect(await running.code).toBe(1);
  expect(running.out()).toBe("ship1  │ a\nship1  │ b\nship10 │ no newline\n");
  expect(running.err()).toContain("✓  ship1   succeeded  exit 0  0.42 s\n✗  ship10  failed     exit 3  0.42 s\n");
  expect(running.err()).toContain("2 messages: ✓ 1 succeeded, ✗ 1 failed\n");
});

test("a node out of reach is not waited for: it stays queued, said so, and the exit code is 3", async () => {
  const w = await world();
  const running = w.start(["run", "ship1,ship2", "--deliver-by", "2h", "--", "uptime"]);
  await running.shows("ship2  ○ offline since 1 h: queued, waits until 2030-01-01T02:00:00.000Z (2 h)");
  ends(w, idOf(w, "ship1"), 0);
  expect(await running.code).toBe(3);
  const id = idOf(w, "ship2");
  expect(running.err()).toContain("○  ship2  queued                     offline since 1 h; may wait 2 h more\n");
  expect(running.err()).toContain(`come back with: steward message ${id} --follow`);
  expect(running.err()).toContain(`take back with: steward cancel ${id}`);
});

test("with nobody in reach it ends at once", async () => {
  const w = await world();
  const { code, err } = await w.run(["run", "ship2,ship3", "--", "uptime"]);
  expect(code).toBe(3);
  expect(err).toContain("2 messages: 0 for nodes in reach, 2 for nodes out of reach");
  expect(err).toContain("ship3  · never seen: queued, waits without limit");
});

test("a node that goes out of reach ends the waiting; one that comes back is waited for again", async () => {
  const w = await world();
  const link = (name: string, from: string, to: string): void =>
    w.ops.emit({ type: "node", at: w.ops.clock.now(), name, region: "link", from, to, cause: "silence" });
  const running = w.start(["run", "ship1,ship2", "--", "uptime"]);
  await running.shows("ship2  ○ offline");
  link("ship2", "offline", "online");
  await running.shows("ship2 is online now");
  ends(w, idOf(w, "ship1"), 0);
  await w.until(() => running.err().includes("ship2 is online now"));
  link("ship2", "online", "offline");
  await running.shows("ship2 is offline now");
  expect(await running.code).toBe(3);
});

test("a node that goes out of reach while it runs a command ends the waiting with what is true: it began, and is unknown", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "upgrade"]);
  await running.shows("● online");
  const id = idOf(w, "ship1");
  w.ops.assert(id, "running");
  // The word of the node comes before what it means for the message.
  const at = w.ops.messageList.findIndex((message) => message.id === id);
  const old = w.ops.messageList[at];
  if (old === undefined) throw new Error("it is gone");
  const reason = "ship1 is offline: what became of it is not known yet";
  w.ops.messageList[at] = { ...old, state: "unknown", since: w.ops.clock.now(), reason };
  const cause = "bye: it was stopped";
  w.ops.emit({
    type: "node",
    at: w.ops.clock.now(),
    name: "ship1",
    region: "link",
    from: "online",
    to: "offline",
    cause,
  });
  expect(await running.code).toBe(3);
  expect(running.err()).toContain("ship1 is offline now (bye: it was stopped)\n");
  expect(running.err()).toContain(
    "?  ship1  unknown  offline since 0 ms; the command began on ship1; its outcome comes when ship1 is back\n",
  );
});

test("a broker that is lost while a command runs is said, waited for, and then given up with exit code 5", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "upgrade"]);
  await running.shows("● online");
  w.ops.healthNow = { ...w.ops.healthNow, broker: { state: "disconnected", since: w.ops.clock.now() } };
  const cause = "this node has no broker";
  w.ops.emit({ type: "node", at: w.ops.clock.now(), name: "ship1", region: "link", from: "online", to: "late", cause });
  await running.shows("the daemon has lost its broker");
  const ended = running.code.then(() => true);
  for (let over = false; !over; ) {
    await w.ops.clock.advance(1_000);
    over = await Promise.race([ended, new Promise<false>((resolve) => setTimeout(() => resolve(false), 5))]);
  }
  expect(await running.code).toBe(5);
  expect(running.err()).toContain("the daemon has no broker and cannot hear any node; open messages go on\n");
});

test("without a broker a command for the daemon itself is waited for to its end, and the others are not", async () => {
  const w = await world();
  w.ops.nodeList.push(sampleNode("central", w.ops.clock.now(), { role: "self", link: "online" }));
  w.ops.healthNow = { ...w.ops.healthNow, broker: { state: "disconnected", since: w.ops.clock.now() } };
  const alone = w.start(["run", "central", "--", "true"]);
  await alone.shows("central  ● online");
  const cause = "this node has no broker";
  const away = { region: "link", from: "online", to: "offline", cause } as const;
  w.ops.emit({ type: "node", at: w.ops.clock.now(), name: "central", ...away });
  ends(w, w.latest, 0, "hi\n");
  expect(await alone.code).toBe(0);
  expect(alone.out()).toBe("hi\n");
  expect(alone.err()).not.toMatch(/broker|offline/);
  const both = w.start(["run", "central,ship1", "--", "true"]);
  await both.shows("no connection to a broker");
  ends(w, idOf(w, "central"), 0);
  expect(await both.code).toBe(5);
  expect(both.err()).toMatch(/✓ {2}central +succeeded/);
  expect(both.err()).toMatch(/ {2}ship1 {2}○ offline: queued.*\n(.*\n)*○ {2}ship1 +queued\n/);
});

test("a broker that comes back is said, and the waiting goes on", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "upgrade"]);
  await running.shows("● online");
  const { broker } = w.ops.healthNow;
  w.ops.healthNow = { ...w.ops.healthNow, broker: { state: "disconnected", since: w.ops.clock.now() } };
  const cause = "this node has no broker";
  w.ops.emit({ type: "node", at: w.ops.clock.now(), name: "ship1", region: "link", from: "online", to: "late", cause });
  await running.shows("the daemon has lost its broker");
  w.ops.healthNow = { ...w.ops.healthNow, broker };
  const back = running.shows("the daemon is connected to its broker again");
  for (let over = false; !over; ) {
    await w.ops.clock.advance(1_000);
    over = await Promise.race([
      back.then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 5)),
    ]);
  }
  ends(w, idOf(w, "ship1"), 0);
  expect(await running.code).toBe(0);
});

test("--wait waits for nodes out of reach too, and no longer than it says", async () => {
  const w = await world();
  const running = w.start(["run", "ship2", "--wait", "10s", "--", "uptime"]);
  await running.shows("ship2  ○ offline");
  await w.ops.clock.advance(9_999);
  expect(running.err()).not.toContain("time of --wait");
  await w.ops.clock.advance(1);
  expect(await running.code).toBe(3);
  expect(running.err()).toContain("the time of --wait is over");
});

test.each([
  ["run", "ship2", "--wait", "3s", "--", "uptime"],
  ["send", "-", "--wait", "3s"],
  ["message", "01", "--follow", "--wait", "3s"],
])("a daemon that is there and answers nothing is not waited for longer than --wait says: %s", async (...argv) => {
  const w = await world();
  await w.down();
  let asked = false;
  const server = createServer(() => {
    asked = true;
  });
  await new Promise<void>((resolve) => server.listen(w.socket, resolve));
  // Only `send` reads it; `run` would refuse to lose it.
  const message = "{to: ship2, command: shellcommand, domain: os, data: [uptime]}";
  const running = w.start(argv, argv[0] === "send" ? { stdin: message } : {});
  let ended = false;
  void running.code.then(() => {
    ended = true;
  });
  await w.until(() => asked);
  for (let ms = 0; ms < 3_000; ms += 100) {
    await settle();
    await w.ops.clock.advance(100);
  }
  await w.until(() => ended);
  expect(await running.code).toBe(5);
  expect(running.err()).toContain("has not answered for 3 s");
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("--wait forever sees the outcome of a node that comes back", async () => {
  const w = await world();
  const running = w.start(["run", "ship2", "--wait", "forever", "--", "uptime"]);
  await running.shows("ship2  ○ offline");
  await w.ops.clock.advance(1_000);
  ends(w, w.latest, 0, "up\n");
  expect(await running.code).toBe(0);
  expect(running.out()).toBe("up\n");
});

test.each([["--no-wait"], ["--detach"]])("%s prints the ids and ends", async (option) => {
  const w = await world();
  const { code, out, err } = await w.run(["run", "ship1,ship2", option, "--", "uptime"]);
  expect(code).toBe(0);
  expect(
    out
      .split("\n")
      .slice(0, 2)
      .map((line) => line.split(/\s+/).slice(0, 2)),
  ).toEqual([
    [idOf(w, "ship1"), "ship1"],
    [idOf(w, "ship2"), "ship2"],
  ]);
  expect(err).toBe("");
  expect(w.ops.callsOf("watch")).toEqual([]);
});

test("Ctrl-C detaches: nothing is cancelled, and it says how to come back", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "sleep", "1000"]);
  await running.shows("● online");
  running.signal("SIGINT");
  expect(await running.code).toBe(3);
  expect(running.err()).toContain("detached: the message goes on without this terminal");
  expect(running.err()).toContain(`steward message ${w.latest} --follow`);
  expect(w.ops.callsOf("cancel")).toEqual([]);
  await w.until(() => w.ops.watchers === 0);
});

test("goes on after the daemon was restarted, with what it missed, each byte once", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "make"]);
  await running.shows("● online");
  const id = w.latest;
  const one = { stream: "stdout" as const, offset: 0, text: "one\n" };
  const two = { stream: "stdout" as const, offset: 4, text: "two\n" };
  w.ops.emit({ type: "output", at: w.ops.clock.now(), id, subject: `ship1.${OS}`, parts: [one] });
  await running.shows("one");
  await w.down();
  await running.shows("the daemon stopped answering");
  w.ops.assert(id, "running", { output: [one, two] });
  await w.up();
  await w.ops.clock.advance(250);
  await running.shows("two");
  expect(running.err()).toContain("the daemon answers again");
  ends(w, id, 0);
  expect(await running.code).toBe(0);
  expect(running.out()).toBe("one\ntwo\n");
});

test("a daemon that stays away ends it with 5", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "make"]);
  await running.shows("● online");
  await w.down();
  await running.shows("the daemon stopped answering");
  let code: number | undefined;
  running.code.then((ended) => {
    code = ended;
  });
  for (let i = 0; i < 100 && code === undefined; i++) await w.ops.clock.advance(5_000);
  expect(code).toBe(5);
  expect(running.err()).toContain("no daemon answers at");
  expect(running.listeners()).toBe(0);
});

test("a gap in the stream of output is filled by reading again; what the node did not keep is said", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "big"]);
  await running.shows("● online");
  const head = { stream: "stdout" as const, offset: 0, text: "head\n" };
  const tail = { stream: "stdout" as const, offset: 5_000_005, text: "tail\n" };
  w.ops.assert(w.latest, "succeeded", {
    output: [head, tail],
    outcome: { state: "succeeded", at: 1, startedAt: 0, code: 0, output: [tail] },
  });
  // Whoever reads the file sees no marker.
  expect(await running.code).toBe(1);
  expect(running.out()).toBe("head\ntail\n");
  expect(running.err()).toContain("… 4.8 MB of stdout were not kept …");
  expect(running.err()).toContain("4.8 MB of the output of ship1 are missing above");
});

test.each([
  ["into a file", {}, 1],
  ["on a terminal", { columns: 100 }, 0],
])("an output whose end was not kept is said; %s the exit code is %i", async (_, settings, code) => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "big"], settings);
  await running.shows("● online");
  const totals = { stdout: { bytes: 5000, kept: 5 }, stderr: { bytes: 0, kept: 0 } };
  w.ops.assert(w.latest, "succeeded", {
    output: [{ stream: "stdout", offset: 0, text: "head\n" }],
    outcome: { state: "succeeded", at: 1, startedAt: 0, code: 0, totals },
  });
  expect(await running.code).toBe(code);
  expect(running.err()).toContain("4.9 KB of stdout were not kept");
  const shown = await w.run(["message", w.latest, "--output"], settings);
  expect(shown).toMatchObject({ code, err: expect.stringContaining("were not kept") });
});

test("output that the node sent, and that did not come, is told apart from what it did not keep", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "big"]);
  await running.shows("● online");
  const totals = { stdout: { bytes: 5_000, kept: 1_024 }, stderr: { bytes: 0, kept: 0 } };
  const reason = "output lost: 1024 B of stdout never came to this journal";
  w.ops.assert(w.latest, "succeeded", {
    reason,
    outcome: { state: "succeeded", at: 1, startedAt: 0, code: 0, totals },
  });
  expect(await running.code).toBe(1);
  expect(running.err()).toContain(
    "! 3.9 KB of the output of ship1 are missing above: ship1 keeps no more (its limits.out",
  );
  expect(running.err()).toContain(
    "! 1.0 KB of the output of ship1 are missing above: ship1 sent them, and they are not in",
  );
});

test("control sequences of one node are shown on a terminal, not obeyed, however they are cut; --raw and files pass them", async () => {
  const text = "a\u001b]0;owned\u0007\r\n\u001b[3" + "1mred\u001b[2J\u001b]52;c;eA==\u0007\tend\u001b[5";
  const part = (offset: number, piece: string) => ({ stream: "stdout" as const, offset, text: piece });
  const print = async (argv: readonly string[], settings: Settings) => {
    const w = await world();
    const running = w.start(["run", "ship1", ...argv, "--", "x"], settings);
    await running.shows("● online");
    const output = [...text].map((character, i) => part(i, character));
    w.ops.assert(w.latest, "succeeded", { output, outcome: { state: "succeeded", at: 1, startedAt: 0, code: 0 } });
    await running.code;
    return running.out();
  };
  const defused = "a\\x1b]0;owned\\x07\r\n\u001b[31mred\\x1b[2J\\x1b]52;c;eA==\\x07\tend\\x1b[5\u001b[0m\n";
  expect(await print([], { columns: 100 })).toBe(defused);
  expect(await print(["--raw"], { columns: 100 })).toBe(`${text}\n`);
  expect(await print([], {})).toBe(text);
});

test("binary output of one node passes byte for byte; standard error goes to standard error", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--", "cat"]);
  await running.shows("● online");
  w.ops.assert(w.latest, "succeeded", {
    output: [
      { stream: "stdout", offset: 0, text: Buffer.from([0xff, 0x00, 0x0a]).toString("base64"), encoding: "base64" },
      { stream: "stderr", offset: 0, text: "careful\n" },
    ],
    outcome: { state: "succeeded", at: 1, startedAt: 0, code: 0 },
  });
  expect(await running.code).toBe(0);
  expect(running.bytes()).toEqual(Buffer.from([0xff, 0x00, 0x0a]));
  expect(running.err()).toContain("careful\n");
});

test.each([
  [["failed", "expired", "cancelled"], 1],
  [["expired", "cancelled", "succeeded"], 3],
  [["cancelled", "succeeded"], 4],
  [["rejected"], 1],
  [["timedOut"], 1],
  [["interrupted"], 1],
  [["succeeded"], 0],
] as const)("%j end with exit code %i", async (states, expected) => {
  const w = await world();
  const names = states.map((_, i) => `n${i}`);
  w.ops.nodeList.push(...names.map((name) => sampleNode(name, w.ops.clock.now())));
  const running = w.start(["run", names.join(","), "--", "x"]);
  await running.shows(`${names.at(-1)}  ● online`);
  states.forEach((state, i) => {
    w.ops.assert(idOf(w, `n${i}`), state);
  });
  expect(await running.code).toBe(expected);
});

test("the end tells once what to do about each kind of end that wants something done, and nothing about the others", async () => {
  const w = await world();
  const states = ["rejected", "interrupted", "interrupted", "expired", "failed"] as const;
  const names = states.map((_, i) => `n${i}`);
  w.ops.nodeList.push(...names.map((name) => sampleNode(name, w.ops.clock.now())));
  const running = w.start(["run", names.join(","), "--", "x"]);
  await running.shows("n4  ● online");
  states.forEach((state, i) => {
    w.ops.assert(idOf(w, `n${i}`), state);
  });
  expect(await running.code).toBe(1);
  const hints = running.err().match(/^ {2}→ .*$/gm);
  expect(hints).toEqual([
    "  → rejected: correct what the reason names, then send it again; nothing has run",
    "  → interrupted: it may have run; look at the node before you send it again",
    "  → expired: it has not run; send it again with a longer --deliver-by",
  ]);
});

test("all means every edge node that is not revoked", async () => {
  const w = await world();
  w.ops.nodeList.push(sampleNode("gone", w.ops.clock.now(), { trust: "revoked" }));
  await w.run(["run", "all", "--no-wait", "--", "uptime"]);
  const sent = w.ops.messageList.slice(-3).map(({ subject }) => subject);
  expect(sent).toEqual(["ship1", "ship2", "ship3"].map((node) => `${node}.${OS}`));
});

test("--script sends text to the node's shell, from the arguments or from standard input", async () => {
  const w = await world();
  await w.run(["run", "ship1", "--no-wait", "--script", "--", "echo $HOME | wc -c"]);
  await w.run(["run", "ship1", "--no-wait", "--script"], { stdin: "cd /tmp\nls\n" });
  const data = w.ops.callsOf("submit").map((call) => (call.args[0] as { data: unknown }[])[0]?.data);
  expect(data).toEqual([["sh", "-c", "echo $HOME | wc -c"], { script: "cd /tmp\nls\n" }]);
});

test("--script FILE reads the file as it is and takes what follows as its arguments", async () => {
  const w = await world();
  // With the mark of byte order that some editors write.
  await writeFile(join(w.directory, "fix.sh"), "\ufeff#!/bin/bash\n[[ a ]]\n");
  await writeFile(join(w.directory, "latin"), Buffer.from("#!/bin/sh\nrm caf\xe9\n", "latin1"));
  await writeFile(join(w.directory, "binary"), Buffer.from("\x7fELF\0\0", "latin1"));
  await w.run(["run", "ship1", "--no-wait", "--script", "fix.sh"]);
  await w.run(["run", "ship1", "--no-wait", "--script", "fix.sh", "--", "-n", "b c"]);
  await w.run(["run", "ship1", "--no-wait", "--script", "-", "x"], { stdin: "#!/bin/bash\n" });
  await w.run(["run", "ship1", "--no-wait", "--script", "--", "#!/bin/bash\nls"]);
  const script = "#!/bin/bash\n[[ a ]]\n";
  expect(w.ops.callsOf("submit").map((call) => (call.args[0] as { data: unknown }[])[0]?.data)).toEqual([
    { script },
    { script, args: ["-n", "b c"] },
    { script: "#!/bin/bash\n", args: ["x"] },
    { script: "#!/bin/bash\nls" },
  ]);
  for (const [file, fault] of [
    ["uptime", 'there is no script "uptime"; a line for the shell needs -- before it: --script -- "uptime"'],
    ["latin", "latin cannot be sent: it is not UTF-8 text: the byte 0xe9 in line 2, column 7"],
    ["binary", "binary holds a NUL byte at 4"],
  ] as const) {
    const { code, err } = await w.run(["run", "ship1", "--script", file]);
    expect([code, err]).toEqual([2, expect.stringContaining(fault)]);
  }
});

test("standard input travels with --stdin, text as text and bytes as base64, to programs and scripts", async () => {
  const w = await world();
  await writeFile(join(w.directory, "s"), "wc");
  const stdin = "hello\n";
  await w.run(["run", "ship1", "--no-wait", "--stdin", "--", "cat"], { stdin });
  await w.run(["run", "ship1", "--no-wait", "-i", "--", "cat"], { stdin: Buffer.from([0xff, 0]) });
  await w.run(["run", "ship1", "--no-wait", "-i", "--", "wc"], { stdin: Buffer.alloc(3_000) });
  await w.run(["run", "ship1", "--no-wait", "-i", "--script", "--", "wc -l"], { stdin });
  await w.run(["run", "ship1", "--no-wait", "-i", "--script", "s"], { stdin });
  expect(w.ops.callsOf("submit").map((call) => (call.args[0] as { data: unknown }[])[0]?.data)).toEqual([
    { argv: ["cat"], input: stdin },
    { argv: ["cat"], input: { base64: "/wA=" } },
    // JSON writes a control character as six.
    { argv: ["wc"], input: { base64: "A".repeat(4_000) } },
    { argv: ["sh", "-c", "wc -l"], input: stdin },
    { script: "wc", input: stdin },
  ]);
});

test("standard input without --stdin is refused with the reason; what comes too late is said, with exit code 1", async () => {
  const w = await world();
  const refused = await w.run(["run", "ship1", "--", "cat"], { stdin: "hello\n" });
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("add --stdin to pass it on") });
  const both = await w.run(["run", "ship1", "--stdin", "--script"], { stdin: "x" });
  expect(both).toMatchObject({ code: 2, err: expect.stringContaining("standard input is the script already") });
  expect(w.ops.callsOf("submit")).toEqual([]);
  const late = w.start(["run", "ship1", "--", "cat"], { late: true });
  await late.shows("● online");
  ends(w, w.latest, 0);
  expect(await late.code).toBe(1);
  expect(late.err()).toContain("was not passed on: add --stdin");
});

test("--json prints one object a line, accepted first and summary last, and nothing else", async () => {
  const w = await world();
  const running = w.start(["run", "ship1", "--json", "--", "uname"]);
  await running.shows('"accepted"');
  ends(w, w.latest, 0, "Linux\n");
  expect(await running.code).toBe(0);
  expect(running.err()).toBe("");
  const lines = running
    .out()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map((line) => line.type)).toEqual([
    "accepted",
    "message",
    "output",
    "message",
    "message",
    "end",
    "summary",
  ]);
  expect(lines.at(-2)).toMatchObject({
    id: w.latest,
    node: "ship1",
    state: "succeeded",
    final: true,
    outcome: { code: 0 },
  });
  expect(lines.at(-1)).toEqual({ type: "summary", ending: "done", counts: { succeeded: 1 }, exit: 0 });
});

test("a daemon that lost its broker before is not waited for, though no node is called offline for it", async () => {
  const w = await world();
  w.ops.healthNow = { ...w.ops.healthNow, broker: { state: "disconnected", since: w.ops.clock.now() } };
  const [ship1] = w.ops.nodeList.filter(({ name }) => name === "ship1");
  if (ship1 === undefined) throw new Error("there is no ship1");
  Object.assign(ship1, { link: "late", linkSince: w.ops.clock.now() + 1 });
  const { code, err } = await w.run(["run", "ship1", "--", "true"]);
  expect(code).toBe(5);
  expect(err).toContain("the daemon has no broker and cannot hear any node; open messages go on\n");
});

test("a daemon without a broker says so, and what it accepted stays queued", async () => {
  const w = await world();
  w.ops.healthNow = {
    ...w.ops.healthNow,
    broker: { state: "disconnected", since: w.ops.clock.now() - 60_000, fault: "refused" },
  };
  const { code, err } = await w.run(["run", "ship2", "--", "x"]);
  expect(code).toBe(5);
  expect(err).toContain("no connection to a broker since 1 min (disconnected: refused)");
});

test("control characters in what several nodes print do not reach the terminal; colours do", async () => {
  const w = await world();
  w.ops.nodeList.push(sampleNode("ship9", w.ops.clock.now()));
  const running = w.start(["run", "ship1,ship9", "--", "x"]);
  await running.shows("ship9  ● online");
  ends(w, idOf(w, "ship1"), 0, "\u001b]0;owned\u0007\u001b[31mred\u001b[0m\n");
  ends(w, idOf(w, "ship9"), 0);
  await running.code;
  expect(running.out()).toBe("ship1 │ \\x1b]0;owned\\x07\u001b[31mred\u001b[0m\n");
});

test.each([
  [["run", "ship1"], "there is no command to run"],
  [["run", "ship1", "--timeout", "soon", "--", "x"], "--timeout soon is not a duration"],
  [["run", "ship 1", "--", "x"], 'at character 6: expected and, or, a comma or the end, got "1"'],
  [["run", "ship1", "--script", "--", " "], "the script is empty"],
  [["run", "ship1", "ls", "-l"], "write `--` before the command"],
  [["run"], "missing required argument 'target'"],
])("%j is bad usage and submits nothing", async (argv, fault) => {
  const w = await world();
  const before = w.ops.messageList.length;
  const { code, err } = await w.run(argv);
  expect(code).toBe(2);
  expect(err).toContain(fault);
  expect(w.ops.messageList).toHaveLength(before);
});

test("an unknown node is refused with the name that was probably meant; --new lets it pass", async () => {
  const w = await world();
  const refused = await w.run(["run", "shp1", "--", "x"]);
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain("no node is called shp1 (did you mean ship1?)");
  expect((await w.run(["run", "shp1", "--new", "--no-wait", "--", "x"])).code).toBe(0);
});
