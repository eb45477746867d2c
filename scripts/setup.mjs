/**
 * Makes a fresh clone ready with nothing but Node and npm: dependencies, build, nats-server.
 *
 *   node scripts/setup.mjs [dependencies] [nats-server] [build]      no argument: all of them
 *
 * Each step first looks whether it is needed, by content and not by date; when nothing is, nothing is fetched, started or
 * written. Set-ups that run at once take turns at a lock directory, whose holder touches it for as long as it works.
 * All that is said goes to stderr, so that the output of what runs afterwards stays clean.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fetchNatsServer, findNatsServer } from "./nats-server.mjs";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const STEPS = ["dependencies", "nats-server", "build"];

const LOCK_TOUCHED_EVERY = 2_000;
const LOCK_ABANDONED_AFTER = 15_000;

/** What went wrong and what to do about it; printed without a stack. */
export class SetupError extends Error {}

/** Does what is missing of `steps`. Throws SetupError. */
export async function setup({ root = ROOT, steps = STEPS, say = sayToStderr } = {}) {
  checkNode(root);
  const all = {
    dependencies: { needed: () => dependenciesNeeded(root), act: () => installDependencies(root, say) },
    "nats-server": {
      needed: async () => (await findNatsServer(root)) === undefined,
      act: () => provideNatsServer(root, say),
    },
    build: { needed: () => buildNeeded(root), act: () => build(root, say) },
  };
  const wanted = steps.map((name) => all[name]);
  let missing = false;
  for (const step of wanted) missing ||= await step.needed();
  if (!missing) return;
  await locked(join(root, ".cache", "setup.lock"), say, async () => {
    for (const step of wanted) if (await step.needed()) await step.act();
  });
}

function checkNode(root) {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const floor = /(\d+)\.(\d+)/.exec(engines.node);
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (floor === null || major > Number(floor[1]) || (major === Number(floor[1]) && minor >= Number(floor[2]))) return;
  throw new SetupError(
    `this is Node ${process.versions.node}, steward needs ${engines.node}: install a newer Node and try again`,
  );
}

/** Whether node_modules differs from package-lock.json; packages of other platforms may be absent. */
export function dependenciesNeeded(root = ROOT) {
  const installedFile = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return true;
  const locked = readLock(join(root, "package-lock.json"));
  const installed = readLock(installedFile);
  if (locked === undefined)
    throw new SetupError("package-lock.json is missing or damaged: restore it from the repository");
  if (installed === undefined) return true;
  return Object.entries(locked).some(([path, entry]) => {
    if (path === "" || entry.inBundle) return false;
    const have = installed[path];
    if (have === undefined) return !entry.optional;
    return (
      have.version !== entry.version ||
      have.integrity !== entry.integrity ||
      !existsSync(join(root, path, "package.json"))
    );
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

async function installDependencies(root, say) {
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"];
  say("installing dependencies (npm ci), a minute or less");
  let { code, output } = await npm(root, ["ci", ...quiet]);
  if (code !== 0 && output.includes("in sync")) {
    // A lock file that was written against a registry without the packages of other platforms does not list them, and npm
    // ci takes that for a fault. npm install keeps to the lock file in all that it does list.
    say("npm ci does not take package-lock.json as it is: installing what it lists (npm install --no-save)");
    ({ code, output } = await npm(root, ["install", "--no-save", ...quiet]));
  }
  if (code === 0 && !dependenciesNeeded(root)) return;
  const words = output.split("\n").filter((line) => /^npm error \S/.test(line));
  process.stderr.write(`${words.slice(0, 12).join("\n")}\n`);
  throw new SetupError(
    "the dependencies could not be installed (npm's words are above): the npm registry is needed once; check network and proxy with `npm ping` and try again",
  );
}

/** Whether the sources are other than those of the last build that went well. */
export function buildNeeded(root = ROOT) {
  const stamp = join(root, "dist", ".sources");
  return !existsSync(stamp) || readFileSync(stamp, "utf8") !== sourcesDigest(root);
}

async function build(root, say) {
  say("building (npm run build)");
  const digest = sourcesDigest(root);
  rmSync(join(root, "dist", ".sources"), { force: true });
  const { code, output } = await npm(root, ["run", "--silent", "build"]);
  if (code !== 0) {
    process.stderr.write(output);
    throw new SetupError("the build failed: correct the faults above and try again");
  }
  writeFileSync(join(root, "dist", ".sources"), digest);
}

function sourcesDigest(root) {
  const hash = createHash("sha256");
  const add = (file) => {
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  };
  const walk = (directory) => {
    for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) add(path);
    }
  };
  for (const file of ["package.json", "package-lock.json", "tsconfig.json", "scripts/build.mjs"]) add(join(root, file));
  walk(join(root, "src"));
  return hash.digest("hex");
}

async function provideNatsServer(root, say) {
  say("fetching nats-server");
  const answer = await fetchNatsServer(root, say);
  if (answer.fault !== undefined) throw new SetupError(answer.fault);
  say(`nats-server ${answer.version} is in ${relative(root, answer.path)}`);
}

/** Runs npm, the one that called us or the one of PATH; `output` is all that it said. */
function npm(root, args) {
  const own = process.env.npm_execpath;
  const [command, ...before] = own?.endsWith("npm-cli.js") ? [process.execPath, own] : ["npm"];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...before, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk) => {
      output += chunk;
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("error", (error) =>
      reject(new SetupError(`cannot run npm: ${error.message}; it comes with Node: put it on PATH`)),
    );
    child.once("close", (code) => resolve({ code, output }));
  });
}

/** Runs `work` while holding `directory` as a lock. */
async function locked(directory, say, work) {
  mkdirSync(dirname(directory), { recursive: true });
  let told = false;
  while (!take(directory)) {
    const age = Date.now() - (statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > LOCK_ABANDONED_AFTER) {
      rmSync(directory, { recursive: true, force: true });
    } else {
      if (!told) say("another set-up is running: waiting for it");
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const touching = setInterval(() => utimesSync(directory, new Date(), new Date()), LOCK_TOUCHED_EVERY);
  const release = () => rmSync(directory, { recursive: true, force: true });
  const interrupted = (signal) => {
    release();
    process.exit(128 + constants.signals[signal]);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    await work();
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    clearInterval(touching);
    release();
  }
}

function take(directory) {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw new SetupError(`cannot write to ${dirname(directory)}: ${error.message}`);
  }
}

function sayToStderr(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/** Sets up, or ends the process with a line that says what to do. */
export async function setupOrExit(steps) {
  try {
    await setup(steps === undefined ? {} : { steps });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    sayToStderr(error.message);
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const steps = process.argv.slice(2);
  const unknown = steps.find((step) => !STEPS.includes(step));
  if (unknown !== undefined) {
    sayToStderr(`${unknown} is not a step; there are ${STEPS.join(", ")}`);
    process.exit(2);
  }
  await setupOrExit(steps.length === 0 ? undefined : steps);
  const server = await findNatsServer(ROOT);
  sayToStderr(`ready${server === undefined ? "" : `; nats-server ${server.version} at ${server.path}`}`);
}
