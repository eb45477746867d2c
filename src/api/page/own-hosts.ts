import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { isLoopback } from "../../platform/host/loopback.ts";

/**
 * The names under which a browser may reach this listener. Another name that leads here was pointed at this machine by
 * somebody else (DNS rebinding), so requests under it are refused.
 */
export interface OwnHostsOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** The address that a reverse proxy is reached at. */
  readonly address: URL | undefined;
  /** Present with HTTPS: all names that it is good for are ours. */
  readonly certificate: () => X509Certificate | undefined;
}

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

export class OwnHosts {
  readonly #options: OwnHostsOptions;

  constructor(options: OwnHostsOptions) {
    this.#options = options;
  }

  get scheme(): "http:" | "https:" {
    return this.#options.certificate() === undefined ? "http:" : "https:";
  }

  /** The address at which people open the page. */
  get origin(): string {
    const { address, listen } = this.#options;
    if (address !== undefined) return address.origin;
    const host = isLoopback(listen.host) ? listen.host : this.#certified();
    return new URL(`${this.scheme}//${host.includes(":") ? `[${host}]` : host}:${listen.port}`).origin;
  }

  /** True for a `Host` header that means this listener, or the proxy in front of it. */
  isOwn(header: string | undefined): boolean {
    const { address } = this.#options;
    const url = header === undefined || /[\s/@?#\\]/.test(header) ? undefined : parsed(`${this.scheme}//${header}`);
    if (url === undefined) return false;
    return (address !== undefined && url.host === new URL(`${this.scheme}//${address.host}`).host) || this.#means(url);
  }

  /** True for an `Origin` header that names the page itself. */
  isOwnOrigin(header: string): boolean {
    const url = parsed(header);
    if (url === undefined) return false;
    if (url.origin === this.#options.address?.origin) return true;
    return url.protocol === this.scheme && this.#means(url);
  }

  #means({ hostname, port }: URL): boolean {
    const { listen, certificate } = this.#options;
    if ((port === "" ? DEFAULT_PORTS[this.scheme] : Number(port)) !== listen.port) return false;
    if (isLoopback(listen.host) && LOOPBACK.includes(hostname)) return true;
    const bare = hostname.replace(/^\[|\]$/g, "");
    if (bare === listen.host) return true;
    const own = certificate();
    return own !== undefined && (isIP(bare) === 0 ? own.checkHost(bare) : own.checkIP(bare)) !== undefined;
  }

  /** A name that the certificate is good for, where the listener has all addresses of the machine. */
  #certified(): string {
    const { listen, certificate } = this.#options;
    const names = certificate()?.subjectAltName ?? "";
    const [, name] = /(?:DNS|IP Address):([^,*\s"]+)/.exec(names) ?? [];
    return name ?? listen.host;
  }
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
