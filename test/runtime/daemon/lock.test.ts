import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { StewardError } from "../../../src/message/errors.ts";
import { startTimeOf } from "../../../src/runner/process-group.ts";
import { lockDirectory } from "../../../src/runtime/daemon/lock.ts";
import { built } from "../../harness/built.ts";
import { tempDir } from "../../harness/temp.ts";

function refusal(path: string): StewardError {
  try {
    lockDirectory(path).release();
  } catch (error) {
    expect(error).toBeInstanceOf(StewardError);
    return error as StewardError;
  }
  throw new Error("it was locked");
}

async function left(by: object | string): Promise<string> {
  const path = await tempDir();
  writeFileSync(join(path, "daemon.lock"), typeof by === "string" ? by : JSON.stringify(by));
  return path;
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
    expect(refusal(path)).toMatchObject({ code: "already-running", details: { pid: process.pid, path } });
    lock.release();
    lock.release();
    lockDirectory(path).release();
    expect(readdirSync(path)).toEqual([]);
  });

  it("of a daemon that still lives elsewhere is respected", async () => {
    const other = await process_("-e", "setInterval(() => {}, 1000)");
    const path = await left({ pid: other.pid, began: startTimeOf(other.pid), nonce: "x" });
    expect(refusal(path)).toMatchObject({ code: "already-running", details: { pid: other.pid } });
    expect(existsSync(join(path, "daemon.lock"))).toBe(true);
  });

  it("of a daemon that is dead is taken over", async () => {
    const other = await process_("-e", "");
    const began = startTimeOf(other.pid);
    if (other.exitCode === null) await once(other, "exit");
    const path = await left({ pid: other.pid, began, nonce: "x" });
    const lock = lockDirectory(path);
    expect(JSON.parse(readFileSync(join(path, "daemon.lock"), "utf8"))).toMatchObject({ pid: process.pid });
    lock.release();
    expect(readdirSync(path)).toEqual([]);
  });

  it.runIf(existsSync("/proc/self/stat"))(
    "is not taken for held when its pid was given to another process",
    async () => {
      const other = await process_("-e", "setInterval(() => {}, 1000)");
      for (const began of ["1", `${startTimeOf(other.pid)}0`])
        lockDirectory(await left({ pid: other.pid, began, nonce: "x" })).release();
    },
  );

  it.runIf(existsSync("/proc/self/stat"))(
    "is not taken for held when its pid was given to a process of another user",
    async () => {
      const other = await process_("-e", "setInterval(() => {}, 1000)");
      const denied = vi.spyOn(process, "kill").mockImplementation(() => {
        throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
      });
      onTestFinished(() => denied.mockRestore());
      lockDirectory(await left({ pid: other.pid, began: "1", nonce: "x" })).release();
      expect(refusal(await left({ pid: other.pid, began: startTimeOf(other.pid), nonce: "x" }))).toMatchObject({
        code: "already-running",
        details: { pid: other.pid },
      });
    },
  );

  it.each([
    "",
    "{",
    "null",
    "[]",
    "17",
    '{"pid":"x"}',
    '{"pid":-1,"began":"1"}',
    '{"pid":0,"began":"1"}',
    '{"pid":1e99,"began":null}',
    "\u0000\u0000",
  ])("that says %j is nobody's", async (text) => {
    lockDirectory(await left(text)).release();
  });

  it("is released by its holder only", async () => {
    const path = await tempDir();
    const lock = lockDirectory(path);
    writeFileSync(join(path, "daemon.lock"), "another's");
    lock.release();
    expect(readFileSync(join(path, "daemon.lock"), "utf8")).toBe("another's");
  });

  it("cannot be had where there can be no directory", async () => {
    const path = await tempDir();
    writeFileSync(join(path, "file"), "");
    for (const bad of ["file", "file/below"])
      expect(refusal(join(path, bad))).toMatchObject({ code: "data-directory", details: { path: join(path, bad) } });
    mkdirSync(join(path, "taken", "daemon.lock"), { recursive: true });
    expect(refusal(join(path, "taken")).code).toBe("data-directory");
  });

  it("goes to exactly one of many daemons that find the same stale lock at the same moment", async () => {
    const { main } = await built();
    const root = await tempDir();
    const directories = Array.from({ length: 40 }, (_, i) => join(root, String(i)));
    for (const [i, path] of directories.entries()) {
      mkdirSync(path);
      if (i % 4 > 0)
        writeFileSync(join(path, "daemon.lock"), JSON.stringify({ pid: 2 ** 22 + 1, began: "1", nonce: "stale" }));
    }
    const script = join(root, "contender.mjs");
    writeFileSync(
      script,
      `const { lockDirectory } = await import(${JSON.stringify(join(dirname(main), "../runtime/daemon/lock.js"))});
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
  }, 120_000);
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
