import type { Inspector } from "../../actors/root.ts";
import type { Transport } from "../../broker/transport.ts";
import type { LinkProfile } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { OutRecord } from "../../journal/records.ts";
import type { Clock, Random } from "../../message/clock.ts";
import type { StewardError } from "../../message/errors.ts";
import type { NewId } from "../../message/id.ts";
import type { Ack } from "../../message/wire/frame.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Window } from "./window.ts";

/** The parts that the publisher of one subject works with, and those that it tells. */
export interface DeliverOptions {
  readonly subject: string;
  readonly urgent: boolean;
  readonly journal: Journal;
  readonly transport: Transport;
  readonly profile: LinkProfile;
  readonly window: Window;
  readonly clock: Clock;
  readonly random: Random;
  readonly inspector: Inspector;
  readonly node: string;
  /** The life of this daemon. */
  readonly life: string;
  readonly newId: NewId;
  readonly fleet: Pick<Fleet, "absent" | "isHeardSince" | "standing">;
  readonly onSent: (event: Sent) => void;
  /** A frame was acknowledged, so many seconds after it was sent. */
  readonly onAnswered: (seconds: number) => void;
  /** Final states that came with an ACK; they are durable. */
  readonly onDecided: (records: readonly OutRecord[], ack: Ack) => void;
  readonly onReceived: (records: readonly OutRecord[], ack: Ack) => void;
  readonly onWithdrawn: (records: readonly OutRecord[]) => void;
  /** The next message is larger than the present broker takes: the lane waits for another one. */
  readonly onHeld: (cause: string) => void;
  /** The receiver has more of this lane than was ever sent: this journal was restored from an earlier state. */
  readonly onBehind: () => void;
  readonly onFailure: (error: StewardError) => void;
}

export interface Sent {
  readonly subject: string;
  readonly messages: number;
  readonly bytes: number;
  readonly again: boolean;
}
