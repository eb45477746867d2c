import { span } from "../../message/text/figures.ts";
import { clockText, dayText } from "../store/clock-choice.ts";
import { theStore } from "../store/store.ts";
import type { Look } from "../text/looks.ts";
import { bothTimes } from "../text/times.ts";

const LOOKS = {
  connecting: { symbol: "◌", word: "connecting", tone: "busy" },
  live: { symbol: "●", word: "live", tone: "good" },
  reconnecting: { symbol: "◐", word: "reconnecting", tone: "warn" },
  stale: { symbol: "○", word: "stale", tone: "bad" },
  "signed out": { symbol: "⊘", word: "signed out", tone: "bad" },
} as const satisfies Readonly<Record<string, Look>>;

const HALF_A_DAY = 43_200_000;

/** The words of a time: a time of day means today, so for one that is long ago the day stands beside it. */
function timeOrDay(at: number, now: number): string {
  return now - at < HALF_A_DAY ? clockText(at) : dayText(at);
}

/** How fresh the page is: always in sight, on every page. */
export function LinkStatus() {
  const store = theStore();
  const word = store.link.value;
  const { symbol, tone } = LOOKS[word];
  const heardAt = store.heardAt.value;
  const health = store.health.reading.value.value;
  return (
    <div
      class={`link-status tone-${tone}`}
      role="status"
      title={heardAt === 0 ? "" : `last heard ${bothTimes(heardAt)}`}
    >
      <span class="glyph" aria-hidden="true">
        {symbol}
      </span>
      <strong>
        {word}
        {word === "stale" && <span class="stale-since"> since {timeOrDay(heardAt, store.now.value)}</span>}
      </strong>
      {health !== undefined && <span class="quiet station">{health.node}</span>}
    </div>
  );
}

/** Lines across the page: the link of the page, the broker, the journal, keys. */
export function Warnings() {
  const store = theStore();
  const word = store.link.value;
  const now = store.now.value;
  const heardAt = store.heardAt.value;
  const { value: health, fault } = store.health.reading.value;
  const lines: { readonly tone: string; readonly text: string }[] = [];
  if (word === "stale" || word === "reconnecting")
    lines.push({
      tone: word === "stale" ? "bad" : "warn",
      text: `No word from the daemon since ${timeOrDay(heardAt, now)}. All that is shown is as it was then; the page tries again by itself.`,
    });
  if (word === "signed out" && store.session.value !== undefined)
    lines.push({
      tone: "bad",
      text: "The daemon does not know this browser any more: type `steward open` on its machine and open the link. All that is shown is as it was before.",
    });
  if (health === undefined && fault !== undefined && word === "live")
    lines.push({ tone: "warn", text: `Whether the daemon is well could not be read: ${fault}` });
  if (health !== undefined && store.fresh.value) {
    const { broker, journal, quarantined, security, stuck } = health;
    if (broker.state !== "connected")
      lines.push({
        tone: "bad",
        text: `${health.node} has no connection to its broker (${broker.state} since ${span(Math.max(0, now - broker.since))}${broker.fault === undefined ? "" : `: ${broker.fault}`}): it hears no node.`,
      });
    if (journal.state === "full" || journal.state === "failed")
      lines.push({ tone: "bad", text: `The journal of ${health.node} is ${journal.state}: new messages are refused.` });
    if (journal.state === "low")
      lines.push({ tone: "warn", text: `The journal of ${health.node} has little room left.` });
    if (quarantined.length > 0) lines.push({ tone: "bad", text: `Quarantined: ${quarantined.join(", ")}` });
    for (const lane of stuck.slice(0, 3))
      lines.push({ tone: "warn", text: `${lane.subject} stands still: ${lane.reason}` });
    if (security === "off")
      lines.push({
        tone: "warn",
        text: "Security is off: whoever can publish at the broker is obeyed (`security: sealed` in steward.yaml).",
      });
  }
  if (lines.length === 0) return null;
  return (
    <div class="warnings" role="region" aria-label="Warnings">
      {lines.map(({ tone, text }) => (
        <p key={text} class={`warning tone-${tone}`}>
          <span class="glyph" aria-hidden="true">
            !
          </span>
          {text}
        </p>
      ))}
    </div>
  );
}
