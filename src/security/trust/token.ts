import { createHash, hkdfSync } from "node:crypto";
import { crc32 } from "node:zlib";
import { StewardError } from "../../message/errors.ts";
import { nodeNameFault } from "../../message/node-name.ts";
import { Identity } from "../keys/identity.ts";
import { seedText } from "../keys/key-text.ts";
import { keysText, type PublicKeys, parseKeys } from "../keys/public-keys.ts";

/**
 * A token enrols one machine: it pins central's keys, and carries the name that the machine gets, the way to the broker and
 * a secret that central takes once. Text: `steward-1.` and base64url of JSON and its CRC-32, so that a token that was cut or
 * mistyped is told from one that is refused.
 */
export interface Token {
  readonly central: string;
  readonly centralKeys: PublicKeys;
  readonly node: string;
  readonly secret: Uint8Array;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly servers: readonly string[];
  /** A login that all nodes share, where the broker has one; absent: the node's own keys, or none. */
  readonly login?: { readonly user: string; readonly password: string } | { readonly token: string };
  /** The certificates that sign the broker's, as PEM. */
  readonly ca?: string;
}

/** The login at the broker of a machine that is not enrolled yet; it may do nothing but introduce itself. */
export interface InvitationLogin {
  /** `-join-<12 hex digits>`: no node can have such a name. */
  readonly name: string;
  /** `U…` and its seed, `SU…`. */
  readonly key: string;
  readonly seed: string;
}

const PREFIX = "steward-1.";
export const SECRET_BYTES = 16;
const CHECKSUM_BYTES = 4;
/** A token with a chain of certificates is a few kilobytes. */
const LONGEST = 64 * 1024;

interface WireToken {
  c: string;
  k: string;
  n: string;
  s: string;
  e: number;
  b: string[];
  a?: { user: string; password: string } | { token: string };
  p?: string;
}

export function tokenText({ central, centralKeys, node, secret, expiresAt, servers, login, ca }: Token): string {
  const wire: WireToken = {
    c: central,
    k: keysText(centralKeys),
    n: node,
    s: Buffer.from(secret).toString("base64url"),
    e: Math.floor(expiresAt / 1000),
    b: [...servers],
    ...(login === undefined ? {} : { a: login }),
    ...(ca === undefined ? {} : { p: ca }),
  };
  const body = Buffer.from(JSON.stringify(wire));
  const sum = Buffer.alloc(CHECKSUM_BYTES);
  sum.writeUInt32BE(crc32(body));
  return `${PREFIX}${Buffer.concat([body, sum]).toString("base64url")}`;
}

/** Reads a token; spaces and line breaks inside, as a terminal or a mail adds them, are ignored. @throws StewardError `token-damaged` */
export function readToken(text: string): Token {
  const word = text.replace(/\s+/g, "");
  if (!word.startsWith(PREFIX)) {
    const other = /^steward-(\d+)\./.exec(word);
    throw damaged(
      other === null
        ? `it does not begin with ${PREFIX}`
        : `it is of version ${other[1]}, and this steward reads version 1`,
    );
  }
  if (word.length > LONGEST) throw damaged("it is too long");
  const bytes = Buffer.from(word.slice(PREFIX.length), "base64url");
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  if (bytes.length <= CHECKSUM_BYTES || crc32(body) !== bytes.readUInt32BE(bytes.length - CHECKSUM_BYTES))
    throw damaged("its checksum is wrong, so a part is missing or was mistyped");
  let wire: Partial<WireToken>;
  try {
    wire = JSON.parse(body.toString("utf8")) as Partial<WireToken>;
  } catch (error) {
    throw damaged("its content is not JSON", error);
  }
  return tokenOf(wire);
}

function tokenOf({ c, k, n, s, e, b, a, p }: Partial<WireToken>): Token {
  const centralKeys = typeof k === "string" ? parseKeys(k) : undefined;
  const secret = typeof s === "string" ? Buffer.from(s, "base64url") : undefined;
  if (typeof c !== "string" || nodeNameFault(c) !== undefined) throw damaged("it does not name the management station");
  if (centralKeys === undefined) throw damaged("it holds no keys of the management station");
  if (typeof n !== "string" || nodeNameFault(n) !== undefined) throw damaged("it does not name a node");
  if (secret?.length !== SECRET_BYTES) throw damaged("its secret has a wrong length");
  if (typeof e !== "number" || !Number.isSafeInteger(e)) throw damaged("it does not say when it expires");
  if (!Array.isArray(b) || b.length === 0 || !b.every((url) => typeof url === "string"))
    throw damaged("it has no address of a broker");
  const login = a === undefined ? undefined : loginOf(a);
  if (p !== undefined && typeof p !== "string") throw damaged("its certificate is no text");
  return {
    central: c,
    centralKeys,
    node: n,
    secret,
    expiresAt: e * 1000,
    servers: b,
    ...(login === undefined ? {} : { login }),
    ...(p === undefined ? {} : { ca: p }),
  };
}

function loginOf(login: Partial<Record<"user" | "password" | "token", unknown>>): NonNullable<Token["login"]> {
  const { user, password, token } = login;
  if (typeof user === "string" && typeof password === "string") return { user, password };
  if (typeof token === "string") return { token };
  throw damaged("its login at the broker is not complete");
}

/** The registry keeps the hash of a secret, so that a copy of the registry enrols nobody. */
export function secretHash(secret: Uint8Array): string {
  return createHash("sha256").update("steward invitation 1\n").update(secret).digest("hex");
}

/** The broker knows the login by its public key; it is made from the secret, so it adds no length to the token. */
export function invitationLogin(secret: Uint8Array): InvitationLogin {
  const derived = (use: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), `steward invitation ${use} 1`, 32));
  const seed = seedText("sign", derived("login"));
  const { keys } = new Identity({ sign: seed, seal: seedText("seal", derived("seal")) });
  return { name: loginName(secretHash(secret)), key: keys.sign, seed };
}

/** The name of the login of an invitation, from the hash of its secret. */
export function loginName(hash: string): string {
  return `-join-${hash.slice(0, 12)}`;
}

function damaged(fault: string, cause?: unknown): StewardError {
  return new StewardError("token-damaged", { fault }, { cause });
}
