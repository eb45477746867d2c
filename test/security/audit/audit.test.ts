import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { openJournal } from "../../../src/journal/journal.ts";
import { Audit } from "../../../src/security/audit/audit.ts";
import { redacted } from "../../../src/security/audit/entry.ts";
import { AuditDirectory } from "../../../src/security/audit/files.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

const DAY = 86_400_000;

/** The audit of a node over a disk of its own, opened again after each `crash` or `end`. */
async function room({ fileBytes = 2_000 } = {}) {
  // The simulated clock is years ahead of the times of the files.
  const keep = { age: 36_500 * DAY, bytes: 1e9 };
  const directory = join(await tempDir(), "audit");
  const disk = emptyDisk();
  const clock = new SimulatedClock();
  const said: string[] = [];
  const say = (_fields: object, text: string) => said.push(text);
  const log = { error: say, warn: say, info: say } as unknown as ConstructorParameters<typeof Audit>[0]["log"];
  const faults: (string | undefined)[] = [];
  const open = () => {
    const store = openMemoryStore(disk);
    const journal = openJournal(store, { node: "ship1", path: directory, clock, random: seededRandom(1) });
    const files = new AuditDirectory(directory, fileBytes);
    const audit = new Audit({ journal, files, clock, log, keep: () => keep, onFault: (fault) => faults.push(fault) });
    return { audit, journal, store };
  };
  return {
    directory,
    clock,
    keep,
    said,
    faults,
    open,
    files: () => readdirSync(directory).sort(),
    path: (name = "") => join(directory, name),
    lines: (name: string) => readFileSync(join(directory, name), "utf8").split("\n").slice(0, -1),
  };
}

const asked = (n: number) => ({
  what: "decision",
  by: "central",
  allowed: n % 3 !== 0,
  subject: `command.echo.d${n}`,
  why: "x".repeat(100),
});

/** An audit of thirty records in several files, closed. */
async function written() {
  const scene = await room();
  const { audit, journal } = scene.open();
  for (let n = 1; n <= 30; n++) audit.record(asked(n));
  await audit.end();
  await journal.close();
  const rewrite = (name: string, change: (lines: string[]) => void): void => {
    const lines = scene.lines(name);
    change(lines);
    writeFileSync(scene.path(name), lines.map((line) => `${line}\n`).join(""));
  };
  const verify = async () => {
    const again = scene.open();
    const checked = await again.audit.verify();
    await again.journal.close();
    return checked;
  };
  return { ...scene, rewrite, verify };
}

