import type { JobRecord, JobStand } from "../records.ts";
import type { Check, Inspection } from "./problems.ts";
import { id as idShape, jobRecord, jobStand, one, tuple } from "./shapes.ts";

type JobKey = [job: string, part: 0 | 1];

/** Each job has its order and its state, and the groups of its messages are there. */
export function checkJobs(found: Inspection): void {
  const orders = new Set<string>();
  const stands = new Map<string, JobStand>();
  const shape: Check = (value) =>
    typeof value === "object" && value !== null && "attempts" in value ? jobStand(value) : jobRecord(value);
  for (const { key, value } of found.sound<JobRecord | JobStand, JobKey>("jobs", tuple(idShape, one(0, 1)), shape)) {
    const [job, part] = key;
    const isStand = "attempts" in value;
    if (isStand !== (part === 1)) found.add("jobs", key, "it is another part of a job");
    else if (isStand) stands.set(job, value);
    else if (value.id !== job) found.add("jobs", key, `it is the job ${value.id}`);
    else orders.add(job);
  }
  const missing = (job: string, part: 0 | 1): void => {
    if (found.rows.get("jobs", [job, part]) === undefined) found.add("jobs", [job, part], "it is missing");
  };
  for (const job of orders) if (!stands.has(job)) missing(job, 1);
  for (const [job, { attempts }] of stands) {
    if (!orders.has(job)) missing(job, 0);
    for (const group of attempts.flatMap(({ group, later = [] }) => [group, ...later]))
      if (found.rows.get("held", [group, 0]) === undefined)
        found.add("jobs", [job, 1], `there is no group ${group} of held messages`);
  }
}
