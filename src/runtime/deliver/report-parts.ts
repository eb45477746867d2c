import type { Json } from "../../message/message.ts";
import { type Outcome, type OutputPart, type Report, withoutOutput } from "../../message/report.ts";
import { partBytes, toParts } from "../../runner/output-parts.ts";

/**
 * Reports on a command in pieces that fit: output that does not fit goes ahead of the outcome in reports of its own. Parts
 * of a stream carry their offset, so a part that comes twice, or cut differently, does no harm.
 */

/** The most bytes of output in one report. */
const REPORT_BYTES = 64 * 1024;
/** Bytes that a report needs beside its output, and the least output that one is made for. */
export const REPORT_ENVELOPE = 2048;
const LEAST_BYTES = 256;
/** The most bytes that a byte of output becomes in JSON. */
const INFLATION = 6;
/** Characters of a reason that is cut because its report is too large. */
const REASON = 500;

/** Groups output by report, each small enough for a broker that takes `maxPayload` bytes. */
export function splitOutput(parts: readonly OutputPart[], maxPayload: number): OutputPart[][] {
  const room = Math.floor((maxPayload - REPORT_ENVELOPE) / INFLATION);
  return grouped(parts, Math.min(REPORT_BYTES, Math.max(LEAST_BYTES, room)));
}

/** The smaller reports in the place of one that has become too large for the broker: its output first, then its end. */
export function smallerReports(report: Report, maxPayload: number): Report[] {
  const { at, startedAt = at, output = [] } = report;
  const pieces = splitOutput(output, maxPayload).map(
    (part): Report => ({ state: "running", at, startedAt, output: part }),
  );
  if (report.state === "running") return pieces;
  const rest = withoutOutput(report);
  const bytes = Buffer.byteLength(JSON.stringify(rest));
  return [...pieces, bytes <= maxPayload - REPORT_ENVELOPE ? rest : withoutResult(rest, tooLarge(bytes, maxPayload))];
}

/** The outcome of a command without its result; the reason says why the origin does not get it. */
export function withoutResult(report: Report, why: string): Report {
  if (!("result" in report) && !("reason" in report)) return report;
  const { result, reason = "", ...rest } = report as Outcome;
  const cut = result === undefined ? "" : `its result is left out: ${why}`;
  return { ...rest, reason: [reason.slice(0, REASON), cut].filter((text) => text !== "").join("; ") };
}

export function tooLarge(bytes: number, maxPayload: number): string {
  return `the report has ${bytes} bytes, the broker takes ${maxPayload - REPORT_ENVELOPE / 2}`;
}

export function asData(report: Report): Json {
  return report as unknown as Json;
}

function grouped(parts: readonly OutputPart[], most: number): OutputPart[][] {
  const groups: OutputPart[][] = [];
  let bytes = 0;
  const pieces = parts.flatMap((part) =>
    part.text.length <= most ? [part] : toParts(part.stream, part.offset, partBytes(part), most),
  );
  for (const part of pieces) {
    const group = groups.at(-1);
    if (group === undefined || bytes + part.text.length > most) {
      groups.push([part]);
      bytes = part.text.length;
    } else {
      group.push(part);
      bytes += part.text.length;
    }
  }
  return groups;
}
