import { faultText, StewardError } from "../../message/errors.ts";
import {
  ACTIONS,
  BOUNDED,
  type Bound,
  type BoundAction,
  type Bounded,
  type IfAway,
  type JobPlan,
  readShare,
  wavesFault,
} from "../../message/jobs/job.ts";
import { timeZoneFault } from "../../message/schedule/hours.ts";
import { parseMoment } from "../../message/schedule/moment.ts";
import { parseSchedule } from "../../message/schedule/parse-schedule.ts";
import { nextTime, type Schedule } from "../../message/schedule/schedule.ts";
import type { TimeZone } from "../../message/schedule/time-zone.ts";
import { allowedFrom, meets, parseWindow, type Window } from "../../message/schedule/window.ts";
import type { Zones } from "./hours.ts";

/** A plan as an operator writes it. Durations are ms. */
export interface JobWish {
  /** `1,10%,50%,100%` */
  readonly waves?: string;
  readonly soak?: number;
  /** `95%` */
  readonly gate?: string;
  /** `failed=2`, `unknown=5%:abort` */
  readonly max?: readonly string[];
  /** The action of bounds that name none. */
  readonly onBound?: BoundAction;
  readonly atOnce?: number;
  readonly rate?: number;
  readonly ifAway?: IfAway;
  readonly at?: string;
  readonly every?: string;
  readonly window?: string;
  readonly tz?: string;
  readonly until?: string;
  readonly approval?: boolean;
}

/** A wave that has failures is not followed by another one without somebody having seen them. */
const WITH_WAVES: JobPlan["bounds"] = {
  failed: { most: 0, unit: "nodes", action: "pause" },
  rejected: { most: 0, unit: "nodes", action: "pause" },
};

/** @throws StewardError `job-invalid` with all faults of the plan */
export function planOf(wish: JobWish, now: number, zones: Zones): JobPlan {
  const faults: string[] = [];
  const zoneFault = wish.tz === undefined || wish.tz === "node" ? undefined : timeZoneFault(wish.tz);
  if (zoneFault !== undefined) faults.push(`tz: ${wish.tz}: ${zoneFault}`);
  const zone =
    wish.tz === undefined || wish.tz === "node" || zoneFault !== undefined ? zones.own : zones.named(wish.tz);
  const read = <T>(key: string, text: string | undefined, parse: (text: string) => T): T | undefined => {
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (thrown) {
      faults.push(`${key}: ${faultText(thrown)}`);
      return undefined;
    }
  };
  const waves = wish.waves?.split(",").map((part) => part.trim());
  const waveFault = waves === undefined ? undefined : wavesFault(waves);
  if (waveFault !== undefined) faults.push(`waves: ${waveFault}`);
  const given = read("max", wish.max === undefined ? undefined : "", () =>
    boundsOf(wish.max ?? [], wish.onBound ?? "pause"),
  );
  const gate = read("gate", wish.gate, percentOf);
  const beginAt = read("at", wish.at, (text) => parseMoment(text, now, zone));
  const schedule = read("every", wish.every, parseSchedule);
  const window = read("window", wish.window, parseWindow);
  const until = read("until", wish.until, (text) => parseMoment(text, now, zone));
  const begin = beginAt ?? (schedule === undefined ? undefined : nextTime(schedule, now, zone));
  if (wish.every !== undefined && schedule !== undefined && begin === undefined) faults.push("every: it never comes");
  if (until !== undefined && begin !== undefined && until <= begin)
    faults.push(`until: ${new Date(until).toISOString()} is not after its beginning, ${new Date(begin).toISOString()}`);
  const closed = faults.length === 0 ? windowFault(window, schedule, { from: begin ?? now, zone, until }) : undefined;
  if (closed !== undefined) faults.push(closed);
  if (faults.length > 0) throw new StewardError("job-invalid", { fault: faults.join("; ") });
  return {
    waves: waves ?? [],
    soak: wish.soak ?? 0,
    gate: gate ?? null,
    bounds: { ...(waves === undefined ? {} : WITH_WAVES), ...given },
    atOnce: wish.atOnce ?? null,
    rate: wish.rate ?? null,
    ifAway: wish.ifAway ?? "queue",
    beginAt: begin ?? null,
    every: wish.every ?? null,
    window: wish.window ?? null,
    zone: wish.tz ?? null,
    until: until ?? null,
    approval: wish.approval ?? false,
  };
}

function windowFault(
  window: Window | undefined,
  schedule: Schedule | undefined,
  { from, zone, until }: { from: number; zone: TimeZone; until: number | undefined },
): string | undefined {
  if (window === undefined) return undefined;
  if (allowedFrom(window, from, zone, until) === undefined)
    return until === undefined
      ? "window: it never comes"
      : `window: it does not open before ${new Date(until).toISOString()}, when the job is over`;
  if (schedule !== undefined && schedule.kind !== "once" && !meets(schedule, window, from, zone))
    return "window: it is open at none of the next times of the schedule";
  return undefined;
}

function percentOf(text: string): number {
  const share = readShare(text);
  if (share?.unit === "percent" && Number.isInteger(share.value)) return share.value;
  throw new Error(`${text} is not a share such as 95%`);
}

/** @throws Error with the faults of all that are wrong */
function boundsOf(texts: readonly string[], action: BoundAction): JobPlan["bounds"] {
  const bounds: Partial<Record<Bounded, Bound>> = {};
  const faults: string[] = [];
  for (const text of texts.flatMap((each) => each.split(","))) {
    const [, kind = "", most = "", , then] = /^\s*([a-z]+)\s*=\s*([0-9.]+%?)(:([a-z]+))?\s*$/.exec(text) ?? [];
    const share = /^0%?$/.test(most) ? { value: 0, unit: "nodes" as const } : readShare(most);
    if (!isOneOf(BOUNDED, kind) || share === undefined || (then !== undefined && !isOneOf(ACTIONS, then))) {
      faults.push(
        `${text} is no bound; write ${BOUNDED.join(", ")} with a number or a share, and with ${ACTIONS.join(", ")} behind it: failed=2, unknown=5%:abort`,
      );
      continue;
    }
    bounds[kind] = { most: share.value, unit: share.unit, action: then ?? action };
  }
  if (faults.length > 0) throw new Error(faults.join("; "));
  return bounds;
}

function isOneOf<T extends string>(all: readonly T[], text: string): text is T {
  return (all as readonly string[]).includes(text);
}
