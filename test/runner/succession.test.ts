import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../src/message/clock.ts";
import type { RunSpec, Spawner } from "../../src/methods/spawner.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { startTimeOf } from "../../src/runner/process-group.ts";
import { PROTOCOL_VERSION } from "../../src/runner/protocol.ts";
import { openSpawner } from "../../src/runner/spawner.ts";
import { collector, textOf } from "../contract/spawner.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { buildRunner, isAlive, killRun, processesOfRun, runnerPid } from "../harness/fleet/runner.ts";
import { tempDir } from "../harness/temp.ts";

/** Who takes over from whom: daemons, runners, versions, boots of the host. With real processes. */
let runner: Awaited<ReturnType<typeof buildRunner>>;
let directory: string;
let spawner: Spawner;
let others: Spawner[];
let count = 0;

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
/** Waits a twentieth of what it is told, so that nobody waits for what does not answer. */
const hasty: Clock = { ...systemClock, setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms / 20) };
const open = (clock: Clock = systemClock): Spawner => {
  const opened = openSpawner({ directory, clock, log: quiet, runnerPath: runner.path });
  others.push(opened);
  return opened;
};
const ignore = (): void => undefined;
const sh = (script: string, fields: Partial<RunSpec> = {}): RunSpec => ({
  id: `next${process.pid}-${count++}`,
  argv: ["/bin/sh", "-c", script],
  timeout: 60_000,
  grace: 300,
  head: 1024,
  tail: 1024,
  ...fields,
});
const gated = (gate: string): string => `echo one; while [ ! -e ${gate} ]; do sleep 0.02; done; echo two`;

/** Leaves a run as a daemon and a runner do that died right after they had set its mark. */
function marked(id: string, fields: object = {}): void {
  mkdirSync(join(directory, id), { recursive: true });
  writeFileSync(join(directory, id, "spec.json"), JSON.stringify({ format: 1, grace: 200, ...fields }));
}

beforeAll(async () => {
  runner = await buildRunner();
});
afterAll(() => runner.remove());
beforeEach(async () => {
  directory = join(await tempDir(), "runs");
  others = [];
  spawner = open();
});
afterEach(async () => {
  for (const each of others) await each.close();
  const pid = runnerPid(directory);
  if (pid !== undefined) await eventuallySeen("the runner leaves", () => !isAlive(pid));
});

describe("a run of which nothing is recorded", () => {
  it("may have begun: that its folder is not there is no proof", async () => {
    const gate = join(directory, "gate");
    const run = sh(gated(gate));
    await spawner.prepare(run.id);
    await spawner.start(run, ignore);
    expect(await spawner.isOnlyPrepared(run.id)).toBe(false);
    const { pid = 0 } = { pid: runnerPid(directory) };
    await spawner.close();
    process.kill(pid, "SIGKILL");
    await eventuallySeen("it is gone", () => !isAlive(pid));
    rmSync(join(directory, run.id), { recursive: true });
    spawner = open();
    expect(await spawner.adopt(run.id, ignore)).toBeUndefined();
    expect(await spawner.isOnlyPrepared(run.id)).toBe(false);
    killRun(run.id);
  });

  it("but that it was prepared never began, as long as the host was not restarted", async () => {
    const run = sh("echo hi");
    await spawner.prepare(run.id);
    await spawner.close();
    spawner = open();
    expect(await spawner.isOnlyPrepared(run.id)).toBe(true);
    writeFileSync(join(directory, run.id, "prepared"), "another boot");
    expect(await spawner.isOnlyPrepared(run.id)).toBe(false);
    expect(await (await spawner.start(run, ignore)).end).toMatchObject({ kind: "exited", code: 0 });
  });

  it("is lost when it removes its folder and kills its runner, however often it is asked for, and begins once", async () => {
    const ran = join(directory, "..", "ran");
    const run = sh(`echo x >> ${ran}; rm -r ${directory}/$STEWARD_RUN; kill -9 $PPID; sleep 100`);
    const started = await spawner.start(run, ignore);
    expect(await started.end).toMatchObject({ kind: "lost" });
    expect(readFileSync(ran, "utf8")).toBe("x\n");
    killRun(run.id);
  });
});

