import type { SupervisorContext } from "../../../src/actors/supervisor/roster.ts";
import type { ChildSpec, SupervisorSpec } from "../../../src/actors/supervisor/spec.ts";
import { Supervisor } from "../../../src/actors/supervisor/supervisor.ts";

export interface SupervisorChildOptions {
  readonly restart: ChildSpec["restart"];
  readonly backoff?: ChildSpec["backoff"];
  /** Default `infinity`: its children have limits of their own, and a supervisor that is killed gives them no time. */
  readonly shutdown?: ChildSpec["shutdown"];
  /** Called with the new supervisor before each start of it. */
  readonly onStart?: (supervisor: Supervisor) => void;
}

/**
 * A supervisor as another's child. Each start makes a new one from `spec`, without what was added at run time. When it
 * gives up it has failed, and its own supervisor decides: so failures escalate over levels.
 */
export function supervisorChild(
  spec: SupervisorSpec,
  context: SupervisorContext,
  options: SupervisorChildOptions,
): ChildSpec {
  return {
    id: spec.id,
    restart: options.restart,
    shutdown: options.shutdown ?? "infinity",
    ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    start: async (signal) => {
      const supervisor = new Supervisor(spec, context);
      options.onStart?.(supervisor);
      signal.addEventListener("abort", () => void supervisor.stop(), { once: true });
      await supervisor.start();
      return supervisor;
    },
  };
}
