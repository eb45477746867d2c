import type { MessageView } from "../../../runtime/operate/table/messages.ts";
import { useReading } from "../../parts/hooks.ts";
import { Shown } from "../../parts/reading.tsx";
import { COUNTERS, countsOf } from "../../store/node-order.ts";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { counted } from "../../text/times.ts";

const DAY = 86_400_000;
/** Messages of a state that are looked at. */
const LOOKED_AT = 500;
/** The ends that somebody should know of, in words. */
const ENDS = [
  { state: "failed", word: "failed" },
  { state: "timedOut", word: "timed out" },
  { state: "interrupted", word: "was interrupted", many: "were interrupted" },
  { state: "rejected", word: "was rejected", many: "were rejected" },
  { state: "expired", word: "expired" },
] as const;

interface Counted {
  readonly ends: readonly { readonly state: MessageView["state"]; readonly count: number; readonly more: boolean }[];
  readonly alerts: number;
  readonly dead: number;
}

/** Deviations of which no rule has to be set: each is a count, and a link to its list. */
export function Elsewhere() {
  const { nodes } = theStore();
  const { rows, readAt } = nodes.mirror.value;
  const { reading } = useReading<Counted>("elsewhere", () => ({
    load: countAll,
    on: ({ type }) => type === "message" || type === "alert",
    every: 30_000,
    atMost: 3_000,
  }));
  const counts = countsOf([...rows.values()]);
  const of = (wanted: string): number => counts[COUNTERS.findIndex(({ key }) => key === wanted)] ?? 0;
  const isAre = (count: number): string => (count === 1 ? "is" : "are");
  return (
    <section class="block elsewhere" aria-label="What else there is">
      <h2>What else there is</h2>
      {readAt === 0 && <p class="quiet">reading the fleet …</p>}
      <Shown of={reading} what="what failed of late">
        {({ ends, alerts, dead }) => {
          const lines = [
            { count: of("away"), text: `${counted(of("away"), "node")} ${isAre(of("away"))} away`, url: "/?show=away" },
            { count: of("late"), text: `${counted(of("late"), "node")} ${isAre(of("late"))} late`, url: "/?show=late" },
            { count: of("notes"), text: `${counted(of("notes"), "node")} with a note`, url: "/?show=notes" },
            ...ends.map(({ state, count, more }) => ({
              ...{ count, url: urlOf(["messages"], { state }) },
              text: `${counted(count, "command")}${more ? " or more" : ""} ${endWord(state, count)} in the last day`,
            })),
            {
              ...{ count: alerts, url: urlOf(["inspection"], { tab: "alerts" }) },
              text: `${counted(alerts, "alert")} of nodes ${isAre(alerts)} raised`,
            },
            { count: dead, text: counted(dead, "dead letter"), url: urlOf(["inspection"], { tab: "dead" }) },
          ].filter(({ count }) => count > 0);
          if (readAt === 0) return null;
          if (lines.length === 0)
            return (
              <p>Every node is in reach, and no command has failed in the last day. No alert of a node is raised.</p>
            );
          return (
            <ul>
              {lines.map(({ text, url }) => (
                <li key={url}>
                  <a href={url}>{text}</a>
                </li>
              ))}
            </ul>
          );
        }}
      </Shown>
    </section>
  );
}

function endWord(state: MessageView["state"], count: number): string {
  const end = ENDS.find((one) => one.state === state);
  return count > 1 && end !== undefined && "many" in end ? end.many : (end?.word ?? state);
}

async function countAll(): Promise<Counted> {
  const { client, now } = theStore();
  const since = now.peek() - DAY;
  const [alerts, dead, ...ends] = await Promise.all([
    client.alerts(),
    client.dead({ limit: LOOKED_AT }),
    ...ENDS.map(async ({ state }) => {
      const found = await client.messages({ state, limit: LOOKED_AT });
      // Questions and tidings with which steward tells other nodes of itself are no commands of a person.
      const late = found.filter((one) => one.since >= since && !one.subject.endsWith(".steward"));
      return { state, count: late.length, more: found.length >= LOOKED_AT && late.length === found.length };
    }),
  ]);
  return { ends, alerts: alerts.filter(({ state }) => state === "raised").length, dead: dead.length };
}
