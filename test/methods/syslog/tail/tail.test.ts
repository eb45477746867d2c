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
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import type { Json } from "../../../../src/message/message.ts";
import { Losses } from "../../../../src/methods/syslog/losses.ts";
import { rotatedName } from "../../../../src/methods/syslog/tail/rotation.ts";
import { Tail } from "../../../../src/methods/syslog/tail/tail.ts";
import { SimulatedClock } from "../../../harness/clock.ts";
import { RecordingContext, temporaryDirectories } from "../harness.ts";

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
    expect(context.checkpoint).toMatchObject({ files: [] });
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

const numbered = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `line ${from + i}`);
const written = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
/** Gives a file a time of its last change that differs from all others. */
let seconds = 1_800_000_000;
const stamp = (path: string): Promise<void> => utimes(path, 1, ++seconds);

describe("a log that is written anew", () => {
  it("is read whole, though its first 300 bytes are the same", async () => {
    const { path, tail, context } = await followed();
    const same = "# ".padEnd(299, "x");
    for (let life = 0; life < 3; life++) {
      await writeFile(path, written([same, ...numbered(life * 1000, 1000)]));
      await tail.pass();
    }
    expect(context.texts).toEqual([0, 1000, 2000].flatMap((from) => [same, ...numbered(from, 1000)]));
    expect(context.alerts).toEqual([]);
  });

  it("is read again when it holds the same lines again", async () => {
    const { path, tail, context, clock, restart } = await followed();
    for (let life = 0; life < 4; life++) {
      await writeFile(path, "a\nb\nc\n");
      await stamp(path);
      await tail.pass();
      await clock.advance(60);
      await tail.pass();
    }
    expect(context.texts).toHaveLength(12);
    const second = await restart({ tail, context });
    await writeFile(path, "a\nb\nc\n");
    await stamp(path);
    await second.tail.pass();
    await clock.advance(60);
    await second.tail.pass();
    expect(second.context.texts).toEqual(["a", "b", "c"]);
  });

  it("is not read again when it was only touched", async () => {
    const { path, tail, context, clock } = await followed();
    await writeFile(path, "a\n");
    await tail.pass();
    for (let i = 0; i < 3; i++) {
      await utimes(path, ++seconds, seconds);
      await tail.pass();
      await clock.advance(60);
      await tail.pass();
    }
    expect(context.texts).toEqual(["a"]);
  });

  it("is told with its bytes when it was not read to its end before", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, written(numbered(0, 20_000)));
    const emit = context.emit.bind(context);
    context.emit = async (data, checkpoint) => {
      await emit(data, checkpoint);
      if (context.events.length === 3) await writeFile(path, written(numbered(20_000, 5)));
    };
    await tail.pass();
    expect(context.texts.slice(-5)).toEqual(numbered(20_000, 5));
    const bytes = written(numbered(0, 20_000)).length - written(numbered(0, context.texts.length - 5)).length;
    expect(context.alerts.map(({ text }) => text)).toEqual([
      expect.stringContaining(`at least ${bytes} bytes of lines are lost`),
    ]);
    expect(context.drops.get("unread")).toBe(bytes);
  });
});

