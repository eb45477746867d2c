import { createHash } from "node:crypto";
import type { Clock, Random } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { OperatorRole, Speaker } from "../operators/speaker.ts";
import type { KeptSession, SessionKeeper } from "./session-file.ts";

/**
 * Logins at the page and at its API, by people with a browser and by other machines.
 *
 *   link      made ──used once──▶ gone                              or expired, or the daemon ends
 *   session   open ──▶ ended      signed out, ended by an operator, unused for too long, too old
 *   token     open ──▶ ended      ended by an operator, expired
 *
 * Each has a secret of 256 bits, of which the hash alone is kept. Sessions and tokens outlive the daemon: an open page goes on
 * after a restart. Numbers are bounded. Times are measured by the monotonic clock, across a restart by the wall clock.
 */
export type SessionKind = "page" | "token";

export interface Session {
  /** Names it in lists; no secret. */
  readonly id: string;
  readonly kind: SessionKind;
  /** The one who asked for it, as he was then, and in whose name it speaks. */
  readonly speaker: Speaker;
  /** The greatest role that it gives. */
  readonly role: OperatorRole;
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
/** The time of the last use is written down that often at most, ms. */
const KEEP_EVERY = 60_000;

interface Link {
  readonly speaker: Speaker;
  readonly until: number;
}

class OpenSession implements Session {
  readonly kept: KeptSession;
  readonly until: number;
  readonly enders = new Set<() => void>();
  lastUsedAt: number;
  used: number;

  constructor(kept: KeptSession, until: number, used: number) {
    this.kept = kept;
    this.until = until;
    this.used = used;
    this.lastUsedAt = kept.lastUsedAt;
  }

  get id(): string {
    return this.kept.id;
  }

  get kind(): SessionKind {
    return this.kept.kind;
  }

  get speaker(): Speaker {
    return this.kept.speaker;
  }

  get role(): OperatorRole {
    return this.kept.role;
  }

  get createdAt(): number {
    return this.kept.createdAt;
  }

  get expiresAt(): number {
    return this.kept.expiresAt;
  }

  whenEnded(end: () => void): () => void {
    this.enders.add(end);
    return () => void this.enders.delete(end);
  }
}

export interface SessionsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly times: () => SessionTimes;
  readonly keeper: SessionKeeper;
}

export class Sessions {
  readonly #options: SessionsOptions;
  /** Each by the hash of its secret. */
  readonly #links = new Map<string, Link>();
  readonly #open = new Map<string, OpenSession>();
  #changed = false;
  #keptAt = Number.NEGATIVE_INFINITY;

  constructor(options: SessionsOptions) {
    this.#options = options;
    const { clock, keeper } = options;
    for (const kept of keeper.read()) {
      const lasts = Math.min(kept.expiresAt - clock.now(), kept.expiresAt - kept.createdAt);
      const unused = Math.max(0, clock.now() - kept.lastUsedAt);
      if (lasts > 0)
        this.#open.set(kept.hash, new OpenSession(kept, clock.monotonic() + lasts, clock.monotonic() - unused));
    }
  }

