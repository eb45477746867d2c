#!/usr/bin/env node
import { readFileSync } from "node:fs";

/**
 * The entrance, in a syntax that an old Node.js understands too. Other files are loaded only once its version is known to be
 * new enough, and not at all for `--version`.
 */
const LEAST = [20, 19] as const;
/** Files that loading the program opens at once, and some for its work. */
const LEAST_FILES = 160;

const running = process.versions.node;
const [major = 0, minor = 0] = running.split(".").map(Number);

if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
  process.stderr.write(
    `steward needs Node.js ${LEAST.join(".")} or newer, this is ${running}: install a newer one, or put it first on the PATH\n`,
  );
  process.exitCode = 2;
} else if (process.argv.length === 3 && process.argv[2] === "--version") {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  process.stdout.write(`${(JSON.parse(text) as { version: string }).version}\n`);
} else if (mostFiles() < LEAST_FILES) {
  process.stderr.write(
    `steward needs to open ${LEAST_FILES} files at once, and this process may open ${mostFiles()}: raise its hard limit, ` +
      "with `ulimit -Hn 1024` as root, or with LimitNOFILE= where systemd starts it\n",
  );
  process.exitCode = 2;
} else {
  await import("./process.ts");
}

/** Node.js has raised the soft limit to the hard one. */
function mostFiles(): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return found === null ? Number.POSITIVE_INFINITY : Number(found[1]);
  } catch {
    // Only Linux tells.
    return Number.POSITIVE_INFINITY;
  }
}
