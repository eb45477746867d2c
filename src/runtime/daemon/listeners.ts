import type { Transition } from "../../actors/root.ts";
import type { SupervisorContext } from "../../actors/supervisor/roster.ts";
import type {
  Child,
  ChildSpec,
  ChildView,
  Exit,
  SupervisorReport,
  SupervisorView,
} from "../../actors/supervisor/spec.ts";
import { Supervisor } from "../../actors/supervisor/supervisor.ts";
import { isOfSurroundings } from "../../message/surroundings.ts";

/**
 * Children that hold a place outside of the daemon: a port, a socket, a program of their own. The rest of the daemon does
 * not stop for them: a start that their surroundings refuse is tried again until it works. A defect ends all as failed.
 *
 *   new ──start()──► running ──► ended
 *
 * A refusal at the very first start that only the operator can mend makes `start` fail.
 */
export interface ListenersOptions {
  readonly id: string;
  readonly children: readonly ChildSpec[];
  readonly intensity: number;
  readonly period: number;
  /** True for a failure of the first start that ends the daemon's start as well. */
  readonly refuses: (error: unknown) => boolean;
}

export class Listeners implements Child {
  readonly ended: Promise<Exit>;
  readonly #supervisor: Supervisor;
  #end: (exit: Exit) => void = () => undefined;
  #starting = true;
  #refusal: unknown;
  #defect: Exit | undefined;

  constructor({ id, children, intensity, period, refuses }: ListenersOptions, context: SupervisorContext) {
    const { listener } = context;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#supervisor = new Supervisor(
      { id, strategy: "oneForOne", intensity, period, onGiveUp: "quarantine", children },
      {
        ...context,
        listener: {
          transition: (transition: Transition) => listener.transition(transition),
          report: (report: SupervisorReport) => {
            const { kind, error } = report;
            if (this.#starting && kind === "startError" && (refuses(error) || !isOfSurroundings(error))) {
              this.#refusal ??= error;
              return;
            }
            listener.report(report);
            if (kind !== "quarantined") return;
            this.#defect ??= { reason: "failed", error };
            void this.#supervisor.stop();
          },
        },
      },
    );
    this.#supervisor.ended.then((exit) => this.#end(this.#defect ?? exit));
  }

  /** Resolves when each child has been tried. Rejects with a refusal, once all are down again. */
  async start(): Promise<void> {
    await this.#supervisor.start();
    this.#starting = false;
    if (this.#refusal === undefined) return;
    await this.#supervisor.stop();
    throw this.#refusal;
  }

  async stop(): Promise<void> {
    await this.#supervisor.stop();
  }

  kill(): void {
    this.#supervisor.kill();
  }

  tree(parent: string): SupervisorView[] {
    return this.#supervisor.tree(parent);
  }

  views(): ChildView[] {
    return this.#supervisor.children();
  }
}
