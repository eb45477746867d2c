import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunEnd, RunSpec, Spawner } from "../../src/methods/spawner.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { openSpawner } from "../../src/runner/spawner.ts";
import { bytesOf, collector } from "../contract/spawner.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { buildRunner, isAlive, runnerPid } from "../harness/fleet/runner.ts";
import { tempDir } from "../harness/temp.ts";

/** Programs within their bounds, started by a real runner. */
let runner: Awaited<ReturnType<typeof buildRunner>>;
let base: string;
let directory: string;
let spawner: Spawner;
let count = 0;

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65534, gid: 65534 };
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const spec = (argv: readonly [string, ...string[]], fields: Partial<RunSpec> = {}): RunSpec => ({
  ...{ id: `bounds${process.pid}-${count++}`, argv, timeout: 60_000, grace: 300, head: 32 * 1024, tail: 32 * 1024 },
  ...fields,
});
const sh = (script: string, fields: Partial<RunSpec> = {}): RunSpec => spec(["/bin/sh", "-c", script], fields);

async function outcome(run: RunSpec): Promise<{ end: RunEnd; stdout: string; stderr: string }> {
  const collected = collector();
  const end = await (await spawner.start(run, collected.take)).end;
  const text = (stream: "stdout" | "stderr"): string => bytesOf(stream, collected.parts, end).toString("utf8");
  return { end, stdout: text("stdout"), stderr: text("stderr") };
}

/** All that the runner wrote, to the last file. */
function everythingRecorded(): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1")).join("\n");
}

beforeAll(async () => {
  runner = await buildRunner();
});
afterAll(() => runner.remove());
beforeEach(async () => {
  base = await tempDir();
  directory = join(base, "runs");
  process.env.FLEET_COLOUR = "blue";
  process.env.FLEET_SHAPE = "round";
  spawner = openSpawner({ directory, clock: systemClock, log: quiet, runnerPath: runner.path });
});
afterEach(async () => {
  delete process.env.FLEET_COLOUR;
  delete process.env.FLEET_SHAPE;
  await spawner.close();
  const pid = runnerPid(directory);
  if (pid !== undefined) await eventuallySeen("the runner leaves", () => !isAlive(pid));
});

describe("the environment of a program", () => {
  it("has the usual variables, those that are kept, and its own, and no other", async () => {
    const { stdout } = await outcome(sh("env", { keep: ["FLEET_C*"], env: { MINE: "1" } }));
    const names = stdout.split("\n").map((line) => line.split("=")[0]);
    expect(names).toEqual(expect.arrayContaining(["PATH", "FLEET_COLOUR", "MINE", "STEWARD_RUN"]));
    expect(names.filter((name) => /^(FLEET_SHAPE|VITEST|NODE)/.test(name ?? ""))).toEqual([]);
  });
});

describe.runIf(isRoot)("a program of another user", () => {
  it("has that user and group, and no group of the daemon", async () => {
    const { stdout } = await outcome(sh("id -u; id -g; id -G", { bounds: NOBODY }));
    expect(stdout).toBe("65534\n65534\n65534\n");
  });

  it("may open its output and its input again by name, and reads a script that only root could", async () => {
    const script = 'cat /dev/stdin; echo "first $1"; echo out > /dev/stdout; echo err > /dev/stderr; id -u\n';
    const run = spec(["/bin/sh"], { script, args: ["a b"], input: { text: "in\n", encoding: "utf8" }, bounds: NOBODY });
    const { end, stdout, stderr } = await outcome(run);
    expect([stdout, stderr]).toEqual(["in\nfirst a b\nout\n65534\n", "err\n"]);
    expect(end).toMatchObject({ kind: "exited", code: 0 });
    // The next program, of the daemon's own user, gets pipes of its own.
    expect((await outcome(sh("echo mine > /dev/stdout"))).stdout).toBe("mine\n");
  });

  it("cannot read the runs of others", async () => {
    const { stderr } = await outcome(sh(`ls ${directory}`, { bounds: NOBODY, cwd: "/" }));
    expect(stderr).toContain("Permission denied");
  });
});