  /** A link that lets in once. When too many are open, the oldest one is void. */
  link(speaker: Speaker): Secret {
    const [oldest] = this.#links.keys();
    if (this.#links.size >= SESSION_LIMITS.links && oldest !== undefined) this.#links.delete(oldest);
    const { clock } = this.#options;
    const secret = this.#secret();
    this.#links.set(hashOf(secret), { speaker, until: clock.monotonic() + LINK_LASTS });
    return { secret, expiresAt: clock.now() + LINK_LASTS };
  }

  /** Uses a link up, for a session; `undefined`: there is no such link, or no more. */
  enter(linkSecret: string): { readonly session: Session; readonly secret: string } | undefined {
    const hash = hashOf(linkSecret);
    const link = this.#links.get(hash);
    this.#links.delete(hash);
    const { clock, times } = this.#options;
    if (link === undefined || link.until <= clock.monotonic()) return undefined;
    const pages = this.#all("page");
    if (pages.length >= SESSION_LIMITS.pages) {
      const [longestUnused] = pages.sort((a, b) => a.used - b.used);
      if (longestUnused !== undefined) this.#end(longestUnused);
    }
    const { speaker } = link;
    return this.#begin("page", speaker, speaker.role as OperatorRole, times().longest);
  }

  /** A token of another machine. @throws StewardError `sessions-full` */
  issue(speaker: Speaker, role: OperatorRole, lasts: number): { readonly session: Session; readonly secret: string } {
    const count = this.#all("token").length;
    if (count >= SESSION_LIMITS.tokens) throw new StewardError("sessions-full", { count });
    return this.#begin("token", speaker, role, lasts);
  }

  /** The open session of a secret, which counts as a use of it. */
  find(kind: SessionKind, secret: string): Session | undefined {
    const session = this.#open.get(hashOf(secret));
    if (session === undefined || session.kind !== kind || this.#isOver(session)) return undefined;
    this.#use(session);
    return session;
  }

  /** A second secret of a page, made of the first one: a page sends it along with everything that changes something. */
  csrfOf(secret: string): string {
    return createHash("sha256").update("steward session csrf 1\n").update(secret).digest("base64url");
  }

  /** All that are open, the latest first. */
  list(): Session[] {
    for (const session of [...this.#open.values()]) this.#isOver(session);
    return [...this.#open.values()].reverse();
  }

  /** @throws StewardError `login-unknown` */
  end(id: string): void {
    const session = this.list().find((one) => one.id === id);
    if (session === undefined) throw new StewardError("login-unknown", { id });
    this.#end(session as OpenSession);
  }

  /** Ends what is over, and keeps when each was used last. A session whose page is open, with a stream, is in use. */
  sweep(): void {
    const now = this.#options.clock.monotonic();
    for (const [hash, { until }] of this.#links) if (until <= now) this.#links.delete(hash);
    for (const session of [...this.#open.values()]) {
      if (session.enders.size > 0) this.#use(session);
      this.#isOver(session);
    }
    if (this.#changed && this.#keptAt + KEEP_EVERY <= now) this.#keep();
  }

  #all(kind: SessionKind): OpenSession[] {
    return [...this.#open.values()].filter((session) => session.kind === kind && !this.#isOver(session));
  }

  #isOver(session: OpenSession): boolean {
    const { clock, times } = this.#options;
    const now = clock.monotonic();
    const idle = session.kind === "page" && session.enders.size === 0 && session.used + times().idle <= now;
    if (!idle && session.until > now) return false;
    this.#end(session);
    return true;
  }

  #use(session: OpenSession): void {
    const { clock } = this.#options;
    session.used = clock.monotonic();
    session.lastUsedAt = clock.now();
    this.#changed = true;
  }

  #begin(kind: SessionKind, speaker: Speaker, role: OperatorRole, lasts: number): { session: Session; secret: string } {
    const { clock } = this.#options;
    const secret = this.#secret();
    const createdAt = clock.now();
    const times = { createdAt, expiresAt: createdAt + lasts, lastUsedAt: createdAt };
    const kept = { hash: hashOf(secret), id: this.#newId(), kind, speaker, role, ...times };
    const session = new OpenSession(kept, clock.monotonic() + lasts, clock.monotonic());
    this.#open.set(kept.hash, session);
    this.#keep();
    return { session, secret };
  }

  #end(session: OpenSession): void {
    if (!this.#open.delete(session.kept.hash)) return;
    this.#keep();
    for (const end of [...session.enders]) end();
    session.enders.clear();
  }

  #keep(): void {
    this.#changed = false;
    this.#keptAt = this.#options.clock.monotonic();
    this.#options.keeper.write([...this.#open.values()].map(({ kept, lastUsedAt }) => ({ ...kept, lastUsedAt })));
  }

  #newId(): string {
    const id = Buffer.from(this.#options.random.bytes(ID_BYTES)).toString("hex");
    return [...this.#open.values()].some((session) => session.id === id) ? this.#newId() : id;
  }

  #secret(): string {
    return Buffer.from(this.#options.random.bytes(SECRET_BYTES)).toString("base64url");
  }
}

function hashOf(secret: string): string {
  return createHash("sha256").update("steward session 1\n").update(secret).digest("hex");
}