describe("the audit of a node", () => {
  it("is asked for what is about one message or job, and reads no file that lies behind a page", async () => {
    const { open } = await room();
    const { audit, journal } = open();
    const about = { what: "submit", by: "ann", allowed: true };
    audit.record({ ...about, ids: ["01AAA1"], nodes: ["ship1"] });
    audit.record({ ...about, ids: ["01AAA2"], nodes: ["ship1"] });
    audit.record({ ...about, what: "operation", operation: "abort a job", job: "01AAA1JOB" });
    audit.record({ ...about, what: "trust", nodes: ["01AAA1"] });
    const found = async (message: string) => (await audit.records({ message })).map(({ ids, job }) => ids ?? job);
    expect(await found("01AAA1")).toEqual([["01AAA1", "01AAA2"], "01AAA1JOB"]);
    expect(await found("01AAA2")).toEqual([["01AAA1", "01AAA2"]]);
    expect(await found("01AAB")).toEqual([]);
    await audit.end();
    await journal.close();
    const scene = await written();
    const again = scene.open();
    const read = vi.spyOn(AuditDirectory.prototype, "read");
    expect(await again.audit.records({ before: 3, limit: 10 })).toHaveLength(2);
    expect(read.mock.calls.map(([name]) => name)).toEqual(scene.files().slice(0, 1));
    read.mockRestore();
    await again.journal.close();
  });

  it("is a chain over several files, found whole after a restart, and goes on", async () => {
    const { files, verify, open } = await written();
    expect(files().length).toBeGreaterThan(2);
    expect(await verify()).toMatchObject({ ok: true, records: 30, first: 1, last: 30, faults: [] });
    const { audit, journal } = open();
    audit.record(asked(31));
    expect(await audit.verify()).toMatchObject({ ok: true, records: 31, last: 31 });
    expect((await audit.records({ limit: 2 })).map(({ no }) => no)).toEqual([30, 31]);
    expect((await audit.records({ refused: true, limit: 100 })).map(({ no }) => no)).toEqual([
      3, 6, 9, 12, 15, 18, 21, 24, 27, 30,
    ]);
    expect((await audit.records({ subject: "d7", by: "central" })).map(({ no }) => no)).toEqual([7]);
    expect((await audit.records({ after: 29 })).map(({ no }) => no)).toEqual([30, 31]);
    const pages: number[][] = [];
    for (let before = 32; before > 1; before = pages.at(-1)?.[0] ?? 0)
      pages.push((await audit.records({ before, limit: 10 })).map(({ no }) => no));
    expect(pages.map(({ length }) => length)).toEqual([10, 10, 10, 1]);
    expect(pages.reverse().flat()).toEqual(Array.from({ length: 31 }, (_, i) => i + 1));
    expect((await audit.records({ after: 4, before: 8 })).map(({ no }) => no)).toEqual([5, 6, 7]);
    await journal.close();
  });

  const second = "000000000009.jsonl";
  type Scene = Awaited<ReturnType<typeof written>>;
  const swap = (lines: string[], i: number): void => {
    const [a = "", b = ""] = lines.slice(i, i + 2);
    lines.splice(i, 2, b, a);
  };

  it.each<[string, (scene: Scene) => void, RegExp]>([
    [
      "a record that was changed",
      ({ rewrite }) => rewrite(second, (lines) => lines.splice(1, 1, (lines[1] ?? "").replace("central", "nobody!"))),
      /^000000000009\.jsonl:2: record 10 was changed$/,
    ],
    [
      "the last record, changed",
      ({ rewrite, files }) =>
        rewrite(files().at(-1) ?? "", (lines) =>
          lines.splice(-1, 1, (lines.at(-1) ?? "").replace("central", "nobody!")),
        ),
      /: record 30 was changed$/,
    ],
    [
      "a record that was taken out",
      ({ rewrite }) => rewrite(second, (lines) => lines.splice(2, 1)),
      /: record 11 is missing before record 12$/,
    ],
    [
      "records in another order",
      ({ rewrite }) => rewrite(second, (lines) => swap(lines, 1)),
      /: record 10 stands behind record 11: the order was changed$/,
    ],
    [
      "a line that is none",
      ({ rewrite }) => rewrite(second, (lines) => lines.splice(1, 1, "{}")),
      /:2: this line is no record: number 10 was changed$/,
    ],
    [
      "a record put in, with the hash that it should have",
      ({ rewrite }) => rewrite(second, (lines) => lines.splice(2, 0, (lines[1] ?? "").replace("decision", "forged!!"))),
      /: record 10 stands behind record 10: the order was changed$/,
    ],
    [
      "a file that was removed",
      ({ path }) => rmSync(path(second)),
      /^0000000000\d\d\.jsonl:1: records 9 to \d+ are missing before record \d+$/,
    ],
    [
      "the first file, removed",
      ({ path }) => rmSync(path("000000000001.jsonl")),
      /:1: records 1 to 8 are missing before record 9$/,
    ],
    [
      "the newest file, removed",
      ({ path, files }) => rmSync(path(files().at(-1) ?? "")),
      /: records \d+ to 30 are missing at the end$/,
    ],
    [
      "a tail that was cut",
      ({ path, files, lines }) => {
        const name = files().at(-1) ?? "";
        truncateSync(path(name), statSync(path(name)).size - Buffer.byteLength(lines(name).at(-1) ?? "") - 1);
      },
      /: record 30 is missing at the end$/,
    ],
    [
      "all of it, removed",
      ({ path, files }) => {
        for (const name of files()) rmSync(path(name));
      },
      /: records 1 to 30 are missing at the end$/,
    ],
  ])("tells of %s, and names it", async (_what, harm, fault) => {
    const scene = await written();
    harm(scene);
    const { ok, faults } = await scene.verify();
    expect(ok).toBe(false);
    expect(faults.map(({ where, fault: what }) => `${where}: ${what}`)).toEqual(
      expect.arrayContaining([expect.stringMatching(fault)]),
    );
  });

  it("is durable with the journal's turn, before it is in a file, and after a crash it is in the files once", async () => {
    const scene = await room();
    const first = scene.open();
    first.audit.record(asked(1));
    await first.journal.flushed();
    expect(scene.files()).toEqual([]);
    // The process is gone before the lines were moved.
    first.store.close();
    const second = scene.open();
    expect(await second.audit.verify()).toMatchObject({ ok: true, records: 1, last: 1 });
    await second.audit.end();
    await second.journal.close();
    expect(scene.lines("000000000001.jsonl")).toHaveLength(1);
  });

  it("is not written twice where a crash came between its file and the journal", async () => {
    const scene = await room();
    const { audit, journal, store } = scene.open();
    for (let n = 1; n <= 3; n++) audit.record(asked(n));
    await journal.flushed();
    const lines = journal.audited().flat();
    // Two lines reached the file, and a part of the third.
    appendFileSync(scene.path("000000000001.jsonl"), `${lines.slice(0, 2).join("\n")}\n${lines[2]?.slice(0, 20)}`);
    store.close();
    const again = scene.open();
    expect(await again.audit.verify()).toMatchObject({ ok: true, records: 3, last: 3 });
    again.audit.record(asked(4));
    await again.audit.end();
    expect(scene.lines("000000000001.jsonl").map((line) => JSON.parse(line).no)).toEqual([1, 2, 3, 4]);
    expect(await again.audit.verify()).toMatchObject({ ok: true, records: 4 });
    await again.journal.close();
  });

  it("is tried again after longer and longer pauses while its disk refuses, with one line for each change", async () => {
    const scene = await room({ fileBytes: 4_000_000 });
    const { audit, journal } = scene.open();
    const append = vi.spyOn(AuditDirectory.prototype, "append");
    try {
      append.mockRejectedValue(new Error("ENOSPC: no space left"));
      // As many as are moved at once: that must not become a try at once either.
      for (let n = 1; n <= 2_500; n++) audit.record(asked(n));
      const tries: number[] = [];
      for (let second = 0; second < 200; second++) {
        await scene.clock.advance(1_000);
        await vi.waitFor(() => expect(scene.faults.length).toBe(append.mock.calls.length));
        if (tries.length < append.mock.calls.length) tries.push(second + 1);
      }
      expect(tries.length).toBeLessThanOrEqual(9);
      expect(scene.said).toEqual([
        "the audit cannot be written: ENOSPC: no space left; it waits in the journal and is tried again",
      ]);
      append.mockRestore();
      await scene.clock.advance(60_000);
      await vi.waitFor(() => expect(scene.faults.at(-1)).toBeUndefined());
      expect(scene.said.slice(1)).toEqual(["the audit is written again"]);
      expect(await audit.verify()).toMatchObject({ ok: true, records: 2_500 });
    } finally {
      append.mockRestore();
    }
    await audit.end();
    await journal.close();
  });

  it("holds each record once where a disk took lines and did not sync them", async () => {
    const scene = await room({ fileBytes: 100_000 });
    const { audit, journal } = scene.open();
    const handle = await open(scene.path("probe"), "w");
    const sync = vi.spyOn(Object.getPrototypeOf(handle), "datasync").mockRejectedValueOnce(new Error("EIO"));
    try {
      for (let n = 1; n <= 3; n++) audit.record(asked(n));
      await scene.clock.advance(1_000);
      await vi.waitFor(() => expect(scene.faults).toEqual(["EIO"]));
      await audit.end();
      expect(await audit.verify()).toMatchObject({ ok: true, records: 3 });
    } finally {
      sync.mockRestore();
      await handle.close();
    }
    await journal.close();
  });

  it("is verified a piece at a time: the daemon goes on meanwhile, and what comes waits in the journal", async () => {
    const scene = await room({ fileBytes: 4_000_000 });
    const { audit, journal } = scene.open();
    for (let n = 1; n <= 6_000; n++) audit.record(asked(n));
    await scene.clock.advance(1_000);
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const checking = audit.verify();
    audit.record(asked(6_001));
    expect(await checking).toMatchObject({ ok: true, faults: [] });
    isOver = true;
    expect(turns).toBeGreaterThan(4);
    appendFileSync(scene.path(scene.files()[0]), "x".repeat(9_000_000));
    expect((await audit.verify()).faults[0]?.fault).toMatch(/^this line is no record: number \d+ was changed$/);
    await journal.close();
  });

  it("forgets the oldest files as retention says, and the chain that is left is whole", async () => {
    const scene = await room();
    const { audit, journal } = scene.open();
    for (let n = 1; n <= 20; n++) audit.record(asked(n));
    await audit.end();
    const [oldest = "", next = ""] = scene.files();
    const long = (scene.clock.now() - 2 * DAY) / 1000;
    utimesSync(scene.path(oldest), long, long);
    for (const name of scene.files().slice(1))
      utimesSync(scene.path(name), scene.clock.now() / 1000, scene.clock.now() / 1000);
    await journal.close();
    scene.keep.age = DAY;
    const again = scene.open();
    again.audit.record(asked(21));
    await again.audit.end();
    expect(scene.files()[0]).toBe(next);
    expect(await again.audit.verify()).toMatchObject({ ok: true, first: Number(next.slice(0, 12)), last: 21 });
    rmSync(scene.path(next));
    expect((await again.audit.verify()).ok).toBe(false);
    await again.journal.close();
  });

  it("records refusals of one kind so many times a minute, and then how many more there were", async () => {
    const { open, clock } = await room();
    const { audit, journal } = open();
    for (let n = 0; n < 500; n++) audit.refused("ship2 command.echo.os", () => ({ ...asked(3), by: "ship2" }));
    audit.refused("ship3 command.echo.os", () => ({ ...asked(3), by: "ship3" }));
    expect(await audit.records({ limit: 1_000 })).toHaveLength(21);
    await clock.advance(60_000);
    audit.refused("ship2 command.echo.os", () => ({ ...asked(3), by: "ship2" }));
    expect(await audit.records({ limit: 2 })).toMatchObject([
      { by: "several", why: "480 more refusals of the same kinds" },
      { by: "ship2" },
    ]);
    await journal.close();
  });
});

