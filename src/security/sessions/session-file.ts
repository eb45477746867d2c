import { join } from "node:path";
import { faultText } from "../../message/errors.ts";
import { textOf, writeDurably } from "../../platform/durable-file.ts";
import type { Logger } from "../../platform/logger.ts";
import { type OperatorRole, ROLES, type Speaker } from "../operators/speaker.ts";

/** A session as it is kept: the hash of its secret, never the secret. */
export interface KeptSession {
  readonly hash: string;
  readonly id: string;
  readonly kind: "page" | "token";
  readonly speaker: Speaker;
  readonly role: OperatorRole;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number;
}

/** The place where sessions outlive the daemon. */
export interface SessionKeeper {
  read(): readonly KeptSession[];
  write(sessions: readonly KeptSession[]): void;
}

const FILE = "sessions.json";
const VERSION = 1;
const LONGEST = 1024 * 1024;
const MOST = 1_000;

/** Sessions in a file of the data directory. A file that cannot be read ends all logins, and is told. */
export class SessionFile implements SessionKeeper {
  readonly #path: string;
  readonly #log: Pick<Logger, "warn">;
  #text: string | undefined;

  constructor(directory: string, log: Pick<Logger, "warn">) {
    this.#path = join(directory, FILE);
    this.#log = log;
  }

  read(): readonly KeptSession[] {
    try {
      const text = textOf(this.#path);
      if (text === undefined) return [];
      if (text.length > LONGEST) throw new Error(`it has ${text.length} characters, ${LONGEST} are allowed`);
      return sessionsIn(JSON.parse(text));
    } catch (error) {
      this.#log.warn({ fault: faultText(error) }, "all logins at the page have ended: their file cannot be read");
      return [];
    }
  }

  write(sessions: readonly KeptSession[]): void {
    const text = JSON.stringify({ version: VERSION, sessions });
    if (text === this.#text || (this.#text === undefined && sessions.length === 0 && textOf(this.#path) === undefined))
      return;
    try {
      writeDurably(this.#path, text);
      this.#text = text;
    } catch (error) {
      this.#log.warn({ fault: faultText(error) }, "logins at the page are not kept: a restart would end them");
    }
  }
}

function sessionsIn(value: unknown): KeptSession[] {
  const { version, sessions } = Object(value) as { version?: unknown; sessions?: unknown };
  if (version !== VERSION || !Array.isArray(sessions) || sessions.length > MOST)
    throw new Error("it is no list of sessions of this version");
  if (!sessions.every(isKept)) throw new Error("one of its sessions is not complete");
  return sessions;
}

function isKept(value: unknown): value is KeptSession {
  const { hash, id, kind, speaker, role, ...times } = Object(value) as Record<string, unknown>;
  const { name, operator } = Object(speaker) as Record<string, unknown>;
  return (
    [hash, id, name].every((text) => typeof text === "string") &&
    /^[0-9a-f]{64}$/.test(String(hash)) &&
    (operator === undefined || typeof operator === "string") &&
    (kind === "page" || kind === "token") &&
    (ROLES as readonly unknown[]).slice(1).includes(role) &&
    [times.createdAt, times.expiresAt, times.lastUsedAt].every(Number.isFinite)
  );
}
