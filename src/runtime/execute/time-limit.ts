import type { Config } from "../../config/config.ts";

/** How long a command may run, ms, and which setting of this node decided so; absent: its sender did. */
export interface TimeLimit {
  readonly ms: number;
  readonly setBy?: string;
}

/** `asked`: what the message says; `null` where its sender said nothing, as plain publishers do. */
export function timeLimit(asked: number | null, { node, defaults, limits }: Config): TimeLimit {
  const wanted = asked ?? defaults.timeout;
  if (wanted > limits.timeout) return { ms: limits.timeout, setBy: `limits.timeout of ${node}` };
  return asked === null ? { ms: wanted, setBy: `defaults.timeout of ${node}` } : { ms: wanted };
}