describe("a record", () => {
  it("that cannot be read makes a run lost, not failed", async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "unreadable"), "");
    expect(await (await spawner.adopt("unreadable", ignore))?.end).toMatchObject({
      kind: "lost",
      message: expect.stringContaining("cannot be read"),
    });
  });

  it("of another host or boot names a process that is left alone, though number and start agree", async () => {
    const stranger = spawn("sleep", ["100"], { detached: true, stdio: "ignore" });
    try {
      const { pid = 0 } = stranger;
      marked("copied");
      const started = { pid, startTime: startTimeOf(pid), boot: "another", at: 0 };
      writeFileSync(join(directory, "copied", "started.json"), JSON.stringify(started));
      expect(await (await spawner.adopt("copied", ignore))?.end).toEqual({
        kind: "lost",
        message: "the host restarted before its end was recorded",
      });
      expect(isAlive(pid)).toBe(true);
    } finally {
      stranger.kill("SIGKILL");
    }
  });

  it("without a process id, for its runner died in between, does not let the program go on unseen", async () => {
    const run = sh("true");
    marked(run.id);
    const orphan = spawn("sh", ["-c", "trap '' TERM; sleep 100 & sleep 100"], {
      detached: true,
      stdio: "ignore",
      env: { ...process.env, STEWARD_RUN: run.id },
    });
    await eventuallySeen("all of it runs", () => processesOfRun(run.id).length === 3);
    expect(await (await spawner.adopt(run.id, ignore))?.end).toMatchObject({ kind: "lost" });
    expect(processesOfRun(run.id)).toEqual([]);
    expect(orphan.pid).toBeGreaterThan(0);
  });
});

describe("while no daemon is there", () => {
  it("a timeout ends what runs, and the next daemon is told when", async () => {
    const run = sh("trap '' TERM; (sleep 100 & sleep 100) & sleep 100", { timeout: 300 });
    const before = Date.now();
    await spawner.start(run, ignore);
    await spawner.close();
    await eventuallySeen("the deadline holds", () => processesOfRun(run.id).length === 0);
    const over = Date.now();

    spawner = open();
    const end = await (await spawner.adopt(run.id, ignore))?.end;
    expect(end).toMatchObject({ kind: "exited", ended: "timeout", signal: "SIGKILL" });
    if (end?.kind !== "exited") throw new Error("it did not exit");
    expect(end.startedAt).toBeGreaterThanOrEqual(before);
    expect(end.at).toBeLessThanOrEqual(over + 2000);
  });
});

