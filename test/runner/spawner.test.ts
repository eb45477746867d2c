import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { connect, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openLmdbStore } from "../../src/journal/store/lmdb-store.ts";
import type { Run, RunEnd, RunSpec, Spawner } from "../../src/methods/spawner.ts";
import { hostUptime } from "../../src/platform/host/host-time.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { PROTOCOL_VERSION, runnerFile } from "../../src/runner/protocol.ts";
import { openSpawner } from "../../src/runner/spawner.ts";
import { bytesOf, collector, textOf } from "../contract/spawner.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { buildRunner, isAlive, processesOfRun, runnerPid } from "../harness/fleet/runner.ts";

let runner: Awaited<ReturnType<typeof buildRunner>>;
let base: string;
let directory: string;
let spawner: Spawner;
let others: Spawner[];
let count = 0;

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const open = (): Spawner => {
  const opened = openSpawner({ directory, clock: systemClock, log: quiet, runnerPath: runner.path });
  others.push(opened);
  return opened;
};
const ignore = (): void => undefined;
const spec = (argv: readonly [string, ...string[]], fields: Partial<RunSpec> = {}): RunSpec => ({
  id: `run${process.pid}-${count++}`,
  argv,
  timeout: 60_000,
  grace: 300,
  head: 32 * 1024,
  tail: 32 * 1024,
  ...fields,
});
const sh = (script: string, fields: Partial<RunSpec> = {}): RunSpec => spec(["/bin/sh", "-c", script], fields);
const servingPid = (): number => {
  const pid = runnerPid(directory);
  if (pid === undefined) throw new Error("no runner serves");
  return pid;
};

async function outcome(run: RunSpec): Promise<{ end: RunEnd; stdout: Buffer; stderr: Buffer }> {
  const collected = collector();
  const end = await (await spawner.start(run, collected.take)).end;
  return { end, stdout: bytesOf("stdout", collected.parts, end), stderr: bytesOf("stderr", collected.parts, end) };
}

beforeAll(async () => {
  runner = await buildRunner();
});
afterAll(() => runner.remove());
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "steward-runs-"));
  directory = join(base, "runs");
  others = [];
  spawner = open();
});
afterEach(async () => {
  for (const each of others) await each.close();
  const pid = runnerPid(directory);
  if (pid !== undefined) await eventuallySeen("the runner leaves", () => !isAlive(pid));
  await rm(base, { recursive: true });
});

describe("how a program ends", () => {
  it("is told by its code or by its signal", async () => {
    expect((await outcome(sh("exit 0"))).end).toMatchObject({ kind: "exited", code: 0, signal: null });
    expect((await outcome(sh("exit 42"))).end).toMatchObject({ kind: "exited", code: 42 });
    expect((await outcome(sh("kill -SEGV $$"))).end).toMatchObject({ kind: "exited", code: null, signal: "SIGSEGV" });
  });

  it("has the times of its start and its end", async () => {
    const before = Date.now();
    const { end } = await outcome(sh("exit 0"));
    if (end.kind !== "exited") throw new Error(end.kind);
    expect(end.startedAt).toBeGreaterThanOrEqual(before);
    expect(end.at).toBeGreaterThanOrEqual(end.startedAt);
    expect(end.at).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    [
      "a program that is not there",
      spec(["no-such-program"]),
      { code: "ENOENT", message: "program not found: no-such-program" },
    ],
    ["a path that is not there", spec(["/no/such"]), { code: "ENOENT", message: "program not found: /no/such" }],
    [
      "a file that is not executable",
      spec(["/etc/passwd"]),
      { code: "EACCES", message: "not executable: /etc/passwd" },
    ],
    ["a directory", spec(["/tmp"]), { code: "EACCES", message: "not executable: /tmp" }],
    [
      "a working directory that is not there",
      spec(["true"], { cwd: "/no/such" }),
      { code: "ENOTDIR", message: "no such directory: /no/such" },
    ],
    [
      "a working directory that is a file",
      spec(["true"], { cwd: "/etc/passwd" }),
      { code: "ENOTDIR", message: "not a directory: /etc/passwd" },
    ],
    ["arguments that are too long for the system", spec(["true", "x".repeat(200_000)]), { code: "E2BIG" }],
  ])("is that it never began: %s", async (_, run, end) => {
    expect((await outcome(run)).end).toMatchObject({ kind: "notStarted", ...end });
  });

  it("says that the interpreter of a script is missing, not the script", async () => {
    const script = join(base, "script");
    writeFileSync(script, "#!/no/such/interpreter\n");
    await chmod(script, 0o755);
    const { end } = await outcome(spec([script]));
    expect(end).toMatchObject({ kind: "notStarted", message: expect.stringContaining("interpreter") });
  });
});

