import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLogWriters } from "../../../src/cli/demo/log-writers.ts";
import { parseSyslog } from "../../../src/methods/syslog/network/parse.ts";
import { eventuallySeen } from "../../harness/eventually.ts";
import { startDemo } from "../../harness/fleet/demo.ts";
import { atTestEnd, tempDir } from "../../harness/temp.ts";

/** Where each of these first stands in the text; -1 where it does not. */
const places = (text: string, patterns: readonly RegExp[]): number[] => patterns.map((pattern) => text.search(pattern));

describe("steward demo", { timeout: 120_000 }, () => {
  it("starts a fleet, commands it, forwards its logs, finds that all of it holds, and leaves nothing", async () => {
    const played = await startDemo();
    const { code, stdout, stderr } = await played.program.within(60_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const story = places(stdout, [
      / s {2}central {2}● online/,
      / s {2}ship1 {4}● online/,
      / s {2}ship3 {4}○ queued +[0-9A-Z]{26}\n/,
      / s {2}ship1 {4}✓ succeeded +Linux|Darwin/,
      / s {2}ship3 {4}○ queued +ship3 was invited and has not joined yet; its command waits/,
      / s {2}ship1 {4}≡ nginx +GET \/ HTTP\/1\.1 → 200\n/,
      / s {2}ship3 {4}● online/,
      / s {2}ship3 {4}✓ succeeded/,
      /NODE +LINK/,
      /ID +NODE +STATE/,
      /ship1 nginx {2}│/,
      /✓ 3 of 3 commands succeeded/,
      /✓ ship3 was away: its command waited \d/,
      /✓ 6 of 6 lines of nginx arrived, in order/,
      /✓ 6 of 6 lines of apache arrived, in order/,
      /npm run demo -- --keep/,
    ]);
    expect(story).not.toContain(-1);
    expect(story).toEqual([...story].sort((a, b) => a - b));
    expect(stdout).not.toContain("✗");
    expect(stdout).not.toContain("\u001b");
    expect(played.processes()).toEqual([]);
    expect(played.files()).toEqual([]);
  });

  it.each([
    ["while the daemons start", /ship3\.yaml/],
    ["while a command runs", /ship1 {4}○ queued/],
    ["while logs come in", /≡ apache/],
    ["while ship3 comes up", /4 {2}ship3/],
  ])("ends all that it started at Ctrl-C %s", async (_when, moment) => {
    const played = await startDemo();
    await played.program.saw(moment, { within: 30_000 });
    const { code, stdout } = await played.program.end("SIGINT");
    expect(code).toBe(4);
    expect(stdout).not.toContain("What to type next");
    expect(played.processes()).toEqual([]);
    expect(played.files()).toEqual([]);
  });

  it("goes on with --keep until Ctrl-C, and then ends what was started meanwhile as well", async () => {
    const played = await startDemo(["--keep"]);
    await played.program.saw(/The demo runs until you press Ctrl-C/, { within: 60_000 });
    const config = /STEWARD_CONFIG=(\S+)/.exec(played.program.stdout)?.[1] ?? "";
    const nodes = await played.steward("nodes", "--config", config);
    expect(nodes.stdout).toMatch(/ship3 +● online/);
    const run = await played.steward("run", "ship2", "--no-wait", "--config", config, "--", "sleep", "1000");
    expect(run).toMatchObject({ code: 0 });
    await played.program.saw(/ship2 {4}▶ running/, { from: played.program.stdout.indexOf("The demo runs until") });

    const ship1 = await eventuallySeen("ship1's daemon", () => played.daemonOf("ship1"));
    process.kill(ship1, "SIGKILL");
    await played.program.saw(/the daemon of ship1 has ended; another one: .* up --config \S+ship1\.yaml/);

    expect(await played.program.end("SIGINT", 30_000)).toMatchObject({ code: 0, stderr: "" });
    expect(played.processes()).toEqual([]);
    expect(played.files()).toEqual([]);
  });

  it("says what a daemon said that could not start, and where the logs are", async () => {
    const played = await startDemo([], { STEWARD_NATS_SERVER: "/nowhere/nats-server" });
    const { code, stdout, stderr } = await played.program.within(60_000);
    expect(code).toBe(1);
    expect(stderr).toMatch(/✗ the demo could not go on: the daemon of central ended:\n.*no nats-server was found/);
    expect(stderr).toContain("set STEWARD_NATS_SERVER");
    const [directory] = played.files();
    expect(stdout).toMatch(new RegExp(`their logs stay in \\S+${directory}\\n$`));
    expect(played.processes()).toEqual([]);
  });

  it("prints each happening and a summary as JSON lines with --json", async () => {
    const played = await startDemo(["--json"]);
    const { code, stdout, stderr } = await played.program.within(60_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    expect(new Set(lines.map(({ type }) => type))).toEqual(
      new Set(["node", "process", "message", "output", "log", "summary"]),
    );
    expect(lines.at(-1)).toEqual({ type: "summary", ok: true, commands: 3, lines: 12, ms: expect.any(Number) });
  });
});

describe("the web servers that the demo plays", () => {
  it("write what nginx sends by syslog and what apache appends to its log", async () => {
    const directory = await tempDir();
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    atTestEnd(
      async () => void socket.close(),
      () => undefined,
    );
    await once(socket, "listening");
    const file = join(directory, "access.log");
    const writers = openLogWriters(socket.address().port, file);
    const at = Date.UTC(2026, 10, 5, 9, 8, 7);
    const came = once(socket, "message");
    writers.request(at, 0);
    const [datagram] = (await came) as [Buffer];
    writers.close();

    const record = parseSyslog(datagram.toString(), at);
    expect(record).toMatchObject({
      time: "2026-11-05T09:08:07.000Z",
      app: "nginx",
      facility: "local7",
      severity: "info",
    });
    const combined = (agent: string) =>
      new RegExp(
        `^\\d+\\.\\d+\\.\\d+\\.\\d+ - - \\[\\d\\d/Nov/2026:\\d\\d:08:07 [+-]\\d{4}\\] "GET [^"]*" 200 \\d+ "-" "${agent}"$`,
      );
    expect(record.text).toMatch(combined("Mozilla/5.0"));
    const line = (await readFile(file, "utf8")).slice(0, -1);
    expect(line).toMatch(combined("curl/8.5.0"));
    expect(writers.written).toEqual({ nginx: [record.text], apache: [line] });
  });
});
