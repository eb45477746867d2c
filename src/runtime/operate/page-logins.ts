import { StewardError } from "../../message/errors.ts";
import { hasRole, type OperatorRole, type Speaker } from "../../security/operators/speaker.ts";
import type { Session } from "../../security/sessions/sessions.ts";
import type { OperateOptions } from "./rooms.ts";
import type { IssuedToken, PageLink, SessionView, TokenOrder } from "./table/logins.ts";

/** Links, sessions and tokens, as a speaker asks for them. Only an admin sees and ends those of others. */
export class PageLogins {
  readonly #options: Pick<OperateOptions, "sessions" | "page" | "config">;
  readonly #speaker: Speaker;

  constructor(options: Pick<OperateOptions, "sessions" | "page" | "config">, speaker: Speaker) {
    this.#options = options;
    this.#speaker = speaker;
  }

  /** @throws StewardError `page-off` */
  link(): PageLink {
    const { origin } = this.#page();
    const { secret, expiresAt } = this.#options.sessions.link(this.#speaker);
    return { url: `${origin}/login/${secret}`, expiresAt };
  }

  /** @throws StewardError `page-off`, `sessions-full` */
  issue({ role: asked, lasts }: TokenOrder): IssuedToken {
    this.#page();
    const own = this.#speaker.role as OperatorRole;
    const role = asked !== undefined && hasRole(this.#speaker, asked) ? asked : own;
    const { session, secret } = this.#options.sessions.issue(this.#speaker, role, lasts);
    return { id: session.id, token: secret, role, expiresAt: session.expiresAt };
  }

  list(): SessionView[] {
    return this.#own().map(viewOf);
  }

  /** @throws StewardError `login-unknown` */
  end(id: string): void {
    if (!this.#own().some((session) => session.id === id)) throw new StewardError("login-unknown", { id });
    this.#options.sessions.end(id);
  }

  #own(): Session[] {
    const all = this.#options.sessions.list();
    return hasRole(this.#speaker, "admin") ? all : all.filter(({ speaker }) => speaker.name === this.#speaker.name);
  }

  #page(): { readonly origin: string } {
    const page = this.#options.page();
    if (page !== undefined) return page;
    throw new StewardError("page-off", { node: this.#options.config().node, fault: "nothing listens for browsers" });
  }
}

function viewOf({ id, kind, speaker, role, createdAt, expiresAt, lastUsedAt }: Session): SessionView {
  return { id, kind, by: speaker.name, role, createdAt, expiresAt, lastUsedAt };
}
