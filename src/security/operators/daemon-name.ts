import { publicBytes } from "../keys/key-text.ts";
import { isSignedBy, type Signer, signBody } from "../keys/signed.ts";

/**
 * The name by which a daemon is signed to: its public key `U…`, or the name of its node where `security: off` leaves it
 * without keys. Each answer on the socket carries it, after a change of keys with the word of the key before:
 *
 *   steward-daemon: <name> [<key before U…> <its signature on the name>]
 */
const PURPOSE = "daemon-key";
const LONGEST_HEADER = 300;
const NAME = /^[\w-]{1,63}$/;

/** The keys of a daemon; `previous`: those of before, where it has them still. */
interface DaemonKeys extends Signer {
  readonly previous?: Signer | undefined;
}

/** The name of a daemon as its answers carry it. */
export class DaemonName {
  readonly #keys: () => DaemonKeys | undefined;
  readonly #node: string;
  #of: DaemonKeys | undefined;
  #header: string | undefined;

  /** `keys`: the present ones; `undefined`: it has none. */
  constructor(keys: () => DaemonKeys | undefined, node: string) {
    this.#keys = keys;
    this.#node = node;
  }

  get name(): string {
    return this.#keys()?.keys.sign ?? this.#node;
  }

  get header(): string {
    const keys = this.#keys();
    if (this.#header === undefined || keys !== this.#of) this.#header = headerOf(keys, this.name);
    this.#of = keys;
    return this.#header;
  }
}

function headerOf(keys: DaemonKeys | undefined, name: string): string {
  if (keys?.previous === undefined) return name;
  const { by, signature } = signBody(keys.previous, PURPOSE, { key: name });
  return [name, by, signature].join(" ");
}

/** The name in an answer; `undefined`: it carries none. */
export function nameIn(header: unknown): string | undefined {
  if (typeof header !== "string" || header.length > LONGEST_HEADER) return undefined;
  const [name = ""] = header.split(" ");
  return NAME.test(name) ? name : undefined;
}

/** True if the holder of a key says in this answer that the name in it is his own from now on. */
export function isSucceeded(key: string, header: string): boolean {
  const [name = "", by = "", signature = ""] = header.split(" ");
  return by === key && isSignedBy(key, PURPOSE, { body: { key: name }, by, signature });
}

/** A name for people, short enough for a line. */
export function daemonText(name: string): string {
  return publicBytes("sign", name) === undefined ? name : `${name.slice(0, 9)}…`;
}
