import { appendFile, mkdir, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../../src/message/message.ts";
import type { EventContext, EventInput } from "../../../../src/methods/define.ts";
import { sink } from "../../../../src/methods/syslog/write/sink.ts";
import { lastLines, listLogs, readLogs } from "../../../../src/methods/syslog/write/stored.ts";
import { syslogforwarding } from "../../../../src/methods/syslogforwarding.ts";
import { SimulatedClock } from "../../../harness/clock.ts";
import { RecordingContext, temporaryDirectories } from "../harness.ts";

const directory = temporaryDirectories();
const DAY = Date.UTC(2026, 10, 22, 12);
const NEXT = DAY + 86_400_000;
const FIRST_LOG = "2026-11-22.log";
const SECOND_LOG = "2026-11-23.log";

let made = 0;
const event = (createdAt: number, ...texts: string[]): EventInput => ({
  id: `id-${String(made++).padStart(6, "0")}`,
  createdAt,
  data: { lines: texts.map((text) => ({ text })) },
});

function contextIn(root: string, checkpoint?: Json, more: Partial<EventContext> = {}): EventContext {
  const { log } = new RecordingContext();
  return {
    node: "central",
    origin: "ship1",
    domain: "nginx",
    checkpoint,
    directory: root,
    clock: new SimulatedClock(),
    log,
    ...more,
  };
}

const read = (root: string, name = FIRST_LOG) => readFile(join(root, "ship1", "nginx", name), "utf8");

describe("received lines", () => {
  it("are stored by origin, domain and day of the event in UTC, syslog readable and files as they are", async () => {
    const root = await directory();
    const syslog: EventInput = {
      id: "a",
      createdAt: DAY,
      data: {
        lines: [{ time: "2026-11-21T23:59:59.123Z", host: "web1", app: "nginx", pid: "7", text: "GET /\n/etc" }],
      },
    };
    await sink.handle([syslog, event(DAY, "a line\tof a file")], contextIn(root));
    expect(await read(root)).toBe("2026-11-21T23:59:59.123Z web1 nginx[7]: GET /#012/etc\na line\tof a file\n");
  });

  it("are shown live as they are stored", () => {
    expect(sink.lines?.(event(DAY, "one", "two"))).toEqual(["one", "two"]);
  });

  it("go on in the same file from batch to batch, and nothing is left beside it", async () => {
    const root = await directory();
    let checkpoint = await sink.handle([event(DAY, "one")], contextIn(root));
    checkpoint = await sink.handle([event(DAY, "two"), event(DAY, "three", "four")], contextIn(root, checkpoint));
    expect(await read(root)).toBe("one\ntwo\nthree\nfour\n");
    expect(checkpoint).toMatchObject({ file: FIRST_LOG, size: 19 });
    expect(await readdir(join(root, "ship1", "nginx"))).toEqual([FIRST_LOG]);
  });

  it("of a batch over midnight go to both days", async () => {
    const root = await directory();
    await sink.handle([event(DAY, "one"), event(NEXT, "two"), event(DAY, "late")], contextIn(root));
    expect(await read(root)).toBe("one\nlate\n");
    expect(await read(root, SECOND_LOG)).toBe("two\n");
  });

  it.each([
    ["..", "nginx"],
    ["ship1", "../../etc"],
    ["", "nginx"],
    ["a/b", "nginx"],
  ])("are refused where a name could leave the directory: %j %j", async (origin, domain) => {
    const root = await directory();
    await expect(sink.handle([event(DAY, "x")], contextIn(root, undefined, { origin, domain }))).rejects.toThrow(
      "cannot name a file",
    );
    expect(await readdir(root)).toEqual([]);
  });

  it("with a time that no calendar has are kept", async () => {
    const root = await directory();
    await sink.handle([event(1e300, "x"), event(Number.NaN, "y"), event(Date.UTC(12_000, 0), "z")], contextIn(root));
    expect(await read(root, "1970-01-01.log")).toBe("x\ny\nz\n");
  });
});

describe("a batch that comes again after a crash", () => {
  it("is there once, the first of a file included", async () => {
    const root = await directory();
    const batch = [event(DAY, "one", "two")];
    await sink.handle(batch, contextIn(root));
    const checkpoint = await sink.handle(batch, contextIn(root));
    expect(await read(root)).toBe("one\ntwo\n");
    const next = [event(DAY, "three")];
    await sink.handle(next, contextIn(root, checkpoint));
    await sink.handle(next, contextIn(root, checkpoint));
    expect(await read(root)).toBe("one\ntwo\nthree\n");
  });

  it("is there once when it was torn within a line", async () => {
    const root = await directory();
    const checkpoint = await sink.handle([event(DAY, "one")], contextIn(root));
    await appendFile(join(root, "ship1", "nginx", FIRST_LOG), "two\nthr");
    await sink.handle([event(DAY, "two", "three")], contextIn(root, checkpoint));
    expect(await read(root)).toBe("one\ntwo\nthree\n");
  });

  it("does not cost the lines of others, who wrote the file before it", async () => {
    const root = await directory();
    await sink.handle([event(DAY, "before")], contextIn(root));
    // The journal was lost, and with it the checkpoint.
    const batch = [event(DAY, "one")];
    await sink.handle(batch, contextIn(root));
    await sink.handle(batch, contextIn(root));
    expect(await read(root)).toBe("before\none\n");
  });

  it("gives each line once, in order, whatever days its events are of and wherever the crashes fall", async () => {
    const step = fc.record({
      days: fc.array(fc.constantFrom(DAY, DAY, DAY, NEXT, NEXT + 86_400_000), { minLength: 1, maxLength: 5 }),
      crashes: fc.nat(2),
      /** How much of the batch the attempts before got: fewer events than in the end, or all. */
      partly: fc.nat(5),
      torn: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const root = await directory();
        const expected = new Map<string, string>();
        let checkpoint: Json | undefined;
        let n = 0;
        for (const { days, crashes, partly, torn } of steps) {
          const batch = days.map((day) => event(day, `line ${n++}`, `line ${n++}`));
          for (let i = 0; i < crashes; i++) {
            const attempt = batch.slice(0, Math.max(1, partly));
            const lost = await sink.handle(attempt, contextIn(root, checkpoint));
            const { file } = lost as { file: string };
            if (torn) {
              const path = join(root, "ship1", "nginx", file);
              await truncate(path, (await stat(path)).size - 3);
            }
          }
          checkpoint = await sink.handle(batch, contextIn(root, checkpoint));
          for (const { createdAt, data } of batch) {
            const name = `${new Date(createdAt).toISOString().slice(0, 10)}.log`;
            const lines = (data as { lines: { text: string }[] }).lines.map((line) => `${line.text}\n`).join("");
            expected.set(name, (expected.get(name) ?? "") + lines);
          }
        }
        for (const [name, text] of expected) expect(await read(root, name)).toBe(text);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a file that an operator touched meanwhile", () => {
  it.each([
    ["removed", (path: string) => rm(path)],
    ["renamed", (path: string) => rename(path, `${path}.1`)],
    ["emptied", (path: string) => truncate(path, 0)],
    ["removed with its directory", (path: string) => rm(join(path, ".."), { recursive: true })],
  ])("is begun again when it was %s, also when the batch comes twice", async (what, touch) => {
    const root = await directory();
    const path = join(root, "ship1", "nginx", FIRST_LOG);
    const checkpoint = await sink.handle([event(DAY, "one", "a longer line than the next one")], contextIn(root));
    await touch(path);
    const long = "two, and longer than all that was there before taken together";
    const batch = [event(DAY, long)];
    await sink.handle(batch, contextIn(root, checkpoint));
    await sink.handle(batch, contextIn(root, checkpoint));
    expect(await read(root)).toBe(`${long}\n`);
    if (what === "renamed") expect(await readFile(`${path}.1`, "utf8")).toContain("one\n");
  });

  it("is not cut when it is another, longer one", async () => {
    const root = await directory();
    const path = join(root, "ship1", "nginx", FIRST_LOG);
    const checkpoint = await sink.handle([event(DAY, "one")], contextIn(root));
    await rename(path, `${path}.1`);
    await writeFile(path, "an operator's own longer text\n");
    await sink.handle([event(DAY, "two")], contextIn(root, checkpoint));
    expect(await read(root)).toBe("an operator's own longer text\ntwo\n");
  });
});

describe("a disk that takes nothing", () => {
  it("is a failure at once for what no waiting mends", async () => {
    const root = await directory();
    await mkdir(join(root, "ship1", "nginx", FIRST_LOG), { recursive: true });
    const stopping = new AbortController().signal;
    await expect(sink.handle([event(DAY, "x")], contextIn(root, undefined, { stopping }))).rejects.toThrow("EISDIR");
  });
});

describe("stored logs", () => {
  it("are listed and read from their ends, over days", async () => {
    const root = await directory();
    await sink.handle([event(DAY, "1", "2", "3"), event(NEXT, "4")], contextIn(root));
    await sink.handle([event(DAY, "x")], contextIn(root, undefined, { origin: "ship2", domain: "os" }));
    await mkdir(join(root, ".hidden"));
    expect((await listLogs(root)).map(({ node, domain, files }) => `${node} ${domain} ${files.length}`)).toEqual([
      "ship1 nginx 2",
      "ship2 os 1",
    ]);
    expect((await readLogs(root, { node: "ship1", lines: 3 })).map(({ line }) => line)).toEqual(["2", "3", "4"]);
    expect(await readLogs(root, { domain: "os" })).toEqual([{ node: "ship2", domain: "os", line: "x" }]);
    expect(await readLogs(root, { lines: 0 })).toEqual([]);
    expect(await readLogs(join(root, "nowhere"))).toEqual([]);
  });

  it("are read in blocks: the same last lines as from the whole file, without the one still being written", async () => {
    const path = join(await directory(), "x.log");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(90_000), { maxLength: 6 }),
        fc.nat(8),
        fc.boolean(),
        async (lengths, count, half) => {
          const lines = lengths.map((length, i) => `${i}${"é".repeat(length)}`);
          await writeFile(path, lines.map((line) => `${line}\n`).join("") + (half ? "half" : ""));
          expect(await lastLines(path, count)).toEqual(count === 0 ? [] : lines.slice(-count));
        },
      ),
      { numRuns: 40 },
    );
  });
});

it("the method offers both sources and takes its events", () => {
  expect(syslogforwarding.name).toBe("syslogforwarding");
  expect(Object.keys(syslogforwarding.sources ?? {})).toEqual(["syslog", "tail"]);
  expect(() => syslogforwarding.event?.check({ lines: [] })).not.toThrow();
  expect(() => syslogforwarding.event?.check("text")).toThrow();
});

describe("a link in the place of a stored log", () => {
  it("is written through neither as a folder nor as a file, and read by nobody", async () => {
    const [root, outside] = [await directory(), await directory()];
    await writeFile(join(outside, "victim"), "kept\n");
    await symlink(outside, join(root, "ship1"));
    await expect(sink.handle([event(DAY, "line")], contextIn(root))).rejects.toThrow("it is a link");
    await rm(join(root, "ship1"));
    await mkdir(join(root, "ship1", "nginx"), { recursive: true });
    await symlink(join(outside, "victim"), join(root, "ship1", "nginx", FIRST_LOG));
    await expect(sink.handle([event(DAY, "line")], contextIn(root))).rejects.toThrow();
    expect(await listLogs(root)).toEqual([]);
    expect(await readFile(join(outside, "victim"), "utf8")).toBe("kept\n");
    expect(await readdir(outside)).toEqual(["victim"]);
  });
});
