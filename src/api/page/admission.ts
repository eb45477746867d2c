import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { StewardError } from "../../message/errors.ts";
import type { Identified } from "../../runtime/operate/speak/reception.ts";
import type { OwnHosts } from "./own-hosts.ts";

/** One who is logged in: a browser, or a machine with a token. */
export interface Visitor {
  readonly id: string;
  readonly kind: "page" | "token";
  readonly speaker: Speaker;
  readonly role: "viewer" | "operator" | "admin";
  readonly createdAt: number;
  readonly expiresAt: number;
  whenEnded(end: () => void): () => void;
}

type Speaker = Identified["speaker"];

/** The sessions and tokens that are open. */
export interface Visitors {
  enter(link: string): { readonly session: Visitor; readonly secret: string } | undefined;
  find(kind: "page" | "token", secret: string): Visitor | undefined;
  csrfOf(secret: string): string;
  end(id: string): void;
  sweep(): void;
}

const CSRF_HEADER = "steward-csrf";
const READING = new Set(["GET", "HEAD"]);
/** A secret is 43 characters. */
const LONGEST_SECRET = 100;

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** @throws StewardError `host-refused` */
export function insistOnHost({ headers }: Request, hosts: OwnHosts): void {
  if (!hosts.isOwn(headers.host)) throw new StewardError("host-refused", { host: headers.host ?? "none" });
}

/** True for a request that a browser sends for another site, or for another port of this host. */
export function isFromElsewhere({ headers }: Request, hosts: OwnHosts): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  return headers.origin !== undefined && !hosts.isOwnOrigin(headers.origin);
}

/** The one who sends a request to the API, and the value of the header that its changes carry. */
export interface Admission {
  readonly visitor: Visitor;
  readonly csrf: string;
}

/**
 * Decides for one request whether it may go on, by its headers alone. In this order:
 *
 *   host      a name that is not ours is refused
 *   origin    what another site has a browser send is refused: by Sec-Fetch-Site, else by Origin
 *   login     a token (Authorization: Bearer) or the cookie of a session; without either nothing is answered
 *   change    with a cookie, what is not GET needs the header `steward-csrf`
 *
 * @throws StewardError `cross-site-refused`, `login-needed`
 */
export function admit(request: Request, hosts: OwnHosts, visitors: Visitors, cookie: string): Admission {
  const { method, headers } = request;
  if (isFromElsewhere(request, hosts)) throw new StewardError("cross-site-refused", { fault: "another site sent it" });
  const { kind, secret } = secretOf(headers, cookie);
  const visitor = secret === undefined || secret.length > LONGEST_SECRET ? undefined : visitors.find(kind, secret);
  if (visitor === undefined || secret === undefined) throw new StewardError("login-needed");
  const csrf = visitors.csrfOf(secret);
  if (kind === "page" && !READING.has(method) && !isSame(headers[CSRF_HEADER], csrf))
    throw new StewardError("cross-site-refused", { fault: `the header ${CSRF_HEADER} is missing or another one` });
  return { visitor, csrf };
}

function secretOf(
  headers: IncomingHttpHeaders,
  cookie: string,
): { kind: "page" | "token"; secret: string | undefined } {
  const { authorization } = headers;
  if (authorization === undefined) return { kind: "page", secret: cookieOf(headers, cookie) };
  const [, secret] = /^Bearer +([\w-]+)$/i.exec(authorization) ?? [];
  return { kind: "token", secret };
}

function cookieOf({ cookie = "" }: IncomingHttpHeaders, name: string): string | undefined {
  for (const part of cookie.split(";")) {
    const text = part.trim();
    if (text.startsWith(`${name}=`)) return text.slice(name.length + 1);
  }
  return undefined;
}

function isSame(given: string | string[] | undefined, secret: string): boolean {
  if (typeof given !== "string") return false;
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}
