import { describe, expect, it } from "vitest";
import { checkJournal, type JournalCheck } from "../../../src/journal/check/check.ts";
import { type Rows, Unreadable } from "../../../src/journal/check/problems.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import { type Key, keyText, TABLES, type Table } from "../../../src/journal/store/store.ts";
import { firstPart, idOf, LANES, NODE, START, secondPart, TAKEN } from "../../golden/story.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { type Disk, emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

/** The disk of a journal to which everything happened. */
async function lived(): Promise<Disk> {
  const disk = emptyDisk();
  const store = openMemoryStore(disk);
  const clock = new SimulatedClock(START);
  const journal = openJournal(store, { node: NODE, path: "", clock, random: seededRandom(1) });
  await firstPart(journal, () => journal.flushed());
  await secondPart(journal, () => journal.flushed());
  journal.notes.setLabels("ship1", { v: 1, given: { class: { value: "tanker", by: "central", at: START } } });
  journal.notes.setHistory(1, {
    v: 1,
    from: START,
    until: START,
    entries: [[START, "ship1", "link", "online", "hello"]],
  });
  journal.notes.setFacts("ship1", {
    v: 1,
    at: START,
    facts: { os: ["linux", START] },
    changes: [[START, "os", null, "linux"]],
  });
  await journal.flushed();
  // A row that rotted, as an earlier life of the daemon left it.
  const row = { v: 1, table: "nodes", key: "ship9", fault: "its checksum is wrong", text: "{", open: false };
  store.put("aside", ["nodes", "ship9"], row);
  await journal.close();
  return disk;
}

/** The one that was set aside. */
const ASIDE = { table: "nodes", key: '"ship9"', fault: "its checksum is wrong", harm: "aside" };

type Row = Record<string, unknown>;

/** Rows of a disk, changed by hand as no journal would. */
class Hand {
  readonly disk: Disk;

  constructor(disk: Disk) {
    this.disk = disk;
  }

  value<T = Row>(table: Table, key: Key): T {
    const entry = this.disk.tables.get(table)?.get(keyText(key));
    if (entry === undefined) throw new Error(`${table} has no row ${JSON.stringify(key)}`);
    return structuredClone(entry.value) as T;
  }

  keys(table: Table): Key[] {
    return [...(this.disk.tables.get(table)?.values() ?? [])].map(({ key }) => key);
  }

  put(table: Table, key: Key, value: unknown): void {
    this.disk.tables.get(table)?.set(keyText(key), { key, value });
  }

  change(table: Table, key: Key, fields: Row): void {
    this.put(table, key, { ...this.value<Row>(table, key), ...fields });
  }

  drop(table: Table, key: Key): void {
    if (this.disk.tables.get(table)?.delete(keyText(key)) !== true) throw new Error(`${table} has no such row`);
  }
}

function checked(disk: Disk): JournalCheck {
  return checkJournal(openMemoryStore(disk));
}

const id = (n: number): string => idOf(n, n * 10);
const [COMMANDS, JOBS, KEPT] = [LANES.commands, LANES.jobs, LANES.kept];
const SOURCE = `ship1 e1 ${TAKEN.events}`;