describe("what a program is given", () => {
  it("is no input, a directory and an environment", async () => {
    const { stdout } = await outcome(
      sh('cat; pwd; echo "$GREETING $STEWARD_RUN"', { id: "named", cwd: "/usr", env: { GREETING: "hi" } }),
    );
    expect(stdout.toString()).toBe("/usr\nhi named\n");
  });

  it("is the daemon's directory and language where nothing else is said", async () => {
    process.env.LC_TEST = "from the daemon";
    const { stdout } = await outcome(sh('pwd; echo "$LC_TEST"'));
    delete process.env.LC_TEST;
    expect(stdout.toString()).toBe(`${process.cwd()}\nfrom the daemon\n`);
  });

  it("is nothing that steward or its configuration reads from the environment, nor does the runner have that", async () => {
    const secrets = { STEWARD_BROKER_PASSWORD: "secret1", BROKER_TOKEN: "secret2", LATER: "secret3" };
    Object.assign(process.env, secrets);
    const withheld = ["BROKER_TOKEN"];
    spawner = openSpawner({
      directory,
      clock: systemClock,
      log: quiet,
      runnerPath: runner.path,
      withheld: () => withheld,
    });
    others.push(spawner);
    try {
      expect((await outcome(sh("env"))).stdout.toString()).not.toMatch(/secret[12]/);
      expect(readFileSync(`/proc/${servingPid()}/environ`, "utf8")).not.toMatch(/secret[12]/);
      // The configuration was read again.
      withheld.push("LATER");
      expect((await outcome(sh("env"))).stdout.toString()).not.toMatch(/secret/);
    } finally {
      for (const name of Object.keys(secrets)) delete process.env[name];
    }
  });

  it("is no descriptor but the standard ones, whatever its daemon has open", async () => {
    // LMDB opens its file so that every child inherits it.
    const store = openLmdbStore(join(base, "journal"), systemClock);
    try {
      const { stdout } = await outcome(spec(["ls", "-l", "/proc/self/fd"]));
      const open = [...stdout.toString().matchAll(/ (\d+) -> (.*)$/gm)].map(([, fd, file]) => [Number(fd), file]);
      // The fourth one is the listing itself.
      expect(open.map(([fd]) => fd)).toEqual([0, 1, 2, 3]);
      expect(open[3]?.[1]).toMatch(/^\/proc\/\d+\/fd$/);
    } finally {
      await store.close();
    }
  });

  it("are pipes that it can open by name", async () => {
    const { stdout, stderr } = await outcome(sh("echo out > /dev/stdout; echo err > /dev/stderr"));
    expect([stdout.toString(), stderr.toString()]).toEqual(["out\n", "err\n"]);
  });

  it("is a process group and a session of its own, with every signal at its default", async () => {
    const { stdout } = await outcome(sh("ps -o pid=,pgid=,sid= -p $$; grep SigIgn /proc/$$/status"));
    const [ids, ignored] = stdout.toString().trim().split("\n");
    expect(new Set(ids?.trim().split(/\s+/)).size).toBe(1);
    expect(ignored).toMatch(/0{16}$/);
  });

  it("is what it reads on its standard input, byte for byte and once, and no other sees it", async () => {
    const bytes = Buffer.from([0xff, 0x00, 0x0a, 0x80]);
    const run = sh("cat; cat; ls $FOLDER", {
      env: { FOLDER: join(directory, "with-input") },
      id: "with-input",
      input: { text: bytes.toString("base64"), encoding: "base64" },
    });
    const { stdout } = await outcome(run);
    expect(stdout.subarray(0, 4)).toEqual(bytes);
    expect(stdout.subarray(4).toString()).not.toContain("input");
    expect((await outcome(spec(["cat"], { input: { text: "ü\n", encoding: "utf8" } }))).stdout.toString()).toBe("ü\n");
  });

  it("is a script with arguments behind it, in a file that is gone once the run is forgotten", async () => {
    const text = '[[ $2 == "c d" ]] && stat -c %a "$0"';
    const run = spec(["/bin/bash"], { script: text, args: ["a", "c d"] });
    const { end, stdout } = await outcome(run);
    expect(end).toMatchObject({ code: 0 });
    expect(stdout.toString()).toBe("700\n");
    await spawner.forget(run.id);
    expect(existsSync(join(directory, run.id))).toBe(false);
  });

  it("is a long script in a file, its text untouched", async () => {
    const text = `printf '%s' "$HOME" '$HOME' "\${0##*/}" #${"x".repeat(200_000)}`;
    const { end, stdout } = await outcome(spec(["/bin/sh"], { script: text, env: { HOME: "/h" } }));
    expect(end).toMatchObject({ code: 0 });
    expect(stdout.toString()).toBe("/h$HOMEscript");
  });
});