describe("an earlier file of a log", () => {
  it("is read also when it was made and rotated while the daemon was away, before the log was first seen", async () => {
    const { path, tail, context, restart } = await followed();
    await tail.pass();
    await writeFile(`${path}.1`, written(numbered(0, 100)));
    await writeFile(path, written(numbered(100, 100)));
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(numbered(0, 200));
  });

  it("is read once, though its number says that it is new: programs count upwards as well", async () => {
    const { path, tail, context, clock } = await followed();
    for (let i = 0; i < 5; i++) {
      await writeFile(path, written(numbered(i * 100, 100)));
      await tail.pass();
      await rename(path, `${path}.${i + 1}`);
      await clock.advance(20_000);
      await tail.pass();
    }
    expect(context.texts).toEqual(numbered(0, 500));
  });

  it("is read once, counted upwards and rotated several times while the daemon was away", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, written(numbered(0, 50)));
    await tail.pass();
    await appendFile(path, written(numbered(50, 50)));
    for (let i = 1; i < 5; i++) {
      await rename(path, `${path}.${i}`);
      await stamp(`${path}.${i}`);
      await writeFile(path, written(numbered(i * 100, 100)));
    }
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(numbered(50, 450));
    expect(second.context.alerts).toEqual([]);
  });

  it("is read on where it was compressed, by its contents, and what was compressed before is not read", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, written(numbered(0, 500)));
    await tail.pass();
    const compress = async (name: string, text: string): Promise<void> => {
      await writeFile(`${name}.gz`, gzipSync(text));
      await stamp(`${name}.gz`);
    };
    await compress(`${path}-20261121`, written(numbered(0, 700)));
    await compress(`${path}-20261122`, written(numbered(700, 100)));
    await writeFile(path, written(numbered(800, 1)));
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(numbered(500, 301));
    expect(second.context.alerts).toEqual([]);
    const third = await restart(second);
    await third.tail.pass();
    expect(third.context.texts).toEqual([]);
  });

  it("is read where it was moved to, one directory below", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await appendFile(path, "two\n");
    await mkdir(`${path}.d`);
    await rename(path, join(`${path}.d`, "yesterday"));
    await writeFile(path, "three\n");
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(["two", "three"]);
  });

  it("is told, with its bytes and its time, when it cannot be unpacked; not when it was read before", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "one\n");
    await stamp(path);
    await tail.pass();
    await rm(path);
    await writeFile(`${path}.2.xz`, "as long as this");
    await utimes(`${path}.2.xz`, 1, seconds);
    await writeFile(path, "three\n");
    const second = await restart({ tail, context });
    await second.tail.pass();
    expect(second.context.texts).toEqual(["three"]);
    expect(second.context.alerts).toEqual([]);
    await writeFile(`${path}.1.xz`, "not read at all");
    await stamp(`${path}.1.xz`);
    const third = await restart(second);
    await third.tail.pass();
    expect(third.context.alerts.map(({ text }) => text)).toEqual([
      `${path}: its earlier file access.log.1.xz (15 bytes, last written ${new Date(seconds * 1000).toISOString()}) ` +
        "is not sent: .xz files cannot be unpacked here, .gz files can",
    ]);
  });

  it("was there before anybody followed the log, and is not read", async () => {
    const { path, follow, restart } = await place();
    await writeFile(path, "live\n");
    await writeFile(`${path}.1`, "old\n");
    await writeFile(`${path}.2.gz`, gzipSync("older\n"));
    const first = follow();
    await first.tail.pass();
    const second = await restart(first);
    await second.tail.pass();
    expect([...first.context.texts, ...second.context.texts]).toEqual([]);
  });

  it("may have been found by a link that leads elsewhere now", async () => {
    const { path, follow, restart } = await place();
    await writeFile(`${path}-2026-11-21`, "");
    await symlink(`${path}-2026-11-21`, path);
    const first = follow();
    await first.tail.pass();
    await appendFile(path, "one\n");
    await writeFile(`${path}-2026-11-22`, "two\n");
    await writeFile(`${path}-2026-11-23`, "three\n");
    await stamp(`${path}-2026-11-22`);
    await rm(path);
    await symlink(`${path}-2026-11-23`, path);
    const second = await restart(first);
    await second.tail.pass();
    expect(second.context.texts).toEqual(["one", "two", "three"]);
  });

  it("with its number before the extension may be another log, until a file of this one goes there", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "one\n");
    await tail.pass();
    await writeFile(path.replace(".log", "-2.log"), "another program's\n");
    await tail.pass();
    expect(context.texts).toEqual(["one"]);
  });
});

describe("the encoding of a log", () => {
  it("is told by its byte order mark, which is no text", async () => {
    const { path, tail, context, restart } = await followed();
    await writeFile(path, "\ufeffone\ntwo\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "two"]);
    await rename(path, `${path}.1`);
    const wide = Buffer.from("\ufeffzwölf 😀\r\nthree\nhal", "utf16le");
    await writeFile(path, wide);
    await tail.pass();
    expect(context.texts.slice(2)).toEqual(["zwölf 😀", "three"]);
    const second = await restart({ tail, context });
    await appendFile(path, Buffer.from("f\n", "utf16le"));
    await second.tail.pass();
    await rename(path, `${path}.2`);
    await writeFile(path, Buffer.from(wide).swap16());
    await second.tail.pass();
    expect(second.context.texts).toEqual(["half", "zwölf 😀", "three"]);
    expect(second.context.drops.size).toBe(0);
  });

  it("leaves no NUL byte uncounted", async () => {
    const { path, tail, context } = await followed();
    await writeFile(path, "\0\0\0one\nt\0wo\n");
    await tail.pass();
    expect(context.texts).toEqual(["one", "t\0wo"]);
    expect(context.drops.get("nul")).toBe(3);
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

it("takes no link beside the log for an earlier file of it", async () => {
  const { path, follow, restart } = await place();
  await writeFile(path, "one\n");
  const first = follow();
  await first.tail.pass();
  await writeFile(`${path}.elsewhere`, "of another program\n");
  await symlink(`${path}.elsewhere`, `${path}.1`);
  await appendFile(path, "two\n");
  const second = await restart(first);
  await second.tail.pass();
  expect(second.context.texts).toEqual(["two"]);
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
