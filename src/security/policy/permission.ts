import type { Config, SubscribeConfig } from "../../config/config.ts";
import { scriptDigest } from "../../config/policy/argument-pattern.ts";
import { readDistributed } from "../../config/policy/distributed-rules.ts";
import type { Rule } from "../../config/policy/rule.ts";
import type { Clock } from "../../message/clock.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import type { Json, Message } from "../../message/message.ts";
import { kindOf, withoutReceiver } from "../../message/subject.ts";
import type { MethodFacts, Vector } from "../../methods/define.ts";
import type { Audit } from "../audit/audit.ts";
import { type AuditEntry, redacted } from "../audit/entry.ts";
import type { CommandSignatures } from "../operators/command-signatures.ts";
import { type Asked, isBetweenDaemons, Layer, OWN_FILE, PLAIN_PUBLISHER, type Refusal, rulesFor } from "./layer.ts";
import { WeekClock } from "./week-clock.ts";

/**
 * The one decision of a node about messages, whichever way they come in: its own configuration, and the policies that
 * central has signed. Each of these layers that speaks of a subject must allow the message; a subject that no subscription
 * names is refused. A reload needs no call: the layers follow the configuration.
 */
export interface PermissionOptions {
  readonly config: () => Config;
  /** The subscriptions of a configuration, those without an entry in it included. */
  readonly subscriptions: (config: Config) => readonly SubscribeConfig[];
  readonly clock: Pick<Clock, "now">;
  readonly audit: Pick<Audit, "record" | "refused">;
  readonly signatures: Pick<CommandSignatures, "operatorOf">;
}

/** The sender of a message: `operator` is the one whose signature on it was verified. */
export interface Sender {
  readonly origin: string;
  readonly operator?: string | undefined;
  /** The operator by the word of the origin alone. */
  readonly says?: string | undefined;
  /** The node's own steward.yaml speaks: whoever may send by that file, it may. */
  readonly ownFile?: boolean;
  /** The command is asked for at later times: whether the hours allow it is decided then. */
  readonly ahead?: boolean;
}

/** The commands that this node gives to itself because of a schedule. */
export interface OwnRuns {
  /** The order that set the schedule; without one it stands in the node's own file. `undefined`: the message is no such run. */
  speakerOf(id: string): { readonly order: Message | undefined } | undefined;
}

/** The memory of statements that were used. */
export interface StatementCheck {
  /** @throws StewardError `command-signature` */
  insistUnused(message: Pick<Message, "id" | "operator">, operator: string): void;
}

/** The word of one layer. */
export interface LayerWord {
  readonly allowed: boolean;
  /** The layer, and the line of it that decided. */
  readonly layer: string;
  readonly where: string;
  /** Why not. */
  readonly fault?: string;
}

export interface Decision {
  readonly allowed: boolean;
  readonly words: readonly LayerWord[];
}

interface Source {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** The fault of a policy that this version cannot read. */
  readonly fault?: string;
}

export class Permission {
  readonly #options: PermissionOptions;
  #of: Config | undefined;
  #week: WeekClock;
  #distributed: readonly Source[] = [];
  /** The layers that speak of a subject, by the subject without its node. */
  #layers = new Map<string, readonly Layer[]>();
  #subscriptions = new Map<string, SubscribeConfig>();
  readonly #question = new Question();
  #ownRuns: OwnRuns | undefined;

  constructor(options: PermissionOptions) {
    this.#options = options;
    this.#week = new WeekClock(options.clock, undefined);
  }

  /** Sets who speaks in the runs of schedules, later than the constructor: schedules send through rooms that ask here. */
  speaksFor(runs: OwnRuns): void {
    this.#ownRuns = runs;
  }

