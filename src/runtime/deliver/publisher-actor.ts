import type { Actor } from "xstate";
import { publisherMachine } from "../../actors/publisher.ts";
import { startRoot } from "../../actors/root.ts";
import type { DeliverOptions } from "./options.ts";

/** The actor of one publisher; `open` is its effect: true lets frames go, false holds them. */
export function startPublisherActor(
  options: Pick<DeliverOptions, "subject" | "clock" | "inspector" | "profile" | "random">,
  open: (open: boolean) => void,
): Actor<typeof publisherMachine> {
  const { subject, clock, inspector, profile, random } = options;
  const actions = { pump: () => open(true), hold: () => open(false) };
  return startRoot(publisherMachine.provide({ actions }), {
    actor: subject,
    role: "publisher",
    clock,
    inspector,
    input: { backoff: { min: 500, max: Math.max(30_000, profile.ackTimeout), factor: 2 }, random },
  });
}
