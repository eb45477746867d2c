import { type Sender, transientFrame } from "../../../broker/transient.ts";
import type { Transport } from "../../../broker/transport.ts";
import type { Json } from "../../../message/message.ts";
import { CONTROL_DOMAIN } from "../../../message/subject.ts";
import { sameFact } from "../../../message/target/facts.ts";
import type { Ack } from "../../../message/wire/frame.ts";
import type { FactsTold } from "../../../methods/facts.ts";
import type { OwnFacts } from "./own-facts.ts";

export interface FactTellerOptions extends Sender {
  readonly central: string;
  readonly transport: Transport;
  readonly own: Pick<OwnFacts, "facts">;
}

/** How long the ACK of facts is waited for before they are told again, ms. */
const AGAIN = 30_000;

type Told = ReadonlyMap<string, FactsTold["set"][string]>;

/**
 * Tells central the facts of this node, without the journal: those that changed since central last acknowledged some, all
 * of them to each new life of central's daemon. An answered hello shows that central is there, so each is the occasion to
 * tell, and to tell again what got no ACK. A node whose facts do not change sends no more than its hellos.
 */
export class FactTeller {
  readonly #options: FactTellerOptions;
  /** The facts that a life of central's daemon has acknowledged; `undefined`: none was heard. */
  #told: { readonly life: string | undefined; facts: Told } | undefined;
  /** Facts that wait for their ACK, and the number that the ACK bears. */
  #underWay: { readonly no: number; readonly facts: Told; readonly at: number } | undefined;
  #no = 0;
  #spoken = false;

  constructor(options: FactTellerOptions) {
    this.#options = options;
  }

  get subject(): string {
    return `${this.#options.central}.event.facts.${CONTROL_DOMAIN}`;
  }

  /** Central has answered a hello. */
  greeted({ receiverLife: life }: Ack): void {
    if (this.#told === undefined || this.#told.life !== life) {
      this.#told = { life, facts: new Map() };
      this.#underWay = undefined;
      this.#spoken = false;
    }
    this.#tell();
  }

  /** A fact has changed. The first facts of all are told at once, later ones after the next hello. */
  changed(): void {
    if (this.#told !== undefined && !this.#spoken) this.#tell();
  }

  /** Central has acknowledged facts. `no`: which ones. */
  acknowledged(no: number, { receiverLife }: Ack): void {
    if (this.#told === undefined || this.#told.life !== receiverLife || this.#underWay?.no !== no) return;
    this.#told.facts = this.#underWay.facts;
    this.#underWay = undefined;
  }

  #tell(): void {
    const { node, central, own, clock, transport } = this.#options;
    if (node === central || this.#told === undefined || own.facts.size === 0) return;
    // Hellos may follow each other closely, and the ACK of the facts may still be under way.
    const now = clock.monotonic();
    if (this.#underWay !== undefined && now - this.#underWay.at < AGAIN) return;
    const facts: Told = new Map(own.facts);
    const data = difference(this.#told.facts, facts, clock.now());
    if (data === undefined) return;
    const no = ++this.#no;
    this.#underWay = { no, facts, at: now };
    this.#spoken = true;
    const { subject } = this;
    const frame = transientFrame(subject, this.#options, data as unknown as Json);
    transport.publish(subject, frame, `${transport.inbox}.${subject}.${no}`);
  }
}

function difference(before: Told, after: Told, at: number): FactsTold | undefined {
  const set = [...after].filter(([key, [value]]) => !sameFact(before.get(key)?.[0], value));
  if (before.size === 0) return { at, all: true, set: Object.fromEntries(set) };
  const gone = [...before.keys()].filter((key) => !after.has(key));
  if (set.length === 0 && gone.length === 0) return undefined;
  return { at, set: Object.fromEntries(set), ...(gone.length === 0 ? {} : { gone }) };
}
