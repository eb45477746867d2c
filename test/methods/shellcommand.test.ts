import { getEventListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../src/message/message.ts";
import type { OutputPart } from "../../src/message/report.ts";
import type { CommandContext, CommandHandler } from "../../src/methods/define.ts";
import { echo } from "../../src/methods/echo.ts";
import { shellcommand } from "../../src/methods/shellcommand.ts";
import { interpreterOf } from "../../src/methods/shellcommand-data.ts";
import type { RunEnd, Spawner } from "../../src/methods/spawner.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { openSpawner } from "../../src/runner/spawner.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { buildRunner, isAlive, runnerPid } from "../harness/fleet/runner.ts";
import { MemoryHost } from "../twins/memory-spawner.ts";

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const command = handlerOf(shellcommand({ outputBytes: () => 65_536, grace: 300 }).command);

let count = 0;
function contextOf(spawner: Spawner, data: Json, fields: Partial<CommandContext> = {}): CommandContext {
  return {
    id: `cmd${count++}`,
    node: "ship1",
    subject: "ship1.command.shellcommand.operatingsystem",
    domain: "operatingsystem",
    origin: "central",
    data,
    timeout: 30_000,
    cancelled: new AbortController().signal,
    output: () => undefined,
    clock: systemClock,
    spawner,
    log: quiet,
    ...fields,
  };
}

describe("check", () => {
  it.each<[string, Json]>([
    ["a list", ["uname", "-a"]],
    ["an object with argv", { argv: ["ls"], cwd: "/srv", env: { LANG: "C" } }],
    ["a script", { script: "ls | wc -l" }],
    ["a script for another shell", { script: "print(1)", shell: "/usr/bin/python3" }],
    ["an empty script", { script: "" }],
    ["empty arguments", ["printf", ""]],
    ["a long script", { script: "x".repeat(1_000_000) }],
  ])("takes %s", (_, data) => {
    expect(() => command.check(data)).not.toThrow();
  });

  it.each<[string, Json, string]>([
    ["an empty list", [], "data is an empty list"],
    ["an empty program", [""], "data[0], the program, is empty"],
    ["a number as argument", ["sleep", 5], 'data[1] must be a text, it is a number; write "5"'],
    ["a list as argument", ["sh", ["-c"]], "data[1] must be a text, it is a list"],
    ["null as argument", { argv: ["sh", null] }, "argv[1] must be a text, it is null"],
    ["one text", "uname -a", 'data is one text; write a list, ["program", "argument", …], or {script: "uname -a"}'],
    ["null", null, "data must be a list"],
    ["a number", 3, "data must be a list"],
    ["an empty object", {}, "either argv or script is needed"],
    ["both", { argv: ["ls"], script: "ls" }, "exclude each other"],
    ["a key with a typo", { agrv: ["ls"] }, '"agrv" is not known'],
    ["stdin", { argv: ["cat"], stdin: "x" }, '"stdin" is not known'],
    ["a shell without script", { argv: ["ls"], shell: "/bin/sh" }, "shell goes with script"],
    ["argv that is a text", { argv: "ls" }, "argv must be a list"],
    ["a NUL character", ["ls", "a\0b"], "data[1] holds a NUL character"],
    ["a NUL character in a script", { script: "a\0b" }, "script holds a NUL character"],
    ["too many arguments", Array.from({ length: 10_001 }, () => "x"), "10001 entries, 10000 are allowed"],
    ["an argument that is too long", ["ls", "ü".repeat(65_536)], "data[1] has 131072 bytes, 131071 are allowed"],
    ["too much in all", ["ls", ...Array.from({ length: 20 }, () => "x".repeat(100_000))], "bytes in all"],
    ["a script that is too long", { script: "x".repeat(17 * 1024 * 1024) }, "script has"],
    ["a script that is no text", { script: ["ls"] }, "script must be a text, it is a list"],
    ["a relative directory", { argv: ["ls"], cwd: "srv" }, 'cwd must be an absolute path, it is "srv"'],
    ["an environment that is a list", { argv: ["ls"], env: ["A=b"] }, "env must be an object of texts"],
    ["a bad name in the environment", { argv: ["ls"], env: { "A=B": "c" } }, 'env: "A=B" is not a name'],
    ["a number in the environment", { argv: ["ls"], env: { A: 1 } }, 'env.A must be a text, it is a number; write "1"'],
  ])("refuses %s and names the fault", (_, data, fault) => {
    expect(() => command.check(data)).toThrow(fault);
  });

  it("never throws anything but an Error, whatever it is given", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        try {
          command.check(data as Json);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).constructor).toBe(Error);
        }
      }),
    );
  });
});