describe("messages of one turn", () => {
  const message = (id: string, more = {}) => ({
    what: "decision",
    by: "central",
    allowed: true,
    subject: "command.shellcommand.os",
    arguments: ["uname", "-a"],
    ids: [id],
    ...more,
  });

  it("share a record where they differ in nothing but their ids, in order, and none is lost", async () => {
    const { open } = await room();
    const { audit, journal, store } = open();
    for (const id of ["a", "b"]) audit.record(message(id));
    audit.record(message("c", { arguments: ["uname", "-r"] }));
    audit.record(message("d"));
    audit.record(message("e", { by: "ship2" }));
    audit.record(message("f", { allowed: false, why: "from is [central]" }));
    audit.record(message("g", { nodes: ["ship1"] }));
    audit.record(message("h", { ids: ["h", "i"] }));
    audit.record(message("j", { ids: ["j"] }));
    await journal.flushed();
    audit.record(message("k"));
    const ids = (await audit.records()).map((record) => record.ids);
    expect(ids).toEqual([["a", "b"], ["c"], ["d"], ["e"], ["f"], ["g"], ["h", "i"], ["j"], ["k"]]);
    store.close();
    const again = open();
    expect(await again.audit.verify()).toMatchObject({ ok: true, records: 9 });
    expect((await again.audit.records()).map((record) => record.ids)).toEqual(ids);
    await again.audit.end();
    expect(again.journal.audited()).toEqual([]);
    await again.journal.close();
  });

  it("are told of in records of at most 200 ids", async () => {
    const { open } = await room();
    const { audit, journal } = open();
    for (let n = 0; n < 450; n++) audit.record(message(`m${n}`));
    expect((await audit.records()).map(({ ids }) => ids?.length)).toEqual([200, 200, 50]);
    await journal.close();
  });
});

describe("the arguments of a record", () => {
  const digest = () => "sha256:abc";

  it.each([
    [
      ["uname", "-a"],
      ["uname", "-a"],
    ],
    [
      ["psql", "--password=secret:db-password", "-c", "x"],
      ["psql", "secret:db-password", "-c", "x"],
    ],
    [
      ["echo", "x".repeat(300)],
      ["echo", `${"x".repeat(200)}… (300 characters)`],
    ],
  ])("of %j are %j", (argv, shown) => {
    expect(redacted(argv, digest)).toEqual(shown);
  });

  it("never hold values of variables, an input or a script", () => {
    const shown = redacted(
      { argv: ["a"], script: "hunter2", env: { PASSWORD: "hunter2" }, input: { text: "hunter2", encoding: "utf8" } },
      digest,
    );
    expect(shown).toEqual({ script: "sha256:abc", argv: ["a"], env: ["PASSWORD"], input: "7 characters" });
  });
});