describe("the runner", () => {
  it("that does not answer is asked again, and what it has is not called lost", async () => {
    const gate = join(directory, "gate");
    const run = sh(gated(gate));
    await spawner.start(run, ignore);
    await spawner.close();
    const pid = runnerPid(directory) ?? 0;
    process.kill(pid, "SIGSTOP");
    try {
      spawner = open(hasty);
      const collected = collector();
      const adopted = spawner.adopt(run.id, collected.take);
      const settled = adopted.then(() => true);
      // Longer than it is given to say hello, and than the pause before it is asked again.
      const enough = new Promise<boolean>((resolve) => hasty.setTimeout(() => resolve(false), 25_000));
      expect(await Promise.race([settled, enough])).toBe(false);
      process.kill(pid, "SIGCONT");
      const end = (await adopted)?.end;
      writeFileSync(gate, "");
      expect(await end).toMatchObject({ kind: "exited", code: 0 });
      expect(textOf(collected.parts, await end)).toBe("one\ntwo\n");
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });

  it("is the last to go when memory is short, where it may be; what it starts is not", async () => {
    const rank = (pid: number | "self"): string => readFileSync(`/proc/${pid}/oom_score_adj`, "utf8").trim();
    const may = spawnSync("sh", ["-c", "echo -900 > /proc/self/oom_score_adj"]).status === 0;
    const run = await spawner.start(sh("cat /proc/self/oom_score_adj; sleep 100"), ignore);
    expect(rank(run.pid)).toBe(rank("self"));
    expect(rank(runnerPid(directory) ?? 0)).toBe(may ? "-900" : rank("self"));
    run.cancel();
    await run.end;
  });

  it("refuses a request that makes no sense, and serves the next", async () => {
    const tail = "no number" as unknown as number;
    const refused = await spawner.start(sh("echo hi", { head: 0, tail }), ignore);
    expect(await refused.end).toMatchObject({ kind: "notStarted" });
    expect(await (await spawner.start(sh("true"), ignore)).end).toMatchObject({ kind: "exited", code: 0 });
  });
});

describe("a runner of another version", () => {
  /** The runner as another release has it. */
  async function launchOther(version: number): Promise<number> {
    const root = await tempDir();
    cpSync(join(runner.path, "../../.."), root, { recursive: true });
    writeFileSync(join(root, "package.json"), '{"type":"module"}');
    const protocol = join(root, "runner/protocol.js");
    const text = readFileSync(protocol, "utf8");
    const own = `PROTOCOL_VERSION = ${PROTOCOL_VERSION};`;
    expect(text).toContain(own);
    writeFileSync(protocol, text.replace(own, `PROTOCOL_VERSION = ${version};`));
    mkdirSync(directory, { recursive: true });
    const main = join(root, "runner/process/main.js");
    const child = spawn(process.execPath, [main], {
      cwd: directory,
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    await new Promise((resolve) => child.stdio[3]?.once("data", resolve));
    child.unref();
    return child.pid ?? 0;
  }

  /** Starts a run by it, as a daemon of that version does. */
  function startBy(version: number, run: RunSpec): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(join(directory, `runner-${version}.sock`));
      socket.once("error", reject);
      socket.write(`${JSON.stringify({ type: "hello", version, env: process.env, cwd: "/" })}\n`);
      socket.write(`${JSON.stringify({ type: "start", spec: run })}\n`);
      socket.on("data", (chunk) => {
        if (!String(chunk).includes("started")) return;
        socket.destroy();
        resolve();
      });
    });
  }

  it.each([
    ["older", 0],
    ["newer", 7],
  ])("(%s) keeps what it has until it has ended; what is new is started by one of this version", async (_, version) => {
    const gate = join(directory, "gate");
    const [first, second] = [sh(gated(gate)), sh(gated(gate))];
    const pid = await launchOther(version);
    await startBy(version, first);
    await startBy(version, second);

    const collected = collector();
    const adopted = await spawner.adopt(first.id, collected.take);
    expect(adopted?.pid).toBeGreaterThan(0);
    expect(await spawner.adopt(`${first.id}never`, ignore)).toBeUndefined();
    expect(await (await spawner.start(sh("echo new"), ignore)).end).toMatchObject({ kind: "exited", code: 0 });
    expect(runnerPid(directory)).not.toBe(pid);
    // A start of what another runner has finds it there.
    const again = await spawner.start(second, ignore);
    expect(processesOfRun(second.id)).not.toEqual([]);
    again.cancel();
    expect(await again.end).toMatchObject({ kind: "exited", ended: "cancel" });

    writeFileSync(gate, "");
    const end = await adopted?.end;
    expect(end).toMatchObject({ kind: "exited", code: 0 });
    expect(textOf(collected.parts, end)).toBe("one\ntwo\n");
    await eventuallySeen("the other runner leaves", () => !isAlive(pid));
    await spawner.forget(first.id);
    expect(await spawner.adopt(first.id, ignore)).toBeUndefined();
  });

  it("that was killed leaves its runs lost, and ended", async () => {
    const run = sh("trap '' TERM; sleep 100");
    const pid = await launchOther(7);
    await startBy(7, run);
    process.kill(pid, "SIGKILL");
    await eventuallySeen("it is gone", () => !isAlive(pid));
    expect(await (await spawner.adopt(run.id, ignore))?.end).toMatchObject({ kind: "lost" });
    expect(processesOfRun(run.id)).toEqual([]);
    expect(existsSync(join(directory, "runner-7.sock"))).toBe(false);
  });
});
