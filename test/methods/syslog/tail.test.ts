import {
  appendFile,
  copyFile,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import { Losses } from "../../../src/methods/syslog/losses.ts";
import { rotatedName } from "../../../src/methods/syslog/rotation.ts";
import { Tail } from "../../../src/methods/syslog/tail.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { RecordingContext, temporaryDirectories } from "./harness.ts";

const directory = temporaryDirectories();
const tails: Tail[] = [];
afterEach(async () => {
  for (const tail of tails.splice(0)) await tail.close();
});

async function place() {
  const path = join(await directory(), "access.log");
  const clock = new SimulatedClock();
  const follow = (checkpoint?: Json) => {
    const context = new RecordingContext({ clock, checkpoint });
    const tail = new Tail(path, context, new Losses(context));
    tails.push(tail);
    return { tail, context };
  };
  /** As after a crash: a new one goes on from what the old one's journal kept. */
  const restart = async (from: { tail: Tail; context: RecordingContext }) => {
    await from.tail.close();
    return follow(from.context.checkpoint);
  };
  return { path, clock, follow, restart };
}

describe("the beginning", () => {
  it("is the end of a file that nobody followed before, at a whole line", async () => {
    const { path, follow } = await place();
    await writeFile(path, "old\nhalf");
    const { tail, context } = follow();
    await tail.pass();
    expect(context.texts).toEqual([]);
    expect(context.said.some(({ text }) => text.includes("from its end"))).toBe(true);
    await appendFile(path, " line\nnew\n");
    await tail.pass();
    expect(context.texts).toEqual(["half line", "new"]);
  });

  it("is the beginning of a file that appears later", async () => {
    const { path, follow } = await place();
    const { tail, context } = follow();
    expect(await tail.pass()).toEqual({ kind: "absent" });
    await writeFile(path, "first\n");
    expect(await tail.pass()).toEqual({ kind: "following" });
    expect(context.texts).toEqual(["first"]);
  });

  it("is remembered before the first line: what is written while nobody looks is read", async () => {
    const { path, follow, restart } = await place();
    await writeFile(path, "old\n");
    const first = follow();
    await first.tail.pass();
    await appendFile(path, "while down\n");
    const second = await restart(first);
    await second.tail.pass();
    expect(second.context.texts).toEqual(["while down"]);
  });

  it("is the beginning of a file that came while nobody looked, if it was awaited", async () => {
    const { path, follow, restart } = await place();
    const first = follow();
    await first.tail.pass();
    await writeFile(path, "while down\n");
    const second = await restart(first);
    await second.tail.pass();
    expect(second.context.texts).toEqual(["while down"]);
  });

  it("is the end when the checkpoint cannot be read, and that is said", async () => {
    const { path, follow } = await place();
    await writeFile(path, "old\n");
    for (const checkpoint of [7, { files: [{}] }, { files: 1 }, []]) {
      const { tail, context } = follow(checkpoint);
      await tail.pass();
      expect(context.texts).toEqual([]);
      expect(context.said.some(({ level, text }) => level === "warn" && text.includes("checkpoint"))).toBe(true);
    }
  });
});

/** A file that is followed from its first byte. */
async function followed() {
  const made = await place();
  const start = made.follow();
  await start.tail.pass();
  return { ...made, ...start };
}

describe("a file that grows", () => {
  it("has its lines handed over when they are whole", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\r\ntw");
    await tail.pass();
    expect(context.texts).toEqual(["one"]);
    await appendFile(path, "o\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two"]);
  });

  it("is read in events of bounded size, however much there is", async () => {
    const { path, tail, context } = await followed();
    const lines = Array.from({ length: 5_000 }, (_, i) => `${i} ${"x".repeat(i % 300)}`);
    await writeFile(path, `${lines.join("\n")}\n`);
    await tail.pass();
    expect(context.texts).toEqual(lines);
    for (const event of context.events) {
      expect(event.length).toBeLessThanOrEqual(500);
      expect(event.reduce((sum, line) => sum + line.text.length, 0)).toBeLessThanOrEqual(64 * 1024);
    }
  });

  it("is read again after the last durable line when an event could not be kept", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await appendFile(path, "two\nthree\n");
    context.broken = new Error("crash");
    await expect(tail.pass()).rejects.toThrow("crash");
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(context.texts).toEqual(["one"]);
    expect(second.context.texts).toEqual(["two", "three"]);
  });

  it("counts bytes that are not UTF-8", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, Buffer.from([0x63, 0xe9, 0x0a]));
    await tail.pass();
    expect(context.texts).toEqual(["c\ufffd"]);
    expect(context.drops.get("not-utf8")).toBe(1);
  });
});

