/**
 * Builds the page that the daemon serves: `src/dashboard` into a directory of static files, the hashed ones below `assets/`.
 * All packages are in it; nothing is fetched from elsewhere, and nothing is inline that a strict Content-Security-Policy refuses.
 *
 *   node scripts/dashboard.mjs [--out DIRECTORY] [--watch]
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { ROOT } from "./setup.mjs";

/** Resolves with the names of the packages that went in. @throws what the bundler says */
export async function buildDashboard({ out = join(ROOT, "dist/dashboard"), watch = false } = {}) {
  const { build } = await import("vite");
  const packages = new Set();
  await build({
    configFile: false,
    root: join(ROOT, "src/dashboard"),
    base: "/",
    logLevel: "warn",
    publicDir: false,
    plugins: [
      {
        name: "packages",
        moduleParsed({ id }) {
          const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
          if (name !== undefined) packages.add(name);
        },
      },
    ],
    build: {
      outDir: out,
      emptyOutDir: true,
      target: "es2022",
      modulePreload: false,
      // A small file as a data: URL would need a wider policy.
      assetsInlineLimit: 0,
      cssCodeSplit: false,
      watch: watch ? {} : null,
    },
  });
  return [...packages].sort();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { out: { type: "string" }, watch: { type: "boolean" } } });
  await buildDashboard(values);
}
