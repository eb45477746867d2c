import { networkInterfaces } from "node:os";
import type { BrokerConfig } from "../../config/config.ts";
import { StewardError } from "../../message/errors.ts";

/** Addresses of this machine in a token: each makes it longer. */
const MOST_ADDRESSES = 3;

/** The addresses at which other machines reach the broker. @throws StewardError `broker-local` */
export function addressesOf(
  { embedded, servers }: BrokerConfig,
  given: readonly string[] | undefined,
): readonly string[] {
  if (embedded === null)
    return given === undefined ? servers : given.map((address) => withScheme(address, "4222", false));
  const { host, port, tls } = embedded;
  const url = (address: string): string => withScheme(address, String(port), tls !== null);
  if (given !== undefined) return given.map(url);
  if (host === "127.0.0.1" || host === "::1" || host === "localhost") throw new StewardError("broker-local", { host });
  if (host !== "0.0.0.0" && host !== "::") return [url(host)];
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ address, family, internal }) => (internal || family !== "IPv4" ? [] : [address])),
  );
  if (own.length === 0) throw new StewardError("broker-local", { host });
  return own.slice(0, MOST_ADDRESSES).map(url);
}

function withScheme(address: string, port: string, secure: boolean): string {
  const isBare = address.includes(":") && !address.startsWith("[") && address.split(":").length > 2;
  const host = isBare ? `[${address}]` : address;
  const url = address.includes("://")
    ? address
    : `${secure ? "tls" : "nats"}://${/:\d+$/.test(host) ? host : `${host}:${port}`}`;
  if (/^(?:nats|tls):\/\/(?:[\w.-]+|\[[\da-fA-F:.%\w]+\])(?::\d{1,5})?$/.test(url)) return url;
  const fault = `the address ${address} is none of a broker: write HOST, HOST:PORT, or nats://HOST:PORT`;
  throw new StewardError("usage", { fault, command: "invite" });
}
