import type { Clock, Timer } from "../../message/clock.ts";
import { faultText } from "../../message/errors.ts";
import type { Child, ChildSpec, Exit, SupervisorView } from "./spec.ts";

/** How long a killed child may take to be gone before it is let go, ms. */
export const LET_GO_AFTER = 5_000;

/** The signal of a start that takes none. */
const NEVER = new AbortController().signal;

/** How a run was over. `forced`: it was killed, so that its exit says nothing. */
export type Down =
  | { readonly kind: "startFailed"; readonly error: unknown }
  | { readonly kind: "ended"; readonly exit: Exit; readonly forced: boolean }
  /** The child would not end, and may still be alive. */
  | { readonly kind: "letGo" };

/** The exception that ended the run; `undefined` when it did not fail. */
export function errorOf(how: Down): unknown {
  if (how.kind === "startFailed") return how.error ?? new Error("it did not say why");
  if (how.kind === "ended" && how.exit.reason === "failed") return how.exit.error ?? new Error("it did not say why");
  return undefined;
}

export function causeOf(how: Down): string {
  switch (how.kind) {
    case "startFailed":
      return `its start failed: ${faultText(errorOf(how))}`;
    case "ended":
      return how.exit.reason === "failed" ? `it failed: ${faultText(errorOf(how))}` : `it ended (${how.exit.reason})`;
    case "letGo":
      return "it was let go";
  }
}

export interface RunEvents {
  started(): void;
  /** Called exactly once. */
  down(how: Down): void;
  /** The child did not end as it should. */
  trouble(cause: string, error: unknown): void;
}

/**
 * One run of one child, from its start to its end:
 *
 *   starting ──► up ──► stopping ──► over        and from each of them straight to over
 *
 * `over` is said once, whatever the child does: end twice, end while it is being stopped, never end. Stopping asks, then
 * kills, then lets go. Stopping during the start waits for the start, as long as the child may take to stop. A child that
 * comes up after its run was over is ended all the same: no orphans.
 */
export class ChildRun {
  readonly #spec: ChildSpec;
  readonly #clock: Clock;
  readonly #events: RunEvents;
  /** Made for a start that can hear of it: most publishers of a large fleet cannot. */
  readonly #abort: AbortController | undefined;
  #phase: "starting" | "up" | "stopping" | "over" = "starting";
  #child: Child | undefined;
  #killed = false;
  #timer: Timer;

  constructor(spec: ChildSpec, clock: Clock, events: RunEvents) {
    this.#spec = spec;
    this.#clock = clock;
    this.#events = events;
    this.#abort = spec.start.length > 0 ? new AbortController() : undefined;
  }

  async start(): Promise<void> {
    const { startTimeout } = this.#spec;
    if (startTimeout !== undefined) {
      this.#arm(startTimeout, () => {
        this.#over({ kind: "startFailed", error: new Error(`it did not start within ${startTimeout} ms`) });
        this.#abort?.abort();
      });
    }
    try {
      const child = await this.#spec.start(this.#abort?.signal ?? NEVER);
      child.ended.then(
        (exit) => this.#ended(exit),
        (error: unknown) => this.#ended({ reason: "failed", error }),
      );
      this.#child = child;
    } catch (error) {
      this.#over({ kind: "startFailed", error });
      return;
    }
    if (this.#phase === "starting") {
      this.#disarm();
      this.#phase = "up";
      this.#events.started();
    } else {
      this.#end();
    }
  }

  /** The supervisors below the child, where it is one itself. */
  tree(parent: string): SupervisorView[] {
    return this.#child?.tree?.(parent) ?? [];
  }

  stop(): void {
    const { shutdown } = this.#spec;
    if (this.#phase === "up") {
      this.#phase = "stopping";
      this.#end();
    } else if (this.#phase === "starting") {
      this.#phase = "stopping";
      this.#disarm();
      if (shutdown !== "infinity") {
        const patience = shutdown === "brutal" ? LET_GO_AFTER : shutdown;
        this.#arm(patience, () => this.#letGo(`its start neither succeeded nor failed within ${patience} ms`));
      }
      this.#abort?.abort();
    }
  }

  /** Ends it now and waits for nothing. */
  kill(): void {
    if (this.#phase === "over") return;
    const starting = this.#phase === "starting" || this.#child === undefined;
    this.#phase = "stopping";
    if (starting) this.#abort?.abort();
    else this.#kill();
    this.#over({ kind: "letGo" });
  }

  #end(): void {
    const { shutdown } = this.#spec;
    this.#disarm();
    if (shutdown === "brutal") {
      this.#kill();
      return;
    }
    if (shutdown !== "infinity") {
      this.#arm(shutdown, () => {
        this.#events.trouble(`it did not stop within ${shutdown} ms`, undefined);
        this.#kill();
      });
    }
    this.#ask();
  }

  /** Calls `stop()`, which may throw, reject or never settle. */
  #ask(): void {
    const failed = (error: unknown) => {
      if (this.#child === undefined) return;
      this.#events.trouble("its stop failed", error);
      this.#kill();
    };
    try {
      this.#child?.stop().then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  #kill(): void {
    const child = this.#child;
    if (child === undefined || this.#killed) return;
    this.#killed = true;
    this.#arm(LET_GO_AFTER, () => this.#letGo(`it did not end within ${LET_GO_AFTER} ms after it was killed`));
    if (child.kill === undefined) {
      if (this.#spec.shutdown === "brutal") this.#ask();
      else this.#letGo("it cannot be killed");
      return;
    }
    try {
      child.kill();
    } catch (error) {
      this.#events.trouble("its kill failed", error);
    }
  }

  #letGo(cause: string): void {
    this.#events.trouble(`${cause}: let go, it may still be alive`, undefined);
    this.#child = undefined;
    this.#over({ kind: "letGo" });
  }

  #ended(exit: Exit): void {
    this.#child = undefined;
    this.#over({ kind: "ended", exit, forced: this.#killed });
  }

  #over(how: Down): void {
    this.#disarm();
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#events.down(how);
  }

  #arm(ms: number, fn: () => void): void {
    this.#disarm();
    this.#timer = this.#clock.setTimeout(fn, ms);
  }

  #disarm(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}