describe("output", () => {
  it("of both streams comes in turns, each with its own offsets", async () => {
    const collected = collector();
    const run = await spawner.start(
      sh("for i in 1 2 3; do echo out$i; sleep 0.15; echo err$i >&2; sleep 0.15; done"),
      collected.take,
    );
    const end = await run.end;
    const all = [...collected.parts, ...(end.kind === "exited" ? end.rest : [])];
    expect(all.map((part) => part.text).join("")).toBe("out1\nerr1\nout2\nerr2\nout3\nerr3\n");
    expect(bytesOf("stderr", all).toString()).toBe("err1\nerr2\nerr3\n");
  });

  it("of 50 MB keeps its beginning and its end, and the true count", async () => {
    const { end, stdout } = await outcome(sh("yes abcdefg | head -c 50000000; printf END"));
    expect(end).toMatchObject({
      code: 0,
      totals: { stdout: { bytes: 50_000_003, kept: 65_536 }, stderr: { bytes: 0, kept: 0 } },
    });
    expect(stdout.length).toBe(65_536);
    expect(stdout.subarray(0, 8).toString()).toBe("abcdefg\n");
    expect(stdout.subarray(-3).toString()).toBe("END");
    // What the record holds is bounded too.
    const recorded = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
      (file) => file.name === "end.json",
    );
    expect(recorded).toHaveLength(1);
  });

  it("carries only the beginning while the program runs", async () => {
    const collected = collector();
    const run = await spawner.start(sh("yes abcdefg | head -c 10000000"), collected.take);
    const end = await run.end;
    expect(bytesOf("stdout", collected.parts).length).toBeLessThanOrEqual(32 * 1024);
    if (end.kind !== "exited") throw new Error(end.kind);
    const last = end.rest.at(-1);
    expect((last?.offset ?? 0) + (last?.text.length ?? 0)).toBe(10_000_000);
  });

  it("keeps characters whole that are written byte by byte", async () => {
    const collected = collector();
    const run = await spawner.start(
      sh(String.raw`printf 'a\342'; sleep 0.25; printf '\202'; sleep 0.25; printf '\254b'`),
      collected.take,
    );
    const end = await run.end;
    expect(textOf(collected.parts, end)).toBe("a€b");
    expect(collected.parts.every((part) => part.encoding === undefined)).toBe(true);
  });

  it("that is no text arrives byte for byte", async () => {
    const { end, stdout } = await outcome(sh(String.raw`printf '\377\000\300\200'`));
    expect(stdout).toEqual(Buffer.from([0xff, 0x00, 0xc0, 0x80]));
    expect(end).toMatchObject({ rest: [{ encoding: "base64" }] });
  });
});

