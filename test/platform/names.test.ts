import {
  closeSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { holdBelow, holdFolder, nameFault, namesIn, openIn, pathIn, writeIn } from "../../src/platform/names.ts";
import { tempDir } from "../harness/temp.ts";

let root: string;
let outside: string;
beforeEach(async () => {
  [root, outside] = [await tempDir(), await tempDir()];
});

describe("a name", () => {
  it.each([
    ["", "empty"],
    [".", "leads to another folder"],
    ["..", "leads to another folder"],
    ["../etc", "a path"],
    ["/etc/passwd", "a path"],
    ["ship1/../../etc", "a path"],
    ["a\0b", "NUL"],
    ["a\uFFFD", "not UTF-8"],
    ["\ud800", "not UTF-8"],
    ["ü".repeat(128), "256 bytes"],
  ])("%j is refused", (name, fault) => {
    expect(nameFault(name)).toContain(fault);
    expect(() => pathIn(root, name)).toThrow(fault);
    expect(() => holdFolder(root, [name])).toThrow(fault);
    expect(() => openIn(root, name, constants.O_RDONLY)).toThrow(fault);
    expect(readdirSync(root)).toEqual([]);
  });

  it.each(["ship1", "...", "..ship1", "a b", "ü".repeat(127), "-rf", "a\nb"])("%j is one step", (name) => {
    expect(nameFault(name)).toBeUndefined();
    expect(pathIn("/srv", name)).toBe(`/srv/${name}`);
  });
});

describe("a folder below a root", () => {
  it("is made where it is missing, for its user alone", () => {
    const folder = holdFolder(root, ["ship1", "nginx"]);
    writeFileSync(pathIn(folder.path, "x"), "1");
    folder.close();
    expect(readFileSync(join(root, "ship1", "nginx", "x"), "utf8")).toBe("1");
  });

  it("may be reached over a link to the root, and over none below it", () => {
    symlinkSync(root, join(outside, "data"));
    holdFolder(join(outside, "data"), ["ship1"]).close();
    symlinkSync(outside, join(root, "ship2"));
    expect(() => holdFolder(root, ["ship2"])).toThrow("it is a link");
    expect(() => holdFolder(root, ["ship2", "nginx"])).toThrow("it is a link");
    expect(readdirSync(outside)).toEqual(["data"]);
  });

  it("stays the folder that it was when a link takes its place", () => {
    const folder = holdFolder(root, ["ship1"]);
    renameSync(join(root, "ship1"), join(root, "away"));
    symlinkSync(outside, join(root, "ship1"));
    writeFileSync(pathIn(folder.path, "x"), "1");
    folder.close();
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(join(root, "away"))).toEqual(["x"]);
  });

  it("counts for a directory that leads out of it neither by .. nor by a link", () => {
    mkdirSync(join(root, "in"));
    symlinkSync(join(root, "in"), join(root, "link"));
    symlinkSync(outside, join(root, "out"));
    for (const path of [root, join(root, "in"), join(root, "link")]) holdBelow(root, path).close();
    for (const path of [join(root, ".."), join(root, "out"), `${root}x`.slice(0, -2), "/"])
      expect(() => holdBelow(root, path), path).toThrow();
  });

  it("has the names of its real folders and files, and no links", async () => {
    mkdirSync(join(root, "b"));
    mkdirSync(join(root, "a"));
    writeFileSync(join(root, "f"), "");
    symlinkSync(outside, join(root, "c"));
    symlinkSync("/etc/passwd", join(root, "g"));
    expect(await namesIn(root, "folders")).toEqual(["a", "b"]);
    expect(await namesIn(root, "files")).toEqual(["f"]);
    expect(await namesIn(join(root, "none"), "files")).toEqual([]);
  });
});

describe("a file below a root", () => {
  it("is opened, unless it is a link or no regular file", () => {
    closeSync(openIn(root, "new", constants.O_WRONLY | constants.O_CREAT));
    writeFileSync(join(outside, "victim"), "kept");
    symlinkSync(join(outside, "victim"), join(root, "link"));
    mkdirSync(join(root, "folder"));
    expect(() => openIn(root, "link", constants.O_WRONLY | constants.O_TRUNC)).toThrow("it is a link");
    expect(() => openIn(root, "folder", constants.O_RDONLY)).toThrow("no regular file");
    expect(readFileSync(join(outside, "victim"), "utf8")).toBe("kept");
  });

  it("is written anew in place of a link, for its user alone", () => {
    writeFileSync(join(outside, "victim"), "kept");
    symlinkSync(join(outside, "victim"), join(root, "ship1.token"));
    writeIn(root, "ship1.token", "text");
    expect(readFileSync(join(outside, "victim"), "utf8")).toBe("kept");
    expect(readFileSync(join(root, "ship1.token"), "utf8")).toBe("text");
    expect(statSync(join(root, "ship1.token")).mode & 0o777).toBe(0o600);
    writeIn(root, "ship1.token", "again");
    expect(readFileSync(join(root, "ship1.token"), "utf8")).toBe("again");
  });
});
