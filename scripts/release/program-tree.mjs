/**
 * The installed program as a directory: what was built, the packages with native parts without what only developers read
 * and for this kind of machine alone, the licences of all, manual, completions and the launcher.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build, NATIVE } from "../build.mjs";
import { ROOT } from "../setup.mjs";
import { manual } from "./manual.mjs";

/** Folders in which packages keep what no program loads, at their top alone: `dist/doc` of another is its program. */
const IDLE_FOLDERS = new Set([
  "test",
  "tests",
  "__tests__",
  "docs",
  "doc",
  "example",
  "examples",
  "benchmark",
  "benchmarks",
]);
const IDLE_FILES =
  /\.(?:[cm]?ts|map|md|markdown|flow|c|cc|cpp|h|hpp|gyp|gypi|lock|txt|yml|yaml|html|png|jpg)$|\.umd(?:\.min)?\.[cm]?js$/i;
/** Their terms demand that it travels with the program. */
const LICENCE = /^(?:licen[cs]e|notice|copying)/i;

/** Makes the tree in `room` and resolves with its path. @throws Error with the compiler's words */
export async function programTree({ version, epoch, room }) {
  const tree = join(room, "steward");
  mkdirSync(join(tree, "bin"), { recursive: true });
  const within = await build({ out: join(tree, "dist"), release: true });
  write(tree, "LICENSES", licencesOf(within));
  for (const path of packagesBeside()) copyFolder(join(ROOT, path), join(tree, path), IDLE_FOLDERS);
  const { name, description, license, type, engines, bin } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  write(tree, "package.json", JSON.stringify({ name, version, description, license, type, engines, bin }, null, 2));
  cpSync(join(ROOT, "packaging/steward"), join(tree, "bin/steward"));
  cpSync(join(ROOT, "LICENSE"), join(tree, "LICENSE"));
  await share(tree, version, epoch);
  return tree;
}

/** The terms of the packages within the program, which demand that they travel with it. */
function licencesOf(packages) {
  const texts = packages.map((name) => {
    const room = join(ROOT, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(room, "package.json"), "utf8"));
    const files = readdirSync(room).filter((file) => LICENCE.test(file));
    return [`${name} ${version}: ${license}`, ...files.map((file) => readFileSync(join(room, file), "utf8"))].join(
      "\n\n",
    );
  });
  return texts.join(`\n\n${"-".repeat(72)}\n\n`);
}

/** The packages with native parts, and all that they need, as far as it is installed here. */
function packagesBeside() {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const found = new Set();
  const add = (name) => {
    const path = `node_modules/${name}`;
    if (found.has(path) || !existsSync(join(ROOT, path, "package.json"))) return;
    found.add(path);
    const { dependencies = {}, optionalDependencies = {} } = packages[path] ?? {};
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) add(needed);
  };
  for (const name of NATIVE) add(name);
  return found;
}

function copyFolder(from, to, without = new Set()) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const { name } = entry;
    const [source, target] = [join(from, name), join(to, name)];
    if (entry.isDirectory()) {
      // A package within a package has an entry of its own in the lock file.
      if (name === "node_modules" || name.startsWith(".") || without.has(name)) continue;
      copyFolder(source, target);
      if (readdirSync(target).length === 0) rmSync(target, { recursive: true });
    } else if (entry.isFile() && isWanted(name)) cpSync(source, target);
  }
}

function isWanted(name) {
  if (LICENCE.test(name)) return true;
  if (name.startsWith(".") || IDLE_FILES.test(name)) return false;
  return !name.endsWith(".node") || fitsLibc(name);
}

/** A prebuilt part is named for the C library that it was linked with, where there is more than one. */
function fitsLibc(name) {
  if (process.platform !== "linux") return true;
  const glibc = process.report.getReport().header.glibcVersionRuntime !== undefined;
  return glibc ? !name.includes(".musl.") : !name.includes(".glibc.");
}

/** `share/` as it lies below /usr. */
async function share(tree, version, epoch) {
  const program = await import(pathToFileURL(join(ROOT, "dist/cli/program.js")).href);
  const built = await program.buildProgram(() => async () => undefined, version);
  write(tree, "share/man/man1/steward.1.gz", gzipSync(manual(built, version, epoch), { level: 9 }));
  const { completionScript } = await import(pathToFileURL(join(ROOT, "dist/cli/completion/scripts.js")).href);
  const completions = {
    bash: "share/bash-completion/completions/steward",
    zsh: "share/zsh/vendor-completions/_steward",
    fish: "share/fish/vendor_completions.d/steward.fish",
  };
  for (const [shell, path] of Object.entries(completions)) write(tree, path, completionScript(shell, built));
  const documents = "share/doc/steward";
  for (const name of ["README.md", "CHANGELOG.md"]) write(tree, join(documents, name), readFileSync(join(ROOT, name)));
  cpSync(join(ROOT, "docs"), join(tree, documents, "docs"), { recursive: true });
  cpSync(join(ROOT, "examples"), join(tree, documents, "examples"), { recursive: true });
  cpSync(join(ROOT, "packaging/README.md"), join(tree, documents, "service.md"));
  cpSync(join(ROOT, "packaging/confined.conf"), join(tree, documents, "examples/systemd/confined.conf"));
  const unit = readFileSync(join(ROOT, "packaging/steward.service"), "utf8");
  write(tree, "share/systemd/steward.service", unit.replaceAll("/usr/bin/steward", "/usr/local/bin/steward"));
  for (const name of ["sysusers.conf", "steward-commands.service"])
    cpSync(join(ROOT, "packaging", name), join(tree, "share/systemd", name));
}

function write(tree, path, content) {
  mkdirSync(join(tree, path, ".."), { recursive: true });
  writeFileSync(join(tree, path), content);
}
