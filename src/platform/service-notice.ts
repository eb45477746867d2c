import type { Clock, Timer } from "../message/clock.ts";

/**
 * Notices to the manager that started this program as a service: systemd, or another that speaks its protocol. Three
 * notices are sent: the daemon is ready, it stops, and, in between, its event loop still turns.
 *
 *   starting → ready → stopping → closed
 *
 * The sign of life is sent by a timer of the event loop, so that a daemon that hangs stops sending. A manager that has
 * not asked for it (`WatchdogSec=`) gets none.
 */
export interface Sender {
  /** Passes on one assignment, such as `READY=1`. Never throws and never waits. */
  send(assignment: string): void;
  /** Assignments that were sent before still arrive. */
  close(): void;
}

export interface ServiceNoticeOptions {
  readonly sender: Sender;
  readonly clock: Clock;
  /** Milliseconds without a sign of life after which the manager ends this process; `null`: it expects none. */
  readonly watchdog: number | null;
}

export class ServiceNotice {
  readonly #options: ServiceNoticeOptions;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: ServiceNoticeOptions) {
    this.#options = options;
  }

  /** `status` is shown by `systemctl status`. */
  ready(status: string): void {
    this.#send(`STATUS=${status}`);
    this.#send("READY=1");
    this.#live();
  }

  /** The signs of life go on: stopping takes a while, and a daemon can hang in it as well. */
  stopping(): void {
    this.#send("STOPPING=1");
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#options.sender.close();
  }

  #live(): void {
    const { clock, watchdog } = this.#options;
    if (watchdog === null || this.#closed) return;
    this.#send("WATCHDOG=1");
    this.#timer = clock.setTimeout(() => this.#live(), watchdog / 2);
  }

  #send(assignment: string): void {
    if (!this.#closed) this.#options.sender.send(assignment.replaceAll("\n", " "));
  }
}

type Environment = Record<string, string | undefined>;

/** The variables by which a manager says how to reach it. */
const VARIABLES = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const;

/**
 * Notices to the manager that `env` names, or `undefined`. The variables are taken out of `env`: a program that this
 * one starts, and that is a service in its own right, would otherwise speak in the daemon's name.
 */
export function serviceNotice(
  env: Environment,
  pid: number,
  clock: Clock,
  open: (socket: string) => Sender,
): ServiceNotice | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec = "", WATCHDOG_PID: watched } = env;
  for (const name of VARIABLES) delete env[name];
  if (socket === undefined || socket === "") return undefined;
  const asked = /^[1-9]\d{0,15}$/.test(usec) && (watched === undefined || watched === String(pid));
  return new ServiceNotice({ sender: open(socket), clock, watchdog: asked ? Number(usec) / 1000 : null });
}
