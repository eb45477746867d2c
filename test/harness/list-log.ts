import type { Logger } from "../../src/platform/logger.ts";

export interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: object;
  readonly text: string;
}

/** A log that keeps its lines for a test to look at. */
export function listLog(): Logger & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const write = (level: Line["level"]) => (fields: object, text: string) => void lines.push({ level, fields, text });
  return { lines, debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
