import type { Clock } from "../../message/clock.ts";
import { WEEK } from "../../message/schedule/hours.ts";

const MINUTE = 60_000;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** The minute of the week, from Monday 00:00, in a time zone: worked out once a minute. */
export class WeekClock {
  readonly #clock: Pick<Clock, "now">;
  readonly #zone: string | undefined;
  readonly #format: Intl.DateTimeFormat | undefined;
  #at = Number.NaN;
  #minute = 0;

  /** `zone`: absent, that of the host. */
  constructor(clock: Pick<Clock, "now">, zone: string | undefined) {
    this.#clock = clock;
    this.#zone = zone;
    if (zone !== undefined)
      this.#format = new Intl.DateTimeFormat("en", {
        timeZone: zone,
        weekday: "short",
        hour: "2-digit",
        minute: "2-digit",
        hourCycle: "h23",
      });
  }

  get minute(): number {
    const at = Math.floor(this.#clock.now() / MINUTE);
    if (at !== this.#at) {
      this.#at = at;
      this.#minute = this.#minuteOf(new Date(at * MINUTE));
    }
    return this.#minute;
  }

  /** The time by which hours are judged, for people: `Tue 14:05 Europe/Oslo`. */
  get text(): string {
    const minute = this.minute;
    const two = (value: number): string => String(value).padStart(2, "0");
    const day = DAYS[Math.floor(minute / 1440)] ?? "";
    const zone = this.#zone ?? "by the host's time zone";
    return `${day} ${two(Math.floor((minute % 1440) / 60))}:${two(minute % 60)} ${zone}`;
  }

  #minuteOf(date: Date): number {
    if (this.#format === undefined) return (((date.getDay() + 6) % 7) * 24 + date.getHours()) * 60 + date.getMinutes();
    const parts = new Map(this.#format.formatToParts(date).map(({ type, value }) => [type, value]));
    const day = DAYS.indexOf(parts.get("weekday") ?? "");
    return ((day * 24 + Number(parts.get("hour"))) * 60 + Number(parts.get("minute"))) % WEEK;
  }
}
