import type { SnapshotFrom } from "xstate";
import type { linkMachine } from "../actors/link.ts";
import type { Health } from "./operations.ts";

/** The broker link as it is shown. @param refused what the broker has refused for want of permission */
export function linkHealth(
  { value, context }: SnapshotFrom<typeof linkMachine>,
  refused: readonly string[],
): Health["broker"] {
  return {
    state: value === "closed" ? "disconnected" : value,
    since: context.since,
    ...(context.server === null ? {} : { server: context.server }),
    ...(context.fault === null ? {} : { fault: context.fault }),
    ...(refused.length === 0 ? {} : { refused }),
  };
}
