import type { Journal } from "../../journal/journal.ts";
import type { GivenLabel } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import { type LabelSet, labelFault, MOST_LABELS } from "../../message/target/labels.ts";

export interface NodeLabelsOptions {
  readonly clock: Clock;
  readonly journal: Pick<Journal, "notes">;
  /** The labels that a node has in its own file. */
  readonly own: (node: string) => LabelSet;
}

/** One label of a node; what was given at central counts before the node's own word. */
export interface NodeLabel {
  readonly key: string;
  readonly value: string;
  readonly given?: GivenLabel;
  /** The node's own word, where another value or the same was given. */
  readonly own?: string;
}

/** The labels of an invitation, who made it, and when its node was enrolled. */
interface Enrolment {
  readonly labels: LabelSet;
  readonly by: string;
  readonly since: number;
}

/** Labels to give by their names; `null` takes back. */
type LabelChanges = Readonly<Record<string, string | null>>;

/** A label may have any name, those of an object's own members too. */
function at<T>(labels: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

const NONE: Readonly<Record<string, GivenLabel>> = Object.freeze({});

/** The labels of all nodes: those of their own files, and those that were given here. */
export class NodeLabels {
  readonly #options: NodeLabelsOptions;
  readonly #given = new Map<string, Readonly<Record<string, GivenLabel>>>();

  readonly #enrolledAt = new Map<string, number>();

  constructor(options: NodeLabelsOptions) {
    this.#options = options;
    for (const [node, { given, enrolledAt }] of options.journal.notes.labels()) {
      this.#given.set(node, given);
      if (enrolledAt !== undefined) this.#enrolledAt.set(node, enrolledAt);
    }
  }

  /** The value of a label; `undefined`: the node has none of this name. */
  value(node: string, key: string): string | undefined {
    return at(this.#given.get(node) ?? NONE, key)?.value ?? at(this.#options.own(node), key);
  }

  /** All labels of a node as targets see them. */
  of(node: string): LabelSet {
    const own = this.#options.own(node);
    const given = this.#given.get(node);
    if (given === undefined) return own;
    return { ...own, ...Object.fromEntries(Object.entries(given).map(([key, { value }]) => [key, value])) };
  }

  /** All labels of a node, with whose word each is. */
  list(node: string): NodeLabel[] {
    const own = this.#options.own(node);
    const given = this.#given.get(node) ?? NONE;
    return [...new Set([...Object.keys(own), ...Object.keys(given)])].sort().map((key) => {
      const [word, mine] = [at(given, key), at(own, key)];
      return {
        key,
        value: word?.value ?? mine ?? "",
        ...(word === undefined ? {} : { given: word }),
        ...(mine === undefined || word === undefined ? {} : { own: mine }),
      };
    });
  }

  /**
   * Gives labels to a node, which need not be known yet; `null` takes a given one back. Labels are durable with the journal.
   *
   * @param by who gives them, in words @throws StewardError `label-invalid`; then none is given
   */
  labelNode(node: string, labels: LabelChanges, by: string): void {
    const next = this.#after(node, labels, by);
    this.#given.set(node, next);
    const enrolledAt = this.#enrolledAt.get(node);
    const enrolment = enrolledAt === undefined ? {} : { enrolledAt };
    this.#options.journal.notes.setLabels(node, { v: 1, given: next, ...enrolment });
  }

  /** @throws StewardError `label-invalid` where `labelNode` would */
  checkFor(node: string, labels: LabelChanges): void {
    this.#after(node, labels, "");
  }

  /** Gives the labels with which a node was enrolled, once for each enrolment: one that was taken back since stays away. */
  enrolled(node: string, { labels, by, since }: Enrolment): void {
    if (Object.keys(labels).length === 0 || since <= (this.#enrolledAt.get(node) ?? 0)) return;
    this.#enrolledAt.set(node, since);
    this.labelNode(node, labels, by);
  }

  /** Takes back all that was given to a node that left the fleet. */
  forget(node: string): void {
    this.#enrolledAt.delete(node);
    if (this.#given.delete(node)) this.#options.journal.notes.dropLabels(node);
  }

  #after(node: string, labels: LabelChanges, by: string): Readonly<Record<string, GivenLabel>> {
    const { clock } = this.#options;
    const given = new Map(Object.entries(this.#given.get(node) ?? NONE));
    for (const [key, value] of Object.entries(labels)) {
      if (value === null) {
        this.#insistGiven(node, key, given.has(key));
        given.delete(key);
        continue;
      }
      const fault = labelFault(key, value);
      if (fault !== undefined) throw new StewardError("label-invalid", { fault });
      if (given.get(key)?.value !== value) given.set(key, { value, by, at: clock.now() });
    }
    if (given.size > MOST_LABELS)
      throw new StewardError("label-invalid", { fault: `${node} would have more than ${MOST_LABELS} labels` });
    return Object.fromEntries(given);
  }

  #insistGiven(node: string, key: string, isGiven: boolean): void {
    if (isGiven) return;
    const own = at(this.#options.own(node), key);
    const fault =
      own === undefined
        ? `${node} has no label ${key}`
        : `${key}=${own} stands under \`labels:\` in the steward.yaml of ${node}, and is changed there; another value given here counts before it`;
    throw new StewardError("label-invalid", { fault });
  }
}
