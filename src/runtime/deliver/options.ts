import type { Inspector } from "../../actors/root.ts";
import type { FailingChild } from "../../actors/supervisor/spec.ts";
import type { Transport } from "../../broker/transport.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock, Random } from "../../message/clock.ts";
import type { NewId } from "../../message/id.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Maintenance } from "../fleet/maintenance.ts";
import type { Repair } from "../resync/compare-ask.ts";
import type { Renewal } from "../resync/restored.ts";
import type { Pace } from "./flow/pace.ts";
import type { Window } from "./flow/window.ts";
import type { LinkTo } from "./link-to.ts";

/** The parts that all publishers of this node share. */
export interface DeliverParts {
  readonly node: string;
  /** The life of this daemon. */
  readonly life: string;
  readonly journal: Journal;
  readonly transport: Transport;
  readonly envelope: Pick<Envelope, "seal" | "knows" | "session">;
  readonly fleet: Pick<Fleet, "absent" | "isHeardSince" | "link" | "standing" | "work">;
  readonly maintenance: Pick<Maintenance, "halts">;
  readonly clock: Clock;
  readonly random: Random;
  readonly inspector: Inspector;
  readonly newId: NewId;
  readonly counters: Pick<Counters, "sent" | "resent" | "ackSeconds">;
  readonly announce: Pick<Announcer, "received" | "decided" | "withdrawn">;
  readonly failures: Pick<Failures, "report">;
  readonly repair: Pick<Repair, "ended">;
  readonly renewal: Pick<Renewal, "renew">;
  /** The core fails when the journal cannot be written. */
  readonly core: FailingChild;
}

/** The parts that the publisher of one subject has for itself, or shares with those to the same node. */
export interface DeliverWay {
  readonly subject: string;
  readonly urgent: boolean;
  readonly link: Pick<LinkTo, "profile">;
  readonly window: Window;
  readonly pace: Pace;
}
