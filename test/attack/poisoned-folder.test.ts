import { link, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openDropFolder } from "../../src/intake/drop-folder.ts";
import { tempDir } from "../harness/temp.ts";
import { IntakeHarness } from "../intake/intake-harness.ts";

/**
 * Somebody who may write to the drop folder and to nothing else. Such a user can send commands, as the documentation says;
 * the daemon must not read, write, move or remove a file for that user that lies anywhere else.
 */
async function poisoned() {
  const h = await IntakeHarness.make();
  onTestFinished(() => h.remove());
  const elsewhere = await tempDir();
  const begin = (): void => {
    const folder = openDropFolder({ ...h.options, folder: h.folder });
    onTestFinished(() => folder.close());
  };
  return { h, elsewhere, begin, at: (name: string) => join(h.folder, name) };
}

const NOTE = "to: [a]\nevent: note\ndomain: d\ndata: null\n";
const BAD = "to: [\n";

it.each(["done", "rejected"])("a folder %s that is a link to another folder is not written to", async (name) => {
  const { h, elsewhere, begin, at } = await poisoned();
  await symlink(elsewhere, at(name));
  await writeFile(at("a.yaml"), name === "done" ? NOTE : BAD);
  begin();
  await h.until(() => h.logged.some(({ text }) => text === "file was dealt with and cannot be moved away"));
  expect(await readdir(elsewhere)).toEqual([]);
  // The file is taken once, however often it is looked at again.
  await h.pass(2_000);
  expect(h.journal.size).toBe(name === "done" ? 1 : 0);
});

it("a link in the place of the file that says why another one was refused is not written through", async () => {
  const { h, elsewhere, begin, at } = await poisoned();
  const victim = join(elsewhere, "victim");
  await writeFile(victim, "untouched");
  await mkdir(at("rejected"));
  // The names that the daemon would use, its drafts included.
  for (const each of [".a.yaml.error", "a.yaml.error", "a.yaml", ".a.1.yaml.error"])
    await symlink(victim, at(`rejected/${each}`));
  await writeFile(at("a.yaml"), BAD);
  begin();
  await h.until(() => h.rejected.length > 0);
  expect(await readFile(victim, "utf8")).toBe("untouched");
  expect(await readFile(at("rejected/a.1.yaml.error"), "utf8")).toContain("a.yaml");
});

it("a link in the place of a message file gives nothing of its target away", async () => {
  const { h, elsewhere, begin, at } = await poisoned();
  const secret = join(elsewhere, "secret.yaml");
  await writeFile(secret, "password: hunter2\n");
  await symlink(secret, at("a.yaml"));
  await mkdir(at("folder.yaml"));
  // A file that was looked at is exchanged for a link before it is read.
  await writeFile(at("b.yaml"), BAD);
  begin();
  await h.pass(300);
  await symlink(secret, at("b.link"));
  await rename(at("b.link"), at("b.yaml"));
  await writeFile(at("z.yaml"), NOTE);
  await h.until(() => h.taken.length === 1);
  expect(h.subjects).toEqual(["a.event.note.d"]);
  expect(await h.list("rejected")).toEqual([]);
  expect(JSON.stringify(h.logged)).not.toContain("hunter2");
  expect(await readFile(secret, "utf8")).toBe("password: hunter2\n");
});

it("a second name of a file elsewhere is no way to read it or to have it moved", async () => {
  const { h, elsewhere, begin, at } = await poisoned();
  const secret = join(elsewhere, "shadow");
  await writeFile(secret, "root:$6$hunter2:19000:0\n");
  await link(secret, at("a.yaml"));
  await writeFile(at("z.yaml"), NOTE);
  begin();
  await h.until(() => h.taken.length === 1);
  await h.pass(5_000);
  expect(await h.list()).toEqual(["a.yaml", "done"]);
  expect(JSON.stringify(h.logged)).toContain("hard links are not taken");
  expect(JSON.stringify(h.logged)).not.toContain("hunter2");
  expect(await readFile(secret, "utf8")).toContain("hunter2");
});
