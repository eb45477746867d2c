import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LineWriter } from "../../src/observe/line-writer.ts";
import { SimulatedClock, settle } from "../harness/clock.ts";

describe("the writer of lines", () => {
  let directory: string;
  const open: number[] = [];
  const clock = new SimulatedClock();
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "steward-lines-"));
  });
  afterEach(() => {
    for (const fd of open.splice(0)) closeSync(fd);
    expect(clock.armed).toBe(0);
    rmSync(directory, { recursive: true });
  });
  const fd = (path: string, flags: number | string): number => {
    const opened = openSync(path, flags);
    open.push(opened);
    return opened;
  };

  test("writes all lines in order, whole", async () => {
    const path = join(directory, "out");
    const writer = new LineWriter(fd(path, "w"), clock);
    const lines = Array.from({ length: 5_000 }, (_, i) => `${i} ü${"x".repeat(i % 100)}\n`);
    for (const line of lines) writer.write(line);
    await writer.flush();
    expect(readFileSync(path, "utf8")).toBe(lines.join(""));
    expect(writer.lost).toBe(0);
    await writer.flush();
  });

  test.runIf(process.platform === "linux")("counts the lines that a full disk costs, and goes on", async () => {
    const writer = new LineWriter(fd("/dev/full", "w"), clock);
    writer.write("a\n");
    writer.write("b\n");
    await writer.flush();
    expect(writer.lost).toBe(2);
    writer.write("c\n");
    writer.flushNow();
    await writer.flush();
    expect(writer.lost).toBe(3);
  });

  test.runIf(process.platform === "linux")(
    "a reader that stalls costs bounded memory, delays no stop, and loses no line that was taken",
    async () => {
      const path = join(directory, "pipe");
      expect(spawnSync("mkfifo", [path]).status).toBe(0);
      const reader = fd(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const writer = new LineWriter(fd(path, constants.O_WRONLY | constants.O_NONBLOCK), clock);
      const line = `${"x".repeat(9_999)}\n`;
      for (let i = 0; i < 2_000; i++) writer.write(line);
      expect(writer.lost).toBeGreaterThan(1_000);
      const taken = 2_000 - writer.lost;
      let flushed = false;
      const flushing = writer.flush().then(() => {
        flushed = true;
      });
      while (!flushed) {
        await settle();
        await clock.advance(100);
      }
      await flushing;

      const buffer = Buffer.alloc(1024 * 1024);
      let bytes = 0;
      for (let i = 0; i < 20_000 && bytes < taken * line.length; i++) {
        try {
          bytes += readSync(reader, buffer);
        } catch (error) {
          expect(error).toMatchObject({ code: "EAGAIN" });
        }
        await clock.advance(20);
      }
      expect(bytes).toBe(taken * line.length);
      await writer.flush();
    },
  );

  test("hands over what waits at once when the process is about to end", () => {
    const path = join(directory, "out");
    const writer = new LineWriter(fd(path, "w"), clock);
    writer.write("first\n");
    writer.write("last\n");
    writer.flushNow();
    expect(readFileSync(path, "utf8")).toContain("last\n");
    return writer.flush();
  });
});
