import type { Random } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { Identity } from "../keys/identity.ts";
import { publicBytes } from "../keys/key-text.ts";
import { keyId } from "../keys/public-keys.ts";
import type { Peer, Trust } from "../trust/trust.ts";
import { type End, sessionKey } from "./cipher.ts";
import { ReplayWindow } from "./replay-window.ts";
import { type Header, NO_SALT, SALT_BYTES } from "./sealed-packet.ts";

/**
 * The sessions of this life of the daemon. A session joins two lives: the salt of each is part of its key.
 *
 * Invariants: no key meets one counter twice, for each session of a life numbers its packets in a range of its own. A
 * packet is taken at most once: the numbers taken are known for the last salts of a peer, and earlier salts are refused.
 * When too many of them would have to be remembered, this node takes a new salt, and all packets before it are void.
 */
export interface SessionsOptions {
  readonly node: string;
  readonly keys: Keys;
  readonly trust: Pick<Trust, "holder" | "peer">;
  readonly random: Pick<Random, "bytes">;
}

/** The keys of this node, exchanged under way when they change. */
export interface Keys {
  readonly identity: Identity;
}

/** Numbers of one session, and sessions of one salt: 48 bits in all. */
const NUMBERS = 2 ** 24;
/** Salts of one key whose numbers are known: its present life, and clones or packets under way. */
const SALTS_OF_A_KEY = 4;
/** Subjects of a sender whose latest packet outside all lanes is known; a node uses a handful. */
const SUBJECTS = 256;
/** Replaced salts that are remembered, of all keys. */
const MOST_RETIRED = 256;

/** The present life of a node that has proved it in this one. */
interface Life {
  readonly salt: string;
  /** The keys of this node that it seals for, and therefore knows. */
  readonly own: Identity;
  readonly changes: number;
}

/** The packets to one node. */
interface Outbound {
  readonly own: Identity;
  readonly keyId: string;
  readonly sealKey: string;
  readonly ownSalt: string;
  readonly receiverSalt: string;
  readonly key: Uint8Array;
  /** The counter of the next packet. */
  next(): number;
  readonly isUsedUp: boolean;
}

/** The packets of one life of a sender. */
class Source {
  readonly window = new ReplayWindow();
  readonly #owns: () => Iterable<Identity>;
  readonly #keyFor: (own: Identity) => Uint8Array;
  readonly #made = new Map<Identity, Uint8Array>();
  /** The counter of the latest packet outside all lanes, by subject. */
  readonly #latest = new Map<string, number>();

  constructor(owns: () => Iterable<Identity>, keyFor: (own: Identity) => Uint8Array) {
    this.#owns = owns;
    this.#keyFor = keyFor;
  }

  /** Opens a packet with the first of this node's keys that does; `undefined`: none does. */
  open(decrypt: (key: Uint8Array) => Buffer | undefined): { own: Identity; body: Buffer } | undefined {
    for (const own of this.#owns()) {
      const key = this.#made.get(own) ?? this.#keyFor(own);
      this.#made.set(own, key);
      const body = decrypt(key);
      if (body !== undefined) return { own, body };
    }
    return undefined;
  }

  /** True for a packet that no later one of its subject has overtaken. */
  isLater(subject: string, counter: number): boolean {
    if (counter <= (this.#latest.get(subject) ?? -1)) return false;
    if (this.#latest.size >= SUBJECTS) this.#latest.clear();
    this.#latest.set(subject, counter);
    return true;
  }
}

export class Sessions {
  readonly #options: SessionsOptions;
  /** The keys of this node by their id, and the object that they were taken from. */
  readonly #own = new Map<string, Identity>();
  #identity: Identity;
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #lives = new Map<string, Life>();
  readonly #outbound = new Map<string, Outbound>();
  /** Sessions for answers to packets of another life than the present one. */
  readonly #answers = new Map<string, Outbound>();
  readonly #sources = new Map<string, Map<string, Source>>();
  readonly #retired = new Set<string>();
  #begun = 0;
  #salt = "";

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#identity = options.keys.identity;
    this.#takeKeys();
    this.#renew();
  }

  #takeKeys(): void {
    const { identity } = this.#options.keys;
    this.#identity = identity;
    this.#own.clear();
    for (const own of [identity, identity.previous]) if (own !== undefined) this.#own.set(keyId(own.keys), own);
  }

  /** The present keys of this node. After a change the sessions begin anew with them. */
  #present(): Identity {
    if (this.#options.keys.identity === this.#identity) return this.#identity;
    this.#takeKeys();
    for (const [node, life] of this.#lives) {
      const own = this.#own.get(keyId(life.own.keys)) ?? this.#identity;
      this.#lives.set(node, { ...life, own });
    }
    this.#outbound.clear();
    this.#answers.clear();
    return this.#identity;
  }

  /** The salt of this node's present life, hex. */
  get salt(): string {
    return this.#salt;
  }

  #renew(): void {
    const { node, random } = this.#options;
    this.#salt = Buffer.from(random.bytes(SALT_BYTES)).toString("hex");
    this.#begun = 0;
    this.#outbound.clear();
    this.#answers.clear();
    this.#sources.clear();
    this.#retired.clear();
    this.#learn(node, this.#salt, this.#identity);
  }

