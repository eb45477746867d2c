import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openClient } from "../../src/api/client.ts";
import { openApi } from "../../src/api/server.ts";
import { settle } from "../harness/clock.ts";
import { type FakeOperations, fakeOperations, openDoor } from "../harness/fake-operations.ts";
import { listLog } from "../harness/list-log.ts";

describe("the API's socket", () => {
  let directory: string;
  let path: string;
  let operations: FakeOperations;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "steward-socket-"));
    path = join(directory, "api.sock");
    operations = fakeOperations();
  });
  afterEach(async () => {
    expect(operations.clock.armed).toBe(0);
    await rm(directory, { recursive: true });
  });
  const open = (at = path) =>
    openApi({
      operations,
      reception: openDoor(operations),
      daemon: { header: "central" },
      path: at,
      clock: operations.clock,
      log: listLog(),
    });
  const client = () => openClient({ socket: path, clock: operations.clock });

  test("belongs to its owner alone, in a directory made for it, and is gone after the stop", async () => {
    const nested = join(directory, "a", "b", "api.sock");
    const umask = process.umask();
    const api = await open(nested);
    expect((await stat(nested)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "a"))).mode & 0o777).toBe(0o700);
    expect(process.umask()).toBe(umask);
    await Promise.all([api.stop(), api.stop()]);
    await expect(stat(nested)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("is for the daemon's group as well where the configuration says so", async () => {
    const nested = join(directory, "a", "api.sock");
    const { clock } = operations;
    const api = await openApi({
      daemon: { header: "central" },
      operations,
      reception: openDoor(operations),
      path: nested,
      access: "group",
      clock,
      log: listLog(),
    });
    expect((await stat(nested)).mode & 0o777).toBe(0o660);
    expect((await stat(join(directory, "a"))).mode & 0o777).toBe(0o750);
    await api.stop();
  });

  test("of a daemon that was killed is replaced", async () => {
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    expect(spawnSync(process.execPath, ["-e", script]).signal).toBe("SIGKILL");
    expect((await stat(path)).isSocket()).toBe(true);
    const api = await open();
    expect((await client().health()).node).toBe("central");
    await api.stop();
  });

  test("of a living daemon is refused with its process id, and that daemon goes on", async () => {
    const api = await open();
    await expect(open()).rejects.toMatchObject({
      code: "already-running",
      details: { pid: String(process.pid), path },
    });
    expect((await client().health()).ok).toBe(true);
    await api.stop();
  });

  test("of something that listens and does not answer is refused too, after a second", async () => {
    const held: Socket[] = [];
    const mute = createServer((connection) => void held.push(connection));
    await new Promise<void>((resolve) => mute.listen(path, resolve));
    const refused = expect(open()).rejects.toMatchObject({ code: "already-running", details: { pid: "unknown" } });
    while (operations.clock.armed === 0) await settle();
    await operations.clock.advance(1_000);
    await refused;
    for (const connection of held) connection.destroy();
    await new Promise<void>((resolve) => mute.close(() => resolve()));
  });

  test("is not made over a file that is something else, nor where it cannot be", async () => {
    await writeFile(path, "precious");
    await expect(open()).rejects.toMatchObject({ code: "data-directory" });
    expect(await readFile(path, "utf8")).toBe("precious");
    await expect(open(join(path, "below", "api.sock"))).rejects.toMatchObject({ code: "data-directory" });
  });

  test("with a path longer than the system takes is refused, not cut off", async () => {
    const long = join(directory, "x".repeat(100));
    await mkdir(long);
    await expect(open(join(long, "api.sock"))).rejects.toMatchObject({
      code: "data-directory",
      details: { fault: expect.stringContaining("the system allows") },
    });
  });

  test("lets a request that is under way finish before it closes", async () => {
    const api = await open();
    let release: (value: { changes: string[]; needRestart: string[] }) => void = () => undefined;
    operations.reload = () => new Promise((resolve) => (release = resolve));
    const called = new Promise<void>((resolve) => {
      const original = operations.reload;
      operations.reload = () => {
        resolve();
        return original();
      };
    });
    const answer = client().reload();
    await called;
    const stopped = api.stop();
    release({ changes: ["log.level"], needRestart: [] });
    expect((await answer).changes).toEqual(["log.level"]);
    await stopped;
  });

  test("is closed after two seconds over a request that never ends", async () => {
    const api = await open();
    const called = new Promise<void>((resolve) => {
      operations.reload = () => {
        resolve();
        return new Promise(() => undefined);
      };
    });
    const answer = expect(client().reload()).rejects.toMatchObject({ code: "no-daemon", details: { socket: path } });
    await called;
    const stopped = api.stop();
    await operations.clock.advance(2_000);
    await Promise.all([stopped, answer]);
  });
});
