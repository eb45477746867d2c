/**
 * `npm run fuzz`: compiles the fuzzer with the sources as they are, into a directory of its own, and runs it from there.
 * What it takes stands in test/fuzz/arguments.ts.
 */
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./nats-server.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";

await setupOrExit(["dependencies"]);
const directory = await mkdtemp(join(tmpdir(), "steward-fuzz-"));
const end = () => rm(directory, { recursive: true, force: true, maxRetries: 3 });
let child;
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child?.kill(signal));
try {
  const project = join(directory, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    rootDir: ROOT,
    outDir: directory,
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
  };
  const include = ["src", "test/fuzz/main.ts", "test/fuzz/worker.ts"].map((path) => join(ROOT, path));
  await writeFile(project, JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, include }));
  await symlink(join(ROOT, "node_modules"), join(directory, "node_modules"));
  await cp(join(ROOT, "package.json"), join(directory, "package.json"));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { code, output } = await run(process.execPath, [tsc, "-p", project], ROOT, process.env);
  if (code !== 0) {
    process.stderr.write(output);
    process.exitCode = 2;
  } else {
    const args = [join(directory, "test/fuzz/main.js"), join(ROOT, "test/fuzz/corpus"), ...process.argv.slice(2)];
    // A thread that has to be ended leaves its files behind: they go with the directory.
    const env = { ...process.env, TMPDIR: join(directory, "tmp") };
    await mkdir(env.TMPDIR);
    child = spawn(process.execPath, args, { stdio: "inherit", env });
    process.exitCode = await new Promise((resolve) => child.once("close", (ended) => resolve(ended ?? 1)));
  }
} finally {
  await end();
}