describe("the vector that permission judges", () => {
  it.each<[Json, object]>([
    [["systemctl", "restart", "nginx"], { argv: ["systemctl", "restart", "nginx"] }],
    [["rm", "a b", ""], { argv: ["rm", "a b", ""] }],
    [
      { argv: ["ls"], cwd: "/my dir", env: { LD_PRELOAD: "/x.so" }, input: "a\nb" },
      {
        argv: ["ls"],
        cwd: "/my dir",
        env: { LD_PRELOAD: "/x.so" },
        input: { text: "a\nb", encoding: "utf8" },
      },
    ],
    [
      { argv: ["wc"], input: { base64: "/w==" } },
      { argv: ["wc"], input: { text: "/w==", encoding: "base64" } },
    ],
    [{ script: "ls | wc -l" }, { argv: [], script: "ls | wc -l" }],
    [
      { script: "ls", args: ["a b", "c"] },
      { argv: ["a b", "c"], script: "ls" },
    ],
    [
      { script: "ls", shell: "/bin/bash" },
      { argv: [], script: "ls", shell: "/bin/bash" },
    ],
    [
      { script: "ls", shell: "/bin/sh" },
      { argv: [], script: "ls" },
    ],
    // A shell that is named counts also where the script names another one.
    [
      { script: "#!/bin/bash\nls", shell: "/bin/sh" },
      { argv: [], script: "#!/bin/bash\nls", shell: "/bin/sh" },
    ],
  ])("of %j is %j", (data, vector) => {
    expect(command.vector?.(data)).toEqual(vector);
  });
});

describe("the interpreter of a script", () => {
  it.each<[string, string | undefined, readonly string[]]>([
    ["ls", undefined, ["/bin/sh"]],
    ["ls", "/bin/bash", ["/bin/bash"]],
    ["#!/bin/bash\nls", undefined, ["/bin/bash"]],
    ["#! /usr/bin/env python3 \nls", undefined, ["/usr/bin/env", "python3"]],
    ["#!/usr/bin/env -S bash -e\nls", undefined, ["/usr/bin/env", "-S bash -e"]],
    ["#!/bin/bash\r\nls", undefined, ["/bin/bash"]],
    ["#!/bin/bash", "/bin/sh", ["/bin/sh"]],
    ["#!\nls", undefined, ["/bin/sh"]],
    ["# !/bin/bash\nls", undefined, ["/bin/sh"]],
  ])("%j, shell %s: %j", (script, shell, argv) => {
    expect(interpreterOf(script, shell)).toEqual(argv);
  });
});

