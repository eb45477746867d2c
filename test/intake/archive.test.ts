import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { archiveIn } from "../../src/intake/archive.ts";
import { tempDir } from "../harness/temp.ts";

it("shows a sidecar only when all of it is there, whoever looks meanwhile", async () => {
  const folder = await mkdtemp(join(tmpdir(), "steward-archive-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "a.yaml");
  await writeFile(path, "to: nowhere\n");
  // Large enough to be written in many pieces.
  const cause = "x".repeat(16_000_000);

  let over = false;
  const moving = archiveIn(folder)
    .rejected(path, "a.yaml", cause)
    .finally(() => {
      over = true;
    });
  const sizes = new Set<number>();
  while (!over) {
    const found = await stat(join(folder, "rejected/a.yaml.error")).catch(() => undefined);
    if (found !== undefined) sizes.add(found.size);
  }
  await moving;

  sizes.add((await stat(join(folder, "rejected/a.yaml.error"))).size);
  expect([...sizes]).toEqual([cause.length + 1]);
  expect((await readdir(join(folder, "rejected"))).sort()).toEqual(["a.yaml", "a.yaml.error"]);
});

it("follows no link that somebody has put into the intake's folder", async () => {
  const [folder, outside] = await Promise.all([tempDir(), tempDir()]);
  const path = join(folder, "a.yaml");
  const victim = join(outside, "victim");
  await Promise.all([writeFile(path, "to: nowhere\n"), writeFile(victim, "kept")]);
  await symlink(outside, join(folder, "done"));
  await expect(archiveIn(folder).done(path, "a.yaml", ["id"])).rejects.toThrow("it is a link");
  expect(await readdir(outside)).toEqual(["victim"]);

  await mkdir(join(folder, "rejected"));
  await symlink(victim, join(folder, "rejected", ".a.yaml.error"));
  expect(await archiveIn(folder).rejected(path, "a.yaml", "no")).toBe("a.yaml");
  expect(await readFile(victim, "utf8")).toBe("kept");
  expect(await readFile(join(folder, "rejected", "a.yaml.error"), "utf8")).toBe("no\n");
});
