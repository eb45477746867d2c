import { createHash } from "node:crypto";
import type { Clock, Random } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";

/**
 * Logins at the page and at its API, by people with a browser and by other machines.
 *
 *   link      made ──used once──▶ gone                              or expired
 *   session   open ──▶ ended      signed out, ended by an operator, unused for too long, too old
 *   token     open ──▶ ended      ended by an operator, expired
 *
 * Each has a secret of 256 bits. A hash of the secret is all that is kept, in memory: a restart of the daemon ends every login. Numbers are
 * bounded; times are measured by the monotonic clock.
 */
export type SessionKind = "page" | "token";
/** `viewer` reads and nothing else; `full` is all that its owner may do. */
export type SessionRole = "viewer" | "full";

export interface Session {
  /** Names it in lists; no secret. */
  readonly id: string;
  readonly kind: SessionKind;
  /** The one who asked for it, and in whose name it speaks. */
  readonly by: string;
  readonly role: SessionRole;
  /** A second secret, which a page has to send along with everything that changes something. */
  readonly csrf: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number;
  /** Calls `end` when the session ends. The returned function takes that back; until then the session is in use. */
  whenEnded(end: () => void): () => void;
}

export interface Secret {
  readonly secret: string;
  /** Wall time, ms. */
  readonly expiresAt: number;
}

/** Bounds of time, ms. */
export interface SessionTimes {
  readonly idle: number;
  readonly longest: number;
}

/** The most of each that are open at once. */
export const SESSION_LIMITS = { links: 20, pages: 100, tokens: 100 } as const;
const LINK_LASTS = 5 * 60_000;
const SECRET_BYTES = 32;
const ID_BYTES = 5;

interface Link {
  readonly by: string;
  readonly until: number;
}

class OpenSession implements Session {
  readonly id: string;
  readonly kind: SessionKind;
  readonly by: string;
  readonly role: SessionRole;
  readonly csrf: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly hash: string;
  readonly until: number;
  readonly enders = new Set<() => void>();
  lastUsedAt: number;
  used: number;

  constructor(of: Omit<Session, "whenEnded" | "lastUsedAt"> & { hash: string; until: number; used: number }) {
    this.id = of.id;
    this.kind = of.kind;
    this.by = of.by;
    this.role = of.role;
    this.csrf = of.csrf;
    this.createdAt = of.createdAt;
    this.expiresAt = of.expiresAt;
    this.hash = of.hash;
    this.until = of.until;
    this.lastUsedAt = of.createdAt;
    this.used = of.used;
  }

  whenEnded(end: () => void): () => void {
    this.enders.add(end);
    return () => void this.enders.delete(end);
  }
}

export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #times: () => SessionTimes;
  /** Each by the hash of its secret. */
  readonly #links = new Map<string, Link>();
  readonly #open = new Map<string, OpenSession>();

  constructor(clock: Clock, random: Random, times: () => SessionTimes) {
    this.#clock = clock;
    this.#random = random;
    this.#times = times;
  }

  /** A link that lets in once. When too many are open, the oldest one is void. */
  link(by: string): Secret {
    const [oldest] = this.#links.keys();
    if (this.#links.size >= SESSION_LIMITS.links && oldest !== undefined) this.#links.delete(oldest);
    const secret = this.#secret();
    this.#links.set(hashOf(secret), { by, until: this.#clock.monotonic() + LINK_LASTS });
    return { secret, expiresAt: this.#clock.now() + LINK_LASTS };
  }

  /** Uses a link up, for a session; `undefined`: there is no such link, or no more. */
  enter(linkSecret: string): { readonly session: Session; readonly secret: string } | undefined {
    const hash = hashOf(linkSecret);
    const link = this.#links.get(hash);
    this.#links.delete(hash);
    if (link === undefined || link.until <= this.#clock.monotonic()) return undefined;
    const pages = this.#all("page");
    if (pages.length >= SESSION_LIMITS.pages) {
      const [longestUnused] = pages.sort((a, b) => a.used - b.used);
      if (longestUnused !== undefined) this.#end(longestUnused);
    }
    return this.#begin("page", link.by, "full", this.#times().longest);
  }

  /** A token of another machine. @throws StewardError `sessions-full` */
  issue(by: string, role: SessionRole, lasts: number): { readonly session: Session; readonly secret: string } {
    const count = this.#all("token").length;
    if (count >= SESSION_LIMITS.tokens) throw new StewardError("sessions-full", { count });
    return this.#begin("token", by, role, lasts);
  }

  /** The open session of a secret, which counts as a use of it. */
  find(kind: SessionKind, secret: string): Session | undefined {
    const session = this.#open.get(hashOf(secret));
    if (session === undefined || session.kind !== kind || this.#isOver(session)) return undefined;
    this.#use(session);
    return session;
  }

  /** All that are open, the latest first. */
  list(): Session[] {
    this.sweep();
    return [...this.#open.values()].reverse();
  }

  /** @throws StewardError `login-unknown` */
  end(id: string): void {
    const session = this.list().find((one) => one.id === id);
    if (session === undefined) throw new StewardError("login-unknown", { id });
    this.#end(session as OpenSession);
  }

  /** Ends what is over. A session whose page is open, with a stream, is in use. */
  sweep(): void {
    const now = this.#clock.monotonic();
    for (const [hash, { until }] of this.#links) if (until <= now) this.#links.delete(hash);
    for (const session of [...this.#open.values()]) {
      if (session.enders.size > 0) this.#use(session);
      this.#isOver(session);
    }
  }

  #all(kind: SessionKind): OpenSession[] {
    return [...this.#open.values()].filter((session) => session.kind === kind && !this.#isOver(session));
  }

  #isOver(session: OpenSession): boolean {
    const now = this.#clock.monotonic();
    const idle = session.kind === "page" && session.enders.size === 0 && session.used + this.#times().idle <= now;
    if (!idle && session.until > now) return false;
    this.#end(session);
    return true;
  }

  #use(session: OpenSession): void {
    session.used = this.#clock.monotonic();
    session.lastUsedAt = this.#clock.now();
  }

  #begin(kind: SessionKind, by: string, role: SessionRole, lasts: number): { session: Session; secret: string } {
    const secret = this.#secret();
    const session = new OpenSession({
      id: this.#newId(),
      kind,
      by,
      role,
      csrf: this.#secret(),
      createdAt: this.#clock.now(),
      expiresAt: this.#clock.now() + lasts,
      hash: hashOf(secret),
      until: this.#clock.monotonic() + lasts,
      used: this.#clock.monotonic(),
    });
    this.#open.set(session.hash, session);
    return { session, secret };
  }

  #end(session: OpenSession): void {
    if (!this.#open.delete(session.hash)) return;
    for (const end of [...session.enders]) end();
    session.enders.clear();
  }

  #newId(): string {
    const id = Buffer.from(this.#random.bytes(ID_BYTES)).toString("hex");
    return [...this.#open.values()].some((session) => session.id === id) ? this.#newId() : id;
  }

  #secret(): string {
    return Buffer.from(this.#random.bytes(SECRET_BYTES)).toString("base64url");
  }
}

function hashOf(secret: string): string {
  return createHash("sha256").update("steward session 1\n").update(secret).digest("hex");
}
