import type { TargetedDraft } from "../message/draft.ts";
import { ACTIONS, IF_AWAY, wavesFault } from "../message/jobs/job.ts";
import { tokenFault } from "../message/subject.ts";
import { describe, type Fault, type Located, type LocatedEntry, toJson } from "../message/text/located.ts";
import { readDuration } from "../message/text/units.ts";
import type { JobOrderOf } from "../runtime/operate/table/jobs.ts";
import { invalid, type MessageFileOptions, read } from "./message-file.ts";
import { readMessage } from "./message-form.ts";

/** Keys of `job:`, and the kind of value that each takes. */
const KEYS = {
  note: "text",
  reply: "names",
  draft: "flag",
  waves: "list",
  soak: "duration",
  gate: "text",
  max: "bounds",
  onBound: ACTIONS,
  atOnce: "number",
  rate: "number",
  ifAway: IF_AWAY,
  at: "text",
  every: "text",
  window: "text",
  tz: "text",
  until: "text",
  approval: "flag",
} as const;

/** Largest job file, bytes. */
const MAX_BYTES = 256 * 1024;

/** True for a file with a message that has a map `job`: it is read as a job, and a fault in it is one of a job. */
export function isJobFile(text: string, { name }: Pick<MessageFileOptions, "name">): boolean {
  if (Buffer.byteLength(text) > MAX_BYTES || !/\bjob\b/.test(text)) return false;
  const { values } = read(text, name, MAX_BYTES);
  return values.some((node) => node.kind === "map" && node.entries.some(({ key }) => key === "job"));
}

/**
 * The job of a file: one message in its short form, with a map `job:` beside its other keys.
 * @throws StewardError `message-invalid` that names all faults with line and column
 */
export function parseJob(text: string, { name }: Pick<MessageFileOptions, "name">): JobOrderOf {
  const { values, faults: found } = read(text, name, MAX_BYTES);
  const faults: Fault[] = [...found];
  const [node, another] = values;
  if (another !== undefined) faults.push({ at: another.at, text: "a job file has one job" });
  const order = node === undefined ? undefined : jobOf(node, (fault) => faults.push(fault));
  if (node === undefined && faults.length === 0) faults.push({ at: 0, text: "there is no job in it" });
  if (faults.length > 0 || order === undefined) throw invalid(name, text, faults);
  return order;
}

function jobOf(node: Located, fault: (fault: Fault) => void): JobOrderOf | undefined {
  const plan = node.kind === "map" ? node.entries.find(({ key }) => key === "job") : undefined;
  if (node.kind !== "map" || plan === undefined) {
    fault({ at: node.at, text: "a job is a message with a map `job` beside `to`, `command`, `domain` and `data`" });
    return undefined;
  }
  const to = node.entries.find(({ key }) => key === "to");
  const drafts = readMessage({ ...node, entries: node.entries.filter((entry) => entry !== plan) }, fault);
  const [draft] = drafts;
  if (draft === undefined) return undefined;
  return { ...ofDraft(draft), to: writtenOf(to?.value) ?? draft.to ?? "", ...planOf(plan.value, fault) };
}

function ofDraft({ subject, data, deliverBy, timeout, most, urgent, reply, to }: TargetedDraft) {
  return {
    // A message to nodes by name has each of them in its subject.
    subject: to === undefined ? subject.slice(subject.indexOf(".") + 1) : subject,
    data,
    ...(deliverBy === undefined ? {} : { deliverBy }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(most === undefined ? {} : { most }),
    ...(urgent === undefined ? {} : { urgent }),
    ...(reply === undefined ? {} : { reply }),
  };
}

function writtenOf(node: Located | undefined): string | undefined {
  if (node === undefined) return undefined;
  const items = node.kind === "list" ? node.items : [node];
  return items
    .flatMap((item) => (item.kind === "scalar" && typeof item.value === "string" ? [item.value] : []))
    .join(", ");
}

function planOf(node: Located, fault: (fault: Fault) => void): Partial<JobOrderOf> {
  if (node.kind !== "map") {
    if (node.kind !== "scalar" || node.value !== null)
      fault({ at: node.at, text: `\`job\` is a map with ${Object.keys(KEYS).join(", ")}, not ${describe(node)}` });
    return {};
  }
  const plan: Record<string, unknown> = {};
  for (const entry of node.entries) {
    if (!Object.hasOwn(KEYS, entry.key)) {
      fault({ at: entry.at, text: `\`${entry.key}\` is no key of a job; known are ${Object.keys(KEYS).join(", ")}` });
      continue;
    }
    const value = planValue(entry, fault);
    if (value !== undefined) plan[entry.key === "reply" ? "jobReply" : entry.key] = value;
  }
  return plan;
}

function planValue({ key, value: node }: LocatedEntry, fault: (fault: Fault) => void): unknown {
  const kind = KEYS[key as keyof typeof KEYS];
  const value = toJson(node);
  const wrong = (wanted: string): undefined => {
    fault({ at: node.at, text: `\`${key}\` is ${wanted}, not ${describe(node)}` });
    return undefined;
  };
  if (kind === "flag") return typeof value === "boolean" ? value : wrong("true or false");
  if (kind === "number")
    return typeof value === "number" && Number.isInteger(value) && value > 0
      ? value
      : wrong("a whole number from 1 on");
  if (kind === "duration")
    return (typeof value === "string" ? readDuration(value) : undefined) ?? wrong("a duration such as 30s or 5m");
  if (kind === "names") {
    const names: readonly unknown[] = Array.isArray(value) ? value : [value];
    const isNames =
      names.length > 0 && names.every((name) => typeof name === "string" && tokenFault(name) === undefined);
    return isNames ? [...new Set(names)] : wrong("the name of a destination, or a list of such names");
  }
  if (kind === "bounds")
    return typeof value === "object" && value !== null
      ? boundsOf(value, wrong)
      : wrong("a map such as {failed: 2, unknown: 5%}");
  if (kind === "list") {
    const waves = (Array.isArray(value) ? value : String(value).split(",")).map((part) => String(part).trim());
    const found = wavesFault(waves);
    if (found !== undefined) fault({ at: node.at, text: `\`${key}\`: ${found}` });
    return found === undefined ? waves.join(",") : undefined;
  }
  if (typeof kind === "object")
    return (kind as readonly unknown[]).includes(value) ? value : wrong(`one of ${kind.join(", ")}`);
  return typeof value === "string" && value !== "" ? value : wrong("a text");
}

function boundsOf(value: object, wrong: (wanted: string) => undefined): readonly string[] | undefined {
  const entries = Array.isArray(value)
    ? value.map(String)
    : Object.entries(value).map(([kind, most]) => `${kind}=${most}`);
  return entries.length > 0 ? entries : wrong("a map such as {failed: 2, unknown: 5%}");
}
