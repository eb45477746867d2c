import { z } from "zod";
import type { Draft } from "../message/draft.ts";
import { StewardError } from "../message/errors.ts";
import type { ProcessVerb } from "../message/process-verb.ts";
import { NEVER, NEVER_TOO } from "../message/text/units.ts";
import { LONGEST_TIMEOUT, LONGEST_WAIT } from "../message/wire/bounds.ts";
import type { LogQuery, MessageFilter } from "../runtime/operate/operations.ts";
import { happeningTypes, json, state } from "./shapes.ts";

/** What the API is asked, one schema a request: the source of the checks and of the OpenAPI document. */
export const LIMITS = { bodyBytes: 16 * 1024 * 1024, nesting: 64, drafts: 10_000, streams: 256 } as const;

const name = z.string().min(1).max(255);
const id = z.string().min(1).max(64);
const flag = z.enum(["true", "false"]).transform((value) => value === "true");
const milliseconds = (least: number, most: number) => z.number().int().min(least).max(most);
const opt = z.exactOptional;

export const draft = z.strictObject({
  subject: z.string().max(300).describe("<node>.<command|event>.<method>.<domain>; node is the receiver"),
  data: json,
  deliverBy: opt(
    z
      .union([milliseconds(0, LONGEST_WAIT), z.null(), z.enum([NEVER, ...NEVER_TOO]).transform(() => null)])
      .describe("Milliseconds from now; null or never waits for ever; absent: the default"),
  ),
  timeout: opt(milliseconds(1, LONGEST_TIMEOUT).describe("Milliseconds it may run; absent: the default")),
  knownNodesOnly: opt(z.boolean().describe("Refuse a receiver that this daemon has never heard of")),
}) satisfies z.ZodType<Draft>;

export const drafts = z.union([draft, z.array(draft).min(1).max(LIMITS.drafts)]);

export const messageFilter = z.strictObject({
  node: opt(name),
  state: opt(state),
  method: opt(name),
  domain: opt(name),
  direction: opt(z.enum(["out", "in"])),
  open: opt(flag),
  limit: opt(z.coerce.number().int().min(1).max(100_000)),
}) satisfies z.ZodType<MessageFilter>;

export const processQuery = z.strictObject({
  node: opt(name),
  timeout: opt(
    z.coerce.number().int().min(1).max(3_600_000).describe("Milliseconds to wait for another node's answer"),
  ),
});

export const logQuery = z.strictObject({
  node: opt(name),
  domain: opt(name),
  lines: opt(z.coerce.number().int().min(0).max(100_000)),
}) satisfies z.ZodType<LogQuery>;

export const eventQuery = z.strictObject({
  types: opt(
    z
      .string()
      .transform((list) => list.split(","))
      .pipe(z.array(z.enum(happeningTypes as [string, ...string[]])))
      .describe(`Only these, separated by commas: ${happeningTypes.join(", ")}`),
  ),
});

export const noQuery = z.strictObject({});
export const noParams = z.object({});
export const byId = z.object({ id });
export const byNumber = z.object({ no: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) });
export const byName = z.object({ name });
export const byProcess = z.object({
  node: name,
  subject: z.string().min(1).max(300),
  verb: z.enum(["start", "stop", "restart", "revive"]) satisfies z.ZodType<ProcessVerb>,
});

/** One draft or a list; names the message and the field of every fault, the first ten of them. */
export function parseDrafts(body: unknown): Draft[] {
  const list = Array.isArray(body) ? body : [body];
  if (list.length === 0) throw new StewardError("message-invalid", { where: "list", fault: "it is empty" });
  if (list.length > LIMITS.drafts) {
    throw new StewardError("message-invalid", {
      where: "list",
      fault: `it holds ${list.length} messages, ${LIMITS.drafts} are allowed`,
    });
  }
  return list.map((item, i) => {
    const parsed = draft.safeParse(item);
    if (parsed.success) return parsed.data;
    throw new StewardError("message-invalid", { where: String(i + 1), fault: faultsOf(parsed.error) });
  });
}

/** All faults in one line: `deliverBy: expected number; colour: …`. */
export function faultsOf(error: z.ZodError): string {
  const faults = error.issues.slice(0, 10).map((issue) => {
    const path = issue.path.join(".");
    const fault = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
    return path === "" ? fault : `${path}: ${fault}`;
  });
  const more = error.issues.length - faults.length;
  return more > 0 ? `${faults.join("; ")}; and ${more} more` : faults.join("; ");
}