describe("rotation by renaming", () => {
  it("reads the old file to its end, late lines included, and its last line without an end when it is quiet", async () => {
    const { path, tail, context, clock } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await appendFile(path, "two\n");
    await rename(path, `${path}.1`);
    await writeFile(path, "three\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two", "three"]);
    await appendFile(`${path}.1`, "late\nlast");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two", "three", "late"]);
    await clock.advance(10_000);
    await tail.pass();
    expect(context.texts).toEqual(["one", "two", "three", "late", "last"]);
    await appendFile(path, "four\n");
    await tail.pass();
    expect(context.texts.at(-1)).toBe("four");
  });

  it("waits with the old file while there is no new one", async () => {
    const { path, tail, context, clock } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await rename(path, `${path}.1`);
    expect(await tail.pass()).toEqual({ kind: "absent" });
    await appendFile(`${path}.1`, "late\n");
    await clock.advance(60_000);
    await tail.pass();
    await writeFile(path, "two\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "late", "two"]);
  });

  it.each([["numbered"], ["dated"]])("is noticed after the daemon was down, several times over: %s", async (style) => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await appendFile(path, "two\n");
    const name = (n: number): string => (style === "numbered" ? `${path}.${4 - n}` : `${path}-2026112${n}`);
    await rename(path, name(1));
    await writeFile(name(2), "three\n");
    await writeFile(name(3), "four\nfive\n");
    await writeFile(path, "six\n");
    await writeFile(`${path}.bak`, "not a rotation\n");
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(["two", "three", "four", "five", "six"]);
  });

  it("is noticed when it happened twice between two looks", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await rename(path, `${path}.2`);
    await writeFile(`${path}.1`, "two\n");
    await writeFile(path, "three\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two", "three"]);
  });

  it("goes on from both files after a crash in the midst of it", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await rename(path, `${path}.1`);
    await writeFile(path, "two\n");
    await tail.pass();
    await appendFile(`${path}.1`, "late\n");
    await appendFile(path, "three\n");
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(["late", "three"]);
  });

  it("replaces a file by another of the same name", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await writeFile(`${path}.new`, "two\n");
    await rename(`${path}.new`, path);
    await tail.pass();
    expect(context.texts).toEqual(["one", "two"]);
  });

  it("does not hold the space of a removed file for ever, and hands over its last line", async () => {
    const { path, tail, context, clock } = await followed();
    await writeFile(path, "one\nlast");
    await tail.pass();
    await rm(path);
    await tail.pass();
    await clock.advance(10_000);
    await tail.pass();
    expect(context.texts).toEqual(["one", "last"]);
    expect(context.checkpoint).toMatchObject({ files: [], known: [] });
  });

  it("says so when the file that was followed is gone after a restart", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await rename(path, `${path}.elsewhere`);
    await writeFile(path, "two\n");
    await tail.close();
    await rm(`${path}.elsewhere`);
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(["two"]);
    expect(second.context.alerts).toHaveLength(1);
    expect(second.context.alerts[0]?.code).toBe("log-lines-lost");
    expect(second.context.alerts[0]?.text).toMatch(
      /read up to byte 4 .* was moved away, deleted or written anew between 2.*Z and 2.*Z.*: lines that it got since are lost/,
    );
  });

  it("does not take a file for the old one only because it has its inode", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    // The same inode with other bytes, as when the file system gives it again.
    await writeFile(path, "another, longer than the first\n");
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(["another, longer than the first"]);
  });
});

describe("rotation by copying and truncating", () => {
  it("starts again at the beginning, and finds what was not read in the copy", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await appendFile(path, "two\n");
    await copyFile(path, `${path}.1`);
    await truncate(path, 0);
    await appendFile(path, "3\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two", "3"]);
  });

  it("is noticed even when the file has grown beyond what was read", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await truncate(path, 0);
    await appendFile(path, "two, and longer than before\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two, and longer than before"]);
  });

  it("is noticed after the daemon was down, several times over", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await appendFile(path, "two\n");
    await copyFile(path, `${path}.2`);
    await writeFile(path, "three\n");
    await copyFile(path, `${path}.1`);
    await writeFile(path, "four\n");
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(["two", "three", "four"]);
  });

  it("does not send a copy that somebody made before", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\n");
    await copyFile(path, `${path}.1`);
    await appendFile(path, "two\n");
    await tail.pass();
    await truncate(path, 0);
    await appendFile(path, "3\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two", "3"]);
  });

  it("skips the hole of a program that writes on at its old place", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await truncate(path, 0);
    await truncate(path, 200_000);
    await appendFile(path, "two\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two"]);
  });
});

describe("what cannot be read", () => {
  it("is named: a directory, a path through a file", async () => {
    const { path, follow } = await place();
    const { tail } = follow();
    await mkdir(path);
    expect(await tail.pass()).toEqual({ kind: "fault", code: "EISDIR" });
    await rm(path, { recursive: true });
    await writeFile(path, "");
    const through = new Tail(join(path, "x"), new RecordingContext(), new Losses(new RecordingContext()));
    expect(await through.pass()).toEqual({ kind: "fault", code: "ENOTDIR" });
  });

  it("does not end the reading of the file that was there before", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await rename(path, `${path}.1`);
    await mkdir(path);
    await appendFile(`${path}.1`, "late\n");
    expect(await tail.pass()).toEqual({ kind: "fault", code: "EISDIR" });
    expect(context.texts).toEqual(["one", "late"]);
  });
});

it("follows links, symbolic and hard, to where they lead", async () => {
  const { path, follow } = await place();
  await writeFile(`${path}.real`, "");
  await symlink(`${path}.real`, path);
  await link(`${path}.real`, `${path}.1`);
  const { tail, context } = follow();
  await tail.pass();
  await appendFile(`${path}.real`, "one\n");
  await tail.pass();
  expect(context.texts).toEqual(["one"]);
  expect(await readFile(path, "utf8")).toBe("one\n");
});

describe("the name of a rotated file", () => {
  it.each([
    ["access.log.2", "access.log.1"],
    ["access.log.10", "access.log.9"],
    ["access.log-20261121", "access.log-20261122"],
    ["access-2026-11-21.log", "access-2026-11-22.log"],
    ["access.log-1764000000", "access.log-1764090000"],
  ])("%s is older than %s", (older, newer) => {
    const a = rotatedName("access.log", older);
    const b = rotatedName("access.log", newer);
    expect(a?.style).toBe(b?.style);
    expect(String(a?.age) < String(b?.age)).toBe(true);
  });

  it.each(["access.log", "access.log.1.gz", "access.log.bak", "other.log.1", "access_error.log"])(
    "%s is none",
    (name) => {
      expect(rotatedName("access.log", name)).toBeUndefined();
    },
  );
});