describe("the end of a process group", () => {
  it("comes by SIGKILL for a program that ignores SIGTERM", async () => {
    const { end } = await outcome(sh("trap '' TERM; while :; do sleep 0.05; done", { timeout: 150, grace: 200 }));
    expect(end).toMatchObject({ kind: "exited", signal: "SIGKILL", ended: "timeout" });
  });

  it("lets a program that tidies up at SIGTERM finish within the grace", async () => {
    const { end, stdout } = await outcome(
      sh("trap 'echo tidy; exit 5' TERM; while :; do sleep 0.02; done", { timeout: 200, grace: 5000 }),
    );
    expect(end).toMatchObject({ kind: "exited", code: 5, ended: "timeout" });
    expect(stdout.toString()).toBe("tidy\n");
  });

  it.each(["timeout", "cancel"] as const)("at %s takes grandchildren that ignore SIGTERM with it", async (how) => {
    const run = sh("trap '' TERM; (sleep 100 & sleep 100) & sleep 100", { timeout: how === "timeout" ? 300 : 60_000 });
    const started = await spawner.start(run, ignore);
    if (how === "cancel") {
      await eventuallySeen("the grandchildren run", () => processesOfRun(run.id).length >= 4);
      started.cancel();
    }
    expect(await started.end).toMatchObject({ kind: "exited", ended: how });
    expect(processesOfRun(run.id)).toEqual([]);
  });

  it("does not come by a timeout that is endless, or longer than a timer can be", async () => {
    for (const timeout of [Number.POSITIVE_INFINITY, 2 ** 40]) {
      expect((await outcome(sh("sleep 0.1", { timeout }))).end).toMatchObject({ kind: "exited", code: 0 });
    }
  });

  it("wakes a stopped program so that it can end", async () => {
    const run = await spawner.start(sh("kill -STOP $$; sleep 100", { timeout: 200, grace: 20_000 }), ignore);
    expect(await run.end).toMatchObject({ ended: "timeout", signal: "SIGTERM" });
  });

  it("comes soon after the main program's, though others hold its pipes; they are ended and it is said", async () => {
    const run = sh("sleep 100 & echo hi");
    const { end, stdout } = await outcome(run);
    expect(end).toMatchObject({ kind: "exited", code: 0, swept: true });
    expect(stdout.toString()).toBe("hi\n");
    expect(processesOfRun(run.id)).toEqual([]);
  });

  it("waits for what a background process still has to say", async () => {
    const { end, stdout } = await outcome(sh("(sleep 0.15; echo late) & echo early"));
    expect(stdout.toString()).toBe("early\nlate\n");
    expect(end).not.toHaveProperty("swept");
  });

  it("leaves a daemon alone that made a session of its own, and does not wait for it", async () => {
    const run = sh("setsid sleep 100 & echo hi");
    const { end } = await outcome(run);
    const left = processesOfRun(run.id);
    expect(end).toMatchObject({ kind: "exited", code: 0, left });
    expect(left).toHaveLength(1);
    for (const pid of left) process.kill(pid, "SIGKILL");
  });
});

