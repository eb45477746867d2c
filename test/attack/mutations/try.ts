import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mutation } from "./catalogue.ts";

/** Applies mutations to copies of the repository, one at a time, and runs the test that must fail there. */
const LEFT_OUT = new Set([".git", ".cache", "dist", "node_modules"]);

/** The text of its file with the change. @throws when its place is not there exactly once. */
export async function changed(root: string, { name, file, find, replace }: Mutation): Promise<string> {
  const text = await readFile(join(root, file), "utf8");
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`mutation ${name}: its place stands ${places} times in ${file}, and not once`);
  return text.replace(find, () => replace);
}

/** Resolves with the end of the test's output; `found`: the test ran, and failed. */
export async function tryMutation(root: string, mutation: Mutation): Promise<{ found: boolean; output: string }> {
  const text = await changed(root, mutation);
  const copy = await mkdtemp(join(tmpdir(), "steward-mutation-"));
  try {
    for (const part of await readdir(root))
      if (!LEFT_OUT.has(part)) await cp(join(root, part), join(copy, part), { recursive: true });
    await symlink(join(root, "node_modules"), join(copy, "node_modules"));
    await writeFile(join(copy, mutation.file), text);
    const [file, title] = mutation.test;
    const { code, output } = await vitest(copy, join("test", file), title);
    if (!/Tests .*\d+ (passed|failed)/.test(output))
      throw new Error(`the test of ${mutation.name} did not run:\n${output}`);
    if (output.includes("the build failed")) throw new Error(`${mutation.name} cannot be built:\n${output}`);
    return { found: code !== 0, output: output.slice(-2_000) };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Runs one test of the copy, with a configuration that leaves nothing out. */
async function vitest(copy: string, file: string, title: string): Promise<{ code: number | null; output: string }> {
  const config = join(copy, "vitest.mutation.config.ts");
  await writeFile(
    config,
    'import { defineConfig } from "vitest/config";\nimport { COMMON } from "./vitest.config.ts";\nexport default defineConfig({ test: COMMON });\n',
  );
  const words = [join(copy, "node_modules/vitest/vitest.mjs"), "run", "--config", config, file, "-t", title];
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { cwd: copy, env: { ...process.env, NO_COLOR: "1" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    const end = (): void => void child.kill("SIGKILL");
    process.once("exit", end);
    child.once("error", reject);
    child.once("close", (code) => {
      process.off("exit", end);
      resolve({ code, output });
    });
  });
}