/** What is done to which row, and the words in which the check must name it. */
const DAMAGE: readonly [name: string, damage: (hand: Hand) => void, table: Table | "log", key: Key, fault: string][] = [
  ["no version", (h) => h.drop("meta", "version"), "meta", "version", "it is missing"],
  [
    "a newer version",
    (h) => h.put("meta", "version", 99),
    "meta",
    "version",
    "it is 99, and this steward reads up to 2",
  ],
  ["no owner", (h) => h.drop("meta", "node"), "meta", "node", "it is missing"],
  ["an epoch that is none", (h) => h.put("meta", "epoch", 7), "meta", "epoch", "7 is not a name"],
  ["an unknown note", (h) => h.put("meta", "colour", "red"), "meta", "colour", "there is no such entry"],
  [
    "a lower next",
    (h) => h.change("lanes", JOBS, { next: 3 }),
    "lanes",
    JOBS,
    "3 were sent, and the next to come is 3",
  ],
  ["a lower next", (h) => h.change("lanes", COMMANDS, { next: 14 }), "out", [1, 14], "it ends with number 14"],
  ["a higher next", (h) => h.change("lanes", JOBS, { next: 9 }), "lanes", JOBS, "numbers 5 to 8 are missing"],
  ["more acknowledged than sent", (h) => h.change("lanes", JOBS, { acked: 4 }), "lanes", JOBS, "4 are acknowledged"],
  ["more started than acknowledged", (h) => h.change("lanes", JOBS, { started: 1 }), "lanes", JOBS, "1 were started"],
  [
    "nothing open below 1",
    (h) => h.change("lanes", JOBS, { open: 0 }),
    "lanes",
    JOBS,
    "open: 0 is not a number from 1",
  ],
  ["open beyond next", (h) => h.change("lanes", JOBS, { open: 6 }), "lanes", JOBS, "all below 6 is final"],
  ["open beyond an open command", (h) => h.change("lanes", COMMANDS, { open: 11 }), "out", [1, 1], "number 10 is open"],
  [
    "a lane number twice",
    (h) => h.change("lanes", KEPT, { no: 1 }),
    "lanes",
    KEPT,
    "it has number 1, which is that of",
  ],
  ["a missing lane", (h) => h.drop("lanes", COMMANDS), "lanes", "", "1 of 5 lanes are missing"],
  [
    "a lane under another key",
    (h) => h.put("lanes", "a.event.b.c", h.value("lanes", JOBS)),
    "lanes",
    "a.event.b.c",
    "it is the lane of",
  ],
  [
    "a foreign field",
    (h) => h.change("lanes", JOBS, { colour: "red" }),
    "lanes",
    JOBS,
    "colour: there is no such field",
  ],
  ["a lost batch", (h) => h.drop("out", [2, 1]), "lanes", JOBS, "numbers 1 to 4 are missing"],
  [
    "a lost batch of what is acknowledged",
    (h) => h.drop("out", [1, 13]),
    "ids",
    id(13),
    `${id(13)}: there is no number 13 of lane 1`,
  ],
  ["a batch of no lane", (h) => h.put("out", [77, 1], h.value("out", [2, 1])), "out", [77, 1], "there is no lane 77"],
  [
    "a batch over another",
    (h) => h.put("out", [2, 3], h.value("out", [2, 1])),
    "out",
    [2, 3],
    "it overlaps the batch before it",
  ],
  [
    "a forgotten message that is owed",
    (h) => h.change("out", [2, 1], { m: h.value<{ m: unknown[] }>("out", [2, 1]).m.with(1, null) }),
    "out",
    [2, 1],
    "number 2 is missing",
  ],
  [
    "a message with another id",
    (h) => h.change("out", [1, 13], { m: [{ i: id(999), c: START, d: 1 }] }),
    "out",
    [1, 13],
    `number 13 is not found by its id, ${id(999)}`,
  ],
  ["a batch that is none", (h) => h.put("out", [2, 1], [1, 2]), "out", [2, 1], "[1,2] is not an object"],
  ["learned of no batch", (h) => h.put("learned", [1, 7, 0], []), "learned", [1, 7, 0], "there is no such batch"],
  [
    "learned of another number",
    (h) => h.put("learned", [2, 1, 0], [[9, (h.value<[number, unknown][]>("learned", [2, 1, 0])[0] ?? [])[1]]]),
    "learned",
    [2, 1, 0],
    "number 9 is not of its batch",
  ],
  [
    "a gap in what was learned",
    (h) => h.drop("learned", [1, 1, 0]),
    "learned",
    [1, 1, 1],
    "the one before it, 0, is missing",
  ],
  [
    "an unknown state",
    (h) => h.put("learned", [2, 1, 0], [[1, { n: 0, p: [0, 0, 0], e: { state: "lost", at: 1, by: "x" } }]]),
    "learned",
    [2, 1, 0],
    `"lost" is not a final state`,
  ],
  [
    "a message without its id",
    (h) => h.drop("ids", id(13)),
    "out",
    [1, 13],
    `number 13 is not found by its id, ${id(13)}`,
  ],
  [
    "an id in the row of a later one",
    (h) => {
      const [entry] = h.value<unknown[]>("ids", id(13));
      h.drop("ids", id(13));
      h.put("ids", id(60), [entry, ...h.value<unknown[]>("ids", id(60))]);
    },
    "ids",
    id(60),
    `${id(13)} is not looked for in this row`,
  ],
  [
    "output of nobody",
    (h) => h.put("output", [id(998), "stdout", 0], { stream: "stdout", offset: 0, text: "" }),
    "output",
    [id(998), "stdout", 0],
    "there is no such command",
  ],
  [
    "output under another offset",
    (h) => h.put("output", [id(8), "stdout", 3], h.value("output", [id(8), "stdout", 0])),
    "output",
    [id(8), "stdout", 3],
    "it is that of stdout at 0",
  ],
  [
    "a source under another key",
    (h) => h.change("sources", SOURCE, { epoch: "e9" }),
    "sources",
    SOURCE,
    `it is the lane ship1 e9 ${TAKEN.events}`,
  ],
  [
    "a lower last",
    (h) => h.change("sources", SOURCE, { last: 8, lost: [] }),
    "pending",
    3,
    `${id(120)}: it has number 10`,
  ],
  [
    "lost numbers to come",
    (h) => h.change("sources", SOURCE, { lost: [[4, 12]] }),
    "sources",
    SOURCE,
    "number 12 was lost, and 11 is the last",
  ],
  [
    "lost numbers the wrong way",
    (h) => h.change("sources", SOURCE, { lost: [[9, 4]] }),
    "sources",
    SOURCE,
    "the lost numbers 9 to 4",
  ],
  [
    "a verdict to come",
    (h) => h.change("sources", SOURCE, { verdicts: [{ seq: 50, state: "rejected", reason: "" }] }),
    "sources",
    SOURCE,
    "number 50 was decided",
  ],
  ["no source", (h) => h.drop("sources", SOURCE), "pending", 3, "nothing is known of the lane"],
  ["a frame that is lost", (h) => h.drop("pending", 1), "progress", [1, 0], "there is no such frame"],
  ["a frame twice", (h) => h.put("pending", 90, h.value("pending", 3)), "pending", 90, "is in frame 3 too"],
  [
    "running without a start",
    (h) =>
      h.put(
        "pending",
        3,
        h.value<Row[]>("pending", 3).map((record) => ({ ...record, state: "running" })),
      ),
    "pending",
    3,
    "it is running, and never started",
  ],
  ["a change lost", (h) => h.drop("progress", [1, 0]), "progress", [1, 1], "the one before it, 0, is missing"],
  ["a change of no place", (h) => h.put("progress", [3, 0], [[7, 0]]), "progress", [3, 0], "its frame has no place 7"],
  [
    "a frame that has ended",
    (h) =>
      h.put(
        "progress",
        [3, 0],
        [
          [0, 0],
          [1, 0],
        ],
      ),
    "pending",
    3,
    "all of it has ended",
  ],
  ["a message for another node", (h) => h.put("meta", "node", "ship9"), "pending", 1, "is not for ship9"],
  [
    "done and pending",
    (h) => {
      const [entry] = h.value<[string, Row][]>("done", id(100));
      h.put("done", id(120), [[id(120), { ...entry?.[1], id: id(120) }]]);
    },
    "done",
    id(120),
    `${id(120)}: it has ended, and is pending`,
  ],
  [
    "the record of another",
    (h) => {
      const [entry] = h.value<[string, Row][]>("done", id(100));
      h.put("done", id(100), [[id(100), { ...entry?.[1], id: id(7) }]]);
    },
    "done",
    id(100),
    `${id(100)}: it is the record of ${id(7)}`,
  ],
  [
    "ids in no order",
    (h) => {
      const [entry] = h.value<unknown[]>("done", id(100));
      h.put("done", id(100), [entry, entry]);
    },
    "done",
    id(100),
    `${id(100)} comes after ${id(100)}`,
  ],
  [
    "a dead letter of another",
    (h) => h.put("dead", id(9), h.value("dead", id(110))),
    "dead",
    id(9),
    `it is the letter ${id(110)}`,
  ],
  [
    "a held message with a place on a lane",
    (h) => h.change("held", [id(200), "stand"], { runs: [[4, 0]] }),
    "held",
    [id(200), "stand"],
    `${id(200)} is held, and has a place on a lane`,
  ],
  ["a group without members", (h) => h.drop("held", [id(200), 1]), "held", [id(200), 1], "it is missing"],
  ["a job without its order", (h) => h.drop("jobs", [id(300), 0]), "jobs", [id(300), 0], "it is missing"],
  [
    "a job of messages that are not there",
    (h) => h.change("jobs", [id(300), 1], { attempts: [{ group: id(9), at: START, of: "all", waves: [1] }] }),
    "jobs",
    [id(300), 1],
    `there is no group ${id(9)} of held messages`,
  ],
  ["a cancel by nobody", (h) => h.put("cancelled", id(150), 1), "cancelled", id(150), "1 is not a text"],
  ["a node that is none", (h) => h.put("nodes", "ship1", "online"), "nodes", "ship1", `"online" is not an object`],
  ["a file that brought no ids", (h) => h.put("taken", "file 1", ["x"]), "taken", "file 1", `0: "x" is not an id`],
];

