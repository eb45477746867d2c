import { chooseClock, utc } from "../store/clock-choice.ts";

/** Times where the reader is, or in UTC. The title of each time has both. */
export function ClockButton() {
  const isUtc = utc.value;
  return (
    <button
      type="button"
      class="clock"
      title={isUtc ? "times are in UTC; press for those of your clock" : "times are those of your clock; press for UTC"}
      aria-label={`Times: ${isUtc ? "UTC" : "local"}`}
      onClick={() => chooseClock(!isUtc)}
    >
      {isUtc ? "UTC" : "local"}
    </button>
  );
}
