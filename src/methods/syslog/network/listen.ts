import type { Socket } from "node:net";
import type { Clock } from "../../../message/clock.ts";
import type { Logger } from "../../../platform/logger.ts";
import type { Losses } from "../losses.ts";
import type { Address } from "./address.ts";
import type { Sender } from "./sender.ts";

export interface ListenOptions {
  readonly address: Address;
  /** Takes the messages of one peer, without their framing. */
  readonly sender: (peer: string) => Sender;
  /** Most bytes of a message that is not divided. */
  readonly lineBytes: () => number;
  /** True when the queue has no room. */
  readonly full: () => boolean;
  readonly fail: (error: Error) => void;
  readonly losses: Losses;
  /** True when a connection has one of the process's last descriptors; by default, the system is asked. */
  readonly isAmongLast?: (socket: Socket) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Listener {
  /** The address with its actual port. */
  readonly address: Address;
  /** Goes on reading, once there is room again. */
  resume(): void;
  /** Stops listening. Resolves once every received message was given to its `Sender`. */
  close(): Promise<void>;
}
