import { z } from "zod";
import { StewardError } from "../../../message/errors.ts";
import type { Json } from "../../../message/message.ts";
import type { ProcessList, ProcessView } from "../table/processes.ts";

/**
 * The answers of other nodes about their processes, read as far as this version knows them: a newer node may tell more, and know
 * roles and states that are unknown here; an older one tells no transitions.
 */

/** Processes and transitions of one answer; a frame bounds its bytes. */
const MOST_PROCESSES = 100_000;
const MOST_TRANSITIONS = 200;

const time = z.number().int().min(-8.64e15).max(8.64e15);
const count = z.number().int().min(0);
const word = z.string().max(64);
const optional = z.exactOptional;

const transition = z.object({
  at: time,
  machine: word,
  event: z.string(),
  from: z.string(),
  to: z.string(),
  cause: optional(z.string()),
});

const process = z.object({
  subject: z.string(),
  role: word.transform((role) => role as ProcessView["role"]),
  state: word.transform((state) => state as ProcessView["state"]),
  since: time,
  restarts: count,
  queued: count,
  active: count,
  waitsSince: optional(time),
  lastError: optional(z.string()),
  lastErrorAt: optional(time),
  held: optional(z.string()),
  stuck: optional(z.object({ since: time, reason: z.string() })),
  transitions: optional(z.array(transition).transform((all) => all.slice(-MOST_TRANSITIONS))),
});

const list = z.object({ node: z.string(), asOf: time, processes: z.array(process).max(MOST_PROCESSES) });

/** @throws StewardError `node-refused`: the answer is no list of processes */
export function processesTold(node: string, answer: Json): ProcessList {
  return { ...read(list, node, answer), node };
}

/** @throws StewardError `node-refused`: the answer is no process */
export function processTold(node: string, answer: Json): ProcessView {
  return read(process, node, answer);
}

function read<S extends z.ZodType>(schema: S, node: string, answer: Json): z.infer<S> {
  const { success, data, error } = schema.safeParse(answer);
  if (success) return data;
  const [issue] = error.issues;
  const where = issue === undefined ? "" : `${issue.path.join(".")}: ${issue.message}`;
  throw new StewardError("node-refused", {
    node,
    state: "answered",
    fault: `its answer cannot be read by this version: ${where}`,
  });
}
