import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBelow, ROOT } from "./parts/sources.ts";

const tests = filesBelow("test");
/** `actors`, …, `runtime/daemon`, …: where a file of `src` may stand, without the folders within a room. */
const rooms = [
  ...new Set(filesBelow("src").map((path) => /^src\/((?:runtime\/)?[^/]+)\//.exec(path)?.[1] ?? path)),
].sort();
const readme = readFileSync(join(ROOT, "test/README.md"), "utf8");
/** Room and the places that its line names. */
const lines = [...readme.matchAll(/^\| `([^`]+)` +\| (`[^|]+`) +\|$/gm)].map(([, room = "", places = ""]) => ({
  room,
  places: [...places.matchAll(/`([^`]+)`/g)].map(([, place = ""]) => place),
}));

describe("the tests", () => {
  it("of each room stand in a folder of its name", () => {
    expect(rooms.length).toBeGreaterThan(15);
    const without = rooms.filter(
      (room) => !tests.some((path) => path.startsWith(`test/${room}/`) && path.endsWith(".test.ts")),
    );
    expect(without).toEqual([]);
  });

  it("of each room that stand elsewhere too are named in test/README.md, at places that are there", () => {
    expect(lines.map(({ room }) => room).sort()).toEqual(rooms);
    const places = lines.flatMap((line) => line.places);
    const there = (place: string): boolean =>
      tests.some((path) => (place.endsWith("/") ? path.startsWith(`test/${place}`) : path === `test/${place}`));
    expect(places.filter((place) => !there(place))).toEqual([]);
  });

  it("are about a dozen in each folder, with what they are made of", () => {
    const counts = new Map<string, number>();
    for (const path of tests) {
      const folder = path.slice(0, path.lastIndexOf("/"));
      if (!folder.startsWith("test/fuzz/corpus")) counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    expect([...counts].filter(([, files]) => files > 15)).toEqual([]);
  });

  it("are of some room: there is no folder that is neither a room nor named in test/README.md", () => {
    const folders = new Set(tests.map((path) => path.split("/").slice(1, -1).join("/")));
    const known = (folder: string): boolean =>
      rooms.some((room) => folder === room || folder.startsWith(`${room}/`)) ||
      readme.includes(`\`${folder.split("/")[0]}/\``) ||
      readme.includes(`\`${folder}/\``);
    expect([...folders].filter((folder) => folder !== "" && !known(folder))).toEqual([]);
  });
});