describe("processes that left the group", () => {
  it.each([
    ["at the timeout", { timeout: 300 }, "timeout"],
    ["at the end, though it holds no pipe", {}, undefined],
  ])("are named %s, and not waited for", async (_, fields, ended) => {
    const then = ended === undefined ? "" : "sleep 100";
    const run = sh(`setsid sleep 100 > /dev/null 2>&1 < /dev/null & setsid sleep 101 & ${then}`, {
      grace: 30_000,
      ...fields,
    });
    const { end } = await outcome(run);
    const left = processesOfRun(run.id);
    expect(left).toHaveLength(2);
    expect(end).toMatchObject({ kind: "exited", left });
    if (ended !== undefined) expect(end).toMatchObject({ ended });
    for (const pid of left) process.kill(pid, "SIGKILL");
  });
});

describe("a daemon that comes and goes", () => {
  it("finds a program that ran on without it, with everything that it printed meanwhile", async () => {
    const gate = join(base, "gate");
    const run = sh(`echo one; while [ ! -e ${gate} ]; do sleep 0.02; done; echo two; exit 3`);
    await spawner.start(run, ignore);
    await spawner.close();

    spawner = open();
    const collected = collector();
    const adopted = await spawner.adopt(run.id, collected.take);
    writeFileSync(gate, "");
    const end = await adopted?.end;
    expect(end).toMatchObject({ kind: "exited", code: 3 });
    expect(textOf(collected.parts, end)).toBe("one\ntwo\n");
  });

  it("finds the end of a program that ended without it, when the runner has left long ago", async () => {
    const gate = join(base, "gate");
    const run = sh(`while [ ! -e ${gate} ]; do sleep 0.02; done; echo done`);
    await spawner.start(run, ignore);
    const pid = servingPid();
    await spawner.close();
    writeFileSync(gate, "");
    await eventuallySeen("the runner leaves", () => !isAlive(pid));

    spawner = open();
    const end = await (await spawner.adopt(run.id, ignore))?.end;
    expect(end).toMatchObject({ kind: "exited", code: 0 });
    expect(textOf([], end)).toBe("done\n");
    expect(runnerPid(directory)).toBeUndefined();
  });

  it("keeps its programs when it is killed itself", async () => {
    const run = sh("sleep 0.5; echo survived");
    const daemon = daemonWith(run);
    const started = new Promise((resolve) => daemon.stdout?.once("data", resolve));
    await started;
    const killed = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGKILL");
    await killed;

    const collected = collector();
    const end = await (await spawner.adopt(run.id, collected.take))?.end;
    expect(textOf(collected.parts, end)).toBe("survived\n");
  });
});

describe("a connection to the runner that breaks", () => {
  /** Both ends see it go, as when the system takes it away. It is the only one that this process has to a path, both ways. */
  const breakIt = async (): Promise<void> => {
    const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
    const sockets = handles.filter((handle): handle is Socket => handle instanceof Socket);
    const [socket, ...more] = sockets.filter((one) => one.readable && one.writable && one.remoteAddress === undefined);
    if (socket === undefined || more.length > 0) throw new Error(`${more.length + 1} connections, not one`);
    socket.destroy();
    await new Promise((resolve) => socket.once("close", resolve));
  };

  it("ends nothing: the runs are followed to their end, and what they print is heard", async () => {
    const gate = join(base, "gate");
    const collected = collector();
    const started = await spawner.start(
      sh(`echo one; while [ ! -e ${gate} ]; do sleep 0.02; done; echo two`),
      collected.take,
    );
    const pid = servingPid();
    await breakIt();
    const beside = await outcome(sh("exit 3"));
    expect(beside.end).toMatchObject({ kind: "exited", code: 3 });
    expect(servingPid()).toBe(pid);
    writeFileSync(gate, "");
    const end = await started.end;
    expect(end).toMatchObject({ kind: "exited", code: 0 });
    expect(textOf(collected.parts, end)).toBe("one\ntwo\n");
  });
});

