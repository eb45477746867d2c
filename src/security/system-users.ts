import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A user of this system. */
export interface User {
  readonly uid: number;
  /** Absent where the user has a number and no entry. */
  readonly gid?: number;
  readonly name?: string;
  readonly home?: string;
  readonly shell?: string;
}

/** The user of a name or number; `undefined`: the system has none of that name. A number always is one. */
export function userOf(named: string): User | undefined {
  const [name, , uid, gid, , home, shell] = entryOf("passwd", named, 2) ?? [];
  if (uid === undefined || !isNumber(uid)) return isNumber(named) ? { uid: Number(named) } : undefined;
  return {
    uid: Number(uid),
    ...(gid === undefined || !isNumber(gid) ? {} : { gid: Number(gid) }),
    ...(name === undefined ? {} : { name }),
    ...(home === undefined || home === "" ? {} : { home }),
    ...(shell === undefined || shell === "" ? {} : { shell }),
  };
}

/** The number of a group; `undefined`: the system has none of that name. */
export function groupOf(named: string): number | undefined {
  if (isNumber(named)) return Number(named);
  const gid = entryOf("group", named, 2)?.[2];
  return gid !== undefined && isNumber(gid) ? Number(gid) : undefined;
}

const isNumber = (text: string): boolean => /^\d{1,10}$/.test(text);

/** The fields of an entry, found by its name, or by its number in field `number`: in the local file, then wherever else. */
function entryOf(base: "passwd" | "group", key: string, number: number): string[] | undefined {
  const found = (text: string): string[] | undefined =>
    text
      .split("\n")
      .map((line) => line.split(":"))
      .find((fields) => fields.length > number && (fields[0] === key || (isNumber(key) && fields[number] === key)));
  return found(fileOf(base)) ?? found(directoryService(base, key));
}

function fileOf(base: "passwd" | "group"): string {
  try {
    return readFileSync(`/etc/${base}`, "utf8");
  } catch {
    return "";
  }
}

/** Systems that take users from elsewhere (LDAP, SSSD) answer through `getent`. */
function directoryService(base: "passwd" | "group", key: string): string {
  try {
    return execFileSync("getent", [base, key], {
      encoding: "utf8",
      timeout: 5000,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return "";
  }
}
