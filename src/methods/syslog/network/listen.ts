import type { Socket } from "node:net";
import type { Clock } from "../../../message/clock.ts";
import type { Logger } from "../../../platform/logger.ts";
import type { Losses } from "../losses.ts";
import type { Address } from "./address.ts";
import type { Sender } from "./sender.ts";

/** What a listener is given and what it gives. */
export interface ListenOptions {
  readonly address: Address;
  /** Takes the messages of one peer, without their framing. */
  readonly sender: (peer: string) => Sender;
  /** Bytes of a message beyond which it is divided. */
  readonly lineBytes: () => number;
  /** Whether there is no room for more. */
  readonly full: () => boolean;
  readonly fail: (error: Error) => void;
  readonly losses: Losses;
  /** Whether a connection is among the last descriptors of this process; as the system says, if absent. */
  readonly isAmongLast?: (socket: Socket) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Listener {
  /** With the port that it has. */
  readonly address: Address;
  /** There is room again. */
  resume(): void;
  /** Stops taking; what was received has been given to its sender when it resolves. */
  close(): Promise<void>;
}