  /** Holds the node to the policies of a trust list that was verified, in place of those before. */
  hold(version: number, policies: readonly Json[]): void {
    this.#distributed = readDistributed(policies, this.#options.config().node).map(({ name, ...read }, i) => {
      const source = `trust list version ${version}, policy ${name || i + 1}`;
      if ("fault" in read) return { name: source, rules: [], fault: read.fault };
      return { name: source, rules: read.rulesAt((line) => `${source}, rule ${line + 1}`) };
    });
    this.#layers = new Map();
  }

  /**
   * The sender of a message, with the operator whose signature holds. The mark of a plain publisher counts where this node
   * itself set it. `arrival`: the message comes now, and its statement must neither be over nor be used before.
   *
   * @throws StewardError `command-signature` for a signature that is false; the refusal is recorded
   */
  senderOf(message: Message, arrival?: StatementCheck): Sender {
    const { audit, config, signatures } = this.#options;
    const { origin, foreign, operator, subject, id } = message;
    const { node } = config();
    if (foreign === true && origin === node) return { origin: PLAIN_PUBLISHER };
    const run = origin === node ? this.#ownRuns?.speakerOf(id) : undefined;
    if (run !== undefined) return run.order === undefined ? { origin, ownFile: true } : this.senderOf(run.order);
    if (operator === undefined) return { origin };
    try {
      const verified = signatures.operatorOf(message, arrival !== undefined);
      if (operator.statement !== undefined) arrival?.insistUnused(message, operator.name);
      return verified === undefined ? { origin, says: operator.name } : { origin, operator: verified };
    } catch (error) {
      const sender = { origin, says: operator.name };
      const why = faultText(error).slice(0, 500);
      audit.refused(`${origin} ${subject}`, () => entryOf(sender, subject, id, false, why, undefined));
      throw error;
    }
  }

  /**
   * Decides on a message, and records the decision: each refusal, and of messages that come (`id`) each command that is allowed.
   * `open`: the open messages of its sender on its subject. Returns the line that allows it.
   *
   * @throws StewardError `permission-denied` with the line that refuses it, and the errors of the method's check
   */
  insist(sender: Sender, subject: string, data: Json, method: MethodFacts, open = 0, id?: string): string {
    const { audit } = this.#options;
    const { origin } = sender;
    const asked = this.#question.about(sender, subject, data, method, open);
    try {
      const by = this.#passed(asked, subject);
      if (id !== undefined && kindOf(subject) === "command")
        audit.record(entryOf(sender, subject, id, true, by, asked.recorded()));
      return by;
    } catch (error) {
      const why = faultText(error).slice(0, 500);
      audit.refused(`${origin} ${subject}`, () => entryOf(sender, subject, id, false, why, undefined));
      throw error;
    }
  }

  #passed(asked: Question, subject: string): string {
    const { origin, operator } = asked;
    let by = "";
    for (const layer of this.#layersOf(subject)) {
      const word = layer.decide(asked);
      if (typeof word !== "string") throw denied(origin, operator, subject, word);
      by = by === "" ? word : `${by}, ${word}`;
    }
    asked.insistOnData();
    return by;
  }

  /** The word of each layer, for `steward may`. `data` absent: whatever the arguments. */
  explain(sender: Sender, subject: string, data: Json | undefined, method: MethodFacts): Decision {
    const asked = new Question().about(sender, subject, data, method, 0);
    const words = this.#layersOf(subject).map((layer): LayerWord => {
      const word = layer.decide(asked);
      if (typeof word === "string") return { allowed: true, layer: layer.name, where: word };
      return { allowed: false, layer: layer.name, where: word.at, fault: word.fault };
    });
    const allowed = words.every((word) => word.allowed);
    if (allowed) asked.insistOnData();
    return { allowed, words };
  }

  #layersOf(subject: string): readonly Layer[] {
    const present = this.#options.config();
    if (this.#of !== present) this.#follow(present);
    const tail = withoutReceiver(subject);
    const known = this.#layers.get(tail);
    if (known !== undefined) return known;
    const layers = this.#readLayers(tail, present);
    // Subjects that nobody subscribes to may be invented without end.
    if (this.#subscriptions.has(tail)) this.#layers.set(tail, layers);
    return layers;
  }

  #follow(present: Config): void {
    this.#of = present;
    this.#week = new WeekClock(this.#options.clock, present.timeZone);
    this.#layers = new Map();
    this.#subscriptions = new Map(this.#options.subscriptions(present).map((entry) => [entry.subject, entry]));
  }

  #readLayers(tail: string, present: Config): Layer[] {
    const own = this.#subscriptions.get(tail);
    const nobody = `${present.node} does not subscribe to ${tail}`;
    const subscribed = new Layer(OWN_FILE, own === undefined ? [] : [own], this.#week, own?.foreign === true, nobody);
    const sources: Source[] = [{ name: `${OWN_FILE}, policy`, rules: present.policy }, ...this.#distributed];
    const further = sources.flatMap(({ name, rules, fault }) => {
      if (fault !== undefined) {
        const unread = `it cannot be read by this version of steward: ${fault}`;
        return isBetweenDaemons(tail) ? [] : [new Layer(name, [], this.#week, undefined, unread)];
      }
      const spoken = rulesFor(rules, tail);
      return spoken.length === 0 ? [] : [new Layer(name, spoken, this.#week, undefined)];
    });
    return [subscribed, ...further];
  }
}

/** One message that is judged, as far as a rule asks for it: its data is checked once, and its arguments are worked out once. */
class Question implements Asked {
  origin = "";
  operator: string | undefined;
  ownFile = false;
  ahead = false;
  open = 0;
  #subject = "";
  #data: Json | undefined;
  #method: MethodFacts | undefined;
  #vector: Vector | string | undefined;
  #checked = false;

  about(
    { origin, operator, ownFile = false, ahead = false }: Sender,
    subject: string,
    data: Json | undefined,
    method: MethodFacts,
    open: number,
  ): this {
    this.origin = origin;
    this.operator = operator;
    this.ownFile = ownFile;
    this.ahead = ahead;
    this.open = open;
    this.#subject = subject;
    this.#data = data;
    this.#method = method;
    this.#vector = undefined;
    this.#checked = false;
    return this;
  }

  /** @throws the errors of the method's check */
  vector(): Vector | string {
    this.#vector ??= this.#worked();
    return this.#vector;
  }

  /** @throws the errors of the method's check */
  insistOnData(): void {
    if (this.#checked || this.#data === undefined) return;
    this.#checked = true;
    this.#method?.[kindOf(this.#subject)]?.check(this.#data);
  }

  /** The arguments as they are recorded: those of other commands than programs only where daemons speak to each other. */
  recorded(): Json | undefined {
    if (this.#method?.command?.vector === undefined && !isBetweenDaemons(this.#subject)) return undefined;
    const vector = this.#vector ?? this.#worked();
    if (typeof vector !== "string") return redacted(vector, scriptDigest);
    return isBetweenDaemons(this.#subject) ? JSON.stringify(this.#data).slice(0, 200) : undefined;
  }

  #worked(): Vector | string {
    if (this.#data === undefined) return "that depends on the arguments of the command";
    this.insistOnData();
    const vector = this.#method?.command?.vector?.(this.#data);
    if (vector === undefined)
      return `allow and deny cannot be used with ${this.#method?.name}, which shows no arguments`;
    return "argv" in vector ? vector : { argv: vector };
  }
}

function entryOf(
  { origin, operator, says }: Sender,
  subject: string,
  id: string | undefined,
  allowed: boolean,
  why: string,
  said: Json | undefined,
): AuditEntry {
  const by = operator === undefined ? origin : `${operator}@${origin}`;
  const word = operator !== undefined ? { signed: true } : says === undefined ? {} : { says };
  const entry = { what: "decision", by, ...word, allowed, why, subject: withoutReceiver(subject) };
  if (id === undefined) return entry;
  return said === undefined ? { ...entry, ids: [id] } : { ...entry, ids: [id], arguments: said };
}

function denied(origin: string, operator: string | undefined, subject: string, { at, fault }: Refusal): StewardError {
  const who = operator === undefined || origin === PLAIN_PUBLISHER ? origin : `${operator}@${origin}`;
  return new StewardError("permission-denied", {
    origin: who,
    subject,
    fault: at === fault ? fault : `${fault} (${at})`,
  });
}
