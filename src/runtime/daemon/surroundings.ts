import type { Inspector } from "../../actors/root.ts";
import type { Transport } from "../../broker/transport.ts";
import type { BrokerConfig, Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock, Random } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import type { Method } from "../../methods/define.ts";
import type { Spawner } from "../../methods/spawner.ts";
import type { Happenings } from "../../observe/happenings.ts";
import type { Log } from "../../observe/log.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { HostFacts } from "../../platform/host/host-facts.ts";
import type { AuditFiles } from "../../security/audit/files.ts";
import type { CommandSignatures } from "../../security/operators/command-signatures.ts";
import type { OpenedTrust } from "../../security/trust/open-trust.ts";
import type { OwnKeys } from "../../security/trust/own-keys.ts";
import type { WaitingProcess } from "../operate/table/processes.ts";

/** The name and the credentials of a connection to the broker. */
export interface Login {
  readonly name: string;
  readonly auth: BrokerConfig["auth"];
}

/** The parts that outlive a restart of the core. */
export interface Surroundings {
  readonly config: () => Config;
  readonly version: string;
  readonly startedAt: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly counters: Counters;
  readonly happenings: Happenings;
  readonly inspector: Inspector;
  /** Methods beside those of steward and of the configuration. */
  readonly methods: readonly Method[];
  readonly envelope: Envelope;
  /** How the host is; absent: nobody asks, as in a simulation. */
  readonly hostFacts: HostFacts | undefined;
  /** Absent with `security: off`. */
  readonly membership: { readonly opened: OpenedTrust; readonly keys: OwnKeys } | undefined;
  /** Verifies what operators have signed. */
  readonly signatures: CommandSignatures;
  readonly openJournal: () => Journal;
  /** `as`: another login than that of this node. */
  readonly openTransport: (as?: Login) => Transport;
  /** Absent: the audit stays in the journal. */
  readonly openAudit: (() => AuditFiles) | undefined;
  readonly openSpawner: () => Spawner;
  /** Processes that cannot work for a fault of their surroundings, the longest first. */
  readonly waiting: () => readonly WaitingProcess[];
  /** A part of the daemon cannot work for this fault; `undefined`: it can again. */
  readonly blocked: (part: string, fault: string | undefined) => void;
  /** Answers `steward ps` and its verbs for a node that asks over the wire. */
  readonly processes: (verb: "ps" | ProcessVerb, subject: string) => Promise<Json>;
}
