import { execFileSync } from "node:child_process";
import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Intake, openDropFolder } from "../../src/intake/drop-folder.ts";
import type { IntakeOptions } from "../../src/intake/file-taker.ts";
import { StewardError } from "../../src/message/errors.ts";
import { IntakeHarness, noteFor } from "./intake-harness.ts";

let h: IntakeHarness;
let intake: Intake | undefined;

beforeEach(async () => {
  h = await IntakeHarness.make();
});

afterEach(async () => {
  await intake?.close();
  intake = undefined;
  expect(h.clock.armed).toBe(0);
  await h.remove();
});

const start = (options: Partial<IntakeOptions> = {}): void => {
  intake = openDropFolder({ ...h.options, folder: h.folder, ...options });
};
const at = (name: string): string => join(h.folder, name);
const put = (name: string, content: string | Uint8Array): Promise<void> => writeFile(at(name), content);
const taken = (count: number) => h.until(() => h.taken.length === count);
const rejected = (count: number) => h.until(() => h.rejected.length === count);

describe("what is taken", () => {
  it("takes what lay there before the start, in the order of the names, and moves it to done with its ids", async () => {
    await put("2.yml", noteFor("two"));
    await put("1.yaml", noteFor("one") + noteFor("uno"));
    await put("3.json", '{"to": "three", "event": "note", "domain": "d"}');
    start();
    await taken(3);
    expect(h.subjects).toEqual(["one.event.note.d", "uno.event.note.d", "two.event.note.d", "three.event.note.d"]);
    expect(await h.list()).toEqual(["done"]);
    expect(await h.list("done")).toEqual(["1.yaml", "1.yaml.ids", "2.yml", "2.yml.ids", "3.json", "3.json.ids"]);
    expect(await h.read("done/1.yaml.ids")).toBe("id-0-0\nid-0-1\n");
  });

  it("takes the job of a file once, with its own faults and places", async () => {
    await put("1.yaml", "to: class=tanker\ncommand: note\ndomain: d\nurgent: true\njob: {waves: [1, 100%]}\n");
    await put("2.yaml", "to: ship1\ncommand: note\ndomain: d\njob: {waves: [1, 50%], soon: yes}\n");
    start();
    await taken(1);
    await rejected(1);
    expect([...h.journal.values()].map(({ drafts }) => drafts)).toEqual([
      [{ to: "class=tanker", subject: "command.note.d", data: null, urgent: true, waves: "1,100%" }],
    ]);
    expect(await h.read("done/1.yaml.ids")).toBe("id-0-0\n");
    const told = await h.read("rejected/2.yaml.error");
    expect(told).toContain("4:14: `waves`: the last wave does not reach all nodes; end with 100%");
    expect(told).toContain("`soon` is no key of a job");
    await put("3.yaml", "to: class=tanker\ncommand: note\ndomain: d\nurgent: true\njob: {waves: [1, 100%]}\n");
    await taken(2);
  });

  it("takes what comes later, also after the folder was removed", async () => {
    start();
    await h.until(async () => (await h.list()).length === 0);
    await put("a.yaml", noteFor("a"));
    await taken(1);
    await rm(h.folder, { recursive: true });
    await h.until(async () => (await h.list("..")).includes(h.folder.split("/").at(-1) ?? ""));
    await put("b.yaml", noteFor("b"));
    await taken(2);
    expect(h.subjects).toEqual(["a.event.note.d", "b.event.note.d"]);
  });

  it("leaves folders, links, pipes and unfinished names alone, and warns once of other files", async () => {
    await mkdir(at("folder.yaml"));
    await put("target", noteFor("target"));
    await symlink(at("target"), at("link.yaml"));
    execFileSync("mkfifo", [at("pipe.yaml")]);
    for (const name of [".hidden.yaml", "a.yaml.tmp", "b.json.part", "c.yaml~"]) await put(name, noteFor("x"));
    await put("z.yaml", noteFor("z"));
    start();
    await taken(1);
    await h.pass(10_000);
    expect(h.subjects).toEqual(["z.event.note.d"]);
    expect(h.rejected).toEqual([]);
    expect(await h.list()).toHaveLength(9);
    expect(h.logged.filter((line) => line.level === "warn").map((line) => line.fields.file)).toEqual([
      "link.yaml",
      "pipe.yaml",
      "target",
    ]);
  });

  it("takes a file of the same name again, and keeps both", async () => {
    start();
    for (let i = 1; i <= 3; i++) {
      await put("a.yaml", noteFor(`n${i}`));
      await taken(i);
    }
    expect(await h.list("done")).toEqual([
      "a.1.yaml",
      "a.1.yaml.ids",
      "a.2.yaml",
      "a.2.yaml.ids",
      "a.yaml",
      "a.yaml.ids",
    ]);
    expect(await h.read("done/a.2.yaml")).toBe(noteFor("n3"));
  });

  it("sends a file again that is moved back from done", async () => {
    start();
    await put("a.yaml", noteFor("a"));
    await taken(1);
    await rename(at("done/a.yaml"), at("a.yaml"));
    await taken(2);
    expect(h.taken.map(({ duplicate }) => duplicate)).toEqual([false, false]);
    expect(h.subjects).toHaveLength(2);
  });

  it("takes names at the limit of the file system", async () => {
    const name = `${"ü".repeat(125)}.yaml`;
    await put(name, noteFor("a"));
    start();
    await taken(1);
    expect(await h.list("done")).toHaveLength(2);
  });

  it("keeps the newest thousand and a little more in done", async () => {
    await mkdir(at("done"));
    for (let i = 0; i < 1101; i++) {
      await put(`done/old${i}.yaml`, "");
      await put(`done/old${i}.yaml.ids`, "");
    }
    await put("a.yaml", noteFor("a"));
    start();
    await taken(1);
    const names = await h.list("done");
    expect(names).toContain("a.yaml");
    expect(names.length).toBeLessThanOrEqual(2002);
    expect(names.filter((name) => name.endsWith(".ids")).length).toBe(names.length / 2);
  });
});

