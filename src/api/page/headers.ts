/** The headers of every answer on the page's listener, and its cookie. */

/** A page of our own files alone: no script or style within a document, no other site, in no frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A year, s. */
const YEAR = 31_536_000;

export const KEPT_FOR_EVER = `public, max-age=${YEAR}, immutable`;

export function securityHeaders(https: boolean): Readonly<Record<string, string>> {
  return {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ...(https ? { "strict-transport-security": `max-age=${YEAR}` } : {}),
  };
}

/** The name of the cookie. Browsers keep cookies of all ports of a host together, so that it holds the port. */
export function cookieName(secure: boolean, port: number): string {
  return secure ? `__Host-steward-${port}` : `steward-${port}`;
}

/** `Set-Cookie` of a session, and with an empty value of its end. */
export function cookieText(name: string, value: string, secure: boolean): string {
  const end = value === "" ? "; Max-Age=0" : "";
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}${end}`;
}
