#!/usr/bin/env node
import { readFileSync } from "node:fs";

/**
 * The entrance, in a syntax that an old Node.js understands too. Other files are loaded only once its version is known to be
 * new enough, and not at all for `--version`.
 */
const LEAST = [20, 19] as const;

const running = process.versions.node;
const [major = 0, minor = 0] = running.split(".").map(Number);

if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
  process.stderr.write(`steward needs Node.js ${LEAST.join(".")} or newer, this is ${running}\n`);
  process.exitCode = 2;
} else if (process.argv.length === 3 && process.argv[2] === "--version") {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  process.stdout.write(`${(JSON.parse(text) as { version: string }).version}\n`);
} else {
  await import("./process.ts");
}
