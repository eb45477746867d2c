import type { Config } from "../../config/config.ts";

/** How long a command may run, ms; `setBy`: the setting of this node that decided so; absent: the sender decided. */
export interface TimeLimit {
  readonly ms: number;
  readonly setBy?: string;
}

/** `asked`: the timeout of the message; `null` where it has none, as from plain publishers. */
export function timeLimit(asked: number | null, { node, defaults, limits }: Config): TimeLimit {
  const wanted = asked ?? defaults.timeout;
  if (wanted > limits.timeout) return { ms: limits.timeout, setBy: `limits.timeout of ${node}` };
  return asked === null ? { ms: wanted, setBy: `defaults.timeout of ${node}` } : { ms: wanted };
}
