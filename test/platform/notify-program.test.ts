import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NotifyProgram } from "../../src/platform/notify-program.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { tempDir } from "../harness/temp.ts";

/** A directory with a `systemd-notify` that appends what it was called with, and what was said so far. */
async function listening(): Promise<{ path: string; said: () => Promise<string[]> }> {
  const directory = await tempDir();
  const file = join(directory, "said");
  const program = `#!/bin/sh\nprintf '%s %s %s\\n' "$NOTIFY_SOCKET" "$PPID" "$*" >>'${file}'\n`;
  await writeFile(join(directory, "systemd-notify"), program, { mode: 0o755 });
  const said = async () => (await readFile(file, "utf8")).trimEnd().split("\n");
  return { path: `${directory}:/usr/bin:/bin`, said };
}

test("each line reaches systemd-notify, in order, with the socket, from one shell; the last ones too when it is closed at once", async () => {
  const { path, said } = await listening();
  const sender = new NotifyProgram("/run/n", path);
  sender.send("STATUS=a b $(id) 'c'");
  sender.send("READY=1");
  sender.close();
  const lines = await eventuallySeen("two calls", async () => {
    const found = await said();
    return found.length === 2 && found;
  });
  expect(lines.map((line) => line.replace(/ \d+ /, " SHELL "))).toEqual([
    "/run/n SHELL STATUS=a b $(id) 'c'",
    "/run/n SHELL READY=1",
  ]);
  const [first, second] = lines.map((line) => line.split(" ")[1]);
  expect(second).toBe(first);
  // It ends with its input: nobody has to end it.
  await eventuallySeen("no shell", () => !alive(Number(first)));
});

test("a shell that somebody ended is replaced at the next line", async () => {
  const { path, said } = await listening();
  const sender = new NotifyProgram("/run/n", path);
  sender.send("WATCHDOG=1");
  const [first = ""] = await eventuallySeen("a call", said);
  const shell = Number(first.split(" ")[1]);
  process.kill(shell, "SIGKILL");
  await eventuallySeen("no shell", () => !alive(shell));
  await eventuallySeen("another shell", async () => {
    sender.send("WATCHDOG=1");
    return (await said()).some((line) => line.split(" ")[1] !== String(shell));
  });
  sender.close();
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
