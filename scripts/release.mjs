/**
 * Makes the files that travel to a machine, into `release/`: `npm run release`.
 *
 *   steward-VERSION-PLATFORM-ARCH.tar.xz    a bundle that runs on any Node from 20.19 on, on this kind of machine
 *   steward_VERSION_ARCH.deb                a package for Debian and Ubuntu, where dpkg-deb is there to make it
 *   SHA256SUMS
 *
 *   node scripts/release.mjs [--out DIRECTORY] [--quick]      --quick compresses little, for tests
 *
 * The same sources give the same bytes: every date is SOURCE_DATE_EPOCH, or that of the last commit.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { onPath, run } from "./nats-server.mjs";
import { packBundle } from "./release/bundle.mjs";
import { packDebian } from "./release/debian.mjs";
import { programTree } from "./release/program-tree.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";

const { values } = parseArgs({
  options: { out: { type: "string", default: join(ROOT, "release") }, quick: { type: "boolean", default: false } },
});
const out = resolve(values.out);
const { version, description } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

await setupOrExit(["dependencies", "build"]);
mkdirSync(out, { recursive: true });
const room = mkdtempSync(join(out, ".making-"));
try {
  const release = { version, description, epoch: await epoch(), room, level: values.quick ? 0 : 6 };
  const tree = await programTree(release);
  const made = [await packBundle(release, tree, out)];
  if (await onPath("dpkg-deb")) made.push(await packDebian(release, tree, out));
  else process.stdout.write("skipped  the package for Debian: dpkg-deb is not here to make it\n");
  const sums = made.map(
    (file) => `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${basename(file)}\n`,
  );
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
  for (const file of made) process.stdout.write(`made     ${file}  ${(statSync(file).size / 1e6).toFixed(1)} MB\n`);
} catch (error) {
  process.stderr.write(`release: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(room, { recursive: true, force: true });
}

/** Seconds since 1970 that stand for the age of everything that is made. */
async function epoch() {
  if (process.env.SOURCE_DATE_EPOCH !== undefined) return Number(process.env.SOURCE_DATE_EPOCH);
  const { code, output } = await run("git", ["log", "-1", "--format=%ct"], ROOT);
  return code === 0 && /^\d+\s*$/.test(output)
    ? Number(output)
    : Math.floor(statSync(join(ROOT, "package.json")).mtimeMs / 1000);
}
