import { readFileSync } from "node:fs";
import { type ClientRequest, request } from "node:http";
import { dirname, join } from "node:path";
import type { Clock, Timer } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";

/** How long an answer may take before the daemon is asked whether it is alive, and how long it may take for that, ms. */
const PATIENCE = 5_000;
const PROBE = 2_000;
/** Where a daemon that has its socket in its data directory names its process. */
const LOCK = "daemon.lock";

/**
 * Watches over one request: a daemon that is stopped or hangs takes connections and answers none of them. After five seconds
 * it is asked for its health over another connection; a daemon that answers that may take its time, and is asked again.
 * `lost` is called with a StewardError when it does not answer.
 */
export class SilenceWatch {
  readonly #socket: string;
  readonly #clock: Clock;
  readonly #lost: (error: StewardError) => void;
  #timer: Timer | undefined;
  #probe: ClientRequest | undefined;
  #ended = false;

  constructor(socket: string, clock: Clock, lost: (error: StewardError) => void) {
    this.#socket = socket;
    this.#clock = clock;
    this.#lost = lost;
    this.#timer = clock.setTimeout(() => this.#look(), PATIENCE);
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
    this.#timer = this.#clock.setTimeout(() => this.#judged(false), PROBE);
    probe.on("response", () => this.#judged(true));
    // A refused connection is an answer: the request hears of it by itself.
    probe.on("error", () => this.#judged(true));
    probe.end();
  }

  #judged(alive: boolean): void {
    if (this.#ended || this.#probe === undefined) return;
    const probe = this.#probe;
    this.#probe = undefined;
    this.#clock.clearTimeout(this.#timer);
    probe.destroy();
    if (alive) this.#timer = this.#clock.setTimeout(() => this.#look(), PATIENCE);
    else this.#lost(silent(this.#socket));
  }
}

function silent(socket: string): StewardError {
  const pid = pidBeside(socket);
  const who = pid === undefined ? "" : ` (pid ${pid})`;
  return new StewardError("daemon-silent", { who, socket, seconds: (PATIENCE + PROBE) / 1000 });
}

function pidBeside(socket: string): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(join(dirname(socket), LOCK), "utf8")) as { pid?: unknown };
    return Number.isSafeInteger(pid) ? (pid as number) : undefined;
  } catch {
    return undefined;
  }
}