  /** The holder of a sealing key. */
  sender(id: string): Peer | undefined {
    this.#present();
    const own = this.#own.get(id);
    return own === undefined ? this.#options.trust.holder(id) : this.#self(own);
  }

  #self({ keys }: Identity): Peer {
    return { node: this.#options.node, keys, standing: "accepted" };
  }

  /** How often the session with a node has changed. */
  numberOf(node: string): number {
    return this.#lives.get(node)?.changes ?? 0;
  }

  /**
   * The session to a node; `salt`: to that life of it, not to its present one.
   *
   * @throws StewardError `receiver-unknown`
   */
  to(node: string, salt?: string): Outbound {
    const identity = this.#present();
    const peer = node === this.#options.node ? this.#self(identity) : this.#options.trust.peer(node);
    if (peer === undefined) throw new StewardError("receiver-unknown", { node });
    const life = this.#lives.get(node);
    // A node knows the keys that it seals for; before it has spoken, the present ones, which change only when all know them.
    const own = life?.own ?? identity;
    const present = life?.salt ?? NO_SALT;
    const receiverSalt = salt ?? present;
    const kept = receiverSalt === present ? this.#outbound : this.#answers;
    const known = kept.get(node);
    const isFit =
      known?.receiverSalt === receiverSalt && known.own === own && known.sealKey === peer.keys.seal && !known.isUsedUp;
    if (known !== undefined && isFit) return known;
    // Every number of this salt is used up: with a new one they begin again.
    if (this.#begun >= NUMBERS) this.#renew();
    const made = this.#begin(own, peer, receiverSalt);
    kept.set(node, made);
    // The earlier one of two sessions to one life would count as replayed.
    if (kept === this.#outbound) this.#answers.delete(node);
    return made;
  }

  #begin(own: Identity, peer: Peer, receiverSalt: string): Outbound {
    const first = this.#begun++ * NUMBERS;
    let used = 0;
    const [from, to] = this.#ends(own, this.#salt, peer, receiverSalt);
    return {
      own,
      keyId: keyId(own.keys),
      sealKey: peer.keys.seal,
      ownSalt: this.#salt,
      receiverSalt,
      key: sessionKey(this.#secret(own, peer), from, to),
      next: () => first + used++,
      get isUsedUp() {
        return used >= NUMBERS;
      },
    };
  }

  /** The packets of the sender's life that a header names; "retired": of a life that is long over. */
  from(peer: Peer, { salt, receiverSalt }: Header): Source | "retired" {
    const { seal } = peer.keys;
    if (receiverSalt === this.#salt) {
      if (this.#retired.has(`${seal} ${salt}`)) return "retired";
      const known = this.#sources.get(seal)?.get(salt);
      if (known !== undefined) return known;
    }
    return new Source(
      () => this.#own.values(),
      (own) => {
        const [to, from] = this.#ends(own, receiverSalt, peer, salt);
        return sessionKey(this.#secret(own, peer), from, to);
      },
    );
  }

  /** Takes a packet of this session, which has proved the present life of its sender. */
  took({ node, keys: { seal } }: Peer, own: Identity, { salt, counter }: Header, source: Source): void {
    source.window.take(counter);
    this.#learn(node, salt, own);
    const sources = this.#sources.get(seal) ?? new Map<string, Source>();
    this.#sources.set(seal, sources);
    if (sources.has(salt)) return;
    sources.set(salt, source);
    const [oldest] = sources.keys();
    if (sources.size <= SALTS_OF_A_KEY || oldest === undefined) return;
    sources.delete(oldest);
    this.#retired.add(`${seal} ${oldest}`);
    if (this.#retired.size > MOST_RETIRED) this.#renew();
  }

  #learn(node: string, salt: string, own: Identity): void {
    const life = this.#lives.get(node);
    if (life?.salt === salt && life.own === own) return;
    this.#lives.set(node, { salt, own, changes: (life?.changes ?? 0) + 1 });
  }

  #ends(own: Identity, ownSalt: string, peer: Peer, peerSalt: string): [End, End] {
    return [
      { node: this.#options.node, sealKey: own.sealKey, salt: ownSalt },
      { node: peer.node, sealKey: rawSealKey(peer), salt: peerSalt },
    ];
  }

  #secret(own: Identity, peer: Peer): Uint8Array {
    const pair = `${own.keys.seal} ${peer.keys.seal}`;
    const known = this.#secrets.get(pair);
    if (known !== undefined) return known;
    const secret = agreed(own, peer);
    this.#secrets.set(pair, secret);
    return secret;
  }
}

function agreed(own: Identity, peer: Peer): Uint8Array {
  try {
    return own.agree(rawSealKey(peer));
  } catch (error) {
    // A key that gives the same secret with every other one is no key.
    throw new StewardError("receiver-unknown", { node: peer.node }, { cause: error });
  }
}

function rawSealKey({ node, keys }: Peer): Uint8Array {
  const raw = publicBytes("seal", keys.seal);
  if (raw === undefined) throw new StewardError("receiver-unknown", { node });
  return raw;
}
