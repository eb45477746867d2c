import {
  type Actor,
  type ActorOptions,
  type AnyActorLogic,
  createActor,
  type InputFrom,
  type SnapshotFrom,
} from "xstate";
import type { Clock } from "../message/clock.ts";

/** One change of state of one actor, as `steward inspect` and the log show it. */
export interface Transition {
  /** The thing that the actor stands for: a node's name, a subject, `link`. */
  readonly actor: string;
  readonly role: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  /** The reason in a few words: the `cause` of the event, if it has one. */
  readonly cause: string;
}

export interface Inspector {
  transition(transition: Transition): void;
  /** An actor threw, and is dead now: a defect. */
  failed(actor: string, role: string, error: unknown): void;
}

export interface RootOptions<L extends AnyActorLogic> {
  readonly actor: string;
  readonly role: string;
  readonly clock: Clock;
  readonly inspector: Inspector;
  readonly input?: InputFrom<L>;
  readonly snapshot?: SnapshotFrom<L>;
}

/**
 * Makes every root actor, each with an error observer (without one XState raises an uncaught exception), the daemon's
 * clock, and its transitions reported. Only changes of state are reported, not every event.
 */
export function startRoot<L extends AnyActorLogic>(logic: L, options: RootOptions<L>): Actor<L> {
  const { actor: name, role, clock, inspector, input, snapshot } = options;
  let before: Readonly<Record<string, string>> = {};
  const create = createActor as (logic: L, options: ActorOptions<L>) => Actor<L>;
  const root = create(logic, {
    id: name,
    ...(input === undefined ? {} : { input }),
    ...(snapshot === undefined ? {} : { snapshot }),
    clock: {
      setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms),
      clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
    },
    inspect: (inspected) => {
      if (inspected.type !== "@xstate.snapshot" || inspected.actorRef !== root) return;
      const after = statesOf(inspected.snapshot as { value?: unknown });
      const event = inspected.event as { type: string; cause?: unknown };
      const cause = typeof event.cause === "string" ? event.cause : "";
      for (const [region, to] of Object.entries(after)) {
        const from = before[region] ?? "";
        if (from !== to) inspector.transition({ actor: name, role, event: event.type, from, to, cause });
      }
      before = after;
    },
  } as ActorOptions<L>);
  root.subscribe({ error: (error) => inspector.failed(name, role, error) });
  root.start();
  return root;
}

/** The state, or one for each region of parallel ones, such as `link.online`. */
function statesOf({ value }: { value?: unknown }): Record<string, string> {
  if (typeof value === "string") return { "": value };
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([region, state]) => [region, `${region}.${String(state)}`]));
}
