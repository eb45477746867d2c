import { readFileSync } from "node:fs";
import { type ClientRequest, request } from "node:http";
import { dirname, join } from "node:path";
import type { Clock, Timer } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";

/**
 * How long a daemon may be silent, ms: for `PATIENCE_SHARE` of that time its answer is waited for, for the rest its answer
 * to a health check. A client with less time waits less, but at least `LEAST_SILENCE`, else a busy daemon would look dead.
 */
const SILENCE = 7_000;
const LEAST_SILENCE = 500;
const PATIENCE_SHARE = 5 / 7;
/** The file in which a daemon names its process; found only when the socket lies in the data directory, as by default. */
const LOCK = "daemon.lock";

/**
 * Watches over one request: a daemon that is stopped or hangs takes connections and answers none of them. After a while
 * the daemon is asked for its health over another connection, again and again while it answers; `lost` is called with a
 * StewardError when it does not.
 */
export class SilenceWatch {
  readonly #socket: string;
  readonly #clock: Clock;
  readonly #lost: (error: StewardError) => void;
  readonly #patience: number;
  readonly #probeTime: number;
  readonly #silence: number;
  #timer: Timer | undefined;
  #probe: ClientRequest | undefined;
  #ended = false;

  /** `until`: when the asker must have its answer, by monotonic time. */
  constructor(socket: string, clock: Clock, lost: (error: StewardError) => void, until = Number.POSITIVE_INFINITY) {
    this.#socket = socket;
    this.#clock = clock;
    this.#lost = lost;
    this.#silence = Math.min(SILENCE, Math.max(LEAST_SILENCE, until - clock.monotonic()));
    this.#patience = Math.round(this.#silence * PATIENCE_SHARE);
    this.#probeTime = this.#silence - this.#patience;
    this.#timer = clock.setTimeout(() => this.#look(), this.#patience);
  }

  end(): void {
    this.#ended = true;
    this.#clock.clearTimeout(this.#timer);
    this.#probe?.destroy();
  }

  #look(): void {
    const options = { socketPath: this.#socket, path: "/healthz", headers: { host: "steward" }, agent: false };
    const probe = request(options);
    this.#probe = probe;
    this.#timer = this.#clock.setTimeout(() => this.#judged(false), this.#probeTime);
    probe.on("response", () => this.#judged(true));
    // A refused connection is no silence: the watched request fails by itself.
    probe.on("error", () => this.#judged(true));
    probe.end();
  }

  #judged(alive: boolean): void {
    if (this.#ended || this.#probe === undefined) return;
    const probe = this.#probe;
    this.#probe = undefined;
    this.#clock.clearTimeout(this.#timer);
    probe.destroy();
    if (alive) this.#timer = this.#clock.setTimeout(() => this.#look(), this.#patience);
    else this.#lost(silent(this.#socket, this.#silence));
  }
}

function silent(socket: string, silence: number): StewardError {
  const pid = pidBeside(socket);
  const who = pid === undefined ? "" : ` (pid ${pid})`;
  return new StewardError("daemon-silent", { who, socket, seconds: Math.round(silence / 100) / 10 });
}

function pidBeside(socket: string): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(join(dirname(socket), LOCK), "utf8")) as { pid?: unknown };
    return Number.isSafeInteger(pid) ? (pid as number) : undefined;
  } catch {
    return undefined;
  }
}
