import { span } from "../../message/text/figures.ts";
import { dayText } from "../store/clock-choice.ts";
import { legible, type Stretch, shareOf } from "../text/bands.ts";
import { regionLook } from "../text/looks.ts";

const WEIGHT: Readonly<Record<string, number>> = {
  offline: 5,
  full: 5,
  revoked: 5,
  late: 4,
  low: 4,
  resyncing: 3,
  none: 2,
  pending: 2,
  busy: 1,
};
/** Parts of the band that are narrower than one of so many are not seen. */
const PARTS = 240;

/** The states of one region over a time, as a band; each stretch says in its title what it was, how long, and why. */
export function Band({
  region,
  stretches,
  begin,
  end,
  height = 16,
}: {
  region: string;
  stretches: readonly Stretch[];
  begin: number;
  end: number;
  height?: number;
}) {
  const length = Math.max(1, end - begin);
  const shown = legible(stretches, length / PARTS, (state) => WEIGHT[state] ?? 0);
  const share = region === "link" ? shareOf(stretches, "online") : undefined;
  const words = shown
    .filter(({ state }) => state !== "")
    .slice(-6)
    .map(({ state, from, until }) => `${regionLook(region, state).word} for ${span(until - from)}`)
    .join(", ");
  return (
    <svg
      class="band"
      viewBox={`0 0 1000 ${height}`}
      preserveAspectRatio="none"
      height={height}
      role="img"
      aria-label={`${region}: ${words === "" ? "not known" : words}${share === undefined ? "" : `; online ${Math.round(share * 100)} %`}`}
    >
      {shown.map((stretch) => {
        const { state, from, until, cause, merged } = stretch;
        const { word, tone } = regionLook(region, state);
        const x = ((from - begin) / length) * 1000;
        const width = Math.max(1.5, ((until - from) / length) * 1000);
        const title =
          state === ""
            ? `not known${cause === "" ? "" : `: ${cause}`}`
            : `${word} for ${span(until - from)}\n${dayText(from)} to ${dayText(until)}${cause === "" ? "" : `\n${cause}`}${merged > 0 ? `\nand ${merged} more changes within` : ""}`;
        // Height repeats what the colour says: low is bad.
        const isThin = state === "" || tone === "quiet";
        const drop = isThin ? 0.42 : tone === "bad" ? 0.62 : tone === "warn" ? 0.3 : 0;
        return (
          <rect
            key={from}
            class={state === "" ? "unknown" : `fill-${tone}`}
            x={x}
            y={height * drop}
            width={width}
            height={height * (isThin ? 0.16 : 1 - drop)}
          >
            <title>{title}</title>
          </rect>
        );
      })}
    </svg>
  );
}