describe("limits", () => {
  it("hold before the first instruction, and hold for what the program starts", async () => {
    const limits = { cpu: 7_000, memory: 1024 ** 3, files: 20, fileSize: 4096 };
    const { stdout } = await outcome(sh("cat /proc/self/limits", { bounds: { limits } }));
    expect(stdout).toMatch(/Max cpu time +7 +12 /);
    expect(stdout).toMatch(/Max address space +1073741824 +1073741824 /);
    expect(stdout).toMatch(/Max open files +20 +20 /);
    expect(stdout).toMatch(/Max file size +4096 +4096 /);
  });

  it("end a program that uses more processor time, and one that writes a larger file", async () => {
    const busy = await outcome(sh("while :; do :; done", { bounds: { limits: { cpu: 1_000 } } }));
    expect(busy.end).toMatchObject({ kind: "exited", signal: "SIGXCPU" });
    const large = await outcome(
      sh(`exec head -c 9999 /dev/zero > ${base}/large`, { bounds: { limits: { fileSize: 4096 } } }),
    );
    expect(large.end).toMatchObject({ kind: "exited", signal: "SIGXFSZ" });
    expect(readFileSync(join(base, "large"))).toHaveLength(4096);
  });

  it("never raise those of the daemon", async () => {
    const own = Number(/Max open files +\d+ +(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
    const limits = { files: own + 1000 };
    const { stdout } = await outcome(sh("cat /proc/self/limits", { bounds: { limits } }));
    expect(stdout).toMatch(new RegExp(`Max open files +${own} +${own} `));
  });

  it.runIf(isRoot)("bound the processes of another user", async () => {
    const { stdout, stderr } = await outcome(
      sh("sleep 5 & sleep 5 & sleep 5 & sleep 5 & wait", {
        bounds: { uid: 64_999, gid: 64_999, limits: { processes: 2 } },
      }),
    );
    expect(`${stdout}${stderr}`).toMatch(/fork/i);
  });

  it("leave a missing program a missing program, and one that is no program likewise", async () => {
    const bounds = { limits: { files: 20 } };
    expect((await outcome(spec(["no-such-program"], { bounds }))).end).toMatchObject({
      kind: "notStarted",
      code: "ENOENT",
      message: "program not found: no-such-program",
    });
    writeFileSync(join(base, "plain"), "");
    expect((await outcome(spec([join(base, "plain")], { bounds }))).end).toMatchObject({
      kind: "notStarted",
      code: "EACCES",
    });
  });

  it("are set by a program of the system, whatever the command has on its search path", async () => {
    const fake = join(base, "prlimit");
    writeFileSync(fake, `#!/bin/sh\ntouch ${base}/taken\n`);
    chmodSync(fake, 0o755);
    const { stdout } = await outcome(
      spec(["/bin/echo", "hello"], { env: { PATH: `${base}:/usr/bin:/bin` }, bounds: { limits: { files: 20 } } }),
    );
    expect([stdout, readdirSync(base).includes("taken")]).toEqual(["hello\n", false]);
  });
});

describe("directory and mask", () => {
  it("are those of the bounds", async () => {
    const { stdout } = await outcome(sh("umask; pwd", { cwd: base, bounds: { within: base, umask: 0o027 } }));
    expect(stdout).toBe(`0027\n${base}\n`);
  });

  it("refuse a directory that leads out of the one that is allowed, by .. and by a link", async () => {
    mkdirSync(join(base, "home"));
    symlinkSync("/etc", join(base, "home", "out"));
    const bounds = { within: join(base, "home") };
    for (const cwd of [join(base, "home", "..", ".."), join(base, "home", "out"), "/"]) {
      const { end } = await outcome(sh("pwd", { cwd, bounds }));
      expect(end).toMatchObject({ kind: "notStarted", message: expect.stringContaining("it lies outside") });
    }
  });
});

describe("secrets", () => {
  const secrets = { db: "correct-horse-battery" };

  it("reach the program in arguments, environment, input and script", async () => {
    const check = 'test "$1" = "--password=$2" && test "$PASS" = "$2" && test "$(cat)" = "$2" && test "$2" = secret:db';
    const { end } = await outcome(
      spec(["/bin/bash"], {
        script: `${check} && echo same\n`,
        args: ["--password=secret:db", "secret:db"],
        env: { PASS: "secret:db" },
        input: { text: "secret:db", encoding: "utf8" },
        secrets,
      }),
    );
    expect(end).toMatchObject({ kind: "exited", code: 0 });
  });

  it("are in no file of the run and in no output, also when it comes in pieces, encoded, or as a fault", async () => {
    const script = [
      "printf correct-horse; sleep 0.3; printf -- -battery; echo",
      "printf %s secret:db | base64; printf 'x%s' secret:db | base64; printf %s secret:db | od -An -tx1 | tr -d ' \\n'",
      "echo secret:db >&2; ls /correct-horse-battery/secret:db",
    ].join("\n");
    const run = spec(["/bin/sh"], { script, env: { PASS: "secret:db" }, secrets });
    const { stdout, stderr } = await outcome(run);
    const hex = Buffer.from("correct-horse-battery").toString("hex");
    for (const text of [stdout, stderr, everythingRecorded()]) {
      expect(text).not.toContain("correct-horse");
      expect(text).not.toContain("b3JyZWN0LWhvcnNl");
      expect(text).not.toContain(hex.slice(0, 20));
    }
    expect(stdout.startsWith("[secret:db]\n")).toBe(true);
    const missing = await outcome(spec(["secret:db"], { secrets }));
    expect(missing.end).toMatchObject({ kind: "notStarted", message: "program not found: secret:db" });
  });

  it("are not to be seen in the list of processes where they are in environment, input or script", async () => {
    const script = "cat /proc/$$/cmdline | tr '\\0' ' '; : secret:db\n";
    const { stdout } = await outcome(spec(["/bin/sh"], { script, env: { PASS: "secret:db" }, secrets }));
    expect(stdout).toBe("/bin/sh /dev/fd/3 ");
  });

  it("stand for themselves where the reference is doubled", async () => {
    const { stdout } = await outcome(spec(["echo", "secret::db", "insecret:db"], { secrets: {} }));
    expect(stdout).toBe("secret:db insecret:db\n");
  });
});
