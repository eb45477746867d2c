import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { StewardError } from "../../../src/message/errors.ts";
import { lockDirectory, lockHolder } from "../../../src/runtime/daemon/lock.ts";
import { built } from "../../harness/built.ts";
import { tempDir } from "../../harness/temp.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

function refusal(path: string): StewardError {
  try {
    lockDirectory(path).release();
  } catch (error) {
    expect(error).toBeInstanceOf(StewardError);
    return error as StewardError;
  }
  throw new Error("it was locked");
}

/** What comes of an attempt by another process. */
async function contend(program: string, args: string[], path: string): Promise<string> {
  const dist = join(dirname((await built()).main), "..");
  const script = `const { lockDirectory } = await import(${JSON.stringify(join(dist, "runtime/daemon/lock.js"))});
    try { lockDirectory(${JSON.stringify(path)}); process.stdout.write("locked"); }
    catch (error) { process.stdout.write(error.code ?? String(error)); }`;
  const child = spawn(program, [...args, process.execPath, "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await once(child, "close");
  return said;
}

/** A process that lives until the test is over. */
async function process_(...args: string[]): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  });
  await once(child, "spawn");
  return child as ChildProcess & { readonly pid: number };
}

describe("the lock of a data directory", () => {
  it("is held by one, who is named to the second, until it is released", async () => {
    const path = join(await tempDir(), "new", "deep");
    const lock = lockDirectory(path);
    expect(refusal(path)).toMatchObject({ code: "already-running", details: { pid: `${process.pid}`, path } });
    expect(lockHolder(path)).toBe(`${process.pid}`);
    lock.release();
    lock.release();
    expect(lockHolder(path)).toBeUndefined();
    lockDirectory(path).release();
    expect(readFileSync(join(path, "daemon.lock"), "utf8")).toBe("");
  });

  it("is not lost with its file", async () => {
    const path = await tempDir();
    const lock = lockDirectory(path);
    rmSync(join(path, "daemon.lock"));
    expect(refusal(path).code).toBe("already-running");
    lock.release();
    lockDirectory(path).release();
  });

  it.runIf(process.getuid?.() === 0)("holds for a daemon that cannot see the process that has it", async () => {
    const path = await tempDir();
    const lock = lockDirectory(path);
    expect(await contend("unshare", ["-pf", "--mount-proc"], path)).toBe("already-running");
    lock.release();
    expect(await contend("unshare", ["-pf", "--mount-proc"], path)).toBe("locked");
  });

  it("goes with a daemon that is killed, though programs that it started live on", async () => {
    const path = await tempDir();
    const dist = join(dirname((await built()).main), "..");
    const script = `const { lockDirectory } = await import(${JSON.stringify(join(dist, "runtime/daemon/lock.js"))});
      const { spawn } = await import("node:child_process");
      lockDirectory(${JSON.stringify(path)});
      const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
      process.stdout.write(child.pid + "\\n");
      setInterval(() => {}, 1000);`;
    const other = await process_("--input-type=module", "-e", script);
    const outlives = Number((await linesOf(other).next()).value);
    onTestFinished(() => void process.kill(outlives, "SIGKILL"));
    expect(refusal(path)).toMatchObject({ code: "already-running", details: { pid: `${other.pid}` } });
    const gone = once(other, "exit");
    other.kill("SIGKILL");
    await gone;
    expect(process.kill(outlives, 0)).toBe(true);
    expect(lockHolder(path)).toBeUndefined();
    lockDirectory(path).release();
  });

  it.each(["", "{", "null", "[]", "17", '{"pid":"x"}', '{"pid":-1}', "\u0000\u0000", `{"pid":${process.pid}}`])(
    "is not held by a file that says %j",
    async (text) => {
      const path = await tempDir();
      writeFileSync(join(path, "daemon.lock"), text);
      expect(lockHolder(path)).toBeUndefined();
      lockDirectory(path).release();
    },
  );

  it("cannot be had where there can be no directory", async () => {
    const path = await tempDir();
    writeFileSync(join(path, "file"), "");
    for (const bad of ["file", "file/below"])
      expect(refusal(join(path, bad))).toMatchObject({ code: "data-directory", details: { path: join(path, bad) } });
    mkdirSync(join(path, "taken", "daemon.lock"), { recursive: true });
    expect(refusal(join(path, "taken")).code).toBe("data-directory");
  });

  it("goes to exactly one of many daemons that begin at the same moment", async () => {
    const dist = join(dirname((await built()).main), "..");
    const root = await tempDir();
    const directories = Array.from({ length: 12 }, (_, i) => join(root, String(i)));
    for (const [i, path] of directories.entries()) {
      mkdirSync(path);
      if (i % 4 > 0) writeFileSync(join(path, "daemon.lock"), JSON.stringify({ pid: 2 ** 22 + 1, host: "stale" }));
    }
    const script = join(root, "contender.mjs");
    writeFileSync(
      script,
      `const { lockDirectory } = await import(${JSON.stringify(join(dist, "runtime/daemon/lock.js"))});
       const directories = ${JSON.stringify(directories)};
       process.stdout.write("ready\\n");
       const start = Number(await new Promise((resolve) => process.stdin.once("data", resolve)));
       const results = directories.map((path, i) => {
         while (Date.now() < start + i * 5);
         try { lockDirectory(path); return "locked"; } catch (error) { return error.code ?? String(error); }
       });
       process.stdout.write(JSON.stringify(results) + "\\n");
       process.stdin.on("end", () => process.exit(0)).resume();`,
    );
    const contenders = await Promise.all(Array.from({ length: 4 }, () => process_(script)));
    const lines = contenders.map((child) => linesOf(child));
    for (const line of lines) expect((await line.next()).value).toBe("ready");
    const at = Date.now() + 200;
    for (const child of contenders) child.stdin?.write(String(at));
    const results = await Promise.all(
      lines.map(async (line) => JSON.parse((await line.next()).value ?? "") as string[]),
    );
    for (const child of contenders) child.stdin?.end();
    await Promise.all(contenders.map((child) => child.exitCode ?? once(child, "exit")));
    for (const [i] of directories.entries()) {
      expect(results.map((result) => result[i]).sort()).toEqual([
        "already-running",
        "already-running",
        "already-running",
        "locked",
      ]);
    }
    // Nothing but the locks is left.
    expect(directories.flatMap((path) => readdirSync(path)).filter((name) => name !== "daemon.lock")).toEqual([]);
  });
});

async function* linesOf(child: ChildProcess): AsyncGenerator<string, string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
  return text;
}