describe("a runner that is killed", () => {
  it("loses its runs, whose groups are ended, and the next start finds a new one", async () => {
    const run = sh("trap '' TERM; (sleep 100 & sleep 100) & sleep 100");
    const started = await spawner.start(run, ignore);
    const first = servingPid();
    process.kill(first, "SIGKILL");
    expect(await started.end).toMatchObject({ kind: "lost" });
    expect(processesOfRun(run.id)).toEqual([]);
    expect((await outcome(sh("exit 4"))).end).toMatchObject({ code: 4 });
    expect(servingPid()).not.toBe(first);
  });

  it("while no daemon was there leaves runs that are lost, and ended when they are adopted", async () => {
    const run = sh("sleep 100");
    await spawner.start(run, ignore);
    const pid = servingPid();
    await spawner.close();
    process.kill(pid, "SIGKILL");
    await eventuallySeen("it is gone", () => !isAlive(pid));

    spawner = open();
    expect(await (await spawner.adopt(run.id, ignore))?.end).toMatchObject({ kind: "lost" });
    expect(processesOfRun(run.id)).toEqual([]);
    expect(await (await spawner.start(run, ignore)).end).toMatchObject({ kind: "lost" });
  });

  it("between mark and start leaves a run that is lost and never started", async () => {
    const run = sh(`touch ${join(base, "ran")}`);
    mkdirSync(join(directory, run.id), { recursive: true });
    writeFileSync(join(directory, run.id, "spec.json"), JSON.stringify(run));
    expect(await (await spawner.start(run, ignore)).end).toMatchObject({ kind: "lost" });
    expect(existsSync(join(base, "ran"))).toBe(false);
  });

  it("before the mark was whole leaves a run that is lost as well", async () => {
    const run = sh("true");
    mkdirSync(join(directory, run.id), { recursive: true });
    writeFileSync(join(directory, run.id, "spec.json"), "{");
    expect(await (await spawner.adopt(run.id, ignore))?.end).toMatchObject({ kind: "lost" });
  });

  it("does not end a stranger that has its program's process id now", async () => {
    const stranger = spawn("sleep", ["100"], { detached: true, stdio: "ignore" });
    const run = sh("true");
    mkdirSync(join(directory, run.id), { recursive: true });
    writeFileSync(join(directory, run.id, "spec.json"), JSON.stringify(run));
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    writeFileSync(
      join(directory, run.id, "started.json"),
      JSON.stringify({ pid: stranger.pid, startTime: "1", boot, at: 0 }),
    );
    expect(await (await spawner.adopt(run.id, ignore))?.end).toMatchObject({ kind: "lost" });
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
    stranger.kill("SIGKILL");
  });
});

