import type { Transition } from "../../../src/actors/root.ts";
import type { SupervisorContext } from "../../../src/actors/supervisor/roster.ts";
import type { Child, ChildSpec, Exit, SupervisorReport, SupervisorSpec } from "../../../src/actors/supervisor/spec.ts";
import { Supervisor } from "../../../src/actors/supervisor/supervisor.ts";
import { SimulatedClock, settle } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";

/** How a child behaves; by default it starts, and ends when it is asked to. */
export interface Behaviour {
  /** What its starts do, one after the other; beyond the list they succeed. */
  starts?: ("ok" | "fail" | "refused" | "hang")[];
  onStop?: "end" | "hang" | "reject" | "throw" | "fail";
  /** `none`: it has no `kill`. */
  onKill?: "end" | "hang" | "none" | "throw";
}

/** One run of a child, as the test sees it. */
export interface Live {
  readonly id: string;
  end(exit?: Exit): void;
  crash(text?: string): void;
}

/** A stage for a supervisor: children whose behaviour is written down, and a record of all that happened. */
export class Scene {
  readonly clock = new SimulatedClock();
  readonly log: string[] = [];
  readonly transitions: Transition[] = [];
  readonly reports: SupervisorReport[] = [];
  /** What is alive at this moment, by id: nothing may be there twice. */
  readonly live = new Map<string, Live[]>();
  readonly #held = new Map<string, () => void>();
  readonly context: SupervisorContext = {
    clock: this.clock,
    random: seededRandom(7),
    listener: {
      transition: (transition) => this.transitions.push(transition),
      report: (report) => this.reports.push(report),
    },
  };

  supervisor(spec: Partial<SupervisorSpec> & Pick<SupervisorSpec, "children">): Supervisor {
    return new Supervisor(
      { id: "sup", strategy: "oneForOne", intensity: 3, period: 5_000, onGiveUp: "escalate", ...spec },
      this.context,
    );
  }

  child(id: string, spec: Partial<ChildSpec> = {}, behaviour: Behaviour = {}): ChildSpec {
    let starts = 0;
    const start = async (signal: AbortSignal): Promise<Child> => {
      const how = behaviour.starts?.[starts++] ?? "ok";
      this.log.push(`start ${id}`);
      if (how === "fail") throw new Error(`${id} cannot start`);
      if (how === "refused") throw Object.assign(new Error(`${id} is refused its port`), { code: "EADDRINUSE" });
      if (how === "hang") {
        await new Promise<void>((resolve) => {
          this.#held.set(id, resolve);
          signal.addEventListener("abort", () => this.log.push(`abort ${id}`));
        });
      }
      return this.#bear(id, behaviour);
    };
    return { id, restart: "permanent", shutdown: 1_000, start, ...spec };
  }

  /** Lets a start that hangs go on. */
  release(id: string): void {
    this.#held.get(id)?.();
  }

  one(id: string): Live {
    const [only, ...others] = this.live.get(id) ?? [];
    if (only === undefined || others.length > 0) throw new Error(`${others.length + (only ? 1 : 0)} runs of ${id}`);
    return only;
  }

  /** Ids of what is alive, sorted. */
  alive(): string[] {
    return [...this.live].flatMap(([id, runs]) => runs.map(() => id)).sort();
  }

  /** Ends a child and lets all that follows without delay happen. */
  async crash(id: string, text = "boom"): Promise<void> {
    this.one(id).crash(text);
    await this.clock.advance(0);
  }

  async end(id: string, reason: "normal" | "shutdown"): Promise<void> {
    this.one(id).end({ reason });
    await this.clock.advance(0);
  }

  /** Takes what was logged since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }

  kinds(): string[] {
    return this.reports.map((report) => `${report.kind} ${report.child}`);
  }

  #bear(id: string, behaviour: Behaviour): Child {
    const { onStop = "end", onKill = "end" } = behaviour;
    let settleEnd: (exit: Exit) => void = () => undefined;
    const ended = new Promise<Exit>((resolve) => {
      settleEnd = resolve;
    });
    const runs = this.live.get(id) ?? [];
    this.live.set(id, runs);
    const end = (exit: Exit = { reason: "normal" }) => {
      const at = runs.indexOf(live);
      if (at >= 0) runs.splice(at, 1);
      settleEnd(exit);
    };
    const live: Live = { id, end, crash: (text = "boom") => end({ reason: "failed", error: new Error(text) }) };
    runs.push(live);
    const stop = (): Promise<void> => {
      this.log.push(`stop ${id}`);
      if (onStop === "throw") throw new Error(`${id} throws in stop`);
      if (onStop === "reject") return Promise.reject(new Error(`${id} rejects stop`));
      if (onStop === "end") end({ reason: "shutdown" });
      if (onStop === "fail") live.crash(`${id} failed while stopping`);
      return onStop === "hang" ? new Promise(() => undefined) : Promise.resolve();
    };
    const kill = () => {
      this.log.push(`kill ${id}`);
      if (onKill === "throw") throw new Error(`${id} throws in kill`);
      if (onKill === "end") live.crash("killed");
    };
    return { ended, stop, ...(onKill === "none" ? {} : { kill }) };
  }
}

export function states(supervisor: Supervisor): Record<string, string> {
  return Object.fromEntries(supervisor.children().map(({ id, state }) => [id, state]));
}

export { settle };
