import type { LinkName } from "../config/config.ts";
import type { Json } from "../message/message.ts";
import type { StuckLane } from "../message/standstill.ts";
import { isToken } from "../message/subject.ts";
import { type LabelSet, labelsFault } from "../message/target/labels.ts";
import { type Checked, checkObject } from "./check.ts";
import { defineMethod, type Method } from "./define.ts";

/** The word of a node about itself, at each hello. */
export interface Hello {
  readonly version: string;
  /** Identity of its journal. */
  readonly epoch: string;
  /** The run of its daemon: another one after each start. */
  readonly life: string;
  /** When its daemon started, and the time now, ms by its own clock. */
  readonly startedAt: number;
  readonly now: number;
  readonly storage: "ok" | "low" | "full";
  readonly methods: readonly string[];
  /** Interval to its next hello, ms. */
  readonly every: number;
  /** The kind of its link, which frames to it have to cross as well. Absent: it was not asked for yet. */
  readonly link?: LinkName;
  /** Lanes of its own that stand still, the worst few; absent: none does. */
  readonly stuck?: readonly StuckLane[];
  /** Subjects on which commands wait there that nobody comes to, and why; absent: there are none. */
  readonly unattended?: readonly (readonly [subject: string, reason: string])[];
  /** The labels of its own file; absent: it has none. */
  readonly labels?: LabelSet;
}

/**
 * A hello that equals the last whole one of this run of the daemon, but for the time: it costs little on a dear link.
 */
export interface BriefHello {
  readonly life: string;
  readonly version?: never;
}

const LINKS = ["lan", "gsm", "satellite"] as const satisfies readonly LinkName[];

const HELLO: Checked = {
  version: "string",
  epoch: "string",
  life: "string",
  startedAt: "number",
  now: "number",
  storage: ["ok", "low", "full"],
  methods: "strings",
  every: "number",
};

/** A node's word about itself is kept as long as the node is known: it must be short. */
const LONGEST_VERSION = 100;
const MOST_METHODS = 1_000;
export const MOST_STUCK = 3;
export const LONGEST_REASON = 300;

export function isBrief(hello: Hello | BriefHello): hello is BriefHello {
  return hello.version === undefined;
}

function checkHello(data: Json): void {
  checkObject(data, { life: "string" });
  const said = data as unknown as Hello | BriefHello;
  if (!isToken(said.life)) throw new Error("life: expected letters, digits, _ and -");
  if (isBrief(said)) return;
  checkObject(data, HELLO);
  const { version, epoch, startedAt, now, methods, every, link, stuck } = said;
  if (link !== undefined && !LINKS.includes(link)) throw new Error(`link: expected ${LINKS.join(", ")}`);
  if (version.length > LONGEST_VERSION) throw new Error(`version: at most ${LONGEST_VERSION} characters`);
  if (!isToken(epoch)) throw new Error("epoch: expected letters, digits, _ and -");
  if (methods.length > MOST_METHODS) throw new Error(`methods: at most ${MOST_METHODS}`);
  if (!methods.every(isToken)) throw new Error("methods: expected names");
  if (stuck !== undefined) checkStuck(stuck);
  const { unattended, labels } = data as unknown as Hello;
  const fault = labels === undefined ? undefined : labelsFault(labels);
  if (fault !== undefined) throw new Error(`labels: ${fault}`);
  if (
    unattended !== undefined &&
    !(Array.isArray(unattended) && unattended.length <= MOST_STUCK && unattended.every(isUnattended))
  )
    throw new Error("unattended: expected subjects and reasons");
  for (const time of [startedAt, now, every]) {
    if (!(time >= 0 && time <= 8.64e15)) throw new Error("startedAt, now, every: expected times");
  }
}

function checkStuck(stuck: unknown): void {
  if (!Array.isArray(stuck) || stuck.length > MOST_STUCK) throw new Error(`stuck: at most ${MOST_STUCK}`);
  for (const lane of stuck as Json[]) {
    checkObject(lane, { subject: "string", since: "number", reason: "string" });
    const { subject, since, reason } = lane as unknown as StuckLane;
    if (subject.length > LONGEST_REASON || reason.length > LONGEST_REASON)
      throw new Error(`stuck: at most ${LONGEST_REASON} characters`);
    if (!(since >= 0 && since <= 8.64e15)) throw new Error("stuck: expected times");
  }
}

function isUnattended(entry: unknown): boolean {
  return (
    Array.isArray(entry) &&
    entry.length === 2 &&
    entry.every((text) => typeof text === "string" && text.length <= LONGEST_REASON)
  );
}

/** "I am here, and this is what I am": presence, so it is neither journalled nor sent again. */
export function hello(links: { hello(origin: string, hello: Hello | BriefHello, saidAt: number): void }): Method {
  return defineMethod({
    name: "hello",
    summary: "A node says that it is there, at each interval and when it starts.",
    event: {
      transient: true,
      check: checkHello,
      async handle(batch, { origin }) {
        for (const { data, createdAt } of batch) links.hello(origin, data as unknown as Hello | BriefHello, createdAt);
        return undefined;
      },
    },
  });
}