describe("the runner", () => {
  it("runs 200 programs at once", async () => {
    const ends = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => outcome(sh(`echo ${i}; exit ${i % 7}`))),
    );
    for (const [i, { end, stdout }] of ends.entries()) {
      expect(end).toMatchObject({ kind: "exited", code: i % 7 });
      expect(stdout.toString()).toBe(`${i}\n`);
    }
  });

  it("is one for two daemons that start at the same time", async () => {
    const second = open();
    const runs: Run[] = await Promise.all([
      spawner.start(sh("sleep 0.2"), ignore),
      second.start(sh("sleep 0.2"), ignore),
    ]);
    // The one that came second says so and goes.
    await eventuallySeen("one runner is left", () => processesIn(directory).length === 1);
    expect(processesIn(directory)).toEqual([servingPid()]);
    for (const run of runs) expect(await run.end).toMatchObject({ code: 0 });
  });

  it("leaves by itself when nobody is connected and nothing runs, and nothing of it stays but its log", async () => {
    const one = sh("exit 0");
    await (await spawner.start(one, ignore)).end;
    const pid = servingPid();
    await spawner.forget(one.id);
    await spawner.close();
    await eventuallySeen("the runner leaves", () => !isAlive(pid));
    expect(readdirSync(directory)).toEqual(["runner.log"]);
  });

  it("stays while a program runs, whatever signal asks it to go", async () => {
    const run = await spawner.start(sh("sleep 0.3; echo ok"), ignore);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(servingPid(), signal);
    expect(await run.end).toMatchObject({ kind: "exited", code: 0 });
  });

  it("is found behind a path that is too long for a socket", async () => {
    directory = join(base, "d".repeat(90), "e".repeat(90), "runs");
    spawner = open();
    expect((await outcome(sh("exit 9"))).end).toMatchObject({ code: 9 });
  });

  it("takes the place of one whose socket was left behind", async () => {
    await (await spawner.start(sh("exit 0"), ignore)).end;
    const pid = servingPid();
    process.kill(pid, "SIGKILL");
    await eventuallySeen("it is gone", () => !isAlive(pid));
    expect(existsSync(join(directory, runnerFile("sock")))).toBe(true);
    spawner = open();
    expect((await outcome(sh("exit 1"))).end).toMatchObject({ code: 1 });
  });

  it("that becomes ready after a command has been taken back keeps no record of that one", async () => {
    const [one, next] = [sh("exit 0"), sh("exit 4")];
    const preparing = spawner.prepare(one.id);
    await spawner.forget(one.id);
    await expect(preparing).rejects.toMatchObject({ code: "runner-lost" });
    // All that was asked of the runner before is done when this one has ended.
    expect((await outcome(next)).end).toMatchObject({ code: 4 });
    expect(await spawner.recorded()).toEqual([next.id]);
  });

  it("that cannot be started is told to everybody who waits for the same command", async () => {
    spawner = openSpawner({ directory, clock: systemClock, log: quiet, runnerPath: "/no/such/runner.js" });
    others.push(spawner);
    const { id } = sh("exit 0");
    const both = await Promise.allSettled([spawner.prepare(id), spawner.prepare(id)]);
    expect(both).toMatchObject([{ reason: { code: "runner-lost" } }, { reason: { code: "runner-lost" } }]);
  });

  it("that cannot be started is a clear error, and the next try is free", async () => {
    spawner = openSpawner({ directory, clock: systemClock, log: quiet, runnerPath: "/no/such/runner.js" });
    others.push(spawner);
    const one = sh("exit 0");
    await expect(spawner.start(one, ignore)).rejects.toMatchObject({ code: "runner-lost" });
    spawner = open();
    expect((await outcome(one)).end).toMatchObject({ code: 0 });
  });
});

describe("a bad request", () => {
  it("ends as not started, in words, and harms no other run of the same daemon", async () => {
    const gate = join(base, "gate");
    const collected = collector();
    const other = await spawner.start(sh(`while [ ! -e ${gate} ]; do sleep 0.02; done; echo done`), collected.take);
    const pid = servingPid();
    // What JSON makes of it is no number.
    const bad = await outcome(sh("echo never", { timeout: Number.NaN }));
    expect(bad.end).toMatchObject({
      kind: "notStarted",
      message: expect.stringContaining('refused it: Error: "start" is not of this protocol'),
    });
    expect((await outcome(sh("exit 3"))).end).toMatchObject({ kind: "exited", code: 3 });
    writeFileSync(gate, "");
    const end = await other.end;
    expect(end).toMatchObject({ kind: "exited", code: 0 });
    expect(textOf(collected.parts, end)).toBe("done\n");
    expect(servingPid()).toBe(pid);
  });

  it("of any kind is answered as what it seems to be, and whoever sent it goes on", async () => {
    const gate = join(base, "gate");
    const alive = sh(`while [ ! -e ${gate} ]; do sleep 0.02; done`);
    const run = await spawner.start(alive, ignore);
    const heard: { type: string; id?: string; pid?: number; fault?: string; end?: RunEnd }[] = [];
    const socket = connect(join(directory, runnerFile("sock")));
    const say = (...lines: readonly unknown[]): void => {
      for (const line of lines) socket.write(`${typeof line === "string" ? line : JSON.stringify(line)}\n`);
    };
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) heard.push(JSON.parse(line));
    });
    say({ type: "hello", version: PROTOCOL_VERSION, env: {}, cwd: "/" });
    say(
      "no JSON",
      "[1]",
      { type: "sing", id: "x" },
      { type: "cancel" },
      { type: "start" },
      { type: "start", spec: null },
    );
    say({ type: "start", spec: { ...alive, argv: [] } });
    say({ type: "start", spec: { ...alive, id: "../x" } }, { type: "start", spec: { id: "a" } });
    say({ type: "adopt", id: "../x" }, { type: "forget", id: "../x" }, { type: "adopt", id: "none" });
    await eventuallySeen("it answers the last", () => heard.some(({ id }) => id === "none"));
    await eventuallySeen("it answers what takes time", () => heard.some(({ type }) => type === "forgotten"));
    expect(heard.map(({ type, id, pid }) => [type, id, ...(type === "started" ? [pid] : [])])).toEqual(
      expect.arrayContaining([
        ["started", "../x", 0],
        ["end", "../x"],
        ["started", "a", 0],
        ["end", "a"],
        ["notHere", "../x"],
        ["forgotten", "../x"],
        ["notHere", "none"],
      ]),
    );
    expect(heard.filter(({ id }) => id === alive.id)).toEqual([]);
    socket.destroy();
    writeFileSync(gate, "");
    expect(await run.end).toMatchObject({ kind: "exited", code: 0 });
  });

  it("before a hello ends the connection", async () => {
    const run = await spawner.start(sh("sleep 0.2"), ignore);
    const socket = connect(join(directory, runnerFile("sock")));
    socket.resume();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("what?\n");
    await closed;
    expect(await run.end).toMatchObject({ kind: "exited", code: 0 });
  });
});

