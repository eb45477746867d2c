import type { Happening } from "../../message/happening.ts";
import { progressText } from "./jobs.ts";
import type { Paint } from "./paint.ts";
import { messageState } from "./states.ts";
import { visible, visibleButColours } from "./text.ts";
import { clockTime, isoTime } from "./time.ts";

/** One event as the lines that `watch` and `inspect` print. */
export function happeningLines(happening: Happening, absolute: boolean, paint: Paint): string[] {
  const at = paint("dim", absolute ? isoTime(happening.at) : clockTime(happening.at));
  const line = (label: string, text: string): string => `${at} ${label.padEnd(10)} ${text}`;
  const change = (from: string, to: string, cause: string): string =>
    `${visible(from === "" ? "(start)" : from)} → ${visible(to)}${cause === "" ? "" : ` (${visible(cause)})`}`;
  switch (happening.type) {
    case "message": {
      const reason = happening.reason === undefined ? "" : ` (${visible(happening.reason)})`;
      return [
        line(
          "message",
          `${happening.id} ${visible(happening.subject)} ${messageState(happening.state, paint)}${reason}`,
        ),
      ];
    }
    case "job": {
      const { id, state, wave, waves, counts, cause } = happening;
      const why = cause === "" ? "" : ` (${visible(cause)})`;
      return [line("job", `${id} ${progressText({ state, wave, waves, counts }, paint)}${why}`)];
    }
    case "output":
      return happening.parts.map((part) =>
        line("output", `${happening.id} ${part.stream} ${visible(part.text.trimEnd())}`),
      );
    case "node":
      return [
        line(
          "node",
          `${visible(happening.name)} ${visible(happening.region)}: ${change(happening.from, happening.to, happening.cause)}`,
        ),
      ];
    case "process":
      return [
        line(
          "process",
          `${visible(happening.subject)} ${visible(happening.role)}: ${change(happening.from, happening.to, happening.cause)}`,
        ),
      ];
    case "transition":
      return [
        line(
          happening.role,
          `${visible(happening.actor)}: ${change(happening.from, happening.to, "")} on ${visible(happening.event)}${happening.cause === "" ? "" : ` (${visible(happening.cause)})`}`,
        ),
      ];
    case "log":
      return happening.lines.map((text) => logLine(happening.node, happening.domain, text, paint));
    case "alert":
      return [
        line(
          "ALERT",
          paint("red", `! ${visible(happening.node)} ${visible(happening.code)}: ${visible(happening.text)}`),
        ),
      ];
    default:
      // A newer daemon may send events that this command line does not know.
      return [];
  }
}

export function logLine(node: string, domain: string, text: string, paint: Paint): string {
  return `${paint("cyan", `${visible(node)} ${visible(domain)} │`)} ${visibleButColours(text)}`;
}
