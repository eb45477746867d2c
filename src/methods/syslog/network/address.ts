import type { Json } from "../../../message/message.ts";

/** Where to listen for syslog. */
export interface Address {
  readonly protocol: "udp" | "tcp";
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Parses `udp://127.0.0.1:5514`, `tcp://[::1]:5514` or `udp://:5514` (loopback). @throws Error that names the fault */
export function parseAddress(setting: Json): Address {
  const example = "write it like udp://127.0.0.1:5514 or tcp://127.0.0.1:5514";
  if (typeof setting !== "string") throw new Error(`syslog: ${JSON.stringify(setting)} is not an address; ${example}`);
  const [, protocol, rest = ""] = /^(\w+):\/\/(.*)$/.exec(setting) ?? [];
  if (protocol !== "udp" && protocol !== "tcp") throw new Error(`syslog: ${setting} is not an address; ${example}`);
  const [, bracketed, plain = "", digits] =
    /^(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([A-Za-z0-9._-]*)):(\d{1,5})\/?$/.exec(rest) ?? [];
  const port = Number(digits ?? Number.NaN);
  if (Number.isNaN(port)) throw new Error(`syslog: ${setting} lacks a host or a port; ${example}`);
  if (port > 65_535) throw new Error(`syslog: ${setting}: ports end at 65535`);
  const host = bracketed ?? plain;
  return { protocol, host: host === "" ? "127.0.0.1" : host, port };
}

export function formatAddress({ protocol, host, port }: Address): string {
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^(?:::ffff:)?127\./.test(host);
}

/** Turns the error of a listening attempt into one that names a remedy. */
export function listenError(address: Address, error: NodeJS.ErrnoException): Error {
  const where = formatAddress(address);
  const text: Record<string, string> = {
    EADDRINUSE: "another program listens there; stop it or choose another port",
    EACCES: "the system does not permit it; ports below 1024 need CAP_NET_BIND_SERVICE, choose a higher one",
    EADDRNOTAVAIL: "this machine has no such address",
    ENOTFOUND: "this host name is not known",
    EAI_AGAIN: "this host name cannot be resolved now",
  };
  return new Error(`cannot listen at ${where}: ${text[error.code ?? ""] ?? error.message}`, { cause: error });
}