/** Processes whose working directory this is: runners. */
function processesIn(path: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === path;
      } catch {
        return false;
      }
    });
}

/** A daemon of its own, only to be killed: it starts the run and then waits. */
function daemonWith(run: RunSpec): ChildProcess {
  const source = `
    const { connect } = require("node:net");
    const { spawn } = require("node:child_process");
    const { mkdirSync, openSync } = require("node:fs");
    const [directory, runner, spec] = process.argv.slice(1);
    mkdirSync(directory, { recursive: true });
    const log = openSync(directory + "/runner.log", "a");
    const child = spawn(process.execPath, [runner], { cwd: directory, detached: true, stdio: ["ignore", log, log, "pipe"] });
    child.stdio[3].once("data", () => {
      const socket = connect(directory + "/${runnerFile("sock")}");
      socket.write(JSON.stringify({ type: "hello", version: ${PROTOCOL_VERSION}, env: process.env, cwd: "/" }) + "\\n");
      socket.write(JSON.stringify({ type: "start", spec: JSON.parse(spec) }) + "\\n");
      socket.on("data", (chunk) => { if (String(chunk).includes("started")) console.log("started"); });
    });`;
  return spawn(process.execPath, ["-e", source, directory, runner.path, JSON.stringify(run)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

describe("a start that waits in the socket of a stopped runner", () => {
  it("is refused when its time is over, with a record that nothing began, and else goes on", async () => {
    await outcome(sh("exit 0"));
    const pid = servingPid();
    const touched = join(base, "touched");
    const late = sh(`echo late >> ${touched}`, { startWithin: 100 });
    const inTime = sh(`echo in time >> ${touched}`, { startWithin: 60_000 });
    process.kill(pid, "SIGSTOP");
    const starts = [late, inTime].map((run) => spawner.start(run, ignore));
    const asked = hostUptime() ?? 0;
    await eventuallySeen("its time is over", () => (hostUptime() ?? 0) > asked + 200);
    process.kill(pid, "SIGCONT");
    const [refused, begun] = await Promise.all(starts.map(async (start) => (await start).end));
    expect(refused).toMatchObject({ kind: "notStarted", code: "ETIME" });
    expect(begun).toMatchObject({ kind: "exited", code: 0 });
    expect(readFileSync(touched, "utf8")).toBe("in time\n");
  });
});
