import { StewardError } from "../../message/errors.ts";
import type { Session, Sessions } from "../../security/sessions/sessions.ts";
import type { IssuedToken, PageLink, SessionView, TokenOrder } from "./operations.ts";

/** The listener of the page, as far as links to it need it. */
export interface OpenPage {
  /** The address at which it is reached. */
  readonly origin: string;
}

/** Links, sessions and tokens, as operators ask for them. */
export class PageLogins {
  readonly #sessions: Sessions;
  readonly #page: () => OpenPage | undefined;
  readonly #node: () => string;

  constructor(sessions: Sessions, page: () => OpenPage | undefined, node: () => string) {
    this.#sessions = sessions;
    this.#page = page;
    this.#node = node;
  }

  /** @throws StewardError `page-off` */
  link(by: string): PageLink {
    const { origin } = this.#listener();
    const { secret, expiresAt } = this.#sessions.link(by);
    return { url: `${origin}/login/${secret}`, expiresAt };
  }

  /** @throws StewardError `page-off`, `sessions-full` */
  issue(by: string, { role = "full", lasts }: TokenOrder): IssuedToken {
    this.#listener();
    const { session, secret } = this.#sessions.issue(by, role, lasts);
    return { id: session.id, token: secret, role, expiresAt: session.expiresAt };
  }

  list(): SessionView[] {
    return this.#sessions.list().map(viewOf);
  }

  /** @throws StewardError `login-unknown` */
  end(id: string): void {
    this.#sessions.end(id);
  }

  #listener(): OpenPage {
    const page = this.#page();
    if (page !== undefined) return page;
    throw new StewardError("page-off", { node: this.#node(), fault: "nothing listens for browsers" });
  }
}

function viewOf({ id, kind, by, role, createdAt, expiresAt, lastUsedAt }: Session): SessionView {
  return { id, kind, by, role, createdAt, expiresAt, lastUsedAt };
}
