import { StewardError } from "../../message/errors.ts";
import { isNever, parseDuration } from "../../message/text/units.ts";
import { LONGEST_WAIT } from "../../message/wire/bounds.ts";

/** The value of an option that is a duration. @throws StewardError `duration-invalid`, which names the option */
export function duration(option: string, text: string): number {
  let ms = 0;
  try {
    ms = parseDuration(text);
  } catch {
    // The option is named below.
  }
  if (ms > LONGEST_WAIT) {
    const fault = `${option} ${text} is longer than ${LONGEST_WAIT / 86_400_000}d, the longest duration that is taken`;
    throw new StewardError("usage", { fault, command: "" });
  }
  if (ms > 0) return ms;
  throw new StewardError("duration-invalid", { text: `${option} ${text}` });
}

/** A duration, or `never` (`forever`, `null`): `null`. */
export function durationOrNever(option: string, text: string): number | null {
  return isNever(text) ? null : duration(option, text);
}

export function wholeNumber(option: string, command: string, text: string, least = 1): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least) return value;
  throw new StewardError("usage", {
    fault: `${option} takes a whole number from ${least} on, not ${JSON.stringify(text)}`,
    command,
  });
}

/** An id in upper case, however it was typed. */
export function idOf(text: string): string {
  return text.toUpperCase();
}
