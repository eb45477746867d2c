import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DEFAULT_FAULTS } from "../script.ts";
import { MUTATIONS, type Mutation } from "./catalogue.ts";

/** Applies mutations to copies of the sources, one at a time, and looks for the seed at which the checker finds each. */
export interface Tried {
  /** At which seed; `undefined`: at none. */
  readonly seed: number | undefined;
  /** What was found first. */
  readonly violation: string;
}

/** Seeds within which each must be found. */
export const SEEDS = 500;
/** What the simulator is made of. */
const PARTS = ["src", "test/harness", "test/twins", "test/simulation", "package.json"];

/** The text of its file with the change. @throws when its place is not there exactly once. */
export async function changed(root: string, { name, file, find, replace }: Mutation): Promise<string> {
  const text = await readFile(join(root, file), "utf8");
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`mutation ${name}: its place stands ${places} times in ${file}, and not once`);
  return text.replace(find, () => replace);
}

/** A copy of the sources with the change. The caller removes it. */
export async function mutated(root: string, mutation: Mutation): Promise<string> {
  const text = await changed(root, mutation);
  const copy = await mkdtemp(join(tmpdir(), "steward-mutation-"));
  try {
    for (const part of PARTS) await cp(join(root, part), join(copy, part), { recursive: true });
    await writeFile(join(copy, mutation.file), text);
    return copy;
  } catch (error) {
    await rm(copy, { recursive: true, force: true });
    throw error;
  }
}

export async function tryMutation(root: string, mutation: Mutation, seeds = SEEDS): Promise<Tried> {
  const copy = await mutated(root, mutation);
  try {
    const { compile } = (await import(pathToFileURL(join(root, "scripts/compile.mjs")).href)) as Compiler;
    const program = await compile(copy, "test/simulation/start.ts", join(copy, "out"));
    const faults = (mutation.faults ?? DEFAULT_FAULTS).join(",");
    const { output, said } = await run(program, [
      ...["--seeds", String(seeds), "--faults", faults, "--nodes", String(mutation.nodes ?? 2)],
      ...["--until-failure", "--no-shrink", "--json"],
    ]);
    const total = JSON.parse(output.trim().split("\n").at(-1) ?? "") as { seeds: number; violations: number };
    const violation = /^ {2}([a-z]+: .*)$/m.exec(said)?.[1] ?? "";
    return { seed: total.violations > 0 ? total.seeds : undefined, violation };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

type Compiler = typeof import("../../../scripts/compile.mjs");

/** All of them, or those of these names; resolves with the exit code. */
export async function tryMutations(root: string, print: (line: string) => void, only = ""): Promise<number> {
  const wanted = only === "" ? MUTATIONS : MUTATIONS.filter(({ name }) => only.split(",").includes(name));
  let unfound = 0;
  for (const mutation of wanted) {
    const { seed, violation } = await tryMutation(root, mutation);
    if (seed === undefined) unfound++;
    print(`${mutation.name.padEnd(32)} ${seed === undefined ? "NOT FOUND" : `seed ${seed}: ${violation}`}`);
  }
  print(JSON.stringify({ mutations: wanted.length, found: wanted.length - unfound, seeds: SEEDS }));
  return unfound === 0 && wanted.length > 0 ? 0 : 1;
}

/** A process of its own: a broken daemon may go round in a circle. */
function run(program: string, args: readonly string[]): Promise<{ output: string; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const end = (): void => void child.kill("SIGKILL");
    process.once("exit", end);
    child.once("error", reject);
    child.once("close", (code) => {
      process.off("exit", end);
      if (output !== "") resolve({ output, said });
      else reject(new Error(`the simulator ended with ${code}:\n${said}`));
    });
  });
}
