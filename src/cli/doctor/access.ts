import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./finding.ts";

/** Files of the journal that the daemon may not read or write: no damage, and nothing is lost. */
export function inaccessible(data: string): Finding | undefined {
  const path = join(data, "journal");
  const bad: string[] = [];
  let isReadOnly = false;
  let foreign: number | undefined;
  for (const file of [path, ...filesOf(path)]) {
    try {
      accessSync(file, constants.R_OK | constants.W_OK);
      const { uid } = statSync(file);
      // The superuser may use all files; a daemon under another name may not.
      if (process.getuid?.() === 0 && uid !== statSync(data).uid) foreign = uid;
      else continue;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") continue;
      if (code === "EROFS") isReadOnly = true;
      else foreign ??= ownerOf(file);
    }
    bad.push(file);
  }
  const [first] = bad;
  if (first === undefined) return undefined;
  const more = bad.length > 1 ? `, and ${bad.length - 1} files more` : "";
  const check = "journal";
  const details = { path, files: bad };
  if (isReadOnly) {
    const text = `${first}${more}: the file system is mounted read-only; the journal itself may be sound`;
    return {
      check,
      verdict: "fail",
      text,
      remedy: "Mount it for writing (the system log says why it is not), then start the daemon.",
      details,
    };
  }
  const mode = modeOf(first);
  const owner = foreign === undefined ? "" : ` (it belongs to user ${foreign}, mode ${mode})`;
  const text = `${first}${more} cannot be used by this user${owner}; the journal itself may be sound`;
  const { uid, gid } = statSync(data);
  const remedy = `Give the journal back to the user of the daemon: chown -R ${uid}:${gid} ${path}, then chmod -R u+rwX ${path}.`;
  return { check, verdict: "fail", text, remedy, details };
}

function filesOf(path: string): string[] {
  try {
    return readdirSync(path).map((name) => join(path, name));
  } catch {
    return [];
  }
}

function ownerOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.uid;
}

function modeOf(file: string): string {
  return ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o777).toString(8).padStart(4, "0");
}
