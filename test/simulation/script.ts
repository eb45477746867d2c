import type { Retried } from "../../src/message/jobs/job.ts";
import type { Json } from "../../src/message/message.ts";
import type { JobVerb } from "../../src/runtime/jobs/jobs.ts";
import type { JobOrderOf } from "../../src/runtime/operate/table/jobs.ts";
import type { Point } from "../harness/world/parts.ts";
import type { LinkFaults } from "../twins/memory-broker.ts";

/**
 * What is done to a fleet, as data: a list of steps that can be printed, stored, shortened and played again. Any part of
 * a script is a script: a step that makes no sense where it stands (a crash of a node that is down) does nothing.
 */
export interface Script {
  readonly seed: number;
  /** Beside `central`. */
  readonly nodes: readonly string[];
  readonly steps: readonly Step[];
}

export type Step =
  /** Messages that are submitted in one call; `n` numbers the first of them, over the whole script. */
  | { readonly do: "send"; readonly from: string; readonly n: number; readonly messages: readonly Planned[] }
  /** Asks for the end of the message of that number, twice at once if so. */
  | { readonly do: "cancel"; readonly n: number; readonly twice?: boolean }
  /** Orders a job at central; `n` numbers it among the messages. */
  | { readonly do: "job"; readonly n: number; readonly to: readonly string[]; readonly order: PlannedJob }
  /** An operator steers the job of that number. */
  | { readonly do: "steer"; readonly n: number; readonly verb: JobVerb }
  | { readonly do: "retry"; readonly n: number; readonly of: Retried }
  /** Moves the message of that number ahead of all that waits for its node. */
  | { readonly do: "first"; readonly n: number }
  | { readonly do: "wait"; readonly ms: number }
  /** Sends a node what it does not take from there: `GUARDED`. */
  | { readonly do: "trespass"; readonly node: string; readonly way: "plain" | "self" | "central" }
  /** Without `at`: at once. `keep`: whole turns that were not flushed and are on the disk all the same. */
  | {
      readonly do: "crash";
      readonly node: string;
      readonly at?: Point;
      readonly nth?: number;
      readonly keep?: number;
      readonly power?: boolean;
    }
  | { readonly do: "stop" | "start" | "cut" | "heal" | "freeze" | "thaw"; readonly node: string }
  | { readonly do: "link"; readonly node: string; readonly out?: LinkFaults; readonly in?: LinkFaults }
  | { readonly do: "clock"; readonly node: string; readonly wrong: number; readonly rate?: number }
  /** How long each group commit, or each call of a sink, takes. */
  | { readonly do: "slowDisk" | "slowSink"; readonly node: string; readonly ms: number }
  | { readonly do: "diskFault"; readonly node: string; readonly fault: string | null }
  | { readonly do: "loseDisk" | "backup"; readonly node: string }
  /** `inPlace`: the very same files, as a snapshot of the whole host puts them back. */
  | { readonly do: "restore"; readonly node: string; readonly inPlace?: boolean }
  | { readonly do: "broker"; readonly up: boolean }
  /** The broker itself strikes; `seed` decides with which packets. See `hostile-broker.ts`. */
  | { readonly do: "hostile"; readonly way: HostileWay; readonly seed: number; readonly count: number };

export type HostileWay = "replay" | "swap" | "edit" | "clear";

export interface Planned {
  readonly subject: string;
  readonly data: Json;
  readonly deliverBy?: number | null;
  readonly timeout?: number;
  readonly urgent?: boolean;
}

export interface PlannedJob extends Omit<Partial<JobOrderOf>, "to" | "subject" | "at" | "until" | "window"> {
  readonly subject: string;
  readonly data: Json;
  /** Seconds after the order at which it begins, and at which it is over. */
  readonly beginsIn?: number;
  readonly overIn?: number;
  /** Whole minutes after the order in which its window opens, and how long that is open. */
  readonly opensIn?: number;
  readonly openFor?: number;
}

/** Every fault by name. `byDefault`: what the daemon is held to in each run of the suite. */
export const FAULTS = {
  crash: { byDefault: true, means: "a daemon is killed at the n-th write, flush, packet, timer or begin of a method" },
  torn: { byDefault: true, means: "of what was not flushed at a crash, some whole turns are on the disk all the same" },
  power: { byDefault: true, means: "the programs of a node die with its daemon" },
  restart: { byDefault: true, means: "a daemon is stopped and started as its host does it" },
  frozen: { byDefault: true, means: "the process of a node stands still for a while, and goes on" },
  partition: { byDefault: true, means: "a node loses its connection, and gets it back" },
  oneway: { byDefault: true, means: "one direction of a link is cut, the connection stands" },
  halfopen: { byDefault: true, means: "both directions of a link are cut, and nobody is told" },
  broker: { byDefault: true, means: "the broker dies and comes back empty" },
  loss: { byDefault: true, means: "packets are lost" },
  delay: { byDefault: true, means: "packets take up to two seconds" },
  duplicate: { byDefault: true, means: "packets come twice" },
  reorder: { byDefault: true, means: "packets overtake each other" },
  corrupt: { byDefault: true, means: "bits are flipped on the way" },
  clock: { byDefault: true, means: "a wall clock jumps by up to a day, either way" },
  drift: { byDefault: true, means: "a wall clock runs up to a tenth too fast or too slow" },
  slow: { byDefault: true, means: "group commits and sinks take long, commands hang" },
  poison: { byDefault: true, means: "messages throw, reject or fail their process each time" },
  jobs: {
    byDefault: true,
    means: "jobs are ordered with all that a plan may say, and steered at any time of their life",
  },
  urgent: { byDefault: true, means: "messages are urgent, or are moved ahead of what waits" },
  cancel: { byDefault: true, means: "commands are cancelled, some twice at once, at any time of their life" },
  trespass: { byDefault: true, means: "a node is sent what it does not take from there" },
  expiry: { byDefault: true, means: "messages have short deadlines and timeouts" },
  full: { byDefault: true, means: "a disk is full for a while" },
  sync: { byDefault: true, means: "a group commit fails for a while" },
  calendar: { byDefault: false, means: "a wall clock jumps by ten years, either way" },
  disk: { byDefault: true, means: "a node comes back with an empty disk" },
  restore: {
    byDefault: true,
    means: "a node comes back with an old copy of its disk, or with its whole host as it was",
  },
  hostile: { byDefault: true, means: "the broker replays, swaps, edits and forges packets at any time" },
} as const satisfies Record<string, { byDefault: boolean; means: string }>;

/** What nodes of a script take from central alone, and from plain publishers; and of that one command line. */
export const GUARDED = { subject: "command.work.guarded", from: ["central"], allow: ["work well"], foreign: true };

export type Fault = keyof typeof FAULTS;

export const ALL_FAULTS = Object.keys(FAULTS) as Fault[];
export const DEFAULT_FAULTS = ALL_FAULTS.filter((fault) => FAULTS[fault].byDefault);

export function isFault(name: string): name is Fault {
  return Object.hasOwn(FAULTS, name);
}

/** One line for each step, for people. */
export function readable({ steps }: Script): string[] {
  let at = 0;
  return steps.map((step) => {
    const { do: verb, ...rest } = step;
    const line = `${(at / 1000).toFixed(3).padStart(10)} s  ${verb.padEnd(9)} ${words(rest)}`;
    if (step.do === "wait") at += step.ms;
    return line;
  });
}

function words(rest: object): string {
  return Object.entries(rest)
    .map(([key, value]) => (key === "node" ? String(value) : `${key} ${JSON.stringify(value)}`))
    .join(", ");
}