describe("a file that is still being written", () => {
  it("is left until it has not changed for half a second", async () => {
    start();
    await put("a.yaml", noteFor("n0"));
    for (let i = 1; i < 8; i++) {
      await h.pass(400);
      await appendFile(at("a.yaml"), noteFor(`n${i}`));
    }
    expect(h.taken).toEqual([]);
    await taken(1);
    expect(h.subjects).toHaveLength(8);
  });

  it("is left for two seconds while it does not parse", async () => {
    start();
    await put("a.json", '[{"to": "a", "event": "note"');
    await h.pass(1_800);
    expect(h.rejected).toEqual([]);
    await appendFile(at("a.json"), ', "domain": "d"}]\n');
    await taken(1);
    expect(h.subjects).toEqual(["a.event.note.d"]);
  });

  it("is left for two seconds while its last line is not complete", async () => {
    start();
    await put("a.yaml", "to: a\nevent: note\ndomain: d");
    await h.pass(1_500);
    expect(h.taken).toEqual([]);
    await appendFile(at("a.yaml"), "ata\n");
    await taken(1);
    expect(h.subjects).toEqual(["a.event.note.data"]);
  });

  it("is left for a minute while it is empty", async () => {
    start();
    await put("a.yaml", "");
    await h.pass(50_000);
    expect(h.rejected).toEqual([]);
    await rejected(1);
    expect(await h.read("rejected/a.yaml.error")).toContain("the file is empty");
  });

  it("does not hold up the others", async () => {
    start();
    await put("a.json", "[");
    await put("b.yaml", noteFor("b"));
    await h.pass(1_000);
    expect(h.subjects).toEqual(["b.event.note.d"]);
  });
});

describe("a bad file", () => {
  it("moves to rejected beside a file that names line, cause and what to do; the others are taken", async () => {
    await put("a.yaml", "to: a\nevent: note\ndomian: d\n");
    await put("b.yaml", noteFor("b"));
    start();
    await rejected(1);
    await taken(1);
    expect(await h.list("rejected")).toEqual(["a.yaml", "a.yaml.error"]);
    const cause = await h.read("rejected/a.yaml.error");
    expect(cause).toContain('a.yaml:3:1: "domian" is not known here; did you mean domain?');
    expect(cause).toContain("steward send --help");
  });

  it("is refused by its size without being read", async () => {
    await put("a.json", "[");
    await truncate(at("a.json"), 50 * 1024 ** 3);
    start();
    await rejected(1);
    expect(h.rejected[0]?.error.message).toBe(
      "message a.json is not valid: it has 53687091200 bytes, 8388608 are allowed; split it",
    );
  });

  it.each([
    ["not UTF-8", Uint8Array.of(0xff, 0xfe, 0x7b, 0x00), "it is not UTF-8 text"],
    ["random bytes", Uint8Array.from({ length: 256 }, (_, i) => (i * 7919) % 128), "not valid"],
    ["deep nesting", `${"[".repeat(60_000)}\n`, "nested deeper"],
  ])("is refused when it is %s", async (_, content, fault) => {
    await put("a.yaml", content);
    start();
    await rejected(1);
    expect(h.rejected[0]?.error.message).toContain(fault);
  });

  it("is refused for what the journal's owner says of it", async () => {
    await put("a.yaml", noteFor("nobody"));
    h.refuse = new StewardError("node-unknown", { node: "nobody" });
    start();
    await rejected(1);
    expect(await h.read("rejected/a.yaml.error")).toContain("no node is called nobody");
    expect(await h.list()).toEqual(["rejected"]);
  });

  it.runIf(process.getuid?.() !== 0)("is refused when it cannot be read", async () => {
    await put("a.yaml", noteFor("a"));
    await chmod(at("a.yaml"), 0);
    start();
    await rejected(1);
    expect(h.rejected[0]?.error.code).toBe("file-unreadable");
  });
});

