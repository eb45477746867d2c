import type { HistoryView, NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import { Band } from "../../parts/band.tsx";
import { useReading } from "../../parts/hooks.ts";
import { PlainTable } from "../../parts/plain-table.tsx";
import { At, StateWord } from "../../parts/words.tsx";
import { clockText, dayText } from "../../store/clock-choice.ts";
import { ask, place } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { stretchesKept, stretchesOf } from "../../text/bands.ts";
import { meaningOf } from "../../text/glossary.ts";
import { regionLook } from "../../text/looks.ts";
import { counted } from "../../text/times.ts";

export const REGIONS = ["link", "session", "work", "trust", "storage"] as const;
const SPANS = [
  { key: "1h", word: "1 hour", ms: 3_600_000 },
  { key: "24h", word: "24 hours", ms: 86_400_000 },
  { key: "7d", word: "7 days", ms: 7 * 86_400_000 },
] as const;

type Kept = HistoryView["nodes"][number]["regions"][string];

/** A region that has never changed has no history: it has been as it is for as long as all changes are known. */
function keptOr(kept: Kept | undefined, now: Kept[number]): Kept {
  return kept === undefined || kept.length === 0 ? [now] : kept;
}

const MOST_CHANGES = 100;

/** The time since when a region without a change has been as it is: all changes are there, unless there are very many. */
function sinceAllIsKnown({ changes, startedAt, asOf }: NodeDetail): number {
  return changes.length < MOST_CHANGES ? (changes[0]?.at ?? startedAt ?? asOf) : (changes[0]?.at ?? asOf);
}

/** The regions as bands over time. */
export function Timelines({ node }: { node: NodeDetail }) {
  const now = theStore().now.value;
  const chosen =
    SPANS.find(({ key }) => key === place.value.query.span) ??
    (now - sinceAllIsKnown(node) < SPANS[0].ms ? SPANS[0] : SPANS[1]);
  const begin = now - chosen.ms;
  const { client } = theStore();
  const { reading } = useReading<HistoryView>(`history ${node.name} ${chosen.key}`, () => ({
    load: () => client.history({ node: node.name, since: Math.floor(theStore().now.peek() - chosen.ms) }),
    on: (happening) => happening.type === "node" && happening.name === node.name,
    every: 60_000,
    atMost: 1_000,
  }));
  const kept = reading.value?.nodes[0]?.regions;
  return (
    <section class="block" aria-label="States over time">
      <div class="block-head">
        <h2>States</h2>
        <div class="choices" role="group" aria-label="Time that is shown">
          {SPANS.map(({ key, word }) => (
            <button type="button" key={key} aria-pressed={key === chosen.key} onClick={() => ask({ span: key })}>
              {word}
            </button>
          ))}
        </div>
      </div>
      <div class="timelines">
        {REGIONS.map((region) => {
          const state = node[region];
          const changes = node.changes.filter((change) => change.region === region);
          const since = region === "link" ? node.linkSince : (changes.at(-1)?.at ?? sinceAllIsKnown(node));
          return (
            <div key={region} class="timeline">
              <span class="timeline-name" title={meaningOf(region)}>
                {region}
              </span>
              <StateWord look={regionLook(region, state)} />
              <Band
                region={region}
                stretches={
                  kept === undefined
                    ? stretchesOf(changes, state, since, begin, now)
                    : stretchesKept(keptOr(kept[region], [since, state, ""]), reading.value?.unknown ?? [], begin, now)
                }
                begin={begin}
                end={now}
              />
            </div>
          );
        })}
        <div class="timeline scale quiet" aria-hidden="true">
          <span />
          <span />
          <span class="ticks">
            <span>{chosen.ms > 86_400_000 ? dayText(begin).slice(5, 16) : clockText(begin).slice(0, 5)}</span>
            <span>
              {chosen.ms > 86_400_000
                ? dayText(begin + chosen.ms / 2).slice(5, 16)
                : clockText(begin + chosen.ms / 2).slice(0, 5)}
            </span>
            <span>now</span>
          </span>
        </div>
      </div>
      <details>
        <summary>{counted(node.changes.length, "change")} as a list</summary>
        <PlainTable label="Changes" heads={["When", "Region", "Change", "Cause"]}>
          {node.changes.toReversed().map((change, i) => (
            <tr key={`${change.at} ${i}`}>
              <td>
                <At time={change.at} day />
              </td>
              <td>{change.region}</td>
              <td>
                {change.from} → {change.to}
              </td>
              <td>{change.cause}</td>
            </tr>
          ))}
        </PlainTable>
      </details>
    </section>
  );
}
