import { normalise, type StewardError } from "../../message/errors.ts";
import type { Paint } from "./paint.ts";
import { jsonText, visible } from "./text.ts";

/** An error as one block for people: the fault, then the remedy. */
export function faultBlock(thrown: unknown, paint: Paint): string {
  const error = normalise(thrown);
  const lines = error.message.split("\n").map(visible).join("\n  ");
  return `${paint("red", "✗ error:")} ${lines}\n  ${paint("dim", "→")} ${visible(error.remedy).replace(/ {2,}/g, " ")}\n`;
}

/** An error for programs, on one line. */
export function faultJson(thrown: unknown): string {
  const error: StewardError = normalise(thrown);
  const { code, message, remedy, details, exit } = error;
  return `${jsonText({ error: { code, message, remedy, details, exit } })}\n`;
}