describe("when something else fails", () => {
  it.each(["journal-full", "journal-failed"] as const)(
    "keeps all files, in order, while the journal answers %s",
    async (code) => {
      await put("1.yaml", noteFor("one"));
      await put("2.yaml", noteFor("two"));
      h.refuse = new StewardError(code, { held: 1, limit: 1, fault: "no room", path: "x" });
      start();
      await h.until(() => h.attempts >= 3);
      expect(await h.list()).toEqual(["1.yaml", "2.yaml"]);
      expect(h.logged.filter((line) => line.level === "warn")).toHaveLength(1);
      h.refuse = undefined;
      await taken(2);
      expect(h.subjects).toEqual(["one.event.note.d", "two.event.note.d"]);
    },
  );

  it("hands the same key over after a crash between journal and move, so that nothing is sent twice", async () => {
    await put("a.yaml", noteFor("a"));
    await put("done", "a file where the folder should be");
    start();
    await h.until(() => h.journal.size === 1);
    await intake?.close();
    expect(await h.list()).toContain("a.yaml");

    await rm(at("done"));
    const before = h.attempts;
    start();
    await taken(1);
    expect(h.attempts).toBe(before + 1);
    expect(h.taken[0]).toMatchObject({ name: "a.yaml", ids: ["id-0-0"], duplicate: true });
    expect(h.journal.size).toBe(1);
  });

  it("hands a file over once while it cannot be moved away, and moves it when it can", async () => {
    await put("a.yaml", noteFor("a"));
    await put("done", "a file where the folder should be");
    start();
    await h.until(() => h.journal.size === 1);
    await h.pass(10_000);
    expect(h.attempts).toBe(1);
    expect(h.logged.filter((line) => line.text.includes("cannot be moved away"))).toHaveLength(1);
    await rm(at("done"));
    await taken(1);
    expect(h.attempts).toBe(1);
  });

  it("tells apart two files that agree in name, content and time", async () => {
    const time = new Date(0);
    start();
    for (let i = 1; i <= 2; i++) {
      await put(".draft", noteFor("a"));
      await utimes(at(".draft"), time, time);
      await rename(at(".draft"), at("a.yaml"));
      await taken(i);
    }
    await copyFile(at("done/a.yaml"), at("b.yaml"));
    await taken(3);
    expect(h.journal.size).toBe(3);
  });

  it("warns of what is written into a file while it is being taken", async () => {
    await put("a.yaml", noteFor("a"));
    const file = await open(at("a.yaml"), "a");
    const { take } = h.options;
    start({
      take: async (drafts, key) => {
        await file.write(noteFor("late"));
        return take(drafts, key);
      },
    });
    await taken(1);
    await file.close();
    expect(h.logged.map((line) => line.text)).toContain("file changed while it was taken: what was added is not read");
  });

  it("ends only when the file that is being taken is dealt with", async () => {
    await put("a.yaml", noteFor("a"));
    await put("b.yaml", noteFor("b"));
    let release = (): void => undefined;
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { take } = h.options;
    let entered = false;
    start({
      take: async (drafts, key) => {
        entered = true;
        await waiting;
        return take(drafts, key);
      },
    });
    await h.until(() => entered);
    const closed = intake?.close();
    release();
    await closed;
    expect(h.subjects).toEqual(["a.event.note.d"]);
    expect(await h.list()).toEqual(["b.yaml", "done"]);
  });
});

describe("what waits", () => {
  it("is told with its fault while the folder cannot be used, and that it is over", async () => {
    const said: (string | undefined)[] = [];
    await rm(h.folder, { recursive: true });
    await writeFile(h.folder, "");
    start({ blocked: (fault) => void said.push(fault) });
    await h.until(() => said.length > 1);
    expect(new Set(said)).toEqual(new Set([expect.stringContaining(`cannot use the drop folder ${h.folder}: `)]));
    await rm(h.folder);
    await h.until(() => said.at(-1) === undefined);
  });

  it("is told while the journal takes nothing, and for a file that cannot be moved away", async () => {
    const said: (string | undefined)[] = [];
    h.refuse = new StewardError("journal-full", { limit: 1 });
    await put("a.yaml", noteFor("a"));
    start({ blocked: (fault) => void said.push(fault) });
    await h.until(() => said.at(-1) !== undefined);
    expect(said.at(-1)).toMatch(/^file waits: the journal takes no messages: a\.yaml: /);
    h.refuse = undefined;
    await writeFile(at("done"), "");
    await h.until(() => said.at(-1)?.startsWith("file was dealt with and cannot be moved away: a.yaml: ") === true);
    await rm(at("done"));
    await taken(1);
    await h.until(() => said.at(-1) === undefined);
    expect(h.journal.size).toBe(1);
  });
});
