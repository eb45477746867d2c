import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Prometheus' own checker on this machine; `undefined`: it has none, and the tests that need it are left out, aloud. */
export const PROMTOOL = [process.env.STEWARD_PROMTOOL ?? "", "/usr/bin/promtool", "/usr/local/bin/promtool"].find(
  (path) => path !== "" && existsSync(path),
);
if (PROMTOOL === undefined)
  console.warn(
    "no promtool was found: the tests that need it are left out (apt-get install prometheus, or STEWARD_PROMTOOL)",
  );

/** The faults that promtool finds, with its exit code; empty: none. */
export function promtool(args: readonly string[], input = ""): string {
  const { status, stdout, stderr } = spawnSync(PROMTOOL ?? "promtool", args, { input, encoding: "utf8" });
  return status === 0 ? "" : `exit ${status}: ${stdout}${stderr}`;
}
