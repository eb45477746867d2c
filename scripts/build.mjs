/**
 * Builds the program: `dist/` has a file for each process that is started, and the chunks that they share. All packages are in
 * them but lmdb, which has a native part: a daemon that reads a hundred files is up in half the time, and smaller, than one
 * that reads a thousand. The page that it serves is built beside them. Types are not checked: `npm run check` does that.
 *
 *   node scripts/build.mjs [--out DIRECTORY] [--release]      `--release`: the processes alone, without maps
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { buildDashboard } from "./dashboard.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";

/** The entrances of processes. */
const PROGRAMS = ["cli/main", "runner/process/main", "journal/check/main"];
/** Rooms that scripts, the bench and tests open by themselves. */
const PARTS = [
  "broker/embedded",
  "cli/completion/scripts",
  "cli/program",
  "config/link-profiles",
  "config/load",
  "observe/log",
  "platform/churn-map",
  "platform/system-clock",
  "runtime/daemon/daemon",
  "runtime/daemon/lock",
  "security/keys/identity-files",
  "security/trust/edge-trust",
  "security/trust/registry",
];
export const NATIVE = ["lmdb"];

/** Resolves with the names of the packages that went in. @throws what the bundler says */
export async function build({ out = join(ROOT, "dist"), release = false } = {}) {
  const { rolldown } = await import("rolldown");
  const entries = release ? PROGRAMS : [...PROGRAMS, ...PARTS];
  const bundle = await rolldown({
    cwd: ROOT,
    input: Object.fromEntries(entries.map((name) => [name, join(ROOT, "src", `${name}.ts`)])),
    platform: "node",
    external: [/^node:/, ...NATIVE],
    logLevel: "warn",
  });
  try {
    rmSync(out, { recursive: true, force: true });
    const { output } = await bundle.write({
      dir: out,
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "chunks/[name]-[hash].js",
      sourcemap: !release,
    });
    for (const { type, fileName } of output) if (type === "chunk") inAscii(join(out, fileName));
    const page = await buildDashboard({ out: join(out, "dashboard") });
    return [...new Set([...packagesIn(output), ...page])].sort();
  } finally {
    await bundle.close();
  }
}

/**
 * Node.js keeps the text of what it runs, with two bytes for each character if one of them needs it. Strings, templates and
 * patterns mean the same with the escape, and comments may have it too.
 */
function inAscii(file) {
  const code = readFileSync(file, "utf8");
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  writeFileSync(file, code.replace(/[\u0080-\uffff]/g, escaped));
}

function packagesIn(output) {
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
  const names = modules.flatMap((id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
  return names;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { out: { type: "string" }, release: { type: "boolean" } } });
  // The bundler of an older Node.js fails with a riddle.
  await setupOrExit([]);
  await build(values);
}
