import { appendFile, mkdir, open, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Intake } from "../../src/intake/drop-folder.ts";
import { openInmsgFile } from "../../src/intake/inmsg-file.ts";
import { StewardError } from "../../src/message/errors.ts";
import { IntakeHarness, noteFor } from "./intake-harness.ts";

let h: IntakeHarness;
let intake: Intake | undefined;
let file: string;

beforeEach(async () => {
  h = await IntakeHarness.make();
  file = join(h.folder, "inmsg.txt");
});

afterEach(async () => {
  await intake?.close();
  intake = undefined;
  expect(h.clock.armed).toBe(0);
  await h.remove();
});

const start = (): void => {
  intake = openInmsgFile({ ...h.options, file });
};
const taken = (count: number) => h.until(() => h.taken.length === count);

describe("the message file", () => {
  it("takes what is in it, and what is written to it again later", async () => {
    await writeFile(file, noteFor("one"));
    start();
    await taken(1);
    await writeFile(file, `${JSON.stringify({ to: "two", event: "note", domain: "d" })}\n`);
    await taken(2);
    expect(h.subjects).toEqual(["one.event.note.d", "two.event.note.d"]);
    expect(await h.list()).toEqual(["done"]);
    expect((await h.list("done")).every((name) => /^inmsg\.20300101T0000\d\dZ\.txt(\.ids)?$/.test(name))).toBe(true);
  });

  it("leaves a missing and an empty file alone", async () => {
    start();
    await h.pass(5_000);
    await writeFile(file, "");
    await h.pass(120_000);
    expect(await h.list()).toEqual(["inmsg.txt"]);
    expect(h.logged).toEqual([]);
  });

  it("waits for a writer that goes on, and misses nothing that comes line by line", async () => {
    start();
    for (let i = 0; i < 5; i++) {
      await appendFile(file, noteFor(`n${i}`));
      await h.pass(300);
    }
    await taken(1);
    expect(h.subjects).toHaveLength(5);
  });

  it("takes what a writer adds through a file that was open when it was claimed", async () => {
    await writeFile(file, noteFor("early"));
    const writer = await open(file, "a");
    start();
    await h.until(async () => (await readdir(h.folder)).includes(".inmsg.txt.claimed"));
    await writer.write(noteFor("late"));
    await writer.close();
    await taken(1);
    expect(h.subjects).toEqual(["early.event.note.d", "late.event.note.d"]);
  });

  it("moves bad content to rejected with its cause, and takes what comes after", async () => {
    await writeFile(file, "to: ship 1\nevent: note\ndomain: d\n");
    start();
    await h.until(() => h.rejected.length === 1);
    const names = await h.list("rejected");
    expect(names).toHaveLength(2);
    expect(await h.read(`rejected/${names[1]}`)).toContain(
      'message inmsg.txt:1:5 is not valid: `to`: at character 6: expected and, or, a comma or the end, got "1"',
    );
    await writeFile(file, noteFor("one"));
    await taken(1);
  });

  it("does not take content that does not parse away from its writer", async () => {
    start();
    await appendFile(file, '[{"to": "a", "event": "note",\n');
    await h.pass(1_500);
    await appendFile(file, '"domain": "d"}]\n');
    await taken(1);
    expect(h.rejected).toEqual([]);
    expect(h.subjects).toEqual(["a.event.note.d"]);
  });

  it("takes what an earlier daemon had claimed first, and only once", async () => {
    await writeFile(file, noteFor("first"));
    await writeFile(join(h.folder, "done"), "a file where the folder should be");
    start();
    await h.until(() => h.journal.size === 1);
    await intake?.close();
    await writeFile(file, noteFor("second"));
    await rm(join(h.folder, "done"));
    start();
    await taken(2);
    expect(h.taken.map(({ duplicate }) => duplicate)).toEqual([true, false]);
    expect(h.subjects).toEqual(["first.event.note.d", "second.event.note.d"]);
  });

  it("keeps all while the journal is full, and lets a new file grow meanwhile", async () => {
    h.refuse = new StewardError("journal-full", { held: 1, limit: 1 });
    await writeFile(file, noteFor("one"));
    start();
    await h.until(() => h.attempts > 0);
    await writeFile(file, noteFor("two"));
    await h.pass(10_000);
    expect(h.taken).toEqual([]);
    h.refuse = undefined;
    await taken(2);
    expect(h.subjects).toEqual(["one.event.note.d", "two.event.note.d"]);
  });

  it("tells that something else stands in its place, until it is gone", async () => {
    const said: (string | undefined)[] = [];
    await mkdir(file);
    intake = openInmsgFile({ ...h.options, file, blocked: (fault) => void said.push(fault) });
    await h.until(() => said.length > 0);
    expect(said[0]).toBe(
      `cannot use the message file ${file}: it is no regular file; move it away, and write a file there`,
    );
    await rmdir(file);
    await writeFile(file, noteFor("one"));
    await taken(1);
    await h.until(() => said.at(-1) === undefined);
  });
});
