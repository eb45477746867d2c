/**
 * Compiles a program of this repository from a tree of sources into a directory, since Node 20 runs no TypeScript. Types are
 * not checked: `npm run check` does that.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./setup.mjs";

/** `entry` is a path within `sources`; resolves with that of the compiled program. @throws what the compiler says */
export async function compile(sources, entry, out) {
  await mkdir(out, { recursive: true });
  await cp(join(ROOT, "package.json"), join(out, "package.json"));
  // The program finds its packages above itself, the compiler above the sources.
  for (const place of new Set([out, sources])) {
    await symlink(join(ROOT, "node_modules"), join(place, "node_modules")).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
  const project = join(out, "tsconfig.json");
  const compilerOptions = { noEmit: false, noCheck: true, rootDir: sources, outDir: out, types: [] };
  const files = [join(sources, entry)];
  await writeFile(
    project,
    JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, include: [], files }),
  );
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  await promisify(execFile)(process.execPath, [compiler, "-p", project]).catch((error) => {
    throw new Error(`${entry} does not compile:\n${error.stdout}`, { cause: error });
  });
  return join(out, entry.replace(/\.ts$/, ".js"));
}
