import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { compile } from "../../scripts/compile.mjs";
import { ROOT } from "../../scripts/setup.mjs";
import { tempDir } from "../harness/temp.ts";
import { simulate } from "./main.ts";
import { MUTATIONS } from "./mutations/catalogue.ts";
import { mutated } from "./mutations/try.ts";

/** What the command line prints and says, and its exit code. */
async function called(...args: string[]): Promise<{ code: number; out: string; said: string }> {
  let out = "";
  let said = "";
  const printed = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  const spoken = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
  try {
    return { code: await simulate(args, ROOT), out, said };
  } finally {
    printed.mockRestore();
    spoken.mockRestore();
  }
}

/** The same of a program that was compiled from changed sources. */
async function run(program: string, ...args: string[]): Promise<{ code: number; out: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const [code] = await once(child, "close");
  return { code, out };
}

const last = (text: string): unknown => JSON.parse(text.trim().split("\n").at(-1) ?? "");

test("a run without violations ends with its line of JSON, alone on the output if so asked, and with 0", async () => {
  const { code, out } = await called("--seed", "5", "--seeds", "3", "--nodes", "1", "--faults", "crash,loss", "--json");
  expect(code).toBe(0);
  expect(out.trim().split("\n")).toHaveLength(1);
  expect(Object.keys(last(out) as object)).toEqual(
    ["seeds", "messages", "ok", "lost", "doubled", "unknown", "violations"], // in this order
  );
  expect(last(out)).toMatchObject({ seeds: 3, lost: 0, doubled: 0, violations: 0 });
});

test("a seed that fails prints the line that replays it and a short script, and ends with 1", {
  timeout: 120_000,
}, async () => {
  // The daemon itself has no seed that fails: one of its promises is broken for this.
  const mutation = MUTATIONS.find(({ name }) => name === "run-again-after-crash");
  if (mutation === undefined) throw new Error("there is no such mutation");
  const copy = await mutated(ROOT, mutation);
  try {
    const program = await compile(copy, "test/simulation/start.ts", join(copy, "out"));
    const faults = ["--nodes", "2", "--faults", "crash,loss"];
    const { code, out } = await run(program, "--seeds", "100", ...faults, "--until-failure");
    expect(code).toBe(1);
    const replay = /^npm run simulate -- --seed (\d+) --seeds 1 --nodes 2 --faults crash,loss$/m.exec(out);
    expect(replay?.[1]).toBeDefined();
    expect(out).toMatch(/^ {2}doubled: \S{26} ran twice/m);
    expect(out).toMatch(/^ +\d+\.\d+ s {2}crash +ship\d/m);
    const steps = out.split("\n").filter((line) => / s {2}[a-z]/i.test(line));
    expect(steps.length).toBeLessThanOrEqual(8);
    expect(last(out)).toMatchObject({ doubled: expect.toSatisfy((doubled: number) => doubled > 0) });
    const again = await run(program, "--seed", replay?.[1] ?? "", "--seeds", "1", ...faults, "--no-shrink");
    expect(again.code).toBe(1);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
});

test.each([
  [["--faults", "crash,gremlins"], "gremlins"],
  [["--seeds", "0"], "--seeds"],
  [["--seed", "x"], "--seed"],
  [["--unheard-of"], "--unheard-of"],
])("what it does not understand, it says, and ends with 2: %j", async (args, word) => {
  const { code, out, said } = await called(...args);
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(said).toContain(word);
  expect(said).toContain("usage:");
});

test("an interrupted run ends with the line so far", { timeout: 60_000 }, async () => {
  const program = await compile(ROOT, "test/simulation/start.ts", await tempDir());
  const args = ["--seeds", "1000000", "--nodes", "1", "--faults", "loss", "--json"];
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  // The first word on its progress.
  await once(child.stderr, "data");
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  expect(code).toBe(0);
  expect(last(out)).toMatchObject({
    violations: 0,
    seeds: expect.toSatisfy((seeds: number) => seeds > 0 && seeds < 1e6),
  });
});
