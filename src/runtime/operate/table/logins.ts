import { z } from "zod";
import { bodyOf, type Entries, json, none } from "./entry.ts";
import { id, opt, type Shown, text, thing, time, within } from "./shape.ts";

const bySession = { id };

const sessionRole = z.enum(["viewer", "operator", "admin"]).describe("No more than its owner may");

const tokenOrder = z.strictObject({
  role: opt(sessionRole),
  lasts: within(60_000, 30 * 86_400_000).describe("Milliseconds until it expires"),
});

const pageLink = thing({ url: text, expiresAt: time });

const sessionView = thing({
  id: text,
  kind: z.enum(["page", "token"]).describe("page: a browser; token: another machine"),
  by: text.describe("In whose name it speaks"),
  role: sessionRole,
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time,
});

const issuedToken = thing({ id: text, token: text, role: sessionRole, expiresAt: time });

/** Logins at the page, and tokens. */
export const LOGINS = {
  openPage: {
    summary: "Make a link that logs in at the page, once; on the machine of the daemon alone",
    needs: "viewer",
    answer: json("The link, shown this once", pageLink, { status: 201 }),
    failures: [403, 409],
  },
  issueToken: {
    summary: "Make a token with which another machine may use this API; on the machine of the daemon alone",
    needs: "viewer",
    body: bodyOf(tokenOrder),
    answer: json("The token, shown this once", issuedToken, { status: 201 }),
    failures: [403, 409, 413, 415],
  },
  sessions: {
    summary: "Who is logged in at the page, and the tokens that are open",
    needs: "viewer",
    answer: json("Logins, the latest first", sessionView.array()),
  },
  endSession: {
    summary: "End a login or a token; its open pages and streams end with it",
    needs: "viewer",
    params: bySession,
    answer: none("It is ended"),
    failures: [404],
  },
} as const satisfies Entries;

export type PageLink = Shown<typeof pageLink>;
export type TokenOrder = Shown<typeof tokenOrder>;
export type IssuedToken = Shown<typeof issuedToken>;
export type SessionView = Shown<typeof sessionView>;
