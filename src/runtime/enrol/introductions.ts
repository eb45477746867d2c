import { isInbox } from "../../broker/logins.ts";
import type { Packet, Transport } from "../../broker/transport.ts";
import type { Clock, Random } from "../../message/clock.ts";
import { normalise, StewardError } from "../../message/errors.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Identity } from "../../security/keys/identity.ts";
import { fingerprint, keyId, type PublicKeys } from "../../security/keys/public-keys.ts";
import { type IntroductionAnswer, openIntroduction } from "../../security/trust/introduction.ts";
import type { Admittance, Registry } from "../../security/trust/registry.ts";

/** The desk of central at which machines introduce themselves. Anybody may write to it, so its work is bounded. */
export interface IntroductionsOptions {
  readonly node: string;
  readonly registry: Registry;
  readonly identity: () => Identity;
  readonly transport: Pick<Transport, "publish" | "maxPayload">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly counters: { refuse(code: string, details: object): void };
  readonly failures: {
    report(code: string, text: string, same?: string): void;
    over(code: string, text: string, same?: string): void;
  };
  /** The node was given its list. */
  readonly welcomed: (node: string, version: number) => void;
}

/** The way back to a machine that waits. */
interface Caller {
  readonly node: string;
  readonly keys: PublicKeys;
  readonly own: Identity;
  readonly reply: string;
  sealAnswer(answer: IntroductionAnswer, nonce: Uint8Array): Uint8Array;
}

const NONCE = 12;
/** Introductions that are read in a second, and in a burst after a pause. */
const A_SECOND = 50;
const BURST = 500;
const MOST_CALLERS = 200;

export class Introductions {
  readonly #options: IntroductionsOptions;
  readonly #callers = new Map<string, Caller>();
  #room = BURST;
  #filledAt = 0;

  constructor(options: IntroductionsOptions) {
    this.#options = options;
    this.#filledAt = options.clock.monotonic();
  }

  /** No packet can make this throw. */
  receive({ subject, payload, reply }: Packet): void {
    const { counters, identity, registry } = this.#options;
    try {
      // An answer to any other place would be a packet in the name of central.
      if (reply === undefined || !isInbox(reply))
        throw new StewardError("introduction-invalid", { fault: "its sender cannot be answered" });
      this.#spend();
      const { introduction, own, sealAnswer } = openIntroduction(identity(), payload);
      const { node, keys, secret } = introduction;
      const caller: Caller = { node, keys, own, reply, sealAnswer };
      this.#judged(caller, registry.introduce(node, keys, secret, own));
    } catch (error) {
      const { code, message } = normalise(error);
      if (code === "introduction-limited" || code === "file-unwritable") this.#options.failures.report(code, message);
      counters.refuse(code, { subject, fault: message });
    }
  }

  /** Answers the machines that wait under a name, now that an operator has decided. */
  decided(node: string): void {
    const waits = new Set(this.#options.registry.pending.of(node).map(({ keys }) => fingerprint(keys)));
    for (const [id, caller] of this.#callers) {
      if (caller.node !== node) continue;
      const shown = fingerprint(caller.keys);
      if (waits.has(shown)) continue;
      this.#callers.delete(id);
      this.#options.failures.over("node-pending", `${node} waits no more`, `node-pending ${shown}`);
      this.#judged(caller, this.#options.registry.introduce(node, caller.keys, undefined, caller.own));
    }
  }

  #judged(caller: Caller, admittance: Admittance): void {
    const { node: central, log, failures, welcomed } = this.#options;
    const { node, keys } = caller;
    const shown = fingerprint(keys);
    if (admittance.kind === "accepted") {
      const { list } = admittance;
      log.info({ node, fingerprint: shown, version: list.body.version }, `${node} is accepted, and has its trust list`);
      this.#answer(caller, { standing: "accepted", central, list });
      welcomed(node, list.body.version);
    } else if (admittance.kind === "pending") {
      if (this.#callers.size < MOST_CALLERS) this.#callers.set(keyId(keys), caller);
      if (admittance.isNew) {
        const text = `a machine with the fingerprint ${shown} waits to be accepted as ${node}: steward accept ${node}`;
        failures.report("node-pending", text, `node-pending ${shown}`);
      }
      this.#answer(caller, { standing: "pending", central });
    } else {
      const { code, message: reason, remedy } = admittance.error;
      log.warn({ node, code, fingerprint: shown }, reason);
      this.#answer(caller, { standing: "refused", central, code, reason, remedy });
    }
  }

  #answer({ reply, sealAnswer }: Caller, answer: IntroductionAnswer): void {
    const { transport, random } = this.#options;
    const bytes = sealAnswer(answer, random.bytes(NONCE));
    if (bytes.length <= transport.maxPayload()) transport.publish(reply, bytes);
  }

  #spend(): void {
    const now = this.#options.clock.monotonic();
    this.#room = Math.min(BURST, this.#room + ((now - this.#filledAt) / 1000) * A_SECOND);
    this.#filledAt = now;
    if (this.#room < 1) throw new StewardError("introduction-limited", { limit: A_SECOND });
    this.#room--;
  }
}