describe("the check of a journal", () => {
  it("finds nothing wrong with what a journal wrote, in every table", async () => {
    const disk = await lived();
    expect(TABLES.filter((table) => disk.tables.get(table)?.size === 0)).toEqual([]);
    const { problems, wrong, leftovers, owner, version, epoch, rows, counts } = checked(disk);
    expect({ problems, wrong, leftovers, owner, version }).toEqual({
      problems: [ASIDE],
      wrong: 0,
      leftovers: 0,
      owner: NODE,
      version: 2,
    });
    expect(epoch).toMatch(/^[0-9a-f]{16}$/);
    expect(rows).toBe(TABLES.reduce((sum, table) => sum + (disk.tables.get(table)?.size ?? 0), 0));
    expect({ ...counts, owed: Object.fromEntries(counts.owed) }).toEqual({
      ...{ owed: { ship1: 6, ship2: 4 }, open: 1, kept: 22, held: 1, pending: 7, running: 3, done: 2, dead: 2 },
    });
  });

  it.each([1, 5, 1000])(
    "finds nothing wrong with what is left when the past is forgotten, %i at a time",
    async (limit) => {
      const disk = await lived();
      const kept: number[] = [];
      for (let round = 0; round < 3; round++) {
        const clock = new SimulatedClock(START);
        const journal = openJournal(openMemoryStore(disk), { node: NODE, path: "", clock, random: seededRandom(1) });
        journal.sweep(START + 1_000_000, limit);
        await journal.close();
        const { problems, counts } = checked(disk);
        expect(problems).toEqual([ASIDE]);
        kept.push(counts.kept);
      }
      expect(kept.at(-1)).toBeLessThan(21);
    },
  );

  it("finds nothing wrong with an empty journal", () => {
    expect(checked(emptyDisk())).toMatchObject({ problems: [], rows: 0, version: undefined });
  });

  it.each(DAMAGE)("names %s, by table and key", async (_name, damage, table, key, fault) => {
    const disk = await lived();
    damage(new Hand(disk));
    const { problems, wrong, leftovers } = checked(disk);
    expect(wrong + leftovers + 1).toBe(problems.length);
    expect(problems).toContainEqual({
      table,
      key: JSON.stringify(key),
      fault: expect.stringContaining(fault),
      harm: expect.anything(),
    });
  });

  it("names two ids that stand for each other's message", async () => {
    const disk = await lived();
    const hand = new Hand(disk);
    const [first, second] = [id(10), id(11)];
    const key = hand
      .keys("ids")
      .find((row) => hand.value<[string, unknown][]>("ids", row).some(([each]) => each === second));
    if (key === undefined) throw new Error("it is in no row");
    const places = new Map(hand.keys("ids").flatMap((row) => hand.value<[string, unknown][]>("ids", row)));
    for (const row of hand.keys("ids")) {
      const entries = hand.value<[string, unknown][]>("ids", row);
      const swapped = new Map([
        [first, places.get(second)],
        [second, places.get(first)],
      ]);
      hand.put(
        "ids",
        row,
        entries.map(([each, place]) => [each, swapped.get(each) ?? place]),
      );
    }
    expect(checked(disk).problems.map(({ table, key: at, fault }) => `${table} ${at}: ${fault}`)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(new RegExp(`^ids .*: ${first}: number 11 of lane 1 is ${second}$`)),
        expect.stringMatching(new RegExp(`^out .*: number 11 is not found by its id, ${second}$`)),
      ]),
    );
  });

  it.each(TABLES)(
    "names a row of %s that is no JSON, one of a foreign shape and one under a foreign key",
    async (table) => {
      const disk = await lived();
      const store = openMemoryStore(disk);
      const [first] = [...store.range(table, {})];
      if (first === undefined) throw new Error(`${table} is empty`);
      const key = JSON.stringify(first.key);
      const with_ = (value: unknown): JournalCheck => {
        const rows: Rows = {
          get: store.get,
          *range(of, bounds) {
            for (const row of store.range(of, bounds))
              yield of === table && JSON.stringify(row.key) === key ? { ...row, value } : row;
          },
        };
        return checkJournal(rows);
      };
      expect(with_(new Unreadable("it is no JSON")).problems).toContainEqual({
        table,
        key,
        fault: "it is no JSON",
        harm: "wrong",
      });
      // What a source notes down of itself is its own affair.
      if (table !== "checkpoints") {
        const own = with_([{ colour: "red" }]).problems.filter(
          (problem) => problem.table === table && problem.key === key,
        );
        expect(own).toHaveLength(1);
      }
      new Hand(disk).put(table, [1, 2, 3, 4], 1);
      expect(checked(disk).problems).toContainEqual({
        table,
        key: "[1,2,3,4]",
        fault: expect.stringContaining("its key: "),
        harm: "wrong",
      });
    },
  );

  it.each([
    ["hold ship1", { endsAt: "soon" }, 'endsAt: "soon" is not a time'],
    ["mute ship2", { by: 7 }, "by: 7 is not a text"],
    ["errand e1-pager", { id: "another" }, "it is that of another"],
    ["errand e1-pager", { attempts: -1 }, "attempts: -1 is not a number from 0 on"],
    [`reply ${idOf(7, 70)}`, { to: "log" }, 'to: "log" is not a list'],
    ["schedule nightly", { name: "daily" }, "it is that of daily"],
    ["schedule nightly", { run: null }, "it is running, and has no run"],
    ["schedule nightly", { state: "waiting" }, "it has a run, and is waiting"],
    ["schedules ship1", { schedules: [{}] }, "schedules: 0: name: nothing is not a name"],
  ])("names a row of the checkpoints that it knows: %s %j", async (key, wrong, fault) => {
    const disk = await lived();
    const hand = new Hand(disk);
    hand.put("checkpoints", key, { ...hand.value<Row>("checkpoints", key), ...wrong });
    expect(checked(disk).problems).toContainEqual({
      table: "checkpoints",
      key: JSON.stringify(key),
      fault,
      harm: "wrong",
    });
  });

  it("tells the first problems one by one and counts all of them", async () => {
    const disk = await lived();
    const hand = new Hand(disk);
    for (let n = 0; n < 500; n++) hand.put("nodes", `node${n}`, n);
    const { problems, wrong } = checked(disk);
    expect([problems.length, wrong]).toEqual([200, 500]);
  });

  it("says now and then how far it is", async () => {
    const disk = await lived();
    const hand = new Hand(disk);
    for (let n = 0; n < 25_000; n++) hand.put("nodes", `node${n}`, {});
    const seen: number[] = [];
    checkJournal(openMemoryStore(disk), { onRows: (rows) => seen.push(rows) });
    expect(seen).toEqual([10_000, 20_000]);
  });
});