describe("run, with programs in memory", () => {
  const programs = {
    dies: async ({ ended }: { ended: AbortSignal }) => (ended.aborted ? 1 : 2),
  };

  it("tells success, failure, timeout and cancel apart", async () => {
    const clock = new SimulatedClock();
    const spawner = new MemoryHost(clock, programs).open();
    expect(await command.run(contextOf(spawner, ["print", "hi"]))).toMatchObject({ state: "succeeded", code: 0 });
    expect(await command.run(contextOf(spawner, ["dies"]))).toMatchObject({
      state: "failed",
      code: 2,
      reason: "exit code 2",
    });

    const slow = command.run(contextOf(spawner, ["stay"], { timeout: 1500 }));
    await clock.advance(2000);
    expect(await slow).toMatchObject({
      state: "timedOut",
      signal: "SIGTERM",
      reason: "ended after 1.5 s, its timeout",
    });

    const abort = new AbortController();
    const unwanted = command.run(contextOf(spawner, ["stay"], { cancelled: abort.signal }));
    await clock.advance(10);
    abort.abort();
    expect(await unwanted).toMatchObject({ state: "cancelled", signal: "SIGTERM" });
  });

  it("starts nothing when it was cancelled before", async () => {
    const host = new MemoryHost(new SimulatedClock());
    const end = await command.run(contextOf(host.open(), ["print"], { cancelled: AbortSignal.abort() }));
    expect(end).toMatchObject({ state: "cancelled" });
    expect(host.ledger).toEqual([]);
  });

  it("calls a run interrupted whose recorder died", async () => {
    const host = new MemoryHost(new SimulatedClock());
    const running = command.run(contextOf(host.open(), ["stay"]));
    await new Promise((resolve) => setImmediate(resolve));
    host.kill();
    expect(await running).toMatchObject({ state: "interrupted", reason: expect.stringContaining("died") });
  });

  it("leaves no listener on the signal behind", async () => {
    const { signal } = new AbortController();
    await command.run(contextOf(new MemoryHost(new SimulatedClock()).open(), ["print"], { cancelled: signal }));
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("takes over what was prepared and never began as such, and starts nothing by itself", async () => {
    const host = new MemoryHost(new SimulatedClock());
    const before = contextOf(host.open(), ["print", "now"]);
    expect(await command.prepare?.(before)).toBeUndefined();
    const context = { ...before, spawner: host.open() };
    expect(await command.adopt?.(context)).toEqual({ state: "notBegun" });
    expect(host.ledger).toEqual([]);
    expect(await command.run(context)).toMatchObject({ state: "succeeded" });
  });

  it.each([
    ["whose record is gone", (host: MemoryHost) => host.runs.clear()],
    ["that was prepared before the host was restarted", (host: MemoryHost) => host.restart()],
  ])("calls a run interrupted %s, for it may have begun", async (_, lose) => {
    const host = new MemoryHost(new SimulatedClock());
    const spawner = host.open();
    const context = contextOf(spawner, ["stay"]);
    await command.prepare?.(context);
    if (_.includes("gone")) void command.run(context);
    await spawner.close();
    host.kill();
    lose(host);
    expect(await command.adopt?.({ ...context, spawner: host.open() })).toMatchObject({
      state: "interrupted",
      reason: expect.stringContaining("whether it ran cannot be proved"),
    });
    expect(host.runs.size).toBe(0);
  });

  it.each(["EMFILE", "EAGAIN", "ENOMEM", "ENOSPC"])(
    "has not begun where the host gives no %s, and may be started again",
    async (code) => {
      const host = new MemoryHost(new SimulatedClock());
      host.refuseNext = { kind: "notStarted", code, message: `sh could not be started: ${code}` };
      const context = contextOf(host.open(), ["print", "x"]);
      expect(await command.run(context)).toEqual({ state: "notBegun", reason: `sh could not be started: ${code}` });
      expect(await command.run(context)).toMatchObject({ state: "succeeded" });
      expect(host.ledger).toEqual([context.id]);
    },
  );

  it("has not begun where the process that starts programs is not to be had", async () => {
    const spawner = new MemoryHost(new SimulatedClock()).open();
    await spawner.close();
    const hindered = { state: "notBegun", reason: expect.stringContaining("this daemon is stopping") };
    expect(await command.prepare?.(contextOf(spawner, ["print"]))).toEqual(hindered);
    expect(await command.run(contextOf(spawner, ["print"]))).toEqual(hindered);
  });

  it("tells when the program ran, not when its end was heard of", async () => {
    const clock = new SimulatedClock();
    const host = new MemoryHost(clock);
    const from = clock.now();
    const context = contextOf(host.open(), ["sleep", "2000"]);
    void command.run(context);
    await clock.advance(60_000);
    const spawner = host.open();
    expect(await command.adopt?.({ ...context, spawner })).toMatchObject({ startedAt: from, at: from + 2000 });
  });

  it("adopts what runs and what has ended", async () => {
    const clock = new SimulatedClock();
    const host = new MemoryHost(clock);
    const first = host.open();
    const running = contextOf(first, ["stay", "early"]);
    void command.run(running);
    const ended = contextOf(first, ["print", "done"]);
    await command.run(ended);
    await first.close();

    const spawner = host.open();
    const parts: OutputPart[] = [];
    const abort = new AbortController();
    const adopted = command.adopt?.({
      ...running,
      spawner,
      cancelled: abort.signal,
      output: (more) => parts.push(...more),
    });
    expect(await command.adopt?.({ ...ended, spawner })).toMatchObject({
      state: "succeeded",
      output: [{ text: "done" }],
    });
    abort.abort();
    expect(await adopted).toMatchObject({ state: "cancelled" });
    expect(parts).toMatchObject([{ text: "early", offset: 0 }]);
  });
});

describe("run, with real programs", () => {
  let base: string;
  let spawner: Spawner;
  let runner: Awaited<ReturnType<typeof buildRunner>>;

  beforeAll(async () => {
    runner = await buildRunner();
    base = await mkdtemp(join(tmpdir(), "steward-shellcommand-"));
    spawner = openSpawner({ directory: base, clock: systemClock, log: quiet, runnerPath: runner.path });
  });
  afterAll(async () => {
    await spawner.close();
    await eventuallySeen("the runner leaves", () => !isAlive(runnerPid(base) ?? 0));
    await rm(base, { recursive: true });
    await runner.remove();
  });

  async function run(data: Json, fields: Partial<CommandContext> = {}) {
    const parts: OutputPart[] = [];
    const end = await command.run(contextOf(spawner, data, { output: (more) => parts.push(...more), ...fields }));
    if (end.state === "notBegun") throw new Error(end.reason);
    const text = (stream: OutputPart["stream"]): string =>
      [...parts, ...(end.output ?? [])]
        .filter((part) => part.stream === stream)
        .map((part) => part.text)
        .join("");
    return { end, stdout: text("stdout"), stderr: text("stderr") };
  }

  it("gives every argument to the program as it is", async () => {
    const args = ["$HOME", "a b", "", "it's", '"', "*", "`id`", "$" + "{{x}}", "<%= 1 %>", "\\n", "ü"];
    const { end, stdout } = await run(["printf", "%s|", ...args]);
    expect(end).toMatchObject({ state: "succeeded", code: 0, totals: { stderr: { bytes: 0, kept: 0 } } });
    expect(stdout).toBe(`${args.join("|")}|`);
  });

  it.each([0, 200_000])("gives a script to the shell as it is, with %d bytes of comment before it", async (padding) => {
    const script = `#${"x".repeat(padding)}\nHOME=/h\nprintf '%s\\n' "$HOME" '$HOME' \${HOME} "a  b" '{{name}}' "<%= x %>" >&2`;
    const { end, stderr } = await run({ script, env: { HOME: "/other" } });
    expect(end.state).toBe("succeeded");
    expect(stderr).toBe("/h\n$HOME\n/h\na  b\n{{name}}\n<%= x %>\n");
  });

  it("says what a shell would say of a program that cannot be started", async () => {
    expect((await run(["no-such-program", "-x"])).end).toMatchObject({
      state: "failed",
      code: 127,
      reason: "program not found: no-such-program",
    });
    expect((await run(["/etc/passwd"])).end).toMatchObject({
      state: "failed",
      code: 126,
      reason: "not executable: /etc/passwd",
    });
    expect((await run({ argv: ["ls"], cwd: "/no/such" })).end).toMatchObject({
      state: "failed",
      code: 126,
      reason: "no such directory: /no/such",
    });
  });

  it.each([
    [
      { memory: 64 * 2 ** 20 },
      "SIGKILL",
      "failed",
      "ended by SIGKILL; its processes together ran out of the 64 MB of memory that they may use",
    ],
    [{ processes: 20 }, null, "succeeded", "further processes were refused, of which it may have 20"],
  ] as const)(
    "names the limit that all processes together have reached: %j",
    async (reached, signal, state, reason) => {
      const total = { bytes: 0, kept: 0 };
      const ended: RunEnd = {
        ...{ kind: "exited", code: signal === null ? 0 : null, signal, reached, startedAt: 1, at: 2, rest: [] },
        totals: { stdout: total, stderr: total },
      };
      const spawner = { start: async () => ({ pid: 1, end: Promise.resolve(ended) }) } as unknown as Spawner;
      expect(await command.run(contextOf(spawner, ["x"]))).toMatchObject({ state, reason });
    },
  );

  it("names the signal that ended a program", async () => {
    const { end } = await run({ script: "kill -9 $$" });
    expect(end).toMatchObject({ state: "failed", signal: "SIGKILL", reason: "ended by SIGKILL" });
    expect(end).not.toHaveProperty("code");
  });

  it("says when it ended what a program had left in the background", async () => {
    const { end } = await run({ script: "sleep 100 & exit 3" });
    expect(end).toMatchObject({
      state: "failed",
      code: 3,
      reason: "exit code 3; what it left running in the background was ended",
    });
  });

  it("keeps the beginning and the end of 10 MB", async () => {
    const { end, stdout } = await run({ script: "yes 1234567 | head -c 10000000" });
    expect(end.totals?.stdout).toEqual({ bytes: 10_000_000, kept: 65_536 });
    expect(stdout).toHaveLength(65_536);
  });
});

describe("echo", () => {
  it("answers with its data", async () => {
    const handler = handlerOf(echo.command);
    const data = { a: [1, null, "x"] };
    handler.check(data);
    const end = await handler.run(contextOf(new MemoryHost(new SimulatedClock()).open(), data));
    expect(end).toEqual({ state: "succeeded", result: data });
  });
});

function handlerOf(handler: CommandHandler | undefined): CommandHandler {
  if (handler === undefined) throw new Error("not a command");
  return handler;
}
