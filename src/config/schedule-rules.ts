import { MOST_SCHEDULES, timeFaults } from "../message/schedule/node-schedule.ts";
import { CONTROL_DOMAIN, tokenFault } from "../message/subject.ts";
import type { Path } from "./schema/schema-tree.ts";

type Report = (path: Path, message: string) => void;
type Mapping = Readonly<Record<string, unknown>>;

/** The rules of `schedule:`. Values of the wrong type are skipped: the schema has named them. */
export function checkSchedules({ schedule, subscribe }: Mapping, report: Report): void {
  const entries = Object.entries(mapping(schedule));
  if (entries.length > MOST_SCHEDULES)
    report(["schedule"], `it has ${entries.length} schedules, ${MOST_SCHEDULES} are allowed`);
  const taken = new Set(Array.isArray(subscribe) ? subscribe.map((entry) => mapping(entry).subject) : []);
  for (const [name, value] of entries) {
    const fault = tokenFault(name);
    if (fault !== undefined) report(["schedule", name], `not a name: ${fault}`);
    checkSchedule(["schedule", name], mapping(value), taken, report);
  }
}

function checkSchedule(path: Path, entry: Mapping, taken: ReadonlySet<unknown>, report: Report): void {
  const { subject = "command.shellcommand.operatingsystem" } = entry;
  const at = (key: string): Path => (key in entry ? [...path, key] : path);
  if ("run" in entry === "data" in entry)
    report(path, "run" in entry ? "it has `run` and `data`; write one" : "it has neither `run` nor `data`; write one");
  if (typeof subject === "string" && subject.startsWith("event."))
    report(at("subject"), "only commands are scheduled; logs are published");
  else if (typeof subject === "string" && subject.endsWith(`.${CONTROL_DOMAIN}`))
    report(at("subject"), "the commands of steward itself are not scheduled");
  else if (typeof subject === "string" && !taken.has(subject))
    report(at("subject"), `this node does not take ${subject}: name it under \`subscribe:\``);
  const times = ["at", "every", "window", "zone"].map((key) => [key, entry[key]] as const);
  if (times.some(([, value]) => value !== undefined && typeof value !== "string")) return;
  for (const [key, fault] of timeFaults(Object.fromEntries(times))) report(at(key), fault);
}

function mapping(value: unknown): Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}
