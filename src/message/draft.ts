import type { AskedBy, CarriedStatement, Json } from "./message.ts";

/** A message as an operator writes it, before it has an id. */
export interface Draft {
  /** `<node>.<command|event>.<method>.<domain>` */
  readonly subject: string;
  readonly data: Json;
  /** Milliseconds from now; `null` waits for ever; absent: the configured default. */
  readonly deliverBy?: number | null;
  /** Milliseconds; absent: the configured default. */
  readonly timeout?: number;
  /** Destinations of this node's configuration to which its outcome goes. */
  readonly reply?: readonly string[];
  /** Refuse a receiver that this daemon has never heard of and that its configuration does not name. */
  readonly knownNodesOnly?: boolean;
  /** The id that its sender has chosen, because a statement of an operator names it; absent: a new one. */
  readonly id?: string;
  /** The operator who asks for it. */
  readonly operator?: AskedBy;
}

/** A draft that may mean several nodes. */
export interface TargetedDraft extends Draft {
  /** A target: `subject` then has no node, and each node of the target gets a message. */
  readonly to?: string;
  /** The most nodes that the target may mean; absent: `limits.targets`. */
  readonly most?: number;
  /** The operator's own statement on the message with this id. */
  readonly statement?: CarriedStatement;
}

export interface SubmitTerms {
  /** The message is kept after its end. */
  readonly keep?: boolean;
  /** Makes it happen once, however often it is called. */
  readonly key?: string;
  /** A source of this node made it: it is not held to what is set for operators, nor to what the present broker takes. */
  readonly own?: boolean;
  /** A plain NATS publisher wrote it. */
  readonly foreign?: boolean;
  /** The daemon itself owes it: it passes also when there is no room for new work. */
  readonly owed?: boolean;
}

/** The place where drafts become messages, for those who stand below it: `runtime/submit/submit.ts`. */
export interface DraftTaker {
  /** @throws StewardError why a draft is refused; then none of them is queued. */
  submit(
    drafts: readonly Draft[],
    terms?: SubmitTerms,
  ): readonly { readonly message: { readonly id: string; readonly subject: string } }[];
}
