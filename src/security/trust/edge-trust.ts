import { join } from "node:path";
import { faultText, StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import { textOf, writeDurably } from "../../platform/durable-file.ts";
import type { Identity } from "../keys/identity.ts";
import { keyId, keysText, type PublicKeys, parseKeys, signKeyOf } from "../keys/public-keys.ts";
import { isSignedBy, type Signed } from "../keys/signed.ts";
import { successionFault } from "../operators/succession.ts";
import type { Token } from "./token.ts";
import type { Peer, Trust } from "./trust.ts";
import { TRUST_LIST, type TrustList, trustListFault } from "./trust-list.ts";

/**
 * The trust of an edge node, in `trust.json`: central's pinned keys, the newest list that central has signed for this node,
 * and, until then, the secret of the token with which it joins.
 *
 *   nothing → pinned (it introduces itself) → enrolled (it has a list)
 *
 * A list counts only with a valid signature of a key of central that is trusted now, for this node, and with a version above
 * that of the present one. The new list is on disk before it has an effect.
 */
export interface EdgeTrustOptions {
  readonly data: string;
  readonly node: string;
  readonly central: string;
  /** `centralKey` of the configuration. */
  readonly pin: PublicKeys | undefined;
  readonly identity: Identity;
}

/** The invitation with which a machine joins. */
export interface JoinSecret {
  /** base64url. */
  readonly secret: string;
  readonly expiresAt: number;
}

interface TrustFile {
  readonly pin: string;
  readonly join?: JoinSecret;
  readonly list?: Signed<TrustList>;
}

const FILE = "trust.json";

export class EdgeTrust implements Trust {
  readonly #options: EdgeTrustOptions;
  readonly #path: string;
  readonly #listeners = new Set<() => void>();
  readonly #holders = new Map<string, Peer>();
  readonly #peers = new Map<string, Peer>();
  readonly #wanted = new Set<string>();
  #file: TrustFile | undefined;
  #ask: ((node: string) => void) | undefined;
  #identity: Identity;

  /** @throws StewardError `trust-damaged` where neither the file nor the configuration pins central's keys */
  constructor(options: EdgeTrustOptions) {
    this.#options = options;
    this.#identity = options.identity;
    this.#path = trustPath(options.data);
    const { pin } = options;
    const file = readTrust(this.#path, pin !== undefined);
    const central = file === undefined ? [] : centralOf(file);
    // Another pin in the configuration means another central: the list of the one before counts no more.
    const isPinned = pin === undefined || file?.pin === keysText(pin) || central.includes(keysText(pin));
    this.#file = isPinned ? file : undefined;
    if (this.#file === undefined && pin !== undefined) this.#file = { pin: keysText(pin) };
    this.#index();
  }

  get path(): string {
    return this.#path;
  }

  /** Central's keys that count now, the newest first; none: nothing is pinned. */
  get centralKeys(): readonly PublicKeys[] {
    return (this.#file === undefined ? [] : centralOf(this.#file)).flatMap((text) => parseKeys(text) ?? []);
  }

  get list(): Signed<TrustList> | undefined {
    return this.#file?.list;
  }

  get isEnrolled(): boolean {
    return this.#file?.list !== undefined;
  }

  /** The secret of the token with which this node joins, until it is enrolled. */
  get join(): JoinSecret | undefined {
    return this.#file?.join;
  }

  get version(): number {
    return this.#file?.list?.body.version ?? 0;
  }

  get operators(): readonly Json[] {
    return this.#file?.list?.body.operators ?? [];
  }

  get policies(): readonly Json[] {
    return this.#file?.list?.body.policies ?? [];
  }

  holder(id: string): Peer | undefined {
    return this.#holders.get(id);
  }

  /** Central is a peer once this node is enrolled. A node that is not known is asked for. */
  peer(node: string): Peer | undefined {
    const peer = this.#peers.get(node);
    if (peer === undefined && node !== this.#options.central && this.isEnrolled && !this.#wanted.has(node)) {
      this.#wanted.add(node);
      this.#ask?.(node);
    }
    return peer;
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  /** `ask`: how central is asked for the keys of another node; each node is asked for once until `forgetAsked`. */
  askBy(ask: (node: string) => void): void {
    this.#ask = ask;
    for (const node of this.#wanted) ask(node);
  }

  forgetAsked(node: string): void {
    this.#wanted.delete(node);
  }

  /** Takes a list. False: it is the present one. @throws StewardError `trust-list-invalid`, `trust-list-older` */
  take(list: Signed<TrustList>): boolean {
    const { node } = this.#options;
    const file = this.#file;
    if (file === undefined) throw invalid(node, "no key of the management station is pinned");
    const fault = trustListFault(list?.body);
    if (fault !== undefined) throw invalid(node, fault);
    const signer = centralOf(file).find((text) => isSignedBy(signKeyOf(text), TRUST_LIST, list));
    if (signer === undefined) throw invalid(node, "it is not signed with a key of the management station");
    const { body } = list;
    if (body.node !== node) throw invalid(node, `it was made for ${body.node}`);
    const { list: present } = file;
    if (present !== undefined && present.body.fleet === body.fleet) {
      if (body.version === present.body.version) return false;
      if (body.version < present.body.version)
        throw new StewardError("trust-list-older", { node, version: body.version, present: present.body.version });
    }
    const isOfFleet = present?.body.fleet === body.fleet;
    const succession = successionFault(isOfFleet ? present.body.operators : [], body.operators);
    if (succession !== undefined) throw invalid(node, succession);
    this.#set({ pin: file.pin, list });
    return true;
  }

  /** The token was refused for good: the node waits to be accepted without it. */
  dropJoin(): void {
    if (this.#file?.join !== undefined) this.#set({ pin: this.#file.pin });
  }

  /** The keys of this node are others from now on. */
  rekeyed(identity: Identity): void {
    this.#identity = identity;
    this.#changed();
  }

  #set(file: TrustFile): void {
    writeTrust(this.#path, file);
    this.#file = file;
    this.#changed();
  }

  #changed(): void {
    this.#index();
    for (const tell of this.#listeners) tell();
  }

  #index(): void {
    const { node: self, central } = this.#options;
    this.#holders.clear();
    this.#peers.clear();
    const add = (node: string, keys: readonly PublicKeys[], standing: Peer["standing"]): void => {
      for (const one of keys) this.#holders.set(keyId(one), { node, keys: one, standing });
      const [newest] = keys;
      if (newest !== undefined && standing === "accepted") this.#peers.set(node, { node, keys: newest, standing });
    };
    const { list } = this.#file ?? {};
    for (const { node, keys, standing } of list?.body.peers ?? [])
      if (node !== self && node !== central)
        add(
          node,
          keys.flatMap((text) => parseKeys(text) ?? []),
          standing,
        );
    if (list !== undefined) add(central, this.centralKeys, "accepted");
    const { keys, previous } = this.#identity;
    add(self, previous === undefined ? [keys] : [keys, previous.keys], "accepted");
    for (const name of this.#peers.keys()) this.#wanted.delete(name);
  }
}

/** Keeps a token for a daemon that is started later: it introduces itself with it. @throws StewardError `file-unwritable` */
export function keepToken(data: string, { centralKeys, secret, expiresAt }: Token): void {
  const join: JoinSecret = { secret: Buffer.from(secret).toString("base64url"), expiresAt };
  writeTrust(trustPath(data), { pin: keysText(centralKeys), join });
}

function writeTrust(path: string, file: TrustFile): void {
  try {
    writeDurably(path, `${JSON.stringify(file)}\n`);
  } catch (error) {
    throw new StewardError("file-unwritable", { file: path, fault: faultText(error) }, { cause: error });
  }
}

export function trustPath(data: string): string {
  return join(data, FILE);
}

/**
 * Reads a trust file; `undefined`: there is none, or it is damaged and can be made again from the configuration's pin.
 * @throws StewardError `trust-damaged`, `file-unreadable`
 */
export function readTrust(path: string, canBeMadeAgain: boolean): TrustFile | undefined {
  let text: string | undefined;
  try {
    text = textOf(path);
  } catch (error) {
    throw new StewardError("file-unreadable", { file: path, fault: faultText(error) }, { cause: error });
  }
  if (text === undefined) return undefined;
  const file = parsedTrust(text);
  if (typeof file !== "string") return file;
  if (canBeMadeAgain) return undefined;
  throw new StewardError("trust-damaged", { path, fault: file });
}

/** The content of a trust file, or its fault. The list is verified against the pin, through the chain of central's keys. */
function parsedTrust(text: string): TrustFile | string {
  let file: Partial<TrustFile> | null;
  try {
    file = JSON.parse(text) as Partial<TrustFile> | null;
  } catch {
    return "it is not JSON";
  }
  const { pin, join: secret, list } = file ?? {};
  if (typeof pin !== "string" || parseKeys(pin) === undefined) return "it pins no keys of the management station";
  if (secret !== undefined && (typeof secret.secret !== "string" || typeof secret.expiresAt !== "number"))
    return "the secret of its token is not complete";
  if (list !== undefined) {
    const fault = trustListFault(list.body);
    if (fault !== undefined) return `its list is not valid: ${fault}`;
    if (![pin, ...list.body.central].some((keys) => isSignedBy(signKeyOf(keys), TRUST_LIST, list)))
      return "the signature of its list is not valid";
  }
  return {
    pin,
    ...(secret === undefined ? {} : { join: secret }),
    ...(list === undefined ? {} : { list }),
  };
}

function centralOf({ pin, list }: TrustFile): readonly string[] {
  return list === undefined ? [pin] : list.body.central;
}

function invalid(node: string, fault: string): StewardError {
  return new StewardError("trust-list-invalid", { node, fault });
}
