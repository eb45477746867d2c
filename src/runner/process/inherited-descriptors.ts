import { closeSync, readdirSync, readFileSync } from "node:fs";

/** The flag of a descriptor that no program inherits, as Linux shows it in /proc. */
const CLOSE_ON_EXEC = 0o2000000;
/** Standard input, output and error. */
const STANDARD = 2;

/**
 * Closes whatever this process inherited from the one that started it, but for the standard descriptors and `kept`. Some
 * libraries open files without the flag that keeps them from children: the daemon's journal would otherwise be open, for
 * writing, in every command. Everything that Node itself opens carries that flag. On macOS, where there is no /proc, the
 * system closes such descriptors when a program is started.
 */
export function closeInherited(kept: readonly number[]): void {
  for (const fd of inherited()) {
    if (kept.includes(fd)) continue;
    try {
      closeSync(fd);
    } catch {
      // The descriptor of the listing itself is closed by now.
    }
  }
}

/** Descriptors above the standard ones that a child of this process would inherit. */
function inherited(): number[] {
  try {
    return readdirSync("/proc/self/fdinfo")
      .map(Number)
      .filter((fd) => fd > STANDARD && isInheritable(fd));
  } catch {
    return [];
  }
}

function isInheritable(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false;
  }
}
