import { expect, test } from "vitest";
import { LogTail } from "../../../src/cli/follow/log-tail.ts";
import type { Happening } from "../../../src/message/happening.ts";
import { withTimes } from "../../../src/message/text/time-words.ts";
import type { LogLine } from "../../../src/runtime/operate/table/logs.ts";
import { type World, world } from "../world.ts";

const log = (w: World, node: string, domain: string, ...lines: string[]): void =>
  w.ops.emit({ type: "log", at: w.ops.clock.now(), node, method: "syslogforwarding", domain, lines });

const transition = (w: World, actor: string, role: string): Happening => ({
  type: "transition",
  at: w.ops.clock.now(),
  actor,
  role,
  event: "silence",
  from: "online",
  to: "late",
  cause: "2 hellos missed",
});

test("watch prints the stored lines, then what comes, until Ctrl-C", async () => {
  const w = await world();
  const running = w.start(["watch"]);
  await running.shows("started");
  log(w, "ship1", "nginx", "GET /new 200");
  await running.shows("GET /new 200");
  running.signal("SIGINT");
  expect(await running.code).toBe(0);
  expect(running.out()).toBe(
    "ship1 nginx │ GET / 200\nship1 nginx │ GET /x 404\nship2 apache │ started\nship1 nginx │ GET /new 200\n",
  );
  expect(running.listeners()).toBe(0);
  await w.until(() => w.ops.watchers === 0);
});

test("watch NODE DOMAIN shows that log only", async () => {
  const w = await world();
  const running = w.start(["watch", "ship1", "nginx", "-n", "1"]);
  await running.shows("GET /x 404");
  log(w, "ship2", "apache", "not this");
  log(w, "ship1", "other", "nor this");
  log(w, "ship1", "nginx", "this");
  await running.shows("this\n");
  running.signal("SIGINT");
  await running.code;
  expect(running.out()).toBe("ship1 nginx │ GET /x 404\nship1 nginx │ this\n");
  expect(w.ops.callsOf("logs")[0]?.args[0]).toEqual({ node: "ship1", domain: "nginx", lines: 1 });
});

test("watch goes on after a restart of the daemon with the lines it missed, none twice", async () => {
  const w = await world();
  const running = w.start(["watch", "ship1"]);
  await running.shows("GET /x 404");
  await w.down();
  await running.shows("stopped answering");
  w.ops.logList.push({ node: "ship1", domain: "nginx", line: "while away" });
  await w.up();
  await w.ops.clock.advance(250);
  await running.shows("while away");
  running.signal("SIGINT");
  expect(await running.code).toBe(0);
  expect(running.out().match(/GET \/ 200/g)).toHaveLength(1);
});

test("watch --all shows everything else that happens, too", async () => {
  const w = await world();
  const running = w.start(["watch", "--all", "-n", "0"]);
  await w.until(() => w.ops.callsOf("logs").length > 0);
  const at = w.ops.clock.now();
  w.ops.assert(w.ops.messageList[1]?.id ?? "", "sent");
  w.ops.emit({ type: "node", at, name: "ship1", region: "link", from: "online", to: "late", cause: "silence" });
  w.ops.emit({ type: "process", at, subject: "ship1.command.x.y", role: "publisher", from: "", to: "idle", cause: "" });
  w.ops.emit({ type: "alert", at, node: "ship1", code: "clone", text: "same name twice" });
  await running.shows("same name twice");
  running.signal("SIGINT");
  await running.code;
  expect(running.out()).toContain("00:00:00 node       ship1 link: online → late (silence)\n");
  expect(running.out()).toContain("ship2.command.shellcommand.operatingsystem → sent\n");
  expect(running.out()).toContain("00:00:00 process    ship1.command.x.y publisher: (start) → idle\n");
  expect(running.out()).toContain("00:00:00 ALERT      ! ship1 clone: same name twice\n");
});

test("log lines cannot steer the terminal", async () => {
  const w = await world();
  w.ops.logList.push({ node: "ship1", domain: "nginx", line: "x\u001b[2J\u001b]52;c;AAAA\u0007" });
  const { out } = await w.run(["watch", "--no-follow"]);
  expect(out).toContain("x\\x1b[2J\\x1b]52;c;AAAA\\x07\n");
});

test("inspect follows transitions, of one role or of actors whose name begins so", async () => {
  const w = await world();
  const running = w.start(["inspect", "ship", "--role", "node"]);
  await running.shows("following transitions");
  w.ops.emit(transition(w, "ship1", "node"));
  w.ops.emit(transition(w, "ship1.command.x.y", "publisher"));
  w.ops.emit(transition(w, "central", "node"));
  w.ops.emit(transition(w, "ship2", "node"));
  await running.shows("ship2");
  running.signal("SIGTERM");
  expect(await running.code).toBe(0);
  expect(running.out()).toBe(
    "00:00:00 node       ship1: online → late on silence (2 hellos missed)\n00:00:00 node       ship2: online → late on silence (2 hellos missed)\n",
  );
});

test("inspect --json prints one transition a line", async () => {
  const w = await world();
  const running = w.start(["inspect", "--json"]);
  await w.until(() => w.ops.watchers === 1);
  w.ops.emit(transition(w, "ship1", "node"));
  await running.shows("}\n");
  running.signal("SIGINT");
  await running.code;
  expect(JSON.parse(running.out())).toEqual(withTimes(transition(w, "ship1", "node")));
});

test("following without a daemon ends at once with 5", async () => {
  const w = await world();
  await w.down();
  for (const name of ["watch", "inspect"]) expect((await w.run([name])).code).toBe(5);
});

test("lines that come while the stored ones are read are printed once, after them", async () => {
  const printed: string[] = [];
  const tail = new LogTail((line) => printed.push(line.line));
  const lines = (...texts: string[]): LogLine[] => texts.map((line) => ({ node: "n", domain: "d", line }));
  let answer: (lines: readonly LogLine[]) => void = () => undefined;
  const reading = tail.read(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  tail.take(lines("b", "c"));
  tail.take(lines("d"));
  answer(lines("a", "b", "c"));
  await reading;
  expect(printed).toEqual(["a", "b", "c", "d"]);
  await tail.read(async () => lines("c", "d", "d", "e"));
  expect(printed).toEqual(["a", "b", "c", "d", "d", "e"]);
});
